//! What a command looks at: which manifests, which of them, and on which API.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;
use model::project::PruneMode;
use remote::RequestRate;

use super::EnvironmentRun;
use crate::completion;
use crate::exit::UsageError;
use crate::project::ManifestSource;

/// Manifests, selection and API of a command that compares.
#[derive(Args, Clone, Debug)]
pub(crate) struct ScopeArgs {
    /// Manifests.
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Selection.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// API.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

impl ScopeArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let manifests = self.manifests.for_environment(run);
        Ok(Self { manifests, connect: self.connect.for_environment(run)?, ..self.clone() })
    }
}

/// The manifest flags.
#[derive(Args, Clone, Debug)]
pub(crate) struct ManifestArgs {
    /// Manifest files and folders (searched for *.yaml and *.yml), or - for standard input; by
    /// default those of the project file
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The environment of the project file; validate, plan, apply, drift, status and doctor take
    /// several
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::environment_candidates))]
    pub(crate) env: Vec<String>,
}

impl ManifestArgs {
    /// The choice that the project file is read for.
    pub(crate) fn source(&self) -> ManifestSource<'_> {
        ManifestSource { paths: &self.paths, environments: &self.env }
    }

    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Self {
        Self { env: vec![run.name.to_owned()], ..self.clone() }
    }
}

/// The selection flags.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SelectArgs {
    /// Only these (SERVICE/PIPE or PIPE, with * and ?)
    #[arg(long, value_name = "GLOB", env = "PIPECTL_ONLY", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    pub(crate) only: Vec<String>,
    /// Exclude these (SERVICE/PIPE or PIPE, with * and ?)
    #[arg(long, value_name = "GLOB", env = "PIPECTL_EXCLUDE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    pub(crate) exclude: Vec<String>,
    /// Only manifests with this label
    #[arg(short = 'l', long = "label", value_name = "KEY=VALUE", env = "PIPECTL_LABEL", value_delimiter = ',')]
    pub(crate) labels: Vec<String>,
}

/// The git flags.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct GitArgs {
    /// Apply only changes made in git since this revision; report drift separately (REF, or REF...
    /// for the merge base with REF)
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    pub(crate) base: Option<String>,
    /// Only manifests changed since this revision (REF, or REF... for the merge base with REF)
    #[arg(long, value_name = "REF", env = "PIPECTL_CHANGED_SINCE")]
    pub(crate) changed_since: Option<String>,
    /// Delete live objects that no manifest declares: those that an earlier commit declared, or those
    /// in the project file's pruneScope
    #[arg(long, value_name = "HOW", env = "PIPECTL_PRUNE", value_enum)]
    pub(crate) prune: Option<PruneBy>,
    /// Re-send secrets even if unchanged: those of these objects (SERVICE/PIPE or PIPE, with * and
    /// ?), or of all
    #[arg(
        long,
        value_name = "SERVICE/PIPE",
        env = "PIPECTL_RESEND_SECRETS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "*",
        value_delimiter = ','
    )]
    pub(crate) resend_secrets: Vec<String>,
}

/// Selects undeclared live objects to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PruneBy {
    /// Nothing.
    Never,
    /// Objects that an earlier commit declared.
    Git,
    /// Objects in the project file's pruneScope.
    Scope,
}

impl From<PruneBy> for PruneMode {
    fn from(by: PruneBy) -> Self {
        match by {
            PruneBy::Never => Self::Never,
            PruneBy::Git => Self::Git,
            PruneBy::Scope => Self::Scope,
        }
    }
}

/// Request rate; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimitArg(pub(crate) Option<RequestRate>);

impl RateLimitArg {
    /// Reads `10/10s`, or `off`.
    ///
    /// # Errors
    /// When the text is neither.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let parsed = text.split_once('/').and_then(|(requests, per)| {
            let (requests, per) = (requests.parse().ok()?, humantime::parse_duration(per).ok()?);
            (requests > 0 && !per.is_zero()).then_some(RequestRate { requests, window: per })
        });
        let rate = parsed.ok_or("write requests and a time, such as 10/10s, or off")?;
        Ok(Self(Some(rate)))
    }
}

/// The API flags. Keys come from environment variables only.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConnectArgs {
    /// Address of the API, with or without /v1; plain http only on loopback
    #[arg(long, value_name = "URL", env = "PIPECTL_API_URL")]
    pub(crate) api_url: Option<String>,
    /// Organization id; by default the key's only one
    #[arg(long, value_name = "ID", env = "PIPECTL_ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Name or id of the service for manifests that name none
    #[arg(long, value_name = "SERVICE", env = "PIPECTL_SERVICE")]
    pub(crate) service: Option<String>,
    /// Use the embedded sandbox API in this process, and keep its state in FILE
    #[arg(
        long,
        value_name = "FILE",
        env = "PIPECTL_SANDBOX",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ".pipectl/sandbox.json"
    )]
    pub(crate) sandbox: Option<PathBuf>,
    /// Request limit of the API for one key, or "off"; by default 10/10s
    #[arg(long, value_name = "N/TIME", env = "PIPECTL_RATE_LIMIT", value_parser = RateLimitArg::parse)]
    pub(crate) rate_limit: Option<RateLimitArg>,
    /// Longest time that the whole run may wait and retry
    #[arg(
        long,
        value_name = "TIME",
        env = "PIPECTL_TIMEOUT",
        default_value = "15m",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,
}

impl ConnectArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        if run.is_one_of_several && self.organization.is_some() {
            let why = "--organization names one, and several environments are meant: declare the \
                       `organization` of each in the project file";
            return Err(UsageError(why.to_owned()));
        }
        let sandbox = self.sandbox.as_deref();
        let sandbox = sandbox.map(|file| run.expand_path("--sandbox", file)).transpose()?;
        Ok(Self { sandbox, ..self.clone() })
    }
}
