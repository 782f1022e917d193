//! The catalogue: every variable of a tool that a preset sets, where its data belongs, and why.
//!
//! One table, many readers: the exports, `hpcsh env --explain`, the configuration's schema, the README. It lies in files
//! by what a variable is about. The names and values that the article ("Taming Your Offline HPC Environment") sets are
//! kept to the letter.
//!
//! No row has `XDG_CACHE_HOME`, which would put every just-in-time cache onto the shared storage; what follows `HF_HOME`
//! by itself; what switches a feature on (`VLLM_MEDIA_CACHE`) or expects files that somebody must have put there
//! (`TIKTOKEN_ENCODINGS_BASE`); and what only the user knows: mirrors, keys, `UV_LINK_MODE`.

mod compiled;
pub mod mirrors;
mod models;
mod packages;
mod programs;
mod waits;

use std::fmt;

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
    /// What needs no proxy, set while the node is offline: the default, and the hosts of the intranet behind it.
    Exempt,
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
            Self::Offline | Self::Exempt => "offline only",
            Self::Online => "online only",
            Self::Telemetry => "telemetry",
            Self::Anywhere => "always",
        }
    }
}

/// One variable of one tool.
#[derive(Debug)]
pub struct Variable {
    /// The presets that set it.
    pub presets: Presets,
    /// The tool that reads it.
    pub tool: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Where its data belongs.
    pub place: Place,
    /// A path below the place's root (`Shared`, `Local`, `Private`; empty: the root itself), or the value itself.
    pub default: &'static str,
    /// Set variables of these names leave this one out: a tool with a mirror is not cut off from it. A `*` at the end
    /// of a name stands for the rest.
    pub unless: &'static [&'static str],
    /// Why it is set.
    pub reason: &'static str,
    /// Where the behaviour is documented or was seen.
    pub source: &'static str,
}

#[rustfmt::skip]
#[allow(clippy::too_many_arguments)] // a row has that many columns
const fn row(
    presets: &[&str], tool: &'static str, name: &'static str, place: Place, default: &'static str,
    unless: &'static [&'static str], reason: &'static str, source: &'static str,
) -> Variable {
    Variable { presets: Presets::named(presets), tool, name, place, default, unless, reason, source }
}

static FILES: &[&[Variable]] = &[models::ROWS, packages::ROWS, programs::ROWS, compiled::ROWS, waits::ROWS];

/// Every row, file by file.
pub fn rows() -> impl Iterator<Item = &'static Variable> {
    FILES.iter().copied().flatten()
}

/// A set of rows that the configuration names.
#[derive(Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
}

/// The presets, the article's first. A variable of several that are chosen is told as the first one's.
pub static PRESETS: &[Preset] = &PRESET_TABLE;

