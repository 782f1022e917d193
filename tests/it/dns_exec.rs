//! `hpcsh dns exec` in an intranet that the tests make: as who runs them, and as nobody where that is root.
//!
//! Each run is a network namespace of nothing but loopback, and a mount namespace with its own files of names. The name server of
//! that intranet says nothing of other names, as where packets vanish.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::{Home, NOBODY, Outcome, PROGRAM, has, is_root, path, run, skip};

/// Somebody who runs commands in a world.
pub struct User {
    pub home: Home,
    pub is_nobody: bool,
}

/// Who runs the tests, and nobody where that is root; nobody at all where there can be no such worlds, or a program is missing.
pub fn users(programs: &[&str]) -> Vec<User> {
    for program in ["unshare", "ip", "setpriv", "python3"].iter().chain(programs) {
        if !has(program) {
            skip(&format!("{program} is not installed"));
            return Vec::new();
        }
    }
    let mut world = Command::new("unshare");
    world.args(if is_root() { &[][..] } else { &["--map-root-user"] }).args(["--net", "--mount", "true"]);
    if !world.status().is_ok_and(|status| status.success()) {
        skip("no network namespaces can be made here");
        return Vec::new();
    }
    let nobody = Home::of_nobody().map(|home| User { home, is_nobody: true });
    [Some(User { home: Home::new(), is_nobody: false }), nobody].into_iter().flatten().collect()
}

/// An intranet: its files, and who answers in it.
pub struct World {
    dir: tempfile::TempDir,
    resolv: String,
    /// Commands of root's before the servers start.
    setup: String,
    /// In the words of world.py.
    servers: Vec<String>,
    /// A server of root's beside those.
    background: String,
}

/// Where the name server of the intranet is; nobody is at 127.0.0.1.
pub const UPSTREAM: &str = "127.0.0.9";

impl World {
    /// One with a web server that has names, and a name server that knows them and is silent on all others.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("hpcsh-test-world-").tempdir().unwrap();
        let open: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(dir.path(), open).unwrap();
        let names = "mirror.lab=127.0.0.1 git.lab=127.0.0.1 six.lab=::1 node7.lab=10.0.0.7";
        Self {
            dir,
            resolv: format!("nameserver {UPSTREAM}\nsearch lab\n"),
            setup: String::new(),
            servers: vec![format!("dns {UPSTREAM} silent {names}"), "http 127.0.0.1".into()],
            background: String::new(),
        }
    }

    pub fn resolv(mut self, text: &str) -> Self {
        text.clone_into(&mut self.resolv);
        self
    }

    pub fn setup(mut self, text: &str) -> Self {
        self.setup += &format!("{text}\n");
        self
    }

    pub fn serve(mut self, server: &str) -> Self {
        self.servers.push(server.to_owned());
        self
    }

    /// A resolver of 127.0.0.1 that runs meanwhile, as root.
    pub fn background(mut self, words: &str) -> Self {
        words.clone_into(&mut self.background);
        self
    }

    /// The intranet's name server says of other names that they are not there.
    pub fn answer_all(&mut self) {
        self.servers[0] = self.servers[0].replace("silent", "nothing");
    }

    /// What a script of this user does in it; the words are its `$@`.
    pub fn run(&self, user: &User, text: &str, words: &[&str]) -> Outcome {
        let dir = self.dir.path().display().to_string();
        let name = String::from_utf8(rustix::system::uname().nodename().to_bytes().to_vec()).unwrap();
        fs::write(self.dir.path().join("hosts"), format!("127.0.0.1 localhost {name}\n")).unwrap();
        fs::write(self.dir.path().join("resolv.conf"), &self.resolv).unwrap();
        fs::write(self.dir.path().join("nsswitch.conf"), "passwd: files\nhosts: files dns\n").unwrap();
        fs::write(self.dir.path().join("world.py"), include_str!("dns_exec/world.py")).unwrap();
        let _ = fs::remove_file(self.dir.path().join("ready"));
        let servers: String = self.servers.iter().map(|server| format!("'{server}' ")).collect();
        let as_user = if user.is_nobody {
            format!("setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --inh-caps=-all")
        } else {
            String::new()
        };
        // It is there when it takes connections.
        let background = if self.background.is_empty() {
            String::new()
        } else {
            let connect = "import socket; socket.create_connection(('127.0.0.1', 53))";
            let wait =
                format!("for _ in $(seq 400); do python3 -c \"{connect}\" 2>/dev/null && break; sleep 0.05; done");
            format!("{} 2>{dir}/log & servers=\"$servers $!\"\n{wait}", self.background)
        };
        let outer = format!(
            "set -e
            for file in hosts resolv.conf nsswitch.conf; do mount --bind {dir}/$file /etc/$file; done
            ip link set lo up
            {}
            python3 {dir}/world.py {dir} {servers} >&2 & servers=$!
            trap 'kill $servers' EXIT
            for _ in $(seq 400); do [ -e {dir}/ready ] && break; sleep 0.05; done
            {background}
            set +e
            {as_user} sh -c \"$0\" sh \"$@\"",
            self.setup
        );
        let home = &user.home;
        let mut command = Command::new("unshare");
        command.args(if is_root() { &[][..] } else { &["--map-root-user"] });
        command.args(["--net", "--mount", "sh", "-c", &outer, text]).args(words).current_dir(home.path());
        command.env_clear().env("HOME", home.path()).env("HPCSH_LOCAL_DIR", home.local()).env("PATH", path());
        command.env("XDG_RUNTIME_DIR", home.run()).env("HPCSH_NO_PROBE", "1").env("P", PROGRAM).env("D", dir);
        run(&mut command)
    }

    /// What its name servers were asked so far: `SERVER NAME TYPE`.
    pub fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.dir.path().join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }
}

