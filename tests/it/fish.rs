//! fish: everything that zsh and bash have, among functions, universal variables and prompts of its own.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::entering::{Session, environment, home_with};
use crate::environments::{MAKERS, make};
use crate::forks::{Counts, can_trace, count, traced};
use crate::shells::Shell;
use crate::support::{ARTICLE, Home, Outcome, PROGRAM, has, path, run, skip, tools};
use crate::terminal::Terminal;

/// The one line.
fn line() -> String {
    format!("'{PROGRAM}' init fish | source\n")
}

/// Whether fish is here; says so where not.
fn is_installed() -> bool {
    let installed = has("fish");
    if !installed {
        skip("fish is not installed");
    }
    installed
}

/// fish in this home. What its very first start does, completions from manual pages, is done: it would be counted.
fn fish(home: &Home) -> Command {
    fs::create_dir_all(home.path().join(".local/share/fish/generated_completions")).unwrap();
    home.command("fish")
}

fn configure(home: &Home, before: &str, after: &str) {
    let text = format!("set -g fish_greeting\n{before}\n{}{after}\n", line());
    home.write(".config/fish/config.fish", text);
}

/// Without what fish says to a terminal that is none.
fn quiet(mut outcome: Outcome) -> Outcome {
    for noise in ["\u{1b}[?2004h", "\u{1b}[?2004l", "\u{1b}[>4;1m", "\u{1b}[>4;0m", "\u{1b}[=5u", "\u{1b}[=0u"] {
        outcome.out = outcome.out.replace(noise, "");
        outcome.err = outcome.err.replace(noise, "");
    }
    outcome
}

/// What TAB would offer behind these words, the first time and the second; and nothing runs.
#[test]
fn tab_completes_commands_and_environments() {
    if !is_installed() {
        return;
    }
    let home = Home::new();
    for project in ["pro ject", "project", "team/deep", "x$(touch pwned)x"] {
        environment(&home, project);
    }
    for name in ["models--org--tiny", "models--other--model", "datasets--org--data"] {
        fs::create_dir_all(home.path().join(".cache/huggingface/hub").join(name)).unwrap();
    }
    let wanted = [
        ("hpcsh con", "config"),
        ("hpcsh config sh", "show"),
        ("act proj", "project/"),
        ("act te", "team/"),
        ("act team/", "team/deep/"),
        ("act x", "x$(touch pwned)x/"),
        ("mdcd te", "team/"),
        ("waitvllm --ti", "--timeout"),
        ("hpcsh hf path org/t", "org/tiny"),
        ("hpcsh hf check org/tiny data", "datasets/org/data"),
    ];
    // Before 3.2, `commandline` knows nothing of what `complete -C` asks: only a key does.
    let is_old = prompted(&home, "", "string match -q '3.1.*' $version; and echo old; true").clean() == "old\n";
    for (typed, offered) in wanted.iter().filter(|_| !is_old) {
        let ask = format!("complete -C '{typed}' | string replace -r '\\t.*' ''; ");
        let script = ask.repeat(2) + "true";
        assert_eq!(prompted(&home, "", &script).clean().lines().collect::<Vec<_>>(), [*offered; 2], "{typed}");
    }
    configure(&home, "", "");
    let mut terminal = Terminal::start(&fish(&home));
    terminal.run("true");
    for _ in 0..2 {
        terminal.send("act proj\t");
        std::thread::sleep(std::time::Duration::from_millis(500));
        terminal.send("\r");
        let told = terminal.run("echo [$VIRTUAL_ENV]; deactivate");
        assert!(told.contains("/project/.venv]"), "{told}");
    }
    terminal.leave();
    let off =
        prompted(&home, "", "complete -C 'hpcsh con' >/dev/null; hpcsh_off; complete -C 'hpcsh con' | count; true")
            .clean();
    assert_eq!(off, "0\n");
    assert!(!home.path().join("pwned").exists());
}

/// Runs a script in an interactive fish whose config.fish is the one line, with `before` above it.
pub fn session(home: &Home, before: &str, script: &str) -> Outcome {
    configure(home, before, "");
    quiet(run(fish(home).args(["-i", "-c", script])))
}

/// The same, where the first prompt has come by.
fn prompted(home: &Home, before: &str, script: &str) -> Outcome {
    session(home, before, &format!("emit fish_prompt\n{script}"))
}

// --- variables

const CONFIG: &str = r#"
shared_home = "/one"
local_dir = "SHARED/local"
[env]
presets = ["wandb"]
[env.set]
FIRST = "1"
SECOND = "it's $$HOME \\ \"x\""
THIRD_PATH = "/a:/b c:"
[env.offline]
MODE = "off"
[env.online]
MODE = "on"
ONLY_ONLINE = "yes"
[path]
prepend = ["/first dir"]
[node]
verdict = "offline"
"#;

/// What a shell of any kind prints of the variables.
const SHOW: &str =
    "command printenv WANDB_DIR FIRST SECOND THIRD_PATH MODE ONLY_ONLINE WANDB_MODE | command tr '\\n' '|'";

