//! Parses one file: its documents, and the diagnostics of each.

use std::collections::HashSet;

use serde_json::Value;

use super::classify::{self, DocumentClass};
use super::draft::DraftManifest;
use super::lift_known_fields::lift_known_fields;
use super::load_context::RenderContext;
use super::needless_nulls::remove_needless_nulls;
use super::render_document::{DocumentRenderer, RenderedDocument};
use super::unfit_defaults::relate_defaults;
use super::{code, recover_typos, shared_parts, templates};
use crate::kinds::{self, manifest_fields};
use model::address::Kind;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::path::{FieldPath, VisitedPath};
use model::rule_finding::EXCEPT_ANNOTATION;
use model::schema_validator;
use model::suggest::suggest_similar;
use model::yaml::{self, PendingDiagnostic, PendingDiagnostics, Span, YamlDocument, YamlEntry, YamlNode};

pub(super) fn parse_file(file: &SourceFile, context: &RenderContext<'_>) -> (Vec<DraftManifest>, Vec<Diagnostic>) {
    let (validated, remarks) = validate_file(file, context);
    let files = context.span_files(&file.name);
    let drafts = validated.into_iter().enumerate().map(|(index, document)| DraftManifest {
        index_in_file: index,
        ..DraftManifest::new(files, document.kind, &document.rendered, document.fields)
    });
    let diagnostics = remarks.into_iter().map(|remark| remark.into_diagnostic(files));
    let mut drafts: Vec<DraftManifest> = drafts.collect();
    // Most files have one document, and a list has room for four.
    drafts.shrink_to_fit();
    (drafts, diagnostics.collect())
}

/// A document of a known kind, with its known mistakes corrected.
pub(super) struct ValidatedDocument {
    pub(super) kind: Kind,
    pub(super) rendered: RenderedDocument,
    /// The document without its places.
    pub(super) fields: Value,
}

pub(super) fn validate_file(
    file: &SourceFile,
    context: &RenderContext<'_>,
) -> (Vec<ValidatedDocument>, Vec<PendingDiagnostic>) {
    let mut remarks = PendingDiagnostics::default();
    let mut renderer = DocumentRenderer::new(context);
    let documents = yaml::read_documents(&file.text, &mut remarks);
    let mut validated = Vec::new();
    if let Some(foreign) = first_if_none_ours(&documents) {
        remarks.push(classify::not_a_manifest(foreign));
        return (validated, drop_redundant(remarks.into_vec(), &HashSet::new()));
    }
    let mut plain = Vec::new();
    for mut document in documents {
        classify::recover_template_kind(&mut document.root, &mut remarks);
        if classify::classify_document(&document.root) == DocumentClass::Template {
            // Manifests of any file use it, so it was read before.
            templates::read_template(document, (&file.name).into(), &mut remarks);
            continue;
        }
        // Each document is checked separately: a mistake in one does not reject the others of its file.
        renderer.render(document, &mut plain, &mut remarks);
    }
    for document in plain {
        let known = remarks.kept_diagnostics().len();
        let start = document.entry.unwrap_or_else(|| document.root.head_span());
        remarks.set_text_parts(document.text_parts.clone());
        let document = validate_document(document, context, &mut remarks);
        if let Some(document) = &document {
            relate_shared_values(&document.rendered, known, &mut remarks);
        }
        if let Some(document) = document.as_ref().filter(|_| context.defaults.is_some()) {
            relate_defaults(document, (start, known), context, &mut remarks);
        }
        if let Some(template) = document.as_ref().and_then(|it| it.rendered.template.as_ref()) {
            template.relate_remarks(known, &mut remarks);
        }
        validated.extend(document);
    }
    (validated, drop_redundant(remarks.into_vec(), &renderer.into_misnamed()))
}

