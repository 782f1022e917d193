//! What a prompt shows of the node, with themes and without; and the snippets of the README, as they stand there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::node::{CONFIG, Node, Shell, shown, turn};
use crate::support::{PROGRAM, PROJECT, has, run, skip, tools};
use crate::terminal::Terminal;

/// A text that code could be made of.
const ODD: &str = "a%F{red}%n\\u\\[$(touch pwned)`touch pwned`${HOME}!!b";

fn config(prompt: &str) -> String {
    format!("{CONFIG}[prompt]\n{prompt}\n")
}

/// A plain prompt, in the shell's words.
fn mark(shell: Shell) -> &'static str {
    if shell == Shell::Fish { "function fish_prompt; echo -n '{mark} '; end" } else { "PS1='{mark} '" }
}

/// All that the next prompt shows, on either side, colours and all.
fn raw(terminal: &mut Terminal) -> String {
    terminal.run("true");
    terminal.send("printf '<%s>' \"e\"nd\r");
    terminal.expect("<end>")
}

/// The same as text.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\u{1b}', Some('[')) => while rest.next().is_some_and(|c| !c.is_ascii_alphabetic() || c == '[') {},
            ('\u{1b}', Some(']')) => while rest.next().is_some_and(|c| c != '\u{7}' && c != '\\') {},
            ('\u{1b}', Some('(')) => drop(rest.nth(1)),
            ('\u{1b}', _) => drop(rest.next()),
            _ => plain.push(c),
        }
    }
    plain
}

fn prompt(terminal: &mut Terminal) -> String {
    plain(&raw(terminal))
}

#[test]
fn the_text_is_shown_as_it_is_on_the_side_that_is_asked_for() {
    for side in ["left", "right", "off"] {
        let node = Node::new(&config(&format!("side = \"{side}\"\noffline = '{ODD}'\nonline = \"up\"")));
        for shell in Shell::all() {
            let told = format!("{} {side}", shell.name());
            node.keep("offline", 200);
            // Wide enough for both sides.
            let before = format!("{}\nstty cols 200", mark(shell));
            let mut terminal = Terminal::start(&shell.command(&node.home, &before, ""));
            let first = prompt(&mut terminal);
            let is_before = first.contains(&format!("{ODD} {{mark}} "));
            assert_eq!((is_before, first.contains(ODD)), (side == "left", side != "off"), "{told}: {first:?}");
            assert!(side != "off" || !first.contains("touch pwned"), "{told}: {first:?}");
            assert!(first.contains("{mark} "), "{told}: {first:?}");
            node.keep("online", 200);
            turn(shell, &mut terminal);
            let online = prompt(&mut terminal);
            assert!(!online.contains("pwned") && online.contains("up") == (side != "off"), "{told}: {online:?}");
            assert_eq!(shown(&mut terminal, &["HPCSH_PROMPT"]), "up", "{told}");
            terminal.run("hpcsh_off");
            let off = prompt(&mut terminal);
            assert!(!off.contains("up") && off.contains("{mark} "), "{told}: {off:?}");
            terminal.leave();
        }
        assert!(!node.home.path().join("pwned").exists());
    }
}

#[test]
fn its_colour_is_the_configured_one_or_none() {
    let colour = |shell: Shell, config_line: &str, before: &str| {
        let node = Node::new(&config(config_line));
        node.keep("offline", 200);
        let before = format!("{}\n{before}", mark(shell));
        let mut terminal = Terminal::start(&shell.command(&node.home, &before, ""));
        let shown = raw(&mut terminal);
        let at = shown.find("offline").unwrap_or_else(|| panic!("{}: {shown:?}", shell.name()));
        let before: Vec<&str> = shown[..at].rsplit('\u{1b}').collect();
        terminal.leave();
        before[0].to_owned()
    };
    for shell in Shell::all() {
        let name = shell.name();
        assert!(colour(shell, "", "").ends_with("33m"), "{name}");
        assert!(colour(shell, "color = \"red\"", "").ends_with("31m"), "{name}");
        for (config, before) in [
            ("color = \"none\"", String::new()),
            ("", shell.export("NO_COLOR", "1")),
            ("", shell.export("TERM", "dumb")),
        ] {
            let shown = colour(shell, config, &before);
            assert!(!shown.contains("33m"), "{name}: {config}{before}: {shown:?}");
        }
    }
}

