//! Programs that do nothing, made here and now: what no process can be faster than.

use std::path::PathBuf;

use crate::stage::{Stage, find, output};

/// The name of the one in C, on the PATH of the stage.
pub const IN_C: &str = "nothing-c";

/// The harder baseline; `None` without a compiler.
pub fn in_c(stage: &Stage) -> Result<Option<PathBuf>, String> {
    let Some(compiler) = find("cc") else {
        return Ok(None);
    };
    let source = stage.write("nothing.c", "int main(void) { return 0; }\n")?;
    let program = stage.path("bin").join(IN_C);
    output(stage.command(compiler).args(["-O2", "-static", "-o"]).arg(&program).arg(source))?;
    Ok(Some(program))
}

/// What a Rust program starts with; `None` without a compiler.
pub fn in_rust(stage: &Stage) -> Result<Option<PathBuf>, String> {
    let Some(compiler) = find("rustc") else {
        return Ok(None);
    };
    let source = stage.write("nothing.rs", "fn main() {}\n")?;
    let program = stage.path("bin/nothing-rust");
    // rustup's rustc asks the caller's environment which one it is.
    let mut command = std::process::Command::new(compiler);
    command.args(["-O", "-C", "target-feature=+crt-static", "-C", "panic=abort", "-o"]).arg(&program).arg(source);
    output(&mut command)?;
    Ok(Some(program))
}
