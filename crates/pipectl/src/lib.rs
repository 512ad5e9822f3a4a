//! The `pipectl` command: loads manifests, observes the live side, plans, renders, asks, applies.
//!
//! Only this crate prints, reads files and the environment, and ends the process.

pub mod apply;
mod cli;
mod commands;
mod completion;
mod credentials;
pub mod diagnostics;
pub mod embedded_sandbox;
mod env_vars;
mod environment_runs;
pub mod error_report;
mod escape;
pub mod exit;
mod git;
pub mod interruption;
pub mod load_manifests;
mod logging;
mod manifest_files;
pub mod output;
mod plan_view;
mod project;
mod prompt;
pub mod render;
pub mod reports;
pub mod saved_plan;
mod secrets;
mod selection;
mod session;
pub mod unreachable;
mod yaml_writer;

use std::ffi::OsString;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::cli::{Cli, Command, OutputFormat, command};
use crate::credentials::MissingKey;
use crate::interruption::RunInterrupted;
use crate::load_manifests::InvalidManifests;
use crate::output::{Output, StyledText};
use crate::render::{envelope, event_lines};
use crate::reports::{ReportRequest, RunReport};

/// Runs one command line and says how it went.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if completion::answer_shell(Cli::command, &args) {
        return ExitCode::from(exit::DONE);
    }
    ExitCode::from(match Cli::parse_args(&args) {
        Ok(cli) => run_each_environment(&cli),
        Err(error) => report_usage_error(&error, &args),
    })
}

fn run_each_environment(cli: &Cli) -> u8 {
    logging::start_logging(cli.output.verbose);
    let (output, format) = (Output::new(cli.output.color.into()), cli.output.output);
    let runs = command::check_format_supported(&cli.command, format)
        .and_then(|()| environment_runs::split_by_environment(&cli.command));
    match runs {
        Ok(runs) if runs.is_empty() => run_command(&cli.command, output, format),
        Ok(runs) => environment_runs::run_in_turn(&runs, output, format, |run| run_command(run, output, format)),
        Err(usage) => report_failure(&cli.command, &usage.into(), &ReportRequest::default(), output, format),
    }
}

fn run_command(command: &Command, output: Output, format: OutputFormat) -> u8 {
    match commands::run(command, output, format) {
        Ok(code) => code,
        Err(error) => report_failure(command, &error, &command::requested_reports(command), output, format),
    }
}

fn report_failure(
    command: &Command,
    error: &anyhow::Error,
    reports: &ReportRequest<'_>,
    output: Output,
    format: OutputFormat,
) -> u8 {
    let (message, spec) = (format!("{error:#}"), command::command_spec(command));
    let invalid = error.downcast_ref::<InvalidManifests>();
    let outcome = if error.is::<RunInterrupted>() { "interrupted" } else { "error" };
    let run = RunReport {
        command: spec.name,
        outcome,
        json: envelope::failure_json(spec.json_kind, outcome, &message),
        diagnostics: invalid.map(|it| it.0.diagnostics.clone()).unwrap_or_default(),
        files: invalid.map_or(0, |it| it.0.files.len()),
        errors: vec![message.clone()],
        ..RunReport::default()
    };
    // A full disk cannot be reported on the same disk.
    let _ = reports.print_to_stdout(format.printed_report(), &run, output);
    print_error(output, error, &message);
    let exit_code = reports.write_reports(&run, output, exit_code_for(error));
    if format == OutputFormat::Ndjson {
        let environment = command::selected_environments(command).first().map(String::as_str);
        print_data(output, event_lines::failure_line(environment, outcome, exit_code, &run.errors));
    }
    exit_code
}

fn print_error(output: Output, error: &anyhow::Error, message: &str) {
    let mut text = StyledText::new();
    if !error.is::<RunInterrupted>() {
        text.push(output::Label::Delete, "error: ");
    }
    text.push_plain(message).end_line();
    if let Some(hint) = error.downcast_ref::<remote::Error>().and_then(error_report::hint_for) {
        text.push(output::Label::Heading, "hint: ").push_plain(hint).end_line();
    }
    output.print_message(&text);
}

fn exit_code_for(error: &anyhow::Error) -> u8 {
    if error.is::<exit::UsageError>() {
        return exit::USAGE;
    }
    if error.is::<RunInterrupted>() {
        return exit::INTERRUPTED;
    }
    let refused = error.downcast_ref::<remote::Error>().is_some_and(remote::Error::is_auth_error);
    if refused || error.is::<MissingKey>() { exit::AUTH } else { exit::ERROR }
}

/// clap's own code for a typo is the one that means "there are changes" here.
fn report_usage_error(error: &clap::Error, args: &[OsString]) -> u8 {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let message = error.kind().to_string();
    let rendered = match requested_format(args).as_deref() {
        Some("json") => Some(envelope::failure_json("Usage", "error", &message)),
        Some("ndjson") => Some(event_lines::failure_line(None, "error", exit::USAGE, &[message])),
        _ => None,
    };
    if let Some(rendered) = rendered.filter(|_| !is_help) {
        print_data(Output::new(ColorChoice::Never), rendered);
    }
    // A closed stream is the reader's choice.
    let _ = error.print();
    if is_help { exit::DONE } else { exit::USAGE }
}

/// The format that is asked for. The command line could not be read, so this is a look at its words.
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

fn print_data(output: Output, text: String) {
    let mut data = StyledText::new();
    data.push_plain(text);
    // A full disk cannot be reported on the same disk.
    let _ = output.print_data(&data);
}
