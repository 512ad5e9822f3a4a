//! Arguments that several commands share: manifests, selection, API and reports.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum, ValueHint};
use clap_complete::ArgValueCandidates;
use model::label_selector::LabelSelector;
use model::project::PruneMode;
use model::selector::{AddressPattern, has_braces};
use rules::RuleTime;

use crate::completion;
use crate::connection::{ConnectOptions, RateLimitOption, RunTimeout};
use crate::context::EnvironmentRun;
use crate::exit::UsageError;
use crate::files;
use crate::reports::{CommentKey, ReportRequest, ReportTarget};
use crate::selection::Selection;
use crate::session::{GitOptions, ScopeOptions};
use crate::shard::Shard;

/// Shared arguments of `plan`, `apply` and `drift`.
#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Only the services of part K of N, to split a run over several machines; a service always belongs to the same
    /// part
    #[arg(long, value_name = "K/N", env = "PIPECTL_SHARD")]
    pub(crate) shard: Option<Shard>,
}

impl CompareArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<ScopeOptions, UsageError> {
        Ok(ScopeOptions { shard: self.shard, ..self.scope.options(run)? })
    }
}

/// The report flags.
#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// Also write a report: json, markdown, github, gitlab-terraform, codequality, sarif, junit
    /// or html; PATH is a file, or - for stdout
    #[arg(long = "report", value_name = "FORMAT=PATH", env = "PIPECTL_REPORT", value_delimiter = ',')]
    reports: Vec<ReportTarget>,
    /// Key to keep several comments on one pull request apart; by default the name of the command
    #[arg(long, value_name = "KEY", env = "PIPECTL_REPORT_KEY")]
    report_key: Option<CommentKey>,
}

impl ReportArgs {
    pub(super) fn request(&self, run: &EnvironmentRun, command: &str) -> Result<ReportRequest, UsageError> {
        let targets = self.reports.iter().map(|target| {
            let path = run.expand_path("--report", &target.path)?;
            Ok(ReportTarget { path, ..target.clone() })
        });
        let given = self.report_key.clone().unwrap_or_else(|| CommentKey::of_command(command));
        let key = match &run.name {
            Some(name) if run.is_one_of_several() => given.for_environment(name),
            _ => given,
        };
        Ok(ReportRequest { targets: targets.collect::<Result<_, UsageError>>()?, key })
    }
}

/// Manifests, selection and API of a command that compares.
#[derive(Args, Debug)]
pub(crate) struct ScopeArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl ScopeArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<ScopeOptions, UsageError> {
        Ok(ScopeOptions {
            paths: self.manifests.paths.clone(),
            selection: self.select.selection()?,
            connect: self.connect.options(run)?,
            shard: None,
        })
    }
}

/// The manifest flags.
#[derive(Args, Debug)]
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

/// The selection flags.
#[derive(Args, Debug)]
pub(crate) struct SelectArgs {
    /// Only these (SERVICE/PIPE or PIPE, with * and ?); @FILE stands for the lines of a file
    #[arg(long, value_name = "GLOB", env = "PIPECTL_ONLY", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    only: Vec<AddressPattern>,
    /// Exclude these (SERVICE/PIPE or PIPE, with * and ?)
    #[arg(long, value_name = "GLOB", env = "PIPECTL_EXCLUDE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::object_candidates))]
    exclude: Vec<AddressPattern>,
    /// Only manifests with such labels: KEY=VALUE, KEY!=VALUE, 'KEY in (A, B)', 'KEY notin (A, B)', KEY or !KEY
    #[arg(short = 'l', long = "label", value_name = "SELECTOR", env = "PIPECTL_LABEL")]
    labels: Vec<LabelSelector>,
}

impl SelectArgs {
    pub(super) fn selection(&self) -> Result<Selection, UsageError> {
        let (only, exclude) = (read_lists(&self.only)?, read_lists(&self.exclude)?);
        Ok(Selection { only, exclude, labels: self.labels.clone() })
    }
}

/// The patterns, with the lines of a file in place of `@FILE`. Empty lines and those that begin with `#` do not count.
fn read_lists(patterns: &[AddressPattern]) -> Result<Vec<AddressPattern>, UsageError> {
    let mut all = Vec::new();
    for pattern in patterns {
        let text = pattern.to_string();
        let Some(file) = text.strip_prefix('@') else {
            all.push(pattern.clone());
            continue;
        };
        let list = files::read_named_file(Path::new(file), MAX_LIST_BYTES)
            .map_err(|error| UsageError(format!("{error:#}")))?;
        let list = String::from_utf8_lossy(&list);
        // Editors on Windows begin a file with a byte order mark.
        let lines = list
            .trim_start_matches('\u{feff}')
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let before = all.len();
        all.extend(lines.map(AddressPattern::new));
        // An empty list must not mean everything.
        if all.len() == before {
            return Err(UsageError(format!("{text}: the file names nothing")));
        }
    }
    // An `--exclude` that matches nothing would let the run change an object that it must not change.
    match all.iter().find(|pattern| has_braces(&pattern.to_string())) {
        Some(pattern) => Err(UsageError(format!(
            "`{pattern}`: patterns support only `*` and `?`: name each alternative, separated by commas, and write `?` for a \
             brace in a name"
        ))),
        None => Ok(all),
    }
}

const MAX_LIST_BYTES: u64 = 8 * 1024 * 1024;

/// The flags for rules of the project.
#[derive(Args, Debug)]
pub(crate) struct RuleArgs {
    /// The time that rules of the project see as `now`, such as 2026-11-27T16:00:00Z; by default that of the clock
    #[arg(long, value_name = "TIME", env = "PIPECTL_NOW", value_parser = humantime::parse_rfc3339_weak)]
    now: Option<SystemTime>,
}

