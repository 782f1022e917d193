//! The exports alone, for job scripts, images and manifests, and a table that gives each one's reason.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use serde::Serialize;

use super::catalogue::is_meant;
use super::env::{Export, Origin};
use super::marker::{Fate, Marker, fate};
use crate::error::Failure;
use crate::host::Host;
use crate::quote;
use crate::verdict::Verdict;

/// For whom the exports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `eval "$(hpcsh env)"` in any POSIX shell.
    Sh,
    /// `hpcsh env --format fish | source`
    Fish,
    /// For programs: each variable with its reason.
    Json,
    /// A `.env` file.
    Dotenv,
    /// `ENV` lines of a Dockerfile.
    Docker,
    /// A Kubernetes `ConfigMap`.
    K8s,
}

impl Format {
    /// All of them, as the command line has them.
    pub const ALL: [(&'static str, Self); 6] = [
        ("sh", Self::Sh),
        ("fish", Self::Fish),
        ("json", Self::Json),
        ("dotenv", Self::Dotenv),
        ("docker", Self::Docker),
        ("k8s", Self::K8s),
    ];
}

/// What holds of the node for which the exports are written.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// What is known, and why.
    pub verdict: &'a Verdict,
    /// Whether it counts as offline.
    pub is_offline: bool,
}

/// One variable with its reason.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    /// Its name.
    pub name: &'a str,
    /// The value that hpcsh gives it in this state of the node; `null`: none.
    pub value: Option<&'a str>,
    /// Where its data belongs, or the table of the configuration that it stands in.
    pub place: &'static str,
    /// The preset, or the table of the configuration that it stands in.
    pub from: &'static str,
    /// Why it is set.
    pub reason: &'static str,
    /// Where the behaviour is documented or was seen.
    pub source: &'static str,
    /// Whether the environment has a value of the user's own, which wins.
    pub yours: bool,
    /// The mirror in the environment that leaves it out; `null`: none.
    pub mirror: Option<String>,
}

/// The exports as rows, against the environment of `host`.
pub fn rows<'a>(exports: &'a [Export], node: &Node<'_>, host: &Host) -> Vec<Row<'a>> {
    let marker = inherited(host);
    let mirrors = Mirrors::of(host);
    let row = |export: &'a Export| {
        let current = current(host, &export.name);
        let (place, from, reason, source) = match export.origin {
            Origin::Preset(row, preset) => (row.place.word(), preset.name, row.reason, row.source),
            Origin::Table(table) => (table, table, "your configuration", ""),
        };
        let is_asked = export.value(node.is_offline).is_some();
        let mirror = mirrors.of_export(export, current.is_some()).filter(|_| is_asked).map(str::to_owned);
        Row {
            name: &export.name,
            value: export.value(node.is_offline).filter(|_| mirror.is_none()),
            place,
            from,
            reason,
            source,
            yours: fate(export, node.is_offline, current.as_deref(), &marker) == Fate::Users,
            mirror,
        }
    };
    exports.iter().map(row).collect()
}

/// The mirrors that the user has named in the environment of `host`, among all that he has there: a configuration knows its own
/// alone.
struct Mirrors(Vec<String>);

impl Mirrors {
    fn of(host: &Host) -> Self {
        let marker = inherited(host);
        let is_theirs = |name: &str, value: &[u8]| !value.is_empty() && !marker.holds(name, value);
        let name = |(name, value): (OsString, OsString)| {
            name.into_string().ok().filter(|name| is_theirs(name, value.as_bytes()))
        };
        Self(host.variables().into_iter().filter_map(name).collect())
    }

    /// The one that leaves this export out. What else than a mirror may do so, as another name of the same variable, does not take back
    /// what is there.
    fn of_export(&self, export: &Export, is_there: bool) -> Option<&str> {
        let unless = match export.origin {
            Origin::Preset(row, _) if !is_there && !export.is_explicit => row.unless,
            _ => export.mirrors(),
        };
        let mut names = self.0.iter().map(String::as_str);
        names.find(|name| *name != export.name && unless.iter().any(|mirror| is_meant(mirror, name)))
    }
}

