//! The commands, and how each gets its options from the command line.

use anyhow::Result;
use clap::{CommandFactory, Subcommand};

use super::Cli;
use super::export_args::ExportArgs;
use super::live_args::{ApplyArgs, DiscoverArgs, DoctorArgs, DriftArgs, PlanArgs, ResyncArgs, StatusArgs};
use super::local_args::{
    CiArgs, CiCommand, CompletionsArgs, DiffEnvArgs, ExplainArgs, FmtArgs, InitArgs, RenderArgs, RunReportArgs,
    RunReportCommand, SandboxArgs, SchemaArgs, SecretsArgs, SecretsCommand, ValidateArgs,
};
use super::scope_args::RuleArgs;
use crate::commands::{
    Task, apply, ci, diff_env, discover, doctor, drift, export, fmt, init, plan, reference, render, report, resync,
    run_cancellable, run_in_real_time, run_on_runtime, sandbox, secrets, status, validate,
};
use crate::context::{CommandContext, EnvironmentRun, OutputFormat};
use crate::environment_runs::PreparedRun;
use crate::exit::UsageError;
use crate::outcome::CommandOutcome;
use crate::reports::ReportRequest;
use crate::shard::Shard;

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a repository's files: project file, example, editor schema, workflow
    Init(InitArgs),
    /// Report every error in every file; needs no account and no secrets
    Validate(ValidateArgs),
    /// Put the keys of manifests into the order of the schema; comments are kept
    Fmt(FmtArgs),
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
    /// Print manifests with templates expanded; needs no account and no secrets
    Render(RenderArgs),
    /// Compare the manifests of two environments; needs no account and no secrets
    DiffEnv(DiffEnvArgs),
    /// Read the fields of a pipe's source and declare them as columns
    Discover(DiscoverArgs),
    /// Print the JSON Schema of the manifests, or of the JSON that commands print
    Schema(SchemaArgs),
    /// Describe a field and what changing it does, or a diagnostic code
    Explain(ExplainArgs),
    /// Find and record the last applied commit
    Ci(CiArgs),
    /// Join the results of several runs
    Report(RunReportArgs),
    /// List the secrets that manifests need; needs no account and no secrets
    Secrets(SecretsArgs),
    /// Serve the embedded ClickPipes API on loopback
    Sandbox(SandboxArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual pages
    Man,
}

const TEXT: &[OutputFormat] = &[OutputFormat::Text];
const TEXT_JSON: &[OutputFormat] = &[OutputFormat::Text, OutputFormat::Json];
const TEXT_JSON_MARKDOWN: &[OutputFormat] = &[OutputFormat::Text, OutputFormat::Json, OutputFormat::Markdown];
const EVERY_FORMAT: &[OutputFormat] =
    &[OutputFormat::Text, OutputFormat::Json, OutputFormat::Markdown, OutputFormat::Ndjson];

impl Command {
    /// The word on the command line, the `kind` of the JSON, and the output formats.
    fn spec(&self) -> (&'static str, &'static str, &'static [OutputFormat]) {
        match self {
            Self::Init(_) => ("init", "Init", TEXT_JSON),
            Self::Validate(_) => ("validate", "Validation", TEXT_JSON_MARKDOWN),
            Self::Fmt(_) => ("fmt", "Format", TEXT_JSON),
            Self::Plan(_) => ("plan", "Plan", TEXT_JSON_MARKDOWN),
            Self::Drift(_) => ("drift", "Drift", TEXT_JSON_MARKDOWN),
            Self::Apply(_) => ("apply", "Apply", EVERY_FORMAT),
            Self::Status(_) => ("status", "Status", TEXT_JSON_MARKDOWN),
            Self::Resync(_) => ("resync", "Resync", TEXT_JSON),
            Self::Doctor(_) => ("doctor", "Doctor", TEXT_JSON_MARKDOWN),
            Self::Export(_) => ("export", "Export", TEXT_JSON),
            Self::Render(_) => ("render", "Rendering", TEXT_JSON),
            Self::DiffEnv(_) => ("diff-env", "EnvironmentDifferences", TEXT_JSON_MARKDOWN),
            Self::Discover(_) => ("discover", "Discovery", TEXT_JSON),
            // The text of this command is JSON.
            Self::Schema(_) => ("schema", "Schema", TEXT_JSON),
            Self::Explain(args) if args.effective => ("explain", "EffectiveValues", TEXT_JSON),
            Self::Explain(_) => ("explain", "Explanation", TEXT_JSON),
            Self::Ci(_) => ("ci", "CiBase", TEXT_JSON),
            Self::Report(_) => ("report", "Merged", TEXT_JSON_MARKDOWN),
            Self::Secrets(_) => ("secrets", "Secrets", TEXT_JSON),
            Self::Sandbox(_) => ("sandbox", "Sandbox", TEXT),
            Self::Completions(_) => ("completions", "Completions", TEXT),
            Self::Man => ("man", "Manual", TEXT),
        }
    }

