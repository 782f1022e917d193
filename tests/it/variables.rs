//! Whose is a variable? The user's own wins; what an outer hpcsh exported is renewed. And `hpcsh env` in every format.

use std::process::Command;

use crate::shells::Shell;
use crate::support::{Home, PROGRAM, has, run, skip};

const CONFIG: &str = r#"
shared_home = "/one"
local_dir = "SHARED/local"
[env]
presets = ["wandb"]
[env.set]
FIRST = "1"
SECOND = "it's $$HOME"
[env.offline]
MODE = "off"
[env.online]
MODE = "on"
ONLY_ONLINE = "yes"
[node]
verdict = "offline"
"#;

const SHOW: &str =
    "printf '%s|' \"${WANDB_DIR-}\" \"${FIRST-}\" \"${SECOND-}\" \"${MODE-}\" \"${ONLY_ONLINE-}\" \"${WANDB_MODE-}\"";

/// An outer shell, then `between`, then an inner shell under another configuration; what the inner one has.
fn nested(shell: Shell, between: &str, inner_config: &str) -> String {
    let home = Home::new();
    home.configure(CONFIG);
    home.write("inner.toml", inner_config.replace("SHARED", home.shared().to_str().unwrap()));
    home.write("inner", format!("{}\n{SHOW}", shell.line()));
    let inner = match shell {
        Shell::Zsh => "zsh -f -i inner",
        Shell::Bash => "bash --norc --noprofile inner",
    };
    shell.session(&home, "", &format!("{between}\n\\command cp inner.toml .config/hpcsh/config.toml\n{inner}")).clean()
}

#[test]
fn what_an_outer_shell_exported_is_renewed_and_what_the_user_changed_is_his() {
    let other =
        CONFIG.replace("/one", "/two").replace("FIRST = \"1\"", "FIRST = \"2\"").replace("\"offline\"", "\"online\"");
    for shell in Shell::ALL {
        let name = shell.name();
        assert_eq!(nested(shell, "", CONFIG), "/one/cache|1|it's $HOME|off||offline|", "{name}: nothing changed");
        assert_eq!(nested(shell, "", &other), "/two/cache|2|it's $HOME|on|yes||", "{name}: another configuration");
        let by_hand = "export FIRST=mine MODE=mine WANDB_MODE=disabled";
        assert_eq!(nested(shell, by_hand, &other), "/two/cache|mine|it's $HOME|mine|yes|disabled|", "{name}: by hand");
        assert_eq!(nested(shell, "export FIRST=", &other), "/two/cache||it's $HOME|on|yes||", "{name}: an empty value");
        // The configuration no longer names them: they go, unless they are the user's by now.
        let fewer = other.replace("FIRST = \"2\"", "").replace("presets = [\"wandb\"]", "presets = []");
        assert_eq!(nested(shell, "", &fewer), "||it's $HOME|on|yes||", "{name}: no longer configured");
        assert_eq!(
            nested(shell, "FIRST=mine", &fewer),
            "|mine|it's $HOME|on|yes||",
            "{name}: no longer configured, his"
        );
    }
}

#[test]
fn what_the_user_exported_before_the_line_wins_even_over_env_set() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure(CONFIG);
        let before = "export FIRST=mine WANDB_DIR=/mine";
        assert_eq!(
            shell.session(&home, before, SHOW).clean(),
            "/mine|mine|it's $HOME|off||offline|",
            "{}",
            shell.name()
        );
        // hpcsh_off leaves what is his, in a nested shell too.
        let script = format!("hpcsh_off; {SHOW}");
        assert_eq!(shell.session(&home, before, &script).clean(), "/mine|mine|||||", "{}", shell.name());
    }
}

#[test]
fn the_users_word_for_one_shell_overrules_the_configuration() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure(CONFIG);
        let outcome = shell.session(&home, "export HPCSH_OFFLINE=0", SHOW);
        assert_eq!(outcome.clean(), "/one/cache|1|it's $HOME|on|yes||", "{}", shell.name());
    }
}

#[test]
fn directories_come_first_in_path_once() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure("[path]\nprepend = [\"/first\", \"/second\", \"/usr/bin\"]\n");
        let path = crate::support::path();
        let script = "echo $PATH; hpcsh_off; echo $PATH";
        let out = format!("/first:/second:{path}\n{path}\n");
        assert_eq!(shell.session(&home, "", script).clean(), out, "{}", shell.name());
    }
}

