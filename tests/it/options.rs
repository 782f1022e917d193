//! The script, and every function in it, under anybody's options, aliases and functions: right, silent, twice the same.

use crate::node::{CONFIG, Node, uptime};
use crate::shells::Shell;
use crate::support::{Home, Outcome, PROGRAM};
use crate::terminal::Terminal;

/// Uses everything that the script brings and prints what came of it. External `printf` and `env`, since the test's
/// hostile preludes shadow the builtins.
const TOUR: &str = r#"
\eval "$('PROGRAM' init SHELL)"
\command printf 'init %s\n' "$?"
\eval "$('PROGRAM' init SHELL)"
\command printf 'again %s\n' "$?"
_hpcsh_precmd
\command printf 'prompt %s\n' "$?"
\command printf 'HF_HOME %s\n' "${HF_HOME#"$TOP"}"
\command printf 'PATH %s\n' "${PATH%%:*}"
act "$HOME/pro ject"
\command printf 'act %s %s %s\n' "$?" "${VIRTUAL_ENV#"$HOME"}" "$VIRTUAL_ENV_PROMPT"
PATH=$PATH:/between
deactivate
\command printf 'deactivate %s %s %s\n' "$?" "${VIRTUAL_ENV-none}" "${PATH##*:}"
mdcd "$HOME/new/di r"
\command printf 'mdcd %s %s\n' "$?" "${PWD#"$HOME"}"
cdr ..
\command printf 'cdr %s %s\n' "$?" "${PWD##*/}"
\builtin cd "$HOME/pro ject"
_hpcsh_precmd
\command printf 'enter %s %s %s\n' "$?" "${VIRTUAL_ENV#"$HOME"}" "${HPCSH_ENTERED#"$HOME"}"
\builtin cd "$HOME"
_hpcsh_precmd
\command printf 'leave %s %s %s\n' "$?" "${VIRTUAL_ENV-none}" "${HPCSH_ENTERED-none}"
\builtin cd /usr/share
_hpcsh_precmd
\command printf 'elsewhere %s %s\n' "$?" "${VIRTUAL_ENV-none}"
hist >/dev/null 2>&1 || \command true
waitvllm --timeout 0 "$PORT" 2>/dev/null || \command printf 'waitvllm %s\n' "$?"
\command env | \command grep -c '^HPCSH_EXPORTS='
hpcsh_off
\command printf 'off %s %s %s\n' "$?" "${HF_HOME-none}" "${HPCSH_EXPORTS-none}"
"#;

const TOLD: &str = "\
init 0
again 0
prompt 0
HF_HOME /shared/cache/hf
PATH HOME/.local/bin
act 0 /pro ject/.venv label
deactivate 0 none /between
mdcd 0 /new/di r
cdr 0 new
enter 0 /pro ject/.venv /pro ject/.venv
leave 0 none none
elsewhere 0 none
waitvllm 124
1
off 0 none none
";

/// A home with an environment that no tool made; good enough for `act`, which reads only its `pyvenv.cfg`.
fn home_with_project() -> Home {
    let home = Home::with_article();
    home.write("pro ject/.venv/pyvenv.cfg", "home = /usr/bin\nprompt = label\n");
    home.write("pro ject/.venv/bin/python", "");
    home
}

/// `kept`: where an earlier shell's first prompt has compiled the copies of zsh.
fn tour(shell: Shell, prelude: &str, kept: bool) -> (Outcome, String) {
    let home = home_with_project();
    if kept {
        assert_eq!(shell.prompted(&home, "", "ls ~/.node/*.zwc | wc -l").clean(), "5\n");
    }
    let top = home.shared().parent().unwrap().to_str().unwrap().to_owned();
    // Nobody listens on the port of a socket that is bound and not listening.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let body = TOUR.replace("PROGRAM", PROGRAM).replace("SHELL", shell.name());
    let script = format!("TOP='{top}' PORT={closed}\n{prelude}\n{body}");
    let outcome = shell.bare(&home, true, &script);
    (
        outcome,
        TOLD.replace("HOME", home.path().to_str().unwrap())
            .replace(&format!("HF_{}", home.path().display()), "HF_HOME"),
    )
}

