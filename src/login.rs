//! A login: the configuration in time, the node's verdict, the script.
//!
//! Never fails, whatever is wrong: that travels in the script as a warning, since the shell must come up. What does not come in
//! time, storage or network, is done without.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::InitArguments;
use crate::config::{self, InTime, Loaded, Problem, STORAGE_WAIT, Stale};
use crate::host::boot::Boot;
use crate::host::mounts::{self, Storage};
use crate::host::patience::{self, Patience};
use crate::host::process::Stuck;
use crate::host::stamp::Seen;
use crate::host::{Host, local_dir};
use crate::node::memory::Memory;
use crate::node::settle;
use crate::shell::code::Shell;
use crate::shell::env::{self, Export};
use crate::shell::facts::{self, Facts};
use crate::shell::kept::{self, KeptFile};
use crate::shell::last::{self, Good, Last};
use crate::shell::ready::{self, Premises, trusted};
use crate::shell::script::{Script, Text};
use crate::shell::trust;
use crate::verdict::State;

/// The configuration in time, for commands that a shell or a script waits for.
///
/// # Errors
/// Where shared storage with a part of it does not answer within `deadline`, or somebody waits for that already.
pub fn configuration(host: &Host, config: Option<&Path>, deadline: Duration) -> Result<Loaded, Box<Stale>> {
    config::load_within(host, config, &patience(host, deadline)).map(|found| found.loaded)
}

fn patience(host: &Host, deadline: Duration) -> Patience {
    Patience { deadline, record: Memory::of(host).map(|memory| memory.file("reader")) }
}

/// What a login knows before it has read its configuration.
struct Login {
    boot: Option<Boot>,
    memory: Option<Memory>,
    last: Option<Last>,
    patience: Patience,
}

impl Login {
    fn of(host: &Host, config: Option<&Path>, shell: Shell) -> Self {
        let boot = Boot::of(host);
        let memory = boot.as_ref().and_then(|boot| Memory::in_boot(host, boot));
        let named = config.map(Path::to_owned).or_else(|| host.nonempty("HPCSH_CONFIG").map(PathBuf::from));
        let layers: Vec<PathBuf> = config::layers::places(host, config).into_iter().map(|layer| layer.path).collect();
        let last = Last::of(host, shell, &layers, named.as_deref());
        let patience = Patience {
            deadline: last.as_ref().and_then(Last::patience).unwrap_or(STORAGE_WAIT),
            record: memory.as_ref().map(|memory| memory.file("reader")),
        };
        Self { boot, memory, last, patience }
    }

    /// The facts of a node whose shared storage answers.
    fn facts(&self, host: &Host, loaded: &Loaded) -> Facts {
        let standing = settle::at_login(host, &loaded.config.node, self.memory.clone());
        Facts {
            state: standing.verdict.state,
            is_fixed: standing.is_fixed,
            is_old: standing.is_old,
            memory: self.memory.as_ref().map(|memory| memory.stem().to_owned()),
            ..Facts::default()
        }
    }

    /// The facts that go with the script of the last login: of its configuration, or of what is left of this one.
    fn facts_of_last(&self, host: &Host, last: &Last, rest: &Loaded) -> Facts {
        match last.verdict() {
            Some(state) => Facts {
                state,
                is_fixed: true,
                memory: self.memory.as_ref().map(|memory| memory.stem().to_owned()),
                ..Facts::default()
            },
            None => self.facts(host, rest),
        }
    }

    /// The same facts while storage does not answer.
    fn stale(&self, facts: Facts, notice: String) -> Facts {
        // Where nobody keeps a record, it is never found to answer again.
        let reader = self.patience.record.clone().unwrap_or_else(|| PathBuf::from("/dev/null"));
        Facts { reader: Some(reader), notice, is_taken: true, ..facts }
    }

    /// Sees to it that this directory is there and ours. Whoever has found the last script has looked at its directory.
    fn ensure(&self, dir: &Path) -> Result<(), String> {
        let is_known = self.last.as_ref().is_some_and(|last| last.file().parent() == Some(dir));
        if is_known { Ok(()) } else { local_dir::ensure(dir) }
    }

    /// Keeps the script for logins to come, with the configuration's word on the node, if it has one. Gives the files, the script first.
    fn keep(
        &self,
        host: &Host,
        loaded: &Loaded,
        fixed: Option<State>,
        shell: Shell,
        text: &Text,
        exports: &[Export],
    ) -> Option<Vec<KeptFile>> {
        let dir = &loaded.config.roots.local;
        self.ensure(dir).ok()?;
        let data = text.data().map(|data| kept::data(dir, &data).ok_or(())).transpose().ok()?;
        let script = kept::script(shell, dir, &text.reading(data.as_ref().map(|(path, _)| &**path)))?;
        let mut kept = vec![script.clone()];
        kept.extend(data);
        if let (Some(last), Some(boot)) = (&self.last, &self.boot) {
            let good = Good {
                script: &script.0,
                text,
                exports,
                path: &loaded.config.shell.path,
                is_history_shared: loaded.config.shell.history.as_ref().is_some_and(|history| history.is_shared),
                patience: loaded.config.storage_wait,
                fixed,
                memory: self.memory.as_ref().map(Memory::stem),
            };
            kept.extend(last.keep(host, boot, &good));
        }
        Some(kept)
    }

