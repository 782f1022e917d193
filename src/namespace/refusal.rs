//! Why there is no user namespace: the setting that forbids it, as it stands on this node, and the remedy.

use std::io;
use std::path::Path;

use crate::error::Failure;
use crate::host::process::Own;
use crate::host::{Host, files};

/// A setting, the value that forbids, and what root does about it.
struct Setting {
    name: &'static str,
    is_off: fn(&str) -> bool,
    remedy: &'static str,
}

/// What matters only to who wants a network.
const NETWORKS: &str = "user.max_net_namespaces";

/// In the order in which they are looked at.
const SETTINGS: [Setting; 5] = [
    Setting {
        name: "user.max_user_namespaces",
        is_off: |value| value == "0",
        remedy: "as root: sysctl -w user.max_user_namespaces=15000, and the same in /etc/sysctl.d to keep it",
    },
    Setting {
        name: "kernel.unprivileged_userns_clone",
        is_off: |value| value == "0",
        remedy: "as root: sysctl -w kernel.unprivileged_userns_clone=1, and the same in /etc/sysctl.d to keep it",
    },
    Setting {
        name: "kernel.apparmor_restrict_unprivileged_userns",
        is_off: |value| value != "0",
        remedy: "as root: an AppArmor profile for this program with the rule `userns,`, or sysctl -w \
                 kernel.apparmor_restrict_unprivileged_userns=0",
    },
    Setting {
        name: NETWORKS,
        is_off: |value| value == "0",
        remedy: "as root: sysctl -w user.max_net_namespaces=15000, and the same in /etc/sysctl.d to keep it",
    },
    Setting {
        name: "user.max_mnt_namespaces",
        is_off: |value| value == "0",
        remedy: "as root: sysctl -w user.max_mnt_namespaces=15000, and the same in /etc/sysctl.d to keep it",
    },
];

/// Root's files could be given capabilities from inside (`user_namespaces(7)`, `CAP_SETFCAP`).
pub fn root_without_capability(own: Own) -> Failure {
    refused(own, "root without CAP_SETFCAP cannot be itself in a user namespace (Linux 5.12)")
        .hint("as an ordinary user; or start the container with --cap-add SETFCAP")
}

fn refused(own: Own, because: &str) -> Failure {
    let what = match own {
        Own::Mounts => "mounts",
        Own::Network => "network",
    };
    Failure::runner(format!("the kernel allows no {what} of one's own here: {because}"))
}

/// What the kernel's refusal of a world of one's own comes of.
pub fn why(host: &Host, own: Own, error: &io::Error) -> Failure {
    let text = |path: &str| {
        let bytes = files::read(&host.locate(Path::new(path))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    };
    let refused = |because: &str| refused(own, because);
    for setting in SETTINGS.iter().filter(|setting| own == Own::Network || setting.name != NETWORKS) {
        let value = text(&format!("/proc/sys/{}", setting.name.replace('.', "/")));
        if !value.is_empty() && (setting.is_off)(&value) {
            return refused(&format!("{} is {value}", setting.name)).hint(setting.remedy);
        }
    }
    let status = text("/proc/self/status");
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL) => {
            refused("it was built without user namespaces (CONFIG_USER_NS)").hint("on another node, or as root")
        }
        Some(libc::ENOSPC) => refused("there are as many namespaces as user.max_user_namespaces and its like allow")
            .hint("as root: raise them with sysctl, or end what holds them: lsns"),
        Some(libc::EPERM | libc::EACCES) if field("Seccomp:").is_some_and(|mode| mode != "0") => {
            refused("a seccomp filter forbids unshare, as containers have one").hint(
                "start the container with --security-opt seccomp=unconfined or --cap-add SYS_ADMIN; in Kubernetes: \
                 securityContext.seccompProfile.type Unconfined; or run this outside of it",
            )
        }
        Some(libc::EPERM) => {
            refused(&format!("{error}; in a chroot there are no user namespaces, and SELinux may forbid them"))
                .hint("outside of the chroot, or as root; ausearch -m avc tells what SELinux has forbidden")
        }
        _ => refused(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(texts: &[(&str, &str)], code: i32) -> Failure {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in texts {
            let path = root.path().join(name);
            files::make_parent(&path).unwrap();
            files::put(&path, text.as_bytes()).unwrap();
        }
        let host = Host::pretend(root.path(), &[], Box::new(Vec::new()), Box::new(Vec::new()));
        why(&host, Own::Network, &io::Error::from_raw_os_error(code))
    }

    #[test]
    fn the_setting_that_is_off_is_named_with_its_remedy() {
        let on = [("proc/sys/user/max_user_namespaces", "96365\n"), ("proc/self/status", "Name:\tx\nSeccomp:\t0\n")];
        for (name, value) in [
            ("user.max_user_namespaces", "0"),
            ("kernel.unprivileged_userns_clone", "0"),
            ("kernel.apparmor_restrict_unprivileged_userns", "1"),
            ("user.max_net_namespaces", "0"),
        ] {
            let path = format!("proc/sys/{}", name.replace('.', "/"));
            let files: Vec<_> =
                on.into_iter().filter(|(other, _)| *other != path).chain([(path.as_str(), value)]).collect();
            let failure = told(&files, libc::EPERM);
            assert!(failure.message.ends_with(&format!("here: {name} is {value}")), "{failure}");
            assert!(failure.hint.as_ref().unwrap().contains(name), "{failure}");
            assert_eq!(failure.kind.code(), 125);
        }
    }

    #[test]
    fn containers_chroots_and_old_kernels_are_told_apart() {
        let filtered = [("proc/self/status", "Seccomp:\t2\nSeccomp_filters:\t1\n")];
        assert!(told(&filtered, libc::EPERM).message.contains("a seccomp filter forbids unshare"));
        assert!(told(&[("proc/self/status", "Seccomp:\t0\n")], libc::EPERM).message.contains("chroot"));
        assert!(told(&[], libc::EINVAL).message.contains("CONFIG_USER_NS"));
        assert!(told(&[], libc::ENOSPC).message.contains("as many namespaces"));
    }
}
