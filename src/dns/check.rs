//! `hpcsh dns check`: what would happen to a name, which rule says so, and where that comes from.

use std::net::IpAddr;

use serde::Serialize;

use super::policy::{Action, Policy, Rule};
use super::question::Name;
use super::rules::Known;
use super::settings::suffix;
use crate::error::Failure;
use crate::quote;

const A: u16 = 1;
const PTR: u16 = 12;

/// What a node goes by.
#[derive(Clone, Debug)]
pub struct Node {
    /// The rules.
    pub known: Known,
    /// The search domains, in order.
    pub search: Vec<String>,
    /// A name with fewer dots is first looked for in them: `ndots` of resolv.conf(5).
    pub dots: usize,
    /// Everything is forwarded now.
    pub is_open: bool,
}

/// One name that the C library would ask for, and what would happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What was given.
    pub asked: String,
    /// What would be asked for.
    pub name: String,
    /// `A`, or `PTR` where an address was given.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `blocked`, `empty`, `localhost`, `forwarded`.
    pub action: &'static str,
    /// The rule's word.
    pub rule: &'static str,
    /// The suffix of the rule.
    pub suffix: Option<String>,
    /// Who has made the rule; `null`: nobody, it is always there.
    pub from: Option<String>,
    /// Why, as a sentence.
    pub reason: String,
}

/// What would happen to these names, in the order in which the C library would ask for each.
///
/// # Errors
/// Where one is no name (exit code 2).
pub fn rows(node: &Node, names: &[String]) -> Result<Vec<Row>, Failure> {
    let policy = Policy::new(&node.known.rules);
    let mut rows = Vec::new();
    for asked in names {
        let (candidates, kind, kind_name) = match asked.parse() {
            Ok(address) => (vec![reverse(address)], PTR, "PTR"),
            Err(_) if is_name(asked) => (candidates(asked, node), A, "A"),
            Err(_) => (Vec::new(), A, "A"),
        };
        let before = rows.len();
        for candidate in candidates {
            // One that gets too long behind a search domain is not asked for.
            let Some(name) = Name::of(&candidate) else { continue };
            let (action, rule) =
                if node.is_open { policy.explain_while_online(&name, kind) } else { policy.explain(&name, kind) };
            rows.push(row(asked, candidate, kind_name, action, rule, &node.known));
        }
        if rows.len() == before {
            let why = format!("\"{}\" is no name", quote::visible(asked));
            return Err(
                Failure::usage(why).hint("give a name such as huggingface.co, other alphabets as xn--…, or an address")
            );
        }
    }
    Ok(rows)
}

fn row(asked: &str, name: String, kind: &'static str, action: Action, rule: Rule, known: &Known) -> Row {
    Row {
        asked: asked.to_owned(),
        name,
        kind,
        action: action.word(),
        rule: rule.kind.word(),
        from: known.origin(&rule).map(str::to_owned),
        reason: rule.to_string(),
        suffix: rule.suffix,
    }
}

/// Whether a host may be called so, in the letters in which it is asked for.
fn is_name(text: &str) -> bool {
    text == "." || !text.starts_with('.') && suffix(text).is_ok()
}

/// The names to ask for: one that resolv.conf(5) looks for in the search domains first, in these and then as it is; any other as
/// it is, since the first "there is no such name" for it is what a program waits for.
fn candidates(name: &str, node: &Node) -> Vec<String> {
    let is_short = !name.ends_with('.') && name.matches('.').count() < node.dots.max(1);
    // The C library has it from /etc/hosts.
    let is_here = name.eq_ignore_ascii_case("localhost");
    let within = node.search.iter().filter(|_| is_short && !is_here);
    let mut names: Vec<String> = within.map(|domain| format!("{name}.{domain}")).collect();
    names.push(name.to_owned());
    names
}

/// The name of an address: RFC 1035, 3.5 and RFC 3596, 2.5.
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, d] = four.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(six) => {
            let digits = six.octets().into_iter().rev().map(|byte| format!("{:x}.{:x}.", byte & 15, byte >> 4));
            digits.collect::<String>() + "ip6.arpa"
        }
    }
}

