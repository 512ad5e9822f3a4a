//! The commands, one file each.

mod apply;
mod completions;
mod diff_env;
mod discover;
mod doctor;
mod drift;
mod explain;
mod export;
mod init;
mod man;
mod plan;
mod resync;
mod sandbox;
mod schema;
mod status;
mod validate;

use std::future::Future;

use anyhow::{Context, Result};

use crate::cli::{Command, ConnectArgs, OutputFormat};
use crate::interruption::Interruption;
use crate::output::Output;

/// Runs a command; gives the exit code.
pub(crate) fn run(command: &Command, output: Output, format: OutputFormat) -> Result<u8> {
    match command {
        Command::Init(args) => init::run(args, output, format),
        Command::Validate(args) => validate::run(args, output, format),
        Command::Plan(args) => run_cancellable(&args.scope.connect, plan::run(args, output, format)),
        Command::Drift(args) => run_cancellable(&args.scope.connect, drift::run(args, output, format)),
        Command::Apply(args) => run_on_runtime(&args.scope.connect, apply::run(args, output, format)),
        Command::Status(args) => run_on_runtime(&args.scope.connect, status::run(args, output, format)),
        Command::Resync(args) => run_on_runtime(&args.connect, resync::run(args, output, format)),
        Command::Doctor(args) => run_cancellable(&args.connect, doctor::run(args, output, format)),
        Command::Export(args) => run_cancellable(&args.connect, export::run(args, output, format)),
        Command::Discover(args) => run_cancellable(&args.connect, discover::run(args, output, format)),
        Command::DiffEnv(args) => diff_env::run(args, output, format),
        Command::Schema(args) => schema::run(args, output),
        Command::Explain(args) => explain::run(args, output, format),
        Command::Completions(args) => completions::run(args, output),
        Command::Man => man::run(output),
        Command::Sandbox(args) => real_time_runtime()?.block_on(sandbox::run(args, output)),
    }
}

/// Runs what only looks: a signal ends it wherever it is.
fn run_cancellable(connect: &ConnectArgs, work: impl Future<Output = Result<u8>>) -> Result<u8> {
    run_on_runtime(connect, async { Interruption::from_signals()?.run_unless_raised(work).await })
}

/// Runs what waits for the API. Against the sandbox inside the process time is virtual.
fn run_on_runtime(connect: &ConnectArgs, work: impl Future<Output = Result<u8>>) -> Result<u8> {
    let runtime = if connect.sandbox.is_some() { virtual_time_runtime()? } else { real_time_runtime()? };
    runtime.block_on(work)
}

fn real_time_runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

fn virtual_time_runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .context("cannot start the runtime")
}