fn inherited(host: &Host) -> Marker {
    Marker::inherited(current(host, Marker::NAME).unwrap_or_default())
}

fn current(host: &Host, name: &str) -> Option<Vec<u8>> {
    host.variable(name).map(std::os::unix::ffi::OsStringExt::into_vec)
}

/// The exports in this format.
///
/// `sh` and `fish` are evaluated in the environment of `host`: what is the user's own there is left alone, what was
/// ours and no longer holds is taken back. The other formats go elsewhere and hold all that the configuration says.
///
/// # Errors
/// Where a value cannot be written in the format.
pub fn write(format: Format, exports: &[Export], node: &Node<'_>, host: &Host) -> Result<Vec<u8>, Failure> {
    let set = exports.iter().filter_map(|export| Some((export.name.as_str(), export.value(node.is_offline)?)));
    let lines = |line: &dyn Fn(&str, &str) -> String| set.clone().map(|(name, value)| line(name, value)).collect();
    let text: String = match format {
        Format::Sh => return Ok(evaluated(exports, node, host, &SH)),
        Format::Fish => return Ok(evaluated(exports, node, host, &FISH)),
        Format::Json => json(&rows(exports, node, host)),
        Format::Dotenv => lines(&|name, value| format!("{name}={}\n", quote::dotenv(value))),
        Format::Docker => set
            .map(|(name, value)| match quote::dockerfile(value) {
                Some(word) => Ok(format!("ENV {name}={word}\n")),
                None => Err(Failure::failed(format!("{name} holds a line break, which a Dockerfile cannot say"))
                    .hint(format!("leave it out with env.skip, or set {name} at run time"))),
            })
            .collect::<Result<_, _>>()?,
        Format::K8s => {
            let data: String = lines(&|name, value| format!("  {name}: {}\n", quote::json(value)));
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hpcsh-env\ndata:\n{data}")
        }
    };
    Ok(text.into_bytes())
}

