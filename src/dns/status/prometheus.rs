//! What a resolver says of itself, for Prometheus: its text format, version 0.0.4, as `node_exporter`'s textfile collector reads it.
//!
//! No names that were looked up: each would be a time series, and they tell what people do.

use std::fmt::Write as _;

use super::Report;
use crate::dns::counters::BOUNDS;
use crate::dns::upstream::State;

/// The figures; `None`: that there is no resolver.
pub fn text(report: Option<&Report>) -> String {
    let mut page = Page(String::new());
    page.one("up", "gauge", "Whether the resolver answers.", u64::from(report.is_some()));
    let Some(report) = report else { return page.0 };
    let figures = &report.figures;
    page.head("info", "gauge", "The resolver that answers.");
    let _ = writeln!(page.0, "hpcsh_dns_info{{version=\"{}\"}} 1", label(&report.version));
    page.one("uptime_seconds", "gauge", "How long it has been answering.", report.uptime_seconds);
    page.one(
        "blocking",
        "gauge",
        "Whether names of the internet do not exist now.",
        u64::from(!report.forwards_everything),
    );
    page.head("questions_total", "counter", "Questions, by what became of them.");
    let outcomes = [
        ("blocked", figures.blocked),
        ("forwarded", figures.forwarded),
        ("here", figures.here),
        ("remembered", figures.remembered),
        ("unusual", figures.unusual),
    ];
    for (outcome, count) in outcomes {
        let _ = writeln!(page.0, "hpcsh_dns_questions_total{{outcome=\"{outcome}\"}} {count}");
    }
    page.one("failed_total", "counter", "Forwarded questions that no upstream has answered.", figures.failed);
    page.one("pending", "gauge", "Questions that wait for an upstream.", figures.pending);
    page.one("remembered_answers", "gauge", "Answers in memory.", figures.entries);
    page.head("upstream_seconds", "histogram", "How long upstreams took.");
    let mut sum = 0;
    for (number, count) in figures.latency.counts.iter().enumerate() {
        sum += count;
        let bound = BOUNDS.get(number).map_or_else(|| "+Inf".to_owned(), |bound| seconds(*bound));
        let _ = writeln!(page.0, "hpcsh_dns_upstream_seconds_bucket{{le=\"{bound}\"}} {sum}");
    }
    let _ = writeln!(page.0, "hpcsh_dns_upstream_seconds_sum {}", seconds(figures.latency.sum));
    let _ = writeln!(page.0, "hpcsh_dns_upstream_seconds_count {sum}");
    page.head("upstream_up", "gauge", "Whether an upstream answers, as far as is known.");
    for upstream in &figures.upstreams {
        let is_up = u8::from(upstream.state != State::Dead);
        let _ = writeln!(page.0, "hpcsh_dns_upstream_up{{address=\"{}\"}} {is_up}", label(&upstream.address));
    }
    page.head("upstream_questions_total", "counter", "Questions sent to an upstream.");
    for upstream in &figures.upstreams {
        let _ = writeln!(
            page.0,
            "hpcsh_dns_upstream_questions_total{{address=\"{}\"}} {}",
            label(&upstream.address),
            upstream.asked
        );
    }
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP hpcsh_dns_{name} {help}\n# TYPE hpcsh_dns_{name} {kind}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "hpcsh_dns_{name} {value}");
    }
}

/// Microseconds as seconds.
fn seconds(microseconds: u64) -> String {
    let text = format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seconds_and_labels_are_quoted() {
        assert_eq!([0, 250, 5000, 2_000_000, 12_345_678].map(seconds), ["0", "0.00025", "0.005", "2", "12.345678"]);
        assert_eq!(label("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        assert_eq!(
            text(None),
            "# HELP hpcsh_dns_up Whether the resolver answers.\n# TYPE hpcsh_dns_up gauge\nhpcsh_dns_up 0\n"
        );
    }
}
