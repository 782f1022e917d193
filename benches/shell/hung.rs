//! The first prompt while the shared storage is slow, or hangs: a file system of the tests' own, which does so.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hpcsh::shell::code::Shell;

use crate::house::{House, line, rc_name};
use crate::report::{Report, Row, Table, ms};
use crate::rounds::{Candidate, interleave};
use crate::shells::{self, first_prompt, name};
use crate::stage::{Stage, output};
use crate::storage::{Behaviour, Storage, stuck};

/// Milliseconds of an operation, and rounds.
const SLOW: [(u64, usize); 2] = [(5, 15), (50, 7)];
const REPEATED: usize = 5;
const AT_ONCE: usize = 10;
const GOAL: f64 = 1.0;
/// No prompt takes longer, whatever hangs.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIGURATION: &str = r#"
shared_home = "/STAGE/far"
local_dir = "/STAGE/local"
[env]
presets = ["huggingface", "uv", "wandb"]
[env.set]
UV_INDEX = "http://nexus.your.mirror/pypi/simple"
[node]
verdict = "offline"
"#;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let far = stage.path("far");
    let text = CONFIGURATION.replace("/STAGE", &stage.path("").to_string_lossy());
    stage.write("far/etc/hpcsh/config.toml", &text)?;
    for dir in ["far/prefix/bin", "far/rc"] {
        fs::create_dir_all(stage.path(dir)).map_err(|error| error.to_string())?;
    }
    let storage = match Storage::mount(&far, &far) {
        Ok(storage) => storage,
        Err(why) => {
            report.skip(format!("no storage that hangs: {why}"));
            return Ok(());
        }
    };
    for shell in shells::installed(report).into_iter().filter(|shell| *shell != Shell::Fish) {
        slow(stage, report, &storage, shell)?;
    }
    let mut table = Table::new(
        format!("hung: the first prompt, after one login while it answered ({REPEATED} times; {AT_ONCE} at once)"),
        &["median", "max", "at once, median", "at once, max", "left behind"],
    );
    for shell in shells::installed(report).into_iter().filter(|shell| *shell != Shell::Fish) {
        for case in [Case::Configuration, Case::Program, Case::Rc] {
            table.row(hung(stage, &storage, shell, case)?);
        }
    }
    report.table(table);
    Ok(())
}

/// A home whose configuration lies on the storage.
fn house<'a>(stage: &'a Stage, name: &str) -> Result<House<'a>, String> {
    let house = House::bare(stage, name)?;
    link(&stage.path("far/etc"), &house.path().join(".config"))?;
    Ok(house)
}

fn link(target: &Path, place: &Path) -> Result<(), String> {
    if fs::symlink_metadata(place).is_ok() {
        return Ok(());
    }
    symlink(target, place).map_err(|error| format!("{}: {error}", place.display()))
}

/// The command with what the node keeps for this home alone.
fn keeping(mut command: Command, stage: &Stage, house: &House) -> Command {
    command.env("HPCSH_LOCAL_DIR", house.path().join(".node")).current_dir(stage.path("home"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn slow(stage: &Stage, report: &mut Report, storage: &Storage, shell: Shell) -> Result<(), String> {
    let name = name(shell);
    let empty = House::bare(stage, "slow-empty")?;
    let article = House::bare(stage, "slow-article")?;
    let text = if shell == Shell::Zsh {
        include_str!("fixtures/article.zshrc")
    } else {
        include_str!("fixtures/article.bashrc")
    };
    let theirs = stage.path("far/rc").join(format!("article{}", rc_name(shell)));
    fs::write(storage.behind().join("rc").join(format!("article{}", rc_name(shell))), text)
        .map_err(|error| error.to_string())?;
    let usual = house(stage, "slow-usual")?;
    let first = house(stage, "slow-first")?;
    let local = first.installed(shell, &stage.program)?;
    let words = ["-c", first_prompt(shell)];
    let mut commands = vec![
        ("empty rc", empty.shell(shell, "", &words)?, &empty),
        ("article's rc on it", article.shell(shell, "", &words)?, &article),
        ("the usual line, configuration on it", usual.shell(shell, &line(shell), &words)?, &usual),
        ("local first, configuration on it", first.shell(shell, &local, &words)?, &first),
    ];
    // Where the article has it: a link.
    let place = article.path().join(rc_name(shell));
    fs::remove_file(&place).map_err(|error| error.to_string())?;
    link(&theirs, &place)?;

    let mut operations = Vec::new();
    for (_, command, house) in &mut commands {
        let mut ready = Command::new(command.get_program());
        ready
            .args(command.get_args())
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, word)| Some((name, word?))));
        let mut ready = keeping(ready, stage, house);
        for _ in 0..2 {
            storage.forget();
            output(&mut ready)?;
        }
        operations.push(storage.operations().len());
    }
    for (delay, rounds) in SLOW {
        let mut candidates = Vec::new();
        for (what, command, house) in &commands {
            let mut ready = Command::new(command.get_program());
            ready
                .args(command.get_args())
                .env_clear()
                .envs(command.get_envs().filter_map(|(name, word)| Some((name, word?))));
            let mut ready = keeping(ready, stage, house);
            candidates.push(Candidate::new(format!("{name}, {what}"), move || {
                settle(stage, storage)?;
                prompt(&mut ready)
            }));
        }
        storage.behave(Behaviour::Delay(Duration::from_millis(delay)));
        let all = interleave(1, rounds, candidates)?;
        settle(stage, storage)?;
        storage.behave(Behaviour::Answers);
        let title =
            format!("hung: {name}, first prompt, {delay} ms for each operation of the storage ({rounds} rounds)");
        let mut table = Table::new(title, &["median", "min", "added", "operations"]);
        for (at, series) in all.iter().enumerate() {
            let cells = [ms(series.median()), ms(series.min()), ms(series.added(&all[0])), operations[at].to_string()];
            let mut row = Row::new(series.name.clone(), cells);
            if at > 1 {
                row = row.goal("< article's", series.median() < all[1].median());
            }
            table.row(row);
        }
        report.table(table);
    }
    Ok(())
}

