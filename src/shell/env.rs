//! Which variables the shell gets: the presets of the catalogue and the user's own, as an ordered set of exports.
//!
//! What is decided here depends on the configuration alone. What depends on the environment ("his own value wins", "this
//! one is still ours") is decided where the exports are applied, by the marker: see [`super::marker`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::host::Host;

use super::catalogue::{self, Place, Preset, Presets, Variable, is_meant, mirrors};

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
    /// Hosts of the intranet, and domains with all below them; only where [`NEEDS_INTRANET`] is chosen.
    pub intranet: Vec<String>,
}

/// The preset that holds unless it is switched off.
pub const FAILFAST: &str = "failfast";
/// The preset that has to know the intranet.
pub const NEEDS_INTRANET: &str = "failfast-proxy";

/// Where an export comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// A row of the catalogue, and the first of the chosen presets that have it.
    Preset(&'static Variable, &'static Preset),
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
    /// Whether the value while offline is the configuration's own, which no mirror leaves out.
    pub is_explicit: bool,
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

    /// The mirrors that leave its value while offline out.
    pub fn mirrors(&self) -> &'static [&'static str] {
        let row = match self.origin {
            _ if self.is_explicit => None,
            Origin::Preset(row, _) => Some(row).filter(|row| mirrors::holds_offline(row)),
            Origin::Table(_) => mirrors::row(&self.name),
        };
        row.map_or(&[], |row| row.unless)
    }

    /// Whether a value of one of these looks like a pattern of file names: bash would have to be told that it is none.
    pub fn are_patterns(exports: &[Self]) -> bool {
        let values = exports.iter().flat_map(|export| [&export.offline, &export.online]).flatten();
        values.into_iter().any(|value| value.contains(['*', '?', '[', '(', '\\']))
    }

    /// Whether the value lies below the node-local directory, which must then be there and ours.
    pub fn is_local(&self) -> bool {
        matches!(self.origin, Origin::Preset(variable, _) if variable.place == Place::Local)
    }
}

/// The exports that a configuration asks for: the catalogue's order first, then the user's own names.
pub fn plan(settings: &Settings, roots: &Roots) -> Vec<Export> {
    let chosen = Presets::chosen(&settings.presets);
    let named = [true, false].map(|offline| settings.names(offline));
    let mut exports: Vec<Export> = catalogue::rows()
        .filter_map(|row| Some((row, row.presets.first_of(chosen)?)))
        .filter(|(row, _)| !settings.skip.iter().any(|name| name == row.name))
        .filter_map(|(row, preset)| preset_export(row, preset, &named, roots))
        .collect();
    let tables = [("env.set", &settings.set), ("env.offline", &settings.offline), ("env.online", &settings.online)];
    for (table, variables) in tables {
        for (name, value) in variables {
            let at = exports.iter().position(|export| export.name == *name).unwrap_or_else(|| {
                let (offline, online) = (None, None);
                exports.push(Export {
                    name: name.clone(),
                    offline,
                    online,
                    origin: Origin::Table(table),
                    is_explicit: false,
                });
                exports.len() - 1
            });
            let export = &mut exports[at];
            export.origin = Origin::Table(table);
            if table != "env.online" {
                export.offline = Some(value.clone());
                export.is_explicit = true;
            }
            if table != "env.offline" {
                export.online = Some(value.clone());
            }
        }
    }
    exports
}

/// The mirrors that a user may name in his environment, and that leave out some of these exports then; sorted. What the configuration gives
/// a value itself has done so already, and a variable that is a switch and a mirror in one is his where he has set it.
pub fn sought(exports: &[Export]) -> Vec<&'static str> {
    let is_own = |export: &Export| {
        let names_one = export.offline.as_ref().is_some_and(|value| !value.is_empty());
        matches!(export.origin, Origin::Table(_)) && names_one
    };
    let is_set = |name: &str| exports.iter().any(|export| export.name == name && is_own(export));
    let of = exports.iter().flat_map(|export| export.mirrors().iter().map(move |mirror| (export, *mirror)));
    let mut names: Vec<&str> = of.filter(|(export, mirror)| *mirror != export.name).map(|(_, mirror)| mirror).collect();
    // Tools share mirrors.
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !is_set(name));
    names
}

/// Whether the environment has a variable of these exports, a mirror that leaves one of them out, or one of these names; see
/// [`Host::is_free`].
pub fn is_taken(host: &Host, exports: &[Export], others: &'static [&'static str]) -> bool {
    let mut names: Vec<&str> = exports.iter().map(|export| export.name.as_str()).collect();
    for name in exports.iter().flat_map(Export::mirrors).chain(others) {
        names.push(name);
    }
    // Tools share mirrors.
    names.sort_unstable();
    names.dedup();
    // Each is asked, whatever the others say, since the answer is kept for as long as all say the same.
    names.into_iter().filter(|name| !host.is_free(name)).count() > 0
}

impl Settings {
    /// The variables to which the user's own tables give a value in this state of the node. An empty one names no mirror.
    fn names(&self, offline: bool) -> Vec<&str> {
        let table = if offline { &self.offline } else { &self.online };
        let set = self.set.iter().filter(|(name, _)| !table.contains_key(*name)).chain(table);
        set.filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str()).collect()
    }
}