    /// Hands out what the answer of this login depends on, where that can be told.
    fn keep_answer(
        &self,
        loaded: &Loaded,
        is_fixed: bool,
        layers: &[(PathBuf, Seen)],
        history: Option<&Path>,
        kept: &[KeptFile],
        keep: impl FnOnce(&Premises),
    ) {
        let (Some(boot), Some(memory), Some(last)) = (&self.boot, &self.memory, &self.last) else { return };
        let Some(run) = memory.stem().parent() else { return };
        let settings = &loaded.config;
        let verdict = memory.file("verdict");
        keep(&Premises {
            boot,
            layers,
            ours: &[&settings.roots.local, run],
            history,
            kept,
            last: last.file(),
            verdict: (!is_fixed).then_some((&*verdict, settings.node.ttl.as_secs())),
        });
    }
}

/// `hpcsh init SHELL`: prints the facts of the node and the script, or a line that reads the node's copy of it.
pub fn run(host: &mut Host, config: Option<&Path>, init: InitArguments) {
    if let Some(part) = init.part {
        host.print(part);
        return;
    }
    let shell = init.shell;
    let login = Login::of(host, config, shell);
    let found = config::load_within(host, config, &login.patience);
    let is_all = found.as_ref().is_ok_and(|found| !found.loaded.is_unread);
    let last = login.last.as_ref().filter(|_| !is_all && !init.print).and_then(|last| Some((last, last.line()?)));
    let mut layers = None;
    let (mut loaded, mut facts, is_known) = match (found, last) {
        // It answers, and says that it has none: so does a mount whose server has forgotten it.
        (Ok(InTime { loaded, .. }), Some((last, line))) => {
            let problem = loaded.problems.first().map(Problem::brief).unwrap_or_default();
            let notice = format!("{problem}; all is as at the last login that could read it");
            let facts = Facts { notice, is_taken: true, ..login.facts_of_last(host, last, &loaded) };
            host.print([facts.text(shell), line].concat());
            return;
        }
        (Ok(InTime { loaded, asked_shared, files }), None) => {
            let facts = login.facts(host, &loaded);
            layers = files;
            (loaded, facts, asked_shared)
        }
        (Err(stale), Some((last, line))) => {
            let mount = stale.mount.display();
            let notice =
                format!("{mount} does not answer: all is as at the last login that could read its configuration there");
            let facts = login.facts_of_last(host, last, &stale.rest);
            host.print([login.stale(facts, notice).text(shell), line].concat());
            return;
        }
        (Err(stale), None) => {
            let Stale { mount, mut rest, .. } = *stale;
            let notice = format!("{} does not answer, and with it the configuration", mount.display());
            let facts = login.facts(host, &rest);
            // What in PATH lies there comes last.
            if rest.config.shell.shared_home.as_os_str().is_empty() {
                rest.config.shell.shared_home = mount;
            }
            (rest, login.stale(facts, notice), true)
        }
    };
    // What the first prompt looks at, unless it is known already whether shared storage answers.
    let history = see_to_history(host, &mut loaded, shell);
    if let Some((dir, true)) = &history
        && !is_known
        && !patience::answers(host, dir, &login.patience)
    {
        let notice = format!("{} does not answer: the history stays in memory", dir.display());
        facts = login.stale(facts, notice);
    }
    let (text, exports, copies) = script(host, &login, &loaded, shell);
    facts.is_taken = env::is_taken(host, &exports, if shell == Shell::Bash { facts::INHERITED } else { &[] });
    if shell != Shell::Fish {
        match facts::first(host, &loaded.config.shell.path) {
            Some(first) => facts.first = first,
            None => facts.is_taken = true,
        }
    }
    // bash splits one string of them.
    facts.is_taken |= shell == Shell::Bash && Export::are_patterns(&exports);
    // Into a file, or on a terminal, goes what somebody wants to read or to keep. What was made without a part of the
    // configuration is no good one.
    let is_good = !init.print && !loaded.is_unread && facts.reader.is_none() && host.out_is_pipe();
    let kept = if is_good {
        login.keep(host, &loaded, facts.is_fixed.then_some(facts.state), shell, &text, &exports)
    } else {
        None
    };
    // A file is read quicker: zsh reads what a substitution prints 64 bytes a time, and a file in its compiled form; bash looks at each
    // byte of a substitution twice. fish reads its pipe as a file.
    let script = kept.as_ref().and_then(|kept| kept.first()).map(|(path, _)| path).filter(|_| shell != Shell::Fish);
    let line = script.map(|script| [text.probe(), &*last::line(shell, script)].concat());
    let rest = line.unwrap_or_else(|| text.whole());
    host.print([facts.text(shell), rest.clone()].concat());
    // A configuration that was named in an argument is not the next login's.
    if let (Some(mut kept), Some(copies), Some(layers), None) = (kept, copies, layers, config)
        && history.as_ref().is_none_or(|(_, is_shared)| !is_shared)
    {
        let history = history.as_ref().map(|(dir, _)| &**dir);
        kept.extend(copies);
        login.keep_answer(&loaded, facts.is_fixed, &layers, history, &kept, |premises| {
            ready::keep(host, shell, premises, &facts, &rest);
        });
    }
}

