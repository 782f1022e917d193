//! The oldest shells that are supported: zsh 5.0.2, bash 4.2, fish 3.1. What they lack is not in the shell files.
//!
//! Whoever has other builds names them in `HPCSH_TESTS_ZSH`, `HPCSH_TESTS_BASH`, `HPCSH_TESTS_FISH`, and the whole suite
//! runs with those. `tests/run` does so with the oldest that Debian still keeps. For what is older yet there is the table.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Home, PROJECT, chosen, has, run};

/// Something that a supported shell has not.
struct Newer {
    /// As an extended regular expression of grep's.
    pattern: &'static str,
    /// The release notes in which it first appears.
    since: &'static str,
    /// Code that has it.
    example: &'static str,
    /// What an older shell makes of it, where that is more than an error.
    older: &'static str,
}

const fn newer(pattern: &'static str, since: &'static str, example: &'static str, older: &'static str) -> Newer {
    Newer { pattern, since, example, older }
}

/// From CHANGES, bash 4.3 to 5.2, and NEWS of 5.3.
const BASH: &[Newer] = &[
    newer(r"\b(declare|typeset|local)\b[^;|&]* -[A-Za-z]*n", "4.3", "local -n x=$1", "an error"),
    newer(r"\bunset +-[a-z]*n|\[\[ +-R ", "4.3", "unset -n x", "an error"),
    newer(r"[A-Za-z0-9_]\[-[0-9]", "4.3", "a[-1]=x", "an error"),
    newer(r"(\[\[|\[|\btest) +(! +)?-v +[\x22']?[A-Za-z_]+\[", "4.3", "[[ -v a[1] ]]", "always false"),
    newer(r"\bwait +-[a-z]*n", "4.3", "wait -n", "an error"),
    newer(r"\b(direxpand|globasciiranges)\b", "4.3", "shopt -s direxpand", "an error"),
    newer(r"\$\{[!#]?[A-Za-z0-9_@*]+(\[[^]]*\])?@[A-Za-z]\}", "4.4 (U u L K: 5.1, k: 5.2)", "${x@Q}", "an error"),
    newer(r"\blocal( +[^ ;]+)* +-( |;|$)", "4.4", "local -", "an error"),
    newer(r"\b(mapfile|readarray)\b[^;|&]* -[a-z]*d", "4.4", "mapfile -t -d '' x", "an error"),
    newer(
        r"(^|[^+])\x22\$\{[A-Za-z_][A-Za-z0-9_]*\[[@*]\]\}\x22",
        "4.4",
        "f \"${a[@]}\"",
        "an error under nounset where the array is empty; ${a[@]+\"${a[@]}\"} is none",
    ),
    newer(r"\bunset +(-v +)?[\x22']?[A-Za-z_]+\[", "4.4", "unset -v \"x[0]\"", "an error where x is a string"),
    newer(
        r"\b(PS0|EXECIGNORE|BASH_LOADABLES_PATH|inherit_errexit|complete_fullquote)\b",
        "4.4",
        "shopt -s inherit_errexit",
        "",
    ),
    newer(r"\b(EPOCHSECONDS|EPOCHREALTIME|BASH_ARGV0)\b", "5.0", "x=$EPOCHREALTIME", "empty"),
    newer(r"\b(localvar_inherit|assoc_expand_once)\b", "5.0", "shopt -s localvar_inherit", "an error"),
    newer(r"\bwait +-[a-z]*f|\bhistory +-d +(-|[0-9]+-)", "5.0", "wait -f 1", "an error"),
    newer(r"\bPROMPT_COMMAND\+?=\(", "5.1", "PROMPT_COMMAND+=(x)", "runs the first element alone"),
    newer(r"\bSRANDOM\b", "5.1", "x=$SRANDOM", "empty"),
    newer(r"\bwait +-[a-z]*p|\b(declare|local|typeset) +-[A-Za-z]*I", "5.1", "local -I x", "an error"),
    newer(
        r"\b(varredir_close|patsub_replacement|globskipdots|noexpand_translation)\b",
        "5.2",
        "shopt -u patsub_replacement",
        "an error",
    ),
    newer(r"\$\{[[:blank:]|]", "5.3", "x=${ f; }", "an error"),
    newer(r"\b(GLOBSORT|BASH_MONOSECONDS)\b|\bcompgen +-V|\bread +-E|\bsource +-p", "5.3", "compgen -V x", "an error"),
];

