//! A command that outlives whoever starts it: in a session of its own, with nothing of its starter's but the environment.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::IntoRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;

use super::fork;

/// Starts it in the root directory, with what it says in the file `log`, which begins anew. `note` is done before it begins, in its
/// process: so there is no moment in which it runs and nobody knows of it.
///
/// # Errors
/// Where the log cannot be written, or the kernel gives no process. What is wrong with the command itself stands in the log.
pub fn start(words: &[OsString], log: &Path, note: impl FnOnce() -> io::Result<()>) -> io::Result<Pid> {
    let open = || {
        let mut how = OpenOptions::new();
        how.append(true).create(true).mode(0o644).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(log)
    };
    open()?.set_len(0)?;
    let (program, rest) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    fork(-1, || {
        // The lowest numbers are free: these become its three streams.
        let _ = rustix::fs::open("/dev/null", OFlags::RDONLY, Mode::empty())?.into_raw_fd();
        let output = open()?;
        let _ = rustix::io::fcntl_dupfd_cloexec(&output, 2)?.into_raw_fd();
        for stream in [rustix::stdio::stdout(), rustix::stdio::stderr()] {
            rustix::io::fcntl_setfd(stream, rustix::io::FdFlags::empty())?;
        }
        let _ = output.into_raw_fd();
        note()?;
        #[allow(clippy::disallowed_methods)] // this is the door
        let error = Command::new(program).args(rest).current_dir("/").exec();
        let said = format!("error: {}: {error}\n", program.display());
        let _ = rustix::io::write(rustix::stdio::stderr(), said.as_bytes());
        Err(error)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::watch::{End, Watch};
    use crate::host::{clock, files};

    fn said(words: &[&str]) -> (String, bool) {
        let temporary = tempfile::tempdir().unwrap();
        let (log, noted) = (temporary.path().join("log"), temporary.path().join("noted"));
        files::put(&log, b"of an earlier one\n").unwrap();
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let pid = start(&words, &log, || files::put(&noted, b"")).unwrap();
        let watch = Watch::of_child(pid);
        let end = loop {
            match watch.ended() {
                Some(end) => break end,
                None => clock::sleep(Duration::from_millis(5)),
            }
        };
        assert!(files::exists(&noted));
        (String::from_utf8(files::read(&log).unwrap()).unwrap(), end == End::Code(0))
    }

    #[test]
    fn it_has_a_session_of_its_own_and_its_words_go_into_the_log() {
        let text = "echo out; echo err >&2; pwd; read line || echo end; ls /proc/self/fd | tr '\\n' ' '";
        let (log, is_well) = said(&["sh", "-c", text]);
        // `ls` has the directory open itself.
        assert_eq!((log.as_str(), is_well), ("out\nerr\n/\nend\n0 1 2 3 ", true));
        let (log, _) = said(&["sh", "-c", "set -- $(cat /proc/$$/stat); [ $6 = $$ ] && echo leads its session"]);
        assert_eq!(log, "leads its session\n");
    }

    #[test]
    fn what_cannot_be_started_is_told_in_the_log() {
        assert_eq!(
            said(&["/no/such"]),
            ("error: /no/such: No such file or directory (os error 2)\n".to_owned(), false)
        );
    }
}
