//! Arguments of the commands that send no requests.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCandidates;
use sandbox::{ApiDialect, Quirk, UnknownFields};

use super::scope_args::{ManifestArgs, ReportArgs, RuleArgs};
use crate::commands::ci::{CiBaseOptions, CiMarkOptions};
use crate::commands::diff_env::DiffEnvOptions;
use crate::commands::fmt::FmtOptions;
use crate::commands::init::{CiHost, InitOptions};
use crate::commands::reference::{ExplainOptions, SchemaDocuments};
use crate::commands::sandbox::ServerOptions;
use crate::commands::secrets::SecretsOptions;
use crate::commands::validate::ValidateOptions;
use crate::completion;
use crate::context::EnvironmentRun;
use crate::exit::UsageError;

/// `pipectl init`.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Folder of the files; it is created if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The workflow to write
    #[arg(long, value_name = "HOST", env = "PIPECTL_CI", value_enum, default_value_t)]
    ci: CiHost,
    /// Replace existing files
    #[arg(long, env = "PIPECTL_INIT_FORCE")]
    force: bool,
}

impl InitArgs {
    pub(super) fn options(&self) -> InitOptions {
        InitOptions { folder: self.folder.clone(), ci: self.ci, force: self.force }
    }
}

/// `pipectl validate`.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Report secrets that cannot be resolved here; runs no program and keeps no value
    #[arg(long, env = "PIPECTL_CHECK_SECRETS")]
    check_secrets: bool,
}

impl ValidateArgs {
    pub(super) fn options(&self) -> ValidateOptions {
        ValidateOptions { paths: self.manifests.paths.clone(), check_secrets: self.check_secrets }
    }
}

/// `pipectl render`.
#[derive(Args, Debug)]
pub(crate) struct RenderArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
}

/// `pipectl fmt`.
#[derive(Args, Debug)]
pub(crate) struct FmtArgs {
    /// Manifest files and folders, or - to format standard input to standard output; by default those of the project file
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing, and exit with 1 if a file would change
    #[arg(long, env = "PIPECTL_CHECK")]
    check: bool,
}

impl FmtArgs {
    pub(super) fn options(&self) -> FmtOptions {
        FmtOptions { paths: self.paths.clone(), check: self.check }
    }
}

/// `pipectl diff-env`.
#[derive(Args, Debug)]
pub(crate) struct DiffEnvArgs {
    /// An environment of the project file
    #[arg(value_name = "LEFT", add = ArgValueCandidates::new(completion::environment_candidates))]
    left: String,
    /// The environment to compare it with
    #[arg(value_name = "RIGHT", add = ArgValueCandidates::new(completion::environment_candidates))]
    right: String,
    /// Manifest files and folders, where {env} stands for the environment; by default those of the
    /// project file
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Exit with 2 when there are differences
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
}

impl DiffEnvArgs {
    pub(super) fn options(&self) -> DiffEnvOptions {
        DiffEnvOptions {
            left: self.left.clone(),
            right: self.right.clone(),
            paths: self.paths.clone(),
            detailed_exitcode: self.detailed_exitcode,
        }
    }
}

/// `pipectl explain`.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The field, such as source.kafka.offset, a kind, such as ClickPipe, which is the default, or a diagnostic code, such
    /// as unknown-field; with --effective, the default is every field of every kind
    #[arg(value_name = "FIELD")]
    #[arg(add = ArgValueCandidates::new(completion::field_candidates))]
    field: Option<String>,
    /// Show the value of the field in each manifest, and its origin: the manifest, an entry of forEach, with, a
    /// template or a default of the environment
    #[arg(long, env = "PIPECTL_EFFECTIVE")]
    pub(super) effective: bool,
    /// The environment of the project file, for --effective
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    #[arg(add = ArgValueCandidates::new(completion::environment_candidates))]
    pub(super) env: Option<String>,
}

impl ExplainArgs {
    pub(super) fn options(&self) -> ExplainOptions {
        ExplainOptions { field: self.field.clone(), is_effective: self.effective }
    }
}

/// `pipectl completions`.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// `pipectl sandbox`.
#[derive(Args, Debug)]
pub(crate) struct SandboxArgs {
    /// Loopback address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", env = "PIPECTL_SANDBOX_LISTEN", default_value = "127.0.0.1:8123")]
    listen: std::net::SocketAddr,
    /// Names of the services that exist
    #[arg(
        long,
        value_name = "NAME",
        env = "PIPECTL_SANDBOX_SERVICES",
        value_delimiter = ',',
        default_value = "analytics"
    )]
    service: Vec<String>,
    /// Speed of the sandbox's clock, as a multiple of the real one
    #[arg(long, value_name = "FACTOR", env = "PIPECTL_SANDBOX_SPEED", default_value_t = 1.0)]
    speed: f64,
    /// Keep the state in this file
    #[arg(long, value_name = "FILE", env = "PIPECTL_SANDBOX_STATE")]
    state: Option<PathBuf>,
    /// Which of the two documented request formats to accept
    #[arg(long, value_enum, env = "PIPECTL_SANDBOX_DIALECT", default_value_t)]
    dialect: DialectArg,
    /// Also refuse requests for which no refusal by the API is known, such as field mappings that omit a column
    #[arg(long)]
    strict: bool,
    /// Switch this oddity of the API on; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = quirk_parser())]
    quirk: Vec<Quirk>,
    /// Switch this oddity off, which is on by default or saved in the state; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = quirk_parser())]
    no_quirk: Vec<Quirk>,
    /// Accept fields and words that the sandbox does not know, as a newer API would
    #[arg(long)]
    accept_unknown_fields: bool,
    /// Print the rules between fields and the oddities, each with its evidence, and exit
    #[arg(long)]
    rules: bool,
}

