//! How long and how often is tried: less while offline, where nothing answers, and longer where much is slow.
//!
//! `failfast` never shortens the time for an answer itself: a mirror that stands in a tool's own file, which is not read
//! here, is slow at times and still is used.

use super::Place::{Anywhere, Exempt, Offline, Online};
use super::packages::{CARGO_MIRRORS, CONDA_MIRRORS, NPM_MIRRORS, PIP_MIRRORS, UV_MIRRORS};
use super::{Variable, row};
use crate::net::proxy::{NEAR, REFUSING};

/// A proxy of the user's own, which may be the way to the internet.
const PROXIES: &[&str] = &["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// The same, and his own list of what needs none in capitals, which one in small letters would hide.
const LISTS: &[&str] =
    &["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "NO_PROXY"];

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    row(&["patience"], "Hugging Face", "HF_HUB_ETAG_TIMEOUT", Online, "30", &[],
        "ten seconds are short on a slow link", "huggingface_hub constants.py"),
    row(&["patience"], "Hugging Face", "HF_HUB_DOWNLOAD_TIMEOUT", Online, "60", &[],
        "ten seconds are short on a slow link", "huggingface_hub constants.py"),
    row(&["patience"], "uv", "UV_HTTP_TIMEOUT", Online, "300", &[],
        "thirty seconds are short for a wheel of PyTorch on a slow link", "uv env_vars.rs"),
    row(&["patience"], "uv", "UV_LOCK_TIMEOUT", Anywhere, "1800", &[],
        "an installation on another node may hold the shared cache", "uv env_vars.rs"),

    row(&["failfast"], "uv", "UV_HTTP_RETRIES", Offline, "0", UV_MIRRORS,
        "6 to 13 seconds, even where names fail at once", "uv env_vars.rs, measured"),
    row(&["failfast"], "uv", "UV_HTTP_CONNECT_TIMEOUT", Offline, "2", UV_MIRRORS,
        "ten seconds where packets vanish", "uv env_vars.rs"),
    row(&["failfast"], "pip", "PIP_RETRIES", Offline, "0", PIP_MIRRORS,
        "8 seconds, and 79 where packets vanish", "pip documentation, measured"),
    row(&["failfast"], "npm", "npm_config_fetch_retries", Offline, "0", NPM_MIRRORS,
        "70 seconds, and 8 minutes where packets vanish", "npm config documentation, measured"),
    row(&["failfast"], "cargo", "CARGO_NET_RETRY", Offline, "0", CARGO_MIRRORS,
        "11 seconds, and 2 minutes where packets vanish", "cargo book, measured"),
    row(&["failfast"], "conda", "CONDA_REMOTE_MAX_RETRIES", Offline, "0", CONDA_MIRRORS,
        "every channel is tried four times", "conda settings.rst"),
    row(&["failfast"], "conda", "CONDA_REMOTE_CONNECT_TIMEOUT_SECS", Offline, "2", CONDA_MIRRORS,
        "nine seconds for each try where packets vanish", "conda settings.rst"),

    row(&["failfast-proxy"], "curl, Python, Go, …", "http_proxy", Offline, REFUSING, PROXIES,
        "nobody listens there: a connection that would vanish is refused at once", "curl, requests, net/http"),
    row(&["failfast-proxy"], "curl, Python, Go, …", "https_proxy", Offline, REFUSING, PROXIES,
        "nobody listens there: a connection that would vanish is refused at once", "curl, requests, net/http"),
    row(&["failfast-proxy"], "curl, Python, Go, …", "no_proxy", Exempt, NEAR, LISTS,
        "what is near needs no proxy; a host without a dot has to stand in `dns.allow`", "curl, requests, net/http"),
];
