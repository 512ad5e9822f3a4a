//! The command line. Parsing decides nothing: it only says what was typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::project::Prune;
use remote::Rate;

use crate::exit;
use crate::report::{Key, Target, Wanted};

/// Runs ClickHouse Cloud ClickPipes from git: plan in the pull request, apply on merge.
#[derive(Debug, Parser)]
#[command(name = "pipectl", version, about, after_help = exit::HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to say it.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report every error in every file; needs no account and no secrets
    Validate(ValidateArgs),
    /// Show what differs between git and live, as actions, and what each does to the data
    Plan(PlanArgs),
    /// Make the live side as the manifests declare it
    Apply(ApplyArgs),
    /// Show what differs from git because somebody changed it elsewhere
    Drift(DriftArgs),
    /// Print the JSON Schema of the manifests, for editors
    Schema,
    /// Say what a field is, and what changing it costs
    Explain(ExplainArgs),
    /// Serve the embedded ClickPipes API on loopback
    Sandbox(SandboxArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual pages
    Man,
}

/// How output is written.
#[derive(Args, Debug)]
pub struct OutputArgs {
    /// Format of what is printed on stdout
    #[arg(short, long, global = true, env = "PIPECTL_OUTPUT", value_enum, default_value_t)]
    pub output: Format,
    /// When to colour
    #[arg(long, global = true, env = "PIPECTL_COLOR", value_enum, default_value_t)]
    pub color: Color,
    /// Log more to stderr: -v what is done, -vv each request (`PIPECTL_LOG` takes a filter)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Formats of what is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines; printed in every outcome.
    Json,
    /// For a comment on a pull request.
    Markdown,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that wants it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which manifests.
#[derive(Args, Clone, Debug)]
pub struct ManifestArgs {
    /// Manifest files and folders (searched for *.yaml and *.yml), or - for standard input; by
    /// default those of the project file
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    pub env: Option<String>,
}

/// Which of the declared objects.
#[derive(Args, Clone, Debug, Default)]
pub struct SelectArgs {
    /// Consider only these (SERVICE/PIPE or PIPE, with * and ?)
    #[arg(long, value_name = "GLOB", env = "PIPECTL_ONLY", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leave these out (SERVICE/PIPE or PIPE, with * and ?)
    #[arg(long, value_name = "GLOB", env = "PIPECTL_EXCLUDE", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Consider only manifests with this label
    #[arg(
        short = 'l',
        long = "label",
        value_name = "KEY=VALUE",
        env = "PIPECTL_LABEL",
        value_delimiter = ','
    )]
    pub labels: Vec<String>,
}

/// What git says beyond the manifests as they are.
#[derive(Args, Clone, Debug, Default)]
pub struct GitArgs {
    /// Do only what git changed since this revision, and tell apart what drifted (REF, or REF...
    /// for where this branch left REF)
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    pub base: Option<String>,
    /// Delete live objects that no manifest declares any more: those of which git has the proof
    /// that a manifest declared them once
    #[arg(long, value_name = "HOW", env = "PIPECTL_PRUNE", value_enum)]
    pub prune: Option<PruneBy>,
}

/// What is deleted because no manifest declares it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PruneBy {
    /// Nothing.
    Never,
    /// What a manifest declared once, as history proves.
    Git,
    /// What is in a declared scope.
    #[value(hide = true)]
    Scope,
}

impl From<PruneBy> for Prune {
    fn from(by: PruneBy) -> Self {
        match by {
            PruneBy::Never => Self::Never,
            PruneBy::Git => Self::Git,
            PruneBy::Scope => Self::Scope,
        }
    }
}

/// How many requests to send at most; `None` is as fast as it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit(pub Option<Rate>);

impl RateLimit {
    /// Reads `10/10s`, or `off`.
    ///
    /// # Errors
    /// Says how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let parsed = text.split_once('/').and_then(|(requests, per)| {
            let (requests, per) = (requests.parse().ok()?, humantime::parse_duration(per).ok()?);
            (requests > 0 && !per.is_zero()).then_some(Rate { requests, per })
        });
        let rate = parsed.ok_or("write requests and a time, such as 10/10s, or off")?;
        Ok(Self(Some(rate)))
    }
}

/// Where the API is. Keys are taken from the environment only.
#[derive(Args, Clone, Debug)]
pub struct ConnectArgs {
    /// Address of the API, with or without /v1; plain http only on loopback
    #[arg(long, value_name = "URL", env = "PIPECTL_API_URL")]
    pub api_url: Option<String>,
    /// Organization id; by default the key's only one
    #[arg(long, value_name = "ID", env = "PIPECTL_ORGANIZATION")]
    pub organization: Option<String>,
    /// Service of the manifests that name none: its name or id
    #[arg(long, value_name = "SERVICE", env = "PIPECTL_SERVICE")]
    pub service: Option<String>,
    /// Run the embedded API inside the process, its state kept in FILE
    #[arg(
        long,
        value_name = "FILE",
        env = "PIPECTL_SANDBOX",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ".pipectl/sandbox.json"
    )]
    pub sandbox: Option<PathBuf>,
    /// Requests per window that the API allows one key, or "off"; by default 10/10s
    #[arg(long, value_name = "N/TIME", env = "PIPECTL_RATE_LIMIT", value_parser = RateLimit::parse)]
    pub rate_limit: Option<RateLimit>,
    /// How long the whole run may wait and retry
    #[arg(
        long,
        value_name = "TIME",
        env = "PIPECTL_TIMEOUT",
        default_value = "15m",
        value_parser = humantime::parse_duration
    )]
    pub timeout: Duration,
}

