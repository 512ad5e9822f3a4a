//! The command line: every type that clap parses.

pub(crate) mod command;
mod environment_run;
mod import_args;
mod live_args;
mod local_args;
mod report_args;
mod scope_args;

use std::ffi::{OsStr, OsString};

use anstream::ColorChoice;
use clap::builder::{BoolishValueParser, Resettable};
use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches, Parser, ValueEnum};

pub(crate) use self::command::Command;
pub(crate) use self::environment_run::EnvironmentRun;
pub(crate) use self::import_args::{DiscoverArgs, ExportArgs, ExportLayout, ExportSource};
pub(crate) use self::live_args::{
    ApplyArgs, DoctorArgs, DriftArgs, PlanArgs, ResyncArgs, StatusArgs, WaitFor, WatchUntil,
};
pub(crate) use self::local_args::{
    CiHost, CompletionsArgs, DialectArg, DiffEnvArgs, ExplainArgs, InitArgs, SandboxArgs, SchemaArgs, SchemaDocuments,
    ValidateArgs,
};
pub(crate) use self::report_args::ReportArgs;
pub(crate) use self::scope_args::{ConnectArgs, GitArgs, ManifestArgs, RateLimitArg, ScopeArgs, SelectArgs};
use crate::reports::ReportFormat;
use crate::{env_vars, exit};

/// Manages ClickHouse Cloud ClickPipes as code, from git.
#[derive(Debug, Parser)]
#[command(name = "pipectl", version, about, after_help = exit::HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Output flags.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl Cli {
    /// Parses a command line; flags that are missing come from their environment variables.
    ///
    /// # Errors
    /// On a usage error, and when help is requested.
    pub(crate) fn parse_args(args: &[OsString]) -> Result<Self, clap::Error> {
        let mut program = configure_env_vars(Self::command());
        let mut matches = program.try_get_matches_from_mut(args)?;
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut program))
    }
}

/// Makes flags read their variables as pipelines set them.
fn configure_env_vars(program: clap::Command) -> clap::Command {
    program.mut_args(configure_env_var).mut_subcommands(configure_env_vars)
}

/// An empty variable counts as unset: a pipeline sets one for each input that nobody filled in.
/// Boolean values may be `1` or `0`.
fn configure_env_var(flag: Arg) -> Arg {
    let empty = |name: &OsStr| env_vars::read_bytes(name).is_some_and(|value| value.is_empty());
    let flag = match flag.get_env() {
        Some(name) if empty(name) => flag.env(Resettable::Reset),
        _ => flag,
    };
    match flag.get_action() {
        ArgAction::SetTrue => flag.value_parser(BoolishValueParser::new()),
        _ => flag,
    }
}

/// The output flags.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// Output format on stdout
    #[arg(short, long, global = true, env = "PIPECTL_OUTPUT", value_enum, default_value_t)]
    pub(crate) output: OutputFormat,
    /// When to use colours
    #[arg(long, global = true, env = "PIPECTL_COLOR", value_enum, default_value_t)]
    pub(crate) color: Color,
    /// Log more to stderr: -v steps, -vv each request (`PIPECTL_LOG` takes a filter)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Output formats on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For machines; printed on every outcome.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// Streaming JSON: one event per line while apply runs.
    Ndjson,
}

impl OutputFormat {
    /// The report that is printed on stdout, if the format is one.
    pub(crate) fn printed_report(self) -> Option<ReportFormat> {
        match self {
            Self::Text | Self::Ndjson => None,
            Self::Json => Some(ReportFormat::Json),
            Self::Markdown => Some(ReportFormat::Markdown),
        }
    }

    /// The value of `-o` that selects it.
    pub(crate) fn flag_value(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal that supports them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use clap::CommandFactory;

    /// Variables whose flag is described in other words by each command, and is the same wish: what
    /// is exported for one command must not surprise another.
    const SAME_WISH: [&str; 7] = [
        "PIPECTL_BASE",
        "PIPECTL_DETAILED_EXITCODE",
        "PIPECTL_DIFF",
        "PIPECTL_ENV",
        "PIPECTL_WAIT",
        "PIPECTL_WAKE",
        "PIPECTL_YES",
    ];

    #[test]
    fn command_line_definition_is_valid() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn env_variable_always_sets_the_same_flag() {
        let mut meanings: BTreeMap<String, BTreeSet<(Option<String>, String)>> = BTreeMap::new();
        for command in super::Cli::command().get_subcommands() {
            for flag in command.get_arguments() {
                let Some(variable) = flag.get_env() else { continue };
                let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
                let meaning = (flag.get_long().map(str::to_owned), help);
                meanings.entry(variable.to_string_lossy().into()).or_default().insert(meaning);
            }
        }
        for (variable, meanings) in &meanings {
            let flags: BTreeSet<_> = meanings.iter().map(|(flag, _)| flag).collect();
            assert_eq!(flags.len(), 1, "{variable}: {meanings:?}");
        }
        let several = meanings.iter().filter(|(_, meanings)| meanings.len() > 1);
        let several: Vec<&str> = several.map(|(variable, _)| variable.as_str()).collect();
        assert!(several.iter().all(|it| SAME_WISH.contains(it)), "{several:?}");
        assert!(several.contains(&"PIPECTL_WAKE"), "{several:?}");
    }
}