/// From NEWS, zsh 5.0.8 to 5.9. What came between 5.0.2 and 5.0.8 is told there all together.
const ZSH: &[Newer] = &[
    newer(r"\$\{\([^)]*[sj](.)\$[^)]*\1", "5.0.8", "${(ps.$x.)y}", "splits at the name"),
    newer(r"\$\{[A-Za-z_]+:\^", "5.0.8", "${a:^b}", "an error"),
    newer(r"\(#q", "5.0.8", "[[ -n *(#qN) ]]", "no pattern in a condition"),
    newer(r"\bwhence +-[A-Za-z]*S|\bfunctions +-[A-Za-z]*T", "5.0.8", "whence -S x", "an error"),
    newer(r"(^|[^_])\b(force_?float|FORCE_FLOAT|HISTORY_IGNORE)\b", "5.0.8", "setopt force_float", ""),
    newer(
        r"\b(typeset|local|declare|export|readonly|integer|float)\b[^;|&]*[A-Za-z0-9_]\+?=\(",
        "5.1",
        "local a=(x)",
        "a syntax error: these were no reserved words",
    ),
    newer(
        r"\b(typeset|local|declare|export|readonly)\b[^;|&]* [A-Za-z0-9_]+\+?=[^\x22' ]*(\$\(|`)",
        "5.1",
        "local a=$(x)",
        "splits what the command prints into words",
    ),
    newer(
        r"\b(typeset|local|declare|export|readonly)\b[^;|&]* [\x22']?[A-Za-z0-9_]+\+=",
        "5.1",
        "typeset -g x+=y",
        "an error",
    ),
    newer(r"\bprint +-[A-Za-z]*[xX]|\bsysopen\b|append_?create", "5.1", "print -x 4 y", "an error"),
    newer(r"zsh/param/private|\bprivate +[A-Za-z_-]", "5.2", "private x", "an error"),
    newer(r"\$\{\$\{\([^)]*P[^)]*\)[^}]*\}\[", "5.2", "${${(P)x}[y]}", "no element of a hash"),
    newer(r"glob_?star_?short", "5.2", "setopt glob_star_short", "an error"),
    newer(r"\$\{[^}]*:P[}:]|\$[A-Za-z_]+:P\b", "5.3", "${x:P}", "an error"),
    newer(r"\[\[[^]]* -v ", "5.3", "[[ -v x ]]", "an error"),
    newer(r"\b(print|printf) +-[A-Za-z]*v", "5.3", "print -v x y", "an error"),
    newer(
        r"\\(command|exec) +-|\$[A-Za-z_]+ +-[pvV] ",
        "5.4",
        "\\command -v x",
        "looks for a command of the name `-v`: only plain modifiers were known when quoted",
    ),
    newer(r"\bautoload\b[^;|&]* [\x22']?[/$~]", "5.4", "autoload -Uz /x/y", "another function of that name"),
    newer(r"warn_?nested_?var|functions_source|\bzmodload +-[A-Za-z]*s", "5.4", "zmodload -s zsh/x", "an error"),
    newer(r"=\( *\[[^]]*\]=", "5.5", "a=([1]=x)", "words of that text"),
    newer(r"check_?running_?jobs", "5.5", "setopt check_running_jobs", "an error"),
    newer(
        r"\bzparseopts\b.* -[A-Za-z]*F|cd_?silent|\bfunctions +-[A-Za-z]*c",
        "5.8",
        "zparseopts -F - x=y",
        "an error",
    ),
    newer(r"\$\{[^}]*:[ht][0-9]", "5.8", "${x:t2}", "one component"),
    newer(r"\$\{\([^)]*[*-][^)]*\)", "5.9", "${(*)x%y##}", "an error"),
    newer(
        r"typeset_?to_?unset|clobber_?empty|short_?repeat|(no_?)?case_?paths",
        "5.9",
        "setopt typeset_to_unset",
        "an error",
    ),
    newer(r"\b(typeset|local|declare) +-[A-Za-z]*n", "a release after 5.9", "typeset -n x=y", "an error"),
];

