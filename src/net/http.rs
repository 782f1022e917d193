//! As much of HTTP as a probe needs: the head of an answer, and a short body.

use std::io::{self, BufRead as _, BufReader, Read, Write};

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
    /// The other lines: names in small letters, and values.
    fields: Vec<(String, String)>,
}

impl Head {
    /// The value of the first line of this name, which is given in small letters.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the body comes in pieces, each with its length before it.
    pub fn comes_in_pieces(&self) -> bool {
        self.field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }
}

/// Sends a request and reads the head of the answer, and not a byte more: what follows may be TLS.
///
/// # Errors
/// Those of the stream; what is no HTTP.
pub fn ask(stream: &mut (impl Read + Write), request: &str) -> Result<Head, Trouble> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    // As many words may come before the answer, which are none (RFC 9110, 15.2). 101 is one: another protocol follows.
    for _ in 0..8 {
        let head = head(stream)?;
        if !(100..200).contains(&head.status) || head.status == 101 {
            return Ok(head);
        }
    }
    Err(Trouble::Other("the answer is no HTTP".into()))
}

fn head(stream: &mut impl Read) -> Result<Head, Trouble> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() >= HEAD {
            return Err(Trouble::Other("the answer is no HTTP".into()));
        }
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        // Whoever speaks something else may wait for us to say more.
        if head.len() == 5 && head != b"HTTP/" {
            return Err(Trouble::Other("the answer is no HTTP".into()));
        }
    }
    parse(&String::from_utf8_lossy(&head)).ok_or_else(|| Trouble::Other("the answer is no HTTP".into()))
}

fn parse(head: &str) -> Option<Head> {
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let status = first.next().filter(|version| version.starts_with("HTTP/")).and(first.next())?;
    let split =
        |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let fields: Vec<(String, String)> = lines.filter_map(split).collect();
    let mut head =
        Head { status: status.parse().ok().filter(|status| (100..1000).contains(status))?, length: None, fields };
    head.length = head.field("content-length").and_then(|value| value.parse().ok());
    Some(head)
}

/// The body that follows the head: as long as that says, or until the end.
///
/// # Errors
/// Those of the stream, where nothing of the body has come.
pub fn body(stream: &mut impl Read, head: &Head) -> Result<Vec<u8>, Trouble> {
    body_within(stream, head, BODY)
}

/// The same, and at the most so many bytes.
///
/// # Errors
/// As [`body`].
pub fn body_within(stream: &mut impl Read, head: &Head, most: u64) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    // Its own count of bytes does not hold for one that comes in pieces.
    let read = if head.comes_in_pieces() {
        joined(stream.take(most), &mut body)
    } else {
        stream.take(head.length.map_or(most, |length| length.min(most))).read_to_end(&mut body).map(drop)
    };
    match read {
        Err(error) if body.is_empty() && error.kind() != io::ErrorKind::UnexpectedEof => Err(error.into()),
        _ => Ok(body),
    }
}

/// Adds what the pieces of a body hold (RFC 9112, 7.1), as far as they can be read. The last one is its end: the connection may
/// stay open.
fn joined(stream: impl Read, found: &mut Vec<u8>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line);
        let length = u64::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16).unwrap_or_default();
        if length == 0 {
            return Ok(());
        }
        (&mut stream).take(length).read_to_end(found)?;
        // The end of its line.
        stream.read_until(b'\n', &mut Vec::new())?;
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
        assert_eq!((head.status, head.length, head.field("via")), (200, Some(3), Some("x")));
        assert_eq!(stream.0, b"abcdef");
        assert_eq!(body(&mut stream, &head), Ok(b"abc".to_vec()));
    }

    #[test]
    fn a_body_may_come_in_pieces() {
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
        let mut stream = Canned(chunked);
        let head = ask(&mut stream, "").unwrap();
        assert_eq!(body(&mut stream, &head), Ok(b"abcde".to_vec()));
        for (cut, found) in [("5\r\nab", "ab"), ("x\r\nab", ""), ("", ""), ("ffffffffffffffff\r\nab", "ab")] {
            let mut body = Vec::new();
            joined(cut.as_bytes(), &mut body).unwrap();
            assert_eq!(body, found.as_bytes(), "{cut}");
        }
    }

    #[test]
    fn what_speaks_first_is_not_waited_for() {
        let mut stream = Canned(b"SSH-2.0-OpenSSH_9.6\r\n");
        assert_eq!(ask(&mut stream, ""), Err(Trouble::Other("the answer is no HTTP".into())));
        assert_eq!(stream.0, b".0-OpenSSH_9.6\r\n", "five bytes are enough");
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
