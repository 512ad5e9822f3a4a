//! Files to manifests: many files, many documents each, and everything wrong with them at once.

use std::collections::BTreeMap;

use crate::address::{Kind, Name};
use crate::desired::Document;
use crate::diagnostic::{Diagnostic, SourceFile};

mod across;
pub(crate) mod code;
mod correct;
mod declared;
mod file;
mod intent;
mod kind;
mod origin;
mod tables;
#[cfg(test)]
mod tests;
mod variables;

use declared::Declared;

/// One declared object, before its service is looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// What it is.
    pub kind: Kind,
    /// The service as it is written; `None` where the manifest leaves that open.
    pub service: Option<String>,
    /// It belongs to the whole organization rather than to a service.
    pub organization: bool,
    /// Its name; a kind without names has one of our own.
    pub name: Name,
    /// What is declared.
    pub document: Document,
}

/// What was found in a set of files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The documents without an error, in the order in which they were found.
    pub manifests: Vec<Manifest>,
    /// Everything wrong or doubtful, by file, line and column.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks manifests. `variables` are the texts that `${name}` stands for.
pub fn load(files: &[SourceFile], variables: &BTreeMap<String, String>) -> Loaded {
    let mut found = Found::default();
    for (index, file) in files.iter().enumerate() {
        let (declared, diagnostics) = file::read(index, file, variables);
        found.declared.extend(declared);
        found.diagnostics.extend(diagnostics.into_iter().map(|diagnostic| (index, diagnostic)));
    }
    let clashes = across::check(&found.declared);
    found.loaded(clashes)
}

/// The documents of one file, with errors in them or without, and what is wrong with each on its own.
pub fn drafts(
    file: &SourceFile,
    variables: &BTreeMap<String, String>,
) -> (Vec<Manifest>, Vec<Diagnostic>) {
    let (declared, diagnostics) = file::read(0, file, variables);
    (declared.iter().map(Declared::manifest).collect(), diagnostics)
}

/// What the documents of one file are about, whatever else may be wrong with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identified {
    /// Only identity and intent can be relied on: nothing else was checked.
    pub manifests: Vec<Manifest>,
    /// There may be more in the file, of which it cannot be told what it is about.
    pub unclear: bool,
}

/// Reads what the documents of a file are about, and checks nothing else.
pub fn identify(file: &SourceFile, variables: &BTreeMap<String, String>) -> Identified {
    let (declared, mut unclear) = file::identify(file, variables);
    unclear |= !declared.iter().all(Declared::is_identified);
    let told = declared.iter().filter(|declared| declared.is_identified());
    Identified { manifests: told.map(Declared::manifest).collect(), unclear }
}

/// What the files hold, each with the position of its file.
#[derive(Default)]
struct Found {
    declared: Vec<Declared>,
    diagnostics: Vec<(usize, Diagnostic)>,
}

impl Found {
    fn loaded(mut self, clashes: across::Clashes) -> Loaded {
        let across = clashes.found.into_iter();
        self.diagnostics.extend(across.map(|(of, it)| (self.declared[of].file_index, it)));
        self.diagnostics.sort_by_key(|(file, diagnostic)| {
            (*file, diagnostic.place.line, diagnostic.place.column)
        });
        let sound = self.declared.iter().enumerate();
        let sound = sound.filter(|(at, declared)| declared.sound && !clashes.refused.contains(at));
        Loaded {
            manifests: sound.map(|(_, declared)| declared.manifest()).collect(),
            diagnostics: self.diagnostics.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
        }
    }
}
