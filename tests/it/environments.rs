//! `act` and `deactivate` against environments made by the real uv, venv and virtualenv, and against hostile ones.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use crate::shells::Shell;
use crate::support::{Home, Outcome, run, skip, tools};
use crate::terminal::Terminal;

/// What makes an environment: a name, and the words of the command before the directory.
pub const MAKERS: &[(&str, &[&str])] = &[
    ("uv", &["uv", "venv", "--quiet", "--offline", "--python", "PYTHON"]),
    (
        "uv with a prompt",
        &["uv", "venv", "--quiet", "--offline", "--python", "PYTHON", "--prompt", "it's \"x\" %n $(id)"],
    ),
    ("venv", &["PYTHON", "-m", "venv", "--without-pip"]),
    ("venv with a prompt", &["PYTHON", "-m", "venv", "--without-pip", "--prompt", "my env"]),
    ("virtualenv", &["virtualenv", "--quiet", "--no-seed", "--no-download", "--python", "PYTHON"]),
];

/// Where `act` differs from the environments' own scripts, on purpose.
const WRITTEN_LIST: &[&str] = &[
    // The prompt's text: a reference to a value here, the value itself there.
    "PS1",
    // venv up to 3.12 has `(name) ` in it; here it is the name, as from 3.13, uv and virtualenv.
    "VIRTUAL_ENV_PROMPT",
    // virtualenv alone sets it, for programs that build against libraries in the environment.
    "PKG_CONFIG_PATH",
];

pub fn make(home: &Home, words: &[&str], dir: &str) {
    let python = tools().unwrap().join("bin/python3");
    let mut words = words.iter().map(|word| if *word == "PYTHON" { python.to_str().unwrap() } else { word });
    let mut command = home.command(words.next().unwrap());
    let outcome = run(command.args(words).arg(dir));
    assert_eq!(outcome.status, 0, "{}{}", outcome.out, outcome.err);
}

