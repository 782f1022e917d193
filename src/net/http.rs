//! As much of HTTP as a probe needs: the head of an answer, and a short body.

use std::io::{self, Read, Write};

use super::stream::Trouble;

/// The most that is read of a head.
const HEAD: usize = 16 << 10;
/// The most that is read of a body.
const BODY: u64 = 64 << 10;

/// The first lines of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// The number in the first line.
    pub status: u16,
    /// Bytes of the body, where it is told.
    pub length: Option<u64>,
}

/// Sends a request and reads the head of the answer, and not a byte more: what follows may be TLS.
///
/// # Errors
/// Those of the stream; what is no HTTP.
pub fn ask(stream: &mut (impl Read + Write), request: &str) -> Result<Head, Trouble> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() >= HEAD {
            return Err(Trouble::Other("the answer is no HTTP".into()));
        }
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    parse(&String::from_utf8_lossy(&head)).ok_or_else(|| Trouble::Other("the answer is no HTTP".into()))
}

fn parse(head: &str) -> Option<Head> {
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let status = first.next().filter(|version| version.starts_with("HTTP/")).and(first.next())?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok());
    Some(Head { status: status.parse().ok().filter(|status| (100..1000).contains(status))?, length })
}

/// The body that follows the head: as long as that says, or until the end.
///
/// # Errors
/// Those of the stream, where nothing of the body has come.
pub fn body(stream: &mut impl Read, head: &Head) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    let read = stream.take(head.length.map_or(BODY, |length| length.min(BODY))).read_to_end(&mut body);
    match read {
        Err(error) if body.is_empty() && error.kind() != io::ErrorKind::UnexpectedEof => Err(error.into()),
        _ => Ok(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with these bytes, whatever it is asked.
    struct Canned<'a>(&'a [u8]);

    impl Read for Canned<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes)
        }
    }

    impl Write for Canned<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_head_is_read_and_nothing_behind_it() {
        let mut stream = Canned(b"HTTP/1.1 200 Connection established\r\nVia: x\r\ncontent-LENGTH: 3\r\n\r\nabcdef");
        let head = ask(&mut stream, "").unwrap();
        assert_eq!(head, Head { status: 200, length: Some(3) });
        assert_eq!(stream.0, b"abcdef");
        assert_eq!(body(&mut stream, &head), Ok(b"abc".to_vec()));
    }

    #[test]
    fn what_is_no_http_is_said() {
        for wrong in
            ["SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 99\r\n\r\n", "\n\n"]
        {
            let trouble = ask(&mut Canned(wrong.as_bytes()), "");
            assert_eq!(trouble, Err(Trouble::Other("the answer is no HTTP".into())), "{wrong}");
        }
        assert_eq!(ask(&mut Canned(b"HTTP/1.1 200 OK\r\n"), ""), Err(Trouble::Closed));
        let endless = b"x".repeat(1 << 20);
        assert!(matches!(ask(&mut Canned(&endless), ""), Err(Trouble::Other(_))));
    }
}