/// What else is written from the same run.
#[derive(Args, Clone, Debug)]
pub struct ReportArgs {
    /// Write a report as well: json, markdown, github, gitlab-terraform, codequality, sarif, junit
    /// or html; PATH is a file, or - for stdout
    #[arg(
        long = "report",
        value_name = "FORMAT=PATH",
        env = "PIPECTL_REPORT",
        value_delimiter = ','
    )]
    pub reports: Vec<Target>,
    /// What tells this comment from others on the same pull request
    #[arg(long, value_name = "KEY", env = "PIPECTL_REPORT_KEY", default_value_t)]
    pub report_key: Key,
}

impl ReportArgs {
    /// What is to be written.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted { targets: &self.reports, key: self.report_key.clone() }
    }
}

/// `pipectl validate`.
#[derive(Args, Debug)]
pub struct ValidateArgs {
    /// What else to write.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Which manifests.
    #[command(flatten)]
    pub manifests: ManifestArgs,
}

/// `pipectl plan`.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// What else to write.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Which manifests.
    #[command(flatten)]
    pub manifests: ManifestArgs,
    /// Which of them.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What git remembers.
    #[command(flatten)]
    pub git: GitArgs,
    /// Where the API is.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Show each changed object as a YAML diff, live against declared
    #[arg(long, env = "PIPECTL_DIFF")]
    pub diff: bool,
    /// Save the plan, for review and for apply --plan; no secret is in it
    #[arg(long, value_name = "FILE", env = "PIPECTL_OUT")]
    pub out: Option<PathBuf>,
    /// Exit with 2 when there are changes
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub detailed_exitcode: bool,
}

/// `pipectl drift`.
#[derive(Args, Debug)]
pub struct DriftArgs {
    /// Which manifests.
    #[command(flatten)]
    pub manifests: ManifestArgs,
    /// Which of them.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Where the API is.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// The revision that live is compared with; by default HEAD, or the working folder where there
    /// is no repository
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    pub base: Option<String>,
    /// Exit with 2 when something is missing or changed
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub detailed_exitcode: bool,
}

/// `pipectl apply`.
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// What else to write.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Which manifests.
    #[command(flatten)]
    pub manifests: ManifestArgs,
    /// Which of them.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What git remembers.
    #[command(flatten)]
    pub git: GitArgs,
    /// Where the API is.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Show each changed object as a YAML diff, live against declared
    #[arg(long, env = "PIPECTL_DIFF")]
    pub diff: bool,
    /// Perform only what this saved plan holds, too
    #[arg(long, value_name = "FILE", env = "PIPECTL_PLAN")]
    pub plan: Option<PathBuf>,
    /// Perform the plan only if it has this digest
    #[arg(long, value_name = "DIGEST", env = "PIPECTL_EXPECT")]
    pub expect: Option<String>,
    /// Do not ask; needed where there is no terminal and no --plan
    #[arg(long, env = "PIPECTL_YES")]
    pub yes: bool,
    /// Wait until what was changed has settled, or not
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    pub wait: WaitFor,
    /// Wake an idle service if an action needs it; a stopped one is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub wake: bool,
    /// Let this object be replaced even above the limit (SERVICE/PIPE)
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_REPLACE", value_delimiter = ',')]
    pub allow_replace: Vec<String>,
    /// Let this object be deleted even above the limit (SERVICE/PIPE)
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_DELETE", value_delimiter = ',')]
    pub allow_delete: Vec<String>,
    /// How many objects to work on at once
    #[arg(long, value_name = "N", env = "PIPECTL_PARALLEL", default_value_t = 64)]
    pub parallel: usize,
}

/// What apply waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WaitFor {
    /// Until every changed object has settled.
    #[default]
    Settled,
    /// Until the API has accepted the change.
    None,
}

/// `pipectl explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The field, such as source.kafka.offset, or a kind, such as ClickPipe
    #[arg(value_name = "FIELD", default_value = "ClickPipe")]
    pub field: String,
}

/// `pipectl completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `pipectl sandbox`.
#[derive(Args, Debug)]
pub struct SandboxArgs {
    /// Loopback address to listen on; port 0 picks a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "PIPECTL_SANDBOX_LISTEN",
        default_value = "127.0.0.1:8123"
    )]
    pub listen: std::net::SocketAddr,
    /// Names of the services that exist
    #[arg(
        long,
        value_name = "NAME",
        env = "PIPECTL_SANDBOX_SERVICES",
        value_delimiter = ',',
        default_value = "analytics"
    )]
    pub service: Vec<String>,
    /// How much faster than the real clock the sandbox's time runs
    #[arg(long, value_name = "FACTOR", env = "PIPECTL_SANDBOX_SPEED", default_value_t = 1.0)]
    pub speed: f64,
    /// Keep the state in this file
    #[arg(long, value_name = "FILE", env = "PIPECTL_SANDBOX_STATE")]
    pub state: Option<PathBuf>,
    /// Which of the two documented shapes of requests to understand
    #[arg(long, value_enum, env = "PIPECTL_SANDBOX_DIALECT", default_value_t)]
    pub dialect: Dialect,
}

/// The two shapes of requests that are documented for states and CDC scaling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// That of the official schema.
    #[default]
    Official,
    /// That of the API reference page.
    ReferencePage,
    /// Either.
    Both,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
