//! `hpcsh doctor`: what is wrong on this node, and the command that mends it.
//!
//! Each capability has the checks of its own; here they are asked in turn, in time, and what they may mend by themselves is mended.
//! Comes up whatever is wrong, above all with the configuration, which is one of the findings.

mod json;
pub mod look;
pub mod repair;
pub mod report;

use std::path::{Path, PathBuf};

use look::Eyes;
use report::Report;

use crate::dns;
use crate::error::Failure;
use crate::finding::Finding;
use crate::host::Host;
use crate::node::{self, probe};
use crate::shell::{env, rc, theirs, trust};
use crate::storage::{hf, shared_home};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// For programs.
    pub json: bool,
    /// What is to become of what hpcsh may mend by itself.
    pub fix: Fix,
}

/// What is to become of what hpcsh may mend by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// It is told with all else.
    No,
    /// It is told, and what is left for people.
    Told,
    /// It is mended if the user agrees, where there is one to be asked.
    Asked,
    /// It is mended.
    Unasked,
}

/// What is looked at, as it is configured.
pub struct Subject<'a> {
    /// What is wrong with the configuration itself.
    pub config: Vec<Finding>,
    /// Storage that is known not to answer.
    pub hung: Option<PathBuf>,
    /// `[env]`
    pub env: &'a env::Settings,
    /// The directories below which variables and state lie.
    pub roots: &'a env::Roots,
    /// `[node]`
    pub node: &'a probe::Settings,
    /// `[venv] trusted_roots`
    pub trust: &'a trust::Settings,
}

/// Asks every capability for what is wrong.
pub fn examine(host: &Host, subject: Subject<'_>) -> Report {
    let Subject { config, hung, env, roots, node, trust } = subject;
    let mut eyes = Eyes::new(host, hung);
    let mut found = config;
    if let Some(home) = &roots.shared {
        match eyes.try_look("storage", std::slice::from_ref(home), &|| shared_home::checks(host, home)) {
            Ok(looked) => found.extend(looked),
            // That it does not answer is told below.
            Err(unseen) if unseen.mount == unseen.hung => {}
            Err(unseen) => found.push(unseen.note("storage")),
        }
    }
    found.extend(eyes.look("shell", &rc::asked(host), &|| rc::checks(host)));
    let exports = env::plan(env, roots);
    found.extend(theirs::checks(host, &exports, roots));
    let token = exports.iter().find(|export| export.name == "HF_TOKEN_PATH").and_then(|export| export.value(true));
    let token = token.map(Path::new);
    found.extend(eyes.look("storage", &hf::token::asked(host, token), &|| hf::token::checks(host, token)));
    found.extend(node::checks::checks(host, node));
    let local = &roots.local;
    found.extend(eyes.look("node", std::slice::from_ref(local), &|| node::places::checks(host, local)));
    if let Some(dir) = node::places::temporary(host) {
        found.extend(eyes.look("node", std::slice::from_ref(&dir), &|| node::places::temporary_checks(host, &dir)));
    }
    found.extend(eyes.look("dns", &dns::checks::asked(host), &|| dns::checks::checks(host)));
    found.extend(eyes.look("trust", &trust::stale::asked(host, trust), &|| trust::stale::checks(host, trust)));
    // What others say of it follows from that.
    Report::new(eyes.hung().into_iter().chain(found).collect())
}

/// Says what is wrong, and mends what hpcsh may mend by itself where that is asked; gives whether nothing is wrong then.
/// `examine` looks, and looks again.
///
/// # Errors
/// Where something could not be mended.
pub fn run(host: &mut Host, question: Question, examine: &dyn Fn(&Host) -> Report) -> Result<bool, Failure> {
    let mut report = examine(host);
    let mut outcome = repair::Outcome::default();
    if question.fix != Fix::No {
        outcome = repair::run(host, question.fix, &report, examine);
        if !outcome.fixed.is_empty() {
            report = examine(host);
        }
    }
    if question.json {
        host.print(report.json(&outcome.fixed));
    } else if question.fix != Fix::Told {
        host.print(report.text());
        host.say(report.summary());
    }
    match outcome.failed {
        0 => Ok(report.is_sound()),
        failed => Err(Failure::failed(format!("{failed} of what was to be mended could not be"))),
    }
}