    fn check_format_supported(&self, format: OutputFormat) -> Result<(), UsageError> {
        let (name, _, formats) = self.spec();
        if formats.contains(&format) {
            return Ok(());
        }
        let supported: Vec<String> = formats.iter().map(|it| format!("-o {}", it.flag_value())).collect();
        let refused = format.flag_value();
        Err(UsageError(format!("`pipectl {name}` does not support -o {refused}; it supports {}", supported.join(", "))))
    }

    /// The environments that are selected.
    fn environments(&self) -> &[String] {
        match self {
            Self::Validate(args) => &args.manifests.env,
            Self::Plan(args) => &args.compare.scope.manifests.env,
            Self::Apply(args) => &args.compare.scope.manifests.env,
            Self::Drift(args) => &args.compare.scope.manifests.env,
            Self::Status(args) => &args.scope.manifests.env,
            Self::Doctor(args) => &args.manifests.env,
            Self::Render(args) => &args.manifests.env,
            Self::Secrets(SecretsArgs { command: SecretsCommand::List(args) }) => &args.manifests.env,
            Self::Ci(CiArgs { command }) => command.env(),
            Self::Resync(args) => args.env.as_slice(),
            Self::Export(args) => args.env.as_slice(),
            Self::Discover(args) => args.env.as_slice(),
            Self::Explain(args) if args.effective => args.env.as_slice(),
            _ => &[],
        }
    }

    fn shard(&self) -> Option<Shard> {
        match self {
            Self::Plan(args) => args.compare.shard,
            Self::Apply(args) => args.compare.shard,
            Self::Drift(args) => args.compare.shard,
            _ => None,
        }
    }

    fn rule_args(&self) -> Option<&RuleArgs> {
        match self {
            Self::Validate(args) => Some(&args.rules),
            Self::Plan(args) => Some(&args.rules),
            Self::Apply(args) => Some(&args.rules),
            _ => None,
        }
    }

    /// The reports that the command line requests.
    fn reports(&self, run: &EnvironmentRun) -> Result<ReportRequest, UsageError> {
        let (report, no_counts) = match self {
            Self::Validate(args) => (&args.report, Some("it counts changes, which only a plan contains")),
            Self::Plan(args) => (&args.compare.report, None),
            Self::Apply(args) => (&args.compare.report, None),
            Self::Drift(args) => (&args.compare.report, Some("it counts the changes of a plan")),
            Self::Report(RunReportArgs { command: RunReportCommand::Merge(args) }) => {
                let request = args.report.request(run, "plan")?;
                request.require_mergeable()?;
                return Ok(request);
            }
            _ => return Ok(ReportRequest::default()),
        };
        let mut request = report.request(run, self.spec().0)?;
        if let Some(shard) = self.shard() {
            request.key = request.key.with_part(&shard.key());
        }
        no_counts.map_or(Ok(()), |why| request.reject_gitlab_counts(why))?;
        Ok(request)
    }

