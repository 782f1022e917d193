//! Whatever message comes, nothing breaks, no answer is wrong in form, and the fast path says what hickory says. For tests, and for
//! the fuzzer in `fuzz/`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)] // a check fails by that

mod answers;
#[cfg(test)]
mod random;

pub use answers::check_answer;

use std::sync::Arc;

use hickory_server::proto::op::{Message, MessageType, ResponseCode};

use super::handler::{Judged, judge};
use super::thread::is_plain;
use crate::dns::domains::Domains;
use crate::dns::plan::Plan;
use crate::dns::policy::{Action, Policy, Rules};
use crate::dns::question::{Unusual, read};
use crate::dns::wire;

/// A policy with names of each kind.
pub fn plan() -> Arc<Plan> {
    let rules = Rules { allow: Domains::from_iter(["corp.example"]), ..Rules::default() };
    let policy = Policy::new(&rules);
    Arc::new(Plan { policy, upstreams: Vec::new(), cache: 0, only_while_offline: true })
}

/// What the fast path says, where it says something, or that it forwards.
fn in_place(message: &[u8], plan: &Plan) -> Option<Judged> {
    let question = match read(message) {
        Ok(question) if is_plain(&question) => question,
        Err(Unusual::Silence) => return Some(Judged::Silence),
        _ => return None,
    };
    let action = plan.decide(&question, false);
    if action == Action::Forward {
        return Some(Judged::Forward(Box::new(question)));
    }
    // What stood in the buffer before does not count.
    let mut buffer = [message, &[0xee; wire::SPARE]].concat();
    let length = wire::answer(&mut buffer, &question, action).unwrap();
    Some(Judged::Answer(buffer[..length].to_vec()))
}

/// What is right for every answer.
#[track_caller]
fn is_sound(message: &[u8], asked: Option<&Message>, answer: &[u8]) {
    assert!(message.len() >= 12 && message[2] & 0x80 == 0, "an answer to an answer: {message:02x?}");
    assert!(answer.len() <= 512);
    let parsed = Message::from_vec(answer).unwrap_or_else(|error| panic!("{error}: {answer:02x?} to {message:02x?}"));
    let said = (parsed.metadata.message_type, parsed.metadata.recursion_available);
    assert_eq!(said, (MessageType::Response, true));
    assert_eq!(answer[..2], message[..2]);
    // Operation and recursion wanted are copied, and checks not wanted; nothing is authoritative, cut off, or proved.
    assert_eq!(answer[2], 0x80 | message[2] & 0x79, "{message:02x?}");
    assert_eq!(answer[3] & 0xf0, 0x80 | message[3] & 0x10, "{message:02x?}");
    let questions = usize::from(answer[5]);
    if questions > 0 {
        assert_eq!(answer[4..6], message[4..6]);
        let end = 12 + message[12..].iter().zip(&answer[12..]).take_while(|(one, other)| one == other).count();
        assert!(end >= 17, "the question as it came: {answer:02x?} to {message:02x?}");
    }
    let code = parsed.metadata.response_code;
    let says_none = parsed.answers.is_empty() && matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
    assert_eq!((parsed.authorities.len(), parsed.answers.len() <= 1), (usize::from(says_none), true));
    let is_bare = answer.len() == 12;
    if let Some(asked) = asked.filter(|_| !is_bare) {
        assert_eq!(asked.edns.is_some(), parsed.edns.is_some(), "{message:02x?}");
    }
}

/// What it means: only hickory writes the question's name a second time, where we point to it.
fn parsed(judged: &Judged) -> Result<(&[u8], Message), &Judged> {
    match judged {
        Judged::Answer(answer) => Ok((&answer[..12], Message::from_vec(answer).unwrap())),
        other => Err(other),
    }
}

/// Checks one message; whether both paths could judge it.
///
/// Panics where something is not as it is to be.
#[track_caller]
pub fn check(message: &[u8], plan: &Arc<Plan>) -> bool {
    let asked = Message::from_vec(message).ok();
    let slow = judge(message, Arc::clone(plan), false);
    if let Judged::Answer(answer) = &slow {
        is_sound(message, asked.as_ref(), answer);
    }
    let Some(fast) = in_place(message, plan) else { return false };
    // An option that only hickory looks into, and takes for broken, is nothing that we look at.
    let can_both = asked.is_some() || fast == Judged::Silence;
    if fast != slow {
        if can_both {
            assert_eq!(parsed(&fast), parsed(&slow), "{fast:02x?}, {slow:02x?} to {message:02x?}");
        }
        if let Judged::Answer(answer) = &fast {
            is_sound(message, asked.as_ref(), answer);
        }
    }
    can_both
}
