//! Who am I, and who is that: from /etc/passwd, never through the C library.
//!
//! Users of a directory service (LDAP, SSSD) are not in that file; callers fall back to what the environment says.

use std::path::{Path, PathBuf};

use super::{Host, files};

/// One line of /etc/passwd, as far as anybody here asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Numeric id.
    pub id: u32,
    /// Numeric id of the first group.
    pub group: u32,
    /// Home directory.
    pub home: PathBuf,
}

/// The effective user id of this process.
pub fn my_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The user with this id, if /etc/passwd has it.
pub fn by_id(host: &Host, id: u32) -> Option<User> {
    find(host, |user| user.id == id)
}

/// The user of this name, if /etc/passwd has it.
pub fn by_name(host: &Host, name: &str) -> Option<User> {
    find(host, |user| user.name == name)
}

fn find(host: &Host, wanted: impl Fn(&User) -> bool) -> Option<User> {
    let table = files::read(&host.locate(Path::new("/etc/passwd"))).ok()?;
    String::from_utf8_lossy(&table).lines().filter_map(parse).find(wanted)
}

/// `name:password:uid:gid:gecos:home:shell`
fn parse(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let id = fields.nth(1)?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let home = PathBuf::from(fields.nth(1)?);
    Some(User { name, id, group, home })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_passwd_names_a_user() {
        let user = User { name: "ada".into(), id: 1000, group: 100, home: "/home/ada".into() };
        assert_eq!(parse("ada:x:1000:100:Ada,,,:/home/ada:/bin/zsh"), Some(user));
        assert_eq!(parse("+@netgroup::::::"), None);
        assert_eq!(parse(""), None);
    }
}