/// Shells in one another, each with the line; the configuration and the environment change between them.
#[test]
fn nested_shells_of_any_kind_agree_whose_a_variable_is() {
    if !is_installed() {
        return;
    }
    let other =
        CONFIG.replace("/one", "/two").replace("FIRST = \"1\"", "FIRST = \"2\"").replace("\"offline\"", "\"online\"");
    let start = |name: &str| match name {
        "fish" => "fish -i inner.fish",
        "zsh" => "zsh -d -f inner.zsh",
        _ => "bash --norc --noprofile inner.bash",
    };
    for (outer, inner) in [("fish", "fish"), ("fish", "zsh"), ("fish", "bash"), ("zsh", "fish"), ("bash", "fish")] {
        let nested = |between: &str, config: &str| {
            let home = Home::new();
            home.configure(CONFIG);
            home.write("inner.toml", config.replace("SHARED", home.shared().to_str().unwrap()));
            for shell in Shell::ALL {
                home.write(&format!("inner.{}", shell.name()), format!("{}{SHOW}\n", shell.line()));
            }
            home.write("inner.fish", format!("{SHOW}\n"));
            configure(&home, "", "");
            let script = format!("{between}\ncommand cp inner.toml .config/hpcsh/config.toml\n{}", start(inner));
            let outcome = match outer {
                "fish" => session(&home, "", &script),
                "zsh" => quiet(Shell::Zsh.session(&home, "", &script)),
                _ => quiet(Shell::Bash.session(&home, "", &script)),
            };
            assert_eq!(outcome.err, "", "{outer} {inner}: {between}");
            outcome.out
        };
        let name = format!("{inner} in {outer}");
        let second = "it's $HOME \\ \"x\"|/a:/b c:|";
        assert_eq!(nested("", CONFIG), format!("/one/cache|1|{second}off|offline|"), "{name}: nothing changed");
        assert_eq!(nested("", &other), format!("/two/cache|2|{second}on|yes|"), "{name}: another configuration");
        let by_hand = "export FIRST=mine MODE=mine";
        assert_eq!(nested(by_hand, &other), format!("/two/cache|mine|{second}mine|yes|"), "{name}: by hand");
        assert_eq!(nested("export FIRST=", &other), format!("/two/cache||{second}on|yes|"), "{name}: an empty value");
        let fewer = other.replace("FIRST = \"2\"", "").replace("presets = [\"wandb\"]", "presets = []");
        assert_eq!(nested("", &fewer), format!("{second}on|yes|"), "{name}: no longer configured");
        // All that is wanted comes first among what is there.
        let last = "[env.offline]\nMODE = \"off\"\n[env.online]\nMODE = \"on\"\nONLY_ONLINE = \"yes\"\n";
        assert!(CONFIG.contains(last));
        let shorter = CONFIG.replace(last, "");
        assert_eq!(
            nested("", &shorter),
            format!("/one/cache|1|{second}offline|"),
            "{name}: the last no longer configured"
        );
        assert_eq!(nested("export HPCSH_OFFLINE=0", CONFIG), format!("/one/cache|1|{second}on|yes|"), "{name}: online");
    }
}

#[test]
fn what_the_user_set_before_the_line_wins() {
    if !is_installed() {
        return;
    }
    for before in ["set -gx FIRST mine", "set -Ux FIRST mine", "set -g FIRST mine", "set -x FIRST mine"] {
        let home = Home::new();
        home.configure(CONFIG);
        let script = "echo $FIRST $MODE; emit fish_prompt; hpcsh_off; echo $FIRST $MODE";
        assert_eq!(session(&home, before, script).clean(), "mine off\nmine\n", "{before}");
    }
}

#[test]
fn directories_come_first_in_path_once_and_behind_an_environment() {
    if !is_installed() {
        return;
    }
    let home = Home::new();
    home.configure("[path]\nprepend = [\"/first\", \"/second dir\", \"/usr/bin\"]\n");
    let path = path();
    let outcome = session(&home, "", "printenv PATH; hpcsh_off; printenv PATH");
    assert_eq!(outcome.clean(), format!("/first:/second dir:{path}\n{path}\n"));
    let before = "set -gx VIRTUAL_ENV /v; set -gx PATH /v/bin $PATH";
    assert_eq!(session(&home, before, "printenv PATH").clean(), format!("/v/bin:/first:/second dir:{path}\n"));
}

/// Again, after a prompt too, and with `hpcsh env` in between: nothing changes, and `hpcsh_off` still takes all back.
#[test]
fn evaluated_again_nothing_changes() {
    if !is_installed() {
        return;
    }
    let home = Home::new();
    home.configure(CONFIG);
    let line = line();
    let show =
        "(printenv | command grep -v '^_=' | command sort) (set -gn) (functions -an | command sort) (bind --user)";
    let script = format!(
        "emit fish_prompt; set -g one; set -g two; set one {show}; {line}; '{PROGRAM}' env --format fish | source; {line}; \
         emit fish_prompt; set two {show}; test \"$one\" = \"$two\"; and echo same; or string join \\n -- $one --- $two; \
         hpcsh_off; echo \"$LS_COLORS|$HPCSH_EXPORTS|$FIRST|$PATH\""
    );
    let out = format!("same\n|||{}\n", path());
    assert_eq!(session(&home, "", &script).clean(), out);
}

/// The marker is inherited, so its names may be anything: none is ever code, and nothing is said of it.
#[test]
fn a_hostile_marker_runs_nothing() {
    if !is_installed() {
        return;
    }
    for name in
        ["a[(touch pwned)]", "x;touch pwned;", "(touch pwned)", "$(touch pwned)", "a b", "1", "", "'", "PWD", "status"]
    {
        let home = Home::new();
        home.configure(CONFIG);
        configure(&home, "", "");
        let mut command = fish(&home);
        let marker = format!("\u{1f}{name}=\u{1f}{name}=1\u{1f}{name}\u{1f}{name}\n=1\u{1f}");
        let script = format!("'{PROGRAM}' env --format fish | source; echo $FIRST; hpcsh_off");
        let outcome = quiet(run(command.env("HPCSH_EXPORTS", marker).args(["-i", "-c", &script])));
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("1\n", ""), "{name}");
        assert!(!home.path().join("pwned").exists(), "{name} ran");
    }
}

// --- functions, universal variables and what else a user has

/// Uses everything that the script brings and prints what came of it, by programs: the preludes shadow builtins.
const TOUR: &str = r#"
'PROGRAM' init fish | builtin source
command printf 'init %s\n' $status
'PROGRAM' init fish | builtin source
command printf 'again %s\n' $status
builtin emit fish_prompt
command printf 'HF_HOME %s\n' (string replace "$TOP" '' -- $HF_HOME)
command printf 'PATH %s\n' $PATH[1]
act "$HOME/pro ject"
command printf 'act %s %s %s\n' $status (string replace "$HOME" '' -- $VIRTUAL_ENV) $VIRTUAL_ENV_PROMPT
set PATH $PATH /between
deactivate
command printf 'deactivate %s %s %s\n' $status "$VIRTUAL_ENV" $PATH[-1]
mdcd "$HOME/new/di r"
command printf 'mdcd %s %s\n' $status (string replace "$HOME" '' -- $PWD)
cdr ..
command printf 'cdr %s %s\n' $status (command basename $PWD)
hist >/dev/null 2>&1
waitvllm --timeout 0 $PORT 2>/dev/null; or command printf 'waitvllm %s\n' $status
builtin cd $HOME/'pro ject'
command printf 'entered %s\n' (string replace "$HOME" '' -- $HPCSH_ENTERED)
builtin cd $HOME
command printf 'left %s\n' "$HPCSH_ENTERED$VIRTUAL_ENV"
command env | command grep -c '^HPCSH_EXPORTS='
hpcsh_off
command printf 'off %s [%s]\n' $status "$HF_HOME$HPCSH_EXPORTS"
"#;