/// The documents of a file, not validated, and whether a part of the file cannot be read.
pub(super) fn identify_documents(file: &SourceFile, context: &RenderContext<'_>) -> (Vec<DraftManifest>, bool) {
    let mut remarks = PendingDiagnostics::default();
    let mut renderer = DocumentRenderer::new(context);
    let documents = yaml::read_documents(&file.text, &mut remarks);
    let mut has_unidentified = remarks.error_count() > 0;
    let mut plain = Vec::new();
    for document in documents {
        // An entry that cannot be read may name any object.
        has_unidentified |= !renderer.render(document, &mut plain, &mut remarks);
    }
    let mut drafts = Vec::new();
    for mut document in plain {
        let ours = classify::classify_document(&document.root);
        if matches!(ours, DocumentClass::NotOurs | DocumentClass::Project | DocumentClass::Template) {
            continue;
        }
        let kind = classify::resolve_kind(&mut document.root, &mut remarks);
        has_unidentified |= kind.is_none();
        let Some(kind) = kind else { continue };
        lift_known_fields(manifest_fields(kind), &mut document.root, &VisitedPath::root(), &mut remarks);
        document.is_valid = false;
        let fields = document.root.to_json();
        drafts.push(DraftManifest::new(context.span_files(&file.name), kind, &document, fields));
    }
    (drafts, has_unidentified)
}

/// The first document, if none of the file is a manifest: one diagnostic is enough then.
fn first_if_none_ours(documents: &[YamlDocument]) -> Option<&YamlNode> {
    let all = documents.iter().all(|document| classify::classify_document(&document.root) == DocumentClass::NotOurs);
    documents.first().filter(|_| all).map(|document| &document.root)
}

/// Validates one document; `None` if its kind is not known.
fn validate_document(
    document: RenderedDocument,
    context: &RenderContext<'_>,
    remarks: &mut PendingDiagnostics,
) -> Option<ValidatedDocument> {
    let RenderedDocument { mut root, is_valid: sound, .. } = document;
    let errors = remarks.error_count();
    let kind = classify::resolve_kind(&mut root, remarks)?;
    lift_known_fields(manifest_fields(kind), &mut root, &VisitedPath::root(), remarks);
    remove_needless_nulls(kind, &mut root, context, remarks);
    warn_of_unknown_annotations(&root, remarks);
    let fields = if document.is_complete {
        validate_fields(kind, &mut root, remarks)
    } else {
        // Without the fields of its template, a manifest would seem to lack them. Its own fields are checked.
        shared_parts::check_part(kind, &root, &FieldPath::root(), remarks);
        root.to_json()
    };
    // A full list may have lost errors of this document, so it does not count as valid.
    let is_valid = sound && document.is_complete && remarks.error_count() == errors && !remarks.is_full();
    Some(ValidatedDocument { kind, rendered: RenderedDocument { root, is_valid, ..document }, fields })
}

/// The label of a value within a longer text.
pub(super) const PART_OF_TEXT: &str = "a part of the text is from here";

/// Names what is behind mistakes from `known` on, where it stands elsewhere: the `null` that takes a field out, the
/// variable in a text, and the value of an entry or of `with` within a longer one.
fn relate_shared_values(document: &RenderedDocument, known: usize, remarks: &mut PendingDiagnostics) {
    remarks.correct_kept_since(known, |remark| {
        if let Some(removed) = document.taken_out_at(&remark.path) {
            remark.span = removed.span;
            remark.help = Some("remove the `null`, or give the field a value".to_owned());
            remark.replacement = None;
        } else if remark.code != schema_validator::code::LITERAL_SECRET
            && document.variable_texts.contains(&remark.span)
        {
            // A fix would put the value of this environment in the place of the variable, for all environments.
            let is_quoted = remark.replacement.take().is_some() && remark.code == schema_validator::code::WRONG_TYPE;
            let help = "write the variable without quotes, on a line of its own: within `{…}` it is a text";
            remark.help = if is_quoted { Some(help.to_owned()) } else { remark.help.take() };
        }
    });
    remarks.relate_kept_since(known, |remark| {
        let part = document.text_parts.get(&remark.span)?;
        Some((*part, PART_OF_TEXT.to_owned()))
    });
}

