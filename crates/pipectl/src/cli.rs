//! The command line: every type that clap parses.

mod command;
mod export_args;
mod familiar_words;
mod live_args;
mod local_args;
mod scope_args;
mod usage_errors;

use std::ffi::{OsStr, OsString};

use anstream::ColorChoice;
use clap::builder::{BoolishValueParser, Resettable};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, ValueEnum};

use self::command::Command;
pub(crate) use self::usage_errors::print_usage_error;
use crate::context::OutputFormat;
use crate::output::Output;
use crate::{env_vars, exit};

/// Manages ClickHouse Cloud ClickPipes as code, from git.
#[derive(Debug, Parser)]
#[command(name = "pipectl", version, about, after_help = exit::HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl Cli {
    /// Parses a command line; flags that are missing come from their environment variables.
    pub(crate) fn parse_args(args: &[OsString]) -> Result<Self, clap::Error> {
        let mut program = configure_env_vars(Self::command());
        let args = expand_help_command(args);
        familiar_words::reject_single_dash(&mut program, &args)?;
        let mut matches = program
            .try_get_matches_from_mut(args)
            .map_err(|error| familiar_words::suggest_own_words(&program, error))?;
        let whole = Self::command();
        let (command, given) = selected_command(&whole, &matches);
        if let Some(argument) = find_empty_value(command.get_arguments().chain(whole.get_arguments()), given) {
            let name = argument.get_long().map_or_else(|| argument.get_id().to_string(), |it| format!("--{it}"));
            return Err(program.error(ErrorKind::InvalidValue, format!("the value of {name} is empty")));
        }
        reject_empty_guards(&mut program, command, given)?;
        // `BASE=$(pipectl ci base)` needs the plain text, whatever a job prints elsewhere.
        let is_plain = given.value_source("output") == Some(ValueSource::EnvVariable) && is_ci_command(&matches);
        let mut parsed = Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut program))?;
        if is_plain {
            parsed.output.output = OutputFormat::Text;
        }
        Ok(parsed)
    }
}

/// `pipectl help plan` is `pipectl plan --help`. The help command of clap would be listed below every command, in the
/// manual and in completions.
fn expand_help_command(args: &[OsString]) -> Vec<OsString> {
    let mut args = args.to_vec();
    if args.get(1).is_some_and(|word| word == "help") {
        args.remove(1);
        args.push("--help".into());
    }
    args
}

/// Variables that limit a run. An empty one must not remove the limit: an earlier step failed to set it, and the run
/// would apply a plan that nobody reviewed, or objects that nobody selected.
pub const GUARD_VARIABLES: [&str; 13] = [
    "PIPECTL_APPLIED",
    "PIPECTL_BASE",
    "PIPECTL_CHANGED_SINCE",
    "PIPECTL_ENV",
    "PIPECTL_EXCLUDE",
    "PIPECTL_EXPECT",
    "PIPECTL_ID",
    "PIPECTL_LABEL",
    "PIPECTL_LAST_APPLIED",
    "PIPECTL_ONLY",
    "PIPECTL_PLAN",
    "PIPECTL_POLICY_BASE",
    "PIPECTL_SHARD",
];

/// Lets flags read their environment variables in the forms that pipelines use.
fn configure_env_vars(program: clap::Command) -> clap::Command {
    program.mut_args(configure_env_var).mut_subcommands(configure_env_vars)
}

/// An empty variable counts as unset: a pipeline sets one for each input without a value.
/// Boolean values may be `1` or `0`. Help shows no values, because others may choose some of them.
fn configure_env_var(flag: Arg) -> Arg {
    let flag = flag.hide_env_values(true);
    let flag = if flag.get_env().is_some_and(is_empty) { flag.env(Resettable::Reset) } else { flag };
    match flag.get_action() {
        ArgAction::SetTrue => flag.value_parser(BoolishValueParser::new()),
        _ => flag,
    }
}

fn is_empty(variable: &OsStr) -> bool {
    env_vars::read_bytes(variable).is_some_and(|value| value.is_empty())
}

