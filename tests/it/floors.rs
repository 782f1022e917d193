//! The house rules of the source tree, executed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::PROJECT;

/// The floors from the top; a file may use what lies on floors below its own, and its own folder.
const FLOORS: &[&[&str]] = &[
    &["main"],
    &["lib"],
    &["resolver"],
    &["login"],
    &["cli", "config"],
    &["shell", "node", "serve", "dns", "storage", "image", "doctor"],
    &["namespace", "journal", "net"],
    &["host"],
    &["verdict", "span", "quote", "digest", "error", "finding"],
];

/// What a wing may use of another wing, beside the floors below: (who, what).
const BRIDGES: &[(&str, &str)] = &[
    ("image", "storage::link"),
    ("image", "shell::env"),
    ("node::airgap", "dns"),
    ("node::probe", "dns::takeover"),
    ("doctor", ""),
];

/// Crates that stop at some modules.
const CONFINED: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("toml", &["config"]),
    ("tokio", &["dns", "net", "serve"]),
    ("hickory", &["dns", "net", "serve"]),
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(PROJECT).join("src");
    let mut dirs = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().with_extension("");
                let module = name.to_str().unwrap().replace('/', "::").trim_end_matches("::mod").to_owned();
                found.push((module, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 20, "the source tree was not found");
    found
}

fn floor(module: &str) -> usize {
    let top = module.split("::").next().unwrap();
    FLOORS.iter().position(|floor| floor.contains(&top)).unwrap_or_else(|| panic!("{module} stands on no floor"))
}

#[test]
fn each_floor_uses_only_what_lies_below() {
    for (module, text) in sources() {
        let top = module.split("::").next().unwrap();
        let crate_paths = text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| {
            line.match_indices("crate::").map(|(at, found)| line[at + found.len()..].to_owned()).collect::<Vec<_>>()
        });
        for path in crate_paths {
            let used: String = path.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
            let used_top = used.split("::").next().unwrap();
            let bridged = BRIDGES.iter().any(|(who, what)| module.starts_with(who) && used.starts_with(what));
            assert!(
                used_top == top || bridged || floor(&used) > floor(&module),
                "src: {module} uses crate::{used}, which does not lie below it"
            );
        }
    }
}

#[test]
fn clap_and_toml_stop_at_their_modules() {
    for (module, text) in sources() {
        let top = module.split("::").next().unwrap();
        for (name, allowed) in CONFINED {
            let used = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.contains(&format!("{name}::")) || line.contains(&format!("use {name}")))
            });
            let doorstep = *name == "clap" && top == "lib";
            assert!(!used || allowed.contains(&top) || doorstep, "src: {module} names {name}");
        }
    }
}

#[test]
fn every_test_file_is_in_the_binary() {
    let main = fs::read_to_string(Path::new(PROJECT).join("tests/it/main.rs")).unwrap();
    for entry in fs::read_dir(Path::new(PROJECT).join("tests/it")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(name == "main" || main.contains(&format!("mod {name};")), "tests/it/main.rs forgets {name}");
    }
}

#[test]
fn the_program_is_static_and_asks_no_c_library_for_names() {
    let program = fs::read(crate::support::PROGRAM).unwrap();
    let holds = |needle: &[u8]| program.windows(needle.len()).any(|window| window == needle);
    // ELF64: the program headers' place, size and number; type 3 is PT_INTERP, the dynamic loader's name.
    let number =
        |at: usize, size: usize| (0..size).rev().fold(0, |sum, byte| sum << 8 | usize::from(program[at + byte]));
    let (place, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    assert!((0..count).all(|header| number(place + header * size, 4) != 3), "the program wants a dynamic loader");
    // A message of the C library's switch, behind `getaddrinfo` and `getpwuid` alike.
    assert!(!holds(b"Illegal status in __nss_next"), "the program holds the C library's look-ups of users or names");
}