#[test]
fn an_inherited_environment_stays_in_front_of_the_configured_directories() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure("[path]\nprepend = [\"/first\", \"/second\"]\n");
        let before = "export VIRTUAL_ENV=/v; PATH=/v/bin:$PATH";
        let out = format!("/v/bin:/first:/second:{}\n", crate::support::path());
        assert_eq!(shell.session(&home, before, "echo $PATH").clean(), out, "{}", shell.name());
    }
}

/// The line again after a prompt, and `hpcsh env` in between: nothing changes, and `hpcsh_off` still takes all back.
#[test]
fn evaluated_again_after_a_prompt_nothing_changes() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure(&format!("{CONFIG}[path]\nprepend = [\"/first\"]\n"));
        let line = shell.line();
        let show = "echo \"$LS_COLORS|$HPCSH_EXPORTS|$PATH\"";
        let script = format!(
            "_hpcsh_precmd; one=$({show}); {line}\neval \"$('{PROGRAM}' env)\"; {line}\n[ \"$one\" = \"$({show})\" ] && echo same; \
             hpcsh_off; echo \"${{LS_COLORS-none}} ${{HPCSH_EXPORTS-none}} ${{FIRST-none}} $PATH\""
        );
        let out = format!("same\nnone none none {}\n", crate::support::path());
        assert_eq!(shell.session(&home, "", &script).clean(), out, "{}", shell.name());
    }
}

/// The marker is inherited, so its names may be anything: none is ever code.
#[test]
fn a_hostile_marker_runs_nothing() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure(CONFIG);
        home.write(shell.rc(), shell.line());
        let ours = run(shell.interactive(&home).args(["-c", "printf %s \"$HPCSH_EXPORTS\""])).out;
        let names =
            ["a[$(touch pwned)]", "path[$(touch pwned)]", "x;touch pwned;", "$(touch pwned)", "a b", "1", "", "'"];
        // Behind what we export ourselves as well: all that is in front of it is as it was.
        for (name, before) in names.into_iter().flat_map(|name| [(name, ""), (name, &*ours)]) {
            let mut command = shell.interactive(&home);
            command
                .env("HPCSH_EXPORTS", format!("{before}\u{1f}{name}=\u{1f}{name}=1\u{1f}"))
                .env(format!("{name}_"), "1");
            if !before.is_empty() {
                let set = ours.split('\u{1f}').filter_map(|record| record.split_once('='));
                command.envs(set.filter(|(name, _)| !name.ends_with('+')));
            }
            command.arg("-c").arg(format!("eval \"$('{PROGRAM}' env)\"; echo $FIRST; hpcsh_off"));
            let outcome = run(&mut command);
            let err: String =
                outcome.err.lines().filter(|line| !line.starts_with("bash: ") || line.contains("hpcsh")).collect();
            assert_eq!((outcome.out.as_str(), err.as_str()), ("1\n", ""), "{}: {name}", shell.name());
            assert!(!home.path().join("pwned").exists(), "{}: {name} ran", shell.name());
        }
    }
}

/// What an outer shell has exported beside what is wanted now goes, though it is all that is wanted that comes first in its marker.
#[test]
fn a_shell_that_wants_less_than_the_one_around_it_takes_the_rest_back() {
    let config = CONFIG.replace("[env.online]\nMODE = \"on\"\nONLY_ONLINE = \"yes\"\n", "");
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure(&config);
        home.write(shell.rc(), shell.line());
        let show = format!("echo \"$HPCSH_NODE\"; {SHOW}");
        let inner =
            format!("{} -c '{}'", if shell == Shell::Zsh { "zsh -i" } else { "bash -i" }, show.replace('\'', "'\\''"));
        for (between, wanted) in [
            ("", "offline\n/one/cache|1|it's $HOME|off||offline|"),
            ("export HPCSH_OFFLINE=0", "online\n/one/cache|1|it's $HOME||||"),
            ("FIRST=mine", "offline\n/one/cache|mine|it's $HOME|off||offline|"),
        ] {
            let outcome = run(shell.interactive(&home).arg("-c").arg(format!("{between}\n{inner}")));
            assert_eq!(outcome.out, wanted, "{}: {between}: {}", shell.name(), outcome.err);
        }
    }
}

