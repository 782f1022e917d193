//! What an interactive shell gets beside the variables: history, keys, `hist`, `cp -i`, `ls`, `mdcd`, `cdr`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use crate::shells::Shell;
use crate::support::Home;
use crate::terminal::Terminal;

fn start(shell: Shell, home: &Home, rc: &str) -> Terminal {
    home.write(shell.rc(), format!("PS1='ready> '\n{rc}\n{}", shell.line()));
    let mut terminal = Terminal::start(&shell.interactive(home));
    terminal.expect("ready> ");
    terminal
}

#[test]
fn a_second_shell_reads_what_the_first_one_saved() {
    for shell in Shell::ALL {
        // As the shell has it, in the state directory, in a file that the user names.
        for config in ["", "state_dir = \"$HOME/state\"\n", "[history]\nfile = \"$HOME/deep/er/hist\"\nsize = 77\n"] {
            let home = Home::new();
            home.configure(config);
            let mut first = start(shell, &home, "");
            first.run("echo first-$((20+3))");
            first.leave();
            let mut second = start(shell, &home, "");
            let shown = second.run("fc -l -5");
            assert!(shown.contains("echo first-$((20+3))"), "{} with {config:?}: {shown}", shell.name());
            second.leave();
            let file = |name: &str| home.path().join(name).is_file();
            match config.len() {
                0 if shell == Shell::Zsh => assert!(file(".local/state/hpcsh/zsh_history")),
                0 => assert!(file(".bash_history")),
                1..40 => assert!(file(&format!("state/{}_history", shell.name()))),
                _ => assert!(file("deep/er/hist")),
            }
        }
    }
}

#[test]
fn sizes_are_set_where_nobody_chose_them() {
    let show = "echo \"$HISTSIZE ${SAVEHIST-$HISTFILESIZE} ${HISTFILE##*/}\"";
    for shell in Shell::ALL {
        let home = Home::new();
        let plain = if shell == Shell::Zsh { "zsh_history" } else { ".bash_history" };
        assert_eq!(shell.prompted(&home, "", show).clean(), format!("200000 200000 {plain}\n"), "{}", shell.name());
        let mut terminal = start(shell, &home, "");
        let shown = terminal.run(show);
        assert!(shown.contains("200000 200000 "), "{}: {shown}", shell.name());
        terminal.run("hpcsh_off");
        assert!(!terminal.run(show).contains("200000"), "{}", shell.name());
        terminal.leave();
        let own = "HISTSIZE=5 SAVEHIST=6 HISTFILESIZE=6 HISTFILE=~/own";
        assert_eq!(shell.prompted(&home, own, show).clean(), "5 6 own\n", "{}", shell.name());
        home.configure("[history]\nenable = false\n");
        let off = shell.prompted(&home, "", show).clean();
        assert!(!off.contains("200000"), "{}: {off}", shell.name());
    }
}

#[test]
fn a_size_that_is_chosen_behind_the_line_cuts_no_file_and_stays_at_the_end() {
    let home = Home::new();
    home.write(".bash_history", "echo x\n".repeat(5000));
    home.write(".bashrc", format!("PS1='ready> '\n{}HISTSIZE=777\n", Shell::Bash.line()));
    let mut terminal = Terminal::start(&Shell::Bash.interactive(&home));
    terminal.expect("ready> ");
    assert!(terminal.run("echo \"$HISTSIZE $HISTFILESIZE\"").contains("777 200000"));
    terminal.run("hpcsh_off");
    assert!(terminal.run("echo \"$HISTSIZE ${HISTFILESIZE-none}\"").contains("777 none"));
    terminal.leave();
    assert!(fs::read_to_string(home.path().join(".bash_history")).unwrap().lines().count() >= 5000);
}

#[test]
fn ctrl_backspace_deletes_a_word_and_off_puts_the_key_back() {
    for shell in Shell::ALL {
        let home = Home::new();
        let mut terminal = start(shell, &home, "");
        terminal.send("echo one twothree\x08four\r");
        terminal.expect("one four\r\n");
        terminal.run("hpcsh_off");
        terminal.send("echo one twothree\x08four\r");
        terminal.expect("one twothrefour\r\n");
        terminal.leave();
    }
}