/// The programs that look a name up, where they can be made: glibc's, musl's, c-ares'.
pub struct Lookups {
    pub glibc: PathBuf,
    pub musl: PathBuf,
    pub cares: PathBuf,
}

/// Made once.
pub static LOOKUPS: LazyLock<Option<Lookups>> = LazyLock::new(|| {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lookups");
    fs::create_dir_all(&dir).unwrap();
    let make = |compiler: &[&str], source: &str, text: &str, name: &str, behind: &[&str]| {
        let (source, program) = (dir.join(source), dir.join(name));
        fs::write(&source, text).unwrap();
        let mut command = Command::new(compiler[0]);
        let made = command.args(&compiler[1..]).arg(&source).arg("-o").arg(&program).args(behind).output();
        let is_made = made.as_ref().is_ok_and(|output| output.status.success());
        if !is_made {
            skip(&format!("{name} cannot be made: {made:?}"));
        }
        is_made.then_some(program)
    };
    let lookup = include_str!("dns_exec/lookup.c");
    let cares = include_str!("dns_exec/cares.c");
    Some(Lookups {
        glibc: make(&["gcc"], "lookup.c", lookup, "lookup-glibc", &[])?,
        musl: make(&["musl-gcc", "-static"], "lookup.c", lookup, "lookup-musl", &[])?,
        cares: make(&["gcc"], "cares.c", cares, "lookup-cares", &["-lcares"])?,
    })
});

/// What the configuration of these tests says.
const CONFIG: &str = "[dns]\nallow = [\"mirror.lab\", \"six.lab\"]\n";
/// What became of a command.
#[derive(Debug)]
pub struct Ran {
    /// In milliseconds.
    pub took: u32,
    pub status: i32,
    /// On both streams.
    pub said: String,
    /// What the name servers were asked meanwhile.
    pub asked: Vec<String>,
}