const TOLD: &str = "\
init 0
again 0
HF_HOME /shared/cache/hf
PATH HOME/.local/bin
act 0 /pro ject/.venv label
deactivate 0  /between
mdcd 0 /new/di r
cdr 0 new
waitvllm 124
entered /pro ject/.venv
left 
1
off 0 []
";

#[test]
fn it_works_among_anybodys_functions_and_variables() {
    if !is_installed() {
        return;
    }
    let preludes = [
        "",
        "for name in cd source . export printf echo mkdir count contains functions emit bind math history realpath type abbr alias true eval; \
         not string match -q eval $name; and command test $name != .; and builtin eval \"function $name; command echo $name; end\"; end",
        "function act; echo mine; end; function deactivate; echo mine; end; function hist; echo mine; end; function mdcd; echo mine; end",
        "alias cd 'echo cd'; alias ls 'ls -l'; alias cp 'cp -v'; alias rm 'rm -i'; alias cat 'cat -A'; alias grep 'grep -n'",
        "abbr -a -g act 'echo act'; abbr -a -g cd 'echo cd'; abbr -a -g deactivate 'echo no'",
        "set -U _hpcsh_program /nowhere; set -U _hpcsh_loaded 1; set -U _hpcsh_parts prompt more enter; set -U _hpcsh_path /no",
        "set -U _hpcsh_verdict online; set -Ux _hpcsh_switches none; set -U _hpcsh_venv x; set -U _hpcsh_undo; set -U name x; set -U dir y",
        "set -g dir x; set -g name y; set -g part z; set -g record r; set -g venv v; set -g under u; set -g path p; set -gx label l",
        "set -g IFS ''",
        "set -g IFS :/",
        "set -gx CDPATH /usr /var; set -g dirprev /; set -g dirnext /usr",
        "set -e fish_function_path[1]",
        "set -g fish_key_bindings fish_vi_key_bindings",
        "set -gx LC_ALL C",
        "set -gx LC_ALL POSIX; set -gx LANG de_DE.UTF-8",
        "functions -e fish_prompt; set fish_function_path",
        "function on_pwd --on-variable PWD; false; end; function on_env --on-variable VIRTUAL_ENV; false; end",
        "umask 077",
        "set -g fish_trace",
    ];
    let mut wrong = Vec::new();
    for (words, prelude) in [vec![], vec!["--features=all"], vec!["--features=no-stderr-nocaret"], vec!["--private"]]
        .into_iter()
        .flat_map(|words| preludes.map(|prelude| (words.clone(), prelude)))
        .filter(|(words, prelude)| words.is_empty() || prelude.is_empty())
    {
        let home = Home::with_article();
        environment(&home, "pro ject");
        home.write("pro ject/.venv/pyvenv.cfg", "home = /usr/bin\nprompt = label\n");
        let top = home.shared().parent().unwrap().to_str().unwrap().to_owned();
        // Nobody listens on the port of a socket that is bound and not listening.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let tour = TOUR.replace("PROGRAM", PROGRAM);
        home.write(".config/fish/config.fish", "set -g fish_greeting\n");
        // What fish itself does with names that are shadowed is not looked at: its first prompt is over, its prompt loaded.
        let quieted =
            "emit fish_prompt; fish_prompt >/dev/null; functions -e (functions -an | string match '*_bracketed_paste')";
        let file = home.write("tour.fish", format!("{quieted}; set TOP '{top}'; set PORT {closed}\n{prelude}\n{tour}"));
        let mut outcome = quiet(run(fish(&home).args(&words).arg("-i").arg(file)));
        outcome.out = outcome.out.replace("fish is running in private mode, history will not be persisted.\n", "");
        let told = TOLD.replace("HOME/", &format!("{}/", home.path().display()));
        if outcome.out != told || !outcome.err.is_empty() || outcome.status != 0 {
            wrong.push(format!("--- {words:?} {prelude}\n{}{}status {}", outcome.out, outcome.err, outcome.status));
        }
    }
    assert!(wrong.is_empty(), "under:\n{}", wrong.join("\n"));
}

#[test]
fn off_puts_back_what_was_there() {
    if !is_installed() {
        return;
    }
    let home = Home::with_article();
    environment(&home, "p");
    home.write(".config/fish/functions/cdr.fish", "function cdr; echo autoloaded; end\n");
    let before = "function act; echo \"my act\"; end\nset -gx HF_HUB_OFFLINE 0\nfunction fish_prompt; echo 'mine> '; end\n\
                  function show; act; cdr; echo \"$HF_HUB_OFFLINE $HF_HOME $LS_COLORS $PATH\"; fish_prompt; bind --user; \
                  functions -an | string match '*hpcsh*'; set -n | string match -i '*hpcsh*'; \
                  for f in cp hist mdcd waitvllm deactivate; functions -q $f; and echo $f; end; end\nset -g one (show | string collect)";
    let script = "act p; cd p; cd; deactivate; act p; hpcsh_off; set two (show | string collect); \
                  test \"$one\" = \"$two\"; and echo same; or echo \"$one\n---\n$two\"";
    assert_eq!(prompted(&home, before, script).clean(), "same\n");
}

