//! Answers that are remembered, and for how long.

use std::time::{Duration, Instant};

use super::stub::{Stub, answer, failing, good};
use super::{NO_NAME, SERVER_FAILURE, code, one, resolver};
use crate::dns_server::{A, EDNS, PATIENCE, ask, query};

/// Seconds that the one record of an answer holds.
fn seconds(answer: &[u8]) -> u32 {
    u32::from_be_bytes(answer[answer.len() - 10..answer.len() - 6].try_into().unwrap())
}

#[test]
fn an_answer_is_remembered_and_counts_down_to_its_end() {
    let stub = Stub::new(|seen| vec![answer(&seen.message, 0, Some(3))]);
    let server = resolver(&[stub.address], "");
    let (socket, mut stream) = (server.udp(), server.tcp());
    let begun = Instant::now();
    let mut told = Vec::new();
    for number in 0.. {
        // Another number and another case each time.
        let question = query(number, if number % 2 == 0 { "name.corp.example" } else { "NAME.corp.example" }, A);
        let said = if number % 3 == 0 { stream.ask(&question) } else { ask(&socket, &question) };
        assert_eq!(said, answer(&question, 0, Some(seconds(&said))));
        if stub.seen().len() > 1 {
            break;
        }
        told.push(seconds(&said));
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(begun.elapsed() >= Duration::from_millis(2900), "{:?}", begun.elapsed());
    assert!(told.is_sorted_by(|one, next| one >= next), "{told:?}");
    told.dedup();
    assert!(told.len() > 1 && told[0] == 3 && !told.contains(&0), "{told:?}");
}

#[test]
fn that_there_is_none_is_remembered_if_a_soa_says_for_how_long() {
    let soa = |message: &[u8], code: u8| {
        let mut none = answer(message, code, None);
        none[9] = 1;
        let numbers = [1, 3600, 600, 86400, 3600].map(u32::to_be_bytes).concat();
        none.extend([&b"\0\0\x06\0\x01\0\0\x0e\x10\0\x16\0\0"[..], &numbers].concat());
        none
    };
    let stub = Stub::new(move |seen| {
        vec![match seen.message[13] {
            b'n' => soa(&seen.message, 3),
            b'd' => soa(&seen.message, 0),
            _ => answer(&seen.message, 3, None),
        }]
    });
    let server = resolver(&[stub.address], "");
    let socket = server.udp();
    for (name, wanted, asked) in [("none.corp.example", 3, 1), ("data.corp.example", 0, 1), ("bare.corp.example", 3, 4)]
    {
        for _ in 0..4 {
            assert_eq!(code(&socket, name), wanted);
        }
        assert_eq!(stub.count(name), asked, "{name}");
    }
}

#[test]
fn a_failure_is_remembered_for_a_moment() {
    let stub = Stub::new(failing(SERVER_FAILURE));
    let server = resolver(&[stub.address], "");
    let socket = server.udp();
    let begun = Instant::now();
    let mut asked = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        assert_eq!(code(&socket, "name.corp.example"), SERVER_FAILURE);
        asked += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(asked < 4 || stub.count("name.corp.example") < asked, "{asked}");
    assert!(stub.count("name.corp.example") <= 2);
    stub.say(good);
    while code(&socket, "name.corp.example") == SERVER_FAILURE {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_remembered_where_that_is_configured() {
    let (stub, server) = one("cache = 0");
    let socket = server.udp();
    for number in 1..5 {
        assert_eq!(code(&socket, "name.corp.example"), 0);
        assert_eq!(stub.count("name.corp.example"), number);
    }
}

#[test]
fn what_is_for_one_alone_is_not_remembered() {
    let (stub, server) = one("");
    let socket = server.udp();
    let mut cookie = [&query(1, "name.corp.example", A), &EDNS[..9], b"\0\x0c\0\x0a\0\x08cookies!"].concat();
    cookie[11] = 1;
    for number in 1..4 {
        assert_eq!(ask(&socket, &cookie), answer(&cookie, 0, Some(3600)));
        assert_eq!(stub.count("name.corp.example"), number);
    }
    // What another one asks is not that.
    assert_eq!(code(&socket, "name.corp.example"), 0);
    assert_eq!(stub.count("name.corp.example"), 4);
    assert_eq!(code(&socket, "name.corp.example"), 0);
    assert_eq!(stub.count("name.corp.example"), 4);
    assert_eq!(code(&socket, "no.such.name"), NO_NAME);
}
