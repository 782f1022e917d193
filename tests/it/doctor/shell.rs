//! The line in the rc files, variables and tokens of the user's own, environments that were allowed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::{Seen, doctor, obey, seen, sound, tree};
use crate::entering::environment;
use crate::support::{Home, PROGRAM, PROJECT, has, run, skip};

#[test]
fn a_missing_line_is_told_and_what_is_told_adds_it() {
    for (shell, file, starts) in
        [("bash", ".bashrc", "bash"), ("zsh", ".zshrc", "zsh"), ("fish", ".config/fish/config.fish", "fish")]
    {
        if !has(starts) {
            skip(&format!("{shell} is not installed"));
            continue;
        }
        // The program is found by its name, or is not; the file is there, or is not.
        for is_in_path in [false, true] {
            let home = Home::new();
            home.configure("shared_home = \"SHARED\"\nnode.verdict = \"offline\"\n");
            let program = home.path().join("it's/hpcsh");
            fs::create_dir(program.parent().unwrap()).unwrap();
            fs::copy(PROGRAM, &program).unwrap();
            let dir = if is_in_path { format!("{}:", program.parent().unwrap().display()) } else { String::new() };
            let path = dir + &crate::support::path();
            if is_in_path {
                home.write(file, "# hpcsh init zsh bash fish: not yet\n");
            }
            let look = || {
                let mut command = home.command(&program);
                Seen::of(command.arg("doctor").env("SHELL", format!("/usr/bin/{shell}")).env("PATH", &path))
            };
            let found = look();
            let message = format!(
                "shell: {} has no line of hpcsh: a new {shell} goes without it",
                home.path().join(file).display()
            );
            assert_eq!(found.notes(), [message], "{found:#?}");
            obey(&home, &found.command("has no line of hpcsh"));
            assert_eq!(look().notes(), [""; 0], "{shell}");
            let text = fs::read_to_string(home.path().join(file)).unwrap();
            assert_eq!(text.contains("/hpcsh"), !is_in_path, "{text}");
            // And the shell reads what was added as what it is.
            let outcome = run(home.command(shell).env("PATH", &path).args(["-i", "-c", "echo node=$HPCSH_NODE"]));
            assert!(outcome.out.contains("node=offline\n"), "{shell}: {outcome:?}");
        }
    }
}

#[test]
fn who_has_the_line_elsewhere_or_uses_another_shell_is_not_bothered() {
    let home = sound();
    fs::remove_file(home.path().join(".bashrc")).unwrap();
    assert_eq!(seen(&home).notes().len(), 1);
    // Some framework has evaluated it.
    assert_eq!(Seen::of(doctor(&home).env("HPCSH_EXPORTS", "\u{1f}A=1\u{1f}")).notes(), [""; 0]);
    // Without a word on which shell is his, it is each that has none.
    assert!(!Seen::of(doctor(&home).env_remove("SHELL")).notes().is_empty());
    home.write(".zshrc", "eval \"$(hpcsh init zsh)\"\n");
    assert_eq!(Seen::of(doctor(&home).env("SHELL", "/bin/zsh")).notes(), [""; 0]);
}

/// As `install.sh` writes it; and then its program goes.
#[test]
fn a_line_whose_program_is_gone_is_a_problem() {
    let home = sound();
    fs::remove_file(home.path().join(".bashrc")).unwrap();
    let install = format!("{PROJECT}/install.sh");
    let words = ["--from", PROGRAM, "--rc", "--shell", "bash"];
    assert_eq!(run(home.command("sh").arg(&install).args(words)).status, 0);
    assert_eq!((seen(&home).problems(), seen(&home).notes()), (vec![], vec![]));
    let program = home.path().join(".local/bin/hpcsh");
    fs::remove_file(&program).unwrap();
    let rc = home.path().join(".bashrc");
    let message =
        format!("shell: {} calls {}, which is not there: the line does nothing", rc.display(), program.display());
    let found = seen(&home);
    assert_eq!(found.problems(), [message]);
    assert_eq!(found.command("which is not there"), "./install.sh --rc --shell bash");
    // The other line of its.
    assert_eq!(run(home.command("sh").arg(&install).args(words).arg("--local-first")).status, 0);
    assert_eq!(seen(&home).problems(), [""; 0]);
    fs::remove_file(&program).unwrap();
    assert_eq!(seen(&home).problems().len(), 1);
}

