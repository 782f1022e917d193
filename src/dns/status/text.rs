//! What a resolver says of itself, for people.

use std::fmt::Write as _;

use super::Report;
use crate::dns::counters::Histogram;
use crate::dns::upstream::State;
use crate::quote;

/// So many names are shown.
const NAMES: usize = 10;

/// The report, in lines.
pub fn text(report: &Report) -> String {
    let Report { version, process, figures, .. } = report;
    let mut out = format!(
        "answering on {} for {} (hpcsh {version}, process {process})\n",
        report.listen.join(" and "),
        age(report.uptime_seconds)
    );
    out += if report.forwards_everything {
        "the node is online: everything is forwarded\n\n"
    } else {
        "names of the internet do not exist\n\n"
    };
    let rows = [
        ("served", figures.served, String::new()),
        ("  blocked", figures.blocked, share(figures.blocked, figures.served)),
        ("  forwarded", figures.forwarded, failed(figures.failed, figures.pending)),
        ("  remembered", figures.remembered, format!("{} of {} answers are kept", figures.entries, report.cache)),
        ("  answered here", figures.here, String::new()),
        ("  unusual", figures.unusual, String::new()),
    ];
    let width = digits(figures.served);
    for (name, count, remark) in rows {
        let _ = writeln!(out, "{}", format!("{name:<15}  {count:>width$}  {remark}").trim_end());
    }
    if figures.upstreams.is_empty() {
        out += "\nthere is no name server to forward to\n";
    }
    for upstream in &figures.upstreams {
        let state = match upstream.state {
            State::Untried => "was not asked yet".to_owned(),
            State::Answers => format!("answers in about {}", span(upstream.latency)),
            State::Dead => "does not answer".to_owned(),
        };
        let counts = format!("{} of {} answered", upstream.answered, upstream.asked);
        let _ = write!(out, "\n{}  {state}", quote::visible(&upstream.address));
        out += &if upstream.asked == 0 { String::new() } else { format!("; {counts}") };
    }
    if !figures.upstreams.is_empty() {
        out.push('\n');
    }
    if figures.latency.count() > 0 {
        let _ = writeln!(
            out,
            "half of the answers came {}, 99 % {}",
            within(&figures.latency, 0.5),
            within(&figures.latency, 0.99)
        );
    }
    if !figures.top_blocked.is_empty() {
        out += "\nblocked most often\n";
        let shown = &figures.top_blocked[..figures.top_blocked.len().min(NAMES)];
        let width = shown.iter().map(|blocked| digits(blocked.count)).max().unwrap_or_default();
        for blocked in shown {
            let _ = writeln!(out, "  {:>width$}  {}", blocked.count, quote::visible(&blocked.name));
        }
    }
    out
}

fn digits(count: u64) -> usize {
    count.checked_ilog10().unwrap_or_default() as usize + 1
}

/// `75 %`
fn share(part: u64, whole: u64) -> String {
    (part * 100).checked_div(whole).map(|share| format!("{share} %")).unwrap_or_default()
}

fn failed(failed: u64, pending: u64) -> String {
    let parts = [(failed, "got no answer"), (pending, "are on their way")];
    let said = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    said.collect::<Vec<_>>().join(", ")
}

/// `within 5 ms`
fn within(latency: &Histogram, share: f64) -> String {
    latency.within(share).map_or_else(|| "later than 2 s".to_owned(), |bound| format!("within {}", span(bound)))
}

/// Microseconds, for people.
fn span(microseconds: u64) -> String {
    match microseconds {
        0..1000 => format!("{microseconds} µs"),
        1000..1_000_000 => format!("{}.{} ms", microseconds / 1000, microseconds % 1000 / 100).replace(".0 ", " "),
        _ => format!("{}.{} s", microseconds / 1_000_000, microseconds % 1_000_000 / 100_000).replace(".0 ", " "),
    }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::counters::{BOUNDS, Blocked, Figures};
    use crate::dns::upstream;

    #[test]
    fn a_report_is_read_at_a_glance() {
        let upstream = |address: &str, state, asked, answered| upstream::Figures {
            address: address.to_owned(),
            state,
            asked,
            answered,
            unanswered: asked - answered,
            latency: 1240,
        };
        let mut counts = vec![0; BOUNDS.len() + 1];
        (counts[2], counts[13]) = (19, 1);
        let figures = Figures {
            served: 1204,
            blocked: 903,
            forwarded: 21,
            failed: 1,
            pending: 2,
            remembered: 270,
            entries: 15,
            here: 9,
            unusual: 1,
            latency: Histogram { counts, sum: 9 },
            top_blocked: vec![
                Blocked { name: "huggingface.co".into(), count: 890 },
                Blocked { name: "\u{1b}[31mx".into(), count: 13 },
            ],
            upstreams: vec![
                upstream("10.0.0.1:53", State::Answers, 21, 20),
                upstream("10.0.0.2:53", State::Dead, 2, 0),
                upstream("10.0.0.3:53", State::Untried, 0, 0),
            ],
        };
        let mut report = Report {
            version: "0.1.0".into(),
            process: 4711,
            uptime_seconds: 7380,
            listen: vec!["127.0.0.1:53".into(), "[::1]:53".into()],
            forwards_everything: false,
            cache: 10_000,
            figures,
        };
        assert_eq!(
            text(&report),
            "\
answering on 127.0.0.1:53 and [::1]:53 for 2 h 3 min (hpcsh 0.1.0, process 4711)
names of the internet do not exist

served           1204
  blocked         903  75 %
  forwarded        21  1 got no answer, 2 are on their way
  remembered      270  15 of 10000 answers are kept
  answered here     9
  unusual           1

10.0.0.1:53  answers in about 1.2 ms; 20 of 21 answered
10.0.0.2:53  does not answer; 0 of 2 answered
10.0.0.3:53  was not asked yet
half of the answers came within 1 ms, 99 % later than 2 s

blocked most often
  890  huggingface.co
   13  \\u{1b}[31mx
"
        );
        report = Report { forwards_everything: true, figures: Figures::default(), ..report };
        let said = text(&report);
        assert!(said.contains("\nthe node is online: everything is forwarded\n"), "{said}");
        assert!(said.ends_with("\n  unusual        0\n\nthere is no name server to forward to\n"), "{said}");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(
            [0, 999, 1000, 2500, 250_000, 2_000_000].map(span),
            ["0 µs", "999 µs", "1 ms", "2.5 ms", "250 ms", "2 s"]
        );
        assert_eq!([59, 60, 3660, 90_000].map(age), ["59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
    }
}
