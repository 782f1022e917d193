//! What shared storage has said of the configuration's files, remembered on the node: to find out that a file is as it was takes such
//! storage fewer operations than to read it (on a FUSE mount that remembers nothing, 7 in place of 10).

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::layers::Layer;
use super::look::{self, Look, Said};
use crate::host::mounts::{self, Storage};
use crate::host::{Host, files, local_dir};

/// The file in the node-local directory.
const NAME: &str = "configuration";
/// What it begins with: another version's is none.
const HEAD: &[u8] = concat!("hpcsh ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();
/// More files than this are not remembered, nor larger ones than this.
const MOST: usize = 8;
const MOST_BYTES: usize = 64 * 1024;

/// The looks that are remembered, by the paths of the files.
pub struct Remembered {
    file: Option<PathBuf>,
    looks: Vec<(Vec<u8>, Look)>,
}

impl Remembered {
    /// What this node remembers; nothing, where its directory cannot be used.
    pub fn of(host: &Host) -> Self {
        let dir = local_dir::default_path(host);
        // It may be named anywhere, and hang as well.
        let is_local = mounts::storage(host, &dir) == Storage::Local;
        let file = is_local.then(|| local_dir::ensure(&dir).ok().map(|()| dir.join(NAME))).flatten();
        let looks = file.as_ref().and_then(|file| parse(&files::read(file).ok()?)).unwrap_or_default();
        Self { file, looks }
    }

    /// What was said of this layer's file.
    pub fn find(&self, layer: &Layer) -> Option<&Look> {
        let is_it = |(path, _): &&(Vec<u8>, Look)| *path == layer.path.as_os_str().as_bytes();
        self.looks.iter().find(is_it).map(|(_, look)| look)
    }

    /// Remembers what has been read now. A file that may still change without another stamp is not remembered.
    pub fn keep(mut self, read: Vec<(PathBuf, Look)>) {
        let mut is_new = false;
        for (path, look) in read {
            let Look::Found { bytes, program_owner: None, .. } = &look else { continue };
            let path = path.into_os_string().into_encoded_bytes();
            let is_settled = look.seen().is_some_and(|seen| seen.is_settled());
            if is_settled && bytes.len() <= MOST_BYTES && !path.contains(&b'\n') {
                self.looks.retain(|(other, _)| *other != path);
                self.looks.insert(0, (path, look));
                is_new = true;
            }
        }
        self.looks.truncate(MOST);
        if let (true, Some(file)) = (is_new, &self.file) {
            // What cannot be kept is read again.
            let _ = files::put(file, &self.text());
        }
    }

    /// Lines of paths, and behind an empty one the looks.
    fn text(&self) -> Vec<u8> {
        let paths = self.looks.iter().flat_map(|(path, _)| [path, &b"\n"[..]]).flatten().copied();
        let looks = look::encode(self.looks.iter().map(|(_, look)| Said::Now(look.clone())));
        HEAD.iter().copied().chain(paths).chain(*b"\n").chain(looks).collect()
    }
}

fn parse(text: &[u8]) -> Option<Vec<(Vec<u8>, Look)>> {
    let mut rest = text.strip_prefix(HEAD)?;
    let mut paths = Vec::new();
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (path, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if path.is_empty() {
            break;
        }
        paths.push(path.to_owned());
    }
    let said = look::decode(rest, paths.len()).into_iter().map(|said| match said {
        Said::Now(look) => Some(look),
        Said::AsBefore => None,
    });
    paths.into_iter().zip(said).map(|(path, look)| Some((path, look?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::stamp;

    #[test]
    fn what_is_written_is_what_is_read_and_what_is_damaged_is_none() {
        let look = |text: &str| Look::Found {
            owner: 1,
            mode: 0o600,
            program_owner: None,
            stamp: Some([3; 7]),
            bytes: text.into(),
        };
        let looks = vec![(b"/one \xff".to_vec(), look("a = 1\n\n")), (b"/two".to_vec(), look(""))];
        let text = Remembered { file: None, looks: looks.clone() }.text();
        assert_eq!(parse(&text), Some(looks));
        for end in 0..text.len() {
            let found = parse(&text[..end]).unwrap_or_default();
            assert!(found.iter().any(|(_, look)| matches!(look, Look::Failed(_))) || found.is_empty(), "{end}");
        }
        assert_eq!(parse(b"hpcsh 0\n\n"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn the_storage_is_asked_for_the_same_stamp() {
        let temporary = tempfile::tempdir().unwrap();
        assert_eq!(stamp::asked(temporary.path()), stamp::at(temporary.path()));
        assert_eq!(stamp::asked(&temporary.path().join("none")), None);
    }
}