/// Warns of annotations that look like that of pipectl.
// Hazard: a misspelt one has no effect, and the user only sees that a rule still forbids the change.
fn warn_of_unknown_annotations(root: &YamlNode, remarks: &mut PendingDiagnostics) {
    let annotations = root.node_at(&["metadata", "annotations"]).map_or(&[][..], YamlNode::entries);
    for YamlEntry { key, span, .. } in annotations.iter().filter(|entry| entry.key != EXCEPT_ANNOTATION) {
        let is_similar = suggest_similar(key, [EXCEPT_ANNOTATION]).is_some();
        if is_similar || key.starts_with(classify::API_VERSION_PREFIX) {
            let help = if is_similar {
                format!("did you mean `{EXCEPT_ANNOTATION}`?")
            } else {
                format!("the one that it knows is `{EXCEPT_ANNOTATION}`")
            };
            let remark = PendingDiagnostic::warning(
                code::UNKNOWN_ANNOTATION,
                *span,
                format!("pipectl has no annotation `{key}`"),
            );
            remarks.push(remark.with_path(FieldPath::parse("metadata.annotations").child(key)).with_help(help));
        }
    }
}

/// Validates the fields, and returns them as the rules saw them.
fn validate_fields(kind: Kind, root: &mut YamlNode, remarks: &mut PendingDiagnostics) -> Value {
    let before = remarks.kept_diagnostics().len();
    let name = root.node_at(&["metadata", "name"]).and_then(YamlNode::as_text);
    kinds::manifest_validator(kind).validate(root, name, remarks);
    // After the schema and before the rules: a rule would report a misspelt field as missing as well.
    recover_typos::rename_misspelt_keys(root, &remarks.kept_diagnostics()[before..]);
    let fields = root.to_json();
    for problem in kinds::find_problems(kind, &fields) {
        let span = root.span_at(&problem.path);
        let remark = match problem.severity {
            Severity::Error => PendingDiagnostic::error(problem.code, span, problem.message),
            Severity::Warning => PendingDiagnostic::warning(problem.code, span, problem.message),
        };
        let alias = root.alias_at(&problem.path).filter(|alias| *alias != span);
        let evidence = problem.evidence;
        let remark = PendingDiagnostic { help: problem.help, evidence, ..remark.with_path(problem.path) };
        remarks.push(match alias {
            Some(alias) => remark.with_related(alias, "used here"),
            None => remark,
        });
    }
    fields
}

/// Removes diagnostics that repeat a worse one at the same place. `misnamed` are texts that should be a reference to a
/// secret, and name a variable that does not exist.
// A literal secret gets one diagnostic, with the fix. Others at its place could quote parts of it.
fn drop_redundant(mut remarks: Vec<PendingDiagnostic>, misnamed: &HashSet<Span>) -> Vec<PendingDiagnostic> {
    remarks.retain(|it| it.code != schema_validator::code::LITERAL_SECRET || !misnamed.contains(&it.span));
    let places = |predicate: fn(&PendingDiagnostic) -> bool| -> HashSet<Span> {
        remarks.iter().filter(|remark| predicate(remark)).map(|remark| remark.span).collect()
    };
    let secrets = places(|remark| remark.code == schema_validator::code::LITERAL_SECRET);
    let missing = places(|remark| remark.code == code::MISSING_PARAMETER);
    let errors = places(|remark| remark.severity == Severity::Error);
    let fixed = places(|remark| remark.code == schema_validator::code::LITERAL_SECRET && remark.replacement.is_some());
    let mut reported = HashSet::new();
    let mut is_kept = |remark: &PendingDiagnostic| match remark.code {
        yaml::code::YAML_1_1 => !errors.contains(&remark.span),
        // One is enough for each place, and the one with the fix is the best.
        schema_validator::code::LITERAL_SECRET => {
            !missing.contains(&remark.span)
                && (remark.replacement.is_some() || !fixed.contains(&remark.span) && reported.insert(remark.span))
        }
        code::MISSING_PARAMETER => true,
        _ => !secrets.contains(&remark.span),
    };
    remarks.into_iter().filter(|remark| is_kept(remark)).collect()
}