/// For programs: an object for each name that would be asked for.
pub fn json(rows: &[Row]) -> String {
    serde_json::to_string_pretty(rows).map(|text| text + "\n").unwrap_or_default()
}

/// For people: a line for each name that would be asked for.
pub fn text(rows: &[Row]) -> String {
    let width = |cell: fn(&Row) -> &str| {
        rows.iter().map(|row| quote::visible(cell(row)).chars().count()).filter(|width| *width <= 60).max().unwrap_or(0)
    };
    let (name, action) = (width(|row| &row.name), width(|row| row.action));
    let line = |row: &Row| {
        let from = row.from.as_ref().map(|from| format!(" ({})", quote::visible(from))).unwrap_or_default();
        format!("{:<name$}  {:<action$}  {}{from}\n", quote::visible(&row.name), row.action, row.reason)
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::rules::{Said, Sources};

    fn node(dots: usize) -> Node {
        let said = |text, by| vec![Said { text, by }];
        let known = Known::of(Sources {
            allow: said("corp.example", "/etc/hpcsh/config.toml:7"),
            search: said("ml.svc.cluster.local", "/etc/resolv.conf"),
            ..Sources::default()
        });
        let search = vec!["ml.svc.cluster.local".to_owned(), "gone.example".to_owned()];
        Node { known, search, dots, is_open: false }
    }

    fn checked(node: &Node, name: &str) -> Vec<(String, &'static str, &'static str)> {
        let rows = rows(node, &[name.to_owned()]).unwrap();
        rows.into_iter().map(|row| (row.name, row.action, row.rule)).collect()
    }

    #[test]
    fn a_short_name_is_looked_for_in_the_search_domains() {
        let all = [
            ("vllm.ml.svc.cluster.local".to_owned(), "forwarded", "search"),
            ("vllm.gone.example".to_owned(), "blocked", "internet"),
            ("vllm".to_owned(), "forwarded", "single-label"),
        ];
        assert_eq!(checked(&node(1), "vllm"), all);
        assert_eq!(checked(&node(0), "vllm"), all);
        assert_eq!(checked(&node(1), "vllm."), [("vllm.".to_owned(), "forwarded", "single-label")]);
        assert_eq!(checked(&node(1), "vllm.ml"), [("vllm.ml".to_owned(), "blocked", "internet")]);
        assert_eq!(checked(&node(5), "vllm.ml").len(), 3);
    }

    #[test]
    fn an_address_is_asked_for_by_its_name() {
        assert_eq!(checked(&node(5), "10.1.2.3"), [("3.2.1.10.in-addr.arpa".into(), "forwarded", "private-reverse")]);
        assert_eq!(checked(&node(1), "1.1.1.1"), [("1.1.1.1.in-addr.arpa".into(), "blocked", "internet")]);
        let [(name, action, rule)] = <[_; 1]>::try_from(checked(&node(1), "::1")).unwrap();
        assert_eq!((name.as_str(), action, rule), (super::super::policy::special::LOOPBACK_6, "localhost", "loopback"));
        let [(name, action, _)] = <[_; 1]>::try_from(checked(&node(1), "fe80::ab12")).unwrap();
        assert!(name.starts_with("2.1.b.a.0.") && name.ends_with(".0.8.e.f.ip6.arpa"), "{name}");
        assert_eq!(action, "forwarded");
    }

    #[test]
    fn what_is_no_name_is_told() {
        for name in ["a..b", &"x".repeat(64), "\u{1b}[31m..x", "", ".corp.example", "https://x", "k\u{e4}se.example"] {
            let failure = rows(&node(5), &[name.to_owned()]).unwrap_err();
            assert_eq!(failure.message, format!("\"{}\" is no name", quote::visible(name)));
        }
    }

    #[test]
    fn each_line_says_which_rule_and_where_from() {
        let names = ["x.corp.example", "localhost", "huggingface.co"].map(str::to_owned);
        assert_eq!(
            text(&rows(&node(1), &names).unwrap()),
            "x.corp.example  forwarded  `dns.allow` has corp.example (/etc/hpcsh/config.toml:7)\n\
             localhost       localhost  localhost is this node (RFC 6761)\n\
             huggingface.co  blocked    nothing says that it is of the intranet\n"
        );
    }
}
