//! What is mounted, and where a path leads: from the kernel's table, without touching what may hang.
//!
//! A shared file system that hangs keeps whoever touches it asleep for ever. So no file is looked at before it is known
//! that the mount which it lies in is a local one.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::{Host, files};

/// File systems that another machine, or a program, answers for. `fuse.NAME` counts too.
///
/// A look at an automounter's directory mounts something, and waits for that. `fuseblk` is none of these: it is a disk of this
/// node.
const SHARED: &[&str] = &[
    "9p",
    "afs",
    "autofs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "cvfs",
    "dvs",
    "fhgfs",
    "fuse",
    "gfs2",
    "glusterfs",
    "gpfs",
    "kafs",
    "lustre",
    "mmfs",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "panfs",
    "pvfs2",
    "smb3",
    "smbfs",
    "virtiofs",
    "wekafs",
];

/// As the kernel has it: the most symlinks on one way.
const MOST_LINKS: usize = 40;

/// One mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    id: u32,
    parent: u32,
    /// Where it is mounted.
    pub point: PathBuf,
    /// Its type, as the kernel calls it.
    pub kind: String,
}

impl Mount {
    /// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE SUPER`, with some bytes of paths as `\OOO`.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
        let (id, parent) = (number()?, number()?);
        let point = PathBuf::from(OsString::from_vec(plain(fields.nth(2)?)));
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        Some(Self { id, parent, point, kind: String::from_utf8_lossy(kind).into_owned() })
    }

    /// Whether another machine or a program answers for it, and so may not answer.
    fn is_shared(&self) -> bool {
        self.kind.starts_with("fuse.") || SHARED.binary_search(&self.kind.as_str()).is_ok()
    }
}

/// The bytes that a field of the table stands for: a blank, a tab, a line's end and `\` are `\` and three octal digits there.
fn plain(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        rest = after;
        plain.push(*first);
        if let (b'\\', [one @ b'0'..=b'3', two @ b'0'..=b'7', three @ b'0'..=b'7', after @ ..]) = (*first, after) {
            plain.pop();
            plain.push((one - b'0') << 6 | (two - b'0') << 3 | (three - b'0'));
            rest = after;
        }
    }
    plain
}

/// What answers for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// This node, or the file system that it and every program on it stand on.
    Local,
    /// What is mounted here: it may hang.
    Shared(PathBuf),
}

/// The mounts of this process's namespace, in the order in which the kernel tells them.
#[derive(Clone, Debug, Default)]
pub struct Mounts(Vec<Mount>);

impl Mounts {
    /// Reads the kernel's table; an empty one where there is no /proc. Touches nothing that is mounted.
    pub fn read(host: &Host) -> Self {
        Self::parse(&files::read(&host.locate(Path::new("/proc/self/mountinfo"))).unwrap_or_default())
    }

    /// The mounts of a table.
    pub fn parse(table: &[u8]) -> Self {
        Self(table.split(|byte| *byte == b'\n').filter_map(Mount::parse).collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.0.iter()
    }

    /// What answers for this path, which may not be there; symlinks are followed, and `..` after them.
    ///
    /// Looks at nothing but what lies in local mounts: one `readlink` for each part of the path. Where the way ends before the
    /// path does (nothing there, no permission, a circle of links), it is what answers so: a local mount.
    pub fn leads_to(&self, host: &Host, path: &Path) -> Storage {
        let Some(start) = (if path.is_absolute() { Some(PathBuf::new()) } else { host.real_working_directory() })
        else {
            // The working directory is gone, and nothing tells where it was.
            return Storage::Shared(path.to_owned());
        };
        self.walk(&start.join(path), |path| files::link_target(&host.locate(path)))
    }

    /// The way of an absolute path, with links read by `link`; that is asked for local paths only.
    fn walk(&self, path: &Path, link: impl Fn(&Path) -> io::Result<PathBuf>) -> Storage {
        let parts = |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
        let tree = Tree::new(&self.0);
        let mut ahead = parts(path);
        let mut at = PathBuf::new();
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            if part == "." {
                continue;
            }
            if part == ".." {
                at.pop();
                continue;
            }
            at.push(&part);
            // Before anything looks at it: it may itself be where the shared storage is mounted.
            if let Some(mount) = tree.find(&at).filter(|mount| mount.is_shared()) {
                return Storage::Shared(mount.point.clone());
            }
            if at == Path::new("/") {
                continue;
            }
            match link(&at) {
                Ok(target) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Storage::Local;
                    }
                    at.pop();
                    ahead.extend(parts(&target));
                }
                // It is no link.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                Err(_) => return Storage::Local,
            }
        }
        Storage::Local
    }
}

