//! A node of a test's own: a network, mounts, processes, with an /etc, a /run and a /var/lib that begin empty.
//!
//! All that runs in it ends with it. Nothing of this machine's own is written: not even a mount is seen outside.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::XattrFlags;

use crate::support::{Outcome, PROGRAM, has, is_root, path, run, skip};

/// The name server of the intranet, and another one.
pub const UPSTREAM: &str = "10.9.8.7";
pub const SECOND: &str = "10.9.8.8";

/// All there is to a file: type and permission bits, owner, group, bytes or target, attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    pub mode: u32,
    pub owner: (u32, u32),
    pub text: String,
    pub note: Option<Vec<u8>>,
}

impl Shot {
    pub fn of(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok()?;
        let text = if found.is_symlink() {
            fs::read_link(path).unwrap().to_str().unwrap().to_owned()
        } else {
            fs::read_to_string(path).unwrap()
        };
        let mut bytes = [0; 64];
        let length = rustix::fs::lgetxattr(path, "user.note", &mut bytes[..]).ok();
        let note = length.map(|length| bytes[..length].to_vec());
        Some(Self { mode: found.mode(), owner: (found.uid(), found.gid()), text, note })
    }
}

pub struct World {
    root: tempfile::TempDir,
    holder: Child,
    first: String,
    servers: RefCell<Vec<Child>>,
    /// The directory of programs that come before the system's.
    pub programs: PathBuf,
}

impl World {
    /// One in which `script` is done at first, by sh; `None`, said loudly, where there can be none.
    #[track_caller]
    pub fn new(script: &str) -> Option<Self> {
        if !is_root() || !["unshare", "nsenter", "ip", "python3", "pkill"].iter().all(|program| has(program)) {
            skip("a node of the test's own wants root, util-linux, procps, iproute2 and python3");
            return None;
        }
        let root = tempfile::Builder::new().prefix("hpcsh-test-node-").tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for dir in ["etc", "run", "lib", "tmp", "outside", "bin", "home"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        fs::set_permissions(root.path().join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        let etc = root.path().join("etc");
        for (name, text) in [
            ("passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/sh\n"),
            ("hosts", "127.0.0.1 localhost\n"),
            ("nsswitch.conf", "hosts: files dns\n"),
        ] {
            fs::write(etc.join(name), text).unwrap();
        }
        for name in ["ld.so.cache", "alternatives"] {
            let _ = Command::new("cp").arg("-a").arg(Path::new("/etc").join(name)).arg(&etc).status();
        }
        fs::write(root.path().join("stub.py"), include_str!("stub.py")).unwrap();
        let at = root.path().display();
        let setup = format!(
            "set -e; W={at}
            mount --bind $W/etc /etc; mount --bind $W/run /run; mount --bind $W/lib /var/lib; mount --bind $W/tmp /var/tmp
            ip link set lo up; ip addr add {UPSTREAM}/32 dev lo; ip addr add {SECOND}/32 dev lo
            {script}
            exec python3 $W/stub.py {UPSTREAM} {SECOND}"
        );
        let unshare = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", &setup];
        let mut holder = Command::new("unshare")
            .args(unshare)
            .env("PATH", path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "the node has not begun");
        let id = holder.id();
        let first = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap().trim().to_owned();
        let programs = root.path().join("bin");
        Some(Self { root, holder, first, servers: RefCell::default(), programs })
    }

    /// Where a path of the node's own lies, as the node sees it: through all that is mounted there.
    pub fn seen(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.first))
    }

    /// Where what the node has as /etc, /run, /var/lib lies outside of it, below any mount of its own.
    pub fn below(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A command in it, as root or as somebody else, with nothing in its environment but what hpcsh's tests have.
    pub fn command(&self, user: u32, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first, "--net", "--mount", "--pid", "--"]);
        if user != 0 {
            let id = user.to_string();
            command.args(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups", "--"]);
        }
        let path = format!("{}:{}", self.programs.display(), path());
        command.args(words).env_clear().env("PATH", path).env("HOME", self.below("home"));
        command.env("LANG", "C.UTF-8").env("HPCSH_NO_PROBE", "1").current_dir("/");
        command
    }

    pub fn run(&self, words: &[&str]) -> Outcome {
        run(&mut self.command(0, words))
    }

    pub fn hpcsh(&self, words: &[&str]) -> Outcome {
        self.run(&[&[PROGRAM], words].concat())
    }

    /// `hpcsh dns` with this word, which ends well; gives what it says.
    #[track_caller]
    pub fn dns(&self, word: &str) -> String {
        let outcome = self.hpcsh(&["dns", word]);
        assert_eq!((outcome.out.as_str(), outcome.status), ("", 0), "dns {word}: {}", outcome.err);
        outcome.err
    }

