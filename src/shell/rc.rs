//! The one line in the rc files of the shells that are installed, for `hpcsh doctor`: is it there, and does it reach a program?

use std::path::{Path, PathBuf};

use super::code::Shell;
use super::marker::Marker;
use crate::finding::{Finding, Mend, typed};
use crate::host::mounts::{self, Storage};
use crate::host::{Host, files};
use crate::quote;

const NAME: &str = "shell";

/// What a line begins with that reads the node's own file first: `install.sh --local-first` writes it.
const LOCAL_FIRST: &str = "_hpcsh_login=";

/// The file of a shell that has the line, by the variables that `install.sh` goes by.
fn rc(host: &Host, shell: Shell) -> PathBuf {
    let home = host.home().unwrap_or_default();
    let named = |name: &str| host.nonempty(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match shell {
        Shell::Zsh => named("ZDOTDIR").unwrap_or(home).join(".zshrc"),
        Shell::Bash => home.join(".bashrc"),
        Shell::Fish => named("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("fish/config.fish"),
    }
}

/// The shell that the user logs in with, if it is one that has a script.
fn own(host: &Host) -> Option<Shell> {
    let path = PathBuf::from(host.nonempty("SHELL")?);
    let name = path.file_name()?.to_str()?;
    Shell::ALL.into_iter().find_map(|(known, shell)| (known == name).then_some(shell))
}

/// The directories in which programs are looked for.
fn dirs(host: &Host) -> Vec<PathBuf> {
    let path = host.nonempty("PATH").unwrap_or_default();
    path.to_string_lossy().split(':').map(PathBuf::from).filter(|dir| dir.is_absolute()).collect()
}

/// The shells that are installed here. What lies on storage that may hang is not looked at, and does not count.
fn installed(host: &Host) -> Vec<Shell> {
    let dirs = dirs(host);
    let is_there = |path: &Path| mounts::storage(host, path) == Storage::Local && files::exists(&host.locate(path));
    let has = |shell: &Shell| own(host) == Some(*shell) || dirs.iter().any(|dir| is_there(&dir.join(shell.name())));
    Shell::ALL.into_iter().map(|(_, shell)| shell).filter(has).collect()
}

/// The paths that the checks ask storage for.
pub fn asked(host: &Host) -> Vec<PathBuf> {
    installed(host).into_iter().map(|shell| rc(host, shell)).collect()
}

/// The line of hpcsh in an rc file.
fn line(text: &str, shell: Shell) -> Option<&str> {
    let call = format!("init {}", shell.name());
    let is_it = |line: &&str| !line.starts_with('#') && line.contains("hpcsh") && line.contains(&call);
    text.lines().map(str::trim_start).find(is_it)
}

/// The program that a line names by its path, as `install.sh` writes it.
fn program(line: &str) -> Option<&Path> {
    line.split('\'').find(|word| word.starts_with('/') && word.ends_with("/hpcsh")).map(Path::new)
}

/// What is wrong with the lines.
pub fn checks(host: &Host) -> Vec<Finding> {
    let own = own(host);
    // This shell's comes from somewhere else than the usual file, if it does.
    let is_evaluated = host.nonempty(Marker::NAME).is_some();
    let (mut found, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for shell in installed(host) {
        let path = rc(host, shell);
        let text = match files::read(&host.locate(&path)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                found.push(Finding::note(NAME, format!("{} cannot be read: {error}", path.display())));
                continue;
            }
        };
        match line(&text, shell) {
            Some(line) => {
                with.push(shell.name());
                found.extend(unreachable(host, shell, &path, line));
            }
            None if own.is_none_or(|own| own == shell) && !is_evaluated => found.push(missing(host, shell, &path)),
            None => without.push(shell.name()),
        }
    }
    if found.is_empty() {
        let list = |shells: &[&str], what: &str| (!shells.is_empty()).then(|| format!("{what} {}", shells.join(", ")));
        let said = [list(&with, "the line is there for"), list(&without, "and not for")];
        let said: Vec<String> = said.into_iter().flatten().collect();
        found.push(Finding::ok(NAME, if said.is_empty() { "none is installed".to_owned() } else { said.join(", ") }));
    }
    found
}

/// A shell without the line. The one that is proposed names the program by its path, unless PATH leads there.
fn missing(host: &Host, shell: Shell, path: &Path) -> Finding {
    let is_elsewhere = |program: &&Path| dirs(host).iter().all(|dir| Some(dir.as_path()) != program.parent());
    let program = match host.program().filter(is_elsewhere) {
        Some(program) => quoted(&program.to_string_lossy()),
        None => "hpcsh".to_owned(),
    };
    let line = match shell {
        Shell::Fish => format!("{program} init fish | source"),
        Shell::Zsh | Shell::Bash => format!("eval \"$({program} init {})\"", shell.name()),
    };
    let mut command = format!("echo {} >> {}", quoted(&line), typed(path));
    if let (Shell::Fish, Some(dir)) = (shell, path.parent()) {
        command = format!("mkdir -p {} && {command}", typed(dir));
    }
    let message = format!("{} has no line of hpcsh: a new {} goes without it", path.display(), shell.name());
    Finding::note(NAME, message).mend(Mend::new(&command, "adds it"))
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&quote::sh(text)).into_owned()
}

/// What keeps a line from the program: that it is gone, or its storage hangs.
fn unreachable(host: &Host, shell: Shell, path: &Path, line: &str) -> Option<Finding> {
    let named = program(line);
    let is_local = |program: &Path| mounts::storage(host, program) == Storage::Local;
    if let Some(gone) = named.filter(|program| is_local(program) && !files::exists(&host.locate(program))) {
        let message = format!("{} calls {}, which is not there: the line does nothing", path.display(), gone.display());
        let command = format!("./install.sh --rc --shell {}", shell.name());
        return Some(
            Finding::problem(NAME, message).mend(Mend::new(&command, "writes the line anew, and the program")),
        );
    }
    let program = named.or(host.program())?;
    let Storage::Shared(mount) = mounts::storage(host, program) else { return None };
    if shell == Shell::Fish || line.starts_with(LOCAL_FIRST) {
        return None;
    }
    let message = format!(
        "{} calls the program on {}: while that hangs, a new {} hangs too",
        path.display(),
        mount.display(),
        shell.name()
    );
    let above = program.ancestors().find(|dir| dir.ends_with("bin"))?;
    let option = if program.parent() == Some(above) { "--prefix" } else { "--shared" };
    let command = Mend::of(
        &format!("./install.sh --rc --local-first {option}"),
        above.parent()?,
        "reads what the node has kept first",
    );
    Some(Finding::note(NAME, message).mend(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_however_it_came_there() {
        let is_there = |text: &str, shell| line(text, shell).is_some();
        for text in [
            "eval \"$(hpcsh init zsh)\"\n",
            "x=1\n  if [ -x '/p/bin/hpcsh' ]; then eval \"$('/p/bin/hpcsh' init zsh)\"; fi\n",
            "if [ -x '/g/bin/'\"$CPUTYPE\"/hpcsh ]; then eval \"$('/g/bin/'\"$CPUTYPE\"/hpcsh init zsh)\"; fi",
        ] {
            assert!(is_there(text, Shell::Zsh), "{text}");
            assert!(!is_there(text, Shell::Bash), "{text}");
        }
        assert!(is_there("hpcsh init fish | source", Shell::Fish));
        for text in ["", "# eval \"$(hpcsh init zsh)\"\n", "git init zsh\n", "hpcsh init bash\n"] {
            assert!(!is_there(text, Shell::Zsh), "{text}");
        }
    }

    #[test]
    fn the_program_is_the_one_that_is_written_out() {
        let of = |line: &'static str| program(line).and_then(Path::to_str);
        assert_eq!(
            of("if [ -x '/a b/bin/hpcsh' ]; then eval \"$('/a b/bin/hpcsh' init zsh)\"; fi"),
            Some("/a b/bin/hpcsh")
        );
        assert_eq!(of("begin; set -l _hpcsh_file '/p/hpcsh'; $_hpcsh_file init fish | source; end"), Some("/p/hpcsh"));
        assert_eq!(of("eval \"$('/g/bin/'\"$CPUTYPE\"/hpcsh init zsh)\""), None);
        assert_eq!(of("eval \"$(hpcsh init zsh)\""), None);
    }
}
