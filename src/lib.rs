//! hpcsh makes an air-gapped GPU cluster feel like a workstation.
//!
//! Modules in reading order, each using only what stands below it; a test holds the `use crate::` lines to that:
//!
//! 1. [`cli`]: what was typed; [`config`]: what is configured. clap and toml stop here.
//! 2. The capabilities: [`shell`], [`node`], [`serve`].
//! 3. [`net`]: names, TLS and HTTP without the C library.
//! 4. [`host`]: the only door to the world.
//! 5. [`verdict`], [`quote`], [`digest`], [`error`]: values.

pub mod cli;
pub mod config;

pub mod node;
pub mod serve;
pub mod shell;

pub mod net;

pub mod host;

pub mod digest;
pub mod error;
pub mod quote;
pub mod verdict;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cli::{ConfigTask, EnvArguments, InitArguments, ManArguments, Task, TrustTask};
use config::Loaded;
use error::{Failure, Kind};
use host::{Host, local_dir};
use node::probe;
use shell::env::Export;
use verdict::Verdict;

/// Parses the words of a command line, reads the configuration, runs the command.
///
/// Takes the world and the words (the program's name first); gives the exit code.
pub fn run(host: &mut Host, words: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match cli::parse(words) {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            host.say(error.render().to_string().trim_end());
            return Kind::Usage.code();
        }
        Err(help) => {
            host.print(help.render().to_string());
            return 0;
        }
    };
    let config = arguments.config.as_deref();
    let done = match arguments.task {
        Task::Init(init) => {
            run_init(host, config, init);
            Ok(true)
        }
        Task::Env(env) => run_env(host, config, env).map(|()| true),
        Task::Status => {
            run_status(host, config);
            Ok(true)
        }
        Task::Wait(wait) => serve::wait::run(host, &wait.target, wait.timeout).map(|()| true),
        Task::Config(task) => run_config(host, config, task).map(|()| true),
        Task::Trust(task) => run_trust(host, config, task),
        Task::Completions(completions) => {
            host.print(completions.text());
            Ok(true)
        }
        Task::Man(man) => run_man(host, &man).map(|()| true),
    };
    match done {
        Ok(true) => 0,
        Ok(false) => CHECK_FOUND,
        Err(failure) => {
            host.say(failure.to_string());
            failure.kind.code()
        }
    }
}

/// The exit code of a command that only looked, and found that something is not as it should be.
const CHECK_FOUND: u8 = 3;

/// Prints the script. Never fails: whatever is wrong travels in the script as a warning, since the shell must come up.
fn run_init(host: &mut Host, config: Option<&Path>, init: InitArguments) {
    if let Some(part) = init.part {
        host.print(init.shell.part(part));
        return;
    }
    let loaded = config::load(host, config);
    let mut warnings: Vec<String> = Vec::new();
    if let [first, rest @ ..] = loaded.problems.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
        warnings.push(format!("{}{more}; `hpcsh config check` tells all", first.brief()));
    }
    let roots = &loaded.config.roots;
    let local = local_dir::ensure(&roots.local);
    let exports = exports(&loaded, || local.clone(), &mut warnings);
    let program = host.program().map_or_else(|| PathBuf::from("hpcsh"), Path::to_owned);
    let local = local.ok().map(|()| roots.local.as_path());
    let copy = local.and_then(|dir| shell::kept::copies(init.shell, dir));
    let script = shell::init::Script {
        shell: init.shell,
        program: &program,
        copy: copy.as_deref(),
        verdict: &probe::configured(&loaded.config.node, &host.name()),
        exports: &exports,
        settings: &loaded.config.shell,
        warning: &warnings.join("; "),
    };
    let text = script.text();
    // Into a file, or on a terminal, goes what somebody wants to read or to keep.
    let line =
        local.filter(|_| !init.print && host.out_is_pipe()).and_then(|dir| shell::kept::line(init.shell, dir, &text));
    host.print(line.unwrap_or(text));
}