/// The exported variables after a script.
fn environment(shell: Shell, home: &Home, script: &str) -> BTreeMap<String, String> {
    let outcome = shell.session(home, "", &format!("{script}\n\\command env -0"));
    assert_eq!((outcome.err.as_str(), outcome.status), ("", 0), "{script}");
    let mut found: BTreeMap<_, _> = outcome
        .out
        .split('\0')
        .filter_map(|record| record.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for name in WRITTEN_LIST.iter().chain(&["_", "SHLVL"]) {
        found.remove(*name);
    }
    found
}

#[test]
fn act_sets_what_the_environments_own_scripts_set() {
    if tools().is_none() {
        skip("uv, venv and virtualenv: HPCSH_TESTS_TOOLS names no directory");
        return;
    }
    for (maker, words) in MAKERS {
        for shell in Shell::ALL {
            let home = Home::with_article();
            make(&home, words, "project/.venv");
            // A PYTHONHOME is taken away and comes back.
            let before = "export PYTHONHOME=/nowhere";
            let own = environment(shell, &home, &format!("{before}; source project/.venv/bin/activate"));
            let ours = environment(shell, &home, &format!("{before}; act project"));
            assert_eq!(ours, own, "{maker} in {}", shell.name());
            assert!(!ours.contains_key("PYTHONHOME"));

            let without = environment(shell, &home, before);
            let left = environment(shell, &home, &format!("{before}; act project; deactivate"));
            assert_eq!(left, without, "{maker} in {}: deactivate", shell.name());
        }
    }
}

#[test]
fn the_label_is_the_name_that_the_environment_was_given() {
    if tools().is_none() {
        skip("uv, venv and virtualenv: HPCSH_TESTS_TOOLS names no directory");
        return;
    }
    let labels = [".venv", "it's \"x\" %n $(id)", ".venv", "my env", ".venv"];
    for ((maker, words), label) in MAKERS.iter().zip(labels) {
        for shell in Shell::ALL {
            let home = Home::with_article();
            make(&home, words, "project/.venv");
            let outcome = shell.session(&home, "", "act project; printf '%s' \"$VIRTUAL_ENV_PROMPT\"");
            // venv writes repr(), whose backslashes stay; none of these names has one.
            assert_eq!(outcome.clean(), label, "{maker} in {}", shell.name());
        }
    }
}

#[test]
fn act_and_the_own_scripts_take_turns() {
    if tools().is_none() {
        skip("uv, venv and virtualenv: HPCSH_TESTS_TOOLS names no directory");
        return;
    }
    let script = "p=$PATH; act one; source two/.venv/bin/activate; echo ${VIRTUAL_ENV##*/home/} ${PATH%%:*}; \
                  act one; echo ${VIRTUAL_ENV##*/home/}; deactivate; echo ${VIRTUAL_ENV-none}; \
                  source two/.venv/bin/activate; deactivate; act two; act one; deactivate; \
                  [ \"$PATH\" = \"$p\" ] && echo same PATH; deactivate 2>&1";
    for shell in Shell::ALL {
        for (maker, words) in MAKERS {
            let home = Home::with_article();
            make(&home, words, "one/.venv");
            make(&home, words, "two/.venv");
            let two = home.path().join("two/.venv/bin");
            let told =
                format!("two/.venv {}\none/.venv\nnone\nsame PATH\nError: no environment is active\n", two.display());
            let outcome = shell.session(&home, "", script);
            assert_eq!((outcome.out, outcome.err.as_str()), (told, ""), "{maker} in {}", shell.name());
        }
    }
}

fn fake(home: &Home, dir: &str) {
    home.write(&format!("{dir}/pyvenv.cfg"), "home = /usr/bin\n");
    home.write(&format!("{dir}/bin/python"), "");
}

fn told(outcome: &Outcome) -> (&str, &str, i32) {
    (&outcome.out, &outcome.err, outcome.status)
}

#[test]
fn act_finds_what_is_meant() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        fake(&home, "p/.venv");
        fake(&home, "p/other");
        fs::create_dir_all(home.path().join("p/src/deep")).unwrap();
        symlink(home.path().join("p"), home.path().join("link")).unwrap();
        let top = home.path().to_str().unwrap().to_owned();
        let show = "echo ${VIRTUAL_ENV#$HOME}";
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
        ] {
            let outcome = shell.session(&home, "", &format!("{script}; {show}"));
            assert_eq!(told(&outcome), (format!("{out}\n").as_str(), "", 0), "{}: {script}", shell.name());
        }
        for (script, err) in [
            ("act nowhere", "Error: Directory nowhere does not exist\n"),
            ("act nowhere/", "Error: Directory nowhere does not exist\n"),
            ("act p/src", "Error: Could not find activation script in p/src\n"),
            ("cd p/src; act .", "Error: Could not find activation script in .\n"),
            ("cd /; act", "Error: Could not find activation script in . or above\n"),
            ("deactivate", "Error: no environment is active\n"),
        ] {
            let outcome = shell.session(&home, "", script);
            assert_eq!(told(&outcome), ("", err, 1), "{}: {script} in {top}", shell.name());
        }
    }
}

#[test]
fn a_dangling_python_is_told_with_its_cause() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        fake(&home, "p/.venv");
        let python = home.path().join("p/.venv/bin/python");
        fs::remove_file(&python).unwrap();
        symlink("/root/.local/share/uv/python/gone/bin/python3.12", &python).unwrap();
        let err = format!(
            "Error: {0}/bin/python leads to /root/.local/share/uv/python/gone/bin/python3.12, which is not on this node\n\
             hint: it was made on another node without a shared UV_PYTHON_INSTALL_DIR; make it again: uv venv --clear {0}\n",
            home.path().join("p/.venv").display()
        );
        let outcome = shell.session(&home, "", "act p");
        assert_eq!(told(&outcome), ("", err.as_str(), 1), "{}", shell.name());
        fs::remove_file(&python).unwrap();
        let err = format!("Error: {} has no bin/python\n", home.path().join("p/.venv").display());
        assert_eq!(told(&shell.session(&home, "", "act p")), ("", err.as_str(), 1), "{}", shell.name());
    }
}

/// conda's prefixes have `conda-meta/history`; its own `activate` is a stand-in here, since no registry of ours has conda.
#[test]
fn a_conda_prefix_is_entered_by_its_own_activate() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        home.write("conda/conda-meta/history", "");
        home.write("conda/bin/activate", "echo \"sourced with $1\"\nexport CONDA_PREFIX=$1\n");
        home.write("conda/envs/e/conda-meta/history", "");
        let prefix = home.path().join("conda/envs/e").display().to_string();
        let function = "conda() { echo \"conda $1 $2\"; };";
        for (before, out) in
            [("", format!("sourced with {prefix}\n{prefix}\n")), (function, format!("conda activate {prefix}\n\n"))]
        {
            let script = format!("{before} act conda/envs/e; echo ${{CONDA_PREFIX-}}");
            assert_eq!(shell.session(&home, "", &script).clean(), out, "{}", shell.name());
        }
        fs::remove_file(home.path().join("conda/bin/activate")).unwrap();
        let err = format!(
            "Error: {prefix} is a conda environment, and this shell knows no conda\n\
             hint: run the shell hook of conda or mamba first\n"
        );
        assert_eq!(told(&shell.session(&home, "", "act conda/envs/e")), ("", err.as_str(), 1), "{}", shell.name());
    }
}

