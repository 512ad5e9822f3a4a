//! The `pipectl` command: loads manifests, observes the live side, plans, renders, asks, applies.
//!
//! Only this crate prints, reads files and the environment, and ends the process.

pub mod apply;
mod cli;
mod commands;
mod completion;
mod credentials;
pub mod declared;
mod environment;
mod environments;
pub mod exit;
mod files;
mod git;
pub mod interruption;
mod logging;
pub mod output;
mod project;
mod prompt;
pub mod render;
pub mod report;
pub mod reviewed;
pub mod sandboxed;
mod secrets;
mod select;
mod session;
mod yaml;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::cli::{Cli, Format};
use crate::commands::Command;
use crate::credentials::NoKey;
use crate::declared::Unsound;
use crate::interruption::Interrupted;
use crate::output::{Output, Text};
use crate::render::{json, ndjson};
use crate::report::{Run, Wanted};

/// Runs one command line and says how it went.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if completion::answers(&args) {
        return ExitCode::from(exit::DONE);
    }
    ExitCode::from(match Cli::read(&args) {
        Ok(cli) => dispatch(&cli),
        Err(error) => usage(&error, &args),
    })
}

fn dispatch(cli: &Cli) -> u8 {
    logging::start(cli.output.verbose);
    let (output, format) = (Output::new(cli.output.color), cli.output.output);
    let runs =
        commands::speaks(&cli.command, format).and_then(|()| environments::split(&cli.command));
    match runs {
        Ok(runs) if runs.is_empty() => perform(&cli.command, output, format),
        Ok(runs) => environments::each(&runs, output, format, |run| perform(run, output, format)),
        Err(usage) => fail(&cli.command, &usage.into(), &Wanted::default(), output, format),
    }
}

fn perform(command: &Command, output: Output, format: Format) -> u8 {
    match commands::run(command, output, format) {
        Ok(code) => code,
        Err(error) => fail(command, &error, &commands::reports(command).1, output, format),
    }
}

fn fail(
    command: &Command,
    error: &anyhow::Error,
    wanted: &Wanted<'_>,
    output: Output,
    format: Format,
) -> u8 {
    let message = format!("{error:#}");
    let unsound = error.downcast_ref::<Unsound>();
    let outcome = if error.is::<Interrupted>() { "interrupted" } else { "error" };
    let run = Run {
        command: commands::reports(command).0,
        outcome,
        json: json::failure(commands::kind(command), outcome, &message),
        diagnostics: unsound.map_or(&[], |it| &it.0.diagnostics),
        files: unsound.map_or(0, |it| it.0.files.len()),
        errors: vec![message.clone()],
        ..Run::default()
    };
    // A full disk cannot be reported on the same disk.
    let _ = wanted.print(format, &run, output);
    explain_failure(output, error, &message);
    let exit_code = wanted.finish(&run, output, exit_code(error));
    if format == Format::Ndjson {
        let environment = commands::environments(command).first().map(String::as_str);
        print(output, ndjson::failure(environment, outcome, exit_code, &run.errors));
    }
    exit_code
}

fn explain_failure(output: Output, error: &anyhow::Error, message: &str) {
    let mut text = Text::new();
    if !error.is::<Interrupted>() {
        text.push(output::Label::Delete, "error: ");
    }
    text.plain(message).end();
    if let Some(hint) = error.downcast_ref::<remote::Error>().and_then(remote::Error::hint) {
        text.push(output::Label::Heading, "hint: ").plain(hint).end();
    }
    output.talk(&text);
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<exit::Usage>() {
        return exit::USAGE;
    }
    if error.is::<Interrupted>() {
        return exit::INTERRUPTED;
    }
    let refused = error.downcast_ref::<remote::Error>().is_some_and(remote::Error::is_auth);
    if refused || error.is::<NoKey>() { exit::AUTH } else { exit::ERROR }
}

/// clap's own code for a typo is the one that means "there are changes" here.
fn usage(error: &clap::Error, args: &[OsString]) -> u8 {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let message = error.kind().to_string();
    let told = match wanted(args).as_deref() {
        Some("json") => Some(json::failure("Usage", "error", &message)),
        Some("ndjson") => Some(ndjson::failure(None, "error", exit::USAGE, &[message])),
        _ => None,
    };
    if let Some(told) = told.filter(|_| !asked) {
        print(Output::new(cli::Color::Never), told);
    }
    // A closed stream is the reader's choice.
    let _ = error.print();
    if asked { exit::DONE } else { exit::USAGE }
}

/// The format that is asked for. The command line could not be read, so this is a look at its words.
fn wanted(args: &[OsString]) -> Option<String> {
    let words: Vec<_> = args.iter().map(|word| word.to_string_lossy()).collect();
    let apart = words.windows(2).find(|pair| matches!(&*pair[0], "-o" | "--output"));
    let joined = || {
        let format = |word: &str| {
            let format = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o"))?;
            Some(format.trim_start_matches('=').to_owned())
        };
        words.iter().find_map(|word| format(word))
    };
    let given = apart.map(|pair| pair[1].to_string()).or_else(joined);
    given.or_else(|| environment::variable("PIPECTL_OUTPUT"))
}

fn print(output: Output, text: String) {
    let mut data = Text::new();
    data.plain(text);
    // A full disk cannot be reported on the same disk.
    let _ = output.data(&data);
}
