//! A cache as the library leaves it: each model with one commit, `main`, a list of its files, and a blob behind each.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::stage::Stage;

/// How many models there are.
pub const MODELS: usize = 200;
/// How many files each has.
pub const FILES: usize = 30;
/// The one that is asked for.
pub const NAME: &str = "org/model-100";

const COMMIT: &str = "0123456789012345678901234567890123456789";
/// The library's newest generation of those that `tests/run` makes.
const GENERATION: &str = "2.4.0";

/// See the module.
pub struct Cache {
    /// Where it lies.
    pub stage: Stage,
}

impl Cache {
    /// Makes it on this stage.
    pub fn fill(stage: Stage) -> Result<Self, String> {
        let cache = Self { stage };
        let broken = |error: std::io::Error| format!("cannot make a cache: {error}");
        for model in 0..MODELS {
            let repository = cache.path().join(format!("models--org--model-{model}"));
            let snapshot = repository.join("snapshots").join(COMMIT);
            for dir in [&snapshot, &repository.join("blobs"), &repository.join("refs"), &repository.join("trees")] {
                fs::create_dir_all(dir).map_err(broken)?;
            }
            fs::write(repository.join("refs/main"), COMMIT).map_err(broken)?;
            let mut list = String::new();
            for file in 0..FILES {
                let blob = format!("{file:064x}");
                let name = format!("model-{file:05}-of-{FILES:05}.safetensors");
                fs::write(repository.join("blobs").join(&blob), [0; 100]).map_err(broken)?;
                symlink(format!("../../blobs/{blob}"), snapshot.join(&name)).map_err(broken)?;
                let comma = if file == 0 { "" } else { "," };
                let _ = write!(list, r#"{comma}"{name}":{{"size":100,"blob_id":"{blob}"}}"#);
            }
            let list = format!(r#"{{"format_version":1,"files":{{{list}}}}}"#);
            fs::write(repository.join(format!("trees/{COMMIT}.json")), list).map_err(broken)?;
        }
        Ok(cache)
    }

    /// Its path.
    pub fn path(&self) -> PathBuf {
        self.stage.shared.join("hf/hub")
    }

    /// Our program, with these words.
    pub fn ours(&self, words: &[&str]) -> Command {
        let mut command = self.stage.command(&self.stage.program);
        command.env("HF_HOME", self.stage.shared.join("hf")).arg("hf").args(words);
        command
    }

    /// The library's, offline and without its calls home; `None` where it is not installed.
    pub fn theirs(&self, words: &[&str]) -> Option<Command> {
        let program = PathBuf::from(std::env::var_os("HPCSH_TESTS_TOOLS")?).join("hf").join(GENERATION).join("bin/hf");
        let mut command = self.stage.command(program.is_file().then_some(program)?);
        command
            .env("HF_HOME", self.stage.shared.join("hf"))
            .env("HF_HUB_OFFLINE", "1")
            .env("HF_HUB_DISABLE_UPDATE_CHECK", "1")
            .env("HF_HUB_DISABLE_TELEMETRY", "1")
            .args(words);
        Some(command)
    }

    /// What the figures hold of.
    pub fn library(&self) -> String {
        match self.theirs(&[]) {
            Some(_) => format!("huggingface_hub {GENERATION}"),
            None => format!("huggingface_hub {GENERATION} is not installed (tests/run makes it)"),
        }
    }
}
