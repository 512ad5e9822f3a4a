//! The result of a command, and the only place that prints it.

use model::diagnostic::Diagnostic;

use crate::code_help::ExplainedDiagnostic;
use crate::context::{CommandContext, OutputFormat};
use crate::credentials::MissingKey;
use crate::error_code;
use crate::error_report::ErrorReport;
use crate::exit::{self, UsageError};
use crate::interruption::RunInterrupted;
use crate::load_manifests::InvalidManifests;
use crate::manifest_files::NoManifests;
use crate::output::{Label, StyledText};
use crate::project::{FIRST_MANIFESTS, InvalidProject};
use crate::render::envelope::{self, OutputEnvelope};
use crate::render::event_lines::{self, ApplyEvent, RunSummary};
use crate::reports::{self, RunReport};

/// How a command ended, and its output in each format.
#[derive(Default)]
pub(crate) struct CommandOutcome {
    /// The exit code, unless something cannot be written.
    pub(crate) exit_code: u8,
    /// For people, on stdout.
    pub(crate) text: StyledText,
    /// Messages for people, on stderr in every format.
    pub(crate) messages: StyledText,
    /// For a pull request, where it is not the report.
    pub(crate) markdown: Option<String>,
    /// For machines and reports.
    pub(crate) report: RunReport,
}

impl CommandOutcome {
    /// A result, and the code to exit with.
    pub(crate) fn new<T: serde::Serialize>(
        context: &CommandContext,
        exit_code: u8,
        envelope: OutputEnvelope<T>,
    ) -> Self {
        let (command, outcome) = (context.command, envelope.outcome);
        let envelope = OutputEnvelope { exit_code, ..envelope };
        let json = if context.wants_json() { envelope.render() } else { String::new() };
        let (environment, shard) = (context.environment.name.clone(), context.shard);
        let report = RunReport { command, environment, shard, outcome, json, ..RunReport::default() };
        Self { exit_code, report, ..Self::default() }
    }

    /// The result of a command that only prints a text.
    pub(crate) fn from_text(text: impl AsRef<str>) -> Self {
        let mut outcome = Self::default();
        outcome.text.push_plain(text);
        outcome.report.json = outcome.text.to_plain();
        outcome
    }

    /// The end of a command that has no result.
    pub(crate) fn failed(
        context: &CommandContext,
        outcome: &'static str,
        exit_code: u8,
        (error, problems): (ErrorReport, InvalidFiles<'_>),
    ) -> Self {
        let message = error.message.clone();
        let failure = (error, problems.diagnostics);
        let report = RunReport {
            command: context.command,
            environment: context.environment.name.clone(),
            shard: context.shard,
            outcome,
            json: envelope::failure_json((context.json_kind, outcome), exit_code, context.shard, failure),
            diagnostics: problems.diagnostics.to_vec(),
            files: problems.files,
            errors: vec![message],
            ..RunReport::default()
        };
        Self { exit_code, report, ..Self::default() }
    }

    pub(crate) fn from_error(context: &CommandContext, error: &anyhow::Error) -> Self {
        let (outcome, label) = if error.is::<RunInterrupted>() { ("interrupted", "") } else { ("error", "error: ") };
        let report = ErrorReport::from(error);
        let hint = error.is::<NoManifests>().then(|| format!("check the path. {FIRST_MANIFESTS}"));
        let code = command_error_code(error).unwrap_or(report.code);
        let report = ErrorReport { code, hint: hint.or(report.hint), ..report };
        let (message, hint) = (report.message.clone(), report.hint.clone());
        let problems = InvalidFiles::of_error(error);
        let mut failed = Self::failed(context, outcome, error_exit_code(error), (report, problems));
        failed.messages.push(Label::Delete, label).push_plain(message).end_line();
        if let Some(hint) = hint {
            failed.messages.push(Label::Heading, "hint: ").push_plain(hint).end_line();
        }
        failed
    }

    /// Prints the result, writes the reports, and returns the exit code.
    pub(crate) fn print(&self, context: &CommandContext) -> u8 {
        let output = context.output;
        let mut code = self.exit_code;
        let printed = match self.document(context) {
            Some(document) => output.print_document(&document),
            None => output.print_data(&self.text),
        };
        if let Err(error) = printed {
            output.print_message_line(format!("error: {error}"));
            code = exit::most_severe(code, exit::ERROR);
        }
        output.print_message(&self.messages);
        // After the text: a report that cannot be written must not hide the result of the run.
        let code = context.reports.write_reports(&self.report, output, code);
        if context.format == OutputFormat::Ndjson {
            // A full disk cannot be reported on the same disk.
            let _ = output.print_document(&self.summary_line(context, code));
        }
        code
    }

    /// The document on stdout for machines: one arm for each format. `None` is the text for people.
    fn document(&self, context: &CommandContext) -> Option<String> {
        match context.format {
            OutputFormat::Text => None,
            OutputFormat::Json => Some(self.report.json.clone()),
            OutputFormat::Markdown => Some(self.markdown.clone().unwrap_or_else(|| {
                reports::render_comment(&self.report, &context.reports.key, context.environment.count)
            })),
            // The events were printed while they happened.
            OutputFormat::Ndjson => Some(String::new()),
        }
    }

    fn summary_line(&self, context: &CommandContext, exit_code: u8) -> String {
        let report = &self.report;
        let summary = RunSummary {
            outcome: report.outcome,
            exit_code,
            refused: &report.refused,
            unreachable: &report.context.unreachable,
            errors: &report.errors,
            diagnostics: if report.plan.is_none() {
                ExplainedDiagnostic::explain_all(&report.diagnostics)
            } else {
                Vec::new()
            },
            ..RunSummary::from_reports(&report.results)
        };
        event_lines::event_line(context.environment.name.as_deref(), &ApplyEvent::Summary(summary))
    }
}

/// The problems in files that ended a run.
#[derive(Clone, Copy, Default)]
pub(crate) struct InvalidFiles<'e> {
    diagnostics: &'e [Diagnostic],
    /// The number of files.
    files: usize,
}

impl<'e> InvalidFiles<'e> {
    fn of_error(error: &'e anyhow::Error) -> Self {
        let of_manifests = error.downcast_ref::<InvalidManifests>();
        let of_manifests = of_manifests.map(|it| Self { diagnostics: &it.0.diagnostics, files: it.0.file_count() });
        let of_project = error.downcast_ref::<InvalidProject>();
        let of_project = of_project.map(|it| Self { diagnostics: &it.diagnostics, files: 1 });
        of_manifests.or(of_project).unwrap_or_default()
    }
}

fn command_error_code(error: &anyhow::Error) -> Option<&'static str> {
    match () {
        () if error.is::<UsageError>() => Some(error_code::USAGE),
        () if error.is::<RunInterrupted>() => Some(error_code::INTERRUPTED),
        () if error.is::<MissingKey>() => Some(error_code::MISSING_KEY),
        () if error.is::<InvalidManifests>() => Some(error_code::INVALID_MANIFESTS),
        () if error.is::<InvalidProject>() => Some(error_code::INVALID_PROJECT),
        () if error.is::<NoManifests>() => Some(error_code::NO_MANIFESTS),
        () => None,
    }
}

fn error_exit_code(error: &anyhow::Error) -> u8 {
    let is_refused = error.downcast_ref::<remote::Error>().is_some_and(remote::Error::is_auth_error);
    match () {
        () if error.is::<UsageError>() => exit::USAGE,
        () if error.is::<RunInterrupted>() => exit::INTERRUPTED,
        () if is_refused || error.is::<MissingKey>() => exit::AUTH,
        () => exit::ERROR,
    }
}