/// The look that gives the verdict finds it out, as the tests of the takeover show; the prompt reads the verdict anyway.
#[test]
fn a_resolver_that_is_not_there_is_shown_until_it_is() {
    let node = Node::new(&config("resolver = \"who answers?\""));
    let gone = "no route; resolv.conf names hpcsh's resolver at 127.0.0.1:53, which is not there";
    for shell in Shell::all() {
        let name = shell.name();
        node.keep("online", 200);
        let mut terminal = Terminal::start(&shell.command(&node.home, mark(shell), ""));
        assert!(!prompt(&mut terminal).contains("who answers?"), "{name}");
        // While the verdict stays, and when it turns.
        for (state, texts) in [("online", "who answers? {mark}"), ("offline", "offline who answers? {mark}")] {
            node.keep_for(state, 200, gone);
            turn(shell, &mut terminal);
            let shown = prompt(&mut terminal);
            assert!(shown.contains(texts), "{name}: {shown:?}");
        }
        node.keep("offline", 200);
        turn(shell, &mut terminal);
        let shown = prompt(&mut terminal);
        assert!(shown.contains("offline {mark}") && !shown.contains("who"), "{name}: {shown:?}");
        terminal.leave();
    }
}

#[test]
fn it_is_quiet_where_all_is_well_and_never_doubled() {
    let node = Node::new(&config(""));
    crate::entering::environment(&node.home, "p");
    for shell in Shell::all() {
        let name = shell.name();
        node.keep("online", 200);
        let mut terminal = Terminal::start(&shell.command(&node.home, mark(shell), ""));
        let online = prompt(&mut terminal);
        assert!(online.contains("{mark} ") && !online.contains("line"), "{name}: {online:?}");
        node.keep("offline", 200);
        turn(shell, &mut terminal);
        let rc = match shell {
            Shell::Zsh => "source ~/.zshrc",
            Shell::Bash => "source ~/.bashrc",
            Shell::Fish => "source ~/.config/fish/config.fish",
        };
        let again = if shell == Shell::Fish {
            format!("'{PROGRAM}' init fish | source")
        } else {
            format!("eval \"$('{PROGRAM}' init {name})\"")
        };
        for line in ["act p", "cd p", "deactivate", "cd", &again, &again, "act p", "deactivate", rc] {
            terminal.run(line);
            turn(shell, &mut terminal);
            let shown = prompt(&mut terminal);
            assert!(!shown.contains("offline offline"), "{name}: {line}: {shown:?}");
            // The rc file sets the prompt anew, which takes it out until the verdict turns.
            assert!(shown.contains("offline ") || line == rc, "{name}: {line}: {shown:?}");
        }
        terminal.run("hpcsh_off");
        let off = prompt(&mut terminal);
        assert!(off.contains("{mark} ") && !off.contains("offline"), "{name}: {off:?}");
        terminal.leave();
    }
}

// --- the README

/// The fenced block of the README in this language that has this text.
fn snippet(language: &str, has: &str) -> String {
    let readme = fs::read_to_string(Path::new(PROJECT).join("README.md")).unwrap();
    let fence = format!("\n```{language}\n");
    let blocks = readme.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let found: Vec<&str> = blocks.filter(|block| block.contains(has)).collect();
    assert_eq!(found.len(), 1, "{language} with {has}");
    found[0].to_owned() + "\n"
}

#[test]
fn prompts_of_ones_own_show_it_once() {
    for shell in Shell::all() {
        let name = shell.name();
        let side = if shell == Shell::Fish { "side = \"off\"\n" } else { "" };
        let node = Node::new(&config(&format!("{side}offline = '50%n'")));
        node.keep("offline", 200);
        let own = snippet(name, if shell == Shell::Fish { "fish_prompt" } else { "PS1=" });
        let mut terminal = Terminal::start(&shell.command(&node.home, &own, ""));
        let offline = prompt(&mut terminal);
        assert!(offline.contains("50%n ") && !offline.contains("50%n 50%n"), "{name}: {offline:?}");
        node.keep("online", 200);
        turn(shell, &mut terminal);
        let online = prompt(&mut terminal);
        assert!(!online.contains("50%n"), "{name}: {online:?}");
        terminal.leave();
    }
}

/// Powerlevel10k itself is in no registry that the tests may ask. In its place: `p10k segment` as its manual has it. What stands
/// behind -c is expanded, and where nothing comes of it, nothing is shown; what stands behind -t is expanded, since -e is there, and
/// becomes a part of the prompt.
const P10K: &str = r#"
function p10k {
  print -r -- "$*" >>~/calls
  [[ $1 == segment ]] || return
  shift
  local condition text
  while (( $# )); do
    case $1 in
      -c) condition=$2; shift 2 ;;
      -t) text=$2; shift 2 ;;
      -[fbis]) shift 2 ;;
      *) shift ;;
    esac
  done
  segments+=('${${:-'$condition'}:+'$text' }')
}
function build_prompt {
  local element
  local -a segments
  for element in $POWERLEVEL9K_LEFT_PROMPT_ELEMENTS; do
    (( $+functions[prompt_$element] )) && prompt_$element
  done
  PS1="${(j::)segments}{mark} "
}
setopt prompt_subst
POWERLEVEL9K_LEFT_PROMPT_ELEMENTS=(dir vcs)
precmd_functions+=(build_prompt)
"#;

