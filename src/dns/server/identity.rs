//! Who the server is once it has its sockets: nobody who may do anything.

use std::io;

use crate::error::Failure;
use crate::host::{Host, privileges, users};

/// Gives up what root may do, for good. To be called while there is one thread.
///
/// Gives what is to be said of it.
///
/// # Errors
/// Where there is no such user, or the kernel keeps us from becoming it.
pub fn give_up(host: &Host, user: &str) -> Result<Option<String>, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("the privileges cannot be given up: {error}"));
    if users::my_id() != 0 {
        return privileges::renounce().map(|()| None).map_err(failed);
    }
    let number = user.parse::<u32>().ok();
    let found = match number {
        Some(number) => users::by_id(host, number),
        None => users::by_name(host, user),
    };
    let (user_id, group) = match (found, number) {
        (Some(found), _) => (found.id, found.group),
        (None, Some(number)) => (number, number),
        (None, None) => {
            return Err(Failure::usage(format!("there is no user {user} in /etc/passwd (`dns.user`)"))
                .hint("name another one, or a number; `root` keeps what it may do"));
        }
    };
    if user_id == 0 {
        return Ok(None);
    }
    match privileges::become_user(user_id, group) {
        Ok(()) => Ok(None),
        // Root of a namespace that knows nobody else, and means no more outside of it than who has made it.
        Err(error) if is_lonely(&error) => {
            privileges::renounce().map_err(failed)?;
            Ok(Some(format!("there is no user {user} in this user namespace: the server stays who it is")))
        }
        Err(error) => Err(failed(error)),
    }
}

fn is_lonely(error: &io::Error) -> bool {
    // EINVAL: no such user. EPERM: no groups may be given up there.
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) && !maps_everybody()
}

/// Whether this process is in a namespace in which users are as they are on the node.
fn maps_everybody() -> bool {
    crate::host::files::read(std::path::Path::new("/proc/self/uid_map"))
        .is_ok_and(|map| String::from_utf8_lossy(&map).split_whitespace().eq(["0", "0", "4294967295"]))
}
