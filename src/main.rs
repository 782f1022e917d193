//! The doorstep: the real world in, an exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(hpcsh::run(&mut hpcsh::host::Host::real(), std::env::args_os()))
}
