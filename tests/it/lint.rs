//! The shell files as they lie: parsed, linted, and fit for the build that leaves comments and indentation out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{PROJECT, has, path, run, skip};

fn shell_files(ending: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(Path::new(PROJECT).join("shell")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|file| file.extension().is_some_and(|found| found == ending)).collect();
    assert!(!files.is_empty());
    files
}

fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", path());
    command
}

#[test]
fn zsh_and_bash_parse_their_files() {
    for file in shell_files("zsh") {
        assert_eq!(run(tool("zsh").args(["-f", "-n"]).arg(&file)).clean(), "");
    }
    for file in shell_files("bash") {
        assert_eq!(run(tool("bash").arg("-n").arg(&file)).clean(), "");
    }
}

/// A part that is read later would take another's away.
#[test]
fn no_function_is_defined_in_two_files() {
    for ending in ["zsh", "bash", "fish"] {
        let mut found: Vec<(String, PathBuf)> = Vec::new();
        for file in shell_files(ending) {
            let text = fs::read_to_string(&file).unwrap();
            let names = text.lines().filter_map(|line| line.strip_prefix("function ")?.split(' ').next());
            found.extend(names.map(|name| (name.to_owned(), file.clone())));
        }
        assert!(found.len() > 20, "{ending}");
        for (at, (name, file)) in found.iter().enumerate() {
            // rest.bash has what is there until call.bash is read.
            let other = found[..at].iter().find(|(before, place)| before == name && place != file);
            assert!(other.is_none() || name == "_hpcsh_call", "{name}: {} and {other:?}", file.display());
        }
    }
}

/// Until 3.1, fish takes what it is not to run for something that it does not know.
fn is_fish_old() -> bool {
    run(tool("fish").arg("--version")).out.contains(" 3.1.")
}

#[test]
fn fish_parses_its_files_and_would_write_them_so() {
    if !has("fish") {
        skip("fish is not installed");
        return;
    }
    if is_fish_old() {
        return;
    }
    for file in shell_files("fish") {
        assert_eq!(run(tool("fish").arg("--no-execute").arg(&file)).clean(), "");
        // Another major version writes some things otherwise.
        if run(tool("fish").arg("--version")).out.contains(" 3.") {
            assert_eq!(run(tool("fish_indent").arg("--check").arg(&file)).clean(), "", "{}", file.display());
        }
    }
}

#[test]
fn shellcheck_finds_nothing() {
    if !has("shellcheck") {
        skip("shellcheck is not installed");
        return;
    }
    for file in shell_files("bash") {
        assert_eq!(
            run(tool("shellcheck").args(["--shell=bash", "--severity=style"]).arg(&file)).clean(),
            "",
            "{}",
            file.display()
        );
    }
    for file in ["install.sh", "tests/run", ".ci/run"] {
        let file = Path::new(PROJECT).join(file);
        assert_eq!(run(tool("shellcheck").arg(&file)).clean(), "", "{}", file.display());
    }
}

/// The build leaves out lines that begin with `#` and the blanks at both ends of the others: no string and no
/// here-document may go over lines.
#[test]
fn no_string_goes_over_lines() {
    for file in ["zsh", "bash", "fish"].into_iter().flat_map(shell_files) {
        let text = fs::read_to_string(&file).unwrap();
        let code: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        for line in &code {
            assert!(!line.contains("<<") || line.contains("<<<"), "{}: a here-document: {line}", file.display());
        }
        // Each shell parses every prefix of whole lines, or asks for more of a construct, never for a closing quote.
        let shell = file.extension().unwrap().to_str().unwrap();
        let emitted = code.join("\n");
        let temporary = tempfile::NamedTempFile::new().unwrap();
        fs::write(temporary.path(), emitted).unwrap();
        let flags = if shell == "zsh" { vec!["-f", "-n"] } else { vec!["-n"] };
        if !has(shell) {
            skip(&format!("{shell} is not installed"));
            continue;
        }
        if shell != "fish" || !is_fish_old() {
            assert_eq!(run(tool(shell).args(flags).arg(temporary.path())).clean(), "", "{}", file.display());
        }
        for (number, line) in text.lines().enumerate() {
            let plain = line.replace("\\'", "").replace("\\\"", "");
            let balanced = line.trim_start().starts_with('#') || quotes_close(&plain);
            assert!(balanced, "{}:{}: a quote stays open: {line}", file.display(), number + 1);
        }
    }
}

/// Whether every quote of a line is closed on it.
fn quotes_close(line: &str) -> bool {
    let mut open = None;
    for c in line.chars() {
        match (open, c) {
            (None, '\'' | '"') => open = Some(c),
            (Some(quote), _) if quote == c => open = None,
            _ => {}
        }
    }
    open.is_none()
}

/// 8 KB are the budget; `cargo bench` shows the time.
#[test]
fn the_emitted_code_is_small() {
    use hpcsh::shell::code::Shell;
    for (name, shell) in Shell::ALL {
        let size = shell.codes().concat().len();
        assert!(size <= 8192, "{name}: {size} bytes");
        assert!(!shell.codes().concat().lines().any(|line| line.starts_with('#') || line.starts_with(' ')));
    }
}

#[test]
fn the_sources_name_no_path_of_the_machine() {
    let outcome = run(Command::new("git").args(["-C", PROJECT, "grep", "-nF", "-e", PROJECT]));
    assert_eq!(outcome.out, "", "tracked files name {PROJECT}");
}
