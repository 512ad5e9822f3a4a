//! Loads manifests from files. One run reports every mistake of all of them.

use std::collections::BTreeMap;

use model::address::{Kind, Name};
use model::desired::Document;
use model::diagnostic::{Diagnostic, SourceFile};

mod classify;
pub mod code;
mod cross_document;
mod draft;
mod draft_places;
mod field_marks;
mod file;
mod intent;
mod lift_known_fields;
mod recover_typos;
mod source_map;
#[cfg(test)]
mod tests;
mod variables;

use draft::DraftManifest;
use draft_places::DraftPlaces;

pub use classify::API_VERSION_PREFIX;

/// One declared object, before the id of its service is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The kind of the object.
    pub kind: Kind,
    /// `metadata.service` as written; `None` means the default service of the run.
    pub service: Option<String>,
    /// Whether it belongs to the organization and not to a service.
    pub is_organization_wide: bool,
    /// The name of the object. An object that is the only one of its kind is named after the kind.
    pub name: Name,
    /// The body, the intent, and the position of each field.
    pub document: Document,
}

/// The manifests and the diagnostics of a set of files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedManifests {
    /// The documents without errors, in the order of files and documents.
    pub manifests: Vec<Manifest>,
    /// Errors and warnings, by file, line and column.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses and validates manifests. `variables` are the values of `${name}`.
pub fn parse_manifests(files: &[SourceFile], variables: &BTreeMap<String, String>) -> ParsedManifests {
    let mut found = ParsedFiles::default();
    for (index, (drafts, diagnostics)) in parse_in_parallel(files, variables).into_iter().enumerate() {
        found.drafts.extend(drafts.into_iter().map(|draft| DraftManifest { file_index: index, ..draft }));
        found.diagnostics.extend(diagnostics.into_iter().map(|diagnostic| (index, diagnostic)));
    }
    let conflicts = cross_document::find_conflicts(&found.drafts, &DraftPlaces::new(files, variables));
    found.into_manifests(&conflicts)
}

type ParsedFile = (Vec<DraftManifest>, Vec<Diagnostic>);

/// Parses the files on all processors. The results are in the order of the files.
fn parse_in_parallel(files: &[SourceFile], variables: &BTreeMap<String, String>) -> Vec<ParsedFile> {
    /// Fewer files are parsed sooner than a thread starts.
    const FILES_PER_THREAD: usize = 32;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(threads).max(FILES_PER_THREAD);
    let parse_all = |files: &[SourceFile]| -> Vec<ParsedFile> {
        files.iter().map(|file| file::parse_file(file, variables)).collect()
    };
    if files.len() <= share {
        return parse_all(files);
    }
    std::thread::scope(|scope| {
        let shares: Vec<_> = files.chunks(share).map(|files| scope.spawn(move || parse_all(files))).collect();
        let parsed = shares.into_iter().flat_map(|share| match share.join() {
            Ok(parsed) => parsed,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        parsed.collect()
    })
}

/// All documents of one file, also those with errors, and the diagnostics of each on its own.
pub fn parse_drafts(file: &SourceFile, variables: &BTreeMap<String, String>) -> (Vec<Manifest>, Vec<Diagnostic>) {
    let (drafts, diagnostics) = file::parse_file(file, variables);
    (drafts.into_iter().map(|draft| draft.manifest).collect(), diagnostics)
}

/// The objects that one file declares, with mistakes or without.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentifiedManifests {
    /// Their identity and intent are valid. Nothing else was checked.
    pub manifests: Vec<Manifest>,
    /// Whether the file may declare more objects, whose identity cannot be read.
    pub has_unidentified: bool,
}

/// Reads the identities in a file, and validates nothing else.
// For git history: a manifest with a mistake still declares its object, and pruning must not take it for removed.
pub fn identify_manifests(file: &SourceFile, variables: &BTreeMap<String, String>) -> IdentifiedManifests {
    let (drafts, mut has_unidentified) = file::identify_documents(file, variables);
    has_unidentified |= !drafts.iter().all(|draft| draft.is_identified);
    let identified = drafts.into_iter().filter(|draft| draft.is_identified);
    IdentifiedManifests { manifests: identified.map(|draft| draft.manifest).collect(), has_unidentified }
}

/// Documents and diagnostics, each with the position of its file.
#[derive(Default)]
struct ParsedFiles {
    drafts: Vec<DraftManifest>,
    diagnostics: Vec<(usize, Diagnostic)>,
}

impl ParsedFiles {
    fn into_manifests(mut self, conflicts: &cross_document::Conflicts) -> ParsedManifests {
        let diagnostics = conflicts.diagnostics.iter();
        self.diagnostics.extend(diagnostics.map(|(index, it)| (self.drafts[*index].file_index, it.clone())));
        // Conflicts are found last. They belong between the other diagnostics of their file.
        self.diagnostics.sort_by_key(|(file, diagnostic)| (*file, diagnostic.place.line, diagnostic.place.column));
        let valid = self.drafts.into_iter().enumerate();
        let valid = valid.filter(|(at, declared)| declared.is_valid && !conflicts.rejected.contains(at));
        ParsedManifests {
            manifests: valid.map(|(_, declared)| declared.manifest).collect(),
            diagnostics: self.diagnostics.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
        }
    }
}
