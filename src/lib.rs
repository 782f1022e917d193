//! hpcsh makes an air-gapped GPU cluster feel like a workstation.
//!
//! Modules in reading order, each using only what stands below it; a test holds the `use crate::` lines to that:
//!
//! 1. [`resolver`]: what the offline resolver is given; [`login`]: what happens at one; [`cli`]: what was typed; [`config`]: what is configured. clap and toml stop here.
//! 2. The capabilities: [`shell`], [`node`], [`serve`], [`dns`], [`storage`]; [`doctor`]: what is wrong with any of them.
//! 3. [`namespace`]: a network and mounts of one's own; [`journal`]: changes that can be taken back; [`net`]: names, TLS and HTTP without the C library.
//! 4. [`host`]: the only door to the world.
//! 5. [`verdict`], [`span`], [`quote`], [`digest`], [`error`], [`finding`]: values.

pub mod login;
pub mod resolver;

pub mod cli;
pub mod config;

pub mod dns;
pub mod doctor;
pub mod node;
pub mod serve;
pub mod shell;
pub mod storage;

pub mod journal;
pub mod namespace;
pub mod net;

pub mod host;

pub mod digest;
pub mod error;
pub mod finding;
pub mod quote;
pub mod span;
pub mod verdict;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use cli::{
    AirgapArguments, ConfigTask, DnsTask, EnvArguments, ExecArguments, HfTask, ManArguments, StatusArguments, Task,
    TrustTask, WaitArguments,
};
use dns::takeover::Standing;
use error::{Failure, Kind};
use host::{Host, local_dir};
use node::airgap::Rehearsal;
use node::settle;
use node::status::{Answer, Beside, Resolver};
use shell::env::Export;
use verdict::{State, Verdict};

/// Parses the words of a command line, reads the configuration, runs the command.
///
/// Takes the world and the words (the program's name first); gives the exit code.
pub fn run(host: &mut Host, words: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    let arguments = match cli::parse(words.iter().cloned()) {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            host.say(error.render().to_string().trim_end());
            return cli::wrong(&words).code();
        }
        Err(help) => {
            host.print(help.render().to_string());
            return 0;
        }
    };
    let config = arguments.config.as_deref();
    let done = match arguments.task {
        Task::Init(init) => {
            login::run(host, config, init);
            Ok(true)
        }
        Task::Env(env) => run_env(host, config, env).map(|()| true),
        Task::Status(status) => Ok(run_status(host, config, &status)),
        Task::Doctor(question) => run_doctor(host, config, question),
        Task::Hf(task) => task.and_then(|task| run_hf(host, task)),
        Task::Wait(wait) => run_wait(host, config, *wait).map(|()| true),
        Task::Airgap(airgap) => match run_airgap(host, config, airgap) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
        Task::Dns(DnsTask::Exec(exec)) => run_dns_exec(host, config, exec).map(|()| true),
        Task::Dns(task) => resolver::run(host, config, &task),
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
            if let Kind::Signalled(number) = failure.kind {
                // A shell that sees it leaves its script, as it would have without us.
                host::process::end_by(number.into());
            }
            failure.kind.code()
        }
    }
}

/// The exit code of a command that only looked, and found that something is not as it should be.
const CHECK_FOUND: u8 = 3;

/// The configuration and its exports, for a script, with these presets beside its own; what is wrong with them is said.
fn configured(
    host: &mut Host,
    config: Option<&Path>,
    presets: &[&str],
) -> Result<(config::Loaded, Vec<Export>), Failure> {
    let mut loaded = login::configuration(host, config, config::JOB_WAIT).map_err(|stale| {
        let file = stale.unread.first().map(|file| file.display().to_string()).unwrap_or_default();
        Failure::failed(format!("{} does not answer, and {file} lies there", stale.mount.display()))
            .hint("without it nobody knows the variables: wait for the storage, or name another file with --config")
    })?;
    loaded.config.env.presets.extend(presets.iter().map(|name| (*name).to_owned()));
    let mut warnings: Vec<String> = loaded.problems.iter().map(config::Problem::brief).collect();
    let exports = login::exports(&loaded, || local_dir::ensure(&loaded.config.roots.local), &mut warnings);
    for warning in warnings {
        host.say(format!("warning: {warning}"));
    }
    Ok((loaded, exports))
}

