//! The result of an export: manifests and notes.

use std::collections::BTreeSet;
use std::path::Path as FilePath;

use anyhow::Result;
use porting::export::ExportedManifest;
use serde_json::{Value, json};

use super::manifest_writer::{FileStatus, WrittenFiles};
use crate::cli::OutputFormat;
use crate::diagnostics::pluralize;
use crate::output::{Output, StyledText};
use crate::render::envelope::OutputEnvelope;
use crate::render::manifests::{manifests_to_yaml, single_line, todo_comment};
use crate::unreachable::{self, UnreachableService};

/// What was made.
pub(super) struct ExportResult {
    pub(super) manifests: Vec<ExportedManifest>,
    pub(super) services: usize,
    /// Those that could not be read.
    pub(super) unread: Vec<UnreachableService>,
}

impl ExportResult {
    /// The manifests on stdout, unless they are in files, and the rest on stderr.
    pub(super) fn print_export(
        &self,
        written: Option<&WrittenFiles>,
        output: Output,
        format: OutputFormat,
    ) -> Result<()> {
        let mut text = StyledText::new();
        match format {
            OutputFormat::Json | OutputFormat::Ndjson => drop(text.push_plain(self.to_json(written))),
            OutputFormat::Text | OutputFormat::Markdown if written.is_none() => {
                text.push_plain(manifests_to_yaml(&self.manifests, None));
            }
            OutputFormat::Text | OutputFormat::Markdown => {}
        }
        output.print_data(&text)?;
        for (path, outcome) in written.iter().flat_map(|it| &it.files) {
            let what = match outcome {
                FileStatus::Written => "wrote",
                FileStatus::Unchanged => "unchanged",
            };
            output.print_message_line(format!("{what} {}", path.display()));
        }
        for (at, place) in written.iter().flat_map(|it| &it.declared) {
            output.print_message_line(format!("skipped {at}: already declared at {place}"));
        }
        self.print_notes(written, output);
        Ok(())
    }

    fn print_notes(&self, written: Option<&WrittenFiles>, output: Output) {
        let taken: Vec<&ExportedManifest> = self.new_manifests(written).collect();
        for manifest in &taken {
            let at = &manifest.address;
            manifest.blockers.iter().for_each(|flaw| {
                output.print_message_line(format!("note: {at} is only a comment: {}", single_line(flaw)));
            });
            for remark in manifest.remarks.iter().filter(|_| manifest.blockers.is_empty()) {
                output.print_message_line(format!("note: {at}: {}", single_line(remark)));
            }
            for (path, note) in manifest.fields_to_fill_in() {
                output.print_message_line(format!("to fill in: {at}: {path}: {}", todo_comment(note)));
            }
        }
        output.print_message(&unreachable::unreachable_errors(&self.unread));
        output.print_message_line(self.summary_line(&taken));
    }

    /// Without what is declared already.
    fn new_manifests<'e>(&'e self, written: Option<&'e WrittenFiles>) -> impl Iterator<Item = &'e ExportedManifest> {
        let declared = move |at| written.is_some_and(|it| it.declared.contains_key(at));
        self.manifests.iter().filter(move |manifest| !declared(&manifest.address))
    }

    fn summary_line(&self, taken: &[&ExportedManifest]) -> String {
        let sound: Vec<_> = taken.iter().filter(|it| it.blockers.is_empty()).collect();
        let variables: BTreeSet<&str> = sound.iter().flat_map(|it| it.secret_variables()).collect();
        let to_fill_in: usize = sound.iter().map(|it| it.fields_to_fill_in().count()).sum();
        let mut parts =
            vec![format!("{} from {}", pluralize(sound.len(), "manifest"), pluralize(self.services, "service"))];
        if !variables.is_empty() {
            parts.push(format!(
                "{} for secrets, which `plan` does not need",
                pluralize(variables.len(), "environment variable")
            ));
        }
        if to_fill_in > 0 {
            parts.push(format!("{to_fill_in} to fill in"));
        }
        let comments = taken.len() - sound.len();
        if comments > 0 {
            parts.push(format!("{comments} only as a comment"));
        }
        let declared = self.manifests.len() - taken.len();
        if declared > 0 {
            parts.push(format!("{declared} declared already"));
        }
        format!("{}.", parts.join(", "))
    }

    fn to_json(&self, written: Option<&WrittenFiles>) -> String {
        let files = written.iter().flat_map(|it| &it.files);
        let declared = written.iter().flat_map(|it| &it.declared);
        let result = json!({
            "manifests": self.manifests.iter().map(object_json).collect::<Vec<_>>(),
            "files": files.map(|(path, _)| display_path(path)).collect::<Vec<_>>(),
            "declared": declared
                .map(|(at, place)| json!({"address": at, "place": place}))
                .collect::<Vec<_>>(),
        });
        let incomplete = self.manifests.iter().any(|manifest| !manifest.blockers.is_empty());
        let outcome = match incomplete {
            _ if !self.unread.is_empty() => "partial",
            true => "incomplete",
            false => "exported",
        };
        OutputEnvelope::new("Export", outcome, result).with_unreachable(&self.unread).render()
    }
}

fn display_path(path: &FilePath) -> String {
    path.display().to_string()
}

fn object_json(manifest: &ExportedManifest) -> Value {
    json!({
        "address": manifest.address,
        "manifest": manifest.document,
        "variables": manifest.secret_variables(),
        "fieldsToFillIn": manifest.fields_to_fill_in().map(|(path, _)| path).collect::<Vec<_>>(),
        "writeOnlyFields": manifest.write_only_fields,
        "remarks": manifest.remarks,
        "blockers": manifest.blockers,
    })
}
