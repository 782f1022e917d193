//! A message goes on as it came, and so does its answer.

use std::collections::{BTreeSet, HashSet};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::stub::{Seen, Stub, answer, end, good, silent};
use super::{SERVER_FAILURE, code, one, resolver};
use rustix::net;

use crate::dns_server::{A, AAAA, EDNS, Stream, ask, no_name, query, receive};
use crate::node::until;

/// The same message with another number.
fn with_id(message: &[u8], id: &[u8]) -> Vec<u8> {
    [&id[..2], &message[2..]].concat()
}

/// Questions that have something special.
fn questions() -> Vec<Vec<u8>> {
    let plain = query(0x1234, "a.corp.example", A);
    let with = |at: usize, byte: u8| {
        let mut message = plain.clone();
        message[at] = byte;
        message
    };
    let with_records = |count: u8, records: &[u8]| {
        let mut message = [&plain[..], records].concat();
        message[11] = count;
        message
    };
    let options = b"\0\x0a\0\x08cookies!\0\x08\0\x07\0\x01\x18\0\xc0\0\x02\xff\xfe\0\x03abc";
    let edns = |size: [u8; 2], flags: u8, options: &[u8]| {
        let length = u16::try_from(options.len()).unwrap().to_be_bytes();
        with_records(1, &[&[0, 0, 41][..], &size, &[0, 0, flags, 0], &length, options].concat())
    };
    vec![
        plain.clone(),
        query(7, "a.corp.example", AAAA),
        query(0, "a.corp.example", 65),
        query(1, "a.corp.example", 65_280),
        query(1, "mIxEd.CoRp.ExAmPlE", A),
        // Recursion is not wanted, checks are not, the data's authenticity is.
        with(2, 0),
        with(3, 0x10),
        with(3, 0x20),
        edns([4, 208], 0, &[]),
        edns([16, 0], 0x80, &[]),
        edns([4, 208], 0x80, options),
        // A record behind the question that nobody knows.
        with_records(1, b"\xc0\x0c\xff\0\0\x01\0\0\0\0\0\x03abc"),
        with_records(2, &[b"\0\xff\0\0\x01\0\0\0\0\0\x03abc", EDNS].concat()),
    ]
}

#[test]
fn a_message_goes_on_as_it_came_and_so_does_its_answer() {
    let odd = |message: &[u8]| {
        // An answer with a record of an unknown type, a name that no name server has, and bytes behind it.
        let mut odd = answer(message, 0, Some(0));
        odd[3] |= 0x70;
        (odd[9], odd[11]) = (1, 1);
        odd.extend(b"\xc0\x0c\xff\0\0\x01\0\0\0\0\0\x04\0\xff\x07z\0\0\x29\x10\0\0\0\x80\0\0\x07\0\x03\0\x03nsid");
        odd
    };
    let stub = Stub::new(move |seen| vec![odd(&seen.message)]);
    let server = resolver(&[stub.address], "cache = 0");
    let (socket, mut stream) = (server.udp(), server.tcp());
    for (number, question) in questions().iter().enumerate() {
        for (turn, is_stream) in [false, true].into_iter().enumerate() {
            let said = if is_stream { stream.ask(question) } else { ask(&socket, question) };
            let seen = stub.seen();
            assert_eq!(seen.len(), 2 * number + turn + 1);
            let last = seen.last().unwrap();
            assert_eq!(last.is_stream, is_stream);
            assert_eq!(with_id(&last.message, question), *question, "{number}: as it came");
            assert_eq!(said, odd(question), "{number}: as it was said");
        }
    }
}

#[test]
fn an_answer_that_is_cut_off_is_passed_on_and_the_rest_comes_by_tcp() {
    let whole = |message: &[u8]| [answer(message, 0, Some(3600)), vec![7; 60_000]].concat();
    let stub = Stub::new(move |seen| {
        let mut cut = answer(&seen.message, 0, None);
        cut[2] |= 0x02;
        vec![if seen.is_stream { whole(&seen.message) } else { cut }]
    });
    let server = resolver(&[stub.address], "");
    let question = query(9, "long.corp.example", A);
    let mut cut = answer(&question, 0, None);
    cut[2] |= 0x02;
    for _ in 0..2 {
        assert_eq!(ask(&server.udp(), &question), cut);
        assert_eq!(server.tcp().ask(&question), whole(&question));
    }
    assert_eq!(stub.seen().len(), 4, "neither is remembered");
}

#[test]
fn an_answer_by_udp_that_is_too_long_for_us_is_cut_off() {
    let long = |message: &[u8]| [answer(message, 0, Some(3600)), vec![7; 10_000]].concat();
    let stub = Stub::new(move |seen| vec![long(&seen.message)]);
    let server = resolver(&[stub.address], "");
    let question = query(9, "long.corp.example", A);
    let mut cut = answer(&question, 0, None);
    cut[2] |= 0x02;
    assert_eq!(ask(&server.udp(), &question), cut);
    assert_eq!(server.tcp().ask(&question), long(&question));
}