/// What becomes of these commands, one after the other in the same world.
#[track_caller]
pub fn timed(world: &World, user: &User, commands: &[&[&str]]) -> Vec<Ran> {
    let quoted = |word: &&str| format!("'{}' ", word.replace('\'', "'\\''"));
    let timed = |words: &&[&str]| {
        let words: String = words.iter().map(quoted).collect();
        // A question may be written down a little later than it is answered.
        format!(
            "a=$(date +%s%N); out=$({words} 2>&1 </dev/null); s=$?; b=$(date +%s%N); sleep 0.1
            echo $(((b - a) / 1000000)) $s $(wc -l <$D/asked); echo \"$out\"; echo ====\n"
        )
    };
    let script: String = commands.iter().map(timed).collect();
    let mut before = world.asked().len();
    let outcome = world.run(user, &script, &[]);
    let all = world.asked();
    let parts: Vec<&str> = outcome.out.split("====\n").filter(|part| !part.is_empty()).collect();
    assert_eq!(parts.len(), commands.len(), "{outcome:?}");
    let ran = |part: &str| {
        let (first, said) = part.split_once('\n').unwrap();
        let numbers: Vec<u32> = first.split(' ').map(|word| word.parse().unwrap()).collect();
        let count = usize::try_from(numbers[2]).unwrap();
        let asked = all[before..count].to_vec();
        before = count;
        let said = said.trim_end().to_owned();
        Ran { took: numbers[0], status: i32::try_from(numbers[1]).unwrap(), said, asked }
    };
    parts.into_iter().map(ran).collect()
}

pub fn exec<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&[PROGRAM, "dns", "exec", "--"], words].concat()
}

pub const PYTHON: &str = "import socket, sys
try: print(socket.getaddrinfo(sys.argv[1], 80)[0][4][0])
except socket.gaierror as error: sys.exit(error.strerror)";

#[test]
fn what_is_of_the_internet_fails_at_once_and_the_intranet_is_reached() {
    for user in users(&["curl", "git", "gron"]) {
        user.home.configure(CONFIG);
        let world = World::new();
        let fails = [
            (exec(&["curl", "-sS", "https://huggingface.co"]), "Could not resolve host: huggingface.co"),
            (exec(&["git", "ls-remote", "https://github.com/a/b"]), "Could not resolve host: github.com"),
            (exec(&["python3", "-c", PYTHON, "huggingface.co"]), "Name or service not known"),
            // What Go 1.19 says where files alone are asked.
            (exec(&["gron", "http://huggingface.co/x.json"]), "huggingface.co: no suitable address found"),
            (exec(&["env", "GODEBUG=netdns=go", "gron", "http://huggingface.co/x.json"]), "huggingface.co"),
        ];
        let works = [
            (exec(&["curl", "-sS", "http://mirror.lab/"]), "the intranet"),
            (
                exec(&["git", "ls-remote", "http://mirror.lab/repo.git"]),
                "0123456789012345678901234567890123456789\trefs/heads/main",
            ),
            (exec(&["python3", "-c", PYTHON, "mirror.lab"]), "127.0.0.1"),
            (exec(&["python3", "-c", PYTHON, "six.lab"]), "::1"),
            (exec(&["python3", "-c", PYTHON, "localhost"]), "127.0.0.1"),
            (exec(&["gron", "http://mirror.lab/data.json"]), "json.from = \"the intranet\";"),
            (
                exec(&["env", "GODEBUG=netdns=go", "gron", "http://mirror.lab/data.json"]),
                "json.from = \"the intranet\";",
            ),
        ];
        // As it is without us.
        let without = ["timeout", "2", "curl", "-sS", "https://huggingface.co"];
        let all = [&without[..]].into_iter().chain(fails.iter().chain(&works).map(|(words, _)| &words[..]));
        let mut ran = timed(&world, &user, &all.collect::<Vec<_>>()).into_iter();
        let hung = ran.next().unwrap();
        assert_eq!(hung.status, 124, "{hung:?}");
        assert!(hung.asked.contains(&format!("{UPSTREAM} huggingface.co 1")), "{hung:?}");
        for ((words, end), ran) in fails.iter().zip(ran.by_ref()) {
            assert!(ran.took < 1500 && ran.status != 0 && ran.said.contains(end), "{words:?}: {ran:?}");
            assert!(ran.asked.iter().all(|line| line.contains(".lab ")), "{words:?}: {ran:?}");
        }
        for ((words, end), ran) in works.iter().zip(ran) {
            assert!(ran.status == 0 && ran.said.ends_with(end), "{words:?}: {ran:?}");
        }
    }
}