#[rustfmt::skip]
const PRESET_TABLE: [Preset; 42] = [
    Preset { name: "huggingface", about: "models and data sets of the Hugging Face Hub" },
    Preset { name: "uv", about: "uv's packages and Pythons" },
    Preset { name: "wandb", about: "Weights & Biases: runs on disk, synced from a node that is online" },
    Preset { name: "rust", about: "rustup's toolchains and cargo's crates" },
    Preset { name: "pip", about: "pip's wheels" },
    Preset { name: "uv-tools", about: "what `uv tool install` brings; `path.prepend` needs `$shared_home/cache/uv_tools_bin`" },
    Preset { name: "conda", about: "packages and environments of conda and mamba" },
    Preset { name: "mamba", about: "the root of mamba and micromamba" },
    Preset { name: "pixi", about: "pixi's packages and tools" },
    Preset { name: "npm", about: "npm's packages" },
    Preset { name: "go", about: "Go's modules, and its build cache" },
    Preset { name: "cargo-target", about: "one node-local build directory for all of cargo's projects" },
    Preset { name: "apptainer", about: "Apptainer's images" },
    Preset { name: "singularity", about: "SingularityCE's images" },
    Preset { name: "torch", about: "PyTorch: weights, and code that it compiles" },
    Preset { name: "triton", about: "kernels that Triton compiles" },
    Preset { name: "vllm", about: "vLLM, with everything that it lets others compile" },
    Preset { name: "sglang", about: "SGLang, with everything that it lets others compile" },
    Preset { name: "flashinfer", about: "kernels that FlashInfer compiles" },
    Preset { name: "flashinfer-cubins", about: "kernels that FlashInfer downloads; not where the package flashinfer-cubin brings them" },
    Preset { name: "tilelang", about: "kernels that TileLang and TVM FFI compile" },
    Preset { name: "cuda", about: "what the CUDA driver compiles" },
    Preset { name: "jax", about: "what JAX compiles" },
    Preset { name: "numba", about: "what Numba compiles" },
    Preset { name: "ccache", about: "ccache's objects" },
    Preset { name: "sccache", about: "sccache's objects" },
    Preset { name: "python", about: "Python's byte code, off the shared storage" },
    Preset { name: "ray", about: "Ray's sockets and logs" },
    Preset { name: "matplotlib", about: "Matplotlib's font cache and settings" },
    Preset { name: "modelscope", about: "models of ModelScope" },
    Preset { name: "ollama", about: "models of Ollama" },
    Preset { name: "nltk", about: "NLTK's corpora" },
    Preset { name: "tiktoken", about: "vocabularies of tiktoken and openai-harmony (gpt-oss)" },
    Preset { name: "sentence-transformers", about: "models of sentence-transformers" },
    Preset { name: "lm-eval", about: "requests of the LM evaluation harness" },
    Preset { name: "paddlex", about: "models of PaddleOCR and PaddleX" },
    Preset { name: "netrc", about: "the password file that `wandb login` and others write" },
    Preset { name: "gitstatus", about: "Powerlevel10k's helper" },
    Preset { name: "telemetry", about: "every call home of a tool that is known here, off" },
    Preset { name: "patience", about: "longer waits: slow links, slow shared storage" },
    Preset { name: "failfast", about: "while offline: fewer retries, and the offline switches of Hugging Face, wandb and Go; errors after seconds instead of minutes" },
    Preset { name: "failfast-proxy", about: "HTTP fails at once while offline, but to `dns.allow`, your mirrors and private addresses" },
];

/// Their names, for the table of keys.
pub const PRESET_NAMES: &[&str] = &{
    let mut names = [""; PRESET_TABLE.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = PRESET_TABLE[at].name;
        at += 1;
    }
    names
};

/// Some of the presets. A login asks every row for its presets: that takes one instruction, not a comparison of names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Presets(u64);

impl Presets {
    /// The presets of these names, when the program is compiled: a name that is none does not compile.
    const fn named(names: &[&str]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < names.len() {
            let mut preset = 0;
            while !is_same(PRESET_TABLE[preset].name, names[at]) {
                preset += 1;
            }
            bits |= 1 << preset;
            at += 1;
        }
        Self(bits)
    }

    /// The presets that a configuration names; a name that is none does not count.
    pub fn chosen(names: &[String]) -> Self {
        let place = |name: &String| PRESETS.iter().position(|preset| preset.name == name);
        Self(names.iter().filter_map(place).fold(0, |bits, at| bits | 1 << at))
    }

    /// The first preset that is in both.
    pub fn first_of(self, other: Self) -> Option<&'static Preset> {
        // Without a common one this is 64, which no preset has.
        PRESETS.get((self.0 & other.0).trailing_zeros() as usize)
    }

    /// Each of them, in the order of [`PRESETS`].
    pub fn iter(self) -> impl Iterator<Item = &'static Preset> {
        PRESETS.iter().enumerate().filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, preset)| preset)
    }
}

impl fmt::Debug for Presets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter().map(|preset| preset.name)).finish()
    }
}