impl SandboxArgs {
    pub(super) fn options(&self) -> ServerOptions {
        ServerOptions {
            listen: self.listen,
            services: self.service.clone(),
            speed: self.speed,
            state: self.state.clone(),
            is_strict: self.strict,
            shows_rules: self.rules,
            quirks: [self.quirk.clone(), self.no_quirk.clone()],
            unknown_fields: if self.accept_unknown_fields { UnknownFields::Accept } else { UnknownFields::Refuse },
            dialect: match self.dialect {
                DialectArg::Official => ApiDialect::Official,
                DialectArg::ReferencePage => ApiDialect::ReferencePage,
                DialectArg::Both => ApiDialect::Both,
            },
        }
    }
}

fn quirk_parser() -> impl TypedValueParser<Value = Quirk> {
    let values = Quirk::ALL.iter().map(|quirk| PossibleValue::new(quirk.name()).help(quirk.description()));
    PossibleValuesParser::new(values).try_map(|name| Quirk::from_name(&name).ok_or("no such quirk"))
}

/// The two request formats that are documented for states and CDC scaling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum DialectArg {
    /// The official schema.
    #[default]
    Official,
    /// The API reference page.
    ReferencePage,
    /// Both formats.
    Both,
}

/// `pipectl schema`.
#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// The documents that the schema describes
    #[arg(value_name = "DOCUMENTS", value_enum, default_value_t)]
    pub(crate) documents: SchemaDocuments,
}

/// `pipectl secrets`.
#[derive(Args, Debug)]
pub(crate) struct SecretsArgs {
    #[command(subcommand)]
    pub(crate) command: SecretsCommand,
}

/// The commands about secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// List the secrets that the manifests need, where each comes from, and which hosts receive it
    List(ListSecretsArgs),
}

/// `pipectl secrets list`.
#[derive(Args, Debug)]
pub(crate) struct ListSecretsArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Print `gh secret set` commands for the GitHub CLI
    #[arg(long, env = "PIPECTL_GH")]
    gh: bool,
}

impl ListSecretsArgs {
    pub(super) fn options(&self) -> SecretsOptions {
        SecretsOptions { paths: self.manifests.paths.clone(), gh: self.gh }
    }
}

/// `pipectl report`.
#[derive(Args, Debug)]
pub(crate) struct RunReportArgs {
    #[command(subcommand)]
    pub(crate) command: RunReportCommand,
}

/// The commands for the results of runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunReportCommand {
    /// Join the JSON of several runs of plan or apply, such as shards or environments, into one comment, page and exit
    /// code
    Merge(MergeArgs),
}

/// `pipectl report merge`.
#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Files that `--report json=FILE` wrote. All shards of a run must be among them
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// `pipectl ci`.
#[derive(Args, Debug)]
pub(crate) struct CiArgs {
    #[command(subcommand)]
    pub(crate) command: CiCommand,
}

/// The commands for CI jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum CiCommand {
    /// Print the commit to compare with: the last applied one. Exits with 5 if a later commit was applied
    Base(CiBaseArgs),
    /// Note that this commit was applied
    Mark(CiMarkArgs),
}

impl CiCommand {
    pub(super) fn env(&self) -> &[String] {
        match self {
            Self::Base(args) => args.env.as_slice(),
            Self::Mark(args) => args.env.as_slice(),
        }
    }
}

/// `pipectl ci base`.
#[derive(Args, Debug)]
pub(crate) struct CiBaseArgs {
    /// File with the applied commits, one hash per line, or - for standard input; {env} in its path stands for the
    /// environment
    #[arg(long, value_name = "FILE", env = "PIPECTL_APPLIED")]
    applied: Option<PathBuf>,
    /// The commit before the push, used if nothing was applied yet; zeros mean none
    #[arg(long, value_name = "REV", env = "PIPECTL_BEFORE")]
    before: Option<String>,
    /// The job only plans, so a later applied commit does not stop it
    #[arg(long = "for-plan", env = "PIPECTL_FOR_PLAN")]
    plan: bool,
    /// The environment: each has its own applied commits
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    env: Option<String>,
}

impl CiBaseArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<CiBaseOptions, UsageError> {
        let applied = self.applied.as_deref().map(|file| run.expand_path("--applied", file)).transpose()?;
        Ok(CiBaseOptions { applied, before: self.before.clone(), plan: self.plan })
    }
}

/// `pipectl ci mark`.
#[derive(Args, Debug)]
pub(crate) struct CiMarkArgs {
    /// File for the applied commit; {env} in its path stands for the environment
    #[arg(long, value_name = "FILE", env = "PIPECTL_APPLIED")]
    applied: PathBuf,
    /// The environment: each has its own applied commits
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    env: Option<String>,
}

impl CiMarkArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<CiMarkOptions, UsageError> {
        Ok(CiMarkOptions { applied: run.expand_path("--applied", &self.applied)? })
    }
}
