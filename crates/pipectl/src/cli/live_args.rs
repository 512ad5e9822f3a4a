//! Arguments of the commands that speak to the API.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;
use model::label_selector::parse_label_key;
use model::selector::ObjectName;
use remote::WaitMode;

use super::scope_args::{CompareArgs, ConnectArgs, GitArgs, ManifestArgs, RuleArgs, ScopeArgs, parse_time};
use crate::commands::apply::ApplyOptions;
use crate::commands::discover::DiscoverOptions;
use crate::commands::doctor::DoctorOptions;
use crate::commands::drift::DriftOptions;
use crate::commands::plan::PlanOptions;
use crate::commands::resync::ResyncOptions;
use crate::commands::status::StatusOptions;
use crate::context::EnvironmentRun;
use crate::exit::UsageError;
use crate::session::DriftRevisions;
use crate::{completion, saved_plan};

/// `pipectl plan`.
#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) compare: CompareArgs,
    #[command(flatten)]
    git: GitArgs,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Show each changed object as a YAML diff from live to manifest
    #[arg(long, env = "PIPECTL_DIFF")]
    diff: bool,
    /// Save the plan for review and for apply --plan; it contains no secrets
    #[arg(long, value_name = "FILE", env = "PIPECTL_OUT")]
    out: Option<PathBuf>,
    /// Report secrets that cannot be resolved here; runs no program and keeps no value
    #[arg(long, env = "PIPECTL_CHECK_SECRETS")]
    check_secrets: bool,
    /// Exit with 2 if there are changes
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
    /// Exit with 5 if apply will refuse a part of the plan
    #[arg(long, env = "PIPECTL_FAIL_ON_REFUSAL")]
    fail_on_refusal: bool,
}

impl PlanArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<PlanOptions, UsageError> {
        Ok(PlanOptions {
            scope: self.compare.options(run)?,
            git: self.git.options(),
            diff: self.diff,
            out: self.out.as_deref().map(|file| run.expand_path("--out", file)).transpose()?,
            check_secrets: self.check_secrets,
            detailed_exitcode: self.detailed_exitcode,
            fail_on_refusal: self.fail_on_refusal,
        })
    }
}

/// `pipectl apply`.
#[derive(Args, Debug)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) compare: CompareArgs,
    #[command(flatten)]
    git: GitArgs,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Show each changed object as a YAML diff from live to manifest
    #[arg(long, env = "PIPECTL_DIFF")]
    diff: bool,
    /// Apply only what this saved plan contains, or the plans in this folder
    #[arg(long, value_name = "FILE|DIR", env = "PIPECTL_PLAN")]
    plan: Option<PathBuf>,
    /// Apply the plan only if it has this digest
    #[arg(long, value_name = "DIGEST", env = "PIPECTL_EXPECT", value_parser = saved_plan::parse_digest)]
    expect: Option<String>,
    /// Do not ask for confirmation; required without a terminal and without --plan
    #[arg(long, env = "PIPECTL_YES")]
    yes: bool,
    /// Wait until changed objects have settled, or do not wait
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    wait: WaitFor,
    /// Wake an idle service if an action needs it; a stopped service is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    wake: bool,
    /// Allow this object to be replaced even above the limit, or if it may be lost; several with
    /// glob:SERVICE/PATTERN
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_REPLACE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    allow_replace: Vec<ObjectName>,
    /// Allow this object to be deleted even above the limit; several with glob:SERVICE/PATTERN
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_DELETE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    allow_delete: Vec<ObjectName>,
    /// Number of objects to work on at once [default: 256 for each API key]
    #[arg(long, value_name = "N", env = "PIPECTL_PARALLEL")]
    parallel: Option<usize>,
}

impl ApplyArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<ApplyOptions, UsageError> {
        if run.is_one_of_several() && self.expect.is_some() {
            let why = "--expect takes the digest of one plan, but several environments are selected: use --plan";
            return Err(UsageError(why.to_owned()));
        }
        Ok(ApplyOptions {
            scope: self.compare.options(run)?,
            git: self.git.options(),
            diff: self.diff,
            plan: self.plan.as_deref().map(|file| run.expand_path("--plan", file)).transpose()?,
            expect: self.expect.clone(),
            yes: self.yes,
            wait: self.wait.mode(),
            wake: self.wake,
            allow_replace: self.allow_replace.clone(),
            allow_delete: self.allow_delete.clone(),
            parallel: self.parallel,
        })
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

impl WaitFor {
    fn mode(self) -> WaitMode {
        match self {
            Self::Settled => WaitMode::Settled,
            Self::None => WaitMode::None,
        }
    }
}

/// `pipectl drift`.
#[derive(Args, Debug)]
pub(crate) struct DriftArgs {
    #[command(flatten)]
    pub(crate) compare: CompareArgs,
    /// Revision to compare live pipes with; by default HEAD, or the working folder outside a
    /// repository
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    base: Option<String>,
    /// The last commit that was applied: changes in git since then are pending, not drift
    #[arg(long, value_name = "REF", env = "PIPECTL_LAST_APPLIED", conflicts_with = "base")]
    last_applied: Option<String>,
    /// Group objects by the values of this label, with counts for each
    #[arg(long, value_name = "LABEL", env = "PIPECTL_GROUP_BY", value_parser = parse_label_key)]
    group_by: Option<String>,
    /// Exit with 2 if something is missing or changed
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
}

impl DriftArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<DriftOptions, UsageError> {
        let scope = self.compare.options(run)?;
        let revisions = DriftRevisions { compared: self.base.clone(), last_applied: self.last_applied.clone() };
        let group_by = self.group_by.clone();
        Ok(DriftOptions { scope, revisions, detailed_exitcode: self.detailed_exitcode, group_by })
    }
}