/// Rows as JSON, one object a variable.
fn json(rows: &[Row<'_>]) -> String {
    serde_json::to_string_pretty(rows).map(|text| text + "\n").unwrap_or_default()
}

/// How a shell that evaluates the text is told of a variable.
struct Dialect {
    set: &'static str,
    unset: &'static str,
    between: &'static str,
    quote: fn(&[u8]) -> Vec<u8>,
}

const SH: Dialect = Dialect { set: "export ", unset: "unset ", between: "=", quote: |word| quote::sh(word) };
const FISH: Dialect = Dialect { set: "set -gx ", unset: "set -e ", between: " ", quote: |word| quote::fish(word) };

/// What a login sets while shared storage does not answer.
const STORAGE: &str = "HPCSH_STORAGE";

/// What becomes of the environment of `host`: each variable with its value, or that it is taken back.
pub fn changes(exports: &[Export], node: &Node<'_>, host: &Host) -> Vec<(String, Option<Vec<u8>>)> {
    let old = inherited(host);
    let mirrors = Mirrors::of(host);
    let mut marker = Marker::default();
    let mut changes = Vec::new();
    // What we exported once and the configuration no longer names is taken back too.
    let mut back = old.still_ours(|name| current(host, name));
    for export in exports {
        let current = current(host, &export.name);
        if mirrors.of_export(export, current.is_some()).is_some() {
            continue;
        }
        if let Fate::Set(value) = fate(export, node.is_offline, current.as_deref(), &old) {
            changes.push((export.name.clone(), Some(value.as_bytes().to_vec())));
            marker.add(&export.name, value);
            back.retain(|name| *name != export.name);
        }
    }
    marker.keep_additions(&old);
    changes.push(("HPCSH_NODE".to_owned(), Some(node.verdict.state.word().as_bytes().to_vec())));
    changes.push((Marker::NAME.to_owned(), Some(marker.bytes().to_vec())));
    // Of the storage of the node that the environment comes from.
    if current(host, STORAGE).is_some() {
        back.push(STORAGE.to_owned());
    }
    changes.extend(back.into_iter().map(|name| (name, None)));
    changes
}

fn evaluated(exports: &[Export], node: &Node<'_>, host: &Host, dialect: &Dialect) -> Vec<u8> {
    let line = |(name, value): (String, Option<Vec<u8>>)| match value {
        Some(value) => {
            let parts = [dialect.set.as_bytes(), name.as_bytes(), dialect.between.as_bytes(), &(dialect.quote)(&value)];
            [parts.concat(), b"\n".to_vec()].concat()
        }
        None => format!("{}{name}\n", dialect.unset).into_bytes(),
    };
    changes(exports, node, host).into_iter().flat_map(line).collect()
}

/// The rows as a table for people, the verdict above it, those of one preset or table of the configuration together.
pub fn explain(rows: &[Row<'_>], verdict: &Verdict) -> String {
    let mut text = format!("node: {} ({})\n", verdict.state, verdict.reason);
    let value = |row: &Row<'_>| match (row.yours, &row.mirror, row.value) {
        (true, ..) => "(your own value)".to_owned(),
        (false, Some(mirror), _) => format!("({mirror} is set)"),
        (false, None, Some(value)) => value.escape_debug().to_string(),
        (false, None, None) => "-".to_owned(),
    };
    let cells = |row: &Row<'_>| [row.name.to_owned(), value(row), row.place.to_owned(), row.reason.to_owned()];
    let mut groups: Vec<(&str, Vec<[String; 4]>)> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|(from, _)| *from == row.from) {
            Some((_, group)) => group.push(cells(row)),
            None => groups.push((row.from, vec![cells(row)])),
        }
    }
    let head = ["VARIABLE", "VALUE", "PLACE", "REASON"].map(str::to_owned);
    let all = || groups.iter().flat_map(|(_, group)| group).chain([&head]);
    let width = |at: usize| all().map(|row| row[at].chars().count()).filter(|width| *width <= 48).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |row: &[String; 4]| {
        let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  "));
        padded.collect::<String>() + &row[3] + "\n"
    };
    text.push('\n');
    text.push_str(&line(&head));
    for (at, (from, group)) in groups.iter().enumerate() {
        let blank = if at == 0 { "" } else { "\n" };
        text.push_str(&format!("{blank}# {from}\n"));
        text.extend(group.iter().map(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::super::env::{Roots, Settings, plan};
    use super::*;
    use crate::verdict::State;

    #[test]
    fn a_mirror_in_the_environment_counts_as_one_unless_it_is_ours() {
        let settings = Settings { presets: vec!["failfast".into()], ..Settings::default() };
        let names = |variables: &[(&str, &str)]| -> Vec<String> {
            let host = Host::pretend(Path::new("/nowhere"), variables, Box::new(io::sink()), Box::new(io::sink()));
            let exports = plan(&settings, &Roots::default());
            let verdict = Verdict::new(State::Offline, "");
            let changes = changes(&exports, &Node { verdict: &verdict, is_offline: true }, &host);
            changes.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect()
        };
        let all = names(&[]);
        let left = names(&[("PIP_INDEX_URL", "http://mirror/"), ("CARGO_REGISTRIES_LAB_INDEX", "x"), ("UV_INDEX", "")]);
        let gone: Vec<&String> = all.iter().filter(|name| !left.contains(name)).collect();
        assert_eq!(gone, ["PIP_RETRIES", "CARGO_NET_RETRY"]);
        // It came with us, from a node where it held.
        let marker = "\u{1f}PIP_INDEX_URL=http://mirror/\u{1f}";
        assert_eq!(names(&[("PIP_INDEX_URL", "http://mirror/"), (Marker::NAME, marker)]), all);
    }
}