#[test]
fn a_shell_that_is_not_interactive_gets_exports_only() {
    if !is_installed() {
        return;
    }
    for before in ["", "set -gx HPCSH_OFFLINE 1", "set -gx VIRTUAL_ENV /v"] {
        let home = Home::with_article();
        configure(&home, before, "");
        let script = "functions -an; set -n | string match '*_hpcsh*'; echo $HF_HUB_OFFLINE $PATH[1]";
        let functions = run(fish(&Home::new()).args(["-c", "functions -an"])).clean();
        let outcome = run(fish(&home).args(["-c", script]));
        assert_eq!(outcome.clean(), format!("{functions}1 {}/.local/bin\n", home.path().display()), "{before}");
    }
}

#[test]
fn its_status_is_kept() {
    if !is_installed() {
        return;
    }
    let home = Home::new();
    home.configure(&format!("{ARTICLE}[prompt]\nside = \"off\"\n"));
    environment(&home, "p");
    let prompt = "function fish_prompt; echo \"[$status $pipestatus]> \"; end";
    let script = "act p; true | false | true; fish_prompt; false; fish_prompt; false; emit fish_prompt; echo $status";
    assert_eq!(prompted(&home, prompt, script).clean(), "(.venv) [0 0 1 0]> \n(.venv) [1 1]> \n0\n");
}

/// On a terminal: the prompt has the status of the last command, and a change of directory keeps it.
#[test]
fn the_prompt_shows_the_status_of_the_last_command() {
    if !is_installed() {
        return;
    }
    let home = home_with_projects();
    configure(&home, "function fish_prompt; printf 'ready[%s]> ' \"$status $pipestatus\"; end", "");
    let mut terminal = Terminal::start(&fish(&home));
    terminal.expect("ready[0 0]> ");
    for (line, status) in
        [("false", "1 1"), ("cd one", "0 0"), ("false | true", "0 1 0"), ("cd ~; false", "1 1"), ("cd nowhere", "1 1")]
    {
        terminal.send(&format!("{line}\r"));
        terminal.expect(&format!("ready[{status}]> "));
    }
    terminal.leave();
}

// --- environments

/// Of `MAKERS`, the one whose own `activate.fish` has a prompt's quotes and substitutions for code.
const UNFIT: &str = "uv with a prompt";

/// The exported variables after a script, without what differs on purpose: see `environments::WRITTEN_LIST`; the own scripts
/// export what they put back, and keep their name for the prompt where ours are.
fn variables(home: &Home, script: &str) -> BTreeMap<String, String> {
    let outcome = session(home, "", &format!("{script}\ncommand env -0"));
    assert_eq!((outcome.err.as_str(), outcome.status), ("", 0), "{script}");
    let pairs = outcome.out.split('\0').filter_map(|record| record.split_once('='));
    let mut found: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    found.retain(|name, _| !name.starts_with("_OLD_"));
    for name in ["_", "SHLVL", "VIRTUAL_ENV_PROMPT", "PKG_CONFIG_PATH"] {
        found.remove(name);
    }
    found
}

#[test]
fn act_sets_what_the_environments_own_scripts_set() {
    if !is_installed() {
        return;
    }
    if tools().is_none() {
        return skip("uv, venv and virtualenv: HPCSH_TESTS_TOOLS names no directory");
    }
    for (maker, words) in MAKERS.iter().filter(|(maker, _)| *maker != UNFIT) {
        let home = Home::with_article();
        make(&home, words, "project/.venv");
        let before = "set -gx PYTHONHOME /somewhere";
        let own = variables(&home, &format!("{before}; source project/.venv/bin/activate.fish"));
        let ours = variables(&home, &format!("{before}; act project"));
        assert_eq!(ours, own, "{maker}");
        assert!(!ours.contains_key("PYTHONHOME"));
        let without = variables(&home, before);
        assert_eq!(variables(&home, &format!("{before}; act project; deactivate")), without, "{maker}: deactivate");
    }
}

#[test]
fn act_and_the_own_scripts_take_turns() {
    if !is_installed() {
        return;
    }
    if tools().is_none() {
        return skip("uv, venv and virtualenv: HPCSH_TESTS_TOOLS names no directory");
    }
    let script = "set p $PATH; act one; source two/.venv/bin/activate.fish; echo (string replace -r '.*/home/' '' $VIRTUAL_ENV) $PATH[1]; \
                  fish_prompt | string trim; act one; string replace -r '.*/home/' '' $VIRTUAL_ENV; fish_prompt | string trim; \
                  deactivate; echo \"[$VIRTUAL_ENV]\"; source two/.venv/bin/activate.fish; deactivate; act two; act one; deactivate; \
                  test \"$PATH\" = (string join : $p); and echo same PATH; fish_prompt; deactivate 2>&1";
    for (maker, words) in MAKERS.iter().filter(|(maker, _)| *maker != UNFIT) {
        let home = Home::with_article();
        make(&home, words, "one/.venv");
        make(&home, words, "two/.venv");
        let two = home.path().join("two/.venv/bin");
        let outcome = session(&home, "function fish_prompt; echo 'mine> '; end", script);
        let plain: Vec<&str> = outcome.out.lines().filter(|line| !line.contains("mine>")).collect();
        let told = [
            &format!("two/.venv {}", two.display()),
            "one/.venv",
            "[]",
            "same PATH",
            "Error: no environment is active",
        ];
        assert_eq!((plain, outcome.err.as_str()), (told.to_vec(), ""), "{maker}");
        let prompts: Vec<&str> = outcome.out.lines().filter(|line| line.contains("mine>")).collect();
        assert_eq!((prompts.len(), prompts.last()), (3, Some(&"mine> ")), "{maker}: {prompts:?}");
        for prompt in &prompts[..2] {
            assert_eq!(
                prompt.matches("(.venv)").count() + prompt.matches("(my env)").count(),
                1,
                "{maker}: {prompts:?}"
            );
        }
    }
}

fn fake(home: &Home, dir: &str) {
    home.write(&format!("{dir}/pyvenv.cfg"), "home = /usr/bin\n");
    home.write(&format!("{dir}/bin/python"), "");
}