/// `pipectl status`.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Keep watching: in place on a terminal, else one line per change; Ctrl-C ends it. Needs the API or a `pipectl
    /// sandbox` server; does not work with --sandbox
    #[arg(long, env = "PIPECTL_WATCH")]
    watch: bool,
    /// Time between two reads
    #[arg(
        long,
        value_name = "TIME",
        env = "PIPECTL_INTERVAL",
        default_value = "15s",
        value_parser = parse_interval
    )]
    interval: Duration,
    /// Keep watching until then, at most for --timeout
    #[arg(long, value_name = "WHEN", env = "PIPECTL_UNTIL", value_enum)]
    until: Option<WatchUntil>,
    /// Show only pipes with a warning or a bad health
    #[arg(long, env = "PIPECTL_UNHEALTHY", conflicts_with = "watch")]
    unhealthy: bool,
    /// Group pipes by the values of this label in their manifests, with counts for each
    #[arg(long, value_name = "LABEL", env = "PIPECTL_GROUP_BY", value_parser = parse_label_key)]
    #[arg(conflicts_with = "watch")]
    group_by: Option<String>,
    /// Exit with 2 if something is unhealthy
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
}

impl StatusArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<StatusOptions, UsageError> {
        if run.is_one_of_several() && self.watch {
            let why = "--watch follows one environment, but several are selected";
            return Err(UsageError(why.to_owned()));
        }
        Ok(StatusOptions {
            scope: self.scope.options(run)?,
            watch: self.watch,
            interval: self.interval,
            until_settled: self.until == Some(WatchUntil::Settled),
            unhealthy_only: self.unhealthy,
            detailed_exitcode: self.detailed_exitcode,
            group_by: self.group_by.clone(),
        })
    }
}

/// The end of watching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WatchUntil {
    /// When no pipe is changing its state.
    Settled,
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse_time(text)?;
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
    pipe: String,
    /// Id of the pipe, if several pipes have this name
    #[arg(long, value_name = "UUID", env = "PIPECTL_ID")]
    id: Option<String>,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    #[arg(add = ArgValueCandidates::new(completion::environment_candidates))]
    pub(crate) env: Option<String>,
    #[command(flatten)]
    connect: ConnectArgs,
    /// Do not ask for confirmation; required without a terminal
    #[arg(long, env = "PIPECTL_YES")]
    yes: bool,
    /// Wait until everything is loaded, or do not wait
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    wait: WaitFor,
    /// Wake the service if it is idle; a stopped service is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    wake: bool,
}

impl ResyncArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<ResyncOptions, UsageError> {
        Ok(ResyncOptions {
            pipe: self.pipe.clone(),
            id: self.id.clone(),
            connect: self.connect.options(run)?,
            yes: self.yes,
            wait: self.wait.mode(),
            wake: self.wake,
        })
    }
}

/// `pipectl doctor`.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Also list the differences between this OpenAPI document of the API and what this version knows
    #[arg(long, value_name = "FILE", env = "PIPECTL_API_SCHEMA")]
    api_schema: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl DoctorArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<DoctorOptions, UsageError> {
        let (paths, api_schema) = (self.manifests.paths.clone(), self.api_schema.clone());
        Ok(DoctorOptions { paths, connect: self.connect.options(run)?, api_schema })
    }
}

/// `pipectl discover`.
#[derive(Args, Debug)]
pub(crate) struct DiscoverArgs {
    /// A file or folder, a pipe in it or in the project's manifests, or both
    #[arg(value_name = "PATH|SERVICE/PIPE", required = true, num_args = 1..=2)]
    targets: Vec<String>,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    pub(crate) env: Option<String>,
    #[command(flatten)]
    connect: ConnectArgs,
    /// Write the columns into the manifest instead of printing them
    #[arg(long, env = "PIPECTL_WRITE")]
    write: bool,
    /// Replace columns that are already declared
    #[arg(long, env = "PIPECTL_DISCOVER_FORCE")]
    force: bool,
    /// Send the secrets of the source without asking; required without a terminal
    #[arg(long, env = "PIPECTL_YES")]
    yes: bool,
    /// Wake the service if it is idle; a stopped service is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    wake: bool,
}

impl DiscoverArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<DiscoverOptions, UsageError> {
        Ok(DiscoverOptions {
            targets: self.targets.clone(),
            connect: self.connect.options(run)?,
            write: self.write,
            force: self.force,
            wake: self.wake,
            yes: self.yes,
        })
    }
}
