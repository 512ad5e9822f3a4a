//! One command for several environments: a run of its own for each, one after the other, with its
//! own organization, key, variables and limits. What goes wrong in one keeps no other from its run.

use crate::cli::command::{self, Command};
use crate::cli::{EnvironmentRun, OutputFormat};
use crate::exit::{self, UsageError};
use crate::output::{Label, Output, StyledText};
use crate::render::envelope::{self, SCHEMA_VERSION};
use crate::render::event_lines;

/// A run for each environment that is named; none where none is, or where it is no question.
///
/// # Errors
/// When several environments would get in each other's way.
pub(crate) fn split_by_environment(command: &Command) -> Result<Vec<(String, Command)>, UsageError> {
    let mut names: Vec<&String> = Vec::new();
    for name in command::selected_environments(command) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let several = names.len() > 1;
    let mut runs = Vec::new();
    for name in names {
        let run = command::for_environment(command, EnvironmentRun { name, is_one_of_several: several })?;
        runs.extend(run.map(|run| (name.clone(), run)));
    }
    Ok(runs)
}

/// Runs them all; gives the gravest exit code. After an interruption nothing more is begun.
pub(crate) fn run_in_turn(
    runs: &[(String, Command)],
    output: Output,
    format: OutputFormat,
    run: impl Fn(&Command) -> u8,
) -> u8 {
    if let [(_, only)] = runs {
        return run(only);
    }
    let mut exit_code = exit::DONE;
    for (index, (name, command)) in runs.iter().enumerate() {
        print_data(output, &run_heading(format, name, index));
        if exit_code == exit::INTERRUPTED {
            print_not_started(output, format, name, command);
        } else {
            let code = run(command);
            if !matches!(code, exit::DONE | exit::CHANGES) {
                output.print_message_line(format!("{name}: ended with exit code {code}"));
            }
            exit_code = exit::most_severe(exit_code, code);
        }
    }
    if format == OutputFormat::Json {
        print_data(output, StyledText::new().push_plain(format!("}},\n\"exitCode\": {exit_code}\n}}\n")));
    }
    exit_code
}

/// What stands before the words of a run. In JSON it opens the member that the run prints.
fn run_heading(format: OutputFormat, name: &str, index: usize) -> StyledText {
    let mut text = StyledText::new();
    match (format, index) {
        (OutputFormat::Text | OutputFormat::Markdown, 0) | (OutputFormat::Ndjson, _) => {}
        (OutputFormat::Text | OutputFormat::Markdown, _) => {
            text.end_line();
        }
        (OutputFormat::Json, 0) => {
            text.push_plain(format!(
                "{{\n\"schemaVersion\": \"{SCHEMA_VERSION}\",\n\"kind\": \"Environments\",\n\
                 \"environments\": {{\n"
            ));
        }
        (OutputFormat::Json, _) => {
            text.push_plain(",\n");
        }
    }
    match format {
        OutputFormat::Text => text.push(Label::Heading, format!("Environment: {name}")).push_plain("\n\n"),
        OutputFormat::Markdown => text.push_plain(format!("## {name}\n\n")),
        OutputFormat::Json => text.push_plain(format!("{}: ", serde_json::Value::from(name))),
        // Each of its lines names the environment.
        OutputFormat::Ndjson => &mut text,
    };
    text
}

fn print_not_started(output: Output, format: OutputFormat, name: &str, command: &Command) {
    let message = "interrupted before it was begun";
    let (outcome, errors) = ("interrupted", [message.to_owned()]);
    let rendered = match format {
        OutputFormat::Text | OutputFormat::Markdown => String::new(),
        OutputFormat::Json => envelope::failure_json(command::command_spec(command).json_kind, outcome, message),
        OutputFormat::Ndjson => event_lines::failure_line(Some(name), outcome, exit::INTERRUPTED, &errors),
    };
    print_data(output, StyledText::new().push_plain(rendered));
    output.print_message_line(format!("{name}: {message}"));
}

fn print_data(output: Output, text: &StyledText) {
    // The runs fail by themselves on a stream that takes nothing.
    let _ = output.print_data(text);
}