#[test]
fn act_finds_what_is_meant() {
    if !is_installed() {
        return;
    }
    let home = Home::with_article();
    fake(&home, "p/.venv");
    fake(&home, "p/other");
    fake(&home, "a\nb/.venv");
    fs::create_dir_all(home.path().join("p/src/deep")).unwrap();
    symlink(home.path().join("p"), home.path().join("link")).unwrap();
    for (script, out) in [
        ("act p", "/p/.venv"),
        ("act p/", "/p/.venv"),
        ("act ./p/../p/.", "/p/.venv"),
        ("act p/.venv", "/p/.venv"),
        ("act p/other", "/p/other"),
        ("act link", "/link/.venv"),
        ("cd p; act", "/p/.venv"),
        ("cd p; act .", "/p/.venv"),
        ("cd p/src/deep; act", "/p/.venv"),
        ("cd p/other; act", "/p/other"),
        ("cd p/src; act ..", "/p/.venv"),
        ("act \"$HOME/p\"", "/p/.venv"),
        ("cd p; act other; act", "/p/.venv"),
        ("act a\\nb/", "/a\nb/.venv"),
        ("cd a\\nb; act", "/a\nb/.venv"),
    ] {
        let outcome = session(&home, "", &format!("{script}; command printenv VIRTUAL_ENV"));
        assert_eq!(outcome.clean(), format!("{}{out}\n", home.path().display()), "{script}");
    }
    let home_dir = home.path().display().to_string();
    fake(&home, "gone/.venv");
    let python = home.path().join("gone/.venv/bin/python");
    fs::remove_file(&python).unwrap();
    symlink("/root/nowhere/python3.12", &python).unwrap();
    fake(&home, "none/.venv");
    fs::remove_file(home.path().join("none/.venv/bin/python")).unwrap();
    home.write("c/conda-meta/history", "");
    for (script, err) in [
        ("act nowhere", "Error: Directory nowhere does not exist\n".to_owned()),
        ("act nowhere/", "Error: Directory nowhere does not exist\n".to_owned()),
        ("act p/src", "Error: Could not find activation script in p/src\n".to_owned()),
        ("cd p/src; act .", "Error: Could not find activation script in .\n".to_owned()),
        ("cd /; act", "Error: Could not find activation script in . or above\n".to_owned()),
        ("deactivate", "Error: no environment is active\n".to_owned()),
        ("act none", format!("Error: {home_dir}/none/.venv has no bin/python\n")),
        (
            "act gone",
            format!(
                "Error: {home_dir}/gone/.venv/bin/python leads to /root/nowhere/python3.12, which is not on this node\n\
                 hint: it was made on another node without a shared UV_PYTHON_INSTALL_DIR; make it again: uv venv --clear {home_dir}/gone/.venv\n"
            ),
        ),
        (
            "act c",
            format!(
                "Error: {home_dir}/c is a conda environment, and this shell knows no conda\n\
                 hint: run the shell hook of conda or mamba first\n"
            ),
        ),
    ] {
        let outcome = session(&home, "", script);
        assert_eq!((outcome.out.as_str(), outcome.err, outcome.status), ("", err, 1), "{script}");
    }
}

#[test]
fn a_conda_prefix_is_entered_by_its_own_activate() {
    if !is_installed() {
        return;
    }
    let home = Home::with_article();
    fake(&home, "p/.venv");
    home.write("conda/conda-meta/history", "");
    home.write("conda/envs/e/conda-meta/history", "");
    let prefix = home.path().join("conda/envs/e").display().to_string();
    let hook = "function conda; echo conda $argv; set -gx CONDA_PREFIX $argv[2]; end\n";
    let script = "act p; act conda/envs/e; echo \"$CONDA_PREFIX|$VIRTUAL_ENV\"";
    let out = format!("conda activate {prefix}\n{prefix}|\n");
    assert_eq!(session(&home, hook, script).clean(), out);
    home.write("conda/etc/fish/conf.d/conda.fish", hook);
    assert_eq!(session(&home, "", script).clean(), out);
    // What is no pyvenv.cfg environment is sourced.
    home.write("sdk/bin/activate.fish", "set -gx SDK on\n");
    assert_eq!(session(&home, "", "act sdk; echo $SDK").clean(), "on\n");
}

#[test]
fn what_was_added_to_path_meanwhile_survives_and_an_inherited_environment_can_be_left() {
    if !is_installed() {
        return;
    }
    let home = Home::with_article();
    fake(&home, "p/.venv");
    let script = "act p; set PATH /first $PATH /last; deactivate; echo $PATH[1] $PATH[-1]; string match '*venv*' $PATH";
    assert_eq!(session(&home, "", script).out, "/first /last\n");
    let script = "act p; fish -i -c 'deactivate; echo \"[$VIRTUAL_ENV]\"; string match \"*venv*\" $PATH; true'";
    assert_eq!(session(&home, "", script).clean(), "[]\n");
}

/// The label is a value in the prompt; a prompt that somebody has put in the place of ours, or around it, stays.
#[test]
fn the_prompt_is_put_back_and_somebody_elses_is_not_lost() {
    if !is_installed() {
        return;
    }
    let home = Home::with_article();
    fake(&home, "p/.venv");
    home.write("p/.venv/pyvenv.cfg", "prompt = '%n $(touch pwned) (touch pwned)'\n");
    let own = "function fish_prompt; printf 'two\\nlines> '; end";
    let label = "(%n $(touch pwned) (touch pwned)) ";
    let show = "fish_prompt; echo";
    let replace = "function fish_prompt; printf 'new> '; end";
    let around = "functions -c fish_prompt inner; function fish_prompt; printf 'around '; inner; end";
    for (script, out) in [
        (format!("act p; {show}; deactivate; {show}"), format!("{label}two\nlines> \n\ntwo\nlines> \n")),
        (
            format!("act p; {replace}; {show}; deactivate; {show}; act p; {show}"),
            format!("new> \nnew> \n{label}new> \n\n"),
        ),
        (
            format!("act p; {around}; {show}; deactivate; {show}; act p; {show}; deactivate; {show}"),
            format!(
                "around {label}two\nlines> \n\naround two\nlines> \n\n{label}around two\nlines> \n\naround two\nlines> \n\n"
            ),
        ),
        (format!("set -g VIRTUAL_ENV_DISABLE_PROMPT 1; act p; {show}"), "two\nlines> \n".to_owned()),
        (format!("act p; act p/.venv; {show}; hpcsh_off; {show}"), format!("{label}two\nlines> \n\ntwo\nlines> \n")),
        (
            "act p; functions -e fish_prompt; deactivate; functions -q _hpcsh_prompt; echo $status".to_owned(),
            "0\n".to_owned(),
        ),
    ] {
        assert_eq!(session(&home, own, &script).clean(), out, "{script}");
    }
    home.configure("[venv]\nlabel = false\n");
    assert_eq!(session(&home, own, &format!("act p; {show}")).clean(), "two\nlines> \n");
    assert!(!home.path().join("pwned").exists());
}