/// The exports of a configuration; without those in the node-local directory where that cannot be used.
fn exports(loaded: &Loaded, local: impl FnOnce() -> Result<(), String>, warnings: &mut Vec<String>) -> Vec<Export> {
    let mut exports = shell::env::plan(&loaded.config.env, &loaded.config.roots);
    if exports.iter().any(Export::is_local)
        && let Err(why) = local()
    {
        warnings.push(why);
        exports.retain(|export| !export.is_local());
    }
    exports
}

fn run_env(host: &mut Host, config: Option<&Path>, env: EnvArguments) -> Result<(), Failure> {
    let loaded = config::load(host, config);
    let mut warnings: Vec<String> = loaded.problems.iter().map(config::Problem::brief).collect();
    let exports = exports(&loaded, || local_dir::ensure(&loaded.config.roots.local), &mut warnings);
    for warning in warnings {
        host.say(format!("warning: {warning}"));
    }
    let verdict = match env.state {
        Some(state) => Verdict::new(state, "asked for"),
        None => verdict(host, &loaded),
    };
    if env.explain {
        let table = shell::format::explain(&shell::format::rows(&exports, &verdict, host), &verdict);
        host.print(table);
    } else {
        let text = shell::format::write(env.format, &exports, &verdict, host)?;
        host.print(text);
    }
    Ok(())
}

/// A stub: looks at the network, and prints what it found as JSON.
fn run_status(host: &mut Host, config: Option<&Path>) {
    let found = probe::look(host, &config::load(host, config).config.node);
    let targets = found.attempts.iter().map(|attempt| {
        let result = attempt.result.as_ref().map_or_else(String::as_str, |()| "answered");
        serde_json::json!({ "target": attempt.target, "result": result, "ms": attempt.took.as_millis() })
    });
    let json = serde_json::json!({
        "verdict": found.verdict.state.word(),
        "reason": found.verdict.reason,
        "targets": targets.collect::<Vec<_>>(),
    });
    host.print(format!("{json:#}\n"));
}

/// What holds of the node, for this process.
fn verdict(host: &Host, loaded: &Loaded) -> Verdict {
    let word = host.nonempty("HPCSH_OFFLINE");
    probe::overruled(word.as_deref().and_then(std::ffi::OsStr::to_str))
        .unwrap_or_else(|| probe::configured(&loaded.config.node, &host.name()))
}

/// Gives whether everything that was looked at may be entered.
fn run_trust(host: &mut Host, config: Option<&Path>, task: TrustTask) -> Result<bool, Failure> {
    let settings = config::load(host, config).config.trust;
    match task {
        TrustTask::Ask { environment, quiet } => Ok(shell::trust::ask(host, &settings, &environment, quiet)),
        TrustTask::Say { word, dir, dry_run } => {
            shell::trust::say(host, &settings, dir.as_deref(), word, dry_run).map(|()| true)
        }
        TrustTask::Show { dir, json } => shell::trust::show(host, &settings, dir.as_deref(), json),
    }
}

fn run_config(host: &mut Host, argument: Option<&Path>, task: ConfigTask) -> Result<(), Failure> {
    match task {
        ConfigTask::Init { shared_home, yes, dry_run } => {
            config::propose::run(host, argument, shared_home, config::propose::Consent { yes, dry_run })
        }
        ConfigTask::Show { json } => {
            config::show::run(host, argument, json);
            Ok(())
        }
        ConfigTask::Check { json } => config::show::check(host, argument, json),
        ConfigTask::Path { json } => {
            config::show::paths(host, argument, json);
            Ok(())
        }
        ConfigTask::Schema => {
            config::show::schema(host);
            Ok(())
        }
    }
}

fn run_man(host: &mut Host, man: &ManArguments) -> Result<(), Failure> {
    let failed = |what: &Path, error: std::io::Error| Failure::failed(format!("{}: {error}", what.display()));
    let pages = ManArguments::pages().map_err(|error| failed(Path::new("hpcsh.1"), error))?;
    let Some(dir) = &man.dir else {
        if let Some(first) = pages.first() {
            host.print(&first.text);
        }
        return Ok(());
    };
    for page in pages {
        let path = host.locate(dir).join(page.name);
        // What is there already is not written again.
        if host::files::read(&path).is_ok_and(|found| found == page.text) {
            continue;
        }
        let written = host::files::make_parent(&path).and_then(|()| host::files::replace(&path, &page.text));
        written.map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