/// The selected command as it is declared, and its parsed arguments.
fn selected_command<'c>(whole: &'c clap::Command, matches: &'c ArgMatches) -> (&'c clap::Command, &'c ArgMatches) {
    let (mut command, mut given) = (whole, matches);
    while let Some((name, below)) = given.subcommand() {
        let Some(declared) = command.find_subcommand(name) else { break };
        (command, given) = (declared, below);
    }
    (command, given)
}

fn is_ci_command(matches: &ArgMatches) -> bool {
    matches.subcommand_name() == Some("ci")
}

/// Flags that scripts pass as they find them, even if empty: the commit before the first push.
const MAY_BE_EMPTY: [&str; 1] = ["before"];

/// An argument with an empty value, such as that of `--exclude "$NAMES"` if `NAMES` is unset: it would remove the
/// limit.
/// `--exclude "$A,$B"` has two values.
fn find_empty_value<'a>(mut arguments: impl Iterator<Item = &'a Arg>, given: &ArgMatches) -> Option<&'a Arg> {
    arguments.find(|argument| {
        let id = argument.get_id().as_str();
        // Arguments of the program itself are unknown below `ci` and the like.
        let is_typed = given.try_contains_id(id).is_ok() && given.value_source(id) == Some(ValueSource::CommandLine);
        is_typed && !MAY_BE_EMPTY.contains(&id) && has_blank_value(argument, given)
    })
}

fn has_blank_value(argument: &Arg, given: &ArgMatches) -> bool {
    let mut values = given.get_raw(argument.get_id().as_str()).into_iter().flatten();
    values.any(|value| value.as_encoded_bytes().trim_ascii().is_empty())
}

/// Rejects a guard that is set and empty, or has an empty value, unless the command line sets the flag. The parser lost the
/// empty variables.
fn reject_empty_guards(
    program: &mut clap::Command,
    command: &clap::Command,
    given: &ArgMatches,
) -> Result<(), clap::Error> {
    let flags = command.get_arguments();
    for flag in flags.filter(|flag| given.value_source(flag.get_id().as_str()) != Some(ValueSource::CommandLine)) {
        let guards =
            flag.get_env().filter(|variable| GUARD_VARIABLES.iter().any(|guard| OsStr::new(guard) == *variable));
        let has_blank = given.value_source(flag.get_id().as_str()).is_some() && has_blank_value(flag, given);
        if let Some(variable) = guards.filter(|variable| has_blank || is_empty(variable)) {
            let (variable, long) = (variable.to_string_lossy(), flag.get_long().unwrap_or_default());
            let what = if has_blank { "has an empty value" } else { "is set but empty" };
            let message = format!("{variable} {what}: give it a value for --{long}, or unset it");
            return Err(program.error(ErrorKind::InvalidValue, message));
        }
    }
    Ok(())
}

/// The output flags.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// Output format on stdout; a command refuses a format that it does not have
    #[arg(short, long, global = true, env = "PIPECTL_OUTPUT", value_enum, default_value_t)]
    pub(crate) output: OutputFormat,
    /// When to use colours
    #[arg(long, global = true, env = "PIPECTL_COLOR", value_enum, default_value_t)]
    pub(crate) color: Color,
    /// Environment variables that `${env:NAME}` of the project file may name in addition to `PIPECTL_VAR_*`; plans show
    /// their values
    #[arg(long, global = true, value_name = "NAME", env = "PIPECTL_ALLOW_ENV", value_delimiter = ',')]
    allow_env: Vec<String>,
    /// Log more to stderr: -v steps, -vv each request (`PIPECTL_LOG` takes a filter)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print results, questions, warnings and errors, but no progress and no advice
    #[arg(short, long, global = true, env = "PIPECTL_QUIET")]
    quiet: bool,
}

impl OutputArgs {
    fn output(&self) -> Output {
        let color_choice = match self.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Output::new(color_choice).with_quiet(self.quiet)
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

#[cfg(test)]
mod tests;
