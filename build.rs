//! Makes the emitted form of the shell files: without comments, blank lines and indentation. Tells the linker where the program begins.
//!
//! The files stay what they are, to be read and linted as they lie. They hold no here-document and no string over
//! several lines, so a line that begins with `#` is a comment wherever it stands; a test evaluates both forms.

#![allow(clippy::disallowed_methods)] // the host door is the program's, not the build's

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    for name in [
        "hpcsh.zsh",
        "prompt.zsh",
        "more.zsh",
        "enter.zsh",
        "node.zsh",
        "login.zsh",
        "completion.zsh",
        "hpcsh.bash",
        "history.bash",
        "session.bash",
        "rest.bash",
        "call.bash",
        "prompt.bash",
        "variables.bash",
        "theirs.bash",
        "storage.bash",
        "more.bash",
        "venv.bash",
        "enter.bash",
        "node.bash",
        "login.bash",
        "unusual.bash",
        "completion.bash",
        "hpcsh.fish",
        "prompt.fish",
        "more.fish",
        "enter.fish",
        "node.fish",
        "completion.fish",
    ] {
        let source = Path::new("shell").join(name);
        println!("cargo::rerun-if-changed={}", source.display());
        let text = fs::read_to_string(&source)?;
        let code: String = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            // What a line is continued on is one with it.
            .flat_map(|line| line.strip_suffix('\\').map_or([line, "\n"], |begun| [begun, ""]))
            .collect();
        fs::write(Path::new(&out).join(name), code)?;
    }
    // Before the C library: src/main.rs.
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ARCH", "x86_64") {
        println!("cargo::rustc-link-arg-bins=-Wl,--entry=hpcsh_start");
    }
    Ok(())
}