/// For a shell that has started without this program: sees to it that the next one gets what `init` would print now, and
/// remembers until when nobody need ask again.
pub fn keep(host: &Host, config: Option<&Path>, shell: Shell) {
    let login = Login::of(host, config, shell);
    // What hangs now may answer the next time.
    let Ok(InTime { mut loaded, .. }) = config::load_within(host, config, &login.patience) else { return };
    if loaded.is_unread {
        return;
    }
    see_to_history(host, &mut loaded, shell);
    let (text, exports, _) = script(host, &login, &loaded, shell);
    let fixed = settle::configured(host, &loaded.config.node).map(|verdict| verdict.state);
    login.keep(host, &loaded, fixed, shell, &text, &exports);
    if let Some(memory) = &login.memory {
        memory.remind(host, &format!("login.{}", shell.name()), loaded.config.node.ttl);
    }
}

/// Finds out where the history lies: the directory, and whether that may hang.
fn see_to_history(host: &Host, loaded: &mut Loaded, shell: Shell) -> Option<(PathBuf, bool)> {
    let history = loaded.config.shell.history.as_mut()?;
    let dir = history.file(shell)?.parent()?.to_owned();
    history.is_shared = mounts::storage(host, &dir) != Storage::Local;
    Some((dir, history.is_shared))
}

/// Why a shell may not enter this environment unasked; `None`: it may. In time, since a `cd` waits for it.
pub fn refusal(host: &Host, config: Option<&Path>, environment: &Path) -> Option<String> {
    let stuck = |what: &Path| Some(trust::not_entered(environment, &format!("{} does not answer", what.display())));
    let patience = patience(host, STORAGE_WAIT);
    let (loaded, layers) = match config::load_within(host, config, &patience) {
        Ok(found) => (found.loaded, found.files),
        Err(stale) => return stuck(&stale.mount),
    };
    let settings = loaded.config.trust;
    // What the configuration lies on has answered. An environment's own program may lie on other storage than it does.
    let shared = mounts::first_shared(host, trust::asked(&settings, environment));
    let decide = || trust::refusal(host, &settings, environment);
    let Some(mount) = shared else {
        // The next shell asks without a word on the configuration.
        let layers = layers.filter(|_| config.is_none());
        let before = layers.and_then(|layers| Some((layers, trusted::Before::of(&settings, environment)?)));
        let refusal = decide();
        if let Some((layers, before)) = before.filter(|_| refusal.is_none()) {
            trusted::keep(host, &layers, environment, &before);
        }
        return refusal;
    };
    let may = || decide().map_or_else(|| b"+".to_vec(), String::into_bytes);
    match patience::in_time(&patience, may).as_deref() {
        Ok(b"+") => None,
        Ok(why) => Some(String::from_utf8_lossy(why).into_owned()),
        Err(Stuck) => stuck(&mount),
    }
}

/// The script that the configuration asks for, the variables that it sets, and the copies of the parts, where the node has them.
fn script(host: &Host, login: &Login, loaded: &Loaded, shell: Shell) -> (Text, Vec<Export>, Option<Vec<KeptFile>>) {
    let mut warnings: Vec<String> = Vec::new();
    if let [first, rest @ ..] = loaded.problems.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
        warnings.push(format!("{}{more}; `hpcsh config check` tells all", first.brief()));
    }
    let local = login.ensure(&loaded.config.roots.local);
    let exports = exports(loaded, || local.clone(), &mut warnings);
    let program = host.program().map_or_else(|| PathBuf::from("hpcsh"), Path::to_owned);
    let copies = local.ok().and_then(|()| kept::copies(shell, &loaded.config.roots.local));
    let script = Script {
        shell,
        program: &program,
        copy: copies.as_ref().map(|_| kept::stem_of_copies(shell, &loaded.config.roots.local)),
        exports: &exports,
        settings: &loaded.config.shell,
        warning: &warnings.join("; "),
    };
    (script.text(), exports, copies)
}

/// The exports of a configuration; without those in the node-local directory where that cannot be used.
pub fn exports(loaded: &Loaded, local: impl FnOnce() -> Result<(), String>, warnings: &mut Vec<String>) -> Vec<Export> {
    let mut exports = env::plan(&loaded.config.env, &loaded.config.roots);
    if exports.iter().any(Export::is_local)
        && let Err(why) = local()
    {
        warnings.push(why);
        exports.retain(|export| !export.is_local());
    }
    exports
}