fn tour_is_right(shell: Shell, preludes: &[&str]) {
    let mut wrong = Vec::new();
    for kept in [false, true] {
        for prelude in preludes.iter().filter(|_| !kept || shell == Shell::Zsh) {
            let (outcome, told) = tour(shell, prelude, kept);
            if outcome.out != told || !outcome.err.is_empty() || outcome.status != 0 {
                wrong.push(format!("--- {prelude}\n{}{}status {}", outcome.out, outcome.err, outcome.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{} under:\n{}", shell.name(), wrong.join("\n"));
}

const SHADOWS: &[&str] = &[
    // Aliases of names that scripts use, and of names that hpcsh defines.
    "alias cd='echo cd' source='echo source' export='echo export' printf='echo printf' mkdir='echo mkdir'",
    "alias act='echo act' mdcd='echo mdcd' cdr='cd $([ $# -eq 0 ] && pwd -P || realpath \"$1\")' hist=echo waitvllm=echo",
    "alias local='echo local' unset='echo unset' hash='echo hash' alias='echo alias' typeset='echo typeset' read=echo",
    "alias ls='ls -l' cp='cp -v' rm='rm -i' cat='cat -A' grep='grep -n'",
    // Functions likewise.
    "cd() { echo cd; }; source() { echo source; }; export() { echo export; }; printf() { echo printf; }; mkdir() { echo mkdir; }",
    "unset() { echo unset; }; hash() { echo hash; }; alias() { echo alias; }; read() { echo read; }; print() { echo print; }",
    "act() { echo mine; }; mdcd() { echo mine; }; deactivate() { echo mine; }; hist() { echo mine; }",
];

const ZSH_OPTIONS: &[&str] = &[
    "",
    "setopt err_exit no_unset pipe_fail",
    "setopt no_clobber",
    "setopt no_glob",
    "setopt ksh_arrays",
    "setopt sh_word_split",
    "setopt glob_subst",
    "setopt no_nomatch null_glob",
    "setopt sh_glob",
    "setopt ignore_braces",
    "setopt ignore_close_braces",
    "setopt warn_create_global",
    "setopt posix_builtins",
    "setopt posix_aliases posix_identifiers posix_strings",
    "setopt rc_quotes rc_expand_param",
    "setopt csh_junkie_loops csh_null_glob",
    "setopt bang_hist hist_ignore_all_dups share_history",
    "setopt auto_cd auto_pushd chase_links cdable_vars",
    "setopt extended_glob ksh_glob",
    "emulate sh",
    "emulate ksh",
    // As before 5.1, where these were no reserved words.
    "disable -r declare export float integer local readonly typeset",
    "IFS=:",
    "IFS=_-",
    "IFS=/",
    "IFS=",
    "CDPATH=/usr:/var; cdpath=(/usr /var)",
    "alias -g G='| grep' L='| less' DIR=nowhere",
];

#[test]
fn zsh_under_any_options() {
    tour_is_right(Shell::Zsh, ZSH_OPTIONS);
}

const BASH_OPTIONS: &[&str] = &[
    "",
    "set -eu -o pipefail",
    "set -e",
    "set -u",
    "set -C",
    "set -f",
    "shopt -s failglob",
    "shopt -s nullglob",
    "shopt -s extglob globstar dotglob nocaseglob nocasematch",
    "set -o posix",
    "set -o posix; set -eu",
    "IFS=:",
    "IFS=_-",
    "IFS=/",
    "IFS=",
    "set -T; set -E",
    "shopt -s compat42 2>/dev/null",
    // The branches for an older one.
    "BASH_VERSION=4.2.46",
    "shopt -s extdebug",
    "shopt -u extquote",
    "shopt -s autocd cdspell cdable_vars",
    "trap : DEBUG",
    "shopt -u expand_aliases",
    "CDPATH=/usr:/var",
    "set -H",
];

#[test]
fn bash_under_any_options() {
    tour_is_right(Shell::Bash, BASH_OPTIONS);
}

/// The verdict that a running shell follows: it turns, it expires and is looked at again, a reader gets stuck and comes through.
const NODE_TOUR: &str = r#"
\eval "$('PROGRAM' init SHELL)"
_hpcsh_precmd
\command printf 'first %s %s [%s]\n' "$?" "$HPCSH_NODE" "${HF_HUB_OFFLINE-}"
\command sh -c 'echo "online $1 x" >|"$0-verdict"' "$_hpcsh_memory" "$LATER"
_hpcsh_due=0
_hpcsh_precmd
\command printf 'turned %s %s [%s]\n' "$?" "$HPCSH_NODE" "${HF_HUB_OFFLINE-}"
\command sh -c 'echo "offline 1 x" >|"$0-verdict"; echo "$1 0" >|"$0-lock"' "$_hpcsh_memory" "$LIVE"
_hpcsh_due=0
_hpcsh_precmd
\command sh -c 'for try in 1 2 3 4 5 6 7 8 9; do ! grep -q " 1 " "$0-verdict" || sleep 0.5; done; [ -e "$0-lock" ] || cut -d " " -f 1 "$0-verdict"' "$_hpcsh_memory"
\command sh -c 'echo "$1 99999999999" >|"$0-reader"' "$_hpcsh_memory" "$LIVE"
_hpcsh_reader=$_hpcsh_memory-reader _hpcsh_due=0
_hpcsh_precmd
\command printf 'stale %s %s\n' "$?" "${_hpcsh_reader:+yes}"
\command rm -f "$_hpcsh_memory-reader"
_hpcsh_due=0
_hpcsh_precmd 2>/dev/null
\command printf 'answers %s [%s]\n' "$?" "$_hpcsh_reader"
hpcsh_off
\command printf 'off %s [%s]\n' "$?" "${HPCSH_NODE-}${HPCSH_STORAGE-}${HPCSH_PROMPT-}"
"#;

const NODE_TOLD: &str = "\
first 0 offline [1]
turned 0 online []
offline
stale 0 yes
answers 0 []
off 0 []
";

#[test]
fn a_verdict_is_followed_under_any_options() {
    let mut wrong = Vec::new();
    for (shell, preludes) in [(Shell::Zsh, ZSH_OPTIONS), (Shell::Bash, BASH_OPTIONS)] {
        for prelude in preludes.iter().chain(SHADOWS) {
            let node = Node::new(CONFIG);
            node.keep("offline", 200);
            let body = NODE_TOUR.replace("PROGRAM", PROGRAM).replace("SHELL", shell.name());
            let script = format!("LATER={} LIVE={}\n{prelude}\n{body}", uptime() + 200, std::process::id());
            let outcome = shell.bare(&node.home, true, &script);
            if outcome.out != NODE_TOLD || !outcome.err.is_empty() || outcome.status != 0 {
                let name = shell.name();
                wrong.push(format!("--- {name}: {prelude}\n{}{}status {}", outcome.out, outcome.err, outcome.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn zsh_under_aliases_and_functions_of_the_same_names() {
    tour_is_right(Shell::Zsh, SHADOWS);
}

#[test]
fn bash_under_aliases_and_functions_of_the_same_names() {
    tour_is_right(Shell::Bash, SHADOWS);
}

/// What is there is put back: a function and an alias of the user's under our names, his parameters, his PATH.
#[test]
fn off_puts_back_what_was_there() {
    let before = "alias cdr='echo my cdr'\nact() { echo \"my act\"; }\nHF_HUB_OFFLINE=0; export HF_HUB_OFFLINE\n\
                  show() { alias cdr; alias cp 2>&1; act; echo \"${HF_HUB_OFFLINE-} ${HF_HOME-} ${LS_COLORS-}\"; \
                  echo \"$PATH ${HISTSIZE-} ${HISTFILE-}\"; typeset -f | grep -c hpcsh; set | grep -ac '^_*[hH][pP][cC][sS][hH]'; }\n";
    for shell in Shell::ALL {
        let home = Home::with_article();
        let line = shell.line();
        let script = format!(
            "{before}one=$(show)\n{line}\n_hpcsh_precmd\nhpcsh_off\ntwo=$(show)\n[ \"$one\" = \"$two\" ] && echo same || printf '%s\\n---\\n%s\\n' \"$one\" \"$two\""
        );
        let outcome = shell.bare(&home, true, &script);
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("same\n", ""), "{}", shell.name());
    }
}

/// What an outer shell remembers, which exports all that is assigned, is not the inner one's: there the sizes are the user's.
#[test]
fn off_takes_nothing_back_for_an_outer_shell() {
    let home = Home::with_article();
    let before = "export _hpcsh_sized=1 _hpcsh_moved=1; HISTSIZE=7 HISTFILESIZE=8 HISTFILE=/mine";
    let script = format!("{before}\n{}\nhpcsh_off; echo $HISTSIZE $HISTFILESIZE $HISTFILE", Shell::Bash.line());
    let outcome = Shell::Bash.bare(&home, true, &script);
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("7 8 /mine\n", ""));
}

#[test]
fn a_shell_that_is_not_interactive_gets_exports_only() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        let functions = match shell {
            Shell::Zsh => "print -rn -- ${(k)functions} ${(k)parameters[(I)*hpcsh*]}",
            Shell::Bash => "declare -F; compgen -v _hpcsh",
        };
        let script = format!("{}\n{functions}\necho $HF_HUB_OFFLINE ${{PATH%%:*}}; alias cp", shell.line());
        let outcome = shell.bare(&home, false, &script);
        assert_eq!(outcome.out, format!("1 {}/.local/bin\n", home.path().display()), "{}", shell.name());
    }
}

/// Eleven shapes of `PROMPT_COMMAND`: the user's command still runs and sees `$?`; ours stays, once, or goes after the first
/// prompt where nothing is to be done at later ones.
#[test]
fn bash_keeps_any_shape_of_prompt_command() {
    let shapes = [
        ("", false),
        ("PROMPT_COMMAND=", false),
        ("PROMPT_COMMAND='seen=$?'", true),
        ("PROMPT_COMMAND='seen=$?;'", true),
        ("PROMPT_COMMAND='seen=$? ; '", true),
        ("PROMPT_COMMAND=$'seen=$?\\n'", true),
        ("PROMPT_COMMAND='seen=$? # a comment'", true),
        ("export PROMPT_COMMAND='seen=$?'", true),
        ("PROMPT_COMMAND=('seen=$?' 'other=1')", true),
        ("PROMPT_COMMAND=([3]='seen=$?')", true),
        ("PROMPT_COMMAND=([99]='seen=$?')", true),
        ("mine() { seen=$?; }; PROMPT_COMMAND=mine", true),
    ];
    // What an older bash takes, the string, is right in a newer one as well: the variable is no more than a word on it.
    let old = shapes
        .iter()
        .filter(|(shape, _)| !shape.contains('('))
        .map(|&(shape, seen)| (shape, seen, "BASH_VERSION=4.2.46"));
    let all = shapes.iter().map(|&(shape, seen)| (shape, seen, "")).chain(old);
    for ((shape, seen, version), stays) in all.flat_map(|shape| [(shape, false), (shape, true)]) {
        let home = Home::with_article();
        home.configure(&format!("[venv]\nauto = {stays}\n[node]\nverdict = \"online\"\n"));
        home.write(
            ".bashrc",
            format!("{shape}\n{version}\ndeclare -p PROMPT_COMMAND >before 2>&1\n{}", Shell::Bash.line().repeat(2)),
        );
        let mut terminal = Terminal::start(&Shell::Bash.interactive(&home));
        terminal.run("true");
        let after = terminal.run("declare -p PROMPT_COMMAND 2>&1");
        assert_eq!(after.matches("_hpcsh").count(), usize::from(stays), "{shape}: {after}");
        let before = std::fs::read_to_string(home.path().join("before")).unwrap();
        let unset = |text: &str| text.contains("PROMPT_COMMAND: not found");
        let same = after.trim_end().ends_with(before.trim_end()) || unset(&before) && unset(&after);
        // Of a list that begins later, an empty first element stays; an empty string goes where it cannot be told from none.
        let lost = shape.contains("=([") || !version.is_empty() && shape == "PROMPT_COMMAND=" && unset(&after);
        assert!(stays || same || lost, "{shape} {version}: {before} became {after}");
        if seen {
            terminal.send("(exit 7)\r");
            let told = terminal.run("echo \"seen $seen\"");
            assert!(told.contains("seen 7"), "{shape}: {told}");
        }
        terminal.leave();
    }
}

/// As audits set it: nothing is said, and all but what comes with the first prompt is there.
#[test]
fn a_readonly_prompt_command_costs_no_function() {
    let home = Home::with_article();
    let outcome =
        Shell::Bash.session(&home, "readonly PROMPT_COMMAND=:", "type -t act deactivate; echo ${HF_HOME##*/}");
    assert_eq!(outcome.clean(), "function\nfunction\nhf\n");
}

/// Where neither the node's copy nor the program is there any more, a prompt says it once.
#[test]
fn a_vanished_program_is_told_once() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        home.write(
            shell.rc(),
            format!("PS1='> '\n{}_hpcsh_copy=/nowhere _hpcsh_program=/nowhere/hpcsh\n", shell.line()),
        );
        let mut terminal = Terminal::start(&shell.interactive(&home));
        let first = terminal.run("true");
        let later = terminal.run("true") + &terminal.run("true");
        assert!(!later.contains("nowhere") && !later.contains("_hpcsh"), "{}: {first} then {later}", shell.name());
        terminal.leave();
    }
}

/// The first prompt tells what is wrong, once; nothing is written before it.
#[test]
fn a_warning_waits_for_the_first_prompt() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure("shared_hom = \"/gpfs\"\n");
        home.write(shell.rc(), format!("{}echo \"[rc ends]\"\n", shell.line()));
        let mut terminal = Terminal::start(&shell.interactive(&home));
        let before = terminal.expect("[rc ends]");
        assert!(!before.contains("shared_hom"), "{}: {before}", shell.name());
        terminal.expect("config.toml:1:1: there is no key `shared_hom`");
        let after = terminal.run("true") + &terminal.run("true");
        assert!(!after.contains("shared_hom"), "{}: told twice: {after}", shell.name());
        assert!(terminal.run("typeset -f act >/dev/null && echo there").contains("there"));
        terminal.leave();
    }
}

/// What the user has set and cannot be changed stays, and all else comes.
#[test]
fn what_is_readonly_stays_and_nothing_else_is_lost() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure("node.verdict = \"offline\"\nenv.set.EDITOR = \"vim\"\n");
        let show = "echo \"$EDITOR ${HPCSH_NODE-} ${PIP_RETRIES-}\"";
        for before in ["readonly PATH", "EDITOR=nano", "readonly EDITOR=nano", "set -e; readonly EDITOR=nano"] {
            let editor = if before.contains("EDITOR") { "nano" } else { "vim" };
            let out = shell.session(&home, before, show).clean();
            assert_eq!(out, format!("{editor} offline 0\n"), "{}: {before}", shell.name());
        }
        // Made so afterwards: what can be taken back is.
        let off =
            "readonly PIP_RETRIES; hpcsh_off 2>/dev/null; echo \"${HPCSH_NODE-} ${CARGO_NET_RETRY-} ${PIP_RETRIES-}\"";
        assert_eq!(shell.session(&home, "", off).out, "  0\n", "{}", shell.name());
    }
}