    /// The command with its options for one environment.
    fn task(&self, run: &EnvironmentRun) -> Result<Task, UsageError> {
        Ok(match self {
            Self::Init(args) => task(args.options(), init::run),
            Self::Validate(args) => task(args.options(), validate::run),
            Self::Plan(args) => task(args.options(run)?, |context, options| {
                run_cancellable(&options.scope.connect, plan::run(context, options))
            }),
            Self::Apply(args) => task(args.options(run)?, |context, options| {
                run_on_runtime(&options.scope.connect, apply::run(context, options))
            }),
            Self::Drift(args) => task(args.options(run)?, |context, options| {
                run_cancellable(&options.scope.connect, drift::run(context, options))
            }),
            Self::Status(args) => task(args.options(run)?, |context, options| {
                run_on_runtime(&options.scope.connect, status::run(context, options))
            }),
            Self::Resync(args) => task(args.options(run)?, |context, options| {
                run_on_runtime(&options.connect, resync::run(context, options))
            }),
            Self::Doctor(args) => task(args.options(run)?, |context, options| {
                run_cancellable(&options.connect, doctor::run(context, options))
            }),
            Self::Export(args) => match args.terraform_options()? {
                Some(options) => task(options, export::export_terraform),
                None => task(args.options(run)?, |context, options| {
                    run_cancellable(&options.connect, export::run(context, options))
                }),
            },
            Self::Discover(args) => task(args.options(run)?, |context, options| {
                run_cancellable(&options.connect, discover::run(context, options))
            }),
            Self::Render(args) => task(args.manifests.paths.clone(), |context, paths| render::run(context, paths)),
            Self::DiffEnv(args) => task(args.options(), diff_env::run),
            Self::Fmt(args) => task(args.options(), fmt::run),
            Self::Schema(args) => task(args.documents, |_, documents| reference::print_schema(*documents)),
            Self::Explain(args) => task(args.options(), reference::explain_field),
            Self::Completions(args) => task(args.shell.to_string(), |_, shell| reference::print_completions(shell)),
            Self::Man => task((), |_, ()| reference::print_manual(Cli::command())),
            Self::Ci(CiArgs { command: CiCommand::Base(args) }) => task(args.options(run)?, ci::print_base),
            Self::Ci(CiArgs { command: CiCommand::Mark(args) }) => task(args.options(run)?, ci::mark_applied),
            Self::Report(RunReportArgs { command: RunReportCommand::Merge(args) }) => {
                task(args.files.clone(), |context, files| report::merge(context, files))
            }
            Self::Secrets(SecretsArgs { command: SecretsCommand::List(args) }) => task(args.options(), secrets::run),
            Self::Sandbox(args) => {
                task(args.options(), |context, options| run_in_real_time(sandbox::run(context, options)))
            }
        })
    }
}

/// Binds a command to its options.
fn task<O: 'static>(options: O, command: impl FnOnce(&CommandContext, &O) -> Result<CommandOutcome> + 'static) -> Task {
    Box::new(move |context| command(context, &options))
}

impl Cli {
    /// The context of the command, for any environment.
    pub(crate) fn context(&self) -> CommandContext {
        let (command, json_kind, _) = self.command.spec();
        CommandContext {
            command,
            json_kind,
            output: self.output.output(),
            format: self.output.output,
            environment: EnvironmentRun::default(),
            shard: self.command.shard(),
            reports: ReportRequest::default(),
            allowed_env: self.output.allow_env.clone(),
            now: self.command.rule_args().map_or_else(RuleArgs::clock, RuleArgs::time),
        }
    }

    /// A run for each environment that is selected, or one run.
    ///
    /// # Errors
    /// When the command does not have the output format, and when several environments would use one file.
    pub(crate) fn prepare_runs(&self, context: &CommandContext) -> Result<Vec<PreparedRun>, UsageError> {
        self.command.check_format_supported(context.format)?;
        let mut names: Vec<Option<&String>> = Vec::new();
        for name in self.command.environments() {
            if !names.contains(&Some(name)) {
                names.push(Some(name));
            }
        }
        if names.is_empty() {
            names.push(None);
        }
        let count = names.len();
        let later: Vec<String> = names.iter().skip(1).filter_map(|name| name.cloned()).collect();
        let runs = names.into_iter().enumerate().map(|(index, name)| {
            let later_environments = if index == 0 { later.clone() } else { Vec::new() };
            let environment = EnvironmentRun { name: name.cloned(), count, later_environments };
            let (reports, task) = (self.command.reports(&environment)?, self.command.task(&environment)?);
            Ok(PreparedRun { context: CommandContext { environment, reports, ..context.clone() }, task })
        });
        runs.collect()
    }
}
