//! Programs that run, and what they leave behind: runs, sockets, settings, calls home.

use super::Place::{Anywhere, Local, Offline, Private, Shared, Telemetry};
use super::{Variable, row};

const WANDB: &str = "Weights & Biases";

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    row(&["wandb", "failfast"], WANDB, "WANDB_MODE", Offline, "offline", &["WANDB_BASE_URL"],
        "runs are written to disk and synced later from a node that is online", "the article"),
    row(&["wandb"], WANDB, "WANDB_DIR", Shared, "cache", &[],
        "runs lie in its folder `wandb`, where the login node sees them", "wandb env.py; the article"),
    row(&["wandb"], WANDB, "WANDB_ARTIFACT_DIR", Shared, "cache/wandb_artifacts", &[],
        "downloaded artifacts", "wandb env.py; the article"),
    row(&["wandb"], WANDB, "WANDB_DATA_DIR", Shared, "cache/wandb_data", &[],
        "staged artifacts: the login node must find them to sync a run", "wandb env.py; the article"),
    row(&["wandb"], WANDB, "WANDB_CACHE_DIR", Shared, "cache/wandb_cache", &[],
        "a run's debug log is a link into it, and whoever syncs the run reads that", "wandb 0.31, seen"),
    row(&["wandb"], WANDB, "WANDB_CONFIG_DIR", Private, "wandb", &[],
        "settings must outlive the container", "wandb env.py"),
    row(&["wandb", "telemetry"], WANDB, "WANDB_ERROR_REPORTING", Telemetry, "false", &[],
        "no calls home", "wandb env.py"),

    row(&["vllm"], "vLLM", "VLLM_CONFIG_ROOT", Private, "vllm", &[],
        "settings must outlive the container", "vllm envs.py"),
    row(&["vllm"], "vLLM", "VLLM_ASSETS_CACHE", Shared, "cache/vllm_assets", &[],
        "sample images and videos, downloaded once", "vllm envs.py"),
    // Not below `local_dir`: it must be there already, in a container too, and a socket's path has 107 bytes.
    row(&["vllm"], "vLLM", "VLLM_RPC_BASE_PATH", Anywhere, "/tmp", &[],
        "sockets do not work on shared storage, where TMPDIR may be", "vllm envs.py"),
    row(&["vllm", "patience"], "vLLM", "VLLM_ENGINE_READY_TIMEOUT_S", Anywhere, "3600", &[],
        "large weights take longer than ten minutes from shared storage", "vllm envs.py"),
    row(&["vllm", "telemetry"], "vLLM", "VLLM_NO_USAGE_STATS", Telemetry, "1", &[],
        "no calls home: stats.vllm.ai", "vllm envs.py"),
    row(&["vllm", "telemetry"], "vLLM", "VLLM_DO_NOT_TRACK", Telemetry, "1", &[],
        "no calls home: stats.vllm.ai", "vllm envs.py"),

    // Ray makes `ray/session_…/sockets/…` below it, and a socket's path has 107 bytes: nothing to spare.
    row(&["ray"], "Ray", "RAY_TMPDIR", Local, "ray", &[],
        "sockets need a disk of the node, and /tmp/ray is whoever's came first", "ray _private/utils.py"),
    row(&["ray", "telemetry"], "Ray", "RAY_USAGE_STATS_ENABLED", Telemetry, "0", &[],
        "no calls home", "ray _private/usage/usage_lib.py"),

    row(&["matplotlib"], "Matplotlib", "MPLCONFIGDIR", Local, "cache/matplotlib", &[],
        "the font cache is locked by every rank; a matplotlibrc of your own is read from here too", "Matplotlib documentation"),

    row(&["netrc"], "netrc", "NETRC", Private, "netrc", &[],
        "what `wandb login` writes must outlive the container and be nobody else's", "wandb wbauth/wbnetrc.py"),
    row(&["gitstatus"], "gitstatus", "GITSTATUS_CACHE_DIR", Shared, "cache/gitstatus", &[],
        "Powerlevel10k's helper is downloaded once; the line must stand above it", "gitstatus install"),
    row(&["gitstatus"], "gitstatus", "GITSTATUS_AUTO_INSTALL", Offline, "0", &[],
        "Powerlevel10k does not wait for a download that cannot come", "gitstatus install"),

    row(&["telemetry"], "many", "DO_NOT_TRACK", Telemetry, "1", &[],
        "vLLM, Hugging Face and others honour it", "consoledonottrack.com"),
    row(&["telemetry"], "Gradio", "GRADIO_ANALYTICS_ENABLED", Telemetry, "False", &[],
        "no calls home", "gradio analytics.py"),
    row(&["telemetry"], "Streamlit", "STREAMLIT_BROWSER_GATHER_USAGE_STATS", Telemetry, "false", &[],
        "no calls home", "streamlit config.py"),
    row(&["telemetry"], "MLflow", "MLFLOW_DISABLE_TELEMETRY", Telemetry, "true", &[],
        "no calls home", "mlflow environment_variables.py"),
    row(&["telemetry"], "Albumentations", "NO_ALBUMENTATIONS_UPDATE", Telemetry, "1", &[],
        "an import asks PyPI for a newer version", "albumentations check_version.py"),
];
