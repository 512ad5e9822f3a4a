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
    /// What else to write.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// What is looked at.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// What git remembers.
    #[command(flatten)]
    pub(crate) git: GitArgs,
    /// Show each changed object as a YAML diff, live against declared
    #[arg(long, env = "PIPECTL_DIFF")]
    pub(crate) diff: bool,
    /// Save the plan, for review and for apply --plan; no secret is in it
    #[arg(long, value_name = "FILE", env = "PIPECTL_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Say which secrets cannot be resolved here; no program is run and no value is kept
    #[arg(long, env = "PIPECTL_CHECK_SECRETS")]
    pub(crate) check_secrets: bool,
    /// Exit with 2 when there are changes
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl PlanArgs {
    /// Those of a run for one environment alone.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let out = self.out.as_deref().map(|file| run.expand_path("--out", file)).transpose()?;
        let (report, scope) = (self.report.for_environment(run)?, self.scope.for_environment(run)?);
        Ok(Self { report, scope, out, ..self.clone() })
    }
}

/// `pipectl apply`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApplyArgs {
    /// What else to write.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// What is looked at.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// What git remembers.
    #[command(flatten)]
    pub(crate) git: GitArgs,
    /// Show each changed object as a YAML diff, live against declared
    #[arg(long, env = "PIPECTL_DIFF")]
    pub(crate) diff: bool,
    /// Perform only what this saved plan holds, too
    #[arg(long, value_name = "FILE", env = "PIPECTL_PLAN")]
    pub(crate) plan: Option<PathBuf>,
    /// Perform the plan only if it has this digest
    #[arg(long, value_name = "DIGEST", env = "PIPECTL_EXPECT", value_parser = saved_plan::parse_digest)]
    pub(crate) expect: Option<String>,
    /// Do not ask; needed where there is no terminal and no --plan
    #[arg(long, env = "PIPECTL_YES")]
    pub(crate) yes: bool,
    /// Wait until what was changed has settled, or not
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    pub(crate) wait: WaitFor,
    /// Wake an idle service if an action needs it; a stopped one is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
    /// Let this object be replaced even above the limit, or where it may be lost (SERVICE/PIPE)
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_REPLACE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    pub(crate) allow_replace: Vec<String>,
    /// Let this object be deleted even above the limit (SERVICE/PIPE)
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_DELETE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    pub(crate) allow_delete: Vec<String>,
    /// How many objects to work on at once
    #[arg(long, value_name = "N", env = "PIPECTL_PARALLEL", default_value_t = 64)]
    pub(crate) parallel: usize,
}

impl ApplyArgs {
    /// Those of a run for one environment alone.
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

/// What apply waits for.
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
    /// What else to write.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// What is looked at.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// The revision that live is compared with; by default HEAD, or the working folder where there
    /// is no repository
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    pub(crate) base: Option<String>,
    /// Exit with 2 when something is missing or changed
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl DriftArgs {
    /// Those of a run for one environment alone.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let (report, scope) = (self.report.for_environment(run)?, self.scope.for_environment(run)?);
        Ok(Self { report, scope, ..self.clone() })
    }
}

/// `pipectl status`.
#[derive(Args, Clone, Debug)]
pub(crate) struct StatusArgs {
    /// What is looked at.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Go on looking: in place on a terminal, else a line for each change; Ctrl-C ends it. Needs the
    /// API or a server of `pipectl sandbox`: not with --sandbox, where nothing happens in between
    #[arg(long, env = "PIPECTL_WATCH")]
    pub(crate) watch: bool,
    /// How long to wait between two looks
    #[arg(
        long,
        value_name = "TIME",
        env = "PIPECTL_INTERVAL",
        default_value = "15s",
        value_parser = parse_interval
    )]
    pub(crate) interval: Duration,
    /// Go on looking until then, at most for --timeout
    #[arg(long, value_name = "WHEN", env = "PIPECTL_UNTIL", value_enum)]
    pub(crate) until: Option<WatchUntil>,
    /// Exit with 2 when something is unhealthy
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl StatusArgs {
    /// Those of a run for one environment alone.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        if run.is_one_of_several && self.watch {
            let why = "--watch looks at one environment, and several are meant";
            return Err(UsageError(why.to_owned()));
        }
        Ok(Self { scope: self.scope.for_environment(run)?, ..self.clone() })
    }
}

/// When to stop looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WatchUntil {
    /// When no pipe is on its way to another state.
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
    /// The pipe: a Postgres, MySQL or MongoDB one
    #[arg(value_name = "SERVICE/PIPE", add = ArgValueCandidates::new(completion::pipe_candidates))]
    pub(crate) pipe: String,
    /// Which one it is, where several pipes have the name
    #[arg(long, value_name = "UUID", env = "PIPECTL_ID")]
    pub(crate) id: Option<String>,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    #[arg(add = ArgValueCandidates::new(completion::environment_candidates))]
    pub(crate) env: Option<String>,
    /// Where the API is.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Do not ask; needed where there is no terminal
    #[arg(long, env = "PIPECTL_YES")]
    pub(crate) yes: bool,
    /// Wait until everything is loaded, or not
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    pub(crate) wait: WaitFor,
    /// Wake the service if it sleeps; a stopped one is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
}

/// `pipectl doctor`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DoctorArgs {
    /// Which manifests.
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Where the API is.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

impl DoctorArgs {
    /// Those of a run for one environment alone.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let (manifests, connect) = (self.manifests.for_environment(run), self.connect.for_environment(run)?);
        Ok(Self { manifests, connect })
    }
}