#[test]
fn data_in_a_home_that_is_thrown_away_is_told() {
    let home = sound();
    let inside = home.path().join("models");
    let found = Seen::of(doctor(&home).env("HF_HOME", &inside));
    let message = format!(
        "env: HF_HOME is your own and lies in a home that may not last: {}; hpcsh would have it at {}",
        inside.display(),
        home.shared().join("cache/hf").display()
    );
    assert_eq!((found.problems(), found.notes()), (vec![], vec![message]));
    assert_eq!(found.command("HF_HOME is your own"), "unset HF_HOME");
    let marker = format!("\u{1f}HF_HOME={}\u{1f}", inside.display());
    for (name, value) in [
        ("HF_HOME", home.shared().join("mine").to_str().unwrap()),
        ("HF_HUB_OFFLINE", "0"),
        ("UNRELATED", inside.to_str().unwrap()),
    ] {
        assert_eq!(Seen::of(doctor(&home).env(name, value)).notes(), [""; 0], "{name}={value}");
    }
    assert_eq!(Seen::of(doctor(&home).env("HF_HOME", &inside).env("HPCSH_EXPORTS", marker)).notes(), [""; 0]);
    // A home that lies on the shared home lasts.
    home.configure(&format!(
        "shared_home = \"{}\"\nenv.presets = [\"huggingface\"]\nnode.verdict = \"offline\"\n",
        home.path().parent().unwrap().display()
    ));
    assert_eq!(Seen::of(doctor(&home).env("HF_HOME", &inside)).notes(), [""; 0]);
}

#[test]
fn a_token_that_others_can_read_is_a_problem_until_it_is_closed() {
    let home = sound();
    for (name, variable) in [
        (".cache/huggingface/token", None),
        (".cache/huggingface/stored_tokens", None),
        ("hub/token", Some(("HF_HOME", home.shared().join("../home/hub")))),
        ("to ken", Some(("HF_TOKEN_PATH", home.path().join("to ken")))),
        (".local/state/hpcsh/huggingface/token", None),
    ] {
        let token = home.write(name, "hf_x\n");
        let dir = token.parent().unwrap();
        let mode = |path: &std::path::Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let look = || {
            let mut command = doctor(&home);
            if let Some((variable, value)) = &variable {
                command.env(variable, value);
            }
            Seen::of(&mut command)
        };
        mode(dir, 0o755);
        mode(&token, 0o644);
        let found = look();
        assert_eq!(found.problems().len(), 1, "{name}: {found:#?}");
        // Who cannot enter the directory does not read it either.
        mode(dir, 0o700);
        assert_eq!(look().problems(), [""; 0], "{name}");
        mode(dir, 0o755);
        obey(&home, &found.command("Hugging Face token"));
        assert_eq!(look().problems(), [""; 0], "{name}");
        assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(token).unwrap();
    }
}

#[test]
fn what_was_allowed_and_has_changed_is_told() {
    let home = sound();
    environment(&home, "my p");
    let hpcsh = |words: &[&str]| assert_eq!(home.hpcsh(words).status, 0, "{words:?}");
    hpcsh(&["allow", "my p"]);
    assert_eq!(seen(&home).notes(), [""; 0]);
    fs::write(home.path().join("my p/.venv/pyvenv.cfg"), "home = /elsewhere\n").unwrap();
    let found = seen(&home);
    let path = home.path().join("my p/.venv");
    let message = format!("trust: {} is not entered as allowed: it has changed since it was allowed", path.display());
    assert_eq!(found.notes(), [message]);
    let before = tree(&home.path());
    assert_eq!(Seen::of(doctor(&home).arg("--fix")).notes(), found.notes(), "what is allowed is for people to say");
    assert_eq!(tree(&home.path()), before);
    obey(&home, &found.command("is not entered as allowed"));
    assert_eq!(seen(&home).notes(), [""; 0]);
    fs::remove_dir_all(path).unwrap();
    let found = seen(&home);
    let command = found.command("is not entered as allowed");
    assert!(command.starts_with("hpcsh trust --forget '"), "{command}");
    obey(&home, &command);
    assert_eq!(seen(&home).notes(), [""; 0]);
    // Nobody is told of what he has denied.
    environment(&home, "q");
    hpcsh(&["deny", "q"]);
    fs::write(home.path().join("q/.venv/pyvenv.cfg"), "home = /elsewhere\n").unwrap();
    assert_eq!(seen(&home).notes(), [""; 0]);
}