#[test]
fn what_answers_another_question_is_no_answer() {
    let lies = |message: &[u8]| {
        let right = answer(message, 0, Some(3600));
        let with = |at: usize, byte: u8| {
            let mut lie = right.clone();
            lie[at] ^= byte;
            lie
        };
        let end = end(message);
        let mut other = right.clone();
        other.splice(12..end, query(0, "other.corp.example", A)[12..].iter().copied());
        // Another number, a question, another operation, case, type, class, none or two questions, another question, less than a header.
        let mut lies: Vec<Vec<u8>> =
            [(0, 1), (1, 1), (2, 0x80), (2, 0x28), (13, 0x20), (end - 3, 2), (end - 1, 2), (5, 1), (5, 3)]
                .map(|(at, byte)| with(at, byte))
                .into();
        lies.extend([other, right[..11].to_vec(), right[..end - 1].to_vec(), Vec::new()]);
        for lie in &mut lies {
            if let Some(last) = lie.last_mut().filter(|last| **last == 7) {
                *last = 66;
            }
        }
        lies
    };
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let is_honest = Arc::new(AtomicBool::new(true));
    let honest = Arc::clone(&is_honest);
    let stub = Stub::new(move |seen| {
        let right = answer(&seen.message, 0, Some(3600));
        if !seen.is_stream {
            // The right answer, from another port.
            let mut lie = right.clone();
            *lie.last_mut().unwrap() = 66;
            other.send_to(&lie, seen.from).unwrap();
        }
        [lies(&seen.message), if honest.load(Ordering::SeqCst) { vec![right] } else { Vec::new() }].concat()
    });
    let server = resolver(&[stub.address], "cache = 0");
    let (socket, mut stream) = (server.udp(), server.tcp());
    let question = query(9, "name.corp.example", A);
    for _ in 0..3 {
        assert_eq!(ask(&socket, &question), answer(&question, 0, Some(3600)));
        assert_eq!(stream.ask(&question), answer(&question, 0, Some(3600)));
    }
    is_honest.store(false, Ordering::SeqCst);
    assert_eq!(code(&socket, "name.corp.example"), SERVER_FAILURE);
}

