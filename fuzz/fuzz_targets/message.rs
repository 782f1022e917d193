//! Any bytes as a message to the resolver: what must hold stands in `src/dns/server/agree.rs`.

#![no_main]

use std::sync::{Arc, LazyLock};

use hpcsh::dns::plan::Plan;
use hpcsh::dns::server::agree::{check, plan};

static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(plan);

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    check(message, &PLAN);
});