fn run_env(host: &mut Host, config: Option<&Path>, env: EnvArguments) -> Result<(), Failure> {
    let (loaded, exports) = configured(host, config, &[])?;
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

/// What a command goes by that is to run as on a node that is offline.
struct Offline {
    loaded: config::Loaded,
    variables: BTreeMap<OsString, OsString>,
}

/// The same, with these presets, chosen or not.
fn offline(host: &mut Host, config: Option<&Path>, presets: &[&str], why: &str) -> Result<Offline, Failure> {
    let (loaded, exports) = configured(host, config, presets).map_err(|failure| failure.of_kind(Kind::Runner))?;
    let verdict = Verdict::new(State::Offline, why);
    let node = shell::format::Node { verdict: &verdict, is_offline: true };
    let mut variables = host.variables();
    for (name, value) in shell::format::changes(&exports, &node, host) {
        let name = OsString::from(name);
        match value {
            Some(value) => variables.insert(name, OsString::from_vec(value)),
            None => variables.remove(&name),
        };
    }
    // So that every hpcsh inside is sure of it.
    variables.insert("HPCSH_OFFLINE".into(), "1".into());
    Ok(Offline { loaded, variables })
}

/// Gives the exit code of the command.
fn run_airgap(host: &mut Host, config: Option<&Path>, airgap: AirgapArguments) -> Result<u8, Failure> {
    let variables =
        if airgap.keep_env { host.variables() } else { offline(host, config, &[], "a rehearsal")?.variables };
    let AirgapArguments { words, hang, allow_unix, report, .. } = airgap;
    node::airgap::run(host, &Rehearsal { words, variables, hang, allow_unix, report })
}

/// Turns into the command; comes back where nothing was to be run, or it cannot be.
fn run_dns_exec(host: &mut Host, config: Option<&Path>, exec: ExecArguments) -> Result<(), Failure> {
    let Offline { loaded, variables } = offline(host, config, &[shell::env::FAILFAST], "hpcsh dns exec")?;
    resolver::exec(host, &loaded, variables, exec)
}

/// Gives whether the node is online, or nothing was asked that has its answer in the exit code.
fn run_status(host: &mut Host, config: Option<&Path>, status: &StatusArguments) -> bool {
    if let Some(process) = status.locked {
        host::process::leave_caller();
        if let Some(shell) = status.keep {
            login::keep(host, config, shell);
        }
        // Without the configuration nothing is found out, and the lock is given back.
        let loaded = login::configuration(host, config, config::STORAGE_WAIT);
        let settings = loaded.ok().map(|loaded| loaded.config.node);
        node::status::for_shell(host, settings.as_ref(), process, status.memory.as_deref());
        return true;
    }
    let (loaded, stale) = match login::configuration(host, config, config::STORAGE_WAIT) {
        Ok(loaded) => (loaded, None),
        Err(stale) => (stale.rest, Some(stale.mount)),
    };
    let resolver = |host: &Host| match dns::takeover::standing(host) {
        Standing::Away => None,
        Standing::Here(address) => Some(Resolver { address, answers: true }),
        Standing::Dead(address) => Some(Resolver { address, answers: false }),
    };
    let beside = Beside { stale: stale.as_deref(), resolver: &resolver };
    node::status::run(host, &loaded.config.node, status.question, &beside) || status.question.answer != Answer::ExitCode
}

/// Gives whether nothing is wrong.
fn run_doctor(host: &mut Host, config: Option<&Path>, question: doctor::Question) -> Result<bool, Failure> {
    let examine = |host: &Host| {
        let read = login::configuration(host, config, doctor::look::PATIENCE);
        let found = config::checks::checks(&read);
        let (loaded, hung) = match read {
            Ok(loaded) => (loaded, None),
            Err(stale) => (stale.rest, Some(stale.mount)),
        };
        let config::Config { env, roots, node, trust, .. } = &loaded.config;
        doctor::examine(host, doctor::Subject { config: found, hung, env, roots, node, trust })
    };
    doctor::run(host, question, &examine)
}

/// Gives whether everything that was looked at may be entered.
fn run_trust(host: &mut Host, config: Option<&Path>, task: TrustTask) -> Result<bool, Failure> {
    if let TrustTask::Ask { environment, quiet } = task {
        let refusal = login::refusal(host, config, &environment);
        if let Some(why) = refusal.as_ref().filter(|_| !quiet) {
            host.say(why);
        }
        return Ok(refusal.is_none());
    }
    let settings = config::load(host, config).config.trust;
    match task {
        TrustTask::Ask { .. } => Ok(false),
        TrustTask::Say { word, dir, dry_run } => {
            shell::trust::word::say(host, &settings, dir.as_deref(), word, dry_run).map(|()| true)
        }
        TrustTask::Show { dir, json } => shell::trust::word::show(host, &settings, dir.as_deref(), json),
    }
}

/// Gives whether everything that was looked at would load.
fn run_hf(host: &mut Host, task: HfTask) -> Result<bool, Failure> {
    match task {
        HfTask::Path(question) => storage::hf::path::run(host, &question).map(|()| true),
        HfTask::List(question) => storage::hf::list::run(host, &question).map(|()| true),
        HfTask::Check(question) => storage::hf::check::run(host, &question),
        HfTask::Names => {
            storage::hf::list::names(host);
            Ok(true)
        }
    }
}

fn run_wait(host: &mut Host, config: Option<&Path>, wait: WaitArguments) -> Result<(), Failure> {
    // A server is waited for with or without what the configuration says of it.
    let loaded = login::configuration(host, config, config::STORAGE_WAIT).unwrap_or_else(|stale| stale.rest);
    for problem in &loaded.problems {
        host.say(format!("warning: {}", problem.brief()));
    }
    let inherited = match host.nonempty(cli::TIMEOUT) {
        Some(text) if wait.timeout.is_none() => {
            let wrong = |why| Failure::usage(format!("{}: \"{}\" is {why}", cli::TIMEOUT, text.display()));
            Some(cli::time(&text.to_string_lossy()).map_err(wrong)?)
        }
        _ => None,
    };
    let mut settings = loaded.config.wait;
    settings.timeout = wait.timeout.or(inherited).or(settings.timeout);
    settings.probe = wait.probe.or(settings.probe);
    settings.cacert = wait.cacert.or(settings.cacert);
    serve::wait::run(host, &serve::request::Request { settings, ..wait.request })
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