/// pip, with the milliseconds that it waits for look-ups: to start takes it longer.
const PIP: &str = "import runpy, socket, sys, time
ask, took = socket.getaddrinfo, []
def timed(*words, **named):
    before = time.monotonic()
    try: return ask(*words, **named)
    finally: took.append(time.monotonic() - before)
socket.getaddrinfo = timed
sys.argv = ['pip', '--disable-pip-version-check', 'download', '-q', '--no-deps', '--no-cache-dir', '--trusted-host', 'mirror.lab', '--index-url', sys.argv[1], 'tiny']
try: runpy.run_module('pip', run_name='__main__')
except SystemExit as end: print(end.code, len(took), int(sum(took) * 1000))";

#[test]
fn pip_does_not_try_again_unless_it_has_a_mirror() {
    for user in users(&[]) {
        user.home.configure(CONFIG);
        let world = World::new();
        let pip = |index: &str| {
            let said = timed(&world, &user, &[&exec(&["python3", "-c", PIP, index])]).remove(0).said;
            let last: Vec<u32> = said.lines().last().unwrap().split(' ').map(|word| word.parse().unwrap()).collect();
            ([last[0], last[1], last[2]], said)
        };
        let ([code, count, took], said) = pip("https://index.example/simple");
        // Some releases of pip ask twice for each try.
        assert!(code == 1 && count <= 2 && took < 500, "{said}");
        let ([code, _, _], said) = pip("http://mirror.lab/simple");
        assert!(code == 0 && user.home.path().join("tiny-1-py3-none-any.whl").exists(), "{said}");
        // Whose mirror does not answer just now goes on trying, be it configured or in the environment.
        let retries = |words: &[&str]| world.run(&user, "env \"$@\" | grep -E '^(PIP|UV_HTTP)_RETRIES'", words).out;
        let ours = exec(&["env"]);
        assert_eq!(retries(&ours), "PIP_RETRIES=0\nUV_HTTP_RETRIES=0\n");
        let mirror = "PIP_INDEX_URL=http://mirror.lab/simple";
        assert_eq!(retries(&[&[mirror], &ours[..]].concat()), "UV_HTTP_RETRIES=0\n");
        user.home.configure("env.set.UV_INDEX = \"http://mirror.lab/simple\"\n");
        assert_eq!(retries(&ours), "PIP_RETRIES=0\n");
    }
}

#[test]
fn every_resolver_is_told_at_once() {
    let Some(programs) = LOOKUPS.as_ref() else { return };
    for user in users(&[]) {
        user.home.configure(CONFIG);
        let world = World::new();
        // musl asks a port at which nobody is for its whole patience.
        let all = [(&programs.glibc, 1000, "-2"), (&programs.musl, 3000, "-3"), (&programs.cares, 1000, "")];
        for (program, most, no_name) in all {
            let program = program.to_str().unwrap();
            // The names of the first one are looked up before.
            let (blocked, allowed) = (exec(&[program, "huggingface.co"]), exec(&[program, "mirror.lab"]));
            let ran = timed(&world, &user, &[&allowed, &blocked]);
            let (allowed, blocked) = (&ran[0], &ran[1]);
            assert!(blocked.status == 1 && blocked.said.starts_with(no_name), "{program}: {blocked:?}");
            assert!(blocked.took < most && blocked.asked.is_empty(), "{program}: {blocked:?}");
            assert_eq!((allowed.status, allowed.said.as_str()), (0, "127.0.0.1"), "{program}: {allowed:?}");
        }
        // Nothing goes to a name server of another kind on this node either, and one of Kubernetes has many domains.
        let mut local = World::new();
        local.answer_all();
        let local = local
            .resolv(
                "nameserver 127.0.0.9\nsearch ml.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
            )
            .serve("dns 127.0.0.1 silent");
        for (program, most, _) in all {
            let program = program.to_str().unwrap();
            let words = exec(&[program, "huggingface.co"]);
            let ran = timed(&local, &user, &[&words, &words]).remove(1);
            assert!(ran.took < most && ran.status == 1, "{program}: {ran:?}");
            // Who that is was asked, and no more.
            assert_eq!(ran.asked, ["127.0.0.1 hpcsh.invalid 1"], "{program}");
        }
    }
}