#[test]
fn a_script_without_pyvenv_cfg_is_sourced() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        home.write("sdk/bin/activate", "export SDK=on\n");
        assert_eq!(shell.session(&home, "", "act sdk; echo $SDK").clean(), "on\n", "{}", shell.name());
    }
}

#[test]
fn what_was_added_to_path_meanwhile_survives() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        fake(&home, "p/.venv");
        let script = "act p; PATH=/first:$PATH:/last; deactivate; echo ${PATH%%:*} ${PATH##*:}; case $PATH in *venv*) echo stays;; esac";
        assert_eq!(shell.session(&home, "", script).clean(), "/first /last\n", "{}", shell.name());
    }
}

/// A pane of tmux inherits the variables and not the functions.
#[test]
fn an_inherited_environment_can_be_left() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        fake(&home, "p/.venv");
        let inner = format!(
            "{} {} -i -c 'deactivate; echo ${{VIRTUAL_ENV-none}}; case $PATH in *venv*) echo stays;; esac'",
            shell.name(),
            if shell == Shell::Zsh {
                "-d".to_owned()
            } else {
                format!("--noprofile --rcfile {}/.bashrc", home.path().display())
            }
        );
        let outcome = shell.session(&home, "", &format!("act p; {inner} 2>/dev/null"));
        assert_eq!(outcome.out, "none\n", "{}", shell.name());
    }
}

/// Names that are code elsewhere stay names: in the variables, in the prompt, in messages.
#[test]
fn a_hostile_name_runs_nothing() {
    let names =
        ["$(touch pwned)", "`touch pwned`", "%n%~$(touch pwned)", "a\nb", "\\w \\$(touch pwned)", "';touch pwned;'"];
    for shell in Shell::ALL {
        for name in names {
            let home = Home::with_article();
            home.write(&format!("{name}/.venv/bin/python"), "");
            home.write(&format!("{name}/.venv/pyvenv.cfg"), format!("prompt = {}\n", name.replace('\n', " ")));
            home.write("name", name);
            home.write(shell.rc(), format!("PS1='> '\n{}", shell.line()));
            let mut terminal = Terminal::start(&shell.interactive(&home));
            terminal.run("IFS= read -rd '' name <name; act \"$name\"");
            let shown = terminal.run("true");
            let inside =
                terminal.run("cd \"$name\" && act && act nowhere; cd; printf '[%s]' \"${VIRTUAL_ENV#\"$HOME\"}\"");
            assert!(inside.replace('\r', "").contains(&format!("[/{name}/.venv]")), "{}: {inside}", shell.name());
            terminal.leave();
            assert!(!home.path().join("pwned").exists(), "{}: {name:?} ran; {shown}", shell.name());
            assert!(!home.path().join(name).join("pwned").exists(), "{}: {name:?} ran; {shown}", shell.name());
        }
    }
}

/// The label stands in the prompt, literally, and goes with the environment.
#[test]
fn the_label_is_in_the_prompt_while_the_environment_is_active() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        fake(&home, "p/.venv");
        home.write("p/.venv/pyvenv.cfg", "prompt = '%n $(id)'\n");
        home.write(shell.rc(), format!("PS1='ready> '\n{}", shell.line()));
        let mut terminal = Terminal::start(&shell.interactive(&home));
        terminal.expect("ready> ");
        terminal.send("act p\r");
        terminal.expect("(%n $(id)) ");
        terminal.expect("ready> ");
        terminal.send("deactivate\r");
        terminal.expect("\r\n");
        let shown = terminal.expect("ready> ");
        assert!(!shown.contains("$(id)"), "{}: {shown}", shell.name());
        terminal.send("VIRTUAL_ENV_DISABLE_PROMPT=1 && act p\r");
        terminal.expect("\r\n");
        let shown = terminal.expect("ready> ");
        assert!(!shown.contains("$(id)"), "{}: {shown}", shell.name());
        terminal.leave();
    }
}

