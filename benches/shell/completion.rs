//! TAB: what its stubs add to a start and to the first prompt, and how long a TAB takes in a shell under a terminal.

use std::time::Instant;

use hpcsh::shell::code::Shell;

use crate::report::{Report, Row, Table, ms, us};
use crate::rounds::{Candidate, interleave};
use crate::shells::{self, Rc, first_prompt, interactive, name};
use crate::stage::{Stage, output};
use crate::terminal::{PROMPT, Session};

const STARTS: usize = 150;
const TABS: usize = 100;
const FIRST_TABS: usize = 20;
const STUBS: f64 = 20e-6;
const TAB: f64 = 5e-3;
/// The functions of `prompt.*` that are there for TAB alone; they stand one behind the other.
const FUNCTIONS: [&str; 3] = ["_hpcsh_stubs", "_hpcsh_second_prompt", "_hpcsh_complete"];

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    for shell in shells::installed(report).into_iter().filter(|shell| *shell != Shell::Fish) {
        start(stage, report, shell)?;
        tab(stage, report, shell)?;
    }
    Ok(())
}

/// With the stubs against without: two copies of what a first prompt reads, one of them without.
fn start(stage: &Stage, report: &mut Report, shell: Shell) -> Result<(), String> {
    let shell_name = name(shell);
    let with = shell.part("prompt").unwrap_or_default();
    let mut candidates = Vec::new();
    for (what, text) in [("without", without(with)?), ("with", with.to_owned())] {
        for (part, text) in [("prompt", text.as_str()), ("more", shell.part("more").unwrap_or_default())] {
            let file = stage.write(&format!("completion/{what}-{part}.{shell_name}"), text)?;
            if shell == Shell::Zsh {
                output(stage.command("zsh").args(["-f", "-c", "zcompile -U $0"]).arg(file))?;
            }
        }
        // As `compinit` leaves it, which would itself hide what is measured here.
        let table = if shell == Shell::Zsh { "typeset -gA _comps; " } else { "" };
        let after = format!("{table}_hpcsh_copy='{}'", stage.path("completion").join(what).display());
        for (when, script) in [("start", "exit"), ("start and first prompt", first_prompt(shell))] {
            let mut command = interactive(stage, shell, Rc::Hpcsh, &after)?;
            command.args(["-c", script]);
            candidates.push(Candidate::process(format!("{shell_name}, {when}, {what} stubs"), command));
        }
    }
    let all = interleave(5, STARTS, candidates)?;
    let mut table =
        Table::new(format!("completion: {shell_name}, the stubs ({STARTS} rounds)"), &["median", "min", "added"]);
    for (at, series) in all.iter().enumerate() {
        let added = series.added(&all[at % 2]);
        let row = Row::new(series.name.clone(), [ms(series.median()), ms(series.min()), us(added)]);
        // The first prompt has no goal of its own: it is where the login's costs went.
        table.row(if at == 2 { row.goal("≤ 20 µs added", added <= STUBS) } else { row });
    }
    report.table(table);
    Ok(())
}

/// The text of `prompt.*` without what is there for TAB.
fn without(text: &str) -> Result<String, String> {
    let of_tab = |line: &str| FUNCTIONS.iter().any(|name| line == format!("function {name} {{"));
    let mut cut = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.starts_with("function ") && line.ends_with('{') {
            cut = of_tab(line);
        }
        if !cut {
            kept.push_str(&line.replace("! _hpcsh_stubs", "\\builtin false").replace("_hpcsh_stubs", "\\builtin true"));
            kept.push('\n');
        }
    }
    if kept.len() + 200 > text.len() || kept.contains("_hpcsh_complete") {
        return Err("the stubs are not where this bench looks for them".to_owned());
    }
    Ok(kept)
}

/// From the key to the list: TAB behind `hpcsh ` in a new shell, and from the second time on; and what any key takes.
fn tab(stage: &Stage, report: &mut Report, shell: Shell) -> Result<(), String> {
    let shell_name = name(shell);
    let rc = match shell {
        Shell::Zsh => "autoload -Uz compinit; compinit -u -D; plain() { compadd config env }; compdef plain plain",
        Shell::Fish => return Err("fish shows what it completes in a menu of its own".to_owned()),
        Shell::Bash => {
            "bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'; complete -W 'config env' plain"
        }
    };
    let begin = || -> Result<Session, String> {
        let mut session = Session::start(&interactive(stage, shell, Rc::Hpcsh, &format!("PS1='{PROMPT}'; {rc}"))?)?;
        session.prompt()?;
        Ok(session)
    };
    let mut warm = begin()?;
    list(&mut warm, "hpcsh ")?;
    let first = Candidate::new(format!("{shell_name}, the first TAB"), || {
        let mut session = begin()?;
        let took = list(&mut session, "hpcsh ")?;
        session.leave()?;
        Ok(took)
    });
    let first = interleave(1, FIRST_TABS, vec![first])?;
    let warm = std::cell::RefCell::new(warm);
    let later = interleave(
        3,
        TABS,
        vec![
            Candidate::new(format!("{shell_name}, a key that is no TAB"), || {
                let took = press(&mut warm.borrow_mut(), "x", "x")?;
                clear(&mut warm.borrow_mut())?;
                Ok(took)
            }),
            Candidate::new(format!("{shell_name}, a TAB behind a word with two choices"), || {
                list(&mut warm.borrow_mut(), "plain ")
            }),
            Candidate::new(format!("{shell_name}, a TAB from the second on"), || {
                list(&mut warm.borrow_mut(), "hpcsh ")
            }),
        ],
    )?;
    warm.into_inner().leave()?;
    let mut table = Table::new(
        format!("completion: {shell_name}, behind `hpcsh ` ({FIRST_TABS} and {TABS} rounds)"),
        &["median", "min"],
    );
    for series in first.iter().chain(&later) {
        let row = Row::new(series.name.clone(), [ms(series.median()), ms(series.min())]);
        let row = if series.name.contains("second") { row.goal("≤ 5 ms", series.median() <= TAB) } else { row };
        table.row(row);
    }
    report.table(table);
    Ok(())
}

/// A TAB behind this word lists what may follow.
fn list(session: &mut Session, word: &str) -> Result<f64, String> {
    press(session, word, word.trim_end())?;
    let took = press(session, "\t", "config")?;
    clear(session)?;
    Ok(took)
}

/// Seconds from pressing these keys to this text on the screen.
fn press(session: &mut Session, keys: &str, text: &str) -> Result<f64, String> {
    let started = Instant::now();
    session.press(keys)?;
    session.until(text)?;
    let took = started.elapsed().as_secs_f64();
    session.settle();
    Ok(took)
}

/// A new prompt, whatever stands on the line.
fn clear(session: &mut Session) -> Result<(), String> {
    session.press("\x15")?;
    session.settle();
    session.enter("")?;
    session.prompt()?;
    session.settle();
    Ok(())
}