    /// Starts the server by hand, so that `on` and `off` have only the file to see to.
    #[allow(clippy::zombie_processes)] // it ends with the namespaces
    pub fn serve(&self) {
        let mut command = self.command(0, &[PROGRAM, "dns", "serve"]);
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.servers.borrow_mut().push(server);
        let ask = "import socket, sys, time
for _ in range(2000):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1)
    s.connect(('127.0.0.1', 53))
    try:
        s.send(b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\7invalid\\0\\0\\1\\0\\1')
        sys.exit(s.recv(512) == b'')
    except OSError:
        time.sleep(0.01)
sys.exit(1)";
        assert_eq!(self.run(&["python3", "-c", ask]).status, 0, "the server does not answer");
    }

    /// The same, where it does not run yet.
    pub fn serve_once(&self) {
        if self.servers() == 0 {
            self.serve();
        }
    }

    /// The resolv.conf of the node: its own entry, and what is read through it.
    pub fn shot(&self) -> Option<Shot> {
        Shot::of(&self.seen("/etc/resolv.conf"))
    }

    pub fn text(&self) -> String {
        self.run(&["cat", "/etc/resolv.conf"]).out
    }

    /// Puts a file into it.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.seen(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A program of its own, in sh.
    pub fn program(&self, name: &str, text: &str) {
        let path = self.programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// How many servers of ours run in it.
    pub fn servers(&self) -> usize {
        let outcome = self.run(&[
            "sh",
            "-c",
            "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o 'hpcsh dns [s]erve' | wc -l",
        ]);
        outcome.out.trim().parse().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // `--kill-child`: the first process in it goes too, and with it all others.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        for server in self.servers.get_mut() {
            let _ = server.wait();
        }
    }
}

/// What is usual on a node.
pub const USUAL: &str = "# by hand\nsearch a.example\nnameserver 10.9.8.7\noptions ndots:2\n";

/// A kind of resolv.conf, and what `on` says of how it comes in its place.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    /// Before the node's first process begins, by sh, with `$W` for the directory outside.
    pub script: &'static str,
    /// Puts the file there.
    pub make: fn(&World),
    /// What `on` says, from its first line on.
    pub says: &'static str,
}

/// A file with all that can belong to one.
fn plain(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let _ = rustix::fs::setxattr(path, "user.note", b"mine\0", XattrFlags::empty());
    chown(path, Some(12), Some(34)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o664)).unwrap();
}

fn link(world: &World, target: &str) {
    let path = world.below("etc/resolv.conf");
    symlink(target, &path).unwrap();
    std::os::unix::fs::lchown(&path, Some(12), Some(34)).unwrap();
}

/// A file that is a mount of its own, as containers have it.
pub const MOUNT: &str =
    "touch $W/outside/resolv.conf /etc/resolv.conf; mount --bind $W/outside/resolv.conf /etc/resolv.conf";

