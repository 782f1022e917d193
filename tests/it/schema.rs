//! `hpcsh config schema`: a real validator says of each configuration what the program says.

use std::path::Path;

use crate::support::{Home, PROJECT, path, run, skip};

/// Configurations that both accept.
const RIGHT: &[&str] = &[
    "",
    "shared_home = \"/gpfs\"",
    "state_dir = \"$HOME/x\"\nlocal_dir = \"${HOME}/$USER/$HOSTNAME/$$\"",
    "env = { set = { A = 1, b = true, _C9 = \"$HOME $$ ${USER}\", NEW_LINE = \"a\\nb\" }, presets = [] }",
    "env.presets = [\"vllm\", \"failfast\", \"vllm\"]",
    "env.skip = [\"HF_MODULES_CACHE\", \"ANYTHING\"]",
    "[env.offline]\nUV_OFFLINE = \"0\"\n[env.online]\nWANDB_MODE = \"online\"",
    "path.prepend = [\"/a\", \"$HOME/bin\"]",
    "[node]\nverdict = \"offline\"\noffline_hosts = [\"gpu*\"]",
    "[shell]\nhist = false\nls_colors = \"\"\n[history]\nsize = 0\nfile = \"/h\"\n[venv]\nlabel = true",
    "[dns]\nwhen = \"offline\"\nallow = [\"corp.example\", \".Lab.Example.\", \"_x\"]\ndeny = []\ncache = 0\nthreads = 64\nuser = \"65534\"\n\
     listen = [\"127.0.0.1:5300\", \"[::1]:5300\"]\nupstream = [\"10.0.0.1\", \"fd00::1\"]",
];

/// Configurations that both refuse.
const WRONG: &[&str] = &[
    "shared_hom = \"/gpfs\"",
    "shared_home = 7",
    "shared_home = \"gpfs\"",
    "shared_home = \"~/gpfs\"",
    "state_dir = \"$HOMER/x\"",
    "state_dir = \"$nothing\"",
    "state_dir = \"$$HOME\"",
    "local_dir = \"$USER/x\"",
    "presets = [\"uv\"]",
    "[environment]\nX = \"1\"",
    "env = 1",
    "env.presets = \"uv\"",
    "env.presets = [\"hugingface\"]",
    "env.presets = [1]",
    "env.set = \"A\"",
    "env.HF_HOME = \"/hf\"",
    "env.set.A = 1.5",
    "env.set.A = [\"1\"]",
    "env.set.A = \"$\"",
    "env.set.A = \"$x\"",
    "env.set.A = \"${HOME\"",
    "env.set.A = \"a\\u001fb\"",
    "env.set.\"A-B\" = \"1\"",
    "env.set.1A = \"1\"",
    "env.set.PATH = \"/bin\"",
    "env.set.IFS = \"x\"",
    "env.set.HPCSH_EXPORTS = \"1\"",
    "env.set._hpcsh_verdict = \"1\"",
    "env.skip = [1]",
    "path.prepend = [\"bin\"]",
    "path.prepend = \"/bin\"",
    "node.verdict = \"never\"",
    "node.verdict = true",
    "node.offline_host = [\"gpu*\"]",
    "shell.hist = \"yes\"",
    "history.size = -1",
    "history.size = 2147483648",
    "history.size = \"1\"",
    "dns.when = \"online\"",
    "dns.allow = \"corp.example\"",
    "dns.allow = [\"*.corp.example\"]",
    "dns.allow = [\".\"]",
    "dns.deny = [\"10.0.0.1\"]",
    "dns.deny = [\"a..b\"]",
    "dns.cache = -1",
    "dns.threads = 0",
    "dns.threads = 65",
    "dns.user = 65534",
    "dns.upstream = \"10.0.0.1\"",
];

/// Prints a line for each file: `right`, or the places that are wrong.
const VALIDATE: &str = r#"
import json, sys, tomllib
from jsonschema import Draft202012Validator as Validator
schema = json.load(open(sys.argv[1]))
Validator.check_schema(schema)
for name in sys.argv[2:]:
    wrong = list(Validator(schema).iter_errors(tomllib.load(open(name, "rb"))))
    print("; ".join(error.message.replace("\n", " ") for error in wrong) or "right")
"#;

/// The README's sample of a configuration.
fn sample() -> String {
    let readme = std::fs::read_to_string(Path::new(PROJECT).join("README.md")).unwrap();
    let (_, after) = readme.split_once("```toml\nshared_home").unwrap();
    format!("shared_home{}", after.split_once("```").unwrap().0)
}

#[test]
fn the_schema_says_what_the_program_says() {
    let home = Home::new();
    if !run(home.command("python3").args(["-c", "import jsonschema, tomllib"])).err.is_empty() {
        return skip("Python has no jsonschema or no tomllib");
    }
    let sample = sample();
    let right = RIGHT.iter().copied().chain([sample.as_str()]).map(|text| (text, true));
    let all: Vec<(&str, bool)> = right.chain(WRONG.iter().map(|text| (*text, false))).collect();
    let schema = home.write("schema.json", home.hpcsh(&["config", "schema"]).clean());
    let mut python = home.command("python3");
    python.args(["-c", VALIDATE]).arg(schema).env("PATH", path());
    for (at, (text, _)) in all.iter().enumerate() {
        python.arg(home.write(&format!("{at}.toml"), text));
    }
    let said = run(&mut python).clean();
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(said.len(), all.len());
    for ((text, is_right), said) in all.into_iter().zip(said) {
        assert_eq!(said == "right", is_right, "the schema of {text:?}: {said}");
        home.configure(text);
        // `$USER` needs a name, which the home of a test has not.
        let check = run(home.command(crate::support::PROGRAM).args(["config", "check"]).env("USER", "ada"));
        assert_eq!(check.status == 0, is_right, "the program of {text:?}: {}", check.err);
    }
}