#[test]
fn a_hostile_name_runs_nothing() {
    if !is_installed() {
        return;
    }
    for name in
        ["$(touch pwned)", "(touch pwned)", "`touch pwned`", "a\nb", "';touch pwned;'", "-x", "*", "\\(touch pwned)"]
    {
        let home = Home::with_article();
        environment(&home, name);
        home.write("name", name);
        configure(&home, "function fish_prompt; printf 'ready> '; end", "");
        let mut terminal = Terminal::start(&fish(&home));
        terminal.expect("ready> ");
        terminal
            .run("read -z name <name; set name (string trim -r -- $name | string collect); act ./$name; deactivate");
        let told = "printf '%s|' \"$VIRTUAL_ENV\" \"$HPCSH_ENTERED\" >~/told";
        terminal.run(&format!("cd ./$name; and {told}; act; act nowhere; cd"));
        let venv = home.path().join(name).join(".venv").display().to_string();
        assert_eq!(fs::read_to_string(home.path().join("told")).unwrap(), format!("{venv}|{venv}|"), "{name:?}");
        terminal.leave();
        for dir in [home.path(), home.path().join(name)] {
            assert!(!dir.join("pwned").exists(), "{name:?} ran");
        }
    }
}

// --- habits

#[test]
fn each_habit_is_a_switch_and_off_where_the_user_has_his_own() {
    if !is_installed() {
        return;
    }
    let home = Home::new();
    let show = "begin; functions cp; functions hist; end | string match -r 'cp -i|--reverse|mine'; echo $LS_COLORS; bind --user; true";
    let own = "function cp; echo mine; end; function hist; echo mine; end; set -gx LS_COLORS di=1; bind \\ch kill-line";
    assert_eq!(
        prompted(&home, "", show).clean(),
        "cp -i\n--reverse\n--reverse\now=01;90:di=01;90\nbind \\b backward-kill-word\n"
    );
    assert_eq!(prompted(&home, own, show).clean(), "mine\nmine\ndi=1\nbind \\b kill-line\n");
    let vi = prompted(&home, "set -g fish_key_bindings fish_vi_key_bindings", "bind --user; hpcsh_off; bind --user");
    assert_eq!(vi.clean(), "bind -M insert \\b backward-kill-word\n");
    home.configure("[shell]\nhist = false\ncp = false\nls = false\nls_colors = \"\"\nctrl_backspace = false\n");
    assert_eq!(prompted(&home, "", show).out, "\n");
}

#[test]
fn a_terminal_has_its_habits() {
    if !is_installed() {
        return;
    }
    let home = Home::new();
    home.configure("shared_hom = \"/gpfs\"\n");
    home.write("one", "1");
    home.write("two", "2");
    configure(&home, "function fish_prompt; printf 'ready> '; end", "echo '[config ends]'");
    let mut terminal = Terminal::start(&fish(&home));
    // The first prompt tells what is wrong, once; nothing is written before it.
    let before = terminal.expect("[config ends]");
    assert!(!before.contains("shared_hom"), "{before}");
    terminal.expect("config.toml:1:1: there is no key `shared_hom`");
    terminal.expect("ready> ");
    let after = terminal.run("true") + &terminal.run("true");
    assert!(!after.contains("shared_hom"), "told twice: {after}");
    // `cp` asks where it is typed, in a loop too, and not in a function.
    for line in ["cp one two", "for file in one; cp $file two; end"] {
        terminal.send(&format!("{line}\r"));
        terminal.expect("overwrite 'two'?");
        terminal.send("n\r");
        terminal.run("true");
        assert_eq!(fs::read_to_string(home.path().join("two")).unwrap(), "2");
    }
    terminal.run("function copy; cp one two; end; copy");
    assert_eq!(fs::read_to_string(home.path().join("two")).unwrap(), "1");
    terminal.run("hist >~/told");
    let told = fs::read_to_string(home.path().join("told")).unwrap();
    assert!(told.lines().any(|line| line.starts_with("20") && line.ends_with("cp one two")), "{told}");
    terminal.run("hist 1 >~/told");
    assert_eq!(fs::read_to_string(home.path().join("told")).unwrap().lines().count(), 1);
    terminal.send("echo one twothree\u{8}four >~/told\r");
    terminal.run("true");
    assert_eq!(fs::read_to_string(home.path().join("told")).unwrap(), "one four\n");
    terminal.run("hpcsh_off");
    terminal.send("echo one twothree\u{8}four >~/told\r");
    terminal.run("true");
    assert_eq!(fs::read_to_string(home.path().join("told")).unwrap(), "one twothrefour\n");
    terminal.leave();
}

