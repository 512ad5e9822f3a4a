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

use crate::cli::{ConnectArgs, OutputFormat};
use crate::environment_runs::EnvironmentRun;
use crate::exit::UsageError;
use crate::interruption::Interruption;
use crate::output::Output;
use crate::reports::ReportRequest;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a repository: project file, example, editor schema, workflow
    Init(init::InitArgs),
    /// Report every error in every file; needs no account and no secrets
    Validate(validate::ValidateArgs),
    /// Show what differs between git and live, as actions, and what each does to the data
    Plan(plan::PlanArgs),
    /// Make the live side as the manifests declare it
    Apply(apply::ApplyArgs),
    /// Show what differs from git because somebody changed it elsewhere
    Drift(drift::DriftArgs),
    /// Show how the live pipes do: state, health, source, table, size and age
    Status(status::StatusArgs),
    /// Have a Postgres, MySQL or MongoDB pipe load its tables anew
    Resync(resync::ResyncArgs),
    /// Say what a run would find: key, organization, services, manifests, git
    Doctor(doctor::DoctorArgs),
    /// Write manifests of what is live, or of what Terraform manages
    Export(export::ExportArgs),
    /// Show what two environments declare differently; needs no account and no secrets
    DiffEnv(diff_env::DiffEnvArgs),
    /// Ask a pipe's source for its fields, and declare them as columns
    Discover(discover::DiscoverArgs),
    /// Print the JSON Schema of the manifests, for editors
    Schema,
    /// Say what a field is, and what changing it costs
    Explain(explain::ExplainArgs),
    /// Serve the embedded ClickPipes API on loopback
    Sandbox(sandbox::SandboxArgs),
    /// Print the completion script of a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual pages
    Man,
}

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
        Command::Schema => schema::run(output),
        Command::Explain(args) => explain::run(args, output, format),
        Command::Completions(args) => completions::run(args, output),
        Command::Man => man::run(output),
        Command::Sandbox(args) => real_time_runtime()?.block_on(sandbox::run(args, output)),
    }
}

/// Turns down a format that says nothing about a command.
pub(crate) fn check_format_supported(command: &Command, format: OutputFormat) -> Result<(), UsageError> {
    match (command, format) {
        (Command::Apply(_), _) | (_, OutputFormat::Text | OutputFormat::Json | OutputFormat::Markdown) => Ok(()),
        (_, OutputFormat::Ndjson) => Err(UsageError(
            "-o ndjson tells what apply does while it does it; this command prints text, json or \
             markdown"
                .to_owned(),
        )),
    }
}

/// The environments for which a command that can do with several is to run.
pub(crate) fn selected_environments(command: &Command) -> &[String] {
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
pub(crate) fn for_environment(command: &Command, run: EnvironmentRun<'_>) -> Result<Option<Command>, UsageError> {
    Ok(Some(match command {
        Command::Validate(args) => Command::Validate(args.for_environment(run)?),
        Command::Plan(args) => Command::Plan(args.for_environment(run)?),
        Command::Apply(args) => Command::Apply(args.for_environment(run)?),
        Command::Drift(args) => Command::Drift(args.for_environment(run)?),
        Command::Status(args) => Command::Status(args.for_environment(run)?),
        Command::Doctor(args) => Command::Doctor(args.for_environment(run)?),
        _ => return Ok(None),
    }))
}

/// The word on the command line, and the reports that are wanted of it.
pub(crate) fn requested_reports(command: &Command) -> (&'static str, ReportRequest<'_>) {
    match command {
        Command::Validate(args) => ("validate", args.report.requested_reports()),
        Command::Plan(args) => ("plan", args.report.requested_reports()),
        Command::Apply(args) => ("apply", args.report.requested_reports()),
        Command::Drift(args) => ("drift", args.report.requested_reports()),
        _ => (json_kind(command), ReportRequest::default()),
    }
}

/// What the JSON of a command is called.
pub(crate) fn json_kind(command: &Command) -> &'static str {
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
