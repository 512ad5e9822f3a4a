//! Runs one command for several environments, one after the other, each with its own organization, key, variables and
//! limits. An error in one does not prevent the runs of the others.

use anyhow::Result;
use model::sanitize::{escape_json_text, sanitize_line};

use crate::commands::Task;
use crate::context::{CommandContext, OutputFormat};
use crate::error_report::ErrorReport;
use crate::outcome::{CommandOutcome, InvalidFiles};
use crate::output::{Label, Output, StyledText};
use crate::render::envelope::SCHEMA_VERSION;
use crate::reports::ReportRequest;
use crate::{error_code, exit, project};

/// A command for one environment, ready to run.
pub(crate) struct PreparedRun {
    pub(crate) context: CommandContext,
    pub(crate) task: Task,
}

impl PreparedRun {
    /// Runs and prints it; gives the exit code.
    fn run(self) -> u8 {
        let outcome = (self.task)(&self.context);
        outcome.unwrap_or_else(|error| CommandOutcome::from_error(&self.context, &error)).print(&self.context)
    }

    fn name(&self) -> &str {
        self.context.environment.name.as_deref().unwrap_or_default()
    }
}

/// The runs, if every environment exists: otherwise the first ones would be applied before the mistake is found.
///
/// # Errors
/// When the project file does not declare one of several names.
pub(crate) fn require_all_names(runs: Vec<PreparedRun>) -> Result<Vec<PreparedRun>> {
    if runs.len() > 1 {
        project::require_environments(runs.iter().map(PreparedRun::name))?;
    }
    Ok(runs)
}

/// Runs all environments, and returns the most severe exit code. After an interruption, no further run is started.
pub(crate) fn run_in_turn(mut runs: Vec<PreparedRun>, output: Output, format: OutputFormat) -> u8 {
    // One environment prints as without `--env`: no heading, and no object around its JSON.
    if runs.len() <= 1 {
        return runs.pop().map_or(exit::DONE, PreparedRun::run);
    }
    let mut exit_code = exit::DONE;
    for (index, run) in runs.into_iter().enumerate() {
        let name = run.name().to_owned();
        let heading =
            if run.context.prints_yaml() { yaml_heading(&name, index) } else { run_heading(format, &name, index) };
        print_data(output, &heading);
        if exit_code == exit::INTERRUPTED {
            print_not_started(run);
            continue;
        }
        let code = run.run();
        if !matches!(code, exit::DONE | exit::CHANGES) {
            output.print_message_line(format!("{name}: ended with exit code {code}"));
        }
        exit_code = exit::most_severe(exit_code, code);
    }
    if format == OutputFormat::Json {
        print_data(output, StyledText::new().push_plain(format!("}},\n\"exitCode\": {exit_code}\n}}\n")));
    }
    exit_code
}

/// The heading before the output of a run. In JSON it opens the member that contains the output.
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
        OutputFormat::Json => {
            text.push_plain(format!("{}: ", escape_json_text(&serde_json::Value::from(name).to_string())))
        }
        // Each of its lines names the environment.
        OutputFormat::Ndjson => &mut text,
    };
    text
}

/// The heading in a stream of YAML documents: a comment.
fn yaml_heading(name: &str, index: usize) -> StyledText {
    let mut text = StyledText::new();
    text.push_plain(if index == 0 { "" } else { "---\n" });
    text.push(Label::Heading, format!("# Environment: {}", sanitize_line(name))).end_line();
    text
}

fn print_not_started(run: PreparedRun) {
    let (name, message) = (run.name().to_owned(), "interrupted before it started");
    let context = CommandContext { reports: ReportRequest::default(), ..run.context };
    let report = ErrorReport::new(error_code::INTERRUPTED, message);
    let mut outcome =
        CommandOutcome::failed(&context, "interrupted", exit::INTERRUPTED, (report, InvalidFiles::default()));
    outcome.markdown = Some(String::new());
    outcome.messages.push_plain(format!("{name}: {message}")).end_line();
    outcome.print(&context);
}

fn print_data(output: Output, text: &StyledText) {
    // If the stream is closed, the runs report the error.
    let _ = output.print_data(text);
}
