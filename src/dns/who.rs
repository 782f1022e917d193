//! Who answers at a name server's place: our own resolver, another one, nobody.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::wire::REASON;
use crate::host::clock;

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A resolver of ours, which blocks the internet.
    Ours,
    /// Another one.
    Another,
    /// Somebody, or nobody: nothing came in time.
    Silence,
    /// Nobody: the kernel refuses at once.
    Refusal,
}

impl Answer {
    /// Whether none came.
    pub fn is_none(self) -> bool {
        matches!(self, Self::Silence | Self::Refusal)
    }
}

/// Asks whoever serves there for a name that is never there (RFC 6761, 6.4): ours says why.
pub fn ask(server: SocketAddr, patience: Duration) -> Answer {
    match answer(server, patience) {
        Ok(answer) => answer,
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Answer::Silence,
        Err(_) => Answer::Refusal,
    }
}

fn answer(server: SocketAddr, patience: Duration) -> io::Result<Answer> {
    let id = u16::try_from(clock::hundredths() & 0xffff).unwrap_or_default().to_be_bytes();
    // One question, for the address of `hpcsh.invalid`, with EDNS (RFC 6891), since the reason is an option of that.
    let mut query = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 1], b"\x05hpcsh\x07invalid\0", &[0, 1, 0, 1]].concat();
    query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    let local: IpAddr = if server.is_ipv4() { [0, 0, 0, 0].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((local, 0))?;
    // From now on the kernel tells that nobody is there, and drops what comes from others.
    socket.connect(server)?;
    socket.set_read_timeout(Some(patience))?;
    socket.send(&query)?;
    let mut bytes = [0; 1232];
    let length = socket.recv(&mut bytes)?;
    // What ours says of a blocked name to who can take it (RFC 8914, 4.16).
    let is_ours = bytes[..length].windows(REASON.len()).any(|part| part == REASON.as_bytes());
    Ok(if is_ours && bytes[..2] == id { Answer::Ours } else { Answer::Another })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Who is there where this is answered to the question.
    fn told(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Answer {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        thread::spawn(move || {
            let mut bytes = [0; 512];
            let (length, peer) = server.recv_from(&mut bytes).unwrap();
            server.send_to(&answer(&bytes[..length]), peer).unwrap();
        });
        ask(address, PATIENCE)
    }

    #[test]
    fn ours_is_known_by_its_word() {
        assert_eq!(told(|query| [query, b"\0\x0f\0\x0fhpcsh offline"].concat()), Answer::Ours);
        assert_eq!(told(<[u8]>::to_vec), Answer::Another);
        assert_eq!(told(|_| Vec::new()), Answer::Another);
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(ask(closed, PATIENCE), Answer::Refusal);
        let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(ask(deaf.local_addr().unwrap(), Duration::from_millis(20)), Answer::Silence);
    }
}
