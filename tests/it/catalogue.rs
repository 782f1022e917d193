//! The catalogue as people meet it: the README's tables, and every preset at once in every format.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hpcsh::shell::catalogue::{self, PRESET_NAMES, PRESETS, Place, Variable};

use crate::shells::Shell;
use crate::support::{Home, PROGRAM, PROJECT, has, path, run, skip};

/// A text between `<!-- NAME: … -->` and `<!-- /NAME -->`, without the lines of the marks.
fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let begin = text.find(&format!("<!-- {name}: ")).unwrap_or_else(|| panic!("the README has no mark `{name}`"));
    let begin = begin + text[begin..].find('\n').unwrap() + 1;
    &text[begin..begin + text[begin..].find(&format!("<!-- /{name} -->")).unwrap()]
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn presets() -> String {
    let row = |preset: &catalogue::Preset| format!("| {} | {} |\n", code(preset.name), preset.about);
    format!("| preset | for |\n|---|---|\n{}", PRESETS.iter().map(row).collect::<String>())
}

/// Each tool that can have a mirror, with the names of it.
fn mirrors() -> String {
    let mut tools: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in catalogue::rows().filter(|row| row.place == Place::Offline) {
        let names = tools.entry(row.tool).or_default();
        names.extend(row.unless);
    }
    let mut text = "| tool | mirrors |\n|---|---|\n".to_owned();
    for (tool, mut names) in tools {
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            let names: Vec<String> = names.into_iter().map(code).collect();
            text.push_str(&format!("| {tool} | {} |\n", names.join(", ")));
        }
    }
    text
}