#[test]
fn mdcd_and_cdr_enter_any_name() {
    if !is_installed() {
        return;
    }
    for name in [
        "plain",
        "a/b/c",
        "with blank",
        "-x",
        "--help",
        "$(touch pwned)",
        "(touch pwned)",
        "a\nb",
        "*",
        "~",
        "..x",
        "-",
        "~root",
    ] {
        let home = Home::new();
        home.write("name", name);
        let script = "read -z name <name; set name (string trim -r -- $name | string collect); mdcd $name; \
                      printf '%s %s|' $status \"$PWD\"; cd -; printf '%s|' \"$PWD\"; cd -; cdr; printf '%s' \"$PWD\"";
        let (top, dir) = (home.path().display().to_string(), home.path().join(name).display().to_string());
        assert_eq!(session(&home, "", script).clean(), format!("0 {dir}|{top}|{dir}"), "{name:?}");
        assert!(home.path().join(name).is_dir() && !home.path().join("pwned").exists());
    }
    let home = Home::new();
    let outcome = session(&home, "", "mdcd; echo $status; mdcd a b; echo $status; mdcd ''; echo $status");
    let err = "Error: mdcd takes the name of one directory\n".repeat(3);
    assert_eq!((outcome.out.as_str(), outcome.err), ("1\n1\n1\n", err));
    fs::create_dir_all(home.path().join("real/-d x")).unwrap();
    symlink("real", home.path().join("link")).unwrap();
    for (script, out) in [
        ("cdr link", "/real"),
        ("cd link; cdr", "/real"),
        ("cd link; cdr .", "/real"),
        ("cdr 'link/-d x'", "/real/-d x"),
        ("cd link; cdr '-d x'", "/real/-d x"),
        ("cd link; cd /; cdr -", "/real"),
        ("set -g CDPATH /usr; cdr link", "/real"),
    ] {
        let outcome = session(&home, "", &format!("{script}; echo $PWD"));
        assert_eq!(outcome.clean(), format!("{}{out}\n", home.path().display()), "{script}");
    }
    let outcome =
        session(&home, "", "cdr nowhere 2>/dev/null; echo $status; mdcd /dev/null/x 2>/dev/null; echo $status");
    assert_eq!(outcome.clean(), "1\n1\n");
}

/// Where neither the node's copy nor the program is there any more, a prompt says it once.
#[test]
fn a_vanished_program_is_told_once() {
    if !is_installed() {
        return;
    }
    let home = Home::with_article();
    configure(&home, "", "set -g _hpcsh_copy /nowhere; set -g _hpcsh_program /nowhere/hpcsh");
    let mut terminal = Terminal::start(&fish(&home));
    terminal.run("true");
    let later = terminal.run("true") + &terminal.run("true");
    assert!(!later.contains("nowhere") && !later.contains("_hpcsh"), "{later}");
    terminal.leave();
}

// --- entered on cd

/// As `TELL` of the other shells.
const TELL: &str = "string join '|' -- \"$VIRTUAL_ENV\" \"$HPCSH_ENTERED\" (string join : $PATH) >~/told";

fn entering(home: &Home) -> Session {
    configure(home, "function fish_prompt; printf 'ready> '; end", "");
    Session::telling(&fish(home), home, TELL)
}

fn home_with_projects() -> Home {
    home_with("odd (touch pwned) $(touch pwned)")
}

#[test]
fn projects_are_entered_and_left_and_what_is_done_by_hand_stays() {
    if !is_installed() {
        return;
    }
    let home = home_with_projects();
    symlink(home.path().join("one"), home.path().join("link")).unwrap();
    let mut session = entering(&home);
    session.steps(&[
        ("cd one", "one"),
        ("cd src/deep", "one"),
        ("cd ../../inner", "one/inner"),
        ("cd ..", "one"),
        ("cd ~/two/src", "two"),
        ("pushd ~/one", "one"),
        ("popd", "two"),
        ("prevd", "one"),
        ("cd ~/none", ""),
        ("function go; cd ~/one/src; end; go", "one"),
        ("cd ~; echo 'cd ~/two' > s; source s", "two"),
        ("cd ~/link", "link"),
        ("cd ~/'odd (touch pwned) $(touch pwned)'", "odd (touch pwned) $(touch pwned)"),
        ("cd /", ""),
        // In one line, before the next prompt.
        ("cd ~/one; set -gx seen $VIRTUAL_ENV; cd ~; test \"$seen\" = ~/one/.venv; or act one", ""),
        // Left by hand: it stays left until the project is left.
        ("cd ~/one", "one"),
        ("deactivate", ""),
        ("cd src", ""),
        ("cd ../inner", "one/inner"),
        ("cd ..", ""),
        ("cd ~", ""),
        ("cd one", "one"),
        ("deactivate; cd ~/two", "two"),
        ("deactivate; cd src", ""),
        // Entered by hand: nobody touches it.
        ("cd ~; act one", "one by hand"),
        ("cd two", "one by hand"),
        ("cd ~", "one by hand"),
        ("deactivate", ""),
        // Entered unasked, then made his.
        ("cd one", "one"),
        ("act", "one by hand"),
        ("cd ~/two", "one by hand"),
        ("deactivate", ""),
        ("cd src", ""),
        ("cd ~/one", "one"),
        ("act ~/two", "two by hand"),
        ("cd ~; deactivate", ""),
        // One from elsewhere, left in a project: that stays left too.
        ("cd one", "one"),
        ("act ~/two", "two by hand"),
        ("deactivate; cd src", ""),
        ("cd ~/two", "two"),
        ("cd ~", ""),
        // By another's means.
        ("cd one", "one"),
        ("set -e VIRTUAL_ENV; set -e PATH[1]", ""),
        ("cd src", ""),
        ("cd ~", ""),
        ("cd one", "one"),
        // What goes away is left.
        ("mv .venv renamed; cd src", ""),
        ("cd ~; mv one/renamed one/.venv; cd one/src", "one"),
        ("hpcsh_off", ""),
        ("cd ~/two", ""),
    ]);
    session.terminal.leave();
    assert!(!home.path().join("pwned").exists());
}

/// fish runs a substitution in the shell itself: its `cd` moves it, and the next prompt looks. A completion does nothing.
#[test]
fn a_substitution_enters_nothing_before_the_next_prompt() {
    if !is_installed() {
        return;
    }
    let home = home_with_projects();
    let mut session = entering(&home);
    session.steps(&[
        ("set x (cd one; echo \"[$VIRTUAL_ENV]\"; cd ~); echo $x >~/out", ""),
        ("complete -c thing -a '(cd ~/one; echo \"[$VIRTUAL_ENV]\" >~/completed; cd ~; echo word)'", ""),
    ]);
    session.terminal.send("thing \t\t");
    std::thread::sleep(std::time::Duration::from_millis(500));
    session.terminal.send("\u{15}");
    session.steps(&[("true", ""), ("set x (cd one)", "one")]);
    session.terminal.leave();
    for file in ["out", "completed"] {
        assert_eq!(fs::read_to_string(home.path().join(file)).unwrap(), "[]\n", "{file}");
    }
}