/// The names of variables are the user's, be they those that a function of ours would take for its own.
#[test]
fn a_plain_name_is_exported_where_something_is_set_already() {
    let names = ["dir", "name", "record", "word", "rest", "line", "first", "text", "local"];
    let set: String = names.iter().map(|name| format!("{name} = \"the {name}\"\n")).collect();
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure(&format!("node.verdict = \"offline\"\n[env.set]\n{set}"));
        home.write(shell.rc(), shell.line());
        let outcome = |before: (&str, &str), script: &str| {
            run(shell.interactive(&home).env(before.0, before.1).arg("-c").arg(script)).out
        };
        let wanted: String = names.iter().map(|name| format!("the {name}\n")).collect();
        let show = format!("printenv {}", names.join(" "));
        for before in [("NONE", ""), ("VIRTUAL_ENV", "/x"), ("HPCSH_OFFLINE", "0")] {
            assert_eq!(outcome(before, &show), wanted, "{}: {before:?}", shell.name());
        }
        let nested = format!("{} -i -c '{show}; hpcsh_off; {show}'", shell.name());
        assert_eq!(outcome(("NONE", ""), &nested), wanted, "{}", shell.name());
    }
}

/// Each directory of ours is in the marker once, however often PATH is made anew.
#[test]
fn the_marker_grows_by_no_nested_shell() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.configure(&format!("{CONFIG}[path]\nprepend = [\"/first\", \"/second\", \"/first\"]\n"));
        home.write(shell.rc(), format!("PATH='{}'\n{}", crate::support::path(), shell.line()));
        let name = shell.name();
        let inner = format!("{name} -i -c \"{name} -i -c 'printf %s \\\"\\$HPCSH_EXPORTS\\\"'\"");
        let once = run(shell.interactive(&home).args(["-c", "printf %s \"$HPCSH_EXPORTS\""])).out;
        assert_eq!(run(shell.interactive(&home).arg("-c").arg(inner)).out, once, "{name}");
        assert_eq!(once.matches("PATH+=/first\u{1f}").count(), 1, "{once:?}");
    }
}

// --- hpcsh env

fn env(home: &Home, words: &[&str]) -> String {
    home.hpcsh(&[&["env"], words].concat()).clean()
}

#[test]
fn a_job_script_gets_the_same_in_any_posix_shell() {
    let home = Home::new();
    home.configure(CONFIG);
    for shell in [&["dash"][..], &["bash", "--posix"], &["zsh", "-f"], &["busybox", "sh"]] {
        if !has(shell[0]) {
            skip(&format!("{} is not installed", shell[0]));
            continue;
        }
        let script = format!(
            "set -eu; export FIRST=mine; eval \"$('{PROGRAM}' env)\"; {SHOW}; eval \"$('{PROGRAM}' env --online)\"; {SHOW}"
        );
        let outcome = run(home.command(shell[0]).args(&shell[1..]).args(["-c", &script]));
        let told = "/one/cache|mine|it's $HOME|off||offline|/one/cache|mine|it's $HOME|on|yes||";
        assert_eq!(outcome.clean(), told, "{shell:?}");
    }
}

/// What the login node's shell exported is recognised in a job that inherited it, and taken back or renewed.
#[test]
fn a_job_script_renews_what_it_inherited() {
    let home = Home::new();
    home.configure(CONFIG);
    let script = format!(
        "eval \"$('{PROGRAM}' env --online)\"; export SECOND=mine; eval \"$('{PROGRAM}' env --offline)\"; {SHOW}"
    );
    let outcome = run(home.command("dash").args(["-c", &script]));
    assert_eq!(outcome.clean(), "/one/cache|1|mine|off||offline|");
}

#[test]
fn fish_can_source_its_format() {
    if !has("fish") {
        skip("fish is not installed");
        return;
    }
    let home = Home::new();
    home.configure(CONFIG);
    let script = format!("'{PROGRAM}' env --format fish | source; printf '%s|' \"$WANDB_DIR\" \"$SECOND\" \"$MODE\"");
    let outcome = run(home.command("fish").args(["-c", &script]));
    assert_eq!(outcome.clean(), "/one/cache|it's $HOME|off|");
}

/// Values that each format must carry unharmed.
const ODD: &[(&str, &str)] = &[
    ("PLAIN", "a"),
    ("BLANK", " a  b "),
    ("QUOTES", "it's \"x\""),
    ("DOLLAR", "$HOME ${HOME} $(id) `id`"),
    ("SLASH", "a\\b\\n"),
    ("HASH", "a #b"),
    ("UNICODE", "käse"),
    ("COLON", "a: b, - c"),
];