fn variables() -> String {
    let value = |row: &Variable| {
        let root = match row.place {
            Place::Shared => "$shared_home",
            Place::Local => "$local_dir",
            Place::Private => "$state_dir",
            _ => return row.default.to_owned(),
        };
        format!("{root}/{}", row.default).trim_end_matches('/').to_owned()
    };
    let mut text = "| variable | value | place | presets | why |\n|---|---|---|---|---|\n".to_owned();
    for row in catalogue::rows() {
        let presets: Vec<&str> = row.presets.iter().map(|preset| preset.name).collect();
        let cells = [&code(row.name), &code(&value(row)), row.place.word(), &presets.join(", "), row.reason];
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

#[test]
fn the_tables_of_the_readme_are_the_catalogues() {
    let path = Path::new(PROJECT).join("README.md");
    let mut readme = std::fs::read_to_string(&path).unwrap();
    let is_update = std::env::var_os("HPCSH_TESTS_UPDATE").is_some();
    for (name, wanted) in [("presets", presets()), ("mirrors", mirrors()), ("variables", variables())] {
        let found = between(&readme, name);
        if !is_update {
            let hint = "rewrite it with HPCSH_TESTS_UPDATE=1 cargo test --test it catalogue";
            assert!(found == wanted, "the README's table of {name} is stale: {hint}\n{wanted}");
            continue;
        }
        let at = found.as_ptr() as usize - readme.as_ptr() as usize;
        let range = at..at + found.len();
        readme.replace_range(range, &wanted);
    }
    if is_update {
        std::fs::write(path, readme).unwrap();
    }
}

/// A home whose configuration has every preset, and an offline node.
fn all() -> Home {
    let home = Home::new();
    home.configure(&format!(
        "shared_home = \"SHARED\"\nstate_dir = \"SHARED/state\"\nlocal_dir = \"SHARED/local\"\n\
         env.presets = {PRESET_NAMES:?}\nnode.verdict = \"offline\"\n"
    ));
    home
}

/// What every preset together sets while offline, from the catalogue itself.
fn expected(home: &Home) -> BTreeMap<String, String> {
    let shared = home.shared().to_str().unwrap().to_owned();
    let value = |row: &Variable| match row.place {
        Place::Online => None,
        Place::Shared => Some(format!("{shared}/{}", row.default)),
        Place::Local => Some(format!("{shared}/local/{}", row.default).trim_end_matches('/').to_owned()),
        Place::Private => Some(format!("{shared}/state/{}", row.default)),
        _ => Some(row.default.to_owned()),
    };
    catalogue::rows().filter_map(|row| Some((row.name.to_owned(), value(row)?))).collect()
}

/// The expected variables among the lines `NAME=VALUE`; nothing else that the tests' own environment may hold.
fn found(lines: &str, expected: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let pairs = lines.lines().filter_map(|line| line.split_once('='));
    pairs
        .filter(|(name, _)| expected.contains_key(*name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn every_preset_at_once_reaches_each_shell() {
    let home = all();
    let expected = expected(&home);
    assert!(expected.len() > 90);
    for shell in Shell::ALL {
        let out = shell.session(&home, "", "command env").clean();
        assert_eq!(found(&out, &expected), expected, "{}", shell.name());
        let out = shell.session(&home, "", "hpcsh_off; command env").clean();
        assert_eq!(found(&out, &expected), BTreeMap::new(), "{}: hpcsh_off", shell.name());
        // The same shell, online: what holds only while offline goes, what holds only while online comes.
        let out = shell.session(&home, "export HPCSH_OFFLINE=0", "command env").clean();
        assert!(out.contains("\nHF_HUB_DOWNLOAD_TIMEOUT=60\n"), "{}: {out}", shell.name());
        for row in catalogue::rows().filter(|row| row.place == Place::Offline) {
            assert!(!out.contains(&format!("\n{}=", row.name)), "{}: {}", shell.name(), row.name);
        }
    }
}

#[test]
fn every_preset_at_once_can_be_evaluated_in_every_format() {
    let home = all();
    let expected = expected(&home);
    for shell in [&["dash"][..], &["bash", "--posix"], &["zsh", "-f"], &["busybox", "sh"]] {
        if !has(shell[0]) {
            skip(&format!("{} is not installed", shell[0]));
            continue;
        }
        let script = format!("set -eu; eval \"$('{PROGRAM}' env)\"; env");
        let out = run(home.command(shell[0]).args(&shell[1..]).args(["-c", &script])).clean();
        assert_eq!(found(&out, &expected), expected, "{shell:?}");
    }
    if has("fish") {
        let script = format!("'{PROGRAM}' env --format fish | source; env");
        let out = run(home.command("fish").args(["-c", &script])).clean();
        assert_eq!(found(&out, &expected), expected, "fish");
    } else {
        skip("fish is not installed");
    }
    let of = |format: &str| home.hpcsh(&["env", "--format", format]).clean();
    // The values of the catalogue need no escape in any of these.
    let dotenv: String = of("dotenv").replace('\'', "");
    assert_eq!(found(&dotenv, &expected), expected, "dotenv");
    let docker: String =
        of("docker").lines().map(|line| line.replacen("ENV ", "", 1).replace('"', "") + "\n").collect();
    assert_eq!(found(&docker, &expected), expected, "docker");
    let k8s: String =
        of("k8s").lines().map(|line| line.trim().replacen(": ", "=", 1).replace('"', "") + "\n").collect();
    assert_eq!(found(&k8s, &expected), expected, "k8s");
    let rows: Vec<serde_json::Value> = serde_json::from_str(&of("json")).unwrap();
    let json = rows.iter().filter_map(|row| Some((row["name"].as_str()?.into(), row["value"].as_str()?.into())));
    assert_eq!(json.collect::<BTreeMap<String, String>>(), expected, "json");
}

/// A hundred rows stay readable: those of a preset stand together, below its name, in columns that are aligned.
#[test]
fn explain_keeps_the_rows_of_a_preset_together() {
    let home = all();
    let table = home.hpcsh(&["env", "--explain"]).clean();
    let (head, body) = table.split_once("\n# ").unwrap();
    let reason = head.lines().last().unwrap().find("REASON").unwrap();
    let mut names = Vec::new();
    let mut rows = 0;
    for group in format!("# {body}").split("\n\n") {
        let (name, lines) = group.split_once('\n').unwrap();
        names.push(name.strip_prefix("# ").unwrap().to_owned());
        for line in lines.lines() {
            let name = line.split(' ').next().unwrap();
            let row = catalogue::rows().find(|row| row.name == name).unwrap();
            rows += 1;
            assert!(line.ends_with(row.reason), "{line}");
            // A long path alone may push its own line's columns aside.
            let is_long = line.split_whitespace().nth(1).unwrap().len() > 48;
            assert!(is_long || line.find(row.reason) == Some(reason), "{line}");
        }
    }
    assert_eq!(rows, catalogue::rows().count());
    let groups = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), groups, "a preset stands twice");
}

/// The tools themselves, where the tests have them: a name that the tool does not know is of no use.
#[test]
fn uv_and_pip_read_their_variables() {
    let home = all();
    if !has("uv") {
        return skip("uv is not installed");
    }
    let uv = |words: &str| {
        let script = format!("eval \"$('{PROGRAM}' env)\"; {words}");
        let mut command = Command::new("sh");
        command.env_clear().envs([("HOME", home.path().as_os_str()), ("PATH", path().as_ref())]);
        run(command.args(["-c", &script]).current_dir(home.path())).out
    };
    let expected = expected(&home);
    for (words, name) in [
        ("uv cache dir", "UV_CACHE_DIR"),
        ("uv python dir", "UV_PYTHON_INSTALL_DIR"),
        ("uv tool dir", "UV_TOOL_DIR"),
        ("uv tool dir --bin", "UV_TOOL_BIN_DIR"),
        ("pip cache dir", "PIP_CACHE_DIR"),
        ("pip config get :env:.retries", "PIP_RETRIES"),
    ] {
        assert_eq!(uv(words).trim_end(), expected[name], "{words}");
    }
}
