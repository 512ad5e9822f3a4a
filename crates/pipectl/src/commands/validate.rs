//! `pipectl validate`.

use anyhow::Result;
use model::address::{Address, ServiceRef};
use model::desired::Document;
use model::diagnostic::Diagnostic;
use serde::Serialize;

use crate::cli::{OutputFormat, ValidateArgs};
use crate::diagnostics::{self, pluralize};
use crate::load_manifests::LoadedManifests;
use crate::output::{Output, StyledText};
use crate::render::envelope::OutputEnvelope;
use crate::reports::{self, RunReport};
use crate::secrets::{self, SecretResolver};
use crate::{exit, project};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation<'d> {
    files: usize,
    manifests: usize,
    diagnostics: &'d [Diagnostic],
}

/// Reports every problem in every file.
pub(super) fn run(args: &ValidateArgs, output: Output, format: OutputFormat) -> Result<u8> {
    let requested = args.report.requested_reports();
    requested.reject_format(reports::ReportFormat::GitlabTerraform, "it counts changes, and only a plan has some")?;
    let project = project::load_offline(args.manifests.source(), output)?;
    let mut declared = LoadedManifests::load_paths(&project.manifests, &project.variables)?;
    if args.check_secrets {
        let resolver = SecretResolver::default().for_project(&project);
        let documents = declared.manifests.iter().map(|manifest| &manifest.document);
        let unresolved = secrets::find_unresolved(&resolver, documents, &declared.files);
        declared.diagnostics.extend(unresolved);
    }
    let is_valid = declared.error_count() == 0;
    if format == OutputFormat::Text {
        print_text(&declared, is_valid, output)?;
    }
    let outcome = if is_valid { "valid" } else { "invalid" };
    let run = RunReport {
        command: "validate",
        outcome,
        json: validation_json(&declared, outcome),
        declared: addressed_documents(&declared),
        files: declared.files.len(),
        diagnostics: declared.diagnostics,
        ..RunReport::default()
    };
    requested.print_to_stdout(format.printed_report(), &run, output)?;
    Ok(requested.write_reports(&run, output, if is_valid { exit::DONE } else { exit::ERROR }))
}

/// What is declared. Which service a manifest without one means, only a connection tells.
fn addressed_documents(declared: &LoadedManifests) -> Vec<(Address, Document)> {
    let addressed = declared.manifests.iter().map(|manifest| {
        let service = match &manifest.service {
            _ if manifest.is_organization_wide => ServiceRef::for_organization(),
            Some(service) => ServiceRef::new(service.clone()),
            None => ServiceRef::new("(default service)"),
        };
        (Address::new(service, manifest.kind, manifest.name.clone()), manifest.document.clone())
    });
    addressed.collect()
}

fn validation_json(declared: &LoadedManifests, outcome: &'static str) -> String {
    let result = Validation {
        files: declared.files.len(),
        manifests: declared.manifests.len(),
        diagnostics: &declared.diagnostics,
    };
    OutputEnvelope::new("Validation", outcome, result).render()
}

fn print_text(declared: &LoadedManifests, sound: bool, output: Output) -> Result<()> {
    let problems = &declared.diagnostics;
    output.print_diagnostics(problems, &declared.files);
    let mut summary = StyledText::new();
    let files = pluralize(declared.files.len(), "file");
    if sound {
        summary.push_plain(format!("{} in {files}: valid", pluralize(declared.manifests.len(), "manifest")));
    } else {
        summary.push_plain(format!("{files}: {}", diagnostics::severity_counts(problems)));
    }
    summary.end_line();
    Ok(output.print_data(&summary)?)
}