/// Waits until nobody waits for the storage: what an earlier shell has given up goes on.
fn settle(stage: &Stage, storage: &Storage) -> Result<(), String> {
    let began = Instant::now();
    // And until it has taken its record away: who finds that, takes the end of its wait for the storage's answer.
    let is_recorded = || {
        let entries = fs::read_dir(stage.path("run/hpcsh")).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with("reader"))
    };
    while !storage.waiting().is_empty() || is_recorded() {
        if began.elapsed() > PATIENCE {
            return Err("somebody waits for the storage for ever".to_owned());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Seconds to the first prompt of this shell.
fn prompt(command: &mut Command) -> Result<f64, String> {
    let began = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(began.elapsed().as_secs_f64()),
            Ok(Some(status)) => return Err(format!("{command:?}: {status}")),
            Ok(None) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_micros(200)),
            Ok(None) => return Err(format!("{command:?}: hangs")),
            Err(error) => return Err(format!("{command:?}: {error}")),
        }
    }
}

/// What lies on the storage that hangs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Configuration,
    Program,
    Rc,
}

fn hung(stage: &Stage, storage: &Storage, shell: Shell, case: Case) -> Result<Row, String> {
    let (what, directory) = match case {
        Case::Configuration => ("the configuration, the usual line", "hung-configuration"),
        Case::Program => ("the program too, local first", "hung-program"),
        Case::Rc => ("the rc file too, local first", "hung-rc"),
    };
    let house = house(stage, directory)?;
    let words = ["-c", first_prompt(shell)];
    let program = stage.path("far/prefix/bin/hpcsh");
    let command = || -> Result<Command, String> {
        // The rc file is as the installer has left it.
        let place = house.path().join(rc_name(shell));
        let rc = fs::read_to_string(&place).map_err(|error| error.to_string())?;
        Ok(keeping(house.shell(shell, &rc, &words)?, stage, &house))
    };
    let first = match case {
        Case::Configuration => keeping(house.shell(shell, &line(shell), &words)?, stage, &house),
        Case::Program => {
            house.installed(shell, &program)?;
            command()?
        }
        Case::Rc => {
            let file = format!("own{}", rc_name(shell));
            fs::write(storage.behind().join("rc").join(&file), "RC=read\n").map_err(|error| error.to_string())?;
            link(&stage.path("far/rc").join(file), &house.path().join(rc_name(shell)))?;
            house.installed(shell, &program)?;
            command()?
        }
    };
    let again = || {
        let mut command = Command::new(first.get_program());
        command.args(first.get_args()).env_clear();
        command.envs(first.get_envs().filter_map(|(name, word)| Some((name, word?))));
        keeping(command, stage, &house)
    };
    // Good ones, of which the node keeps what they have read.
    for _ in 0..2 {
        output(&mut again())?;
    }
    let mut alone = Vec::new();
    for _ in 0..REPEATED {
        storage.behave(Behaviour::Hang);
        alone.push(prompt(&mut again())?);
        storage.behave(Behaviour::Answers);
        settle(stage, storage)?;
    }
    storage.behave(Behaviour::Hang);
    let together: Result<Vec<f64>, String> = std::thread::scope(|scope| {
        let shells: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| prompt(&mut again()))).collect();
        shells.into_iter().map(|shell| shell.join().unwrap_or_else(|_| Err("a thread is gone".to_owned()))).collect()
    });
    let left = stuck(&house.path().to_string_lossy()).len();
    storage.behave(Behaviour::Answers);
    let mut together = together?;
    settle(stage, storage)?;
    alone.sort_unstable_by(f64::total_cmp);
    together.sort_unstable_by(f64::total_cmp);
    let most = alone[alone.len() - 1].max(together[together.len() - 1]);
    let middle = |times: &[f64]| ms(times[times.len() / 2]);
    let cells = [
        middle(&alone),
        ms(alone[alone.len() - 1]),
        middle(&together),
        ms(together[together.len() - 1]),
        left.to_string(),
    ];
    let row = Row::new(format!("{}, {what}", name(shell)), cells);
    Ok(row.goal("≤ 1 s", most <= GOAL).goal("one process at the most", left <= 1))
}