/// Whoever entered it and whoever owns `deactivate` by now: there is a way out, and it ends.
#[test]
fn there_is_a_way_out_of_every_environment() {
    // As uv, venv and virtualenv write it, without their comments.
    let own = "deactivate() { if [ -n \"${_OLD_VIRTUAL_PATH-}\" ]; then PATH=$_OLD_VIRTUAL_PATH; unset _OLD_VIRTUAL_PATH; fi; \
               if [ -n \"${_OLD_VIRTUAL_PS1-}\" ]; then PS1=$_OLD_VIRTUAL_PS1; unset _OLD_VIRTUAL_PS1; fi; unset VIRTUAL_ENV; \
               if [ ! \"$1\" = nondestructive ]; then unset -f deactivate; fi; }\ndeactivate nondestructive\n\
               export VIRTUAL_ENV=\"$HOME/p/.venv\"; _OLD_VIRTUAL_PATH=$PATH; PATH=$VIRTUAL_ENV/bin:$PATH; export PATH\n\
               _OLD_VIRTUAL_PS1=${PS1-}; PS1=\"(p) ${PS1-}\"\n";
    for shell in Shell::ALL {
        let home = Home::with_article();
        fake(&home, "p/.venv");
        home.write("p/.venv/bin/activate", own);
        let line = shell.line();
        let show = "\necho \"${VIRTUAL_ENV-none} ${PATH%%:*} $PS1\"";
        let first = home.path().join(".local/bin").display().to_string();
        let source = "source p/.venv/bin/activate";
        for script in [
            "act p; export VIRTUAL_ENV=/other; PATH=${PATH#*:}; deactivate".to_owned(),
            format!("{source}\n{line}\ndeactivate"),
            format!("act p\n{line}\ndeactivate"),
            format!("{source}; act p; deactivate"),
            format!("act p; {source}; deactivate; act p; deactivate"),
            format!(
                "export _OLD_VIRTUAL_PATH=$PATH VIRTUAL_ENV=$HOME/p/.venv; PATH=$VIRTUAL_ENV/bin:$PATH\n{line}\ndeactivate"
            ),
        ] {
            let outcome = shell.session(&home, "PS1='> '", &format!("{script}{show}"));
            assert_eq!(told(&outcome), (format!("none {first} > \n").as_str(), "", 0), "{}: {script}", shell.name());
        }
        // hpcsh_off leaves what hpcsh has not entered, and its own way out.
        let outcome = shell.session(
            &home,
            &format!("PS1='> '\n{source}"),
            &format!("hpcsh_off; echo ${{VIRTUAL_ENV##*/}}; deactivate{show}"),
        );
        assert!(outcome.out.starts_with(".venv\nnone "), "{}: {}{}", shell.name(), outcome.out, outcome.err);
    }
}

#[test]
fn a_conda_prefix_takes_the_place_of_an_active_environment() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        fake(&home, "p/.venv");
        home.write("c/conda-meta/history", "");
        let script = "conda() { export CONDA_PREFIX=$2; }; act p; act c; echo ${VIRTUAL_ENV-none} ${CONDA_PREFIX##*/}";
        assert_eq!(shell.session(&home, "", script).clean(), "none c\n", "{}", shell.name());
    }
}

/// bash may be told to compare without a look at case, which its cuts do not follow.
#[test]
fn letters_in_another_case_keep_nobody_waiting() {
    let home = Home::new();
    home.configure("path.prepend = [\"$HOME/bin\"]\n");
    let project = home.path().join("project");
    home.write("project/.venv/pyvenv.cfg", "home = /usr/bin\n");
    fs::create_dir_all(project.join(".venv/bin")).unwrap();
    symlink("/usr/bin/true", project.join(".venv/bin/python")).unwrap();
    let upper = |path: &std::path::Path| path.to_str().unwrap().to_uppercase();
    let script = format!(
        "shopt -s nocasematch; PATH=$PATH:{}:{}; act {}; deactivate; hpcsh_off; echo \"$PATH\"",
        upper(&home.path().join("bin")),
        upper(&project.join(".venv/bin")),
        project.display()
    );
    let mut command = home.command("timeout");
    home.write(".bashrc", Shell::Bash.line());
    let inner = Shell::Bash.interactive(&home);
    command.arg("20").arg(inner.get_program()).args(inner.get_args()).args(["-c", &script]);
    let outcome = run(&mut command);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(!outcome.out.contains(&format!("{}/bin:", home.path().display())), "{outcome:?}");
}