#[test]
fn signals_and_the_status_are_the_commands_own() {
    for user in users(&[]) {
        let world = World::new();
        for (text, status) in
            [("exit 0", 0), ("exit 7", 7), ("exit 124", 124), ("kill -9 $$", 137), ("kill -2 $$", 130)]
        {
            let outcome = world.run(&user, "\"$@\"; echo $?", &exec(&["sh", "-c", text]));
            let last = outcome.out.lines().last().map(str::to_owned);
            assert_eq!((last, outcome.err.contains("hpcsh")), (Some(status.to_string()), false), "{text}: {outcome:?}");
        }
        // Nobody stands between: the process that was started is the command.
        let text = "\"$@\" >out & until grep -q ready out; do sleep 0.05; done
            kill -USR1 $!; wait $!; echo $?; cat out; kill -0 $! 2>/dev/null; echo $?";
        let command = "trap 'echo caught; exit 9' USR1; echo ready; while :; do sleep 0.05; done";
        let outcome = world.run(&user, text, &exec(&["sh", "-c", command]));
        assert_eq!(outcome.out, "9\nready\ncaught\n1\n", "{outcome:?}");
        // A reader that goes away ends it, as ever.
        let outcome = world.run(&user, "{ \"$@\"; echo $? >&2; } | head -n 1", &exec(&["yes"]));
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("y\n", "141\n"));
        let outcome = world.run(&user, "echo in | \"$@\"", &exec(&["sh", "-c", "cat; pwd"]));
        assert_eq!(outcome.out, format!("in\n{}\n", user.home.path().display()));
        let missing = user.home.hpcsh(&["dns", "exec", "no-such-command"]);
        assert_eq!((missing.status, missing.err.as_str()), (127, "error: no-such-command: command not found\n"));
        let plain = user.home.write("plain", "");
        assert_eq!(user.home.hpcsh(&["dns", "exec", plain.to_str().unwrap()]).status, 126);
        for words in
            [&["dns", "exec", "--no-such"][..], &["dns", "exec"], &["--config", "x", "dns", "exec", "--json", "true"]]
        {
            let outcome = user.home.hpcsh(words);
            assert!(outcome.status == 125 && outcome.err.starts_with("error: "), "{outcome:?}");
        }
        assert_eq!(user.home.hpcsh(&["dns", "--no-such", "exec"]).status, 2);
        let words = ["dns", "exec", "--", "echo", "--dry-run", "--config", "x"];
        assert_eq!(user.home.hpcsh(&words).out, "--dry-run --config x\n");
    }
}