#[test]
fn a_key_that_the_user_bound_is_his() {
    for shell in Shell::ALL {
        let home = Home::new();
        let bind = match shell {
            Shell::Zsh => "bindkey -s '^H' XY",
            Shell::Bash => "bind '\"\\C-h\": \"XY\"'",
        };
        let mut terminal = start(shell, &home, bind);
        terminal.send("echo one two\x08\r");
        terminal.expect("one twoXY\r\n");
        terminal.leave();
    }
}

#[test]
fn hist_shows_dates() {
    for shell in Shell::ALL {
        let home = Home::new();
        let mut terminal = start(shell, &home, "");
        terminal.run("echo something");
        let shown = terminal.run("hist");
        let line = shown.lines().find(|line| line.ends_with("echo something") || line.contains("echo something;"));
        let line = line.unwrap_or_else(|| panic!("{}: {shown}", shell.name()));
        // `date` of the machine: the year in bash, hours and a duration in zsh's `fc -lDd`.
        assert!(line.matches(':').count() >= 2 || line.contains("20"), "{}: {line}", shell.name());
        terminal.leave();
    }
}

#[test]
fn cp_asks_before_it_overwrites() {
    for shell in Shell::ALL {
        let home = Home::new();
        home.write("one", "1");
        home.write("two", "2");
        let mut terminal = start(shell, &home, "");
        terminal.send("cp one two\r");
        terminal.expect("overwrite 'two'?");
        terminal.send("n\r");
        terminal.run("true");
        terminal.leave();
        assert_eq!(fs::read_to_string(home.path().join("two")).unwrap(), "2", "{}", shell.name());
    }
}

#[test]
fn each_habit_is_a_switch_and_off_where_the_user_has_his_own() {
    let show = "alias cp; alias ls; typeset -f hist ls | grep -c 'fc -lDd\\|history\\|color=auto'; echo \"$LS_COLORS\"";
    for shell in Shell::ALL {
        let home = Home::new();
        let run = |before: &str| shell.prompted(&home, before, &format!("{{ {show}; }} 2>/dev/null")).out;
        let alias = if shell == Shell::Bash { "alias " } else { "" };
        assert_eq!(run(""), format!("{alias}cp='cp -i'\n2\now=01;90:di=01;90\n"), "{}", shell.name());
        let own = "alias cp='cp -v' ls='ls -l'; hist() { echo mine; }; export LS_COLORS=di=1";
        assert_eq!(run(own), format!("{alias}cp='cp -v'\n{alias}ls='ls -l'\n0\ndi=1\n"), "{}", shell.name());
        home.configure("[shell]\nhist = false\ncp = false\nls = false\nls_colors = \"\"\nctrl_backspace = false\n");
        assert_eq!(run(""), "0\n\n", "{}", shell.name());
    }
}

#[test]
fn mdcd_makes_and_enters_any_name() {
    for shell in Shell::ALL {
        for name in
            ["plain", "a/b/c", "with blank", "-x", "--help", "$(touch pwned)", "a\nb", "*", "~", "..x", "=ls", "!!"]
        {
            let home = Home::new();
            home.write("name", name);
            let script =
                "IFS= read -rd '' name <name || :; mdcd \"$name\"; printf '%s %s' \"$?\" \"${PWD#\"$HOME\"/}\"";
            let outcome = shell.session(&home, "", script);
            assert_eq!(outcome.clean(), format!("0 {name}"), "{}", shell.name());
            assert!(home.path().join(name).is_dir() && !home.path().join("pwned").exists());
        }
        let home = Home::new();
        let outcome = shell.session(&home, "", "mdcd; echo $?; mdcd a b; echo $?; mdcd ''; echo $?");
        assert_eq!(outcome.out, "1\n1\n1\n", "{}", shell.name());
        assert_eq!(outcome.err, "Error: mdcd takes the name of one directory\n".repeat(3), "{}", shell.name());
        // A directory that is there is entered; what cannot be made is an error and nothing is entered.
        home.write("file", "");
        let outcome = shell.session(
            &home,
            "",
            "mdcd a; mdcd ../a; echo ${PWD##*/}; mdcd ../file/x 2>/dev/null; echo $? ${PWD##*/}",
        );
        assert_eq!(outcome.clean(), "a\n1 a\n", "{}", shell.name());
    }
}