/// `==`, which the compiler does not yet have for its own use.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Whether a name is one that [`Variable::unless`] means.
pub fn is_meant(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        None => pattern == name,
        Some(before) => name.starts_with(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::marker;

    fn preset(name: &str) -> Vec<&'static Variable> {
        let chosen = Presets::chosen(&[name.to_owned()]);
        rows().filter(|row| row.presets.first_of(chosen).is_some()).collect()
    }

    #[test]
    fn every_row_belongs_to_a_preset_and_stands_once() {
        let all: Vec<_> = rows().collect();
        for (at, variable) in all.iter().enumerate() {
            let name = variable.name;
            assert!(marker::is_name(name), "{name} is no name of a variable");
            assert!(variable.presets.iter().next().is_some(), "{name}");
            assert!(all[..at].iter().all(|other| other.name != name), "{name} twice");
            for text in [variable.tool, variable.reason, variable.source] {
                assert!(!text.is_empty() && text.trim() == text && !text.contains(['|', '\n']), "{name}: {text:?}");
            }
        }
        assert!(all.len() > 90, "{} rows", all.len());
    }

    #[test]
    fn every_preset_is_documented_and_sets_something() {
        for (at, Preset { name, about }) in PRESETS.iter().enumerate() {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
            assert!(!about.is_empty() && about.len() < 130, "{name}");
            assert!(!preset(name).is_empty(), "{name} sets nothing");
            assert!(PRESETS[..at].iter().all(|other| other.name != *name), "{name} twice");
            assert_eq!(PRESET_NAMES[at], *name);
        }
        assert!(PRESETS.len() <= 64, "a set of presets is 64 bits");
    }

    #[test]
    fn a_path_is_relative_and_a_value_is_none() {
        for Variable { name, place, default, .. } in rows() {
            match place {
                Place::Shared | Place::Private => assert!(!default.is_empty() && !default.starts_with('/'), "{name}"),
                Place::Local => assert!(!default.starts_with('/'), "{name}"),
                _ => assert!(!default.is_empty(), "{name}"),
            }
        }
    }

    #[test]
    fn what_is_compiled_at_run_time_stays_on_the_node() {
        for row in compiled::ROWS {
            let is_path = row.place != Place::Anywhere;
            assert!(!is_path || row.place == Place::Local, "{}", row.name);
        }
        let named = ["JIT", "TRITON", "INDUCTOR", "EXTENSIONS", "WORKSPACE", "COMPILATION", "CACHE_ROOT", "TILELANG"];
        for row in rows().filter(|row| named.iter().any(|part| row.name.contains(part))) {
            assert_eq!(row.place, Place::Local, "{}", row.name);
        }
    }

    #[test]
    fn what_holds_a_token_is_closed_to_others() {
        let holds = ["TOKEN_PATH", "CREDENTIAL", "NETRC", "CONFIG_DIR", "CONFIGDIR", "CONFIG_ROOT"];
        let found: Vec<_> = rows().filter(|row| holds.iter().any(|part| row.name.contains(part))).collect();
        assert!(found.len() >= 6, "{found:?}");
        for row in found {
            // Matplotlib keeps fonts and styles there, and no secret.
            assert!(row.place == Place::Private || row.name == "MPLCONFIGDIR", "{}", row.name);
        }
    }

    #[test]
    fn telemetry_is_all_of_it_and_failfast_holds_only_while_offline() {
        let telemetry: Vec<_> = rows().filter(|row| row.place == Place::Telemetry).map(|row| row.name).collect();
        assert_eq!(preset("telemetry").iter().map(|row| row.name).collect::<Vec<_>>(), telemetry);
        assert!(preset("failfast").iter().all(|row| row.place == Place::Offline));
        // The profile that was measured.
        for name in [
            "PIP_RETRIES",
            "UV_HTTP_RETRIES",
            "npm_config_fetch_retries",
            "CARGO_NET_RETRY",
            "HF_HUB_OFFLINE",
            "WANDB_MODE",
        ] {
            assert!(preset("failfast").iter().any(|row| row.name == name), "{name}");
        }
    }

    #[test]
    fn a_switch_that_cuts_a_tool_off_asks_for_its_mirrors() {
        for row in rows().filter(|row| row.place == Place::Offline) {
            // gitstatus has none: it downloads one file from one place.
            assert!(!row.unless.is_empty() || row.tool == "gitstatus", "{}", row.name);
            assert!(row.unless.iter().all(|name| marker::is_name(&name.replacen('*', "X", 1))), "{}", row.name);
        }
    }

    #[test]
    fn a_star_stands_for_the_rest_of_a_name() {
        assert!(is_meant("A_*", "A_B_INDEX") && is_meant("A", "A"));
        assert!(!is_meant("A_*", "AB") && !is_meant("A", "AB") && !is_meant("AB", "A"));
    }

    #[test]
    fn the_articles_presets_hold_what_they_always_held() {
        let count = |name| preset(name).len();
        assert_eq!(["huggingface", "uv", "wandb", "rust", "pip"].map(count), [8, 7, 7, 2, 2]);
    }
}
