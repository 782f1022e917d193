//! One prompt, after the first: what the hooks cost, and what the kernel is asked for while nothing is done but Enter.

use std::process::Command;

use hpcsh::shell::code::Shell;

use crate::report::{Report, Row, Table, us};
use crate::rounds::{Candidate, interleave};
use crate::shells::{self, Rc, interactive, name, reading};
use crate::stage::Stage;
use crate::terminal::{PROMPT, Session};
use crate::trace::{self, Trace};

const ROUNDS: usize = 25;
/// Prompts under strace.
const TRACED: usize = 20;
const GOAL: f64 = 30e-6;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let variants = Rc::installed(report);
    let can_trace = trace::is_possible(stage, report);
    for shell in shells::installed(report) {
        time(stage, report, shell, &variants)?;
        // What fish asks the kernel for at a prompt is mostly its own line editor's; a test counts processes.
        if can_trace && shell != Shell::Fish {
            count(stage, report, shell, &variants)?;
        }
    }
    Ok(())
}

/// Times a loop of the shell's own over what it does for a prompt.
fn time(stage: &Stage, report: &mut Report, shell: Shell, variants: &[Rc]) -> Result<(), String> {
    let text = match shell {
        Shell::Zsh => include_str!("fixtures/prompt.zsh"),
        Shell::Bash => include_str!("fixtures/prompt.bash"),
        Shell::Fish => include_str!("fixtures/prompt.fish"),
    };
    let file = stage.write(&format!("prompt.{}", name(shell)), text)?;
    let mut candidates = Vec::new();
    for &rc in variants {
        // Those of others start programs.
        let prompts = if matches!(rc, Rc::Empty | Rc::Hpcsh) { "1000" } else { "20" };
        candidates.push(Candidate::measuring(rc.name(), reading(stage, shell, rc, &file, &[prompts])?));
    }
    let all = interleave(1, ROUNDS, candidates)?;
    let mut table = Table::new(
        format!("prompt: {}, hooks and the prompt's text ({ROUNDS} rounds)", name(shell)),
        &["median", "min", "added"],
    );
    for (series, rc) in all.iter().zip(variants) {
        let added = series.added(&all[0]);
        let mut row =
            Row::new(format!("{}, {}", name(shell), rc.name()), [us(series.median()), us(series.min()), us(added)]);
        if *rc == Rc::Hpcsh {
            row = row.goal("≤ 30 µs added", added <= GOAL);
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}

/// Counts what the shell asks the kernel for from one prompt to the twentieth after it, under a terminal.
fn count(stage: &Stage, report: &mut Report, shell: Shell, variants: &[Rc]) -> Result<(), String> {
    let mut table = Table::new(
        format!("prompt: {}, {TRACED} prompts under a terminal, in the shared home", name(shell)),
        &["system calls", "forks", "execs", "in the shared home"],
    );
    let mut empty = None;
    for &rc in variants {
        let trace = prompts(stage, shell, rc)?;
        let (forks, execs, shared) = (trace.forks(), trace.execs(), trace.within(&stage.shared));
        let base = *empty.get_or_insert(shared);
        let mut row = Row::new(
            format!("{}, {}", name(shell), rc.name()),
            [trace.count(), forks, execs, shared].map(|count| count.to_string()),
        );
        if rc == Rc::Hpcsh {
            row = row
                .goal("no fork", forks == 0)
                .goal("no exec", execs == 0)
                .goal("no call in the shared home", shared <= base);
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}

/// The calls of these prompts.
fn prompts(stage: &Stage, shell: Shell, rc: Rc) -> Result<Trace, String> {
    let mut command = interactive(stage, shell, rc, &format!("PS1='{PROMPT}'"))?;
    command.current_dir(&stage.work);
    typed(&command, TRACED)
}

/// The calls of so many prompts of this shell, after its first ones.
pub fn typed(command: &Command, prompts: usize) -> Result<Trace, String> {
    let (traced, file) = trace::wrap(command)?;
    let mut session = Session::start(&traced)?;
    session.prompt()?; // the first one, at which one-shot hooks go
    session.enter("")?;
    session.prompt()?;
    session.enter(&format!("test -e {}", trace::BEGIN))?;
    session.prompt()?;
    for _ in 1..prompts {
        session.enter("")?;
        session.prompt()?;
    }
    session.enter(&format!("test -e {}", trace::END))?;
    session.prompt()?;
    session.leave()?;
    Trace::read(&file)?.between_marks()
}
