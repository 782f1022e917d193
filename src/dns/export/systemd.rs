//! systemd: a unit that runs `hpcsh dns serve`, with no more rights than that takes.

use std::fmt::Write as _;
use std::path::Path;

use super::{Export, shown};
use crate::dns::settings;
use crate::error::Failure;

/// A file for `/etc/systemd/system`.
///
/// # Errors
/// Where the program's path, or the configuration's, is not UTF-8, or the name of the user is none.
pub fn text(export: &Export) -> Result<String, Failure> {
    let mut command = word(&export.program)?;
    if let Some(config) = &export.config {
        command += " --config ";
        command += &word(config)?;
    }
    let user = &export.settings.user;
    if user.is_empty() || !user.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Err(Failure::usage(format!("`dns.user`: \"{}\" is no name for a unit", crate::quote::visible(user))));
    }
    // systemd warns of `nobody`, who has more than one service, and has somebody better.
    let user = if user == settings::USER { "DynamicUser=yes".to_owned() } else { format!("User={user}") };
    let storage = match &export.config {
        Some(config) => format!("{} {}", word(&export.program)?, word(config)?),
        None => word(&export.program)?,
    };
    Ok(UNIT
        .replace("VERSION", env!("CARGO_PKG_VERSION"))
        .replace("USER", &user)
        .replace("STORAGE", &storage)
        .replace("COMMAND", &command))
}

/// A path as a word of a unit: systemd.service(5), "Command lines", systemd.unit(5), "Specifiers".
fn word(path: &Path) -> Result<String, Failure> {
    let wrong = || Failure::failed(format!("{} cannot be written in a unit: it is not UTF-8", shown(path)));
    let mut word = String::from("\"");
    for c in path.to_str().ok_or_else(wrong)?.chars() {
        match c {
            '"' | '\\' => word.extend(['\\', c]),
            '%' | '$' => word.extend([c, c]),
            c if c.is_ascii_control() => {
                let _ = write!(word, "\\x{:02x}", u32::from(c));
            }
            c => word.push(c),
        }
    }
    word.push('"');
    Ok(word)
}

const UNIT: &str = r#"# Written by `hpcsh dns export systemd`, version VERSION.
# For /etc/systemd/system/hpcsh-dns.service; then
#
#   systemctl daemon-reload && systemctl enable --now hpcsh-dns.service    answers on the node
#   hpcsh dns on                                                           the node asks it
#
# `systemctl reload` reads the configuration again. A stop puts the original resolv.conf back: after a restart the node asks the
# resolver again by `hpcsh dns on`.
#
# There is no socket unit: a port that is open while nobody answers makes every lookup wait, and a closed one passes it on to the
# next name server of resolv.conf at once.

[Unit]
Description=hpcsh: names of the internet fail at once
After=network.target
Before=nss-lookup.target
Wants=nss-lookup.target
RequiresMountsFor=STORAGE

[Service]
Type=notify
NotifyAccess=main
ExecStart=COMMAND dns serve
ExecReload=/bin/kill -HUP $MAINPID
# As root, and outside of the walls below. Not where it is started again at once: a closed port costs a lookup a millisecond.
ExecStopPost=+/bin/sh -c '[ "$$SERVICE_RESULT" != success ] || exec "$$@"' sh COMMAND dns restore
Restart=on-failure
RestartSec=1s
TimeoutStopSec=10s

USER
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
RuntimeDirectory=hpcsh-dns
RuntimeDirectoryMode=0755
UMask=0022
LimitNOFILE=16384

NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::takeover::server;

    #[test]
    fn its_name_is_that_which_is_started() {
        assert!(UNIT.contains(&format!("/etc/systemd/system/{};", server::UNIT)));
    }

    #[test]
    fn a_path_is_one_word() {
        let said = |path: &str| word(Path::new(path)).unwrap();
        assert_eq!(said("/opt/hpc sh/bin/hpcsh"), "\"/opt/hpc sh/bin/hpcsh\"");
        assert_eq!(said("/a\"b\\c%d$e\nf"), "\"/a\\\"b\\\\c%%d$$e\\x0af\"");
        let broken: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"/\xff");
        assert!(word(Path::new(broken)).is_err());
    }
}