#[test]
fn a_server_that_does_not_understand_may_say_so_without_the_question() {
    let stub = Stub::new(|seen| vec![[&seen.message[..2], &[0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]].concat()]);
    let server = resolver(&[stub.address], "");
    let mut question = [&query(9, "name.corp.example", A), EDNS].concat();
    question[11] = 1;
    assert_eq!(ask(&server.udp(), &question), [0, 9, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn numbers_and_ports_are_not_to_be_guessed() {
    let (stub, server) = one("cache = 0");
    let socket = server.udp();
    for number in 0..200 {
        assert_eq!(code(&socket, &format!("{number}.corp.example")), 0);
    }
    let seen = stub.seen();
    let ports: BTreeSet<u16> = seen.iter().map(|seen| seen.from.port()).collect();
    let ids: BTreeSet<&[u8]> = seen.iter().map(|seen| &seen.message[..2]).collect();
    assert!(seen.len() == 200 && ports.len() == 16 && ids.len() > 190, "{} {} {}", seen.len(), ports.len(), ids.len());
}

#[test]
fn the_same_question_is_asked_once_at_a_time() {
    let stub = Stub::new(silent);
    let server = resolver(&[stub.address], "cache = 0");
    let sockets: Vec<UdpSocket> = (0..50).map(|_| server.udp()).collect();
    let mut stream = server.tcp();
    for (number, socket) in sockets.iter().enumerate() {
        let question = query(u16::try_from(number).unwrap(), "same.corp.example", A);
        socket.send(&question).unwrap();
        stream.send(&question);
    }
    // A blocked one is answered behind them: they are on their way.
    assert_eq!(ask(&server.udp(), &query(1, "pypi.org", A)), no_name(&query(1, "pypi.org", A)));
    stub.say(good);
    for (number, socket) in sockets.iter().enumerate() {
        let question = query(u16::try_from(number).unwrap(), "same.corp.example", A);
        assert_eq!(receive(socket), answer(&question, 0, Some(3600)));
        let said = stream.next().unwrap();
        assert_eq!(said, answer(&with_id(&question, &said), 0, Some(3600)));
    }
    // Each is asked twice at the most: the first time nobody said anything.
    assert!(stub.count("same.corp.example") <= 4, "{}", stub.count("same.corp.example"));
}

#[test]
fn a_connection_to_a_server_is_used_again() {
    let (stub, server) = one("cache = 0");
    let mut stream = server.tcp();
    let ask = |stream: &mut Stream, number: u16| {
        let question = query(number, &format!("{number}.corp.example"), A);
        assert_eq!(stream.ask(&question), answer(&question, 0, Some(3600)));
    };
    for number in 0..20 {
        ask(&mut stream, number);
    }
    assert_eq!(stub.connections(), 1);
    // One that the server ends is not missed, nor what was said over it.
    stub.end_connections();
    for number in 20..40 {
        ask(&mut stream, number);
    }
    assert_eq!(stub.seen().len(), 40);
    assert!(stub.connections() > 10);
}

#[test]
fn a_slow_server_delays_nobody_else() {
    let stub = Stub::new(silent);
    let server = resolver(&[stub.address], "");
    let mut stream = server.tcp();
    let slow: Vec<Vec<u8>> = (0..100).map(|number| query(number, &format!("{number}.corp.example"), A)).collect();
    for question in &slow {
        stream.send(question);
    }
    for number in 0..100 {
        let blocked = query(number, "pypi.org", A);
        assert_eq!(stream.ask(&blocked), no_name(&blocked), "before those that were asked before it");
    }
    stub.say(good);
    let mut said: Vec<Vec<u8>> = (0..100).map(|_| stream.next().unwrap()).collect();
    said.sort();
    let wanted: Vec<Vec<u8>> = slow.iter().map(|question| answer(question, 0, Some(3600))).collect();
    assert_eq!(said, wanted);
}

#[test]
fn a_thousand_may_wait() {
    let heard = Mutex::new(HashSet::new());
    // Each has to wait until it is asked for again.
    let stub = Stub::new(move |seen| {
        let is_new = heard.lock().unwrap().insert(seen.message[12..].to_vec());
        if is_new { Vec::new() } else { good(seen) }
    });
    let server = resolver(&[stub.address], "cache = 0");
    let sockets: Vec<UdpSocket> = (0..20).map(|_| server.udp()).collect();
    let question = |number: u16| query(number, &format!("{number}.corp.example"), A);
    for number in 0..1000_u16 {
        sockets[usize::from(number) / 50].send(&question(number)).unwrap();
        if number % 100 == 99 {
            // A socket has room for some hundreds: on a busy machine the rest would be lost on its way to the stub.
            until("the stub to hear them", || stub.seen().len() > usize::from(number));
        }
    }
    for number in 0..1000_u16 {
        let said = receive(&sockets[usize::from(number) / 50]);
        let asked = question(u16::from_be_bytes([said[0], said[1]]));
        assert_eq!(said, answer(&asked, 0, Some(3600)));
    }
}

/// What nobody answers fills the table of what is waited for.
#[test]
fn who_asks_without_end_slows_himself_alone() {
    let stub = Stub::new(slow_or_good);
    let server = resolver(&[stub.address], "cache = 0");
    let (flood, socket) = (server.udp(), server.udp());
    flood.set_nonblocking(true).unwrap();
    let mut number = 0_u16;
    let mut more = |count: u16| {
        for _ in 0..count {
            number += 1;
            // What has no room on its way is lost.
            let _ = flood.send(&query(number, &format!("slow{number}.corp.example"), A));
            if number.is_multiple_of(200) {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    };
    more(5000);
    for fresh in 0..20 {
        more(200);
        assert_eq!(code(&socket, &format!("fresh{fresh}.corp.example")), 0);
    }
}

/// The same by connections, each of which waits.
#[test]
fn connections_that_wait_keep_nobody_out() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if limit.current.is_some_and(|current| current < 5000) {
        let raised = rustix::process::Rlimit { current: Some(5000.max(limit.current.unwrap_or(0))), ..limit };
        if rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).is_err() {
            return crate::support::skip("this process cannot have as many files open");
        }
    }
    let stub = Stub::new(slow_or_good);
    let server = resolver(&[stub.address], "cache = 0");
    let socket = server.udp();
    let mut waiting: Vec<_> = (0..4096).map(|_| connect_from(Ipv4Addr::new(127, 0, 0, 3), server.address)).collect();
    for round in 0..3 {
        // All of them wait again before two seconds are over; and a server that says nothing at all would count as dead.
        for (number, stream) in waiting.iter_mut().enumerate() {
            let name = format!("slow{}.corp.example", number % 8);
            let _ = stream.try_send(&query(round, &name, A));
            if number % 500 == 0 {
                assert_eq!(code(&socket, "fresh.corp.example"), 0);
            }
        }
        let blocked = query(2, "pypi.org", A);
        for _ in 0..5 {
            assert_eq!(server.tcp().ask(&blocked), no_name(&blocked));
        }
    }
}

/// From an address of its own: other tests have ports of 127.0.0.1 that were free a moment ago.
fn connect_from(ip: Ipv4Addr, to: SocketAddr) -> Stream {
    let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).unwrap();
    net::bind(&socket, &SocketAddr::from((ip, 0))).unwrap();
    net::connect(&socket, &to).unwrap();
    Stream(TcpStream::from(socket))
}

/// Nobody answers a name that begins with `slow`.
fn slow_or_good(seen: &Seen) -> Vec<Vec<u8>> {
    if seen.message[13..17] == *b"slow" { Vec::new() } else { good(seen) }
}
