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
use std::time::Duration;

use cli::{ConfigTask, EnvArguments, InitArguments, ManArguments, Task, TrustTask};
use config::Loaded;
use error::{Failure, Kind};
use host::boot::Boot;
use host::patience::Patience;
use host::{Host, local_dir};
use node::memory::Memory;
use node::settle;
use node::status::Question;
use shell::env::Export;
use shell::init::{Facts, Shell};
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
        Task::Status(question) => Ok(run_status(host, config, question)),
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
    let boot = Boot::of(host);
    let memory = boot.as_ref().and_then(|boot| Memory::in_boot(host, boot));
    let named = config.map(Path::to_owned).or_else(|| host.nonempty("HPCSH_CONFIG").map(PathBuf::from));
    let layers: Vec<PathBuf> = config::layers::places(host, config).into_iter().map(|layer| layer.path).collect();
    let last = shell::last::Last::of(host, init.shell, &layers, named.as_deref());
    let patience = Patience {
        deadline: last.as_ref().and_then(shell::last::Last::patience).unwrap_or(STORAGE_WAIT),
        record: memory.as_ref().map(|memory| memory.file("reader")),
    };
    let mut facts = Facts::default();
    let stem = |memory: &Memory| memory.stem().to_owned();
    let loaded = match config::load_within(host, config, &patience) {
        Ok(loaded) => loaded,
        Err(stale) => {
            facts.reader = Some(patience.record.clone().unwrap_or_else(|| PathBuf::from("/dev/null/none")));
            let mount = stale.mount.display();
            let at_rest = settle::at_login(host, &stale.rest.config.node, memory.clone());
            facts.memory = memory.as_ref().map(stem);
            (facts.state, facts.is_fixed) = (at_rest.verdict.state, at_rest.is_fixed);
            if let Some(line) = last.as_ref().and_then(shell::last::Last::line).filter(|_| !init.print) {
                facts.notice = format!(
                    "{mount} does not answer: everything is as at the last login that could read the configuration there"
                );
                host.print([facts.text(init.shell), line].concat());
                return;
            }
            facts.notice = format!("{mount} does not answer, and nothing is known of the configuration there");
            stale.rest
        }
    };
    let mut warnings: Vec<String> = Vec::new();
    if let [first, rest @ ..] = loaded.problems.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
        warnings.push(format!("{}{more}; `hpcsh config check` tells all", first.brief()));
    }
    let settings = &loaded.config.shell;
    let is_stale = facts.reader.is_some();
    if let Some(history) = settings.history.as_ref().filter(|_| !is_stale)
        && !host::patience::answers(host, &history.dir, &patience)
    {
        facts.reader.clone_from(&patience.record);
        facts.notice = format!("{} does not answer: the history stays in memory", history.dir.display());
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
        exports: &exports,
        settings,
        warning: &warnings.join("; "),
    };
    let text = script.text();
    let standing = settle::at_login(host, &loaded.config.node, memory.clone());
    facts.memory = memory.as_ref().map(stem);
    (facts.state, facts.is_fixed) = (standing.verdict.state, standing.is_fixed);
    // Into a file, or on a terminal, goes what somebody wants to read or to keep.
    let kept = local
        .filter(|_| !init.print && !is_stale && host.out_is_pipe())
        .and_then(|dir| shell::kept::script(init.shell, dir, &text));
    if let (Some(script), Some(last), Some(boot)) = (&kept, &last, &boot) {
        last.keep(host, boot, script, loaded.config.storage_wait, &facts);
    }
    // zsh gains by a file: it reads what a substitution prints 64 bytes a time, and a file in its compiled form.
    let line = kept.filter(|_| init.shell == Shell::Zsh).map(|script| shell::last::line(init.shell, &script));
    host.print([facts.text(init.shell), line.unwrap_or(text)].concat());
}

/// `node.storage_wait` where no login has kept what the configuration says.
const STORAGE_WAIT: Duration = Duration::from_millis(300);

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
    let settings = &loaded.config.node;
    let verdict = match env.state {
        Some(state) => Verdict::new(state, "asked for"),
        None => settle::for_good(host, settings).verdict,
    };
    let node = shell::format::Node { verdict: &verdict, is_offline: settings.counts_as_offline(verdict.state) };
    if env.explain {
        let table = shell::format::explain(&shell::format::rows(&exports, &node, host), &verdict);
        host.print(table);
    } else {
        let text = shell::format::write(env.format, &exports, &node, host)?;
        host.print(text);
    }
    Ok(())
}

/// Gives whether the node is online, or nothing was asked that has its answer in the exit code.
fn run_status(host: &mut Host, config: Option<&Path>, question: Question) -> bool {
    let settings = config::load(host, config).config.node;
    node::status::run(host, &settings, question) || !question.check
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
