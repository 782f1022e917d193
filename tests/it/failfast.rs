//! While offline nothing waits for a network that is not there: on unless it is switched off, and never for a tool with a mirror,
//! wherever that is named.

use std::process::Command;

use crate::fish;
use crate::shells::Shell;
use crate::support::{Home, Outcome, PROGRAM, has, run, skip};

const OFFLINE: &str = "node.verdict = \"offline\"\n";

/// What of the preset a shell has: some that no other preset sets, and some that others set too.
const SHOW: &str = "for name in PIP_RETRIES CARGO_NET_RETRY UV_HTTP_RETRIES HF_HUB_OFFLINE WANDB_MODE GOPROXY; do \
                    command printenv $name || command echo -; done | command tr '\\n' ' '; command echo";
const FISH_SHOW: &str = "for name in PIP_RETRIES CARGO_NET_RETRY UV_HTTP_RETRIES HF_HUB_OFFLINE WANDB_MODE GOPROXY; \
                         command printenv $name; or command echo -; end | command tr '\\n' ' '; command echo";
const ALL: &str = "0 0 0 1 offline off";
const NONE: &str = "- - - - - -";

/// A way to run a script behind our line: a shell's name, how to set a variable there, what shows the variables.
struct Way {
    name: &'static str,
    show: &'static str,
    run: fn(&Home, &str, &str) -> Outcome,
}

fn ways() -> Vec<Way> {
    let mut ways = vec![
        Way { name: "zsh", show: SHOW, run: |home, before, script| Shell::Zsh.session(home, before, script) },
        Way { name: "bash", show: SHOW, run: |home, before, script| Shell::Bash.session(home, before, script) },
    ];
    if has("fish") {
        ways.push(Way { name: "fish", show: FISH_SHOW, run: fish::session });
    } else {
        skip("fish is not installed");
    }
    ways
}

impl Way {
    fn shown(&self, home: &Home, before: &str, script: &str) -> String {
        let out = (self.run)(home, before, &format!("{script}\n{}", self.show)).clean();
        out.trim_end().to_owned()
    }

    fn set(&self, name: &str, value: &str) -> String {
        if self.name == "fish" { format!("set -gx {name} {value}") } else { format!("export {name}={value}") }
    }

    /// The first prompt.
    fn prompt(&self) -> &'static str {
        if self.name == "fish" { "emit fish_prompt" } else { "_hpcsh_precmd" }
    }
}

#[test]
fn it_is_on_while_offline_unless_it_is_switched_off() {
    for way in ways() {
        let home = Home::new();
        home.configure(OFFLINE);
        assert_eq!(way.shown(&home, "", ""), ALL, "{}", way.name);
        assert_eq!(way.shown(&home, "", "hpcsh_off"), NONE, "{}: off", way.name);
        let own = way.set("PIP_RETRIES", "9");
        assert_eq!(way.shown(&home, &own, ""), ALL.replacen('0', "9", 1), "{}: his own", way.name);
        assert_eq!(way.shown(&home, &way.set("HPCSH_OFFLINE", "0"), ""), NONE, "{}: online", way.name);
        home.configure(&format!("{OFFLINE}env.failfast = false\n"));
        assert_eq!(way.shown(&home, "", ""), NONE, "{}: switched off", way.name);
        home.configure(&format!("{OFFLINE}env.skip = [\"PIP_RETRIES\"]\n"));
        assert_eq!(way.shown(&home, "", ""), ALL.replacen('0', "-", 1), "{}: skipped", way.name);
    }
}

#[test]
fn a_mirror_in_the_environment_leaves_out_what_would_cut_its_tool_off() {
    let cases = [
        ("PIP_INDEX_URL", "- 0 0 1 offline off"),
        ("HF_ENDPOINT", "0 0 0 - offline off"),
        ("WANDB_BASE_URL", "0 0 0 1 - off"),
        ("UV_PYTHON_INSTALL_MIRROR", "0 0 - 1 offline off"),
        ("GOPROXY", "0 0 0 1 offline http://mirror"),
        ("NOBODYS_MIRROR", ALL),
    ];
    for way in ways() {
        let home = Home::new();
        home.configure(OFFLINE);
        for (mirror, expected) in cases {
            let set = way.set(mirror, "http://mirror");
            assert_eq!(way.shown(&home, &set, ""), expected, "{}: {mirror}", way.name);
            // Behind our line, as an rc file may; the first prompt comes when all of that has been read.
            let late = format!("{set}\n{}", way.prompt());
            let late = way.shown(&home, "", &late);
            assert_eq!(late, expected, "{}: {mirror} behind the line", way.name);
            let nested = format!("{set}\n{}\nhpcsh_off", way.prompt());
            let own = if mirror == "GOPROXY" {
                NONE.replacen("- - - - - -", "- - - - - http://mirror", 1)
            } else {
                NONE.into()
            };
            assert_eq!(way.shown(&home, "", &nested), own, "{}: {mirror}, off", way.name);
        }
        // An empty one is none.
        assert_eq!(way.shown(&home, &way.set("PIP_INDEX_URL", "''"), way.prompt()), ALL, "{}", way.name);
        // Of a name of which only the beginning is known.
        let registry = way.set("CARGO_REGISTRIES_LAB_INDEX", "http://mirror");
        for script in ["", way.prompt()] {
            assert_eq!(way.shown(&home, &registry, script), "0 - 0 1 offline off", "{}", way.name);
        }
    }
}

