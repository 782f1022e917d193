//! Waits until an HTTP inference server says that it is ready.
//!
//! Ready is 200 on `/health`. A closed port, silence and 503 mean "not yet" (several servers answer 503 while they load,
//! which the article's `curl -s` took for ready). 401 and 403 mean that it is up and wants a key.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::Failure;
use crate::host::{Host, clock};

/// The longest that one probe may take.
const PROBE: Duration = Duration::from_secs(3);
/// Between probes: a closed port costs nothing to ask, an answering server writes a log line each time.
const PAUSE: Duration = Duration::from_millis(200);

/// A server's address, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    /// Where to connect: `localhost` is both loopbacks.
    addresses: Vec<SocketAddr>,
    /// For the `Host` header and for people.
    authority: String,
}

/// `hpcsh wait TARGET`: returns when the server is ready.
///
/// # Errors
/// A target that cannot be read, or the time limit (exit code 124).
pub fn run(host: &mut Host, target: &str, timeout: Option<Duration>) -> Result<(), Failure> {
    let target = parse(target)?;
    let deadline = timeout.map(|timeout| clock::now() + timeout);
    let mut told = false;
    loop {
        if target.addresses.iter().any(|address| probe(*address, &target.authority).is_some_and(is_ready)) {
            return Ok(());
        }
        if !told {
            host.say(format!("VLLM is not started, waiting for http://{}/health ...", target.authority));
            told = true;
        }
        if deadline.is_some_and(|deadline| clock::now() >= deadline) {
            return Err(Failure::timed_out(format!("http://{}/health was not ready in time", target.authority)));
        }
        clock::sleep(PAUSE);
    }
}

fn is_ready(status: u16) -> bool {
    matches!(status, 200 | 401 | 403)
}

/// The status of one GET, or nothing where nobody answers in HTTP.
fn probe(address: SocketAddr, authority: &str) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PROBE).ok()?;
    stream.set_read_timeout(Some(PROBE)).ok()?;
    stream.set_write_timeout(Some(PROBE)).ok()?;
    // In one piece: a server may take what comes first for the whole request.
    let request = format!("GET /health HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    let head = std::str::from_utf8(&head).ok()?;
    head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

/// `8000`, `HOST:PORT`, `http://HOST[:PORT][/…]`, where HOST is `localhost` or an address: names are not looked up.
fn parse(text: &str) -> Result<Target, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("`{text}` is no server to wait for: {why}"))
            .hint("give a port, ADDRESS:PORT or http://ADDRESS:PORT; a name other than localhost is not looked up")
    };
    if text.starts_with("https://") {
        return Err(wrong("https is not supported"));
    }
    let rest = text.strip_prefix("http://").unwrap_or(text);
    let authority = rest.split('/').next().unwrap_or_default();
    let (name, port) = if let Ok(port) = authority.parse::<u16>() {
        ("localhost", port)
    } else if let Ok(address) = authority.parse::<SocketAddr>() {
        return Ok(Target { addresses: vec![address], authority: authority.to_owned() });
    } else if let Some((name, port)) = authority.rsplit_once(':') {
        (name, port.parse().map_err(|_| wrong("its port is no number"))?)
    } else {
        (authority, 80)
    };
    let hosts: Vec<IpAddr> = match name.trim_start_matches('[').trim_end_matches(']') {
        "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        address => vec![address.parse().map_err(|_| wrong("its host is neither an address nor localhost"))?],
    };
    let addresses = hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect();
    Ok(Target { addresses, authority: format!("{name}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_port_an_address_or_a_url() {
        let authority = |text| parse(text).map(|target| target.authority);
        assert_eq!(authority("8000").as_deref(), Ok("localhost:8000"));
        assert_eq!(authority("http://localhost:8000/health").as_deref(), Ok("localhost:8000"));
        assert_eq!(authority("10.0.0.7:30000").as_deref(), Ok("10.0.0.7:30000"));
        assert_eq!(authority("http://[::1]:80").as_deref(), Ok("[::1]:80"));
        assert_eq!(parse("localhost:8000").unwrap().addresses.len(), 2);
        assert!(authority("https://x").is_err() && authority("head-node:8000").is_err() && authority("").is_err());
    }
}
