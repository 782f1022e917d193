//! All that was found: one value, for people and for programs.

use serde_json::Value;

use super::json;
use crate::finding::{Finding, Level, Mend, Repair};
use crate::host::users;
use crate::quote;

/// What all checks have found, in the order in which they looked; told is the worst first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report(Vec<Finding>);

impl Report {
    /// Of these findings.
    pub fn new(findings: Vec<Finding>) -> Self {
        Self(findings)
    }

    fn in_order(&self) -> impl Iterator<Item = &Finding> {
        Level::ALL.into_iter().flat_map(|level| self.0.iter().filter(move |finding| finding.level == level))
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.count(Level::Problem) == 0
    }

    /// What `--fix` may do, each once, with the command that does the same.
    pub fn repairs(&self) -> Vec<(&Repair, &Mend)> {
        let mut repairs: Vec<(&Repair, &Mend)> = Vec::new();
        for mend in self.0.iter().flat_map(|finding| &finding.mends) {
            if let Some(repair) = mend.repair.as_ref().filter(|repair| repairs.iter().all(|(known, _)| known != repair))
            {
                repairs.push((repair, mend));
            }
        }
        repairs
    }

    /// The commands that somebody has to run who knows better than this program: of each finding that it does not mend itself.
    pub fn for_people(&self) -> impl Iterator<Item = &Mend> {
        let is_ours = |finding: &&Finding| finding.mends.iter().any(|mend| mend.repair.is_some());
        self.0.iter().filter(move |finding| !is_ours(finding)).flat_map(|finding| &finding.mends)
    }

    /// For people.
    pub fn text(&self) -> String {
        self.in_order().map(lines).collect()
    }

    /// How it stands, in a line for people.
    pub fn summary(&self) -> String {
        let count = |level: Level, one: &str| match self.count(level) {
            0 => None,
            1 => Some(format!("1 {one}")),
            many => Some(format!("{many} {one}s")),
        };
        let said: Vec<String> =
            [count(Level::Problem, "problem"), count(Level::Note, "note")].into_iter().flatten().collect();
        let repairs = self.repairs().len();
        match (said.is_empty(), repairs) {
            (true, _) => "nothing is wrong".to_owned(),
            (false, 0) => said.join(", "),
            (false, _) => format!("{}; `hpcsh doctor --fix` mends {repairs} of them", said.join(", ")),
        }
    }

    /// For programs. `fixed` are the commands whose work was done.
    pub fn json(&self, fixed: &[String]) -> String {
        let value = json::object([
            ("version", Value::from(env!("CARGO_PKG_VERSION"))),
            ("problems", Value::from(self.count(Level::Problem))),
            ("notes", Value::from(self.count(Level::Note))),
            ("fixed", Value::Array(fixed.iter().map(|command| Value::from(command.as_str())).collect())),
            ("findings", Value::Array(self.in_order().map(json::value).collect())),
        ]);
        serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
    }
}

/// A command as somebody types it here.
pub fn command(mend: &Mend) -> String {
    let root = if mend.as_root && users::my_id() != 0 { "as root: " } else { "" };
    format!("{root}{}", quote::visible(&mend.command))
}

fn lines(finding: &Finding) -> String {
    let Finding { check, level, message, place, hint, mends } = finding;
    let place = place.as_ref().map_or_else(String::new, |place| {
        let at = place.at.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        format!("{}{at}: ", place.file)
    });
    let mut text = format!("{:<8} {check}: {}\n", level.word(), quote::visible(&format!("{place}{message}")));
    let commands: Vec<String> = mends.iter().map(command).collect();
    let width = commands.iter().map(|command| command.chars().count()).filter(|width| *width <= 60).max().unwrap_or(0);
    for (mend, command) in mends.iter().zip(commands) {
        let itself = if mend.repair.is_some() { "; --fix does it" } else { "" };
        text.push_str(&format!("           {command:<width$}  # {}{itself}\n", mend.does));
    }
    if let Some(hint) = hint {
        text.push_str(&format!("           hint: {}\n", quote::visible(hint)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Place;

    #[test]
    fn the_worst_comes_first_and_each_repair_once() {
        let free = || Mend::new("rm x", "removes it").by_itself(Repair::FreeLock, true);
        let report = Report::new(vec![
            Finding::ok("config", "fine"),
            Finding::note("node", "a\u{1b}[31m").mend(free()),
            Finding::problem("config", "wrong")
                .at(Place { file: "/c.toml".into(), at: Some((3, 7)) })
                .hint("do")
                .mend(Mend::new("vi +3 /c.toml", "opens it")),
            Finding::note("node", "b").mend(free()),
        ]);
        assert_eq!(
            report.text(),
            "problem  config: /c.toml:3:7: wrong
           vi +3 /c.toml  # opens it
           hint: do
note     node: a\\u{1b}[31m
           rm x  # removes it; --fix does it
note     node: b
           rm x  # removes it; --fix does it
ok       config: fine
"
        );
        assert_eq!(report.summary(), "1 problem, 2 notes; `hpcsh doctor --fix` mends 1 of them");
        assert_eq!(report.repairs().len(), 1);
        let people: Vec<&str> = report.for_people().map(|mend| mend.command.as_str()).collect();
        assert_eq!(people, ["vi +3 /c.toml"]);
        assert!(!report.is_sound());
        let notes = Report::new(vec![Finding::note("node", "b")]);
        assert!(notes.is_sound());
        assert_eq!(notes.summary(), "1 note");
        assert_eq!(Report::new(vec![Finding::ok("node", "b")]).summary(), "nothing is wrong");
    }
}
