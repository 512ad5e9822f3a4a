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
use clap::Subcommand;

use crate::cli::{ConnectArgs, Format};
use crate::environments::Within;
use crate::exit::Usage;
use crate::interruption::Interruption;
use crate::output::Output;
use crate::report::Wanted;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a repository: project file, example, editor schema, workflow
    Init(init::Args),
    /// Report every error in every file; needs no account and no secrets
    Validate(validate::Args),
    /// Show what differs between git and live, as actions, and what each does to the data
    Plan(plan::Args),
    /// Make the live side as the manifests declare it
    Apply(apply::Args),
    /// Show what differs from git because somebody changed it elsewhere
    Drift(drift::Args),
    /// Show how the live pipes do: state, health, source, table, size and age
    Status(status::Args),
    /// Have a Postgres, MySQL or MongoDB pipe load its tables anew
    Resync(resync::Args),
    /// Say what a run would find: key, organization, services, manifests, git
    Doctor(doctor::Args),
    /// Write manifests of what is live, or of what Terraform manages
    Export(export::Args),
    /// Show what two environments declare differently; needs no account and no secrets
    DiffEnv(diff_env::Args),
    /// Ask a pipe's source for its fields, and declare them as columns
    Discover(discover::Args),
    /// Print the JSON Schema of the manifests, for editors
    Schema,
    /// Say what a field is, and what changing it costs
    Explain(explain::Args),
    /// Serve the embedded ClickPipes API on loopback
    Sandbox(sandbox::Args),
    /// Print the completion script of a shell
    Completions(completions::Args),
    /// Print the manual pages
    Man,
}

/// Runs a command; gives the exit code.
pub(crate) fn run(command: &Command, output: Output, format: Format) -> Result<u8> {
    match command {
        Command::Init(args) => init::run(args, output, format),
        Command::Validate(args) => validate::run(args, output, format),
        Command::Plan(args) => looking(&args.scope.connect, plan::run(args, output, format)),
        Command::Drift(args) => looking(&args.scope.connect, drift::run(args, output, format)),
        Command::Apply(args) => waiting(&args.scope.connect, apply::run(args, output, format)),
        Command::Status(args) => waiting(&args.scope.connect, status::run(args, output, format)),
        Command::Resync(args) => waiting(&args.connect, resync::run(args, output, format)),
        Command::Doctor(args) => looking(&args.connect, doctor::run(args, output, format)),
        Command::Export(args) => looking(&args.connect, export::run(args, output, format)),
        Command::Discover(args) => looking(&args.connect, discover::run(args, output, format)),
        Command::DiffEnv(args) => diff_env::run(args, output, format),
        Command::Schema => schema::run(output),
        Command::Explain(args) => explain::run(args, output, format),
        Command::Completions(args) => completions::run(args, output),
        Command::Man => man::run(output),
        Command::Sandbox(args) => real_time()?.block_on(sandbox::run(args, output)),
    }
}

/// Turns down a format that says nothing about a command.
pub(crate) fn speaks(command: &Command, format: Format) -> Result<(), Usage> {
    match (command, format) {
        (Command::Apply(_), _) | (_, Format::Text | Format::Json | Format::Markdown) => Ok(()),
        (_, Format::Ndjson) => Err(Usage(
            "-o ndjson tells what apply does while it does it; this command prints text, json or \
             markdown"
                .to_owned(),
        )),
    }
}

/// The environments for which a command that can do with several is to run.
pub(crate) fn environments(command: &Command) -> &[String] {
    match command {
        Command::Validate(args) => &args.manifests.env,
        Command::Plan(args) => &args.scope.manifests.env,
        Command::Apply(args) => &args.scope.manifests.env,
        Command::Drift(args) => &args.scope.manifests.env,
        Command::Status(args) => &args.scope.manifests.env,
        Command::Doctor(args) => &args.manifests.env,
        _ => &[],
    }
}

/// The command for one environment alone; `None` where that is no question.
pub(crate) fn within(command: &Command, within: Within<'_>) -> Result<Option<Command>, Usage> {
    Ok(Some(match command {
        Command::Validate(args) => Command::Validate(args.within(within)?),
        Command::Plan(args) => Command::Plan(args.within(within)?),
        Command::Apply(args) => Command::Apply(args.within(within)?),
        Command::Drift(args) => Command::Drift(args.within(within)?),
        Command::Status(args) => Command::Status(args.within(within)?),
        Command::Doctor(args) => Command::Doctor(args.within(within)?),
        _ => return Ok(None),
    }))
}

/// The word on the command line, and the reports that are wanted of it.
pub(crate) fn reports(command: &Command) -> (&'static str, Wanted<'_>) {
    match command {
        Command::Validate(args) => ("validate", args.report.wanted()),
        Command::Plan(args) => ("plan", args.report.wanted()),
        Command::Apply(args) => ("apply", args.report.wanted()),
        Command::Drift(args) => ("drift", args.report.wanted()),
        _ => (kind(command), Wanted::default()),
    }
}

/// What the JSON of a command is called.
pub(crate) fn kind(command: &Command) -> &'static str {
    match command {
        Command::Init(_) => "Init",
        Command::Validate(_) => "Validation",
        Command::Plan(_) => "Plan",
        Command::Drift(_) => "Drift",
        Command::Apply(_) => "Apply",
        Command::Status(_) => "Status",
        Command::Resync(_) => "Resync",
        Command::Doctor(_) => "Doctor",
        Command::Export(_) => "Export",
        Command::DiffEnv(_) => "EnvironmentDifferences",
        Command::Discover(_) => "Discovery",
        Command::Schema => "Schema",
        Command::Explain(_) => "Explanation",
        Command::Sandbox(_) => "Sandbox",
        Command::Completions(_) => "Completions",
        Command::Man => "Manual",
    }
}

/// Runs what only looks: a signal ends it wherever it is.
fn looking(connect: &ConnectArgs, work: impl Future<Output = Result<u8>>) -> Result<u8> {
    waiting(connect, async { Interruption::on_signals()?.unless(work).await })
}

/// Runs what waits for the API. Against the sandbox inside the process time is virtual.
fn waiting(connect: &ConnectArgs, work: impl Future<Output = Result<u8>>) -> Result<u8> {
    let runtime = if connect.sandbox.is_some() { virtual_time()? } else { real_time()? };
    runtime.block_on(work)
}

fn real_time() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

fn virtual_time() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .context("cannot start the runtime")
}
