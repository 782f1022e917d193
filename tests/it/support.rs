//! What every test stands on: a throwaway home, a run with its whole outcome, and an honest way to skip.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::storage::Storage;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hpcsh");
/// The root of the project.
pub const PROJECT: &str = env!("CARGO_MANIFEST_DIR");
/// Somebody who is not root: `nobody` of every Debian.
pub const NOBODY: u32 = 65534;

/// All that a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub out: String,
    pub err: String,
    pub status: i32,
}

impl Outcome {
    /// The run was silent on standard error and ended well; gives its output.
    #[track_caller]
    pub fn clean(self) -> String {
        assert_eq!((self.err.as_str(), self.status), ("", 0), "not clean; its output was:\n{}", self.out);
        self.out
    }
}

/// Runs a command to its end, without standard input.
pub fn run(command: &mut Command) -> Outcome {
    let output = loop {
        match command.stdin(Stdio::null()).output() {
            // A program that a test has just written: another test's child holds it open until it has become a program itself.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            output => break output.unwrap_or_else(|error| panic!("{command:?}: {error}")),
        }
    };
    Outcome {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status.code().unwrap_or(-1),
    }
}

/// A throwaway home with a throwaway shared home beside it.
pub struct Home {
    root: tempfile::TempDir,
    user: Option<u32>,
}

impl Home {
    /// An empty home and an empty shared home.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("hpcsh-test-").tempdir().unwrap();
        for dir in ["home", "shared", "tmp", "run"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        Self { root, user: None }
    }

    /// The same, for an ordinary user; `None` where we are one already and cannot become another.
    pub fn of_nobody() -> Option<Self> {
        if !is_root() {
            return None;
        }
        let home = Self { user: Some(NOBODY), ..Self::new() };
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(home.root.path(), open).unwrap();
        for dir in ["home", "shared", "tmp", "run"] {
            std::os::unix::fs::chown(home.root.path().join(dir), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        Some(home)
    }

    /// The home with the article's configuration, the node configured as offline.
    pub fn with_article() -> Self {
        let home = Self::new();
        home.configure(ARTICLE);
        home
    }

    /// The home directory.
    pub fn path(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The shared home.
    pub fn shared(&self) -> PathBuf {
        self.root.path().join("shared")
    }

    /// Makes the shared home, with what is in it, one that can be slow, hang or fail; `None`, said loudly, where it cannot be.
    ///
    /// To be dropped before the home is.
    #[track_caller]
    pub fn slow_shared(&self) -> Option<Storage> {
        let shared = self.shared();
        Storage::mount(&shared, &shared).inspect_err(|why| skip(why)).ok()
    }

    /// The node-local directory.
    pub fn local(&self) -> PathBuf {
        self.root.path().join("tmp/local")
    }

    /// The runtime directory.
    pub fn run(&self) -> PathBuf {
        self.root.path().join("run")
    }

    /// Writes the user's configuration; `SHARED` in it stands for the shared home.
    pub fn configure(&self, text: &str) -> PathBuf {
        self.write(".config/hpcsh/config.toml", text.replace("SHARED", self.shared().to_str().unwrap()))
    }

    /// Writes a file below the home, and the directories above it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A command in this home, with nothing in its environment but a PATH, the home and a plain terminal.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.path())
            .env("TMPDIR", self.root.path().join("tmp"))
            .env("HPCSH_LOCAL_DIR", self.local())
            .env("XDG_RUNTIME_DIR", self.run())
            // Nothing that is tested here looks at a network, unless a test has made one.
            .env("HPCSH_NO_PROBE", "1")
            .env("PATH", path())
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm")
            .current_dir(self.path());
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        command
    }

    /// Runs the program under test with these words.
    pub fn hpcsh(&self, words: &[&str]) -> Outcome {
        run(self.command(PROGRAM).args(words))
    }
}

/// The article's rc file as a configuration.
pub const ARTICLE: &str = r#"
shared_home = "SHARED"
local_dir = "$HOME/.node"

[env]
presets = ["huggingface", "uv", "wandb"]

[env.set]
UV_INDEX = "http://nexus.your.mirror/pypi/simple"
UV_TORCH_BACKEND = "cu128"

[path]
prepend = ["$HOME/.local/bin"]

[node]
verdict = "offline"
"#;

/// The PATH of the tests: the shells that were asked for, the tools that `tests/run` made, then the system's.
pub fn path() -> String {
    let system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
    let tools = tools().map(|tools| format!("{}/bin", tools.display()));
    let chosen = CHOSEN.as_ref().map(|dir| dir.display().to_string());
    [chosen, tools, Some(system)].into_iter().flatten().collect::<Vec<_>>().join(":")
}

/// The build of a shell that the tests are to run with instead of the installed one: `HPCSH_TESTS_ZSH`, and so on.
pub fn chosen(shell: &str) -> Option<PathBuf> {
    let path = std::env::var_os(format!("HPCSH_TESTS_{}", shell.to_uppercase())).filter(|path| !path.is_empty())?;
    Some(fs::canonicalize(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// A directory in which those builds have the names by which the tests call shells.
static CHOSEN: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let builds = ["zsh", "bash", "fish"].map(|shell| Some((shell, chosen(shell)?)));
    builds.iter().flatten().next()?;
    // In the build's own directory, made anew: nothing removes it at the end of a run.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shells");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    for (shell, build) in builds.iter().flatten() {
        std::os::unix::fs::symlink(build, dir.join(shell)).unwrap();
    }
    Some(dir)
});

/// The directory with uv, virtualenv and Python that `tests/run` made.
pub fn tools() -> Option<PathBuf> {
    std::env::var_os("HPCSH_TESTS_TOOLS").map(PathBuf::from).filter(|dir| dir.is_dir())
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a program is on the tests' PATH.
pub fn has(program: &str) -> bool {
    path().split(':').any(|dir| Path::new(dir).join(program).is_file())
}

/// Says loudly that a test does not run here; fails where `tests/run` promised that it would.
#[track_caller]
pub fn skip(why: &str) {
    assert!(std::env::var_os("HPCSH_TESTS_STRICT").is_none(), "cannot be skipped under tests/run: {why}");
    eprintln!("SKIPPED: {why}");
}
