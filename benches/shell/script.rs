//! The script that `hpcsh init` prints: its size, and the time in which a shell parses it.

use hpcsh::shell::code::Shell;

use crate::report::{Report, Row, Table, us};
use crate::rounds::{Candidate, interleave};
use crate::shells::{self, Rc, name, reading};
use crate::stage::{Stage, output};

const ROUNDS: usize = 80;
const SIZE: usize = 8 * 1024;
const TIME: f64 = 0.2e-3;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let mut sizes = Table::new("script: its size", &["bytes"]);
    let mut parsing = Table::new(
        format!("script: parsed, not run ({ROUNDS} rounds; \"again\": the mean of 20 in one shell)"),
        &["median", "min", "over nothing"],
    );
    for shell in shells::installed(report) {
        let script = output(stage.command(&stage.program).args(["init", name(shell), "--print"]))?;
        if !script.contains(shell.code()) {
            return Err("the program and this bench have different code: build both".to_owned());
        }
        let code = shell.codes().concat();
        sizes.row(
            Row::new(format!("{}, code", name(shell)), [code.len().to_string()]).goal("≤ 8 KB", code.len() <= SIZE),
        );
        sizes.row(Row::new(format!("{}, with the data of 30 lines", name(shell)), [script.len().to_string()]));
        let more = shell.part("prompt").unwrap_or_default();
        sizes.row(Row::new(format!("{}, read at the first prompt", name(shell)), [more.len().to_string()]));

        let text = match shell {
            Shell::Zsh => include_str!("fixtures/parse.zsh"),
            Shell::Bash => include_str!("fixtures/parse.bash"),
            // It has no clock of its own, and none that it could start is quick enough.
            Shell::Fish => continue,
        };
        let parser = stage.write(&format!("parse.{}", name(shell)), text)?;
        let nothing = stage.write("nothing", ":\n")?;
        let code = stage.write(&format!("code.{}", name(shell)), &code)?;
        let script = stage.write(&format!("script.{}", name(shell)), &script)?;
        let more = stage.write(&format!("more.{}", name(shell)), more)?;
        let mut candidates = Vec::new();
        let files = [("nothing", &nothing), ("code", &code), ("script", &script), ("read at the first prompt", &more)];
        for (what, file) in files {
            for (when, warm, times) in [("once", "0", "1"), ("again", "3", "20")] {
                let words = [&*file.to_string_lossy(), warm, times];
                let command = reading(stage, shell, Rc::Empty, &parser, &words)?;
                candidates.push(Candidate::measuring(format!("{}, {what}, {when}", name(shell)), command));
            }
        }
        if shell == Shell::Zsh {
            let parser = stage.write("compiled.zsh", include_str!("fixtures/compiled.zsh"))?;
            for (when, warm, times) in [("once", "0", "1"), ("again", "3", "20")] {
                let words = [&*script.to_string_lossy(), warm, times];
                let command = reading(stage, shell, Rc::Empty, &parser, &words)?;
                candidates.push(Candidate::measuring(format!("zsh, script, compiled, {when}"), command));
            }
        }
        let all = interleave(3, ROUNDS, candidates)?;
        let (nothing, texts) = all.split_at(2);
        for (series, nothing) in texts.iter().zip(nothing.iter().cycle()) {
            let cells = [us(series.median()), us(series.min()), us(series.added(nothing))];
            let row = Row::new(series.name.clone(), cells);
            // The goal is the code's: how long the data is, is the user's. What zsh parses from the second login on is compiled.
            let has_goal = series.name.contains("code") || series.name.contains("compiled");
            parsing.row(if has_goal { row.goal("≤ 0.2 ms", series.added(nothing) <= TIME) } else { row });
        }
    }
    report.table(sizes);
    report.table(parsing);
    Ok(())
}
