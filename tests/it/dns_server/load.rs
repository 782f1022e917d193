//! More than it can do: connections that say nothing, no files, many names, more questions than can be answered.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{A, CONFIG, PATIENCE, Server, Stream, ask, ask_patiently, no_name, query};
use crate::support::{Home, PROGRAM, has, skip};

/// Whether a question by each way has its answer.
#[track_caller]
fn is_served(server: &Server) {
    let query = query(1, "huggingface.co", A);
    assert_eq!(ask(&server.udp(), &query), no_name(&query));
    assert_eq!(server.tcp().ask(&query), no_name(&query));
}

/// Whether the other side has ended a connection.
fn has_ended(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let ended = match (&*stream).read(&mut [0; 16]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).unwrap();
    ended
}

#[test]
fn ten_thousand_connections_that_say_nothing_hold_nobody_up() {
    const MANY: usize = 10_000;
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(MANY).unwrap() + 1000;
    if limit.current.is_some_and(|current| current < wanted) {
        let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
        if setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_err() {
            skip("this process cannot have as many files open");
            return;
        }
    }
    let server = Server::start(&[]);
    is_served(&server);
    let before = server.memory();
    let mut silent = Vec::new();
    for number in 0..MANY {
        let mut stream = TcpStream::connect(server.address).unwrap();
        if number % 2 == 0 {
            // A message that never ends.
            let _ = stream.write_all(&[0, 40, 1]);
        }
        silent.push(stream);
        if number % 500 == 0 {
            is_served(&server);
        }
    }
    let most = before + 20_000;
    assert!(server.memory() < most, "{before} kB, then {} kB", server.memory());
    // The ones that have been silent longest gave way, and no others.
    assert!(silent[..1000].iter().all(has_ended));
    let query = query(2, "pypi.org", A);
    let mut last = Stream(silent.pop().unwrap());
    last.0.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(last.ask(&query), no_name(&query));
    // Of the rest none is kept for long, though one says a byte now and then.
    let mut slow = TcpStream::connect(server.address).unwrap();
    let begun = Instant::now();
    while !has_ended(&slow) {
        assert!(begun.elapsed() < PATIENCE, "it is kept");
        let _ = slow.write_all(&[1]);
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(last.next(), None);
    let begun = Instant::now();
    while !silent.iter().all(has_ended) {
        assert!(begun.elapsed() < PATIENCE, "some are kept");
    }
    is_served(&server);
    assert!(server.memory() < most, "{before} kB, then {} kB", server.memory());
}

#[test]
fn without_files_it_goes_on() {
    if !has("prlimit") {
        skip("prlimit is not installed");
        return;
    }
    // The first is as few as it can start with, or nearly so; with the second it keeps some for others.
    for files in [17, 40] {
        let home = Home::new();
        home.configure(CONFIG);
        let mut command = home.command("prlimit");
        command.arg(format!("--nofile={files}:{files}")).args([PROGRAM, "dns", "serve", "--listen", "127.0.0.1:0"]);
        let server = Server::run(home, &mut command);
        let mut silent: Vec<TcpStream> = Vec::new();
        for _ in 0..200 {
            silent.push(TcpStream::connect(server.address).unwrap());
            is_served(&server);
        }
        assert!(silent[..100].iter().all(has_ended), "{files}");
        // Each of them asks at once: who is there is answered, or told by the end.
        for stream in &mut silent {
            let _ = stream.write_all(&super::framed(&query(3, "late.example", A)));
        }
        is_served(&server);
    }
}

#[test]
fn with_a_log_on_a_full_disk_it_goes_on() {
    let home = Home::new();
    home.configure(CONFIG);
    // It cannot tell where it answers.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = home.command(PROGRAM);
    command.args(["dns", "serve", "--log-queries", "--listen", &address.to_string()]);
    let child = command.stdin(Stdio::null()).stderr(full).spawn().unwrap();
    let server = Server { home, child, address, lines: channel().1, said: Vec::new() };
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < PATIENCE, "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..100 {
        is_served(&server);
    }
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn many_names_need_no_more_memory() {
    let server = Server::start(&[]);
    let socket = server.udp();
    let ask_all = |names: std::ops::Range<u32>| {
        for first in names.step_by(50) {
            for number in first..first + 50 {
                let [high, low] = [number >> 16, number & 0xffff].map(|part| u16::try_from(part).unwrap());
                socket.send(&query(low, &format!("made-up-{high}-{low}.example.org"), A)).unwrap();
            }
            for _ in 0..50 {
                assert_eq!(super::receive(&socket)[3], 0x83);
            }
        }
    };
    ask_all(0..10_000);
    let before = server.memory();
    ask_all(10_000..110_000);
    let after = server.memory();
    assert!(after < before + 4096, "{before} kB, then {after} kB");
    // No name is a line of its own any more: the log is no way to fill a disk.
    let (code, said) = server.stop();
    assert_eq!(code, Some(0));
    assert!(said.len() < 20_000, "{} lines", said.len());
}

#[test]
fn more_questions_than_it_can_answer_harm_nobody_for_long() {
    // A minute on a machine that has the time.
    let long = std::env::var_os("HPCSH_TESTS_LONG").is_some();
    let span = Duration::from_secs(if long { 60 } else { 3 });
    let server = Server::start(&[]);
    is_served(&server);
    let before = server.memory();
    let is_over = AtomicBool::new(false);
    let (mut answered, mut lost) = (0, 0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let socket = server.udp();
            let is_over = &is_over;
            // It asks without end, and listens to no answer.
            scope.spawn(move || {
                let mut number = 0_u16;
                while !is_over.load(Ordering::Relaxed) {
                    number = number.wrapping_add(1);
                    let _ = socket.send(&query(number, "flood.example", A));
                }
            });
        }
        let begun = Instant::now();
        let socket = server.udp();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut stream = server.tcp();
        let mut id = 0_u16;
        while begun.elapsed() < span {
            id = id.wrapping_add(1);
            let query = query(id, "patient.example", A);
            // What has its turn is answered, however much else there is.
            assert_eq!(stream.ask(&query), no_name(&query));
            socket.send(&query).unwrap();
            let mut bytes = [0; 512];
            match socket.recv(&mut bytes) {
                Ok(count) if bytes[..count] == no_name(&query) => answered += 1,
                _ => lost += 1,
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(answered > 0, "{answered} answered, {lost} lost");
    assert!(server.memory() < before + 4096, "{before} kB, then {} kB", server.memory());
    // What is left of the flood is soon through; until then a question may find the queue full.
    let begun = Instant::now();
    let socket = server.udp();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let query = query(3, "patient.example", A);
    assert_eq!(ask_patiently(&socket, &query), no_name(&query));
    is_served(&server);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn after_a_flood_it_sleeps() {
    let server = Server::start(&[]);
    let socket = server.udp();
    for round in 0..20 {
        for number in 0..1000 {
            let _ = socket.send(&query(number, "flood.example", A));
        }
        let socket = server.udp();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let query = query(round, "patient.example", A);
        assert_eq!(ask_patiently(&socket, &query), no_name(&query), "it is heard again");
    }
    // In hundredths of a second.
    let used = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        [11, 12].map(|at: usize| fields[at].parse::<u64>().unwrap()).iter().sum()
    };
    std::thread::sleep(Duration::from_millis(200));
    let before = used();
    std::thread::sleep(Duration::from_millis(500));
    assert!(used() <= before + 3, "{} hundredths of a second", used() - before);
    is_served(&server);
}
