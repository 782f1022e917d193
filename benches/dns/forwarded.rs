//! Names of the intranet: asked for at an upstream that answers at once, each time, or from memory.

use std::time::Duration;

use crate::blocked::{measure, table};
use crate::echo;
use crate::load::{self, Shape, questions};
use crate::report::Report;
use crate::servers::{Engine, INTRANET, Role};
use crate::stage::Stage;

const SPAN: Duration = Duration::from_millis(1500);
const NAMES: u16 = 10_000;
const WINDOW: usize = 100;
const ENGINES: [Engine; 5] = [Engine::Echo, Engine::Joined, Engine::Ours, Engine::Dnsmasq, Engine::Unbound];

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let names = questions(NAMES, INTRANET);
    let shape = Shape { window: WINDOW, answers: usize::MAX, span: SPAN, code: 0 };
    for (cache, ttl, title, goals) in [
        (false, 0, "forward: names of the intranet, nothing remembered", [(Engine::Dnsmasq, 2.5)]),
        (true, 3600, "forward: names of the intranet, remembered", [(Engine::Unbound, 1.5)]),
    ] {
        let upstream = echo::upstream(ttl)?;
        let load = |server: &crate::servers::Server| {
            if cache {
                // Every name once before.
                load::udp(server.address, &names, Shape { answers: names.len(), ..shape })?;
            }
            load::udp(server.address, &names, shape)
        };
        let all = measure(stage, &ENGINES, |_| Role::Forward(upstream, cache), load, report)?;
        table(report, &format!("{title} ({WINDOW} in flight)"), &all, &goals, &[]);
    }
    Ok(())
}