#[test]
fn powerlevel10k_shows_the_segment() {
    if !has("zsh") {
        return;
    }
    let node = Node::new(&config(&format!("offline = '{ODD}'")));
    node.keep("offline", 200);
    // Instant prompt makes the same call as the segment; here it is made with the rc file half read, as the real one would.
    let after = format!("{}\ninstant_prompt_hpcsh >/dev/null", snippet("zsh", "LEFT_PROMPT_ELEMENTS"));
    let mut terminal = Terminal::start(&Shell::Zsh.command(&node.home, P10K, &after));
    let offline = prompt(&mut terminal);
    assert!(offline.contains(&format!("{ODD} {{mark}} ")), "{offline:?}");
    node.keep("online", 200);
    turn(Shell::Zsh, &mut terminal);
    let online = prompt(&mut terminal);
    assert!(online.contains("{mark} ") && !online.contains("pwned"), "{online:?}");
    assert_eq!(shown(&mut terminal, &["RPS1"]), "", "nothing is put beside the theme's");
    terminal.leave();
    let calls = fs::read_to_string(node.home.path().join("calls")).unwrap();
    let mut calls: Vec<&str> = calls.lines().collect();
    calls.dedup();
    assert_eq!(calls.len(), 1, "always the same call: {calls:?}");
    assert!(!node.home.path().join("pwned").exists());
}

#[test]
fn starship_shows_the_verdict() {
    let snippet = snippet("toml", "env_var.HPCSH_NODE");
    if !tools().is_some_and(|tools| tools.join("bin/starship").is_file()) {
        // Not a promise of tests/run's: there is not a build of it for each machine.
        eprintln!("SKIPPED: starship is not installed");
        return;
    }
    let node = Node::new(&config(""));
    node.home.write(".config/starship.toml", format!("format = \"$env_var{{mark}} \"\nadd_newline = false\n{snippet}"));
    for shell in Shell::all() {
        let name = shell.name();
        let after = if shell == Shell::Fish {
            "starship init fish | source".to_owned()
        } else {
            format!("eval \"$(starship init {name})\"")
        };
        for (before, after) in [("", after.as_str()), (after.as_str(), "")] {
            node.keep("offline", 200);
            let mut terminal = Terminal::start(&shell.command(&node.home, before, after));
            let offline = prompt(&mut terminal);
            assert!(offline.contains("offline {mark} ") && !offline.contains("offline offline"), "{name}: {offline:?}");
            node.keep("online", 200);
            turn(shell, &mut terminal);
            terminal.run("true");
            let online = prompt(&mut terminal);
            assert!(online.contains("online {mark} ") && !online.contains("offline"), "{name}: {online:?}");
            terminal.leave();
        }
    }
}

#[test]
fn job_scripts_set_what_holds_on_their_node() {
    let node = Node::new(CONFIG);
    node.keep("offline", 200);
    for (name, program) in [("srun", "exec \"$@\""), ("python", "echo \"$* [$HPCSH_NODE $HF_HUB_OFFLINE]\"")] {
        let path = node.home.write(&format!("bin/{name}"), format!("#!/bin/sh\n{program}\n"));
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::symlink(PROGRAM, node.home.path().join("bin/hpcsh")).unwrap();
    let path = format!("{}:{}", node.home.path().join("bin").display(), crate::support::path());
    for job in ["#SBATCH", "#PBS"] {
        let job = node.home.write("job", snippet("bash", job));
        let mut command = node.home.command("bash");
        command.arg(job).env("PATH", &path).env("PBS_O_WORKDIR", node.home.path()).env("HPCSH_NODE", "online");
        assert_eq!(run(&mut command).clean(), "train.py [offline 1]\n");
    }
    // The entry point of an image, which is JSON.
    let dockerfile = snippet("dockerfile", "ENTRYPOINT");
    let words = dockerfile.lines().find_map(|line| line.strip_prefix("ENTRYPOINT ")).unwrap();
    let words: Vec<String> = serde_json::from_str(words).unwrap();
    let mut command = node.home.command(&words[0]);
    command.args(&words[1..]).args(["python", "a b"]).env("PATH", &path);
    assert_eq!(run(&mut command).clean(), "a b [offline 1]\n");
    // The pod names the ConfigMap that is printed.
    let Some(tools) = tools() else {
        skip("the tools of tests/run are not here");
        return;
    };
    let map = node.home.hpcsh(&["env", "--offline", "--format", "k8s"]).clean();
    let names = "import sys, yaml
pod, map = (yaml.safe_load(text) for text in sys.argv[1:])
print(pod['spec']['containers'][0]['envFrom'][0]['configMapRef']['name'], map['metadata']['name'], map['data']['HF_HUB_OFFLINE'])";
    let mut command = Command::new(tools.join("bin/python"));
    command.args(["-c", names]).args([snippet("yaml", "configMapRef"), map]);
    assert_eq!(run(&mut command).clean(), "hpcsh-env hpcsh-env 1\n");
}
