//! Exported manifests as YAML, with comments.

use std::collections::BTreeMap;

use model::path::FieldPath;
use porting::export::{ExportedManifest, FieldNote};
use porting::group::{ExportUnit, ManifestGroup};

use crate::yaml_writer;

pub fn manifests_to_yaml(units: &[ExportUnit], schema: Option<&str>) -> String {
    let schema = schema.map(|path| format!("# yaml-language-server: $schema={path}\n"));
    let documents: Vec<String> = units.iter().map(unit_to_yaml).collect();
    schema.unwrap_or_default() + &documents.join("---\n")
}

fn unit_to_yaml(unit: &ExportUnit) -> String {
    match unit {
        ExportUnit::Single(manifest) => manifest_to_yaml(manifest),
        ExportUnit::Group(group) => group_to_yaml(group),
    }
}

/// The template with the notes to its fields, and the manifest with those to its objects.
fn group_to_yaml(group: &ManifestGroup) -> String {
    let remark = group.members.first().and_then(unknown_fields_remark);
    let shared = shared_secrets_remark(group).map(|remark| format!("The {remark}."));
    let remark = remark.into_iter().chain(shared).map(|remark| format!("# {}\n", single_line(&remark)));
    let remark = remark.collect::<Vec<_>>().concat();
    let template = yaml_writer::write_commented_yaml(&group.template, &field_comments(&group.field_notes));
    let remarks = group.members.iter().flat_map(|member| {
        let name = member.address.name.as_str();
        member.remarks.iter().map(move |remark| format!("# {}\n", single_line(&format!("{name}: {remark}"))))
    });
    let remarks = remarks.collect::<Vec<_>>().concat();
    format!("{remark}{template}---\n{remarks}{}", yaml_writer::write_yaml(&group.document))
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

/// A remark for a template whose objects share secrets.
pub(crate) fn shared_secrets_remark(group: &ManifestGroup) -> Option<String> {
    let variables: Vec<&str> = group.shared_variables().into_iter().collect();
    let (count, variables) = (group.members.len(), variables.join(", "));
    let remark =
        format!("{count} objects share {variables}: an object with another login needs a reference of its own");
    (!variables.is_empty()).then_some(remark)
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
