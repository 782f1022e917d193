//! zsh's own clock, PERIOD, calls what later prompts need: the prompts between cost nothing. Not where it is somebody else's, and not
//! while something is awaited.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::entering::home_with;
use crate::node::{CONFIG, Node, until};
use crate::shells::Shell;
use crate::support::{Home, has};
use crate::terminal::Terminal;

/// Two of zsh's seconds more than it waits.
const PERIOD: Duration = Duration::from_millis(7100);

const TELL: &str = "print -r -- \"[$PERIOD|$periodic_functions|${(@M)precmd_functions:#_hpcsh_precmd}]\"";

fn zsh(home: &Home, before: &str) -> Command {
    home.write(".zshrc", format!("{before}\n{}", Shell::Zsh.line()));
    Shell::Zsh.interactive(home)
}

fn told(terminal: &mut Terminal, line: &str) -> String {
    let told = terminal.run(line);
    let value = told.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(value, _)| value.to_owned());
    value.unwrap_or_else(|| panic!("no value in {told:?}"))
}

#[test]
fn the_clock_follows_the_node_and_what_was_done_by_hand() {
    if !has("zsh") {
        return;
    }
    let node = Node::new(CONFIG);
    node.keep("offline", 200);
    let mut following = Terminal::start(&zsh(&node.home, ""));
    assert_eq!(told(&mut following, TELL), "5|_hpcsh_precmd|");
    let home = home_with("odd");
    home.configure("[node]\nverdict = \"offline\"\n");
    let mut entering = Terminal::start(&zsh(&home, ""));
    let entered = "print -r -- \"[${VIRTUAL_ENV##*/home/}|${HPCSH_ENTERED##*/home/}]\"";
    assert_eq!(told(&mut entering, &format!("cd one; {entered}")), "one/.venv|one/.venv");
    entering.run("unset VIRTUAL_ENV; PATH=${PATH#*/.venv/bin:}");
    node.keep("online", 200);
    sleep(PERIOD);
    // The prompt before this one is the first since.
    for terminal in [&mut following, &mut entering] {
        terminal.run("");
    }
    assert_eq!(told(&mut following, "print -r -- \"[$HPCSH_NODE]\""), "online");
    assert_eq!(told(&mut entering, entered), "|", "left by hand");
    assert_eq!(told(&mut entering, &format!("cd src; {entered}")), "|", "it stays left");
    following.leave();
    entering.leave();
}

#[test]
fn each_prompt_looks_while_something_is_awaited() {
    if !has("zsh") {
        return;
    }
    let node = Node::new(CONFIG);
    node.keep("unknown", 200);
    let mut terminal = Terminal::start(&zsh(&node.home, ""));
    assert_eq!(told(&mut terminal, TELL), "||_hpcsh_precmd");
    node.keep("online", 200);
    until("the verdict", || told(&mut terminal, "print -r -- \"[$HPCSH_NODE]\"") == "online");
    assert_eq!(told(&mut terminal, TELL), "5|_hpcsh_precmd|");
    terminal.leave();
}

#[test]
fn somebody_elses_clock_is_left_alone_and_ours_is_taken_back() {
    if !has("zsh") {
        return;
    }
    let home = Home::new();
    home.configure("[node]\nverdict = \"offline\"\n");
    for (before, there) in [
        ("PERIOD=60", "60||_hpcsh_precmd"),
        ("periodic() { true; }", "||_hpcsh_precmd"),
        ("theirs() { true; }; periodic_functions=(theirs)", "|theirs|_hpcsh_precmd"),
        ("", "5|_hpcsh_precmd|"),
    ] {
        let mut terminal = Terminal::start(&zsh(&home, before));
        assert_eq!(told(&mut terminal, TELL), there, "{before}");
        let (period, _) = there.split_once('|').unwrap();
        let left = if period == "5" { "0|0|".to_owned() } else { there.replace("_hpcsh_precmd", "") };
        let tell = if period == "5" {
            "print -r -- \"[${+PERIOD}|${+periodic_functions}|${(@M)precmd_functions:#_hpcsh_precmd}]\""
        } else {
            TELL
        };
        assert_eq!(told(&mut terminal, &format!("hpcsh_off; {tell}")), left, "{before}: off");
        terminal.leave();
    }
    // Somebody takes it over later: from the next change of directory on each prompt looks again. What was only dropped comes back.
    for (theirs, there, off) in [
        ("theirs() { true; }; periodic_functions+=(theirs); PERIOD=30", "30|theirs|_hpcsh_precmd", "30|theirs|"),
        ("PERIOD=0", "0||_hpcsh_precmd", "0||"),
        ("periodic_functions=()", "5|_hpcsh_precmd|", "||"),
    ] {
        let mut terminal = Terminal::start(&zsh(&home, ""));
        terminal.run(&format!("{theirs}; cd /"));
        assert_eq!(told(&mut terminal, TELL), there, "{theirs}");
        assert_eq!(told(&mut terminal, &format!("hpcsh_off; {TELL}")), off, "{theirs}");
        terminal.leave();
    }
    // No list comes into being where there was none.
    let mut terminal = Terminal::start(&zsh(&home, "PERIOD=60"));
    assert_eq!(told(&mut terminal, "print -r -- \"[${+periodic_functions}]\""), "0");
    terminal.leave();
}