/// The export of a row; `None` where its root is not configured, or where it holds in neither state of the node. `names`
/// are the user's own variables while offline and while online.
fn preset_export(
    row: &'static Variable,
    preset: &'static Preset,
    names: &[Vec<&str>; 2],
    roots: &Roots,
) -> Option<Export> {
    let is_free = |names: &[&str]| !row.unless.iter().any(|mirror| names.iter().any(|name| is_meant(mirror, name)));
    let offline = row.place != Place::Online && is_free(&names[0]);
    let online = !matches!(row.place, Place::Offline | Place::Exempt) && is_free(&names[1]);
    if !offline && !online {
        return None;
    }
    // A path joined with an empty one would end in a slash.
    let below = |root: &PathBuf| if row.default.is_empty() { root.clone() } else { root.join(row.default) };
    let path = |root: &PathBuf| below(root).to_string_lossy().into_owned();
    let value = match row.place {
        Place::Shared => path(roots.shared.as_ref()?),
        Place::Local => path(&roots.local),
        Place::Private => path(&roots.private),
        Place::Exempt => roots.intranet.iter().fold(row.default.to_owned(), |list, name| list + "," + name),
        Place::Offline | Place::Online | Place::Telemetry | Place::Anywhere => row.default.to_owned(),
    };
    Some(Export {
        name: row.name.to_owned(),
        offline: offline.then(|| value.clone()),
        online: online.then_some(value),
        origin: Origin::Preset(row, preset),
        is_explicit: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article() -> (Settings, Roots) {
        let presets = ["huggingface", "uv", "wandb"].map(str::to_owned).to_vec();
        let roots =
            Roots { shared: Some("/gpfs".into()), local: "/l".into(), private: "/p".into(), ..Roots::default() };
        (Settings { presets, ..Settings::default() }, roots)
    }

    fn value_of(exports: &[Export], name: &str, offline: bool) -> Option<String> {
        exports.iter().find(|export| export.name == name)?.value(offline).map(str::to_owned)
    }

    #[test]
    fn a_mirror_without_a_name_is_still_sought() {
        let (mut settings, roots) = article();
        let is_sought = |settings: &Settings| sought(&plan(settings, &roots)).contains(&"UV_INDEX");
        settings.presets.push("failfast".to_owned());
        assert!(is_sought(&settings));
        settings.set.insert("UV_INDEX".to_owned(), String::new());
        assert!(is_sought(&settings), "an empty one names none");
        settings.set.insert("UV_INDEX".to_owned(), "http://mirror".to_owned());
        assert!(!is_sought(&settings));
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

    /// Every preset, and one of the user's own variables.
    fn all_with(name: &str, value: &str) -> (Settings, Roots) {
        let (_, roots) = article();
        let presets = catalogue::PRESET_NAMES.iter().map(|name| (*name).to_owned()).collect();
        let set = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        (Settings { presets, set, ..Settings::default() }, roots)
    }

    #[test]
    fn a_tool_with_a_mirror_keeps_its_network() {
        // Each mirror, and what it leaves out: the tool's offline switch, and its fewer retries.
        let uv = &["UV_OFFLINE", "UV_HTTP_RETRIES", "UV_HTTP_CONNECT_TIMEOUT"][..];
        let pythons = &["UV_OFFLINE", "UV_PYTHON_DOWNLOADS", "UV_HTTP_RETRIES", "UV_HTTP_CONNECT_TIMEOUT"][..];
        let conda = &["CONDA_OFFLINE", "CONDA_REMOTE_MAX_RETRIES", "CONDA_REMOTE_CONNECT_TIMEOUT_SECS"][..];
        let npm = &["npm_config_offline", "npm_config_fetch_retries"][..];
        for (mirror, left_out) in [
            ("UV_INDEX", uv),
            ("UV_DEFAULT_INDEX", uv),
            ("UV_INDEX_URL", uv),
            ("UV_EXTRA_INDEX_URL", uv),
            ("UV_FIND_LINKS", uv),
            ("UV_PYTHON_INSTALL_MIRROR", pythons),
            ("UV_PYPY_INSTALL_MIRROR", pythons),
            ("UV_PYTHON_DOWNLOADS_JSON_URL", pythons),
            ("UV_ASTRAL_MIRROR_URL", pythons),
            ("PIP_INDEX_URL", &["PIP_RETRIES"]),
            ("PIP_EXTRA_INDEX_URL", &["PIP_RETRIES"]),
            ("PIP_FIND_LINKS", &["PIP_RETRIES"]),
            ("CONDA_CHANNELS", conda),
            ("CONDA_DEFAULT_CHANNELS", conda),
            ("CONDA_CHANNEL_ALIAS", conda),
            ("MAMBA_CHANNEL_ALIAS", conda),
            ("MAMBA_DEFAULT_CHANNELS", conda),
            ("npm_config_registry", npm),
            ("NPM_CONFIG_REGISTRY", npm),
            ("GOPROXY", &["GOPROXY"]),
            ("HF_ENDPOINT", &["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"]),
            ("CARGO_REGISTRIES_MINE_INDEX", &["CARGO_NET_RETRY"]),
            ("CARGO_REGISTRY_DEFAULT", &["CARGO_NET_RETRY"]),
            ("WANDB_BASE_URL", &["WANDB_MODE"]),
        ] {
            let (settings, roots) = all_with(mirror, "http://mirror/");
            let with = plan(&settings, &roots);
            let without = plan(&Settings { set: BTreeMap::new(), ..settings }, &roots);
            let mut gone: Vec<&str> = without
                .iter()
                .filter(|export| value_of(&with, &export.name, true) != export.offline)
                .map(|export| export.name.as_str())
                .collect();
            let mut left_out = left_out.to_vec();
            gone.sort_unstable();
            left_out.sort_unstable();
            assert_eq!(gone, left_out, "{mirror}");
            assert_eq!(value_of(&with, mirror, true).as_deref(), Some("http://mirror/"));
        }
    }

    #[test]
    fn every_mirror_of_the_catalogue_switches_its_rows_off() {
        for row in catalogue::rows() {
            for mirror in row.unless {
                let (settings, roots) = all_with(&mirror.replace('*', "MINE_INDEX"), "http://mirror/");
                let exports = plan(&settings, &roots);
                let found = exports.iter().find(|export| export.name == row.name);
                assert!(!found.is_some_and(|export| matches!(export.origin, Origin::Preset(..))), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_mirror_counts_where_it_holds() {
        let (mut settings, roots) = all_with("GOPROXY", "");
        assert_eq!(value_of(&plan(&settings, &roots), "npm_config_offline", true).as_deref(), Some("true"));
        // The login node's mirror is out of reach while offline.
        settings.set = BTreeMap::from([("npm_config_registry".into(), String::new())]);
        settings.online = BTreeMap::from([("UV_INDEX".into(), "http://mirror/".into())]);
        let exports = plan(&settings, &roots);
        for name in ["npm_config_offline", "UV_OFFLINE", "UV_HTTP_RETRIES"] {
            assert!(value_of(&exports, name, true).is_some(), "{name}");
            assert_eq!(value_of(&exports, name, false), None, "{name}");
        }
        settings.offline = BTreeMap::from([("UV_INDEX".into(), "http://mirror/".into())]);
        assert_eq!(value_of(&plan(&settings, &roots), "UV_OFFLINE", true), None);
    }

    #[test]
    fn what_needs_no_proxy_is_told_with_the_proxy_that_refuses() {
        let roots = Roots { intranet: vec!["lab".into(), "nexus".into()], ..Roots::default() };
        let value = |set: &[(&str, &str)], name: &str| {
            let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let settings = Settings { presets: vec![NEEDS_INTRANET.into()], set, ..Settings::default() };
            let exports = plan(&settings, &roots);
            assert!(exports.iter().all(|export| export.online.is_none() || export.name.ends_with("PROXY")));
            value_of(&exports, name, true)
        };
        assert_eq!(value(&[], "https_proxy").as_deref(), Some("http://127.0.0.1:9"));
        let none = value(&[], "no_proxy").unwrap();
        assert!(none.starts_with("localhost,127.0.0.0/8,") && none.ends_with(",cluster.local,lab,nexus"), "{none}");
        // A proxy of the user's own is a way to the internet, and his own list is a list.
        for name in ["http_proxy", "no_proxy", "https_proxy"] {
            assert_eq!(value(&[("ALL_PROXY", "http://proxy.lab")], name), None);
        }
        assert_eq!(value(&[("NO_PROXY", "lab")], "no_proxy"), None);
        assert!(value(&[("NO_PROXY", "lab")], "https_proxy").is_some());
    }

    #[test]
    fn failfast_holds_only_while_offline() {
        let (_, roots) = article();
        let settings = Settings { presets: vec!["failfast".into()], ..Settings::default() };
        let exports = plan(&settings, &roots);
        assert!(exports.len() > 8);
        for export in &exports {
            assert!(export.offline.is_some() && export.online.is_none(), "{}", export.name);
        }
    }

    #[test]
    fn a_variable_of_several_presets_is_set_once_and_is_the_first_ones() {
        let (_, roots) = article();
        for (presets, first) in [(&["failfast", "huggingface"][..], "huggingface"), (&["failfast"], "failfast")] {
            let presets = presets.iter().map(|name| (*name).to_owned()).collect();
            let exports = plan(&Settings { presets, ..Settings::default() }, &roots);
            let found: Vec<_> = exports.iter().filter(|export| export.name == "HF_HUB_OFFLINE").collect();
            assert_eq!(found.len(), 1);
            assert!(matches!(found[0].origin, Origin::Preset(_, preset) if preset.name == first));
        }
    }

    #[test]
    fn the_node_local_directory_itself_has_no_slash_behind_it() {
        let (settings, roots) = all_with("X", "");
        assert_eq!(value_of(&plan(&settings, &roots), "APPTAINER_TMPDIR", true).as_deref(), Some("/l"));
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
}
