//! Arguments of the commands that compare with live pipes, or change them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;

use super::{ConnectArgs, EnvironmentRun, GitArgs, ManifestArgs, ReportArgs, ScopeArgs};
use crate::exit::UsageError;
use crate::{completion, saved_plan};

/// `pipectl plan`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlanArgs {
    /// Reports.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Scope.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Git.
    #[command(flatten)]
    pub(crate) git: GitArgs,
    /// Show each changed object as a YAML diff from live to manifest
    #[arg(long, env = "PIPECTL_DIFF")]
    pub(crate) diff: bool,
    /// Save the plan for review and for apply --plan; it contains no secrets
    #[arg(long, value_name = "FILE", env = "PIPECTL_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Report secrets that cannot be resolved here; runs no program and keeps no value
    #[arg(long, env = "PIPECTL_CHECK_SECRETS")]
    pub(crate) check_secrets: bool,
    /// Exit with 2 if there are changes
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl PlanArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let out = self.out.as_deref().map(|file| run.expand_path("--out", file)).transpose()?;
        let (report, scope) = (self.report.for_environment(run)?, self.scope.for_environment(run)?);
        Ok(Self { report, scope, out, ..self.clone() })
    }
}

/// `pipectl apply`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApplyArgs {
    /// Reports.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Scope.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Git.
    #[command(flatten)]
    pub(crate) git: GitArgs,
    /// Show each changed object as a YAML diff from live to manifest
    #[arg(long, env = "PIPECTL_DIFF")]
    pub(crate) diff: bool,
    /// Apply only what this saved plan contains
    #[arg(long, value_name = "FILE", env = "PIPECTL_PLAN")]
    pub(crate) plan: Option<PathBuf>,
    /// Apply the plan only if it has this digest
    #[arg(long, value_name = "DIGEST", env = "PIPECTL_EXPECT", value_parser = saved_plan::parse_digest)]
    pub(crate) expect: Option<String>,
    /// Do not ask for confirmation; required without a terminal and without --plan
    #[arg(long, env = "PIPECTL_YES")]
    pub(crate) yes: bool,
    /// Wait until changed objects have settled, or do not wait
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    pub(crate) wait: WaitFor,
    /// Wake an idle service if an action needs it; a stopped service is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
    /// Allow this object to be replaced even above the limit, or if it may be lost (SERVICE/PIPE)
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_REPLACE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    pub(crate) allow_replace: Vec<String>,
    /// Allow this object to be deleted even above the limit (SERVICE/PIPE)
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_DELETE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    pub(crate) allow_delete: Vec<String>,
    /// Number of objects to work on at once
    #[arg(long, value_name = "N", env = "PIPECTL_PARALLEL", default_value_t = 64)]
    pub(crate) parallel: usize,
}

impl ApplyArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        if run.is_one_of_several && self.expect.is_some() {
            let why = "--expect knows one plan, and several environments are meant: use --plan";
            return Err(UsageError(why.to_owned()));
        }
        let plan = self.plan.as_deref().map(|file| run.expand_path("--plan", file)).transpose()?;
        let (report, scope) = (self.report.for_environment(run)?, self.scope.for_environment(run)?);
        Ok(Self { report, scope, plan, ..self.clone() })
    }
}

/// The end of the wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum WaitFor {
    /// Until every changed object has settled.
    #[default]
    Settled,
    /// Until the API has accepted the change.
    None,
}

/// `pipectl drift`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DriftArgs {
    /// Reports.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Scope.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Revision to compare live pipes with; by default HEAD, or the working folder outside a
    /// repository
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    pub(crate) base: Option<String>,
    /// Exit with 2 if something is missing or changed
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl DriftArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let (report, scope) = (self.report.for_environment(run)?, self.scope.for_environment(run)?);
        Ok(Self { report, scope, ..self.clone() })
    }
}

/// `pipectl status`.
#[derive(Args, Clone, Debug)]
pub(crate) struct StatusArgs {
    /// Scope.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Keep watching: in place on a terminal, else one line per change; Ctrl-C ends it. Needs the API
    /// or a `pipectl sandbox` server; does not work with --sandbox
    #[arg(long, env = "PIPECTL_WATCH")]
    pub(crate) watch: bool,
    /// Time between two reads
    #[arg(
        long,
        value_name = "TIME",
        env = "PIPECTL_INTERVAL",
        default_value = "15s",
        value_parser = parse_interval
    )]
    pub(crate) interval: Duration,
    /// Keep watching until then, at most for --timeout
    #[arg(long, value_name = "WHEN", env = "PIPECTL_UNTIL", value_enum)]
    pub(crate) until: Option<WatchUntil>,
    /// Exit with 2 if something is unhealthy
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl StatusArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        if run.is_one_of_several && self.watch {
            let why = "--watch looks at one environment, and several are meant";
            return Err(UsageError(why.to_owned()));
        }
        Ok(Self { scope: self.scope.for_environment(run)?, ..self.clone() })
    }
}

/// The end of watching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WatchUntil {
    /// When no pipe is changing its state.
    Settled,
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if interval < Duration::from_secs(1) {
        return Err("at least a second".to_owned());
    }
    Ok(interval)
}

/// `pipectl resync`.
#[derive(Args, Debug)]
pub(crate) struct ResyncArgs {
    /// A Postgres, MySQL or MongoDB pipe
    #[arg(value_name = "SERVICE/PIPE", add = ArgValueCandidates::new(completion::pipe_candidates))]
    pub(crate) pipe: String,
    /// Id of the pipe, if several pipes have this name
    #[arg(long, value_name = "UUID", env = "PIPECTL_ID")]
    pub(crate) id: Option<String>,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    #[arg(add = ArgValueCandidates::new(completion::environment_candidates))]
    pub(crate) env: Option<String>,
    /// API.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Do not ask for confirmation; required without a terminal
    #[arg(long, env = "PIPECTL_YES")]
    pub(crate) yes: bool,
    /// Wait until everything is loaded, or do not wait
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    pub(crate) wait: WaitFor,
    /// Wake the service if it is idle; a stopped service is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
}

/// `pipectl doctor`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DoctorArgs {
    /// Manifests.
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// API.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

impl DoctorArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let (manifests, connect) = (self.manifests.for_environment(run), self.connect.for_environment(run)?);
        Ok(Self { manifests, connect })
    }
}
