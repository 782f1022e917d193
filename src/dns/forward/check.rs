//! Whether a message answers a question that was sent, and how. Pure.
//!
//! Whose number and address are right has repeated the question byte for byte, case too (RFC 5452, 9.1): all else is somebody's
//! attempt to be quicker. Only who says that he does not understand it may leave it out.

/// What a message is to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// None to this question.
    Wrong,
    /// It is answered.
    Right,
    /// This server cannot answer it; another may.
    Failing,
}

const FORMAT_ERROR: u8 = 1;
const SERVER_FAILURE: u8 = 2;
const NOT_IMPLEMENTED: u8 = 4;
const REFUSED: u8 = 5;

/// What `answer` is to the message `asked`, whose question ends there. The numbers of both are not looked at.
pub fn check(asked: &[u8], end: usize, answer: &[u8]) -> Answer {
    let (Some(header), Some(question)) = (answer.first_chunk::<12>(), asked.get(12..end)) else { return Answer::Wrong };
    let is_same_operation = asked.get(2).is_some_and(|flags| (flags ^ header[2]) & 0x78 == 0);
    if header[2] & 0x80 == 0 || !is_same_operation {
        return Answer::Wrong;
    }
    let code = header[3] & 15;
    match u16::from_be_bytes([header[4], header[5]]) {
        1 if answer.get(12..end) == Some(question) => {}
        0 if is_bare(header) && matches!(code, FORMAT_ERROR | SERVER_FAILURE | NOT_IMPLEMENTED | REFUSED) => {}
        _ => return Answer::Wrong,
    }
    if matches!(code, SERVER_FAILURE | REFUSED) { Answer::Failing } else { Answer::Right }
}

/// Neither answer nor authority; an EDNS record may be there.
fn is_bare(header: &[u8; 12]) -> bool {
    header[6..11] == [0; 5] && header[11] <= 1
}

/// An answer that is too long for us, made one that tells its asker to come over TCP: its length.
pub fn cut(answer: &mut [u8], end: usize) -> usize {
    answer[2] |= 0x02;
    answer[6..12].fill(0);
    // One that has no question has nothing behind its header then.
    if answer[4..6] == [0; 2] { 12 } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &[u8] = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x04NaMe\0\0\x01\0\x01";

    fn with(at: usize, bytes: &[u8]) -> Answer {
        let mut answer = ASKED.to_vec();
        answer[2] |= 0x80;
        answer[at..at + bytes.len()].copy_from_slice(bytes);
        check(ASKED, ASKED.len(), &answer)
    }

    #[test]
    fn an_answer_repeats_its_question() {
        for code in [0, 1, 3, 4, 6] {
            assert_eq!(with(3, &[0x80 | code]), Answer::Right);
        }
        for code in [2, 5] {
            assert_eq!(with(3, &[0x80 | code]), Answer::Failing);
        }
        let end = ASKED.len();
        // A question, another operation, another case, type and class, no question, two of them.
        let others = [(2, 1), (2, 0xa1), (13, b'n'), (end - 3, 2), (end - 1, 3), (5, 0), (5, 2)];
        for (at, byte) in others {
            assert_eq!(with(at, &[byte]), Answer::Wrong, "{at}");
        }
        for end in 0..ASKED.len() {
            let mut answer = ASKED[..end].to_vec();
            answer.get_mut(2).into_iter().for_each(|flags| *flags |= 0x80);
            assert_eq!(check(ASKED, ASKED.len(), &answer), Answer::Wrong);
        }
    }

    #[test]
    fn who_does_not_understand_may_say_so_in_a_header() {
        let bare = |code: u8, counts: [u8; 4]| {
            let [answers, authority, high, low] = counts;
            let header = [0, 7, 0x81, 0x80 | code, 0, 0, 0, answers, 0, authority, high, low];
            check(ASKED, ASKED.len(), &header)
        };
        assert_eq!(
            [1, 2, 4, 5].map(|code| bare(code, [0; 4])),
            [Answer::Right, Answer::Failing, Answer::Right, Answer::Failing]
        );
        assert_eq!([0, 3, 6].map(|code| bare(code, [0; 4])), [Answer::Wrong; 3]);
        assert_eq!(bare(1, [0, 0, 0, 1]), Answer::Right);
        assert_eq!(
            [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 2]].map(|counts| bare(1, counts)),
            [Answer::Wrong; 4]
        );
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let mut answer = ASKED.to_vec();
        answer[2] |= 0x80;
        answer[7] = 200;
        answer.extend([0; 5000]);
        let length = cut(&mut answer, ASKED.len());
        let mut wanted = ASKED.to_vec();
        wanted[2] = 0x83;
        assert_eq!(answer[..length], wanted);
        answer[5] = 0;
        assert_eq!(cut(&mut answer, ASKED.len()), 12);
    }
}
