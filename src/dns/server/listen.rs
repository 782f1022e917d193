//! The sockets of the server: those that systemd hands in, else those that are asked for, each as datagrams and as streams.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, listen, socket_with, sockopt};

use crate::error::Failure;
use crate::host::{Host, activation, datagrams, ports};

/// How long the queue of connections is that nobody has taken yet.
const BACKLOG: i32 = 1024;
/// How many bytes of datagrams wait while others are answered, as the kernel counts: thousands of them.
const WAITING: usize = 1 << 20;

/// The sockets of one thread.
#[derive(Debug, Default)]
pub struct Listening {
    /// Questions by UDP.
    pub datagrams: Vec<UdpSocket>,
    /// Questions by TCP.
    pub streams: Vec<TcpListener>,
}

/// All sockets.
#[derive(Debug)]
pub struct Taken {
    /// Where the server is asked.
    pub addresses: Vec<SocketAddr>,
    /// Where it would have been, on a node with IPv6.
    pub left_out: Vec<SocketAddr>,
    /// For each thread.
    pub threads: Vec<Listening>,
}

/// Takes the sockets for so many threads.
///
/// # Errors
/// Where one cannot be had, by whom it is held; where others could ask and may not.
pub fn take(host: &Host, wanted: &[SocketAddr], allow_remote: bool, threads: usize) -> Result<Taken, Failure> {
    let handed = activation::sockets(host)
        .map_err(|error| Failure::failed(format!("the sockets from systemd ($LISTEN_FDS) are not there: {error}")))?;
    if !handed.is_empty() {
        return adopt(handed, allow_remote, threads);
    }
    for address in wanted {
        may_serve(*address, allow_remote)?;
    }
    let mut taken = Taken { addresses: Vec::new(), left_out: Vec::new(), threads: Vec::new() };
    taken.threads.resize_with(threads.max(1), Listening::default);
    for (number, address) in wanted.iter().enumerate() {
        if taken.addresses.contains(address) {
            continue;
        }
        match take_one(*address, &mut taken.threads) {
            Ok(address) => taken.addresses.push(address),
            // A node may be without IPv6.
            Err(error) if address.is_ipv6() && is_missing(&error) && (wanted.len() > number + 1 || number > 0) => {
                taken.left_out.push(*address);
            }
            Err(error) => return Err(refused(host, *address, &error)),
        }
    }
    match (taken.addresses.first(), taken.left_out.first()) {
        (None, Some(address)) => Err(refused(host, *address, &Errno::ADDRNOTAVAIL.into())),
        _ => Ok(taken),
    }
}

fn may_serve(address: SocketAddr, allow_remote: bool) -> Result<(), Failure> {
    let is_loopback = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    if is_loopback || allow_remote {
        return Ok(());
    }
    Err(Failure::usage(format!("{address} can be asked by other nodes"))
        .hint("--allow-remote means it; 127.0.0.1 and ::1 are this node's alone"))
}

/// The address family, or the address, is none of this node's.
fn is_missing(error: &io::Error) -> bool {
    let missing = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL, Errno::PROTONOSUPPORT];
    missing.iter().any(|one| error.raw_os_error() == Some(one.raw_os_error()))
}

fn refused(host: &Host, address: SocketAddr, error: &io::Error) -> Failure {
    let failed = |why: &str| Failure::failed(format!("{address} cannot be had: {why}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let holder = ports::holder(host, address);
            let is_ours = holder.as_ref().is_some_and(|name| name.starts_with(env!("CARGO_PKG_NAME")));
            let hint = if is_ours {
                "it runs already: `hpcsh dns status` asks it"
            } else {
                "stop that one, or take another address with --listen"
            };
            let holder = holder.unwrap_or_else(|| "another program (root may see which)".to_owned());
            failed(&format!("{holder} has it")).hint(hint)
        }
        io::ErrorKind::PermissionDenied => failed("not permitted").hint(
            "ports below 1024 are root's, unless net.ipv4.ip_unprivileged_port_start says otherwise: \
            as root, or with --listen 127.0.0.1:5353, or `hpcsh dns exec` for one command",
        ),
        io::ErrorKind::AddrNotAvailable => failed("it is no address of this node's"),
        _ => failed(&error.to_string()),
    }
}

