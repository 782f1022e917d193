//! A first configuration: finds the shared storage and writes a file to begin with.

use std::path::{Path, PathBuf};

use super::layers;
use crate::error::Failure;
use crate::host::mounts::{Mount, Mounts};
use crate::host::{Host, files};
use crate::quote;

/// File systems that several nodes mount, the likeliest home of a cluster's users first.
const SHARED: &[&str] =
    &["gpfs", "lustre", "wekafs", "beegfs", "panfs", "ceph", "pvfs2", "nfs4", "nfs", "glusterfs", "juicefs", "cifs"];

/// Where no shared home lies, though a shared file system may be mounted there.
const SYSTEM: &[&str] = &["/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/tmp", "/usr", "/var"];

/// What the user agreed to beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Consent {
    /// Ask nothing.
    pub yes: bool,
    /// Print the file, write nothing.
    pub dry_run: bool,
}

/// `hpcsh config init`: writes a first configuration to `--config FILE`, `$HPCSH_CONFIG` or the user's own file.
///
/// A file that is there is left alone.
///
/// # Errors
/// Where no shared storage is named or found, or the file cannot be written.
pub fn run(
    host: &mut Host,
    argument: Option<&Path>,
    shared_home: Option<PathBuf>,
    consent: Consent,
) -> Result<(), Failure> {
    let named = argument.map(Path::to_owned).or_else(|| host.nonempty("HPCSH_CONFIG").map(PathBuf::from));
    let file = named.or_else(|| layers::user_file(host)).ok_or_else(|| {
        Failure::failed("no home directory is known, so there is no place for a configuration")
            .hint("set HOME, or name the file with --config FILE")
    })?;
    let place = host.locate(&file);
    if !consent.dry_run && files::exists(&place) {
        host.say(format!("{} is there already: nothing changed", file.display()));
        return Ok(());
    }
    let shared_home = match shared_home {
        Some(path) if path.is_absolute() => path,
        Some(path) => {
            let message = format!("the shared home {} is no absolute path", path.display());
            return Err(Failure::usage(message).hint("begin it with /"));
        }
        None => propose(host, consent.yes || consent.dry_run)?,
    };
    let Some(name) = shared_home.to_str().filter(|name| !name.contains(char::is_control)) else {
        let message = format!("a configuration cannot name the shared home {}", shared_home.display());
        return Err(Failure::usage(message).hint("it is UTF-8 text without control characters"));
    };
    let text = text(name);
    if consent.dry_run {
        host.say(format!("would write {}:", file.display()));
        host.print(text);
        return Ok(());
    }
    files::make_parent(&place)
        .and_then(|()| files::create(&place, text.as_bytes()))
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))?;
    host.say(format!("wrote {}: the shared home is {name}", file.display()));
    Ok(())
}

/// The best mounted candidate, agreed to by the user.
fn propose(host: &mut Host, yes: bool) -> Result<PathBuf, Failure> {
    let none = "name it with --shared-home DIR";
    let Some(mount) = candidates(host.mounts()).first().copied().cloned() else {
        return Err(Failure::usage("no shared file system is mounted here").hint(none));
    };
    if !yes && !host.confirm(&format!("{} ({}) is mounted: is it the shared home?", mount.point.display(), mount.kind))
    {
        return Err(Failure::usage("no shared home was chosen").hint(none));
    }
    Ok(mount.point)
}

/// The mounted shared file systems that may be somebody's shared home, the best candidate first.
fn candidates(mounts: &Mounts) -> Vec<&Mount> {
    let mut found: Vec<(usize, &Mount)> = mounts.iter().filter_map(|mount| Some((rank(mount)?, mount))).collect();
    found.sort_by_key(|(rank, mount)| (*rank, mount.point.components().count()));
    found.dedup_by(|one, other| one.1.point == other.1.point);
    found.into_iter().map(|(_, mount)| mount).collect()
}

/// How likely the shared home lies there, 0 the likeliest.
fn rank(mount: &Mount) -> Option<usize> {
    let plain = mount.kind.strip_prefix("fuse.").unwrap_or(&mount.kind);
    let rank = SHARED.iter().position(|shared| *shared == plain)?;
    // A node without a disk has its whole system on NFS: nobody's shared home.
    let is_system = SYSTEM.iter().any(|dir| mount.point.starts_with(dir)) || mount.point == Path::new("/");
    (!is_system).then_some(rank)
}

/// The text of a first configuration.
pub fn text(shared_home: &str) -> String {
    let shared_home = quote::json(&shared_home.replace('$', "$$"));
    format!(
        r#"# hpcsh: `hpcsh config show` lists every key, `hpcsh config check` reads this file again.
# Values may use $shared_home, $HOME, $USER, $HOSTNAME, and $$ for a dollar sign.

shared_home = {shared_home}
state_dir = "$shared_home/home/$USER/.local/state/hpcsh"  # what must outlive a container: history, tokens

[env]
presets = ["huggingface", "uv", "wandb"]  # also torch, vllm, conda, …; `hpcsh env --explain` tells the reasons

[env.set]
# UV_INDEX = "http://nexus.your.mirror/pypi/simple"
# UV_TORCH_BACKEND = "cu128"

[path]
prepend = ["$HOME/.local/bin"]

[node]
verdict = "auto"             # or "online" / "offline"
offline_hosts = []           # globs on the host name: ["gpu*"]
online_hosts = []            # ["login*"]
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_file_systems_are_found_in_the_kernels_table() {
        let table = "\
22 1 0:49 / / rw,relatime - nfs4 server:/images/node rw
23 22 0:49 /etc/hosts /etc/hosts rw,relatime - nfs4 server:/images/node rw
40 22 0:50 / /home rw shared:5 - nfs4 server:/home rw
41 22 0:51 / /my\\040gpfs rw - gpfs data rw
42 22 0:52 / /scratch/deep rw - fuse.juicefs meta rw
";
        let mounts = Mounts::parse(table.as_bytes());
        let points: Vec<_> = candidates(&mounts).into_iter().map(|mount| mount.point.clone()).collect();
        assert_eq!(points, ["/my gpfs", "/home", "/scratch/deep"].map(PathBuf::from));
    }
}
