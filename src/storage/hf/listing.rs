//! What a snapshot should hold: by the list of files that the library keeps since 2.x, else by the index of the weights.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::name::is_inside;
use crate::host::dirs::Dir;

/// The most that is read of a list or an index: a data set of a million files has 200 MB.
pub const MOST: usize = 1 << 29;

/// A file that should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its path below the snapshot.
    pub name: String,
    /// Its bytes, where that is known.
    pub size: Option<u64>,
    /// The name of its blob, where that is known.
    pub blob: Option<String>,
}

impl Expected {
    /// One of which nothing is known but its name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), size: None, blob: None }
    }
}

/// `trees/COMMIT.json`, by the library's `_tree_cache.py`.
#[derive(Deserialize)]
struct Tree {
    format_version: u32,
    files: BTreeMap<String, File>,
}

#[derive(Deserialize)]
struct File {
    size: u64,
    blob_id: String,
    #[serde(default)]
    lfs_sha256: Option<String>,
    #[serde(default)]
    xet_hash: Option<String>,
}

/// The list that the library has kept of a commit's files; `None` where there is none that it would believe.
pub fn of_commit(repository: &Dir, commit: &str) -> std::io::Result<Option<Vec<Expected>>> {
    match repository.head(format!("trees/{commit}.json"), MOST) {
        Ok(text) => Ok(tree(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(error),
        Err(_) => Ok(None),
    }
}

/// Another format, a hash that is none and a name that leads out of the snapshot make all of it count for nothing.
fn tree(text: &[u8]) -> Option<Vec<Expected>> {
    let tree: Tree = serde_json::from_slice(text).ok()?;
    let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let files = tree.files.into_iter().map(|(name, file)| {
        let sound = is_inside(&name) && file.xet_hash.as_ref().is_none_or(is_hash);
        let blob = file.lfs_sha256.unwrap_or(file.blob_id);
        sound.then_some(Expected { name, size: Some(file.size), blob: Some(blob) })
    });
    (tree.format_version == 1).then(|| files.collect()).flatten()
}

/// The files among which an index, as `model.safetensors.index.json`, spreads the weights; without the directory.
pub fn shards(text: &[u8]) -> Option<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(text).ok()?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    shards.iter().all(|shard| is_inside(shard)).then_some(shards)
}

/// Whether a file's name is that of an index of weights.
pub fn is_index(name: &str) -> bool {
    name.ends_with(".safetensors.index.json") || name.ends_with(".bin.index.json")
}

/// Whether weights are commonly kept in a file of this name.
pub fn is_weights(name: &str) -> bool {
    const ENDINGS: [&str; 17] = [
        "safetensors",
        "bin",
        "gguf",
        "ggml",
        "pt",
        "pth",
        "ckpt",
        "onnx",
        "msgpack",
        "h5",
        "npz",
        "npy",
        "pkl",
        "tflite",
        "nemo",
        "mlmodel",
        "joblib",
    ];
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// The first bytes of a safetensors file, with which it says how long it is.
pub const LENGTH: usize = 8;
/// The longest head that the format allows.
const HEAD: u64 = 100_000_000;

/// How long the head is, by the first bytes: <https://github.com/huggingface/safetensors#format>.
pub fn head_length(first: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(first.get(..LENGTH)?.try_into().ok()?);
    (length <= HEAD).then(|| usize::try_from(length).ok())?
}

/// How long the whole file is, by its first bytes and its head.
pub fn whole_length(head: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Tensor {
        data_offsets: (u64, u64),
    }
    let text = head.get(LENGTH..LENGTH + head_length(head)?)?;
    let tensors: BTreeMap<String, serde_json::Value> = serde_json::from_slice(text).ok()?;
    let tensors = tensors.into_iter().filter(|(name, _)| name != "__metadata__");
    let ends = tensors.map(|(_, tensor)| Some(serde_json::from_value::<Tensor>(tensor).ok()?.data_offsets.1));
    let end = ends.collect::<Option<Vec<u64>>>()?.into_iter().max().unwrap_or_default();
    end.checked_add((LENGTH + text.len()) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_believed_as_the_library_believes_it() {
        let hash = "ab".repeat(32);
        let file =
            |more: &str| format!(r#"{{"format_version":1,"files":{{"a/b.json":{{"size":7,"blob_id":"x"{more}}}}}}}"#);
        let read = |text: &str| tree(text.as_bytes());
        let expected =
            |blob: &str| Some(vec![Expected { name: "a/b.json".into(), size: Some(7), blob: Some(blob.into()) }]);
        assert_eq!(read(&file("")), expected("x"));
        assert_eq!(read(&file(&format!(r#","lfs_sha256":"y","lfs_size":7,"xet_hash":"{hash}""#))), expected("y"));
        assert_eq!(read(&file(r#","xet_hash":"no""#)), None);
        assert_eq!(read(&file("").replace("a/b.json", "../b")), None);
        assert_eq!(read(&file("").replace("version\":1", "version\":2")), None);
        assert_eq!(read("{"), None);
    }

    #[test]
    fn an_index_names_its_shards_once() {
        let text = br#"{"metadata":{},"weight_map":{"a":"1.safetensors","b":"2.safetensors","c":"1.safetensors"}}"#;
        assert_eq!(shards(text).unwrap().into_iter().collect::<Vec<_>>(), ["1.safetensors", "2.safetensors"]);
        assert_eq!(shards(br#"{"weight_map":{"a":"/etc/passwd"}}"#), None);
        assert!(is_index("unet/diffusion_pytorch_model.fp16.safetensors.index.json") && !is_index("config.json"));
        assert!(is_weights("a/b.safetensors") && !is_weights("tokenizer.json") && !is_weights("bin"));
    }

    #[test]
    fn a_safetensors_file_says_how_long_it_is() {
        let text = br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"data_offsets":[8,20]}}"#;
        let head = [&(text.len() as u64).to_le_bytes()[..], text].concat();
        assert_eq!(whole_length(&head), Some(8 + text.len() as u64 + 20));
        assert_eq!(whole_length(&head[..40]), None);
        assert_eq!((head_length(b"short"), head_length(&[0xff; 8])), (None, None));
    }
}
