//! Messages that are made up: questions, questions with something changed, anything; and answers. The same ones each time.

use super::{check, check_answer, plan};
use crate::dns::question::read;

/// As many messages of each kind.
const MESSAGES: usize = 70_000;

/// A generator that gives the same each time (the multiplier of Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

const NAMES: [&[u8]; 16] = [
    b"\0",
    b"\x0bhuggingface\x02co\0",
    b"\x0bHuGgInGfAcE\x02cO\0",
    b"\x09localhost\0",
    b"\x01A\x09LOCALhost\0",
    b"\x04arpa\0",
    b"\x07in-addr\x04arpa\0",
    b"\x011\x010\x010\x03127\x07in-addr\x04ARPA\0",
    b"\x011\x010\x010\x0210\x07in-addr\x04arpa\0",
    b"\x03git\x04corp\x07example\0",
    b"\x04corp\x07example\0",
    b"\x07example\0",
    b"\x08resolver\x04arpa\0",
    b"\x04node\0",
    b"\x03\xff\x00.\x02 \\\0",
    b"\x11use-application-d\x03net\0",
];
const KINDS: [&[u8; 2]; 16] = [
    b"\0\x01",
    b"\0\x1c",
    b"\0\x0c",
    b"\0\x02",
    b"\0\x06",
    b"\0\x41",
    b"\0\xff",
    b"\0\xfb",
    b"\0\xfc",
    b"\0\x29",
    b"\0\0",
    b"\0\xfa",
    b"\x01\x01",
    b"\xff\xff",
    b"\0\xf9",
    b"\0\x10",
];
const CLASSES: [&[u8; 2]; 6] = [b"\0\x01", b"\0\x01", b"\0\x01", b"\0\x01", b"\0\x03", b"\0\xff"];
const EDNS: [&[u8]; 10] = [
    b"",
    b"",
    b"\0\0\x29\x10\0\0\0\0\0\0\0",
    b"\0\0\x29\x02\0\0\0\x80\0\0\0",
    b"\0\0\x29\0\0\x01\0\xff\xff\0\0",
    b"\0\0\x29\x04\xd0\0\x01\0\0\0\0",
    b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08cookie!!",
    b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x03\0\0",
    b"\0\0\x29\x04\xd0\0\0\0\0\0\x0b\0\x08\0\x07\0\x01\x18\0\x0a\0\0",
    b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x0c\0\x02\0",
];

/// A question as many a client asks it.
fn question(random: &mut Random) -> Vec<u8> {
    let edns = random.one(&EDNS);
    let flags = if random.below(4) == 0 { [random.byte() & 0x7f, random.byte()] } else { [random.byte() & 1, 0x20] };
    let mut message =
        vec![random.byte(), random.byte(), flags[0], flags[1], 0, 1, 0, 0, 0, 0, 0, u8::from(!edns.is_empty())];
    message.extend(random.one(&NAMES));
    message.extend(random.one(&KINDS));
    message.extend(random.one(&CLASSES));
    message.extend(edns);
    message
}

/// The same, with some bytes changed, cut off, doubled or added.
fn mutated(random: &mut Random) -> Vec<u8> {
    let message = question(random);
    changed(random, message)
}

fn changed(random: &mut Random, mut message: Vec<u8>) -> Vec<u8> {
    for _ in 0..=random.below(3) {
        let at = random.below(message.len());
        match random.below(8) {
            0 => message.truncate(at.max(1)),
            1 => message.insert(at, random.byte()),
            2 => message.extend_from_within(at..),
            3 => message.extend((0..random.below(40)).map(|_| random.byte()).collect::<Vec<_>>()),
            // The header's counts.
            4 if message.len() >= 12 => message[4 + random.below(8)] = u8::try_from(random.below(4)).unwrap(),
            _ => message[at] = random.byte(),
        }
    }
    message
}

fn anything(random: &mut Random) -> Vec<u8> {
    let length = random.below(300);
    let mut message: Vec<u8> = (0..length).map(|_| random.byte()).collect();
    if length > 12 && random.below(4) > 0 {
        message[2..12].copy_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
    message
}

fn check_all(messages: fn(&mut Random) -> Vec<u8>, least_by_both: usize) {
    let plan = plan();
    let mut random = Random(1);
    let both = (0..MESSAGES).filter(|_| check(&messages(&mut random), &plan)).count();
    assert!(both >= least_by_both, "{both} of {MESSAGES}");
}

#[test]
fn both_paths_agree_on_questions() {
    check_all(question, MESSAGES / 6);
}

#[test]
fn both_paths_agree_on_mutated_questions() {
    check_all(mutated, MESSAGES / 20);
}

#[test]
fn both_paths_agree_on_anything() {
    check_all(anything, MESSAGES / 20);
}

/// As many answers.
const ANSWERS: usize = 30_000;

/// Data of records, behind their types.
const DATA: [&[u8]; 8] = [
    b"\0\x01\x0a\0\0\x01",
    b"\0\x01\x0a\0\0\x02",
    b"\0\x1c\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01",
    b"\0\x10\x04text",
    b"\0\x05\xc0\x0c",
    b"\0\x06\0\0\0\0\0\x01\0\0\x0e\x10\0\0\x02\x58\0\x01\x51\x80\0\0\0\x0a",
    b"\0\x02\x02ns\xc0\x0c",
    b"\xff\0\x01x",
];

/// A message, and what an upstream may answer to it.
fn conversation(random: &mut Random) -> (Vec<u8>, Vec<u8>) {
    let asked = loop {
        let mut message = question(random);
        message[2] &= 1;
        if read(&message).is_ok_and(|question| question.class == 1) {
            break message;
        }
    };
    let end = read(&asked).unwrap().end;
    let mut answer = asked[..end].to_vec();
    let code = [0, 0, 0, 0, 3, 3, 2, 5, 1, 4][random.below(10)];
    (answer[2], answer[3], answer[11]) = (0x80 | asked[2], 0x80 | code, 0);
    for section in [7, 9, 11] {
        for _ in 0..random.below(if section == 7 { 4 } else { 2 }) {
            let (kind, data) = random.one(&DATA).split_at(2);
            let seconds = [1 << 31, random.below(9), random.below(4000)][random.below(9).div_ceil(2).min(2)];
            let seconds = u32::try_from(seconds).unwrap().to_be_bytes();
            let length = u16::try_from(data.len()).unwrap().to_be_bytes();
            answer.extend([&[0xc0, 12], kind, &[0, 1], &seconds, &length, data].concat());
            answer[section] += 1;
        }
    }
    if random.below(3) == 0 {
        answer.extend(random.one(&EDNS[2..]));
        answer[11] += 1;
    }
    (asked, answer)
}

#[test]
fn what_an_upstream_answers_is_remembered_as_it_came() {
    let mut random = Random(1);
    let remembered = (0..ANSWERS).filter(|_| {
        let (asked, answer) = conversation(&mut random);
        let age = u32::try_from(random.below(12)).unwrap();
        check_answer(&asked, &answer, age)
    });
    let remembered = remembered.count();
    assert!(remembered >= ANSWERS / 20, "{remembered} of {ANSWERS}");
}

#[test]
fn what_an_upstream_says_may_be_anything() {
    let mut random = Random(2);
    let remembered = (0..ANSWERS).filter(|_| {
        let (asked, answer) = conversation(&mut random);
        let answer = if random.below(8) == 0 { anything(&mut random) } else { changed(&mut random, answer) };
        check_answer(&asked, &answer, 0)
    });
    let remembered = remembered.count();
    assert!(remembered >= ANSWERS / 100, "{remembered} of {ANSWERS}");
}