#[test]
fn a_shell_that_starts_in_a_project_enters_it() {
    if !is_installed() {
        return;
    }
    let home = home_with_projects();
    drop(entering(&home));
    let mut command = fish(&home);
    let mut session = Session::telling(command.current_dir(home.path().join("one/src")), &home, TELL);
    session.steps(&[("true", "one")]);
    let mut inner = fish(&home);
    inner
        .current_dir(home.path().join("one/src"))
        .env("VIRTUAL_ENV", home.path().join("one/.venv"))
        .env("HPCSH_ENTERED", home.path().join("one/.venv"))
        .env("PATH", format!("/opt:{}/one/.venv/bin:{}", home.path().display(), path()));
    let mut nested = Session::telling(&inner, &home, TELL);
    nested.steps(&[("test $PATH[1] = ~/one/.venv/bin; or act", "one"), ("cd ~/two", "two"), ("cd ~", "")]);
    // One that was entered by hand outside stays.
    inner.env_remove("HPCSH_ENTERED").current_dir(home.path());
    let mut nested = Session::telling(&inner, &home, TELL);
    nested.steps(&[("true", "one by hand"), ("cd ~/two", "one by hand"), ("deactivate", ""), ("cd src", "")]);
}

#[test]
fn an_untrusted_one_is_told_once_and_entered_when_it_is_allowed() {
    if !is_installed() {
        return;
    }
    let home = home_with_projects();
    let bin = home.path().join("one/.venv/bin");
    fs::set_permissions(&bin, fs::Permissions::from_mode(0o775)).unwrap();
    let mut session = entering(&home);
    let told = session.terminal.run("cd one") + &session.terminal.run("true");
    assert!(told.contains("is not entered"), "{told}");
    session.steps(&[("true", ""), ("cd inner", "one/inner"), ("cd ..", "")]);
    let again = session.terminal.run("cd ~; cd one; cd src; cd ..") + &session.terminal.run("true");
    assert!(!again.contains("not entered"), "told twice: {again}");
    assert_eq!(home.hpcsh(&["allow", &format!("{}/one", home.path().display())]).status, 0);
    session.steps(&[("cd ~", ""), ("cd one", "one"), ("cd ~", "")]);
    home.configure("[venv]\nauto = false\n");
    let mut session = entering(&home);
    session.steps(&[
        ("cd one", ""),
        ("act", "one by hand"),
        ("cd ~", "one by hand"),
        ("functions -q _hpcsh_look; and deactivate", "one by hand"),
    ]);
}

// --- what it costs

/// A session on a terminal of its own, under strace: after `first` has run, `lines` are typed; what those did.
fn trace(home: &Home, first: &str, lines: &[&str]) -> Counts {
    let log = home.path().join("strace");
    let mut terminal = Terminal::start(&traced(home, &log, &fish(home)));
    terminal.run(first);
    // A look at a name that is nowhere marks the place in the log. fish looks for a name that is typed when it saves the line.
    let mark = "test -e /hpcsh-ma\"\"rk";
    terminal.run(mark);
    for line in lines {
        terminal.run(line);
    }
    terminal.run(mark);
    terminal.leave();
    let text = fs::read_to_string(&log).unwrap();
    let at: Vec<usize> = text.match_indices("\"/hpcsh-mark\"").map(|(at, _)| at).collect();
    assert!(at.len() >= 2, "the marks are not in the log");
    // A thread is no process.
    let between: Vec<&str> =
        text[at[0]..at[at.len() - 1]].lines().filter(|line| !line.contains("CLONE_THREAD")).collect();
    count(&between.join("\n"), &home.shared())
}

#[test]
fn a_prompt_act_and_a_change_of_directory_cost_no_process() {
    if !is_installed() || !can_trace() {
        return;
    }
    let home = home_with_projects();
    configure(
        &home,
        &format!("set shared '{}'\nfunction fish_prompt; printf 'ready> '; end", home.shared().display()),
        "",
    );
    let control = trace(&home, "true", &["command true", "[ -e $shared/x ]"]);
    assert!((control.forks, control.execs) == (1, 1) && control.shared > 0, "strace sees what is there: {control:?}");
    assert_eq!(trace(&home, "true", &["true"; 10]), Counts::default(), "prompts");
    let lines = [
        "cd none",
        "cd ../two/src; act",
        "deactivate",
        "cd ..",
        "act .venv",
        "cdr ..",
        "deactivate",
        "mdcd none; cd ~",
    ];
    let counts = trace(&home, "cd two; cd ~", &lines);
    // mdcd's mkdir, and one question about `two`, which is left by hand from then on.
    assert_eq!((counts.forks, counts.execs, counts.shared), (2, 2, 0), "act and cd");
    let lines = ["cd ~/one", "cd src", "cd deep", "cd ../..", "cd inner", "cd ..", "cd inner", "cd ..", "cd ~"];
    let counts = trace(&home, "cd ~", &lines);
    assert_eq!((counts.forks, counts.execs), (3, 3), "one question for each visit: of `one`, and twice of `inner`");
}

#[test]
fn a_start_costs_one_process() {
    if !is_installed() || !can_trace() {
        return;
    }
    let start = |line: &str| {
        let home = Home::with_article();
        home.write(".config/fish/config.fish", line);
        run(fish(&home).args(["-i", "-c", "exit"]));
        let log = home.path().join("strace");
        run(&mut traced(&home, &log, fish(&home).args(["-i", "-c", "exit"])));
        let text = fs::read_to_string(&log).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("CLONE_THREAD")).collect();
        count(&lines.join("\n"), &home.shared())
    };
    let (empty, line) = (start(""), start(&line()));
    assert_eq!((line.forks - empty.forks, line.execs - empty.execs, line.shared), (1, 1, 0));
}