pub const KINDS: &[Kind] = &[
    Kind {
        name: "a plain file",
        script: "",
        make: |world| plain(&world.below("etc/resolv.conf"), USUAL),
        says: "/etc/resolv.conf is a plain file: another one takes its place\n",
    },
    Kind {
        name: "an empty file",
        script: "",
        make: |world| plain(&world.below("etc/resolv.conf"), ""),
        says: "/etc/resolv.conf is a plain file: another one takes its place\n\
               there is no other server to ask: names of the intranet are not found either\n",
    },
    Kind {
        name: "no file",
        script: "",
        make: |_| {},
        says: "/etc/resolv.conf is not there: one is made\n\
               there is no other server to ask: names of the intranet are not found either\n",
    },
    Kind {
        name: "four servers, and a last line without an end",
        script: "",
        make: |world| {
            let text =
                "nameserver 10.9.8.7\nnameserver 10.9.8.8\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions rotate";
            plain(&world.below("etc/resolv.conf"), text);
        },
        says: "/etc/resolv.conf is a plain file: another one takes its place\n\
               nameserver 192.0.2.1 falls out: the C library asks three servers, and ours is the first\n\
               `options rotate` is left out: every other question would go past ours\n",
    },
    Kind {
        name: "our own address",
        script: "",
        make: |world| plain(&world.below("etc/resolv.conf"), "nameserver 127.0.0.1\n"),
        says: "/etc/resolv.conf is a plain file: another one takes its place\n\
               there is no other server to ask: names of the intranet are not found either\n",
    },
    Kind {
        name: "a link to what systemd-resolved writes",
        script: "",
        make: |world| {
            world.write(
                "/run/systemd/resolve/stub-resolv.conf",
                "nameserver 127.0.0.53\noptions edns0\nsearch a.example\n",
            );
            world.write("/run/systemd/resolve/resolv.conf", "nameserver 10.9.8.7\nsearch a.example\n");
            link(world, "../run/systemd/resolve/stub-resolv.conf");
        },
        says: "/etc/resolv.conf is a link to ../run/systemd/resolve/stub-resolv.conf: a file takes its place\n",
    },
    Kind {
        name: "a link to what resolvconf writes",
        script: "",
        make: |world| {
            world.write("/run/resolvconf/resolv.conf", USUAL);
            link(world, "/run/resolvconf/resolv.conf");
        },
        says: "/etc/resolv.conf is a link to /run/resolvconf/resolv.conf: a file takes its place\n\
               resolvconf may write the file again when the network changes; against that: `nameserver 127.0.0.1` in \
               /etc/resolvconf/resolv.conf.d/head (Debian), libc=NO in /etc/resolvconf.conf (openresolv)\n",
    },
    Kind {
        name: "a link to nothing",
        script: "",
        make: |world| link(world, "/run/nowhere/resolv.conf"),
        says: "/etc/resolv.conf is a link to /run/nowhere/resolv.conf: a file takes its place\n\
               there is no other server to ask: names of the intranet are not found either\n",
    },
    Kind {
        name: "a mount",
        script: MOUNT,
        make: |world| plain(&world.below("outside/resolv.conf"), USUAL),
        says: "/etc/resolv.conf cannot be replaced, as where it is a mount of its own: it is written in its place\n",
    },
    Kind {
        name: "a mount, of Kubernetes",
        script: MOUNT,
        make: |world| {
            let text = "search ns.svc.a.example svc.a.example a.example\nnameserver 10.9.8.7\noptions ndots:5\n";
            plain(&world.below("outside/resolv.conf"), text);
        },
        says: "/etc/resolv.conf cannot be replaced, as where it is a mount of its own: it is written in its place\n",
    },
    Kind {
        name: "a file system that is read only",
        script: "touch /etc/resolv.conf; mount -o remount,bind,ro /etc",
        make: |world| plain(&world.below("etc/resolv.conf"), USUAL),
        says: "/etc/resolv.conf cannot be written (Read-only file system (os error 30)): another file is mounted over it, until the node restarts\n",
    },
    Kind {
        name: "a link into memory, from a file system that is read only",
        script: "ln -s /run/resolv.conf /etc/resolv.conf; mount -o remount,bind,ro /etc",
        make: |world| plain(&world.below("run/resolv.conf"), USUAL),
        says: "/etc/resolv.conf is a link to /run/resolv.conf and cannot be replaced: that file is written\n",
    },
    Kind {
        name: "a link to what Debian's resolvconf writes, which is at work",
        script: "",
        make: |world| {
            world.write("/etc/resolvconf/resolv.conf.d/base", USUAL);
            world.write("/etc/resolvconf/resolv.conf.d/head", "# by an administrator");
            world.write("/run/resolvconf/resolv.conf", &format!("# by an administrator\n{USUAL}"));
            link(world, "/run/resolvconf/resolv.conf");
            // As the real one: the link is not looked at, and no reader sees half of it.
            world.program(
                "resolvconf",
                "echo resolvconf \"$@\" >>/var/tmp/told
                exec flock /run/resolvconf/lock sh -c 'cd /etc/resolvconf/resolv.conf.d
                (test -e head && cat head && echo; cat base) >/run/resolvconf/new; mv /run/resolvconf/new /run/resolvconf/resolv.conf'",
            );
        },
        says: "/etc/resolv.conf is a link to /run/resolvconf/resolv.conf: a file takes its place\n\
               resolvconf is told by /etc/resolvconf/resolv.conf.d/head: nameserver 127.0.0.1\n",
    },
    Kind {
        name: "a file that openresolv writes",
        script: "",
        make: |world| {
            let text = "# Generated by resolvconf\nsearch a.example\nnameserver 10.9.8.7\n";
            world.write("/run/generated", text);
            world.write("/etc/resolvconf.conf", "resolv_conf=/etc/resolv.conf");
            plain(&world.below("etc/resolv.conf"), text);
            // As the real one: it writes in place, and only what has changed.
            world.program(
                "resolvconf",
                "echo resolvconf \"$@\" >>/var/tmp/told
                . /etc/resolvconf.conf
                test \"$libc\" = NO || cmp -s /run/generated $resolv_conf || cat /run/generated >$resolv_conf",
            );
        },
        says: "/etc/resolv.conf is a plain file: another one takes its place\n\
               resolvconf is told by /etc/resolvconf.conf: libc=NO\n",
    },
];
