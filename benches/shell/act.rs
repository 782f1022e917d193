//! `act` and `deactivate`, against sourcing the script that lies in the environment.

use std::path::{Path, PathBuf};

use hpcsh::shell::code::Shell;

use crate::report::{Report, Row, Table, times, us};
use crate::rounds::{Candidate, Series, interleave};
use crate::shells::{self, Rc, name, reading};
use crate::stage::{Stage, find, output};
use crate::trace::{self, Trace};

const ROUNDS: usize = 25;
/// Ins and outs that a shell times.
const TIMES: &str = "100";
/// Ins and outs under strace.
const TRACED: &str = "20";
const GOAL: f64 = 0.2;

/// Who made an environment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Uv,
    Venv,
}

impl Maker {
    fn name(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Venv => "python -m venv",
        }
    }
}

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let mut environments = Vec::new();
    for (maker, made) in [(Maker::Uv, make_uv(stage)?), (Maker::Venv, make_venv(stage)?)] {
        match made {
            Some(dir) => environments.push((maker, dir)),
            None => report.skip(format!("no program for it: act in an environment made by {}", maker.name())),
        }
    }
    let can_trace = trace::is_possible(stage, report);
    for shell in shells::installed(report) {
        compare(stage, report, shell, &environments, can_trace)?;
    }
    Ok(())
}

fn compare(
    stage: &Stage,
    report: &mut Report,
    shell: Shell,
    environments: &[(Maker, PathBuf)],
    can_trace: bool,
) -> Result<(), String> {
    let text = match shell {
        Shell::Zsh => include_str!("fixtures/act.zsh"),
        Shell::Bash => include_str!("fixtures/act.bash"),
        Shell::Fish => include_str!("fixtures/act.fish"),
    };
    let file = stage.write(&format!("act.{}", name(shell)), text)?;
    let looping = |how: Rc, dir: &Path, times: &str| {
        let word = if how == Rc::Hpcsh { "act" } else { "source" };
        reading(stage, shell, how, &file, &[word, &dir.to_string_lossy(), times])
    };
    let (mut candidates, mut rows) = (Vec::new(), Vec::new());
    for (maker, dir) in environments {
        for (how, does) in [(Rc::Empty, "its own script"), (Rc::Hpcsh, "act")] {
            let label = format!("{}, {}: {does}", name(shell), maker.name());
            candidates.push(Candidate::measuring(label, looping(how, dir, TIMES)?));
            let trace = if can_trace { Some(Trace::of(&looping(how, dir, TRACED)?)?.between_marks()?) } else { None };
            rows.push((*maker, how, trace));
        }
    }
    let all = interleave(1, ROUNDS, candidates)?;
    let own_script_of = |wanted: Maker| -> Option<&Series> {
        let at = rows.iter().position(|(maker, how, _)| *maker == wanted && *how == Rc::Empty)?;
        all.get(at)
    };
    let mut table = Table::new(
        format!("act: {}, in and out again ({ROUNDS} rounds of {TIMES}; forks and calls of {TRACED})", name(shell)),
        &["median", "min", "to uv's", "to venv's", "forks", "system calls"],
    );
    for (series, (maker, how, trace)) in all.iter().zip(&rows) {
        let ratio = |maker| own_script_of(maker).map(|base| series.ratio(base));
        let said = |ratio: Option<f64>| ratio.map_or("-".to_owned(), times);
        let counted =
            |count: fn(&Trace) -> usize| trace.as_ref().map_or("-".to_owned(), |trace| count(trace).to_string());
        let mut row = Row::new(
            series.name.clone(),
            [
                us(series.median()),
                us(series.min()),
                said(ratio(Maker::Uv)),
                said(ratio(Maker::Venv)),
                counted(Trace::forks),
                counted(Trace::count),
            ],
        );
        if *how == Rc::Hpcsh {
            // fish's own speed is another goal's: each command takes it as long as ten of the others' take them.
            if *maker == Maker::Uv
                && shell != Shell::Fish
                && let Some(ratio) = ratio(Maker::Uv)
            {
                row = row.goal("≤ 1/5 of uv's", ratio <= GOAL);
            }
            if let Some(trace) = trace {
                row = row.goal("no fork", trace.forks() == 0);
            }
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}

/// An environment made by uv; `None` without it.
fn make_uv(stage: &Stage) -> Result<Option<PathBuf>, String> {
    let (Some(uv), Some(python)) = (find("uv"), find("python3")) else {
        return Ok(None);
    };
    let dir = stage.work.join("by-uv");
    let mut command = stage.command(uv);
    command.args(["venv", "--quiet", "--offline", "--no-config", "--no-project", "--python"]).arg(python).arg(&dir);
    output(command.env("UV_CACHE_DIR", stage.path("uv-cache")).env("UV_PYTHON_DOWNLOADS", "never"))?;
    Ok(Some(dir))
}

/// An environment made by Python itself; `None` without it.
fn make_venv(stage: &Stage) -> Result<Option<PathBuf>, String> {
    let Some(python) = find("python3") else {
        return Ok(None);
    };
    let dir = stage.work.join("by-venv");
    output(stage.command(python).args(["-m", "venv", "--without-pip"]).arg(&dir))?;
    Ok(Some(dir))
}
