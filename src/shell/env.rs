//! Which variables the shell gets: the presets of the catalogue and the user's own, as an ordered set of exports.
//!
//! What is decided here depends on the configuration alone. What depends on the environment ("his own value wins", "this
//! one is still ours") is decided where the exports are applied, by the marker: see [`Marker`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::catalogue::{CATALOGUE, Place, Variable};

/// The `[env]` table, values expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Names of presets.
    pub presets: Vec<String>,
    /// Variables of the presets that are left alone.
    pub skip: Vec<String>,
    /// Always set.
    pub set: BTreeMap<String, String>,
    /// Set while offline.
    pub offline: BTreeMap<String, String>,
    /// Set while online.
    pub online: BTreeMap<String, String>,
}

/// The directories below which the catalogue's paths lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// The lasting storage; without it, what belongs there is not set.
    pub shared: Option<PathBuf>,
    /// The node's own disk.
    pub local: PathBuf,
    /// What others must not read.
    pub private: PathBuf,
}

/// Where an export comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// A row of the catalogue.
    Preset(&'static Variable),
    /// `env.set`, `env.offline`, `env.online`: the name of the table.
    Table(&'static str),
}

/// One variable, and its value in either state of the node.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its value while offline; `None`: not set.
    pub offline: Option<String>,
    /// Its value while online; `None`: not set.
    pub online: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Export {
    /// The value in this state of the node.
    pub fn value(&self, offline: bool) -> Option<&str> {
        if offline { self.offline.as_deref() } else { self.online.as_deref() }
    }

    /// The value that holds in both states.
    pub fn both(&self) -> Option<&str> {
        self.offline.as_deref().filter(|value| self.online.as_deref() == Some(value))
    }

    /// The value that holds in this state and not, or not so, in the other.
    pub fn only(&self, offline: bool) -> Option<&str> {
        self.value(offline).filter(|_| self.both().is_none())
    }

    /// Whether the value lies below the node-local directory, which must then be there and ours.
    pub fn is_local(&self) -> bool {
        matches!(self.origin, Origin::Preset(variable) if variable.place == Place::Local)
    }
}

/// The exports that a configuration asks for: the catalogue's order first, then the user's own names.
pub fn plan(settings: &Settings, roots: &Roots) -> Vec<Export> {
    let mut exports: Vec<Export> = CATALOGUE
        .iter()
        .filter(|row| settings.presets.iter().any(|preset| preset == row.preset))
        .filter(|row| !settings.skip.iter().any(|name| name == row.name))
        .filter(|row| !row.unless.iter().any(|name| settings.has(name)))
        .filter_map(|row| preset(row, roots))
        .collect();
    let tables = [("env.set", &settings.set), ("env.offline", &settings.offline), ("env.online", &settings.online)];
    for (table, variables) in tables {
        for (name, value) in variables {
            let at = exports.iter().position(|export| export.name == *name).unwrap_or_else(|| {
                let (offline, online) = (None, None);
                exports.push(Export { name: name.clone(), offline, online, origin: Origin::Table(table) });
                exports.len() - 1
            });
            let export = &mut exports[at];
            export.origin = Origin::Table(table);
            if table != "env.online" {
                export.offline = Some(value.clone());
            }
            if table != "env.offline" {
                export.online = Some(value.clone());
            }
        }
    }
    exports
}

impl Settings {
    /// Whether the user's own tables set this variable in any state.
    fn has(&self, name: &str) -> bool {
        [&self.set, &self.offline, &self.online].iter().any(|table| table.contains_key(name))
    }
}

fn preset(row: &'static Variable, roots: &Roots) -> Option<Export> {
    let below = |root: &PathBuf| root.join(row.default).to_string_lossy().into_owned();
    let value = match row.place {
        Place::Shared => below(roots.shared.as_ref()?),
        Place::Local => below(&roots.local),
        Place::Private => below(&roots.private),
        Place::Offline | Place::Online | Place::Telemetry | Place::Anywhere => row.default.to_owned(),
    };
    Some(Export {
        name: row.name.to_owned(),
        offline: (row.place != Place::Online).then(|| value.clone()),
        online: (row.place != Place::Offline).then_some(value),
        origin: Origin::Preset(row),
    })
}

/// The exported marker `HPCSH_EXPORTS`: the names and values that hpcsh has exported, as records between separators.
///
/// A variable is ours while the marker holds its name with the value that it has now. What somebody changed by hand
/// since then is his.
#[derive(Clone, Debug, Default)]
pub struct Marker(Vec<u8>);

impl Marker {
    /// Its name.
    pub const NAME: &'static str = "HPCSH_EXPORTS";
    /// Begins, parts and ends the records: U+001F, which no value of ours holds.
    pub const SEPARATOR: u8 = 0x1f;

    /// The marker as it was inherited.
    pub fn inherited(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Whether this variable with this value was exported by hpcsh.
    pub fn holds(&self, name: &str, value: &[u8]) -> bool {
        let record = [name.as_bytes(), b"=", value].concat();
        self.0.split(|byte| *byte == Self::SEPARATOR).any(|found| found == record)
    }

    /// The names that the marker holds while the variable still has the value that it was given.
    ///
    /// The marker was inherited: a name in it may be anything, and only one that is a name is given.
    pub fn still_ours(&self, current: impl Fn(&str) -> Option<Vec<u8>>) -> Vec<String> {
        let record = |record: &[u8]| {
            let at = record.iter().position(|byte| *byte == b'=')?;
            let name = String::from_utf8(record[..at].to_vec()).ok().filter(|name| is_name(name))?;
            (current(&name)? == record[at + 1..]).then_some(name)
        };
        self.0.split(|byte| *byte == Self::SEPARATOR).filter_map(record).collect()
    }

    /// Takes over what an interactive shell added beside the configured variables, its directories in PATH and the
    /// colours of its first prompt: a `+` stands behind the name.
    pub fn keep_additions(&mut self, old: &Self) {
        for record in old.0.split(|byte| *byte == Self::SEPARATOR).filter_map(|record| std::str::from_utf8(record).ok())
        {
            if let Some((name, value)) = record.split_once('=')
                && name.ends_with('+')
            {
                self.add(name, value);
            }
        }
    }

    /// Adds a record.
    pub fn add(&mut self, name: &str, value: &str) {
        if self.0.is_empty() {
            self.0.push(Self::SEPARATOR);
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(Self::SEPARATOR);
    }

    /// The value to export.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether a shell can have a variable of this name.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What becomes of one export in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It is set to this value.
    Set(&'a str),
    /// It was ours and is taken back.
    Unset,
    /// The user has a value of his own, which stays.
    Users,
    /// It is not set, and nothing is to be done.
    Absent,
}

/// What becomes of an export where the variable now has the value `current` and the marker says whose it is.
pub fn fate<'a>(export: &'a Export, offline: bool, current: Option<&[u8]>, marker: &Marker) -> Fate<'a> {
    match (current, export.value(offline)) {
        (Some(current), _) if !marker.holds(&export.name, current) => Fate::Users,
        (_, Some(value)) => Fate::Set(value),
        (Some(_), None) => Fate::Unset,
        (None, None) => Fate::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article() -> (Settings, Roots) {
        let presets = ["huggingface", "uv", "wandb"].map(str::to_owned).to_vec();
        let roots = Roots { shared: Some("/gpfs".into()), local: "/l".into(), private: "/p".into() };
        (Settings { presets, ..Settings::default() }, roots)
    }

    fn value_of(exports: &[Export], name: &str, offline: bool) -> Option<String> {
        exports.iter().find(|export| export.name == name)?.value(offline).map(str::to_owned)
    }

    #[test]
    fn the_articles_variables_have_the_articles_values() {
        let (settings, roots) = article();
        let exports = plan(&settings, &roots);
        for (name, value) in [
            ("HF_HOME", "/gpfs/cache/hf"),
            ("HF_HUB_OFFLINE", "1"),
            ("UV_CACHE_DIR", "/gpfs/cache/uv"),
            ("UV_PYTHON_INSTALL_DIR", "/gpfs/cache/uv_python"),
            ("UV_PYTHON_PREFERENCE", "only-managed"),
            ("UV_VENV_SEED", "1"),
            ("WANDB_MODE", "offline"),
            ("WANDB_DIR", "/gpfs/cache"),
            ("WANDB_ARTIFACT_DIR", "/gpfs/cache/wandb_artifacts"),
            ("WANDB_DATA_DIR", "/gpfs/cache/wandb_data"),
        ] {
            assert_eq!(value_of(&exports, name, true).as_deref(), Some(value), "{name}");
        }
        assert_eq!(value_of(&exports, "WANDB_MODE", false), None);
        let rust = Settings { presets: vec!["rust".into()], ..Settings::default() };
        let exports = plan(&rust, &roots);
        assert_eq!(value_of(&exports, "RUSTUP_HOME", false).as_deref(), Some("/gpfs/cache/rust/rustup"));
        assert_eq!(value_of(&exports, "CARGO_HOME", false).as_deref(), Some("/gpfs/cache/rust/cargo"));
    }

    #[test]
    fn without_shared_storage_what_belongs_there_is_not_set() {
        let (settings, roots) = article();
        let exports = plan(&settings, &Roots { shared: None, ..roots });
        assert_eq!(value_of(&exports, "HF_HOME", true), None);
        assert_eq!(value_of(&exports, "HF_HUB_OFFLINE", true).as_deref(), Some("1"));
    }

    #[test]
    fn a_tool_with_a_mirror_keeps_its_network() {
        let (mut settings, roots) = article();
        assert_eq!(value_of(&plan(&settings, &roots), "UV_OFFLINE", true).as_deref(), Some("1"));
        settings.set.insert("UV_INDEX".into(), "http://mirror/simple".into());
        assert_eq!(value_of(&plan(&settings, &roots), "UV_OFFLINE", true), None);
    }

    #[test]
    fn the_users_tables_overrule_the_presets_state_by_state() {
        let (mut settings, roots) = article();
        settings.set.insert("HF_HOME".into(), "/mine".into());
        settings.online.insert("WANDB_MODE".into(), "online".into());
        settings.skip.push("UV_VENV_SEED".into());
        let exports = plan(&settings, &roots);
        assert_eq!(value_of(&exports, "HF_HOME", true).as_deref(), Some("/mine"));
        assert_eq!(value_of(&exports, "WANDB_MODE", true).as_deref(), Some("offline"));
        assert_eq!(value_of(&exports, "WANDB_MODE", false).as_deref(), Some("online"));
        assert_eq!(value_of(&exports, "UV_VENV_SEED", true), None);
    }

    #[test]
    fn a_variable_is_ours_until_somebody_changes_it() {
        let export =
            Export { name: "A".into(), offline: Some("1".into()), online: None, origin: Origin::Table("env.offline") };
        let mut marker = Marker::default();
        assert_eq!(fate(&export, true, None, &marker), Fate::Set("1"));
        assert_eq!(fate(&export, true, Some(b"1"), &marker), Fate::Users);
        marker.add("A", "0");
        marker.add("B", "1");
        assert_eq!(fate(&export, true, Some(b"0"), &marker), Fate::Set("1"));
        assert_eq!(fate(&export, true, Some(b"1"), &marker), Fate::Users);
        assert_eq!(fate(&export, false, Some(b"0"), &marker), Fate::Unset);
        assert_eq!(fate(&export, false, None, &marker), Fate::Absent);
    }
}
