//! Whatever an upstream answers, nothing breaks; what is taken for an answer is one; and what is remembered of it is given again as it
//! came, to who asks the same, for as long as it holds. What records say is read by hickory.

use std::time::{Duration, Instant};

use hickory_server::proto::op::Message;

use crate::dns::cache::Cache;
use crate::dns::forward::check::{Answer, check, cut};
use crate::dns::question::read;

/// Checks an answer to a message, and what is remembered of it after so many seconds; whether it still was.
///
/// Panics where something is not as it is to be.
#[track_caller]
pub fn check_answer(asked: &[u8], answer: &[u8], age: u32) -> bool {
    let Ok(question) = read(asked) else { return false };
    let end = question.end;
    let kind = check(asked, end, answer);
    if kind == Answer::Wrong {
        return false;
    }
    assert!(answer[2] & 0x80 != 0 && (answer[2] ^ asked[2]) & 0x78 == 0, "{answer:02x?} to {asked:02x?}");
    let code = answer[3] & 15;
    assert_eq!(kind == Answer::Failing, code == 2 || code == 5, "{answer:02x?}");
    if answer[5] == 0 {
        assert!(matches!(code, 1 | 2 | 4 | 5) && answer[6..10] == [0; 4], "{answer:02x?}");
    } else {
        assert_eq!(answer[12..end], asked[12..end]);
    }
    is_cut_sound(answer, end);

    let (mut cache, now) = (Cache::new(4), Instant::now());
    cache.put(asked, &question, answer, now);
    // The same question of another one, who writes it in another case.
    let mut other = asked.to_vec();
    other[0] ^= 0x55;
    let name = 12..end - 4;
    other[name].iter_mut().filter(|byte| byte.is_ascii_alphabetic()).for_each(|byte| *byte ^= 0x20);
    let given = get(&cache, &other, now + Duration::from_secs(age.into()));
    if let Some(given) = &given {
        let size = question.edns.map_or(512, |edns| edns.size.max(512));
        assert!(given.len() <= size.into() && given.len() == answer.len());
        assert_eq!((&given[..2], &given[2..12], &given[12..end]), (&other[..2], &answer[2..12], &other[12..end]));
        holds(answer, given, age);
    }
    let mut another = asked.to_vec();
    another[end - 3] ^= 1;
    assert_eq!(get(&cache, &another, now), None, "another type");
    given.is_some()
}

/// What the cache gives for a message.
fn get(cache: &Cache, message: &[u8], now: Instant) -> Option<Vec<u8>> {
    let mut buffer = message.to_vec();
    // What stood there before does not count.
    buffer.resize(message.len() + 8192, 0xee);
    let length = cache.get(&read(message).ok()?, &mut buffer, false, || now)?;
    buffer.truncate(length);
    Some(buffer)
}

/// One that is cut says so, repeats its question where it has one, and has nothing else.
#[track_caller]
fn is_cut_sound(answer: &[u8], end: usize) {
    let mut short = answer.to_vec();
    let length = cut(&mut short, end);
    assert_eq!((length, short[2] & 0x02), (if answer[5] == 0 { 12 } else { end }, 2));
    assert_eq!((&short[12..length], &short[6..12]), (&answer[12..length], &[0; 6][..]));
    if Message::from_vec(answer).is_ok() {
        assert!(Message::from_vec(&short[..length]).is_ok_and(|short| short.metadata.truncation));
    }
}

/// What is given after so many seconds is what came, with its seconds counted down, and not for longer than any of them says.
#[track_caller]
fn holds(answer: &[u8], given: &[u8], age: u32) {
    let (Ok(came), Ok(said)) = (Message::from_vec(answer), Message::from_vec(given)) else { return };
    let is_failure = matches!(answer[3] & 15, 2 | 5);
    assert!(!is_failure || age < 2, "a failure is remembered for {age} s");
    assert_eq!((came.edns.is_some(), came.metadata.truncation), (said.edns.is_some(), false));
    let sections =
        |message: &Message| [message.answers.clone(), message.authorities.clone(), message.additionals.clone()];
    for (came, said) in sections(&came).iter().zip(sections(&said)) {
        assert_eq!(came.len(), said.len());
        for (came, said) in came.iter().zip(said) {
            assert!(is_failure || age < came.ttl, "{came} after {age} s");
            let mut left = came.clone();
            left.ttl = came.ttl.saturating_sub(age);
            assert_eq!((&left, left.ttl), (&said, said.ttl));
        }
    }
}
