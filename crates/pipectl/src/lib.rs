//! The `pipectl` command: loads manifests, observes the live side, plans, renders, asks, applies.
//!
//! Only this crate prints, reads files and the environment, and ends the process.

#![expect(missing_docs, reason = "only the program and its tests use this crate")]

pub mod apply;
mod cli;
mod code_help;
mod commands;
mod completion;
mod connection;
mod context;
mod credentials;
mod declared_elsewhere;
pub mod diagnostics;
mod docs_pages;
pub mod embedded_sandbox;
mod env_vars;
mod environment_runs;
mod error_code;
pub mod error_report;
mod escape;
pub mod exit;
mod files;
mod git;
pub mod interruption;
mod label_groups;
mod line_index;
pub mod load_manifests;
mod logging;
mod manifest_files;
pub mod merged_report;
mod outcome;
pub mod output;
pub mod permissions;
mod plan_view;
mod project;
mod prompt;
pub mod render;
pub mod reports;
mod rule_checks;
mod run_redaction;
pub mod saved_plan;
mod secrets;
mod selection;
mod session;
mod settings_diff;
pub mod shard;
pub mod unreachable;
mod yaml_writer;

use std::ffi::OsString;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::CommandFactory;
use clap::error::ErrorKind;

pub use crate::cli::GUARD_VARIABLES;

use crate::cli::Cli;
use crate::error_report::ErrorReport;
use crate::outcome::CommandOutcome;
use crate::output::{Output, StyledText};
use crate::render::{envelope, event_lines};

/// Runs one command line and returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if completion::answer_shell(Cli::command, &args) {
        return ExitCode::from(exit::DONE);
    }
    ExitCode::from(match Cli::parse_args(&args) {
        Ok(cli) => run_command(&cli),
        Err(error) => report_usage_error(error, &args),
    })
}

fn run_command(cli: &Cli) -> u8 {
    let context = cli.context();
    logging::start_logging(cli.output.verbose, context.output);
    let runs = cli.prepare_runs(&context).map_err(anyhow::Error::from);
    match runs.and_then(environment_runs::require_all_names) {
        Ok(runs) => environment_runs::run_in_turn(runs, context.output, context.format),
        Err(error) => CommandOutcome::from_error(&context, &error).print(&context),
    }
}

/// clap's own exit code for a usage error means "there are changes" here.
fn report_usage_error(mut error: clap::Error, args: &[OsString]) -> u8 {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let report = ErrorReport::from(&error);
    let rendered = match requested_format(args).as_deref() {
        Some("json") => Some(envelope::failure_json(("Usage", "error"), exit::USAGE, None, (report, &[]))),
        Some("ndjson") => Some(event_lines::failure_line(None, "error", exit::USAGE, &[report.message])),
        _ => None,
    };
    if let Some(rendered) = rendered.filter(|_| !is_help) {
        // A full disk cannot be reported on the same disk.
        let _ = Output::new(ColorChoice::Never).print_data(StyledText::new().push_plain(rendered));
    }
    cli::print_usage_error(&mut error, args);
    if is_help { exit::DONE } else { exit::USAGE }
}

/// The requested format. The command line could not be parsed, so this searches its words.
fn requested_format(args: &[OsString]) -> Option<String> {
    let arguments: Vec<_> = args.iter().map(|word| word.to_string_lossy()).collect();
    let separate_value = arguments.windows(2).find(|pair| matches!(&*pair[0], "-o" | "--output"));
    let joined_value = || {
        let format = |word: &str| {
            let format = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o"))?;
            Some(format.trim_start_matches('=').to_owned())
        };
        arguments.iter().find_map(|word| format(word))
    };
    let given = separate_value.map(|pair| pair[1].to_string()).or_else(joined_value);
    given.or_else(|| env_vars::read_variable("PIPECTL_OUTPUT"))
}