#[test]
fn what_the_configuration_sets_itself_stays_beside_a_mirror() {
    for way in ways() {
        let home = Home::new();
        home.configure(&format!("{OFFLINE}[env.offline]\nHF_HUB_OFFLINE = \"1\"\n[env.set]\nPIP_RETRIES = \"7\"\n"));
        let set = [way.set("HF_ENDPOINT", "http://mirror"), way.set("PIP_INDEX_URL", "http://mirror")].join("\n");
        for script in ["", way.prompt()] {
            assert_eq!(way.shown(&home, &set, script), "7 0 0 1 offline off", "{}", way.name);
        }
    }
}

/// A mirror that is ours is none of the user's: the program knew it, and an outer shell's configuration may have another.
#[test]
fn a_mirror_that_an_outer_shell_of_ours_brought_is_none() {
    for way in ways() {
        let home = Home::new();
        let marker = "\u{1f}PIP_INDEX_URL=http://mirror\u{1f}";
        home.configure(OFFLINE);
        let set =
            [way.set("PIP_INDEX_URL", "http://mirror"), way.set("HPCSH_EXPORTS", &format!("'{marker}'"))].join("\n");
        assert_eq!(way.shown(&home, &set, way.prompt()), ALL, "{}", way.name);
    }
}

/// The switches come and go with the node's verdict, and what a mirror leaves out stays out.
#[test]
fn a_verdict_that_turns_minds_the_mirrors() {
    for way in ways() {
        let home = Home::new();
        home.configure(OFFLINE);
        let before = [way.set("HPCSH_OFFLINE", "0"), way.set("PIP_INDEX_URL", "http://mirror")].join("\n");
        let turn = format!("{}\n{}\n_hpcsh_call VARIABLES _hpcsh_renew", way.prompt(), way.set("HPCSH_OFFLINE", "1"));
        let turn = turn.replace("VARIABLES", if way.name == "bash" { "variables" } else { "prompt" });
        assert_eq!(way.shown(&home, &before, &turn), "- 0 0 1 offline off", "{}", way.name);
    }
}

#[test]
fn a_job_script_gets_the_same() {
    let home = Home::new();
    home.configure(OFFLINE);
    let shown = |command: &mut Command, mirror: bool| {
        command.envs(mirror.then_some(("PIP_INDEX_URL", "http://mirror")));
        run(command).clean().trim_end().to_owned()
    };
    for (shell, words) in [("sh", "env"), ("bash", "env"), ("bash", "init bash"), ("zsh", "init zsh")] {
        for (mirror, expected) in [(false, ALL), (true, "- 0 0 1 offline off")] {
            let script = format!("eval \"$('{PROGRAM}' {words})\"\n{SHOW}");
            let out = shown(home.command(shell).args(["-c", &script]), mirror);
            assert_eq!(out, expected, "{shell}: {words}");
        }
    }
    let table = shown(home.command(PROGRAM).args(["env", "--explain"]), true);
    let line = table.lines().find(|line| line.starts_with("PIP_RETRIES ")).unwrap();
    assert!(line.contains("(PIP_INDEX_URL is set)"), "{table}");
}

/// Ways in which a shell takes a word for something else.
#[test]
fn whatever_a_variable_is_called_and_whatever_parts_words() {
    for way in ways() {
        let home = Home::new();
        home.configure(&format!("{OFFLINE}[env.set]\nname = \"n\"\nREPLY = \"r\"\nvalue = \"v\"\nrest = \"t\"\n"));
        let mirror = way.set("PIP_INDEX_URL", "http://mirror");
        let show = "command printenv name REPLY value rest | command tr '\\n' ' '; command echo";
        for (before, after) in [(mirror.as_str(), ""), ("", mirror.as_str())] {
            let script = format!("{after}\n{}\n{show}", way.prompt());
            assert_eq!((way.run)(&home, before, &script).clean().trim_end(), "n r v t", "{}", way.name);
            let off = format!("{after}\n{}\nhpcsh_off\n{show}", way.prompt());
            assert_eq!((way.run)(&home, before, &off).clean().trim_end(), "", "{}", way.name);
        }
        if way.name != "fish" {
            home.configure(OFFLINE);
            let before = format!("IFS=_-:\n{mirror}\n{}", way.set("UV_DEFAULT_INDEX", "x"));
            assert_eq!(way.shown(&home, &before, "unset IFS"), "- 0 - 1 offline off", "{}", way.name);
        }
    }
}

/// A mirror that holds only while online is ours, and gone while offline; nor does a value for online nodes say anything of offline ones.
#[test]
fn what_holds_while_online_says_nothing_of_the_other() {
    for way in ways() {
        let home = Home::new();
        home.configure(
            "[node]\nverdict = \"online\"\n[env.online]\nCARGO_REGISTRIES_LAB_INDEX = \"x\"\nPIP_RETRIES = \"9\"\n",
        );
        let turn = format!("{}\n{}\n_hpcsh_call VARIABLES _hpcsh_renew", way.prompt(), way.set("HPCSH_OFFLINE", "1"));
        let turn = turn.replace("VARIABLES", if way.name == "bash" { "variables" } else { "prompt" });
        assert_eq!(way.shown(&home, "", &turn), ALL, "{}", way.name);
        home.configure(&format!("{OFFLINE}[env.online]\nPIP_RETRIES = \"9\"\n"));
        let mirror = way.set("PIP_INDEX_URL", "http://mirror");
        assert_eq!(way.shown(&home, &mirror, ""), "- 0 0 1 offline off", "{}", way.name);
    }
}
