//! The catalogue: every variable of a tool that a preset sets, where its data belongs, and why.
//!
//! One table, many readers: the exports, `hpcsh env --explain`, the documentation. The names and values that the article
//! ("Taming Your Offline HPC Environment") sets are kept to the letter.

use Place::{Anywhere, Local, Offline, Private, Shared, Telemetry};

/// Where the data of a variable belongs, or when the variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the shared storage, below `shared_home`.
    Shared,
    /// On a disk of this node, below `local_dir`: races and small files break on shared storage.
    Local,
    /// In `state_dir`, closed to others.
    Private,
    /// A switch that is set while the node is offline.
    Offline,
    /// A switch that is set while the node is online.
    Online,
    /// A call home that is turned off, always.
    Telemetry,
    /// A habit of the tool, always.
    Anywhere,
}

impl Place {
    /// The place as a word or two, for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Local => "node-local",
            Self::Private => "private",
            Self::Offline => "offline only",
            Self::Online => "online only",
            Self::Telemetry => "telemetry",
            Self::Anywhere => "always",
        }
    }
}

/// One variable of one tool.
#[derive(Debug)]
pub struct Variable {
    /// The preset that sets it.
    pub preset: &'static str,
    /// The tool that reads it.
    pub tool: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Where its data belongs.
    pub place: Place,
    /// A path below the place's root (`Shared`, `Local`, `Private`), or the value itself.
    pub default: &'static str,
    /// Set variables of these names leave this one out: a tool with a mirror is not cut off from it.
    pub unless: &'static [&'static str],
    /// Why it is set.
    pub reason: &'static str,
    /// Where the behaviour is documented or was seen.
    pub source: &'static str,
}

/// The names of the presets.
pub const PRESETS: &[&str] = &["huggingface", "uv", "wandb", "rust", "pip"];

const UV_MIRRORS: &[&str] = &["UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"];
const PYTHON_MIRRORS: &[&str] = &["UV_PYTHON_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL", "UV_ASTRAL_MIRROR_URL"];
const HUB_MIRRORS: &[&str] = &["HF_ENDPOINT"];

const HF: &str = "Hugging Face";

#[rustfmt::skip]
#[allow(clippy::too_many_arguments)] // a row has that many columns
const fn row(
    preset: &'static str, tool: &'static str, name: &'static str, place: Place, default: &'static str,
    unless: &'static [&'static str], reason: &'static str, source: &'static str,
) -> Variable {
    Variable { preset, tool, name, place, default, unless, reason, source }
}