#[test]
fn nothing_is_left_mounted_and_no_process() {
    for user in users(&[]) {
        let world = World::new();
        let text = "here() { cat /proc/self/mountinfo; ls -A . $XDG_RUNTIME_DIR $XDG_RUNTIME_DIR/hpcsh; }
            others() { find /proc -mindepth 3 -maxdepth 3 -path '*/ns/net' -lname \"$(readlink /proc/self/ns/net)\" 2>/dev/null | wc -l; }
            \"$@\" || exit 1; touch before; here >before; count=$(others)
            for i in $(seq 200); do \"$@\" || exit 1; done
            for i in 1 2 3 4; do (for j in $(seq 10); do \"$@\" || echo failed; done) & done; wait
            [ $count = $(others) ] || echo left: $count, $(others)
            here | diff before - && echo same
            cat /etc/resolv.conf";
        let outcome = world.run(&user, text, &exec(&["grep", "-q", "hpcsh dns exec", "/etc/hosts"]));
        assert_eq!(
            (outcome.out.as_str(), outcome.status),
            (format!("same\n{}", world.resolv).as_str(), 0),
            "{outcome:?}"
        );
    }
}

#[test]
fn the_files_are_the_commands_alone_and_nobody_changes_them() {
    for user in users(&[]) {
        user.home.configure(CONFIG);
        let world = World::new().setup("umask 077");
        let text = "umask 077; \"$@\" sh -c 'for file in hosts nsswitch.conf resolv.conf; do stat -c %a /etc/$file; cat /etc/$file; { echo x >>/etc/$file; } 2>/dev/null || echo refused; done'; cat /etc/nsswitch.conf; id -u";
        let outcome = world.run(&user, text, &exec(&[]));
        let name = String::from_utf8(rustix::system::uname().nodename().to_bytes().to_vec()).unwrap();
        let id = if user.is_nobody { NOBODY } else { 0 };
        let wanted = format!(
            "644\n127.0.0.1 localhost {name}\n# hpcsh dns exec\n127.0.0.1 mirror.lab\n::1 six.lab\nrefused\n\
             644\npasswd: files\nhosts: files\nrefused\n\
             644\n# hpcsh dns exec\nnameserver 127.0.0.1\nsearch lab\noptions timeout:1 attempts:1\nrefused\n\
             passwd: files\nhosts: files dns\n{id}\n"
        );
        assert_eq!((outcome.out.as_str(), outcome.err.as_str(), outcome.status), (wanted.as_str(), "", 0));
        // Where a symlink leads, and where there is no such file.
        let linked = World::new().setup("mount -t tmpfs x /run; mkdir -p /run/systemd/resolve; echo nameserver 127.0.0.9 >/run/systemd/resolve/stub-resolv.conf; umount /etc/resolv.conf; mount -t tmpfs x /mnt; cp -a /etc/. /mnt; rm /mnt/resolv.conf /mnt/nsswitch.conf; ln -s ../run/systemd/resolve/stub-resolv.conf /mnt/resolv.conf; mount --move /mnt /etc || { umount /mnt; exit 9; }");
        let outcome = linked.run(&user, "\"$@\" sh -c 'head -n 2 /run/systemd/resolve/stub-resolv.conf; ls /etc/nsswitch.conf; getent hosts mirror.lab'", &exec(&[]));
        assert_eq!(outcome.out, "# hpcsh dns exec\nnameserver 127.0.0.1\n127.0.0.1       mirror.lab\n", "{outcome:?}");
    }
}

#[test]
fn daemons_that_look_names_up_are_out_of_reach() {
    for user in users(&[]) {
        let socket = "/run/nscd/socket";
        let world =
            World::new().setup("mount -t tmpfs x /run").serve(&format!("unix {socket}")).serve("unix /run/docker.sock");
        let connect = "import socket, sys; print(socket.socket(socket.AF_UNIX).connect_ex(sys.argv[1]))";
        for (path, inside) in [(socket, "111\n"), ("/run/docker.sock", "0\n")] {
            let words = ["python3", "-c", connect, path];
            assert_eq!(world.run(&user, "\"$@\"", &words).out, "0\n");
            assert_eq!(world.run(&user, "\"$@\"", &exec(&words)).out, inside, "{path}");
        }
    }
}

#[test]
fn what_was_looked_up_is_remembered() {
    for user in users(&[]) {
        user.home.configure(
            "[dns]\nallow = [\"mirror.lab\", \"silent.lab\", \"denied.lab\", \".lab\"]\ndeny = [\"denied.lab\"]\n",
        );
        let world = World::new();
        let hosts =
            "\"$@\" tail -n 2 /etc/hosts; wc -l <\"$D/asked\"; \"$@\" tail -n 2 /etc/hosts; wc -l <\"$D/asked\"";
        let outcome = world.run(&user, hosts, &exec(&[]));
        let lines: Vec<&str> = outcome.out.lines().collect();
        assert_eq!(
            (lines.len(), lines[1], lines[1], lines[2]),
            (6, "127.0.0.1 mirror.lab", lines[4], lines[5]),
            "{outcome:?}"
        );
        let asked = world.asked();
        assert!(
            asked.iter().any(|line| line.contains("silent.lab")) && !asked.iter().any(|line| line.contains("denied")),
            "{asked:?}"
        );
        // What the command brings along: a host of its own words, the nodes of its job.
        let own = "\"$@\" sh -c 'tail -n 2 /etc/hosts' http://git.lab:8080/x; SLURM_JOB_NODELIST=gone,node[6-7] \"$@\" tail -n 1 /etc/hosts";
        let outcome = world.run(&user, own, &exec(&[]));
        assert_eq!(outcome.out, "127.0.0.1 mirror.lab\n127.0.0.1 git.lab\n10.0.0.7 node7\n", "{outcome:?}");
        // A node that nobody knows is the node itself.
        let nameless = World::new().setup("echo 127.0.0.1 localhost >\"$D/hosts\"");
        let outcome = nameless.run(&user, "\"$@\" tail -n 1 /etc/hosts", &exec(&[]));
        assert!(outcome.out.starts_with("127.0.1.1 "), "{outcome:?}");
    }
}

#[test]
fn the_plan_says_which_way_it_goes() {
    for user in users(&[]) {
        user.home.configure(CONFIG);
        let world = World::new();
        let plan = |switches: &[&str]| {
            world.run(
                &user,
                "\"$@\"",
                &[&[PROGRAM, "dns", "exec", "--dry-run"], switches, &["--", "touch", "made"]].concat(),
            )
        };
        let text = "names: from files alone; a name that is in none of them does not exist, at once\n\
                    in place of /etc/resolv.conf: another one, for this command alone\n\
                    in place of /etc/nsswitch.conf: another one, for this command alone\n\
                    in place of /etc/hosts: another one, for this command alone\n\
                    looked up before:\n  mirror.lab: 127.0.0.1\n  six.lab: ::1\n";
        assert_eq!(plan(&[]).clean(), text);
        let json: Value = serde_json::from_str(&plan(&["--json"]).clean()).unwrap();
        let wanted = serde_json::json!({
            "way": "files",
            "files": ["/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts"],
            "names": [
                {"name": "mirror.lab", "addresses": ["127.0.0.1"], "sure": true},
                {"name": "six.lab", "addresses": ["::1"], "sure": true},
            ],
            "command": ["touch", "made"],
        });
        assert_eq!(json, wanted);
        assert!(!user.home.path().join("made").exists());
    }
}

#[test]
fn a_node_that_is_online_is_left_alone_where_only_offline_ones_are_meant() {
    for user in users(&[]) {
        let world = World::new();
        let seen = |verdict: &str| {
            user.home.configure(&format!("node.verdict = \"{verdict}\"\ndns.when = \"offline\"\n"));
            let text = "grep -c 'hpcsh dns exec' /etc/hosts; echo $HPCSH_OFFLINE$PIP_RETRIES";
            let plan = world.run(&user, "\"$P\" dns exec --dry-run true", &[]).clean();
            (world.run(&user, "\"$@\"", &exec(&["sh", "-c", text])).clean(), plan.lines().next().unwrap().to_owned())
        };
        let (out, plan) = seen("online");
        assert_eq!(out, "0\n\n");
        assert_eq!(plan, "nothing is changed: the node is online, and `dns.when` is \"offline\"");
        assert_eq!(seen("offline").0, "1\n10\n");
    }
}

/// In a user namespace of the test's own in which there can be no other: the setting of the machine stays.
const FORBIDDEN: &str = "unshare --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --inh-caps=-all --bounding-set=-all \"$@\"' sh";

#[test]
fn where_the_kernel_forbids_it_variables_do_what_they_can() {
    for user in users(&["curl"]) {
        let config = user.home.configure(CONFIG);
        // In such a namespace root's files are nobody's.
        std::os::unix::fs::chown(config, user.is_nobody.then_some(NOBODY), None).unwrap();
        let world = World::new();
        let forbidden = |words: &[&str]| world.run(&user, &format!("{FORBIDDEN} \"$@\""), words);
        let said = "hpcsh: names are looked up as ever, HTTP to the internet is refused by variables: the kernel allows no mounts \
                    of one's own here: user.max_user_namespaces is 0\nhint: as root: sysctl -w user.max_user_namespaces=15000, and \
                    the same in /etc/sysctl.d to keep it\n";
        let outcome = forbidden(&exec(&["sh", "-c", "cat /etc/nsswitch.conf; echo $https_proxy $PIP_RETRIES; exit 4"]));
        let wanted = ("passwd: files\nhosts: files dns\nhttp://127.0.0.1:9 0\n", said, 4);
        assert_eq!((outcome.out.as_str(), outcome.err.as_str(), outcome.status), wanted);
        let before = world.asked().len();
        let outcome = forbidden(&exec(&["curl", "-sS", "https://huggingface.co"]));
        assert!(outcome.status == 7 && outcome.err.contains("curl: (7)"), "{outcome:?}");
        assert!(!world.asked()[before..].iter().any(|line| line.contains("huggingface")));
        for (words, page) in [
            (&["curl", "-sS", "http://mirror.lab/"][..], "the intranet\n"),
            (&["curl", "-sS", "http://git.lab/"], "the intranet\n"),
        ] {
            assert_eq!(forbidden(&exec(words)).out, page, "{words:?}");
        }
        // Who has a proxy keeps it.
        let own = forbidden(
            &[&["env", "http_proxy=http://proxy.lab:3128"], &exec(&["sh", "-c", "echo $http_proxy$https_proxy"])[..]]
                .concat(),
        );
        assert_eq!(own.out, "http://proxy.lab:3128\n");
        assert!(own.err.starts_with("hpcsh: names are looked up as ever, and your proxy stays: the kernel"), "{own:?}");
        let json = forbidden(&[PROGRAM, "dns", "exec", "--dry-run", "--json", "true"]);
        let json: Value = serde_json::from_str(&json.clean()).unwrap();
        assert_eq!(
            (json["way"].as_str(), json["files"].as_array().map(Vec::len)),
            (Some("variables"), Some(0)),
            "{json}"
        );
        assert_eq!(json["why"].as_str().map(|why| format!("{why}\n")).as_deref(), Some(said));
    }
}

#[test]
fn one_works_within_another_and_in_a_rehearsal() {
    for user in users(&[]) {
        user.home.configure(CONFIG);
        let world = World::new();
        let twice = world.run(&user, "\"$@\"", &exec(&exec(&["getent", "hosts", "mirror.lab"])));
        assert_eq!((twice.out.as_str(), twice.err.as_str()), ("127.0.0.1       mirror.lab\n", ""), "{twice:?}");
        let inside =
            world.run(&user, "\"$@\"", &[&[PROGRAM, "airgap", "--"], &exec(&["sh", "-c", "exit 3"])[..]].concat());
        assert_eq!(inside.status, 3, "{inside:?}");
    }
}

#[test]
fn in_a_chroot_it_goes_as_far_as_it_can() {
    for user in users(&["chroot"]) {
        if user.is_nobody {
            continue;
        }
        let root = "mount -t tmpfs x /mnt; mkdir -p /mnt/root/etc /mnt/root/tmp /mnt/root/proc /mnt/root/usr
            cp -P /bin /lib* /mnt/root; mount --rbind /usr /mnt/root/usr; mount --rbind /proc /mnt/root/proc
            cp $P /mnt/root/tmp; cp /etc/hosts /etc/resolv.conf /etc/nsswitch.conf /mnt/root/etc";
        let text =
            "chroot /mnt/root /tmp/hpcsh dns exec -- sh -c 'cat /etc/resolv.conf; echo $https_proxy; exit 6'; echo $?";
        // The root is no mount: what is mounted there might be seen outside.
        let outcome = World::new().setup(root).run(&user, text, &[]);
        assert!(outcome.out.ends_with("http://127.0.0.1:9\n6\n"), "{outcome:?}");
        assert!(outcome.err.contains("nothing can be mounted on /"), "{outcome:?}");
        let bound = World::new().setup(root).setup("mount --rbind /mnt/root /mnt/root");
        let outcome = bound.run(&user, text, &[]);
        assert!(outcome.out.starts_with("# hpcsh dns exec\n") && outcome.out.ends_with("\n\n6\n"), "{outcome:?}");
        assert_eq!(outcome.err, "");
    }
}
