//! Arguments of the commands that send nothing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;

use super::{EnvironmentRun, ManifestArgs, ReportArgs};
use crate::completion;
use crate::exit::UsageError;

/// `pipectl init`.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Folder of the files; it is created if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The workflow to write
    #[arg(long, value_name = "HOST", env = "PIPECTL_CI", value_enum, default_value_t)]
    pub(crate) ci: CiHost,
    /// Replace existing files
    #[arg(long, env = "PIPECTL_INIT_FORCE")]
    pub(crate) force: bool,
}

/// Where the workflow runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiHost {
    /// GitHub Actions.
    #[default]
    Github,
    /// GitLab CI.
    Gitlab,
    /// No workflow.
    None,
}

/// `pipectl validate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ValidateArgs {
    /// Reports.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Manifests.
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Report secrets that cannot be resolved here; runs no program and keeps no value
    #[arg(long, env = "PIPECTL_CHECK_SECRETS")]
    pub(crate) check_secrets: bool,
}

impl ValidateArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let (report, manifests) = (self.report.for_environment(run)?, self.manifests.for_environment(run));
        Ok(Self { report, manifests, ..self.clone() })
    }
}

/// `pipectl diff-env`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DiffEnvArgs {
    /// An environment of the project file
    #[arg(value_name = "LEFT", add = ArgValueCandidates::new(completion::environment_candidates))]
    pub(crate) left: String,
    /// The environment to compare it with
    #[arg(value_name = "RIGHT", add = ArgValueCandidates::new(completion::environment_candidates))]
    pub(crate) right: String,
    /// Manifest files and folders, where {env} stands for the environment; by default those of the
    /// project file
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Exit with 2 when there are differences
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

/// `pipectl explain`.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The field, such as source.kafka.offset, or a kind, such as ClickPipe
    #[arg(value_name = "FIELD", default_value = "ClickPipe")]
    #[arg(add = ArgValueCandidates::new(completion::field_candidates))]
    pub(crate) field: String,
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
    pub(crate) listen: std::net::SocketAddr,
    /// Names of the services that exist
    #[arg(
        long,
        value_name = "NAME",
        env = "PIPECTL_SANDBOX_SERVICES",
        value_delimiter = ',',
        default_value = "analytics"
    )]
    pub(crate) service: Vec<String>,
    /// Speed of the sandbox's clock, as a multiple of the real one
    #[arg(long, value_name = "FACTOR", env = "PIPECTL_SANDBOX_SPEED", default_value_t = 1.0)]
    pub(crate) speed: f64,
    /// Keep the state in this file
    #[arg(long, value_name = "FILE", env = "PIPECTL_SANDBOX_STATE")]
    pub(crate) state: Option<PathBuf>,
    /// Which of the two documented request formats to accept
    #[arg(long, value_enum, env = "PIPECTL_SANDBOX_DIALECT", default_value_t)]
    pub(crate) dialect: DialectArg,
}

/// The two request formats that are documented for states and CDC scaling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectArg {
    /// The official schema.
    #[default]
    Official,
    /// The API reference page.
    ReferencePage,
    /// Both.
    Both,
}

/// `pipectl schema`.
#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// Which documents the schema describes
    #[arg(value_name = "DOCUMENTS", value_enum, default_value_t)]
    pub(crate) documents: SchemaDocuments,
}

/// The documents that have a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaDocuments {
    /// Manifests and pipectl.yaml, for editors
    #[default]
    Manifests,
    /// The JSON that commands print
    Output,
}
