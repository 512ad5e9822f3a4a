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

use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::{Cli, Format};
use crate::commands::Command;
use crate::declared::Unsound;
use crate::output::{Output, Text};
use crate::report::{Run, Wanted};

/// Runs one command line and says how it went.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if completion::answers(&args) {
        return ExitCode::from(exit::DONE);
    }
    ExitCode::from(match Cli::try_parse_from(&args) {
        Ok(cli) => dispatch(&cli),
        Err(error) => usage(&error, &args),
    })
}

fn dispatch(cli: &Cli) -> u8 {
    logging::start(cli.output.verbose);
    let (output, format) = (Output::new(cli.output.color), cli.output.output);
    match environments::split(&cli.command) {
        Ok(runs) if runs.is_empty() => perform(&cli.command, output, format),
        Ok(runs) => environments::each(&runs, output, format, |run| perform(run, output, format)),
        Err(usage) => fail(&cli.command, &usage.into(), Wanted::default(), output, format),
    }
}

fn perform(command: &Command, output: Output, format: Format) -> u8 {
    match commands::run(command, output, format) {
        Ok(code) => code,
        Err(error) => fail(command, &error, commands::reports(command).1, output, format),
    }
}

fn fail(
    command: &Command,
    error: &anyhow::Error,
    wanted: Wanted<'_>,
    output: Output,
    format: Format,
) -> u8 {
    let message = format!("{error:#}");
    let unsound = error.downcast_ref::<Unsound>();
    let run = Run {
        command: commands::reports(command).0,
        outcome: "error",
        json: render::json::failure(commands::kind(command), &message),
        diagnostics: unsound.map_or(&[], |it| &it.0.diagnostics),
        files: unsound.map_or(0, |it| it.0.files.len()),
        errors: vec![message.clone()],
        ..Run::default()
    };
    // A full disk cannot be reported on the same disk.
    let _ = wanted.print(format, &run, output);
    explain_failure(output, error, &message);
    wanted.finish(&run, output, exit_code(error))
}

fn explain_failure(output: Output, error: &anyhow::Error, message: &str) {
    let mut text = Text::new();
    text.push(output::Label::Delete, "error: ").plain(message).end();
    if let Some(hint) = error.downcast_ref::<remote::Error>().and_then(remote::Error::hint) {
        text.push(output::Label::Heading, "hint: ").plain(hint).end();
    }
    output.talk(&text);
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<exit::Usage>() {
        return exit::USAGE;
    }
    match error.downcast_ref::<remote::Error>() {
        Some(error) if error.is_auth() => exit::AUTH,
        _ => exit::ERROR,
    }
}

/// clap's own code for a typo is the one that means "there are changes" here.
fn usage(error: &clap::Error, args: &[OsString]) -> u8 {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked && wants_json(args) {
        let message = error.kind().to_string();
        print(Output::new(cli::Color::Never), render::json::failure("Usage", &message));
    }
    // A closed stream is the reader's choice.
    let _ = error.print();
    if asked { exit::DONE } else { exit::USAGE }
}

/// The command line could not be read, so this is a look at its words.
fn wants_json(args: &[OsString]) -> bool {
    let words: Vec<_> = args.iter().map(|word| word.to_string_lossy()).collect();
    let pairs =
        words.windows(2).any(|pair| matches!(&*pair[0], "-o" | "--output") && pair[1] == "json");
    let joined = words.iter().any(|word| matches!(&**word, "-ojson" | "-o=json" | "--output=json"));
    pairs
        || joined
        || environment::variable("PIPECTL_OUTPUT").is_some_and(|format| format == "json")
}

fn print(output: Output, text: String) {
    let mut data = Text::new();
    data.plain(text);
    // A full disk cannot be reported on the same disk.
    let _ = output.data(&data);
}
