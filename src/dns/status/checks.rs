//! What is wrong with a resolver that runs, by what it says of itself: for `hpcsh doctor`.

use std::net::SocketAddr;

use super::{Report, ask};
use crate::dns::upstream::State;
use crate::finding::{Finding, Mend};
use crate::host::Host;

const NAME: &str = "dns";

/// What is wrong with the resolver that listens here.
pub fn checks(host: &Host, address: SocketAddr) -> Vec<Finding> {
    match ask(host, &[address]) {
        Ok(Some(report)) => wrong(&report),
        // One that has no socket, such as another user's, or one of another network whose address this is.
        Ok(None) => Vec::new(),
        Err(failure) => {
            let hint =
                failure.hint.unwrap_or_else(|| "`hpcsh dns off`, then `hpcsh dns on`, starts it anew".to_owned());
            vec![Finding::problem(NAME, failure.message).hint(hint)]
        }
    }
}

/// What is wrong with one that says this.
fn wrong(report: &Report) -> Vec<Finding> {
    let mut found = Vec::new();
    let again = || Mend::new("hpcsh dns off && hpcsh dns on", "starts this one").as_root();
    if report.version != env!("CARGO_PKG_VERSION") {
        let message = format!("the resolver is hpcsh {}, and this is {}", report.version, env!("CARGO_PKG_VERSION"));
        found.push(Finding::note(NAME, message).mend(again()));
    }
    let upstreams = &report.figures.upstreams;
    let dead: Vec<&str> =
        upstreams.iter().filter(|one| one.state == State::Dead).map(|one| one.address.as_str()).collect();
    let watch = || Mend::new("hpcsh dns status", "tells how each of them is");
    if upstreams.is_empty() {
        let message = "the resolver has no name server to forward to: names of the intranet are not found";
        found.push(Finding::note(NAME, message).hint("`[dns] upstream` in the configuration names them"));
    } else if dead.len() == upstreams.len() {
        let message = format!("no name server of the resolver's answers: {}", dead.join(", "));
        found.push(Finding::problem(NAME, message).mend(watch()));
    } else if !dead.is_empty() {
        let message = format!("the resolver asks others for {}, which does not answer", dead.join(" and "));
        found.push(Finding::note(NAME, message).mend(watch()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::counters::Figures;
    use crate::dns::upstream;
    use crate::finding::Level;

    #[test]
    fn it_is_as_bad_as_its_name_servers() {
        let worst = |version: &str, states: &[State]| {
            let upstream = |state: &State| upstream::Figures {
                address: "10.0.0.1:53".to_owned(),
                state: *state,
                asked: 0,
                answered: 0,
                unanswered: 0,
                latency: 0,
            };
            let upstreams = states.iter().map(upstream).collect();
            let figures = Figures { upstreams, ..Figures::default() };
            let report = Report { version: version.to_owned(), figures, ..Report::default() };
            wrong(&report).into_iter().map(|finding| finding.level).next()
        };
        let now = env!("CARGO_PKG_VERSION");
        assert_eq!(worst(now, &[State::Answers, State::Untried]), None);
        assert_eq!(worst(now, &[State::Answers, State::Dead]), Some(Level::Note));
        assert_eq!(worst(now, &[State::Dead, State::Dead]), Some(Level::Problem));
        assert_eq!(worst(now, &[]), Some(Level::Note));
        assert_eq!(worst("0.0.9", &[State::Answers]), Some(Level::Note));
    }
}
