//! One file: its documents, and what is wrong with each.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::declared::Declared;
use super::kind::{self, Class};
use super::variables::Variables;
use super::{code, correct};
use crate::address::Kind;
use crate::check;
use crate::check::walk::{self, Schema};
use crate::diagnostic::{Diagnostic, Severity, SourceFile};
use crate::reference;
use crate::source::{self, Document, Node, Remark, Remarks, Span};

/// Reads every document of a file and checks each on its own.
pub(super) fn read(
    index: usize,
    file: &SourceFile,
    variables: &BTreeMap<String, String>,
) -> (Vec<Declared>, Vec<Diagnostic>) {
    let mut remarks = Remarks::default();
    let mut variables = Variables::new(variables);
    let mut documents = source::read(&file.text, &mut remarks);
    for document in &mut documents {
        let errors = remarks.errors();
        variables.put_into(&mut document.root, &mut remarks);
        document.sound &= remarks.errors() == errors;
    }
    let mut declared = Vec::new();
    if let Some(stray) = strays(&documents) {
        remarks.push(kind::not_a_manifest(stray));
    } else {
        for document in documents {
            let found = examine(document, &mut remarks);
            declared.extend(found.map(|(kind, root, sound)| {
                Declared::new(index, Arc::clone(&file.name), kind, root, sound)
            }));
        }
    }
    let remarks = settle(remarks.into_vec());
    let diagnostics = remarks.into_iter().map(|remark| remark.into_diagnostic(&file.name));
    (declared, diagnostics.collect())
}

/// The documents of a file without a look at their fields, and whether some of it is not to be read.
pub(super) fn identify(
    file: &SourceFile,
    variables: &BTreeMap<String, String>,
) -> (Vec<Declared>, bool) {
    let mut remarks = Remarks::default();
    let mut variables = Variables::new(variables);
    let documents = source::read(&file.text, &mut remarks);
    let mut unclear = remarks.errors() > 0;
    let mut declared = Vec::new();
    for Document { mut root, .. } in documents {
        variables.put_into(&mut root, &mut remarks);
        if matches!(kind::class(&root), Class::Stray | Class::Project) {
            continue;
        }
        let kind = kind::read(&mut root, &mut remarks);
        unclear |= kind.is_none();
        declared
            .extend(kind.map(|kind| Declared::new(0, Arc::clone(&file.name), kind, root, false)));
    }
    (declared, unclear)
}

/// The first document of a file in which none is ours: that need not be said of each.
fn strays(documents: &[Document]) -> Option<&Node> {
    let all = documents.iter().all(|document| kind::class(&document.root) == Class::Stray);
    documents.first().filter(|_| all).map(|document| &document.root)
}

/// Checks one document; gives back its kind if it has one, and whether it is without error.
fn examine(document: Document, remarks: &mut Remarks) -> Option<(Kind, Node, bool)> {
    let Document { mut root, sound } = document;
    let errors = remarks.errors();
    let kind = kind::read(&mut root, remarks)?;
    let before = remarks.kept().len();
    let name = root.at(&["metadata", "name"]).and_then(Node::text);
    schema(kind).check(&root, name, remarks);
    correct::keys(&mut root, &remarks.kept()[before..]);
    for problem in check::problems(kind, &root.to_json()) {
        let span = root.place(&problem.path);
        let remark = match problem.severity {
            Severity::Error => Remark::error(problem.code, span, problem.message),
            Severity::Warning => Remark::warning(problem.code, span, problem.message),
        };
        remarks.push(Remark { help: problem.help, ..remark.at(problem.path) });
    }
    // Once remarks are lost, nobody looks closely any more.
    let sound = sound && remarks.errors() == errors && !remarks.is_full();
    Some((kind, root, sound))
}

/// The schema of a kind, compiled once.
fn schema(kind: Kind) -> &'static Schema {
    static SCHEMAS: OnceLock<BTreeMap<Kind, Schema>> = OnceLock::new();
    let all = SCHEMAS.get_or_init(|| {
        let compiled = |kind| {
            let schema = Schema::new(reference::manifest_schema(kind));
            (kind, schema.expect("the structs generate what can be walked"))
        };
        Kind::ALL.map(compiled).into()
    });
    &all[&kind]
}

/// Takes out what only repeats a worse remark on the same place. Nothing but the fix is said of a
/// literal secret.
fn settle(remarks: Vec<Remark>) -> Vec<Remark> {
    let places = |fits: fn(&Remark) -> bool| -> HashSet<Span> {
        remarks.iter().filter(|remark| fits(remark)).map(|remark| remark.span).collect()
    };
    let secrets = places(|remark| remark.code == walk::code::LITERAL_SECRET);
    let errors = places(|remark| remark.severity == Severity::Error);
    let is_kept = |remark: &Remark| match remark.code {
        source::code::YAML_1_1 => !errors.contains(&remark.span),
        code::UNKNOWN_VARIABLE | code::BAD_VARIABLE | source::code::ALIAS | source::code::TAG => {
            !secrets.contains(&remark.span)
        }
        _ => true,
    };
    remarks.into_iter().filter(is_kept).collect()
}
