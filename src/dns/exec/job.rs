//! The names that a command itself brings along: hosts of URLs among its words, the nodes of its job. Pure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::net::place;

/// Where rank 0 of torch's jobs is; the hosts of a job of LSF; the nodes of a job of Slurm, in brackets.
const HOSTS: [&str; 2] = ["MASTER_ADDR", "LSB_HOSTS"];
const NODES: &str = "SLURM_JOB_NODELIST";
/// A job of more nodes has its own ways.
const MOST: usize = 128;

/// Those names, each once.
pub fn names(words: &[OsString], variables: &BTreeMap<OsString, OsString>) -> Vec<String> {
    let value = |name: &str| variables.get(OsStr::new(name)).map(|value| value.to_string_lossy().into_owned());
    let of_urls = words.iter().filter_map(|word| host(&word.to_string_lossy()));
    let of_job = HOSTS
        .iter()
        .filter_map(|name| value(name))
        .flat_map(|value| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let nodes = value(NODES).map(|list| nodes(&list)).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for name in of_urls.chain(of_job).chain(nodes) {
        if name.parse::<std::net::IpAddr>().is_err() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The host of a URL, which may stand behind a `=` or a `+`: `--index-url=https://pypi.lab/simple`, `git+https://…`.
fn host(word: &str) -> Option<String> {
    let (_, rest) = word.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    place::split(place).map(|(host, _)| host.to_owned()).filter(|host| !host.is_empty())
}

/// The nodes of `gpu[01-03,07],login1`, as scontrol(1) shows them: no more than a few.
fn nodes(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    // Commas within brackets part numbers.
    let parts = list.split(|letter| {
        depth = match letter {
            '[' => depth + 1,
            ']' => depth.saturating_sub(1),
            _ => depth,
        };
        letter == ',' && depth == 0
    });
    for part in parts.filter(|part| !part.is_empty()) {
        spread(part, &mut names);
    }
    names
}

/// One word with brackets, the first of which is replaced by each of its numbers, and so on.
fn spread(word: &str, names: &mut Vec<String>) {
    let found = word.split_once('[').and_then(|(before, rest)| Some((before, rest.split_once(']')?)));
    let Some((before, (numbers, after))) = found else {
        if names.len() < MOST {
            names.push(word.to_owned());
        }
        return;
    };
    for range in numbers.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (Ok(low), Ok(high)) = (first.parse::<u64>(), last.parse::<u64>()) else { continue };
        let width = first.len();
        for number in low..=high {
            if names.len() >= MOST {
                return;
            }
            spread(&format!("{before}{number:0width$}{after}"), names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_nodes_is_spread() {
        for (list, names) in [
            ("gpu[01-03,07],login1", &["gpu01", "gpu02", "gpu03", "gpu07", "login1"][..]),
            ("n[9-11].lab", &["n9.lab", "n10.lab", "n11.lab"]),
            ("r[1-2]n[1,3]", &["r1n1", "r1n3", "r2n1", "r2n3"]),
            ("a,,b[x],c", &["a", "c"]),
            ("", &[]),
        ] {
            assert_eq!(nodes(list), names, "{list}");
        }
        assert_eq!(nodes("n[1-18446744073709551615]").len(), MOST);
        assert_eq!(nodes("a[1-1000][1-1000]").len(), MOST);
        assert_eq!(nodes("n[5-3]"), [""; 0]);
    }

    #[test]
    fn a_command_brings_names_along() {
        let words =
            ["git", "clone", "https://me@git.lab:8443/a", "--index-url=http://nexus/simple", "http://10.0.0.1/", "x"];
        let variables = [("MASTER_ADDR", "gpu01"), ("SLURM_JOB_NODELIST", "gpu[01-02]"), ("LSB_HOSTS", "h1 h1 h2")];
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let found = names(&words.map(OsString::from), &variables);
        assert_eq!(found, ["git.lab", "nexus", "gpu01", "h1", "h2", "gpu02"]);
    }
}
