//! Package managers: what they fetch is kept for all nodes, what they build stays on one.

use super::Place::{Anywhere, Local, Offline, Private, Shared, Telemetry};
use super::{Variable, row};

/// Where uv finds packages, and Pythons, inside the cluster.
pub(super) const UV_MIRRORS: &[&str] = &[
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_PYTHON_INSTALL_MIRROR",
    "UV_PYPY_INSTALL_MIRROR",
    "UV_PYTHON_DOWNLOADS_JSON_URL",
    "UV_ASTRAL_MIRROR_URL",
];
const PYTHON_MIRRORS: &[&str] =
    &["UV_PYTHON_INSTALL_MIRROR", "UV_PYPY_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL", "UV_ASTRAL_MIRROR_URL"];
pub(super) const PIP_MIRRORS: &[&str] = &["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"];
pub(super) const CONDA_MIRRORS: &[&str] = &[
    "CONDA_CHANNELS",
    "CONDA_DEFAULT_CHANNELS",
    "CONDA_CHANNEL_ALIAS",
    "MAMBA_CHANNEL_ALIAS",
    "MAMBA_DEFAULT_CHANNELS",
];
/// npm takes its variables in either case.
pub(super) const NPM_MIRRORS: &[&str] = &["npm_config_registry", "NPM_CONFIG_REGISTRY"];
pub(super) const GO_MIRRORS: &[&str] = &["GOPROXY"];
/// Another registry; one in place of crates.io can stand in cargo's own file only.
pub(super) const CARGO_MIRRORS: &[&str] = &["CARGO_REGISTRIES_*", "CARGO_REGISTRY_DEFAULT"];

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    row(&["uv"], "uv", "UV_CACHE_DIR", Shared, "cache/uv", &[],
        "packages are hard-linked from here: the same file system as the environments", "uv env_vars.rs; the article"),
    row(&["uv"], "uv", "UV_PYTHON_INSTALL_DIR", Shared, "cache/uv_python", &[],
        "an environment's python is a link: its target must be on every node", "uv env_vars.rs; the article"),
    row(&["uv"], "uv", "UV_PYTHON_CACHE_DIR", Shared, "cache/uv_python_archives", &[],
        "archives of Python are kept, so that an offline node can install from them", "uv env_vars.rs"),
    row(&["uv"], "uv", "UV_PYTHON_PREFERENCE", Anywhere, "only-managed", &[],
        "a container's own Python is not on the next node", "the article"),
    row(&["uv"], "uv", "UV_VENV_SEED", Anywhere, "1", &[],
        "environments hold pip, which many scripts call", "the article"),
    row(&["uv"], "uv", "UV_OFFLINE", Offline, "1", UV_MIRRORS,
        "fails at once instead of after its retries", "uv env_vars.rs"),
    row(&["uv"], "uv", "UV_PYTHON_DOWNLOADS", Offline, "never", PYTHON_MIRRORS,
        "says at once which Python is missing", "uv env_vars.rs"),

    row(&["rust"], "rustup", "RUSTUP_HOME", Shared, "cache/rust/rustup", &[],
        "toolchains outlive the container", "rustup book; the article"),
    row(&["rust"], "cargo", "CARGO_HOME", Shared, "cache/rust/cargo", &[],
        "fetched crates and installed programs outlive the container", "cargo book; the article"),

    row(&["pip"], "pip", "PIP_CACHE_DIR", Shared, "cache/pip", &[],
        "one cache of wheels for all nodes", "pip documentation"),
    row(&["pip", "telemetry"], "pip", "PIP_DISABLE_PIP_VERSION_CHECK", Telemetry, "1", &[],
        "pip asks PyPI for a newer version of itself", "pip documentation"),

    row(&["uv-tools"], "uv", "UV_TOOL_DIR", Shared, "cache/uv_tools", &[],
        "installed tools outlive the container", "uv env_vars.rs"),
    row(&["uv-tools"], "uv", "UV_TOOL_BIN_DIR", Shared, "cache/uv_tools_bin", &[],
        "the tools' programs; this directory belongs into path.prepend", "uv env_vars.rs"),

    row(&["conda"], "conda", "CONDA_PKGS_DIRS", Shared, "cache/conda_pkgs", &[],
        "packages are hard-linked from here: the same file system as the environments", "conda settings.rst"),
    // conda refuses to start where both of this one's names are set.
    row(&["conda"], "conda", "CONDA_ENVS_DIRS", Shared, "cache/conda_envs", &["CONDA_ENVS_PATH"],
        "named environments outlive the container", "conda settings.rst; mamba configuration.cpp"),
    row(&["conda"], "conda", "CONDA_OFFLINE", Offline, "true", CONDA_MIRRORS,
        "solves with the packages that are there instead of waiting for channels", "conda settings.rst"),
    row(&["conda", "telemetry"], "conda", "CONDA_NOTIFY_OUTDATED_CONDA", Telemetry, "false", &[],
        "conda asks for a newer version of itself", "conda settings.rst"),
    row(&["mamba"], "mamba", "MAMBA_ROOT_PREFIX", Shared, "cache/mamba", &[],
        "environments and packages outlive the container", "mamba documentation"),
    row(&["pixi"], "pixi", "PIXI_HOME", Shared, "cache/pixi_home", &[],
        "global tools outlive the container", "pixi documentation"),
    row(&["pixi"], "pixi", "PIXI_CACHE_DIR", Shared, "cache/pixi", &[],
        "packages are hard-linked from here: the same file system as the projects", "pixi documentation"),

    row(&["npm"], "npm", "npm_config_cache", Shared, "cache/npm", &[],
        "one cache of packages for all nodes", "npm config documentation"),
    row(&["npm"], "npm", "npm_config_offline", Offline, "true", NPM_MIRRORS,
        "installs from the cache, or says at once what is missing", "npm config documentation"),
    row(&["npm", "telemetry"], "npm", "npm_config_update_notifier", Telemetry, "false", &[],
        "npm asks the registry for a newer version of itself", "npm config documentation"),

    row(&["go"], "go", "GOPATH", Shared, "cache/go", &[],
        "installed programs outlive the container", "go help environment"),
    row(&["go"], "go", "GOMODCACHE", Shared, "cache/go/pkg/mod", &[],
        "modules are fetched once for all nodes", "go help environment"),
    row(&["go"], "go", "GOCACHE", Local, "cache/go-build", &[],
        "a build writes thousands of small files", "go help cache"),
    row(&["go", "failfast"], "go", "GOPROXY", Offline, "off", GO_MIRRORS,
        "says at once which module is missing", "Go modules reference"),

    row(&["cargo-target"], "cargo", "CARGO_TARGET_DIR", Local, "cache/cargo_target", &[],
        "a build writes thousands of small files, and locks them", "cargo book"),

    row(&["apptainer"], "Apptainer", "APPTAINER_CACHEDIR", Shared, "cache/apptainer", &[],
        "layers and images are fetched once for all nodes", "Apptainer documentation"),
    // It must be there already, and only the node-local directory itself is known to be.
    row(&["apptainer"], "Apptainer", "APPTAINER_TMPDIR", Local, "", &[],
        "an image is unpacked here: shared storage may refuse its owners and modes", "apptainer pkg/build/types/bundle.go"),
    row(&["apptainer"], "Apptainer", "APPTAINER_CONFIGDIR", Private, "apptainer", &[],
        "logins to registries must outlive the container and be nobody else's", "Apptainer documentation"),
    row(&["singularity"], "SingularityCE", "SINGULARITY_CACHEDIR", Shared, "cache/singularity", &[],
        "layers and images are fetched once for all nodes", "SingularityCE documentation"),
    row(&["singularity"], "SingularityCE", "SINGULARITY_TMPDIR", Local, "", &[],
        "an image is unpacked here: shared storage may refuse its owners and modes", "SingularityCE documentation"),
];
