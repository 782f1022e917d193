//! Any bytes as an upstream's answer to any bytes as a question: what must hold stands in `src/dns/server/agree/answers.rs`.

#![no_main]

use hpcsh::dns::server::agree::check_answer;

libfuzzer_sys::fuzz_target!(|parts: (&[u8], &[u8], u16)| {
    let (asked, answer, age) = parts;
    check_answer(asked, answer, age.into());
});
