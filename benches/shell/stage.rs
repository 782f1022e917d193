//! The stage: a temporary directory with the program, a home with a configuration of 30 lines, and a shared home.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

const CONFIGURATION: &str = include_str!("fixtures/config.toml");
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// See the module.
pub struct Stage {
    root: TempDir,
    /// The program under bench: a copy, beside which the baselines lie on the same file system.
    pub program: PathBuf,
    /// The shared home.
    pub shared: PathBuf,
    /// The directory in which everything runs, three levels below the shared home.
    pub work: PathBuf,
}

impl Stage {
    /// Makes the directory, and sees to it that the program finds no fault with it.
    pub fn new() -> Result<Self, String> {
        let broken = |error: std::io::Error| format!("cannot make the stage: {error}");
        let root = tempfile::Builder::new().prefix("hpcsh-bench-").tempdir().map_err(broken)?;
        let shared = root.path().join("shared");
        let stage =
            Self { program: root.path().join("bin/hpcsh"), work: shared.join("projects/model/source"), shared, root };
        for dir in [&stage.path("bin"), &stage.path("run"), &stage.work] {
            fs::create_dir_all(dir).map_err(broken)?;
        }
        fs::copy(env!("CARGO_BIN_EXE_hpcsh"), &stage.program).map_err(broken)?;
        let configuration = CONFIGURATION.replace("/STAGE", &stage.root.path().to_string_lossy());
        stage.write("home/.config/hpcsh/config.toml", &configuration)?;
        output(stage.command(&stage.program).args(["config", "check"]))?;
        let text = output(stage.command(&stage.program).args(["init", "zsh", "--print"]))?;
        if !text.contains("_hpcsh_warning=''") {
            let warning = text.lines().find(|line| line.contains("_hpcsh_warning=")).unwrap_or("no _hpcsh_warning");
            return Err(format!("the script has a warning for its user: {warning}"));
        }
        Ok(stage)
    }

    /// Waits until what has been written can be told from what will be: then a login's answer is kept, as on any day but the first.
    pub fn settle(&self) -> Result<(), String> {
        std::thread::sleep(std::time::Duration::from_millis(3200));
        for shell in ["zsh", "bash", "fish"] {
            output(self.command(&self.program).args(["init", shell]))?;
        }
        Ok(())
    }

    /// A path below the root.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file below the root, and the directories above it.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.path(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, text)).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// A command in the home, with little in its environment. It has no working directory of its own: that would make
    /// the start of the process dearer.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PATH", format!("{}:{SYSTEM_PATH}", self.path("bin").display()))
            .env("LANG", "C.UTF-8")
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("HPCSH_LOCAL_DIR", self.path("node"))
            // A bench looks at no network.
            .env("HPCSH_NO_PROBE", "1")
            .env("TERM", "xterm");
        command
    }

    /// What the figures hold of: the machine and what is installed.
    pub fn surroundings(&self) -> Vec<String> {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        let busy = load.parse::<f64>().is_ok_and(|load| load > 0.5);
        let busy = if busy { " (the machine is BUSY: all times are too high, the ratios less so)" } else { "" };
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        let size = fs::metadata(&self.program).map_or(0, |metadata| metadata.len());
        let mut versions = Vec::new();
        for name in ["zsh", "bash", "fish", "zoxide", "direnv", "uv"] {
            let said = find(name).and_then(|path| output(self.command(path).arg("--version")).ok());
            let said = said.unwrap_or_default();
            let version = said.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
            let version = version.or_else(|| said.split_whitespace().find(|word| word.contains('.')));
            versions.push(format!("{name} {}", version.unwrap_or("(not installed)")));
        }
        vec![format!("{processors} processors, load {load}{busy}; the program has {size} bytes"), versions.join(", ")]
    }
}

/// The path of a program: in the tests' tools, on the caller's PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("HPCSH_TESTS_TOOLS").map(|dir| PathBuf::from(dir).join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs: Vec<PathBuf> = tools.into_iter().chain(std::env::split_paths(&path)).collect();
    dirs.into_iter().map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// Runs a command to its good end; gives what it printed.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {}: {}", output.status, error.trim_end()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
