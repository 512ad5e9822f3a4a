//! Exported manifests as YAML, with comments.

use std::collections::BTreeMap;

use model::path::FieldPath;
use porting::export::{ExportedManifest, FieldNote};

use crate::yaml_writer;

/// The manifests as one YAML text.
pub fn manifests_to_yaml(manifests: &[ExportedManifest], schema: Option<&str>) -> String {
    let schema = schema.map(|path| format!("# yaml-language-server: $schema={path}\n"));
    let documents: Vec<String> = manifests.iter().map(manifest_to_yaml).collect();
    schema.unwrap_or_default() + &documents.join("---\n")
}

fn manifest_to_yaml(manifest: &ExportedManifest) -> String {
    let remarks = manifest.remarks.iter().cloned().chain(unknown_fields_remark(manifest));
    let remarks: Vec<String> = remarks.map(|remark| format!("# {}\n", single_line(&remark))).collect();
    let remarks = remarks.concat();
    let yaml = yaml_writer::write_commented_yaml(&manifest.document, &field_comments(&manifest.field_notes));
    if manifest.blockers.is_empty() {
        return remarks + &yaml;
    }
    let why: Vec<String> = manifest.blockers.iter().map(|flaw| format!("#   {}\n", single_line(flaw))).collect();
    let (at, why) = (&manifest.address, why.concat());
    let yaml: Vec<String> = yaml.lines().map(|line| format!("# {line}\n")).collect();
    let yaml = yaml.concat();
    format!("# {at} is commented out because the manifest would not be valid:\n{why}{remarks}#\n{yaml}")
}

fn unknown_fields_remark(manifest: &ExportedManifest) -> Option<String> {
    let paths: Vec<String> = manifest.write_only_fields.iter().map(ToString::to_string).collect();
    let paths = paths.join(", ");
    (!paths.is_empty())
        .then(|| format!("The API does not return these fields. Add those that the object uses: {paths}."))
}

fn field_comments(notes: &BTreeMap<FieldPath, FieldNote>) -> BTreeMap<FieldPath, String> {
    let comments = notes.iter().map(|(path, note)| match note {
        FieldNote::Secret { .. } => (path.child("fromEnv"), todo_comment(note)),
        FieldNote::FillIn | FieldNote::Guess => (path.clone(), todo_comment(note)),
    });
    comments.collect()
}

/// The comment behind a field.
pub(crate) fn todo_comment(note: &FieldNote) -> String {
    let what = match note {
        FieldNote::Secret { needs_base64: false, .. } => "set this variable before you change connection settings",
        FieldNote::Secret { needs_base64: true, .. } => {
            "set this variable to the plain key file before you change connection settings"
        }
        FieldNote::FillIn => "FILL IN the object's value",
        FieldNote::Guess => "this is a guess, FILL IN the object's value",
    };
    format!("not returned by the API: {what}")
}

/// A text in one line, so that it cannot end a comment.
pub(crate) fn single_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c }).collect()
}