/// The table, preset by preset.
#[rustfmt::skip]
pub static CATALOGUE: &[Variable] = &[
    row("huggingface", HF, "HF_HOME", Shared, "cache/hf", &[],
        "one cache of models and data sets for all nodes", "huggingface_hub constants.py; the article"),
    row("huggingface", HF, "HF_TOKEN_PATH", Private, "huggingface/token", &[],
        "`hf auth login` closes the directory of the token to others: a shared HF_HOME would be lost to them", "huggingface_hub PR #4234"),
    row("huggingface", HF, "HF_MODULES_CACHE", Local, "cache/hf_modules", &[],
        "remote code is written at run time by many ranks at once", "transformers dynamic_module_utils.py"),
    row("huggingface", HF, "HF_HUB_OFFLINE", Offline, "1", HUB_MIRRORS,
        "a cached model otherwise waits minutes for packets that vanish", "huggingface_hub constants.py; the article"),
    row("huggingface", HF, "TRANSFORMERS_OFFLINE", Offline, "1", HUB_MIRRORS,
        "older transformers do not follow HF_HUB_OFFLINE", "huggingface_hub constants.py"),
    row("huggingface", HF, "HF_DATASETS_OFFLINE", Offline, "1", HUB_MIRRORS,
        "older datasets do not follow HF_HUB_OFFLINE", "datasets config.py"),
    row("huggingface", HF, "HF_HUB_DISABLE_TELEMETRY", Telemetry, "1", &[],
        "no calls home", "huggingface_hub constants.py"),
    row("huggingface", HF, "HF_HUB_DISABLE_UPDATE_CHECK", Telemetry, "1", &[],
        "`hf` asks PyPI for a newer version of itself", "huggingface_hub constants.py"),

    row("uv", "uv", "UV_CACHE_DIR", Shared, "cache/uv", &[],
        "packages are hard-linked from here: the same file system as the environments", "uv env_vars.rs; the article"),
    row("uv", "uv", "UV_PYTHON_INSTALL_DIR", Shared, "cache/uv_python", &[],
        "an environment's python is a link: its target must be on every node", "uv env_vars.rs; the article"),
    row("uv", "uv", "UV_PYTHON_CACHE_DIR", Shared, "cache/uv_python_archives", &[],
        "archives of Python are kept, so that an offline node can install from them", "uv env_vars.rs"),
    row("uv", "uv", "UV_PYTHON_PREFERENCE", Anywhere, "only-managed", &[],
        "a container's own Python is not on the next node", "the article"),
    row("uv", "uv", "UV_VENV_SEED", Anywhere, "1", &[],
        "environments hold pip, which many scripts call", "the article"),
    row("uv", "uv", "UV_OFFLINE", Offline, "1", UV_MIRRORS,
        "fails at once instead of after its retries", "uv env_vars.rs"),
    row("uv", "uv", "UV_PYTHON_DOWNLOADS", Offline, "never", PYTHON_MIRRORS,
        "says at once which Python is missing", "uv env_vars.rs"),

    row("wandb", "Weights & Biases", "WANDB_MODE", Offline, "offline", &["WANDB_BASE_URL"],
        "runs are written to disk and synced later from a node that is online", "the article"),
    row("wandb", "Weights & Biases", "WANDB_DIR", Shared, "cache", &[],
        "runs lie in its folder `wandb`, where the login node sees them", "wandb env.py; the article"),
    row("wandb", "Weights & Biases", "WANDB_ARTIFACT_DIR", Shared, "cache/wandb_artifacts", &[],
        "downloaded artifacts", "wandb env.py; the article"),
    row("wandb", "Weights & Biases", "WANDB_DATA_DIR", Shared, "cache/wandb_data", &[],
        "staged artifacts: the login node must find them to sync a run", "wandb env.py; the article"),
    row("wandb", "Weights & Biases", "WANDB_CACHE_DIR", Shared, "cache/wandb_cache", &[],
        "a run's debug log is a link into it, and whoever syncs the run reads that", "wandb 0.31, seen"),
    row("wandb", "Weights & Biases", "WANDB_CONFIG_DIR", Private, "wandb", &[],
        "settings must outlive the container", "wandb env.py"),
    row("wandb", "Weights & Biases", "WANDB_ERROR_REPORTING", Telemetry, "false", &[],
        "no calls home", "wandb env.py"),

    row("rust", "rustup", "RUSTUP_HOME", Shared, "cache/rust/rustup", &[],
        "toolchains outlive the container", "rustup book; the article"),
    row("rust", "cargo", "CARGO_HOME", Shared, "cache/rust/cargo", &[],
        "fetched crates and installed programs outlive the container", "cargo book; the article"),

    row("pip", "pip", "PIP_CACHE_DIR", Shared, "cache/pip", &[],
        "one cache of wheels for all nodes", "pip documentation"),
    row("pip", "pip", "PIP_DISABLE_PIP_VERSION_CHECK", Telemetry, "1", &[],
        "pip asks PyPI for a newer version of itself", "pip documentation"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_belongs_to_a_preset_and_stands_once() {
        for (at, variable) in CATALOGUE.iter().enumerate() {
            assert!(PRESETS.contains(&variable.preset), "{}", variable.name);
            assert!(CATALOGUE[..at].iter().all(|other| other.name != variable.name), "{} twice", variable.name);
            assert!(!variable.reason.is_empty() && !variable.source.is_empty(), "{}", variable.name);
        }
    }
}
