//! Tests of loading manifests, and of their diagnostics.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{ParsedManifests, parse_manifests};
use model::diagnostic::{Diagnostic, Severity, SourceFile};

mod arbitrary_input;
mod broken_templates;
mod cross_document;
mod diagnostic_codes;
mod invalid;
mod render_laws;
mod shared_parts;
mod shared_value_places;
mod template_mistakes;
mod template_positions;
mod templates;
mod unfit_defaults;
mod valid;
mod variables;

/// Loads files given as (name, text), with no variables.
fn load_all(files: &[(&str, &str)]) -> ParsedManifests {
    load_with(files, &[])
}

fn load_with(files: &[(&str, &str)], variables: &[(&str, &str)]) -> ParsedManifests {
    let files: Vec<SourceFile> =
        files.iter().map(|(name, text)| SourceFile { name: (*name).into(), text: (*text).into() }).collect();
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    parse_manifests(&files, &variables)
}

/// Diagnostics without the quoted source.
fn render_diagnostics(diagnostics: &[Diagnostic]) -> String {
    let mut said = String::new();
    for diagnostic in diagnostics {
        let Diagnostic { code, message, place, path, .. } = diagnostic;
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(said, "{place} {severity}[{code}] {path}: {message}").expect("a string takes it");
        if let Some(also) = &diagnostic.also {
            writeln!(said, "    {}: {}", also.place, also.label).expect("likewise");
        }
        if let Some(help) = &diagnostic.help {
            writeln!(said, "    help: {help}").expect("likewise");
        }
    }
    said
}

/// A valid pipe, with a line of the caller in its metadata.
fn pipe_yaml(name: &str, metadata: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata:
  name: {name}
  service: s
  {metadata}
spec:
  source:
    objectStorage: {{type: s3, format: JSONEachRow, url: https://b.s3.amazonaws.com/x}}
  destination:
    database: default
    table: {name}
    managedTable: false
    columns: [{{name: a, type: String}}]
"
    )
}
