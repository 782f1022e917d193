//! A unix socket at which a service of ours tells something: who connects is told, and the connection ends.
//!
//! Nothing is read from those who connect, so that nobody can keep the service waiting.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::{self, Timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::{clock, files};

/// How long somebody may take to hear an answer, which has room in his buffer.
const PATIENCE: Duration = Duration::from_millis(500);
/// From one answer to the next: who asks without end takes little of the processor.
const PAUSE: Duration = Duration::from_millis(2);
/// No answer is longer.
const LONGEST: u64 = 1 << 20;

/// Listens there, where everybody may connect who may enter the directory. What lies there of an earlier service is replaced.
///
/// # Errors
/// The system's; a path of more than 107 bytes is too long for the kernel (unix(7)).
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    match files::remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    // To connect is to write.
    rustix::fs::chmod(path, rustix::fs::Mode::from_raw_mode(0o666))?;
    Ok(listener)
}

/// Tells everybody who connects, without end. `answer` gets the user's number.
pub fn tell(listener: &UnixListener, answer: impl Fn(u32) -> Vec<u8>) {
    loop {
        if let Ok((stream, _)) = listener.accept() {
            // Who has gone meanwhile misses nothing.
            let _ = told(stream, &answer);
        }
        // Without files, say, `accept` fails at once.
        clock::sleep(PAUSE);
    }
}

fn told(mut stream: UnixStream, answer: &impl Fn(u32) -> Vec<u8>) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let user = sockopt::socket_peercred(&stream)?.uid.as_raw();
    stream.write_all(&answer(user))
}

/// What is told there.
///
/// # Errors
/// The system's: `NotFound` and `ConnectionRefused` where nobody listens, `WouldBlock` where he does not answer in time.
pub fn ask(path: &Path, deadline: Duration) -> io::Result<Vec<u8>> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // For the connection too, which waits where the queue is full.
    sockopt::set_socket_timeout(&socket, Timeout::Send, Some(deadline))?;
    sockopt::set_socket_timeout(&socket, Timeout::Recv, Some(deadline))?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let mut bytes = Vec::new();
    UnixStream::from(socket).take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_told_and_known() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("socket");
        let missing = |error: io::Error| error.kind();
        assert_eq!(ask(&path, PATIENCE).map_err(missing), Err(io::ErrorKind::NotFound));
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(ask(&path, PATIENCE).map_err(missing), Err(io::ErrorKind::ConnectionRefused));
        let listener = listen(&path).unwrap();
        assert_eq!(ask(&path, Duration::from_millis(20)).map_err(missing), Err(io::ErrorKind::WouldBlock));
        std::thread::spawn(move || tell(&listener, |user| format!("{user}").into_bytes()));
        // The second as well, whatever the first one did.
        drop(UnixStream::connect(&path).unwrap());
        assert_eq!(ask(&path, 10 * PATIENCE).unwrap(), crate::host::users::my_id().to_string().into_bytes());
    }

    #[test]
    fn a_path_that_the_kernel_cannot_take_is_an_error() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("x".repeat(108));
        assert!(listen(&path).is_err());
        assert!(ask(&path, PATIENCE).is_err());
    }
}
