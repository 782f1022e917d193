//! Which server is asked, and when it is not.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::stub::{Stub, answer, failing, good, silent};
use super::{NO_NAME, REFUSED, SERVER_FAILURE, code, resolver, resolver_at};
use crate::dns_server::{A, PATIENCE, ask, query};

/// Asks for other names until one has this code.
#[track_caller]
fn until(socket: &UdpSocket, wanted: u8) {
    let begun = Instant::now();
    for number in 0.. {
        let found = code(socket, &format!("until-{wanted}-{number}.corp.example"));
        if found == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "still {found}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_first_one_is_asked_while_it_answers() {
    let (first, second) = (Stub::new(good), Stub::new(failing(NO_NAME)));
    let server = resolver(&[first.address, second.address], "cache = 0");
    let socket = server.udp();
    for number in 0..100 {
        assert_eq!(code(&socket, &format!("{number}.corp.example")), 0);
    }
    assert_eq!((first.seen().len(), second.seen().len()), (100, 0));
}

#[test]
fn who_is_slow_is_not_waited_for_and_who_is_silent_is_not_asked() {
    let (first, second) = (Stub::new(silent), Stub::new(good));
    let server = resolver(&[first.address, second.address], "cache = 0");
    let socket = server.udp();
    let begun = Instant::now();
    assert_eq!(code(&socket, "name.corp.example"), 0);
    // The second one is asked after 0.3 s.
    assert!((200..1900).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    assert_eq!((first.count("name.corp.example"), second.count("name.corp.example")), (1, 1));
    // Two time-outs in a row, and nobody waits for it any more.
    let begun = Instant::now();
    for number in 0.. {
        let name = format!("{number}.corp.example");
        assert_eq!(code(&socket, &name), 0);
        if first.count(&name) == 0 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE);
    }
    // It is asked first again when it answers.
    first.say(good);
    let begun = Instant::now();
    for number in 0.. {
        let name = format!("again-{number}.corp.example");
        assert_eq!(code(&socket, &name), 0);
        if first.count(&name) > 0 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_that_is_not_there_is_passed_over_at_once() {
    let gone = Stub::new(good).address;
    let second = Stub::new(good);
    let mut server = resolver(&[gone, second.address], "cache = 0");
    let (socket, mut stream) = (server.udp(), server.tcp());
    assert_eq!(code(&socket, "name.corp.example"), 0);
    server.line(&format!("{gone} cannot be asked: Connection refused"));
    let question = query(7, "name.corp.example", A);
    assert_eq!(stream.ask(&question), answer(&question, 0, Some(3600)));
    let first = Stub::again(gone, good);
    server.line(&format!("{gone} answers again"));
    assert_eq!(code(&socket, "other.corp.example"), 0);
    assert_eq!((first.count("other.corp.example"), second.count("other.corp.example")), (1, 0));
}

#[test]
fn where_all_are_silent_that_is_told_in_time_and_then_at_once() {
    let (first, second) = (Stub::new(silent), Stub::new(silent));
    let mut server = resolver(&[first.address, second.address], "");
    let socket = server.udp();
    let begun = Instant::now();
    assert_eq!(code(&socket, "name.corp.example"), SERVER_FAILURE);
    let took = begun.elapsed();
    assert!((900..4000).contains(&took.as_millis()), "{took:?}");
    until(&socket, SERVER_FAILURE);
    for stub in [&first, &second] {
        server.line(&format!("{} does not answer", stub.address));
    }
    // Both are known to be dead by now: nobody is asked, by UDP or TCP.
    assert_eq!(code(&socket, "at-once.corp.example"), SERVER_FAILURE);
    let said = server.tcp().ask(&query(1, "at-once.corp.example", A));
    assert_eq!(said[3] & 15, SERVER_FAILURE);
    assert_eq!((first.count("at-once.corp.example"), second.count("at-once.corp.example")), (0, 0));
    second.say(good);
    server.line(&format!("{} answers again", second.address));
    assert_eq!(code(&socket, "again.corp.example"), 0);
    assert_eq!((first.count("again.corp.example"), second.count("again.corp.example")), (0, 1));
}

#[test]
fn a_packet_may_be_lost() {
    let stub = Stub::new(silent);
    let server = resolver(&[stub.address], "");
    let socket = server.udp();
    socket.send(&query(1, "name.corp.example", A)).unwrap();
    while stub.count("name.corp.example") == 0 {
        std::thread::yield_now();
    }
    stub.say(good);
    let said = crate::dns_server::receive(&socket);
    assert_eq!(said, answer(&query(1, "name.corp.example", A), 0, Some(3600)));
    assert_eq!(stub.count("name.corp.example"), 2);
}

#[test]
fn a_name_that_a_server_cannot_find_in_time_does_not_count_against_it() {
    // As one that waits itself for a server of that name's.
    let stub = Stub::new(|seen| if seen.message[13] == b's' { Vec::new() } else { good(seen) });
    let server = resolver(&[stub.address], "cache = 0");
    let (slow, socket) = (server.udp(), server.udp());
    for number in 0..3 {
        slow.send(&query(1, &format!("slow-{number}.corp.example"), A)).unwrap();
        for other in 0..30 {
            assert_eq!(code(&socket, &format!("{number}-{other}.corp.example")), 0);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    for _ in 0..3 {
        assert_eq!(crate::dns_server::receive(&slow)[3] & 15, SERVER_FAILURE);
        assert_eq!(code(&socket, "name.corp.example"), 0);
    }
}

#[test]
fn who_cannot_answer_leaves_it_to_the_next_one() {
    for failure in [SERVER_FAILURE, REFUSED] {
        let (first, second) = (Stub::new(failing(failure)), Stub::new(good));
        let server = resolver(&[first.address, second.address], "cache = 0");
        let (socket, mut stream) = (server.udp(), server.tcp());
        for number in 0..5 {
            let question = query(number, &format!("{number}.corp.example"), A);
            assert_eq!(ask(&socket, &question), answer(&question, 0, Some(3600)));
            assert_eq!(stream.ask(&question), answer(&question, 0, Some(3600)));
        }
        // If none can, the last one's answer is the answer.
        second.say(failing(REFUSED));
        let question = query(1, "none.corp.example", A);
        assert_eq!(ask(&socket, &question), answer(&question, REFUSED, None));
        assert_eq!((first.count("none.corp.example"), second.count("none.corp.example")), (1, 1));
    }
    // That there is no such name is an answer.
    let (first, second) = (Stub::new(failing(NO_NAME)), Stub::new(good));
    let server = resolver(&[first.address, second.address], "");
    assert_eq!(code(&server.udp(), "name.corp.example"), NO_NAME);
    assert_eq!(second.seen().len(), 0);
}

#[test]
fn a_server_without_tcp_is_good_for_udp() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut message) {
            let _ = socket.send_to(&answer(&message[..length], 0, Some(3600)), from);
        }
    });
    let server = resolver(&[address], "cache = 0");
    let question = query(1, "name.corp.example", A);
    let said = server.tcp().ask(&question);
    assert_eq!(said[3] & 15, SERVER_FAILURE);
    assert_eq!(ask(&server.udp(), &question), answer(&question, 0, Some(3600)));
}

#[test]
fn we_do_not_ask_ourselves() {
    let stub = Stub::new(good);
    // A port that was free a moment ago.
    let own = Stub::new(good).address;
    let mut server = resolver_at(&own.to_string(), &[own, stub.address], "cache = 0");
    assert_eq!(code(&server.udp(), "name.corp.example"), 0);
    assert_eq!(stub.count("name.corp.example"), 1);
    server.signal(rustix::process::Signal::TERM);
    server.child.wait().unwrap();
    let server = resolver_at(&own.to_string(), &[own], "cache = 0");
    let begun = Instant::now();
    assert_eq!(code(&server.udp(), "name.corp.example"), SERVER_FAILURE);
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
}