/// Finds mounts from the root down, as the kernel does: what lies below another mount's point is hidden by it.
struct Tree<'a> {
    mounts: &'a [Mount],
    /// What the root consists of. It counts as local whatever it is: the shell and all it starts lie there too, and a node
    /// without a disk, or a container, may have it from the network.
    root: Vec<u32>,
}

impl<'a> Tree<'a> {
    fn new(mounts: &'a [Mount]) -> Self {
        let mut all: Vec<u32> = mounts.iter().map(|mount| mount.id).collect();
        all.sort_unstable();
        // In a root that is no mount point (chroot), its mount is not in the table, though others name it as their parent.
        let unknown = mounts.iter().map(|mount| mount.parent).filter(|parent| all.binary_search(parent).is_err());
        let at_root = mounts.iter().filter(|mount| mount.point == Path::new("/")).map(|mount| mount.id);
        Self { mounts, root: unknown.chain(at_root).collect() }
    }

    /// The mount that holds this absolute path without symlinks; `None` for the root's.
    fn find(&self, path: &Path) -> Option<&'a Mount> {
        let mut found: Option<&Mount> = None;
        let mut points: Vec<_> = path.ancestors().filter(|point| point.parent().is_some()).collect();
        while let Some(point) = points.pop() {
            // Once more where one is stacked on another; each has its own id, so a table that goes in circles ends too.
            for _ in 0..self.mounts.len() {
                // Both are as short as can be, so their bytes tell: to compare them part by part takes ten times as long.
                let is_next = |mount: &&Mount| {
                    mount.point.as_os_str() == point.as_os_str()
                        && found.map_or_else(|| self.root.contains(&mount.parent), |on| mount.parent == on.id)
                };
                match self.mounts.iter().rfind(is_next) {
                    Some(mount) => found = Some(mount),
                    None => break,
                }
            }
        }
        found
    }
}

/// What answers for this path: without the table where the kernel says that the way never leaves the root's mount.
pub fn storage(host: &Host, path: &Path) -> Storage {
    if host.is_real() && files::is_on_root(path) { Storage::Local } else { host.mounts().leads_to(host, path) }
}

