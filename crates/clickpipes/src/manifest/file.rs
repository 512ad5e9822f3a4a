//! Parses one file: its documents, and the diagnostics of each.

use std::collections::{BTreeMap, HashSet};

use super::classify::{self, DocumentClass};
use super::draft::DraftManifest;
use super::lift_known_fields::lift_known_fields;
use super::variables::VariableExpander;
use super::{code, recover_typos};
use crate::kinds::{self, manifest_fields};
use model::address::Kind;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::path::FieldPath;
use model::project;
use model::schema_validator;
use model::yaml::{self, PendingDiagnostic, PendingDiagnostics, Span, YamlDocument, YamlNode};

pub(super) fn parse_file(
    file: &SourceFile,
    variables: &BTreeMap<String, String>,
) -> (Vec<DraftManifest>, Vec<Diagnostic>) {
    let (validated, remarks) = validate_file(file, variables);
    let drafts = validated.into_iter().enumerate().map(|(index, document)| {
        let draft = DraftManifest::new(&file.name, document.kind, &document.root, document.is_valid);
        DraftManifest { index_in_file: index, ..draft }
    });
    let diagnostics = remarks.into_iter().map(|remark| remark.into_diagnostic(&file.name));
    (drafts.collect(), diagnostics.collect())
}

/// The trees of a file's drafts, as [`parse_file`] had them.
pub(super) fn draft_trees(file: &SourceFile, variables: &BTreeMap<String, String>) -> Vec<YamlNode> {
    validate_file(file, variables).0.into_iter().map(|document| document.root).collect()
}

/// A document of a known kind, with its known mistakes corrected.
struct ValidatedDocument {
    kind: Kind,
    root: YamlNode,
    is_valid: bool,
}

fn validate_file(
    file: &SourceFile,
    variables: &BTreeMap<String, String>,
) -> (Vec<ValidatedDocument>, Vec<PendingDiagnostic>) {
    let mut remarks = PendingDiagnostics::default();
    let mut variables = VariableExpander::new(variables);
    let mut documents = yaml::read_documents(&file.text, &mut remarks);
    // Each document is judged on its own: a mistake in one does not reject the others of its file.
    for document in &mut documents {
        let errors = remarks.error_count();
        variables.expand_node(&mut document.root, &mut remarks);
        document.is_valid &= remarks.error_count() == errors;
    }
    let mut validated = Vec::new();
    if let Some(foreign) = first_if_none_ours(&documents) {
        remarks.push(classify::not_a_manifest(foreign));
    } else {
        for document in documents {
            validated.extend(validate_document(document, &mut remarks));
        }
    }
    (validated, drop_redundant(remarks.into_vec()))
}

/// The documents of a file, not validated, and whether a part of the file cannot be read.
pub(super) fn identify_documents(
    file: &SourceFile,
    variables: &BTreeMap<String, String>,
) -> (Vec<DraftManifest>, bool) {
    let mut remarks = PendingDiagnostics::default();
    let mut variables = VariableExpander::new(variables);
    let documents = yaml::read_documents(&file.text, &mut remarks);
    let mut has_unidentified = remarks.error_count() > 0;
    let mut drafts = Vec::new();
    for YamlDocument { mut root, .. } in documents {
        variables.expand_node(&mut root, &mut remarks);
        if matches!(classify::classify_document(&root), DocumentClass::NotOurs | DocumentClass::Project) {
            continue;
        }
        let kind = classify::resolve_kind(&mut root, &mut remarks);
        has_unidentified |= kind.is_none();
        if let Some(kind) = kind {
            lift_known_fields(manifest_fields(kind), &mut root, &FieldPath::root(), &mut remarks);
        }
        drafts.extend(kind.map(|kind| DraftManifest::new(&file.name, kind, &root, false)));
    }
    (drafts, has_unidentified)
}

/// The first document, if none of the file is a manifest: one diagnostic is enough then.
fn first_if_none_ours(documents: &[YamlDocument]) -> Option<&YamlNode> {
    let all = documents.iter().all(|document| classify::classify_document(&document.root) == DocumentClass::NotOurs);
    documents.first().filter(|_| all).map(|document| &document.root)
}

/// Validates one document; `None` if its kind is not known.
fn validate_document(document: YamlDocument, remarks: &mut PendingDiagnostics) -> Option<ValidatedDocument> {
    let YamlDocument { mut root, is_valid: sound } = document;
    let errors = remarks.error_count();
    let kind = classify::resolve_kind(&mut root, remarks)?;
    lift_known_fields(manifest_fields(kind), &mut root, &FieldPath::root(), remarks);
    let before = remarks.kept_diagnostics().len();
    let name = root.node_at(&["metadata", "name"]).and_then(YamlNode::as_text);
    kinds::manifest_validator(kind).validate(&root, name, remarks);
    // After the schema and before the rules: a rule would report a misspelt field as missing as well.
    recover_typos::rename_misspelt_keys(&mut root, &remarks.kept_diagnostics()[before..]);
    for problem in kinds::find_problems(kind, &root.to_json()) {
        let span = root.span_at(&problem.path);
        let remark = match problem.severity {
            Severity::Error => PendingDiagnostic::error(problem.code, span, problem.message),
            Severity::Warning => PendingDiagnostic::warning(problem.code, span, problem.message),
        };
        let evidence = problem.evidence;
        remarks.push(PendingDiagnostic { help: problem.help, evidence, ..remark.with_path(problem.path) });
    }
    // A full list may have lost errors of this document, so it does not count as valid.
    let is_valid = sound && remarks.error_count() == errors && !remarks.is_full();
    Some(ValidatedDocument { kind, root, is_valid })
}

/// Removes diagnostics that repeat a worse one at the same place.
// A literal secret gets one diagnostic, with the fix. Others at its place could quote parts of it.
fn drop_redundant(remarks: Vec<PendingDiagnostic>) -> Vec<PendingDiagnostic> {
    let places = |predicate: fn(&PendingDiagnostic) -> bool| -> HashSet<Span> {
        remarks.iter().filter(|remark| predicate(remark)).map(|remark| remark.span).collect()
    };
    let secrets = places(|remark| remark.code == schema_validator::code::LITERAL_SECRET);
    let errors = places(|remark| remark.severity == Severity::Error);
    let is_kept = |remark: &PendingDiagnostic| match remark.code {
        yaml::code::YAML_1_1 => !errors.contains(&remark.span),
        code::UNKNOWN_VARIABLE | project::code::BAD_VARIABLE | yaml::code::ALIAS | yaml::code::TAG => {
            !secrets.contains(&remark.span)
        }
        _ => true,
    };
    remarks.into_iter().filter(is_kept).collect()
}
