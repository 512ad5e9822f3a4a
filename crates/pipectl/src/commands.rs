//! The commands, one file each. A command is given a context and its options, and returns an outcome.

pub(crate) mod apply;
pub(crate) mod ci;
pub(crate) mod diff_env;
pub(crate) mod discover;
pub(crate) mod doctor;
pub(crate) mod drift;
pub(crate) mod export;
pub(crate) mod fmt;
pub(crate) mod init;
pub(crate) mod plan;
pub(crate) mod reference;
pub(crate) mod render;
pub(crate) mod report;
pub(crate) mod resync;
pub(crate) mod sandbox;
pub(crate) mod secrets;
pub(crate) mod status;
pub(crate) mod validate;

use std::future::Future;

use anyhow::{Context, Result};

use crate::connection::ConnectOptions;
use crate::context::CommandContext;
use crate::interruption::Interruption;
use crate::outcome::CommandOutcome;

/// A command with its options, ready to run in a context.
pub(crate) type Task = Box<dyn FnOnce(&CommandContext) -> Result<CommandOutcome>>;

/// Runs a command that only reads: a signal ends it at any point.
pub(crate) fn run_cancellable(
    connect: &ConnectOptions,
    work: impl Future<Output = Result<CommandOutcome>>,
) -> Result<CommandOutcome> {
    run_on_runtime(connect, async { Interruption::from_signals()?.run_unless_raised(work).await })
}

/// Runs a command that waits for the API. Time is virtual in the embedded sandbox.
pub(crate) fn run_on_runtime(
    connect: &ConnectOptions,
    work: impl Future<Output = Result<CommandOutcome>>,
) -> Result<CommandOutcome> {
    build_runtime(connect.sandbox.is_some())?.block_on(work)
}

pub(crate) fn run_in_real_time(work: impl Future<Output = Result<CommandOutcome>>) -> Result<CommandOutcome> {
    build_runtime(false)?.block_on(work)
}

fn build_runtime(is_time_virtual: bool) -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(is_time_virtual).build().context("cannot start the runtime")
}
