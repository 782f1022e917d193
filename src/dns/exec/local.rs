//! Who answers at port 53 of loopback: nobody, our own resolver, somebody else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::dns::wire::REASON;

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// Nobody: the kernel refuses at once.
    Nobody,
    /// A resolver of ours, which blocks the internet.
    Ours,
    /// Another one, or one that says nothing.
    Other,
}

/// Ours answers within a fraction of it.
const PATIENCE: Duration = Duration::from_millis(50);

/// Asks for a name that cannot be there (RFC 6761, 6.4).
pub fn look() -> Local {
    ask((Ipv4Addr::LOCALHOST, 53).into()).unwrap_or(Local::Nobody)
}

fn ask(server: SocketAddr) -> io::Result<Local> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    // From now on the kernel tells that nobody is there, and drops what comes from others.
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // One question for addresses, and EDNS behind it, without which no extended error is told.
    let query = b"\0\x35\x01\0\0\x01\0\0\0\0\0\x01\x05hpcsh\x07invalid\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0";
    socket.send(query)?;
    let mut answer = [0; 1232];
    match socket.recv(&mut answer) {
        Ok(length) => {
            // What ours says of a blocked name to who can take it (RFC 8914, 4.16).
            let word = REASON.as_bytes();
            let is_ours = answer[..length].windows(word.len()).any(|window| window == word);
            Ok(if is_ours && answer[..2] == query[..2] { Local::Ours } else { Local::Other })
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(Local::Nobody),
        Err(_) => Ok(Local::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Who is there where this is answered to the question.
    fn told(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Local {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        thread::spawn(move || {
            let mut bytes = [0; 512];
            let (length, peer) = server.recv_from(&mut bytes).unwrap();
            server.send_to(&answer(&bytes[..length]), peer).unwrap();
        });
        ask(address).unwrap()
    }

    #[test]
    fn ours_is_known_by_its_word() {
        assert_eq!(told(|query| [query, b"\0\x0f\0\x0fhpcsh offline"].concat()), Local::Ours);
        assert_eq!(told(<[u8]>::to_vec), Local::Other);
        assert_eq!(told(|_| Vec::new()), Local::Other);
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(ask(closed).unwrap(), Local::Nobody);
    }
}