/// From the release notes, fish 3.2 to 3.6.
const FISH: &[Newer] = &[
    newer(r"\bfish_add_path\b", "3.2", "fish_add_path /x", "an unknown command"),
    newer(r"\bstring +pad\b|\bmath\b.*(--base|\bbit(and|or|xor)\b)", "3.2", "string pad -w 9 x", "an error"),
    newer(r"\bstatus +(dirname|basename)\b|\bstatus_generation\b", "3.2", "status dirname", "an error"),
    newer(r"\b(command|jobs|type) +--query", "3.2", "type --query x", "an error"),
    newer(r"\bstring +match\b.*\(\?P?<[A-Za-z]", "3.2", "string match -r '(?<x>y)' z", "no variable x"),
    newer(
        r"\bset +(-[A-Za-z]*e[A-Za-z]*|--erase)( +-[A-Za-z-]+)*( +[A-Za-z_$][^ ;]*){2}",
        "3.2",
        "set -e x y",
        "y stays",
    ),
    newer(r"\brealpath +(-s|--no-symlinks)", "3.2", "realpath -s x", "an error where there is no realpath but fish's"),
    newer(r"\bmath\b.*\b(max|min|log2)\b", "3.3", "math max 1, 2", "an error"),
    newer(r"\$\(", "3.4", "set x $(y)", "an error"),
    newer(r"\bset +(-[A-Za-z]*f|--function)", "3.4", "set -f x y", "an error"),
    newer(r"\bstring +match\b[^;|]*( -[a-z]*g| --groups-only)", "3.4", "string match -rg '(x)' y", "an error"),
    newer(r"--allow-empty|\bstring +length +(-[a-z]*V|--visible)", "3.4", "string collect --allow-empty", "an error"),
    newer(
        r"(^|[;|&(] *|\b(and|or|not|builtin) +)path +(basename|change-extension|dirname|extension|filter|is|mtime|normalize|resolve|sort)\b",
        "3.5",
        "path dirname x",
        "an unknown command",
    ),
    newer(
        r"\bstring +shorten\b|\bstatus +current-commandline\b|\babbr\b.*--(function|position|regex|set-cursor)",
        "3.6",
        "abbr --add x --function y",
        "an error",
    ),
];

const TABLES: [(&str, &[Newer]); 3] = [("bash", BASH), ("zsh", ZSH), ("fish", FISH)];

/// The lines, by index, in which a pattern is found.
fn found(pattern: &str, lines: &[&str]) -> Vec<usize> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), lines.join("\n") + "\n").unwrap();
    // In a class of grep's a quote is itself; the table says it by its number.
    let pattern = pattern.replace("\\x22", "\"");
    let outcome = run(Command::new("grep").env("LC_ALL", "C").args(["-nE", "-e", &pattern]).arg(file.path()));
    assert!(outcome.status < 2, "{pattern}: {}", outcome.err);
    outcome.out.lines().map(|line| line.split(':').next().unwrap().parse::<usize>().unwrap() - 1).collect()
}

/// Whether a line stands in a branch of an `if` that asks for the shell's version. The files are indented by what they mean.
fn is_guarded(lines: &[&str], at: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let asks = |line: &str| line.contains("_VERSION") || line.contains("$version");
    let mut depth = indent(lines[at]);
    let mut of_else = false;
    asks(lines[at])
        || lines[..at].iter().rev().filter(|line| !line.trim().is_empty()).any(|line| {
            let (word, here) = (line.trim_start(), indent(line));
            if here < depth || of_else && here == depth {
                let chained = word.starts_with("el");
                let condition = word.starts_with("if ") || word.starts_with("elif ") || word.starts_with("else if ");
                if here < depth || chained || condition {
                    of_else = chained;
                }
                depth = here;
                return condition && asks(word);
            }
            false
        })
}