fn odd_home() -> Home {
    let home = Home::new();
    let line = |(name, value): &(&str, &str)| {
        let escaped = value.replace('$', "$$").replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name} = \"{escaped}\"\n")
    };
    let table: String = ODD.iter().map(line).collect();
    home.configure(&format!("[node]\nverdict = \"offline\"\n[env]\nfailfast = false\n[env.set]\n{table}"));
    home
}

/// Runs Python over a text on its standard input; the script prints `NAME=VALUE` lines.
fn read_back(home: &Home, text: &str, script: &str) {
    let file = home.write("text", text);
    let outcome = run(home.command("python3").args(["-c", script]).arg(file));
    let told: String = ODD.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let mut lines: Vec<&str> = outcome.out.lines().collect();
    lines.sort_unstable();
    let mut expected: Vec<&str> = told.lines().collect();
    expected.sort_unstable();
    assert_eq!((lines, outcome.err.as_str()), (expected, ""), "{text}");
}

#[test]
fn json_has_each_variable_with_its_reason() {
    let home = odd_home();
    let text = env(&home, &["--format", "json"]);
    assert_eq!(text, env(&home, &["--json"]));
    read_back(
        &home,
        &text,
        "import json,sys\nfor r in json.load(open(sys.argv[1])): print(r['name']+'='+r['value']) if r['reason'] and not r['yours'] else 0",
    );
}

#[test]
fn a_config_map_is_yaml_that_kubernetes_reads() {
    let home = odd_home();
    let text = env(&home, &["--format", "k8s"]);
    if !run(Command::new("python3").args(["-c", "import yaml"]).env("PATH", crate::support::path())).err.is_empty() {
        skip("Python has no yaml");
        return;
    }
    let script = "import yaml,sys\nd=yaml.safe_load(open(sys.argv[1]))\nassert d['kind']=='ConfigMap' and d['metadata']['name']\nfor k,v in d['data'].items(): print(k+'='+v)";
    read_back(&home, &text, script);
}

#[test]
fn a_dotenv_file_is_read_by_python_dotenv() {
    let home = odd_home();
    let text = env(&home, &["--format", "dotenv"]);
    if !run(Command::new("python3").args(["-c", "import dotenv"]).env("PATH", crate::support::path())).err.is_empty() {
        skip("Python has no dotenv");
        return;
    }
    let script =
        "import dotenv,sys\nfor k,v in dotenv.dotenv_values(sys.argv[1], interpolate=False).items(): print(k+'='+v)";
    read_back(&home, &text, script);
}

/// No docker here: the words are unescaped by Dockerfile's own rules (`\` escapes, double quotes group).
#[test]
fn a_dockerfile_has_one_env_line_each() {
    let home = odd_home();
    let text = env(&home, &["--format", "docker"]);
    let script = r#"
import re,sys
for line in open(sys.argv[1]):
    name,value=re.fullmatch(r'ENV (\w+)="((?:[^"\\$]|\\.)*)"\n',line).groups()
    print(name+'='+re.sub(r'\\(.)',r'\1',value))
"#;
    read_back(&home, &text, script);
    home.configure("[env.set]\nTWO_LINES = \"a\\nb\"\n");
    let outcome = home.hpcsh(&["env", "--format", "docker"]);
    assert_eq!(
        (outcome.out.as_str(), outcome.err.as_str(), outcome.status),
        (
            "",
            "error: TWO_LINES holds a line break, which a Dockerfile cannot say\n\
             hint: leave it out with env.skip, or set TWO_LINES at run time\n",
            1
        )
    );
}

#[test]
fn explain_gives_each_variables_reason() {
    let home = Home::new();
    home.configure(CONFIG);
    let mut command = home.command(PROGRAM);
    let table = run(command.args(["env", "--explain"]).env("FIRST", "mine")).clean();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "node: offline (configured)");
    let line =
        |name: &str| lines.iter().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(line("WANDB_DIR ")[1..3], ["/one/cache", "shared"]);
    assert_eq!(line("FIRST ")[1..4], ["(your", "own", "value)"]);
    assert_eq!(line("ONLY_ONLINE ")[1], "-");
}