#[test]
fn cdr_enters_the_real_path() {
    for shell in Shell::ALL {
        let home = Home::new();
        fs::create_dir_all(home.path().join("real/-d x")).unwrap();
        symlink("real", home.path().join("link")).unwrap();
        let show = "echo ${PWD#\"$HOME\"}";
        for (script, out) in [
            ("cdr link", "/real"),
            ("cd link; cdr", "/real"),
            ("cd link; cdr .", "/real"),
            ("cdr 'link/-d x'", "/real/-d x"),
            ("cd link; cdr '-d x'", "/real/-d x"),
            ("cd link; cd /; cdr -", "/real"),
            ("CDPATH=/usr; cdr link", "/real"),
        ] {
            let outcome = shell.session(&home, "", &format!("{script} >/dev/null; {show}"));
            assert_eq!(outcome.clean(), format!("{out}\n"), "{}: {script}", shell.name());
        }
        let outcome = shell.session(&home, "", "cdr nowhere 2>/dev/null; echo $?");
        assert_eq!(outcome.clean(), "1\n", "{}", shell.name());
    }
}

/// `cd` runs the user's hooks under the user's options.
#[test]
fn mdcd_runs_the_users_chpwd_hooks_under_his_options() {
    let home = Home::new();
    let before =
        "setopt sh_word_split; hook() { words='a b'; for w in $words; do print -n $w,; done; }; chpwd_functions=(hook)";
    let outcome = Shell::Zsh.session(&home, before, "mdcd x; cdr ..");
    assert_eq!(outcome.clean(), "a,b,a,b,");
}

#[test]
fn waitvllm_takes_loading_for_loading() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // 503 while loading, as SGLang and llama.cpp say it; then ready.
    let server = std::thread::spawn(move || {
        for status in ["503 Service Unavailable", "503 Service Unavailable", "200 OK"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /health HTTP/1.1\r\n"));
            // The waiting one hangs up when it has read the status.
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        }
    });
    let home = Home::new();
    let outcome = Shell::Bash.session(&home, "", &format!("waitvllm --timeout 20 http://127.0.0.1:{port}; echo $?"));
    assert_eq!(outcome.out, "0\n");
    assert_eq!(outcome.err, format!("VLLM is not started, waiting for http://127.0.0.1:{port}/health ...\n"));
    server.join().unwrap();
}

/// One first prompt compiles the copies; later ones leave them alone, and what is no compiled file harms nobody.
#[test]
fn zsh_compiles_its_copies_once() {
    let home = Home::new();
    let compiled = || {
        let of = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().ino());
        let entries = fs::read_dir(home.local()).unwrap().map(|entry| of(entry.unwrap()));
        entries.filter(|(name, _)| Path::new(name).extension() == Some(OsStr::new("zwc"))).collect::<BTreeMap<_, _>>()
    };
    let session = || Shell::Zsh.prompted(&home, "", "act /nowhere 2>&1; echo $?").clean();
    let told = session();
    let first = compiled();
    assert_eq!(first.len(), 5, "{first:?}");
    assert_eq!(session(), told);
    assert_eq!(compiled(), first);
    for name in first.keys() {
        let path = home.local().join(name);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "no compiled file").unwrap();
    }
    assert_eq!(session(), told);
    // Another configuration is another script.
    home.configure("[env.set]\nOTHER = \"1\"\n");
    assert_eq!(Shell::Zsh.prompted(&home, "", "echo $OTHER").clean(), "1\n");
    assert_eq!(compiled().len(), 6);
}
