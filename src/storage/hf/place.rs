//! Where the cache is: by the variables that `huggingface_hub` reads, in its order and by its rules (its `constants.py`; the same
//! in 0.34, 1.20 and 2.4).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::host::dirs::Dir;
use crate::host::{Host, files, users};

/// The cache, open.
#[derive(Debug)]
pub struct Cache {
    /// Its path without symlinks. `snapshot_download` resolves them since 2.x; 0.34 and 1.x print what the variable says.
    pub path: PathBuf,
    /// The directory.
    pub dir: Dir,
    /// Whether only this machine writes it.
    pub is_local: bool,
}

impl Cache {
    /// Opens it.
    ///
    /// # Errors
    /// Where there is none: a failure that names the variable to set.
    pub fn open(host: &Host) -> Result<Self, Failure> {
        let (named, variable) = named(host);
        // As Python has it.
        let shown = if named.as_os_str().is_empty() { PathBuf::from(".") } else { named };
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::failed(format!("there is no cache at {}", shown.display())).hint(match variable {
                    Some(variable) => format!("{variable} says so; `hf download` makes it at its first run"),
                    None => "neither HF_HOME nor HF_HUB_CACHE is set in this shell: is it another's?".to_owned(),
                })
            }
            _ => Failure::failed(format!("{}: {error}", shown.display())),
        };
        let path = files::real_path(&host.locate(&shown)).map_err(failed)?;
        let dir = Dir::open(&path).map_err(failed)?;
        Ok(Self { is_local: files::is_on_local_storage(&path), path, dir })
    }

    /// How many questions it can be asked at once.
    pub fn threads(&self) -> usize {
        super::threads(self.is_local)
    }
}

/// The path that the variables say, and the variable that decided, if one did.
///
/// As the library has it, a variable that is set but empty counts.
fn named(host: &Host) -> (PathBuf, Option<&'static str>) {
    for variable in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"] {
        if let Some(path) = host.variable(variable) {
            return (expand(host, path), Some(variable));
        }
    }
    let (home, variable) = home(host);
    (home.join("hub"), variable)
}

/// The directory of all that belongs to the Hub, and the variable that decided.
fn home(host: &Host) -> (PathBuf, Option<&'static str>) {
    match (host.variable("HF_HOME"), host.variable("XDG_CACHE_HOME")) {
        (Some(home), _) => (expand(host, home), Some("HF_HOME")),
        (None, Some(caches)) => (expand(host, Path::new(&caches).join("huggingface").into()), Some("XDG_CACHE_HOME")),
        (None, None) => (host.home().unwrap_or_default().join(".cache/huggingface"), None),
    }
}

/// Where the token lies.
pub fn token(host: &Host) -> PathBuf {
    host.variable("HF_TOKEN_PATH").map_or_else(|| home(host).0.join("token"), |path| expand(host, path))
}

/// As Python's `expandvars(expanduser(…))`, and since 2.x `expanduser` once more, of what a variable holds.
fn expand(host: &Host, path: OsString) -> PathBuf {
    let path = variables(&tilde(host, path.into_vec()), |name| host.variable(std::ffi::OsStr::from_bytes(name)));
    OsString::from_vec(tilde(host, path)).into()
}

/// `~` and `~USER` by their homes.
fn tilde(host: &Host, path: Vec<u8>) -> Vec<u8> {
    match path.strip_prefix(b"~") {
        Some(rest) => {
            let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            let home = match std::str::from_utf8(&rest[..end]) {
                Ok("") => host.home(),
                Ok(user) => users::by_name(host, user).map(|user| user.home),
                Err(_) => None,
            };
            match home {
                Some(home) => [
                    home.as_os_str().as_bytes().strip_suffix(b"/").unwrap_or(home.as_os_str().as_bytes()),
                    &rest[end..],
                ]
                .concat(),
                None => path,
            }
        }
        None => path,
    }
}

/// `$NAME` and `${NAME}` by their values; what is not set stays as it is written, and what comes of one is not read again.
fn variables(text: &[u8], value: impl Fn(&[u8]) -> Option<OsString>) -> Vec<u8> {
    let mut expanded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (name, length) = match rest {
            [b'$', b'{', name @ ..] => match name.iter().position(|byte| *byte == b'}') {
                Some(end) => (&name[..end], end + 3),
                None => (&rest[..0], 1),
            },
            [b'$', name @ ..] => {
                let end = name.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
                let end = end.unwrap_or(name.len());
                (&name[..end], end + 1)
            }
            _ => (&rest[..0], 1),
        };
        match (!name.is_empty()).then(|| value(name)).flatten() {
            Some(value) => expanded.extend_from_slice(value.as_bytes()),
            None => expanded.extend_from_slice(&rest[..length]),
        }
        at += length;
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(variables: &[(&str, &str)]) -> Host {
        Host::pretend(Path::new("/nowhere"), variables, Box::new(std::io::sink()), Box::new(std::io::sink()))
    }

    #[test]
    fn the_variables_count_in_the_librarys_order() {
        for (variables, path) in [
            (&[("HOME", "/home/me")][..], "/home/me/.cache/huggingface/hub"),
            (&[("HOME", "/home/me"), ("XDG_CACHE_HOME", "/c")], "/c/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/c"), ("HF_HOME", "/hf")], "/hf/hub"),
            (&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/old"),
            (&[("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HUB_CACHE", "/new")], "/new"),
            (&[("HF_HOME", "~/x/$A/${A}b/$B"), ("HOME", "/h/"), ("A", "$A")], "/h/x/$A/$Ab/$B/hub"),
            (&[("HF_HOME", "${A}"), ("A", "/a")], "/a/hub"),
            (&[("HF_HOME", "~nobody-here/${A")], "~nobody-here/${A/hub"),
            (&[("HF_HOME", "")], "hub"),
        ] {
            assert_eq!(named(&host(variables)).0, Path::new(path), "{variables:?}");
        }
    }
}