/// What a text has that the table knows, and no `if` keeps from older shells.
fn faults(table: &[Newer], text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(|line| if line.trim_start().starts_with('#') { "" } else { line }).collect();
    let mut faults = Vec::new();
    for newer in table {
        for at in found(newer.pattern, &code) {
            if !is_guarded(&code, at) {
                faults.push(format!("{}: since {}: {} ({})", at + 1, newer.since, code[at].trim(), newer.older));
            }
        }
    }
    faults
}

/// Fails where a text for this shell has something that the oldest one lacks.
#[track_caller]
pub fn assert_old(shell: &str, text: &str) {
    let (_, table) = TABLES.into_iter().find(|(name, _)| *name == shell).unwrap();
    let faults = faults(table, text);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nothing_is_newer_than_the_oldest_shells() {
    for (shell, table) in TABLES {
        let files = fs::read_dir(Path::new(PROJECT).join("shell")).unwrap().map(|entry| entry.unwrap().path());
        for file in files.filter(|file| file.extension().is_some_and(|ending| ending == shell)) {
            let faults = faults(table, &fs::read_to_string(&file).unwrap());
            assert!(faults.is_empty(), "{}:\n{}", file.display(), faults.join("\n"));
        }
    }
}

/// The table finds what it names, lets pass what only looks alike, and knows a guard.
#[test]
fn the_table_finds_its_examples_and_no_more() {
    for (shell, table) in TABLES {
        for newer in table {
            assert_eq!(found(newer.pattern, &[newer.example]), [0], "{shell}: {} for {}", newer.pattern, newer.example);
        }
    }
    let fine = [
        ("bash", "for x in ${a[@]+\"${a[@]}\"}; do printf -v \"$x\" %s \"${!x-}\"; done"),
        ("bash", "if [[ -v x && ${x:offset} == [1-4]* ]]; then waitvllm -n; fi; x=${y%@a}; printf '%(%F)T' -1"),
        ("bash", "\\local \"x=$1\" -a y; declare -g z; unset -v x; echo ${PROMPT_COMMAND[0]}; case x in y) ;& esac"),
        ("zsh", "\\local \"x=$(y)\" z=${(P)1} a; \\local -a b; b=(x); typeset -ga c d; ${(@ps:\\x1f:)e} ${f:h:t}"),
        ("zsh", "{ x } always { y }; \\command mv -f -- a b; \\builtin print -ru2 x; [[ -n ${+x} ]]; (( ${+x} ))"),
        (
            "fish",
            "set -l x (y | string collect); A=1 z && not w &>/dev/null; set -e x; test -x $path; set -gx path a b",
        ),
    ];
    for (shell, code) in fine {
        let (_, table) = TABLES.into_iter().find(|(name, _)| *name == shell).unwrap();
        assert_eq!(faults(table, code), [""; 0], "{code}");
    }
    let guarded = "if [[ $BASH_VERSION == 4.* ]]; then\n  x\nelse\n  if y; then\n    z=${x@a}\n  fi\nfi\nw=${x@a}\n";
    assert_eq!(faults(BASH, guarded), ["8: since 4.4 (U u L K: 5.1, k: 5.2): w=${x@a} (an error)"]);
    let other = "if [[ $BASH_VERSION == 4.* ]]; then\n  x\nfi\nif y; then\n  z=${x@a}\nfi\n";
    assert_eq!(faults(BASH, other).len(), 1, "that `if` is over");
}

/// Which shells this run was about; a build that was asked for is the one that runs.
#[test]
fn the_shells_that_were_asked_for_are_those_that_run() {
    let mut told = Vec::new();
    for (shell, variable) in [("zsh", "ZSH_VERSION"), ("bash", "BASH_VERSION"), ("fish", "version")] {
        if !has(shell) {
            continue;
        }
        let home = Home::new();
        let version = |program: &Path| run(home.command(program).args(["-c", &format!("echo ${variable}")])).clean();
        let runs = version(Path::new(shell));
        match chosen(shell) {
            Some(build) => assert_eq!(runs, version(&build), "{shell} is not {}", build.display()),
            None => told.push(format!("{shell} {}", runs.trim_end())),
        }
    }
    if !told.is_empty() {
        eprintln!("SKIPPED: no other build is named in HPCSH_TESTS_*: only the installed {} ran", told.join(", "));
    }
}
