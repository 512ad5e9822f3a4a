//! Files to manifests: many files, many documents each, and everything wrong with them at once.

use std::collections::BTreeMap;

use model::address::{Kind, Name};
use model::desired::Document;
use model::diagnostic::{Diagnostic, SourceFile};

mod classify;
pub mod code;
mod cross_document;
mod draft;
mod file;
mod intent;
mod recover_typos;
mod source_map;
#[cfg(test)]
mod tests;
mod variables;

use draft::DraftManifest;

pub use classify::API_VERSION_PREFIX;

/// One declared object, before its service is looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// What it is.
    pub kind: Kind,
    /// The service as it is written; `None` where the manifest leaves that open.
    pub service: Option<String>,
    /// It belongs to the whole organization rather than to a service.
    pub is_organization_wide: bool,
    /// Its name; a kind without names has one of our own.
    pub name: Name,
    /// What is declared.
    pub document: Document,
}

/// What was found in a set of files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedManifests {
    /// The documents without an error, in the order in which they were found.
    pub manifests: Vec<Manifest>,
    /// Everything wrong or doubtful, by file, line and column.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks manifests. `variables` are the texts that `${name}` stands for.
pub fn parse_manifests(files: &[SourceFile], variables: &BTreeMap<String, String>) -> ParsedManifests {
    let mut found = ParsedFiles::default();
    for (index, file) in files.iter().enumerate() {
        let (drafts, diagnostics) = file::parse_file(index, file, variables);
        found.drafts.extend(drafts);
        found.diagnostics.extend(diagnostics.into_iter().map(|diagnostic| (index, diagnostic)));
    }
    let conflicts = cross_document::find_conflicts(&found.drafts);
    found.into_manifests(conflicts)
}

/// The documents of one file, with errors in them or without, and what is wrong with each on its own.
pub fn parse_drafts(file: &SourceFile, variables: &BTreeMap<String, String>) -> (Vec<Manifest>, Vec<Diagnostic>) {
    let (drafts, diagnostics) = file::parse_file(0, file, variables);
    (drafts.iter().map(DraftManifest::to_manifest).collect(), diagnostics)
}

/// What the documents of one file are about, whatever else may be wrong with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentifiedManifests {
    /// Only identity and intent can be relied on: nothing else was checked.
    pub manifests: Vec<Manifest>,
    /// There may be more in the file, of which it cannot be told what it is about.
    pub has_unidentified: bool,
}

/// Reads what the documents of a file are about, and checks nothing else.
pub fn identify_manifests(file: &SourceFile, variables: &BTreeMap<String, String>) -> IdentifiedManifests {
    let (drafts, mut has_unidentified) = file::identify_documents(file, variables);
    has_unidentified |= !drafts.iter().all(DraftManifest::is_identified);
    let identified = drafts.iter().filter(|declared| declared.is_identified());
    IdentifiedManifests { manifests: identified.map(DraftManifest::to_manifest).collect(), has_unidentified }
}

/// What the files hold, each with the position of its file.
#[derive(Default)]
struct ParsedFiles {
    drafts: Vec<DraftManifest>,
    diagnostics: Vec<(usize, Diagnostic)>,
}

impl ParsedFiles {
    fn into_manifests(mut self, conflicts: cross_document::Conflicts) -> ParsedManifests {
        let diagnostics = conflicts.diagnostics.into_iter();
        self.diagnostics.extend(diagnostics.map(|(index, it)| (self.drafts[index].file_index, it)));
        self.diagnostics.sort_by_key(|(file, diagnostic)| (*file, diagnostic.place.line, diagnostic.place.column));
        let valid = self.drafts.iter().enumerate();
        let valid = valid.filter(|(at, declared)| declared.is_valid && !conflicts.rejected.contains(at));
        ParsedManifests {
            manifests: valid.map(|(_, declared)| declared.to_manifest()).collect(),
            diagnostics: self.diagnostics.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
        }
    }
}
