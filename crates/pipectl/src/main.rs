//! The `pipectl` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    pipectl::run(std::env::args_os())
}
