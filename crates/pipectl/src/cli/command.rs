//! The commands, and what can be asked of each without running it.

use clap::Subcommand;

use super::import_args::{DiscoverArgs, ExportArgs};
use super::live_args::{ApplyArgs, DoctorArgs, DriftArgs, PlanArgs, ResyncArgs, StatusArgs};
use super::local_args::{CompletionsArgs, DiffEnvArgs, ExplainArgs, InitArgs, SandboxArgs, SchemaArgs, ValidateArgs};
use super::{EnvironmentRun, OutputFormat};
use crate::exit::UsageError;
use crate::reports::ReportRequest;

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a repository's files: project file, example, editor schema, workflow
    Init(InitArgs),
    /// Report every error in every file; needs no account and no secrets
    Validate(ValidateArgs),
    /// Show the actions that apply would take, and their effects on data
    Plan(PlanArgs),
    /// Apply the manifests
    Apply(ApplyArgs),
    /// Show what was changed outside git
    Drift(DriftArgs),
    /// Show state and health of live pipes
    Status(StatusArgs),
    /// Reload the tables of a Postgres, MySQL or MongoDB pipe
    Resync(ResyncArgs),
    /// Check configuration, credentials and access
    Doctor(DoctorArgs),
    /// Write manifests of live pipes, or of pipes that Terraform manages
    Export(ExportArgs),
    /// Compare the manifests of two environments; needs no account and no secrets
    DiffEnv(DiffEnvArgs),
    /// Read the fields of a pipe's source and declare them as columns
    Discover(DiscoverArgs),
    /// Print the JSON Schema of the manifests, or of the JSON that commands print
    Schema(SchemaArgs),
    /// Describe a field and what changing it does
    Explain(ExplainArgs),
    /// Serve the embedded ClickPipes API on loopback
    Sandbox(SandboxArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual pages
    Man,
}

/// The name of a command, its JSON kind and its output formats.
#[derive(Clone, Copy)]
pub(crate) struct CommandSpec {
    /// The word on the command line.
    pub(crate) name: &'static str,
    /// The `kind` of its JSON.
    pub(crate) json_kind: &'static str,
    formats: &'static [OutputFormat],
}

const TEXT: &[OutputFormat] = &[OutputFormat::Text];
const TEXT_JSON: &[OutputFormat] = &[OutputFormat::Text, OutputFormat::Json];
const TEXT_JSON_MARKDOWN: &[OutputFormat] = &[OutputFormat::Text, OutputFormat::Json, OutputFormat::Markdown];
const EVERY_FORMAT: &[OutputFormat] =
    &[OutputFormat::Text, OutputFormat::Json, OutputFormat::Markdown, OutputFormat::Ndjson];

/// The command's row in the table of commands.
pub(crate) fn command_spec(command: &Command) -> CommandSpec {
    let (name, json_kind, formats) = match command {
        Command::Init(_) => ("init", "Init", TEXT_JSON),
        Command::Validate(_) => ("validate", "Validation", TEXT_JSON_MARKDOWN),
        Command::Plan(_) => ("plan", "Plan", TEXT_JSON_MARKDOWN),
        Command::Drift(_) => ("drift", "Drift", TEXT_JSON_MARKDOWN),
        Command::Apply(_) => ("apply", "Apply", EVERY_FORMAT),
        Command::Status(_) => ("status", "Status", TEXT_JSON_MARKDOWN),
        Command::Resync(_) => ("resync", "Resync", TEXT_JSON),
        Command::Doctor(_) => ("doctor", "Doctor", TEXT_JSON_MARKDOWN),
        Command::Export(_) => ("export", "Export", TEXT_JSON),
        Command::DiffEnv(_) => ("diff-env", "EnvironmentDifferences", TEXT_JSON_MARKDOWN),
        Command::Discover(_) => ("discover", "Discovery", TEXT_JSON),
        // Its text is JSON.
        Command::Schema(_) => ("schema", "Schema", TEXT_JSON),
        Command::Explain(_) => ("explain", "Explanation", TEXT_JSON),
        Command::Sandbox(_) => ("sandbox", "Sandbox", TEXT),
        Command::Completions(_) => ("completions", "Completions", TEXT),
        Command::Man => ("man", "Manual", TEXT),
    };
    CommandSpec { name, json_kind, formats }
}

/// Refuses an output format that the command does not have.
pub(crate) fn check_format_supported(command: &Command, format: OutputFormat) -> Result<(), UsageError> {
    let spec = command_spec(command);
    if spec.formats.contains(&format) {
        return Ok(());
    }
    let supported: Vec<String> = spec.formats.iter().map(|it| format!("-o {}", it.flag_value())).collect();
    let (refused, name) = (format.flag_value(), spec.name);
    Err(UsageError(format!("`pipectl {name}` has no -o {refused}; it has {}", supported.join(", "))))
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

/// The reports that the command line requests.
pub(crate) fn requested_reports(command: &Command) -> ReportRequest<'_> {
    match command {
        Command::Validate(args) => args.report.requested_reports(),
        Command::Plan(args) => args.report.requested_reports(),
        Command::Apply(args) => args.report.requested_reports(),
        Command::Drift(args) => args.report.requested_reports(),
        _ => ReportRequest::default(),
    }
}
