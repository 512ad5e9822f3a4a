//! `pipectl validate`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::code_help::ExplainedDiagnostic;
use crate::context::CommandContext;
use crate::diagnostics::{self, pluralize};
use crate::exit;
use crate::load_manifests::LoadedManifests;
use crate::manifest_files::none_in_new_project;
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText};
use crate::project::{self, InvalidProject};
use crate::reports::RunReport;
use crate::rule_checks;
use crate::secrets::{self, SecretResolver};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    files: usize,
    manifests: usize,
    diagnostics: Vec<ExplainedDiagnostic>,
}

pub(crate) struct ValidateOptions {
    /// Files and folders; if there are none, those of the project file.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) check_secrets: bool,
}

/// Reports every problem in every file.
pub(crate) fn run(context: &CommandContext, options: &ValidateOptions) -> Result<CommandOutcome> {
    let project = match project::load_offline(&options.paths, context).map_err(anyhow::Error::downcast) {
        Ok(project) => project,
        Err(Ok(invalid)) => return Ok(invalid_project(context, invalid)),
        Err(Err(error)) => return Err(error),
    };
    let Some(mut declared) = none_in_new_project(LoadedManifests::load_project(&project), &project)? else {
        return Ok(nothing_to_validate(context));
    };
    rule_checks::check_manifests(&mut declared, &project, context.now);
    if options.check_secrets {
        let resolver = SecretResolver::for_project(&project, false)?;
        let documents = declared.manifests.iter().map(|manifest| &manifest.document);
        let unresolved = secrets::find_unresolved(&resolver, documents, &declared.files);
        let known: BTreeSet<_> = declared.diagnostics.iter().map(|it| (it.code, it.place.clone())).collect();
        declared.diagnostics.extend(unresolved.into_iter().filter(|it| !known.contains(&(it.code, it.place.clone()))));
    }
    if context.is_text() {
        context.output.print_diagnostics(&declared.diagnostics, &declared.files);
    }
    declared.add_project_warnings();
    let (word, code) = if declared.error_count() == 0 { ("valid", exit::DONE) } else { ("invalid", exit::ERROR) };
    let files = declared.file_count();
    let diagnostics = ExplainedDiagnostic::explain_all(&declared.diagnostics);
    let objects = declared.objects().filter(|_| context.wants_report());
    let reported = objects.map(|(at, document)| (at, document.clone())).collect();
    let validation = Validation { files, manifests: declared.manifests.len(), diagnostics };
    let outcome = CommandOutcome::new(context, code, context.envelope(word, validation));
    Ok(CommandOutcome {
        text: summary_text(&declared),
        report: RunReport { declared: reported, files, diagnostics: declared.diagnostics, ..outcome.report },
        ..outcome
    })
}

/// Errors in the project file are reported in the same form as those of manifests.
fn invalid_project(context: &CommandContext, invalid: InvalidProject) -> CommandOutcome {
    let diagnostics = ExplainedDiagnostic::explain_all(&invalid.diagnostics);
    let mut envelope = context.envelope("invalid", Validation { files: 1, manifests: 0, diagnostics });
    envelope.errors = vec![invalid.message.clone()];
    let mut outcome = CommandOutcome::new(context, exit::ERROR, envelope);
    outcome.messages.push(Label::Delete, "error: ").push_plain(&invalid.message).end_line();
    let InvalidProject { message, diagnostics } = invalid;
    outcome.report = RunReport { files: 1, diagnostics, errors: vec![message], ..outcome.report };
    outcome
}

fn nothing_to_validate(context: &CommandContext) -> CommandOutcome {
    let validation = Validation { files: 0, manifests: 0, diagnostics: Vec::new() };
    let mut outcome = CommandOutcome::new(context, exit::DONE, context.envelope("valid", validation));
    outcome.text.push_plain("No manifests yet, so there is nothing to validate.").end_line();
    outcome
}

fn summary_text(declared: &LoadedManifests) -> StyledText {
    let (files, mut text) = (pluralize(declared.file_count(), "file"), StyledText::new());
    text.push_plain(match declared.error_count() {
        0 => format!("{} in {files}: valid", pluralize(declared.manifests.len(), "manifest")),
        _ => format!("{files}: {}", diagnostics::severity_counts(&declared.diagnostics)),
    });
    text.end_line();
    text
}