/// The first of these paths' storage that other machines write too, or that may hang; `None`: all of it is this node's.
pub fn first_shared(host: &Host, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Option<PathBuf> {
    paths.into_iter().find_map(|path| match storage(host, path.as_ref()) {
        Storage::Shared(mount) => Some(mount),
        Storage::Local => None,
    })
}

/// The table, read when it is first asked for.
pub(super) type Once = OnceCell<Mounts>;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;

    const TABLE: &str = "\
22 1 0:49 / / rw,relatime - nfs4 server:/images/node rw
23 22 0:4 / /proc rw - proc proc rw
24 22 0:50 / /home rw shared:5 - nfs4 server:/home rw
25 22 0:51 / /my\\040g\\134pfs rw - gpfs data rw
26 22 8:1 / /local rw - ext4 sda rw
27 26 0:52 / /local/far rw - fuse.sshfs host: rw
28 27 8:2 / /local/far/near rw - tmpfs tmpfs rw
29 22 0:53 / /auto rw - autofs systemd-1 rw
30 29 8:3 / /auto rw - ext4 sdb rw
31 22 0:54 / /hidden/nfs rw - nfs4 server:/x rw
32 22 0:55 / /hidden rw - tmpfs tmpfs rw
33 22 8:4 / /usb rw - fuseblk sdc rw
nonsense
";

    /// What the walk says with these links, and each path that it looked at.
    fn walk(table: &str, links: &[(&str, &str)], path: &str) -> (Storage, Vec<String>) {
        let links: BTreeMap<_, _> = links.iter().map(|(at, to)| (PathBuf::from(at), PathBuf::from(to))).collect();
        let looked = RefCell::new(Vec::new());
        let storage = Mounts::parse(table.as_bytes()).walk(Path::new(path), |path| {
            looked.borrow_mut().push(path.to_str().unwrap().to_owned());
            if path.ends_with("absent") {
                return Err(io::ErrorKind::NotFound.into());
            }
            links.get(path).cloned().ok_or(io::ErrorKind::InvalidInput.into())
        });
        (storage, looked.into_inner())
    }

    fn leads(links: &[(&str, &str)], path: &str) -> String {
        match walk(TABLE, links, path).0 {
            Storage::Local => String::new(),
            Storage::Shared(point) => point.to_str().unwrap().to_owned(),
        }
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(SHARED.is_sorted());
    }

    #[test]
    fn a_line_of_the_table_is_a_mount() {
        let line =
            b"36 35 98:0 /m1 /mnt\\0402\\011\\012\\134x rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw";
        let mount = Mount { id: 36, parent: 35, point: "/mnt 2\t\n\\x".into(), kind: "ext3".into() };
        assert_eq!(Mount::parse(line), Some(mount));
        for odd in ["", "x", "1 2 3 4 5 6", "1 x 0:1 / / rw - ext4 sda rw", "1 2 0:1 / /a rw - "] {
            assert!(Mount::parse(odd.as_bytes()).is_none_or(|mount| mount.kind.is_empty()), "{odd}");
        }
        assert_eq!(plain(b"a\\b\\04\\0777\\400\\"), b"a\\b\\04\x3f7\\400\\");
    }

    #[test]
    fn a_path_leads_where_its_mount_is() {
        for (path, point) in [
            ("/", ""),
            ("/etc/hpcsh/config.toml", ""),
            ("/home", "/home"),
            ("/home/ada/x", "/home"),
            ("/homes/ada", ""),
            ("/my g\\pfs/x", "/my g\\pfs"),
            ("/local/x", ""),
            ("/local/far", "/local/far"),
            // The way there goes through the one that may hang.
            ("/local/far/near/x", "/local/far"),
            ("/auto/x", ""),
            ("/hidden/nfs/x", ""),
            ("/usb/x", ""),
            ("/home/../etc", "/home"),
            ("/local/../home/x", "/home"),
            ("/../../home", "/home"),
            ("/local/./x", ""),
        ] {
            assert_eq!(leads(&[], path), point, "{path}");
        }
    }

    #[test]
    fn links_are_followed() {
        let links = [
            ("/root/abs", "/home/ada/x"),
            ("/root/rel", "../local/far/x"),
            ("/root/two", "abs"),
            ("/root/dir", "/local/y"),
            ("/local/y/up", "../../home"),
            ("/root/here", "."),
            ("/root/circle", "circle"),
            ("/root/gone", "/local/absent/../../home"),
            ("/root/root", "/"),
        ];
        for (path, point) in [
            ("/root/abs", "/home"),
            ("/root/abs/more", "/home"),
            ("/root/rel", "/local/far"),
            ("/root/two", "/home"),
            ("/root/dir/file", ""),
            ("/root/dir/up/x", "/home"),
            // `..` leaves what the link leads to, not the directory of the link.
            ("/root/dir/../far", "/local/far"),
            ("/root/here/here/abs", "/home"),
            ("/root/circle", ""),
            ("/root/gone", ""),
            ("/root/root/home", "/home"),
            ("/root/absent/../../home", ""),
        ] {
            assert_eq!(leads(&links, path), point, "{path}");
        }
    }

    #[test]
    fn nothing_is_looked_at_in_what_may_hang() {
        let (storage, looked) = walk(TABLE, &[("/etc/link", "/home/ada")], "/etc/link/x/y");
        assert_eq!(storage, Storage::Shared("/home".into()));
        assert_eq!(looked, ["/etc", "/etc/link"]);
        assert_eq!(walk(TABLE, &[], "/home/ada").1, [""; 0]);
        assert_eq!(walk(TABLE, &[], "/etc/absent/x/y").1, ["/etc", "/etc/absent"]);
    }

    #[test]
    fn a_root_that_is_in_no_table_and_tables_that_cannot_be() {
        let chroot = "24 22 0:50 / /home rw - nfs4 server:/home rw\n";
        assert_eq!(walk(chroot, &[], "/home/x").0, Storage::Shared("/home".into()));
        assert_eq!(walk(chroot, &[], "/etc").0, Storage::Local);
        assert_eq!(walk("", &[], "/home/x").0, Storage::Local);
        // Each is mounted on the other.
        let circle = "1 2 0:1 / /a rw - ext4 a rw\n2 1 0:2 / /a rw - nfs a rw\n1 1 0:1 / /b rw - nfs b rw\n";
        assert_eq!(walk(circle, &[], "/a/b").0, Storage::Local);
    }

    #[test]
    fn the_root_of_this_node_is_local() {
        let host = Host::real();
        assert_eq!(storage(&host, Path::new("/")), Storage::Local);
        assert_eq!(Mounts::read(&host).leads_to(&host, Path::new("/proc/self/exe/..")), Storage::Local);
        assert!(Mounts::read(&host).iter().any(|mount| mount.point == Path::new("/proc") && mount.kind == "proc"));
    }
}