/// Takes one address for all threads, and gives it with the port that it has.
fn take_one(address: SocketAddr, threads: &mut [Listening]) -> io::Result<SocketAddr> {
    let several = threads.len() > 1;
    let mut tries = 0;
    let (datagrams, streams, address) = loop {
        let datagrams = open(address, SocketType::DGRAM, false)?;
        let own = UdpSocket::from(datagrams.try_clone()?).local_addr()?;
        match open(own, SocketType::STREAM, false) {
            Ok(streams) => break (datagrams, streams, own),
            // Any port will do, and this one is free for datagrams alone.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && address.port() == 0 && tries < 100 => tries += 1,
            Err(error) => return Err(error),
        }
    };
    // Whoever comes next may share the port from now on, if he is the same user and wants to; the first one was alone.
    if several {
        sockopt::set_socket_reuseport(&datagrams, true)?;
        sockopt::set_socket_reuseport(&streams, true)?;
    }
    let mut first = Some((datagrams, streams));
    for thread in threads {
        let (datagrams, streams) = match first.take() {
            Some(first) => first,
            None => (open(address, SocketType::DGRAM, true)?, open(address, SocketType::STREAM, true)?),
        };
        add(thread, datagrams, address, false)?;
        add(thread, streams, address, true)?;
    }
    Ok(address)
}

fn open(address: SocketAddr, kind: SocketType, is_shared: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    if address.is_ipv6() {
        // IPv4 is listened for by a socket of its own.
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    if is_shared {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    if kind == SocketType::STREAM {
        // Connections that have ended hold the port for a minute, and must not hold up who starts again.
        sockopt::set_socket_reuseaddr(&socket, true)?;
    }
    bind(&socket, &address)?;
    if kind == SocketType::STREAM {
        listen(&socket, BACKLOG)?;
    }
    Ok(socket)
}

/// Gives a thread a socket that is bound.
fn add(thread: &mut Listening, socket: OwnedFd, address: SocketAddr, is_stream: bool) -> io::Result<()> {
    if is_stream {
        // Those that it takes have it too: an answer waits for no other one.
        sockopt::set_tcp_nodelay(&socket, true)?;
        let listener = TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        thread.streams.push(listener);
        return Ok(());
    }
    let socket = UdpSocket::from(socket);
    socket.set_nonblocking(true)?;
    // Root alone may have more than the node's limit.
    let _ = sockopt::set_socket_recv_buffer_size_force(&socket, WAITING)
        .or_else(|_| sockopt::set_socket_recv_buffer_size(&socket, WAITING));
    if address.ip().is_unspecified() {
        datagrams::tell_own_address(&socket)?;
    }
    thread.datagrams.push(socket);
    Ok(())
}

/// Sockets that are bound already; all threads have them.
fn adopt(handed: Vec<OwnedFd>, allow_remote: bool, threads: usize) -> Result<Taken, Failure> {
    let mut taken = Taken { addresses: Vec::new(), left_out: Vec::new(), threads: Vec::new() };
    taken.threads.resize_with(threads.max(1), Listening::default);
    for socket in handed {
        let failed = |error: io::Error| Failure::failed(format!("a socket from systemd cannot be used: {error}"));
        let (address, is_stream) = kind(&socket).map_err(failed)?;
        may_serve(address, allow_remote)?;
        for thread in &mut taken.threads {
            let own = socket.try_clone().map_err(failed)?;
            add(thread, own, address, is_stream).map_err(failed)?;
        }
        if !taken.addresses.contains(&address) {
            taken.addresses.push(address);
        }
    }
    Ok(taken)
}

/// Where a socket is bound, and whether it listens for connections.
fn kind(socket: impl AsFd) -> io::Result<(SocketAddr, bool)> {
    let wrong = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    let address = SocketAddr::try_from(getsockname(&socket)?).map_err(|_| wrong("it is none of IP"))?;
    match sockopt::socket_type(&socket)? {
        SocketType::DGRAM => Ok((address, false)),
        SocketType::STREAM if sockopt::socket_acceptconn(&socket)? => Ok((address, true)),
        SocketType::STREAM => Err(wrong("it is a connection, and none that listens (Accept=no)")),
        _ => Err(wrong("it is neither for datagrams nor for connections")),
    }
}
