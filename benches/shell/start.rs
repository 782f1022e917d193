//! An interactive shell's start with the line in its rc file, against an empty rc file and what others put there.

use std::ffi::OsString;

use hpcsh::shell::code::Shell;

use crate::nothing;
use crate::report::{Report, Row, Table, ms};
use crate::rounds::{Candidate, Series, interleave};
use crate::shells::{self, Rc, first_prompt, interactive};
use crate::stage::{Stage, output};

const ROUNDS: usize = 150;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let mut variants = Rc::installed(report);
    variants.insert(1, Rc::Article);
    if nothing::in_c(stage)?.is_some() {
        variants.insert(1, Rc::Nothing);
    } else {
        report.skip("no compiler for a program that does nothing: the floor of one exec");
    }
    for shell in shells::installed(report) {
        let name = shells::name(shell);
        // First, since zsh's first prompt on a node compiles what later logins read.
        let prompt = rounds(stage, shell, &variants, first_prompt(shell))?;
        let start = rounds(stage, shell, &variants, "exit")?;
        report.table(table(&format!("start: {name}, from its start to its end"), shell, &variants, &start, true));
        let title = format!("start: {name}, with the hooks of the first prompt");
        report.table(table(&title, shell, &variants, &prompt, false));
        report.table(below(stage, shell)?);
    }
    Ok(())
}

/// The start of a shell below one of ours, as in a pane of a terminal: it has inherited all that the line would set.
fn below(stage: &Stage, shell: Shell) -> Result<Table, String> {
    let mut outer = interactive(stage, shell, Rc::Hpcsh, "")?;
    let inherited = output(outer.args(["-c", "env -0"]))?;
    let variants = [Rc::Empty, Rc::Hpcsh];
    let mut candidates = Vec::new();
    for rc in variants {
        let mut command = interactive(stage, shell, rc, "")?;
        // But for what the stage says of this one, as where its rc file is.
        let own: Vec<OsString> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        let is_inherited = |name: &str| name == "PATH" || !own.iter().any(|own| own == name);
        let words = inherited.split('\0').filter_map(|word| word.split_once('='));
        command.envs(words.filter(|(name, _)| is_inherited(name)));
        command.args(["-c", "exit"]);
        candidates.push(Candidate::process(rc.name(), command));
    }
    let all = interleave(5, ROUNDS, candidates)?;
    let title = format!("start: {}, below a shell with the line, from its start to its end", shells::name(shell));
    Ok(table(&title, shell, &variants, &all, false))
}

fn rounds(stage: &Stage, shell: Shell, variants: &[Rc], script: &str) -> Result<Vec<Series>, String> {
    let mut candidates = Vec::new();
    for &rc in variants {
        let mut command = interactive(stage, shell, rc, "")?;
        command.args(["-c", script]);
        candidates.push(Candidate::process(rc.name(), command));
    }
    interleave(5, ROUNDS, candidates)
}

/// A row for each rc file; the first is the empty one. The goals are those of the start alone.
fn table(title: &str, shell: Shell, variants: &[Rc], all: &[Series], goals: bool) -> Table {
    let name = shells::name(shell);
    let empty = &all[0];
    let zoxide = variants.iter().position(|&rc| rc == Rc::Zoxide).map(|at| all[at].added(empty));
    let mut table = Table::new(format!("{title} ({ROUNDS} rounds)"), &["median", "min", "added", "added (medians)"]);
    for (series, rc) in all.iter().zip(variants) {
        let added = series.added(empty);
        let mut row = Row::new(
            format!("{name}, {}", rc.name()),
            [ms(series.median()), ms(series.min()), ms(added), ms(series.median() - empty.median())],
        );
        if goals && *rc == Rc::Hpcsh {
            let goal = goal(shell);
            row = row.goal(format!("≤ {goal} ms added"), added * 1e3 <= goal);
            if let Some(zoxide) = zoxide {
                row = row.goal("< zoxide", added < zoxide);
            }
        }
        table.row(row);
    }
    table
}

/// Milliseconds that the line may add.
fn goal(shell: Shell) -> f64 {
    match shell {
        Shell::Zsh => 1.3,
        Shell::Bash => 1.4,
        // Of a start that takes ten times as long.
        Shell::Fish => 3.0,
    }
}
