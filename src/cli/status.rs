//! `hpcsh status`

use clap::Command;

pub(super) fn command() -> Command {
    Command::new("status").about("Tell whether this node is online, and why").defer(|command| {
        command
            .arg(super::flag("json", "As JSON"))
            .arg(super::flag("refresh", "Look at the network now"))
            .arg(super::flag("check", "Exit with 3 where the node is not online"))
            .arg(super::flag("watch", "Go on, and tell each change"))
    })
}
