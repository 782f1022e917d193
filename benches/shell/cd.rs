//! A change of directory, with the hooks of the prompt after it, against the builtin alone, hooks that do nothing, and others'.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::{fs, thread, time::Duration};

use hpcsh::shell::code::Shell;

use crate::report::{Report, Row, Table, us};
use crate::rounds::{Candidate, interleave};
use crate::shells::{self, Rc, name, reading};
use crate::stage::Stage;
use crate::trace::{self, Trace};

const ROUNDS: usize = 9;
/// Changes there and back that a shell times: so many that what it does for the first time is no part of it.
const TIMES: &str = "1000";
/// In fish, which takes ten times as long.
const FISH_TIMES: &str = "100";
/// The same under strace.
const TRACED: &str = "20";
const GOAL: f64 = 40e-6;
const FIRST: f64 = 1.5e-3;
/// Looks at files below the home that one change may cost beside the builtin's own.
const LOOKS: f64 = 6.0;

/// From where to where.
struct Way {
    name: &'static str,
    kind: &'static str,
    there: &'static str,
    back: &'static str,
    is_for: fn(Shell) -> bool,
}

const WAYS: [Way; 4] = [
    Way { name: "three levels below home", kind: "prompt", there: "a/b/c", back: "a/b/d", is_for: |_| true },
    Way { name: "within a project", kind: "prompt", there: "p/x", back: "p", is_for: |_| true },
    // bash asks the program at each visit: no memory of its own tells it whether an environment has changed.
    Way {
        name: "in and out, entered before",
        kind: "prompt",
        there: "p",
        back: "a",
        is_for: |shell| shell == Shell::Zsh,
    },
    // fish has no clock for something that happens once.
    Way { name: "the first entry", kind: "first", there: "p", back: "a", is_for: |shell| shell != Shell::Fish },
];

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    make_directories(stage)?;
    let can_trace = trace::is_possible(stage, report);
    for shell in shells::installed(report) {
        let text = match shell {
            Shell::Zsh => include_str!("fixtures/cd.zsh"),
            Shell::Bash => include_str!("fixtures/cd.bash"),
            Shell::Fish => include_str!("fixtures/cd.fish"),
        };
        let file = stage.write(&format!("cd.{}", name(shell)), text)?;
        for way in WAYS.iter().filter(|way| (way.is_for)(shell)) {
            compare(stage, report, shell, &file, way, can_trace)?;
        }
    }
    Ok(())
}

/// Directories three levels below the home, and a project with an environment that is older than the last seconds.
fn make_directories(stage: &Stage) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("cannot make the directories: {error}");
    for dir in ["a/b/c", "a/b/d", "p/x", "p/.venv/bin"] {
        fs::create_dir_all(stage.path("home").join(dir)).map_err(broken)?;
    }
    stage.write("home/p/.venv/pyvenv.cfg", "home = /usr/bin\n")?;
    symlink("/usr/bin/true", stage.path("home/p/.venv/bin/python")).map_err(broken)?;
    thread::sleep(Duration::from_millis(3200));
    Ok(())
}

fn compare(
    stage: &Stage,
    report: &mut Report,
    shell: Shell,
    file: &Path,
    way: &Way,
    can_trace: bool,
) -> Result<(), String> {
    let is_first = way.kind == "first";
    let mut variants = vec![Rc::Hpcsh];
    if !is_first {
        variants = Rc::installed(report);
        variants.insert(1, Rc::Hooks);
    }
    let home = stage.path("home");
    let (there, back) = (home.join(way.there), home.join(way.back));
    let changing = |rc: Rc, times: &str| {
        reading(stage, shell, rc, file, &[way.kind, &there.to_string_lossy(), &back.to_string_lossy(), times])
    };
    let mut candidates = Vec::new();
    for &rc in &variants {
        // Those of others start programs.
        let times = match rc {
            Rc::Empty | Rc::Hooks | Rc::Hpcsh if shell == Shell::Fish => FISH_TIMES,
            Rc::Empty | Rc::Hooks | Rc::Hpcsh => TIMES,
            _ => "5",
        };
        candidates.push(Candidate::measuring(rc.name(), changing(rc, times)?));
    }
    let all = interleave(1, if is_first { 4 * ROUNDS } else { ROUNDS }, candidates)?;
    let mut table = Table::new(
        format!("cd: {}, {} ({ROUNDS} rounds)", name(shell), way.name),
        &["median", "min", "added", "forks", "execs", "looks"],
    );
    let mut alone = None;
    for (series, &rc) in all.iter().zip(&variants) {
        let added = if is_first { series.median() } else { series.added(&all[0]) };
        let mut counts = ["-", "-", "-"].map(str::to_owned);
        let mut counted = None;
        if can_trace && !is_first {
            let trace = Trace::of(&changing(rc, TRACED)?)?.between_marks()?;
            let changes = 2.0 * TRACED.parse::<f64>().unwrap_or(1.0);
            let looks = f64::from(u32::try_from(trace.within(&home)).unwrap_or(u32::MAX)) / changes;
            let own = looks - *alone.get_or_insert(looks);
            counts = [trace.forks().to_string(), trace.execs().to_string(), format!("{own:.1}")];
            counted = Some((trace.forks(), own));
        }
        let [forks, execs, looks] = counts;
        let cells = [us(series.median()), us(series.min()), us(added), forks, execs, looks];
        let mut row = Row::new(format!("{}, {}", name(shell), rc.name()), cells);
        if rc == Rc::Hpcsh && is_first {
            row = row.goal("≤ 1.5 ms", added <= FIRST);
        } else if rc == Rc::Hpcsh {
            row = row.goal("≤ 40 µs added", added <= GOAL);
            if let Some((forks, looks)) = counted {
                row = row.goal("no fork", forks == 0).goal("≤ 6 looks", looks <= LOOKS);
            }
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}
