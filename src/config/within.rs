//! The configuration in time: what lies on shared storage is read in a child, under a deadline.
//!
//! What is local is read as ever. Both ways give the same looks, and one function makes the configuration of them.

use std::path::{Path, PathBuf};

use super::layers::Layer;
use super::look::{self, Look, Said};
use super::remembered::Remembered;
use super::{Loaded, layers, made_of};
use crate::host::Host;
use crate::host::mounts::Storage;
use crate::host::patience::{Patience, in_time};
use crate::host::stamp::Seen;

/// A configuration of which a part lies on storage that does not answer.
pub struct Stale {
    /// Where that storage is mounted; the first one, where there are several.
    pub mount: PathBuf,
    /// The files that were not read.
    pub unread: Vec<PathBuf>,
    /// What the others say, without those.
    pub rest: Loaded,
}

/// A configuration that came in time.
pub struct InTime {
    /// The configuration.
    pub loaded: Loaded,
    /// Whether a part of it lies on shared storage, which has answered then.
    pub asked_shared: bool,
    /// The files that it depends on, as they were; `None` where that cannot be told of each.
    pub files: Option<Vec<(PathBuf, Seen)>>,
}

/// As `load`, but waits no longer than the deadline for what lies on shared storage.
///
/// Where nothing does, it starts no process, and reads the kernel's table of mounts only if something lies outside of
/// the root's.
///
/// # Errors
/// Where the storage does not answer in time, or another process of this user's is stuck with it.
pub fn load_within(host: &Host, argument: Option<&Path>, patience: &Patience) -> Result<InTime, Box<Stale>> {
    let places = layers::places(host, argument);
    let mut mount = None;
    let mut local = |layer: &Layer| match storage(host, layer) {
        Storage::Local => Some(look::at(host, layer)),
        Storage::Shared(point) => {
            mount.get_or_insert(point);
            None
        }
    };
    let mut looks: Vec<Option<Look>> =
        places.iter().map(|layer| look::on_root(host, layer).or_else(|| local(layer))).collect();
    let Some(mount) = mount else {
        let files = places.iter().zip(&looks).map(|(layer, look)| Some((layer.path.clone(), look.as_ref()?.seen()?)));
        let files = files.collect();
        return Ok(InTime { loaded: made_of(host, &places, looks), asked_shared: false, files });
    };
    let shared = || places.iter().zip(&looks).filter(|(_, look)| look.is_none()).map(|(layer, _)| layer);
    let remembered = Remembered::of(host);
    let again = |layer| look::again(host, layer, remembered.find(layer));
    let Ok(bytes) = in_time(patience, || look::encode(shared().map(again))) else {
        let unread = shared().map(|layer| layer.path.clone()).collect();
        return Err(Box::new(Stale { mount, unread, rest: made_of(host, &places, looks) }));
    };
    let mut new = Vec::new();
    let mut heard = Vec::new();
    for (layer, said) in shared().zip(look::decode(&bytes, shared().count())) {
        heard.push(match said {
            Said::AsBefore => remembered.find(layer).cloned(),
            Said::Now(look) => {
                new.push((layer.path.clone(), look.clone()));
                Some(look)
            }
        });
    }
    remembered.keep(new);
    let mut heard = heard.into_iter();
    for look in looks.iter_mut().filter(|look| look.is_none()) {
        *look = heard.next().flatten();
    }
    Ok(InTime { loaded: made_of(host, &places, looks), asked_shared: true, files: None })
}

/// What answers for a look at this layer.
fn storage(host: &Host, layer: &Layer) -> Storage {
    let leads = look::asked(host, layer).map(|path| host.mounts().leads_to(host, path));
    leads.into_iter().find(|storage| *storage != Storage::Local).unwrap_or(Storage::Local)
}
