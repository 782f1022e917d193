//! The programs, each in a directory and with a home of its own, so that none finds what another one has left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::report::Report;
use crate::stage::{Stage, find, output};

/// One of them.
pub struct Program {
    /// As in the table.
    pub name: &'static str,
    /// What is run.
    pub words: Vec<String>,
    /// Its whole environment.
    pub variables: Vec<(String, String)>,
    /// Where.
    pub dir: PathBuf,
    /// Seconds in each of the three worlds.
    pub taken: [f64; 3],
}

/// Where Python's libraries stay that are fetched for this.
const FETCHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench-programs");
/// What is fetched, from `PyPI`.
const LIBRARIES: [&str; 5] = ["transformers==4.57.3", "huggingface_hub==0.36.0", "requests", "pip", "uv"];

/// A model of the smallest kind, as the library caches it; its commit is made up.
const MODEL: &str = r#"
import json, os, sys
from tokenizers import Tokenizer, models
commit = "0123456789012345678901234567890123456789"
base = os.path.join(sys.argv[1], "hub", "models--org--tiny")
snapshot = os.path.join(base, "snapshots", commit)
for dir in (snapshot, os.path.join(base, "refs"), os.path.join(base, "blobs")):
    os.makedirs(dir)
open(os.path.join(base, "refs", "main"), "w").write(commit)
Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(os.path.join(snapshot, "tokenizer.json"))
json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}, open(os.path.join(snapshot, "tokenizer_config.json"), "w"))
json.dump({"model_type": "bert"}, open(os.path.join(snapshot, "config.json"), "w"))
"#;

/// Makes them ready; says which are not there.
pub fn prepare(stage: &Stage, report: &mut Report) -> Result<Vec<Program>, String> {
    let python = libraries().map_err(|why| report.skip(format!("no Python libraries: {why}"))).ok();
    let bin = python.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let beside = |name: &str| bin.as_ref().map(|dir| dir.join(name)).filter(|path| path.is_file());
    // Not the one that chooses among several, which asks for its own home.
    let cargo = std::env::var_os("CARGO").map(PathBuf::from);
    let lookup = "import socket; socket.getaddrinfo('huggingface.co', 443)";
    let file = "from huggingface_hub import hf_hub_download; hf_hub_download('org/tiny', 'config.json')";
    let tokenizer = "from transformers import AutoTokenizer; AutoTokenizer.from_pretrained('org/tiny')";
    let clone = ["clone", "-q", "https://github.com/org/repository"];
    let wheel = ["install", "-q", "--target", "out", "six"];
    let all: [(&'static str, Option<PathBuf>, &[&str]); 9] = [
        ("`getaddrinfo`", find("python3"), &["-c", lookup]),
        ("`curl`", find("curl"), &["-sS", "https://huggingface.co"]),
        ("`git clone`", find("git"), &clone),
        ("`pip install`", beside("pip"), &wheel),
        ("`uv pip install`", beside("uv"), &["pip", "install", "-q", "--target", "out", "six"]),
        ("`npm install`", find("npm"), &["install", "--no-audit", "--no-fund", "left-pad"]),
        ("`cargo fetch`", cargo, &["fetch", "-q"]),
        ("`hf_hub_download`, cached", python.clone(), &["-c", file]),
        ("`AutoTokenizer`, cached", python.clone(), &["-c", tokenizer]),
    ];
    let mut programs = Vec::new();
    for (at, (name, program, words)) in all.into_iter().enumerate() {
        let Some(program) = program else {
            report.skip(format!("{name}: it is not installed"));
            continue;
        };
        let dir = stage.path(format!("headline/{at}"));
        let home = dir.join("home");
        fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        stage.write(
            &format!("headline/{at}/Cargo.toml"),
            "[package]\nname = \"a\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[dependencies]\nlibc = \"0.2\"\n",
        )?;
        stage.write(&format!("headline/{at}/src/lib.rs"), "")?;
        let model = home.join(".cache/huggingface");
        if words.iter().any(|word| word.contains("org/tiny"))
            && let Some(python) = &python
        {
            output(Command::new(python).arg("-c").arg(MODEL).arg(&model))?;
        }
        let own = |path: &Path| path.to_string_lossy().into_owned();
        let path = bin.as_deref().map_or(String::new(), |dir| format!("{}:", dir.display()));
        let mut variables = vec![
            ("HOME".to_owned(), own(&home)),
            ("PATH".to_owned(), format!("{path}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            // What the machine's owner has configured is not what is measured.
            ("PIP_CONFIG_FILE".to_owned(), "/dev/null".to_owned()),
            ("UV_NO_CONFIG".to_owned(), "1".to_owned()),
            ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
            ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
            ("npm_config_globalconfig".to_owned(), "/dev/null".to_owned()),
        ];
        variables.extend(python.as_deref().map(|python| ("UV_PYTHON".to_owned(), own(python))));
        let words = std::iter::once(own(&program)).chain(words.iter().map(|&word| word.to_owned())).collect();
        programs.push(Program { name, words, variables, dir, taken: [f64::NAN; 3] });
    }
    Ok(programs)
}

/// The Python that has the libraries.
fn libraries() -> Result<PathBuf, String> {
    let (dir, mark) = (Path::new(FETCHED), Path::new(FETCHED).join("done"));
    let python = dir.join("bin/python");
    if !mark.is_file() {
        let _ = fs::remove_dir_all(dir);
        output(Command::new("python3").args(["-m", "venv"]).arg(dir))?;
        output(Command::new(&python).args(["-m", "pip", "install", "-q"]).args(LIBRARIES))?;
        fs::write(mark, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
}