impl RuleArgs {
    /// The time of the flag, or of the clock.
    pub(super) fn time(&self) -> RuleTime {
        self.now.map_or_else(Self::clock, seconds_of)
    }

    /// The time of the clock.
    #[expect(clippy::disallowed_methods, reason = "rules may forbid a change on a Friday")]
    pub(super) fn clock() -> RuleTime {
        seconds_of(SystemTime::now())
    }
}

fn seconds_of(time: SystemTime) -> RuleTime {
    let passed = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    RuleTime::from_unix_seconds(passed.as_secs())
}

/// The git flags.
#[derive(Args, Debug)]
pub(crate) struct GitArgs {
    /// Apply only changes made in git since this revision; report drift separately (REF, or REF...
    /// for the merge base with REF)
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    base: Option<String>,
    /// Only manifests changed since this revision (REF, or REF... for the merge base with REF)
    #[arg(long, value_name = "REF", env = "PIPECTL_CHANGED_SINCE")]
    changed_since: Option<String>,
    /// Delete live objects that no manifest declares: those that an earlier commit declared, or those
    /// in the project file's pruneScope
    #[arg(long, value_name = "HOW", env = "PIPECTL_PRUNE", value_enum)]
    prune: Option<PruneBy>,
    /// With --base: the commit of the target branch before this change; its policy and protection apply, instead of
    /// those of the base
    #[arg(long, value_name = "REF", env = "PIPECTL_POLICY_BASE")]
    policy_base: Option<String>,
    /// With --base: use the policy of this commit's project file, even where the one before this change is stricter
    #[arg(long, env = "PIPECTL_TRUST_POLICY")]
    trust_policy: bool,
    /// Re-send secrets even if unchanged: those of these objects (SERVICE/PIPE or PIPE, with * and ?), or of all
    #[arg(
        long,
        value_name = "SERVICE/PIPE",
        env = "PIPECTL_RESEND_SECRETS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "*",
        value_delimiter = ','
    )]
    resend_secrets: Vec<AddressPattern>,
}

impl GitArgs {
    pub(super) fn options(&self) -> GitOptions {
        GitOptions {
            base: self.base.clone(),
            changed_since: self.changed_since.clone(),
            prune: self.prune.map(|by| match by {
                PruneBy::Never => PruneMode::Never,
                PruneBy::Git => PruneMode::Git,
                PruneBy::Scope => PruneMode::Scope,
            }),
            policy_base: self.policy_base.clone(),
            trust_policy: self.trust_policy,
            resend_secrets: self.resend_secrets.clone(),
        }
    }
}

/// Selects undeclared live objects to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PruneBy {
    /// Deletes nothing.
    Never,
    /// Objects that an earlier commit declared.
    Git,
    /// Objects in the project file's pruneScope.
    Scope,
}

/// The API flags. Keys come from environment variables only.
#[derive(Args, Debug)]
pub(crate) struct ConnectArgs {
    /// Address of the API, with or without /v1; plain http only on loopback
    #[arg(long, value_name = "URL", env = "PIPECTL_API_URL")]
    api_url: Option<String>,
    /// Organization id; by default the key's only one
    #[arg(long, value_name = "ID", env = "PIPECTL_ORGANIZATION")]
    organization: Option<String>,
    /// Name or id of the service for manifests that name none
    #[arg(long, value_name = "SERVICE", env = "PIPECTL_SERVICE")]
    service: Option<String>,
    /// Use the embedded sandbox API in this process, and keep its state in FILE
    #[arg(
        long,
        value_name = "FILE",
        env = "PIPECTL_SANDBOX",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = SANDBOX_STATE,
        value_hint = ValueHint::FilePath
    )]
    sandbox: Option<SandboxState>,
    /// Request limit of the API for one key, or "off"; by default 10/10s
    #[arg(long, value_name = "N/TIME", env = "PIPECTL_RATE_LIMIT")]
    rate_limit: Option<RateLimitOption>,
    /// Longest time that the whole run may wait and retry; by default 15m, and for apply twice the time that the rate
    /// limit needs for the plan on top of it
    #[arg(long, value_name = "TIME", env = "PIPECTL_TIMEOUT", value_parser = parse_time)]
    timeout: Option<Duration>,
}

pub(super) fn parse_time(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "write a number and a unit, such as 15m or 1h 30m")
}

/// The file of the embedded sandbox, unless another one is named.
const SANDBOX_STATE: &str = ".pipectl/sandbox.json";

/// The file of the embedded sandbox; `None` for the real API.
#[derive(Clone, Debug)]
struct SandboxState(Option<PathBuf>);

// Pipelines set variables to `true` and `false`. A file of that name would be an unwanted sandbox.
impl FromStr for SandboxState {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(SANDBOX_STATE.into()),
            "0" | "false" | "no" | "off" => None,
            _ => Some(text.into()),
        }))
    }
}

impl ConnectArgs {
    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<ConnectOptions, UsageError> {
        if run.is_one_of_several() && self.organization.is_some() {
            let why = "--organization names one organization, but several environments are selected: declare the \
                       `organization` of each in the project file";
            return Err(UsageError(why.to_owned()));
        }
        let sandbox = self.sandbox.as_ref().and_then(|state| state.0.as_deref());
        Ok(ConnectOptions {
            api_url: self.api_url.clone(),
            organization: self.organization.clone(),
            service: self.service.clone(),
            sandbox: sandbox.map(|file| run.expand_path("--sandbox", file)).transpose()?,
            rate_limit: self.rate_limit,
            timeout: RunTimeout { chosen: self.timeout },
        })
    }
}
