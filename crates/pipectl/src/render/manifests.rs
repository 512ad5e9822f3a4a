//! Manifests as YAML text, with what a reader has to know beside each field.

use std::collections::BTreeMap;

use model::export::{Manifest, Note};
use model::path::Path;

use crate::yaml;

/// The manifests as one YAML text.
pub fn documents(manifests: &[Manifest], schema: Option<&str>) -> String {
    let schema = schema.map(|path| format!("# yaml-language-server: $schema={path}\n"));
    let documents: Vec<String> = manifests.iter().map(document).collect();
    schema.unwrap_or_default() + &documents.join("---\n")
}

fn document(manifest: &Manifest) -> String {
    let remarks = manifest.remarks.iter().cloned().chain(untold(manifest));
    let remarks: Vec<String> = remarks.map(|remark| format!("# {}\n", line(&remark))).collect();
    let remarks = remarks.concat();
    let yaml = yaml::write_commented(&manifest.document, &comments(&manifest.notes));
    if manifest.flaws.is_empty() {
        return remarks + &yaml;
    }
    let why: Vec<String> =
        manifest.flaws.iter().map(|flaw| format!("#   {}\n", line(flaw))).collect();
    let (at, why) = (&manifest.at, why.concat());
    let yaml: Vec<String> = yaml.lines().map(|line| format!("# {line}\n")).collect();
    let yaml = yaml.concat();
    format!(
        "# {at} is only a comment, as this would be no sound manifest:\n{why}{remarks}#\n{yaml}"
    )
}

fn untold(manifest: &Manifest) -> Option<String> {
    let paths: Vec<String> = manifest.untold.iter().map(ToString::to_string).collect();
    let paths = paths.join(", ");
    (!paths.is_empty()).then(|| format!("Not returned by the API, so add what it has: {paths}."))
}

fn comments(notes: &BTreeMap<Path, Note>) -> BTreeMap<Path, String> {
    let comments = notes.iter().map(|(path, note)| match note {
        Note::Secret { .. } => (path.child("fromEnv"), comment(note)),
        Note::FillIn | Note::Guess => (path.clone(), comment(note)),
    });
    comments.collect()
}

/// What stands behind the field.
pub(crate) fn comment(note: &Note) -> String {
    let what = match note {
        Note::Secret { encoded: false, .. } => "set it before a change of the connection",
        Note::Secret { encoded: true, .. } => {
            "set it to the plain key file before a change of the connection"
        }
        Note::FillIn => "FILL IN what the object has",
        Note::Guess => "a guess, so FILL IN what the object has",
    };
    format!("not returned by the API: {what}")
}

/// Anybody's text in one line, so that it cannot end a comment.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c })
        .collect()
}
