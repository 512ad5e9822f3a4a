//! Exported manifests as text, with what a reader has to know beside each field.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path as FilePath, PathBuf};

use anyhow::Result;
use model::export::{Manifest, Note};
use model::path::Path;
use serde_json::{Value, json};

use super::files::Outcome;
use crate::cli::Format;
use crate::output::{Output, Text};
use crate::render::diagnostics::plural;
use crate::render::json::Envelope;
use crate::yaml;

/// What was made.
pub(super) struct Exported {
    pub(super) manifests: Vec<Manifest>,
    pub(super) services: usize,
}

impl Exported {
    /// The manifests on stdout, unless they are in files, and the rest on stderr.
    pub(super) fn show(
        &self,
        written: Option<&[(PathBuf, Outcome)]>,
        output: Output,
        format: Format,
    ) -> Result<()> {
        let mut text = Text::new();
        match format {
            Format::Json => drop(text.plain(self.json(written))),
            Format::Text | Format::Markdown if written.is_none() => {
                text.plain(documents(&self.manifests, None));
            }
            Format::Text | Format::Markdown => {}
        }
        output.data(&text)?;
        for (path, outcome) in written.unwrap_or_default() {
            let what = match outcome {
                Outcome::Wrote => "wrote",
                Outcome::Unchanged => "unchanged",
            };
            output.say(format!("{what} {}", path.display()));
        }
        self.tell(output);
        Ok(())
    }

    fn tell(&self, output: Output) {
        for manifest in &self.manifests {
            let at = &manifest.at;
            manifest.flaws.iter().for_each(|flaw| {
                output.say(format!("note: {at} is only a comment: {}", line(flaw)));
            });
            for remark in manifest.remarks.iter().filter(|_| manifest.flaws.is_empty()) {
                output.say(format!("note: {at}: {}", line(remark)));
            }
            for (path, note) in manifest.to_fill_in() {
                output.say(format!("to fill in: {at}: {path}: {}", comment(note)));
            }
        }
        output.say(self.summary());
    }

    fn summary(&self) -> String {
        let sound: Vec<_> = self.manifests.iter().filter(|it| it.flaws.is_empty()).collect();
        let variables: BTreeSet<&str> = sound.iter().flat_map(|it| it.variables()).collect();
        let to_fill_in: usize = sound.iter().map(|it| it.to_fill_in().count()).sum();
        let mut parts = vec![format!(
            "{} from {}",
            plural(sound.len(), "manifest"),
            plural(self.services, "service")
        )];
        if !variables.is_empty() {
            parts.push(format!(
                "{} for secrets, which `plan` does not need",
                plural(variables.len(), "environment variable")
            ));
        }
        if to_fill_in > 0 {
            parts.push(format!("{to_fill_in} to fill in"));
        }
        let comments = self.manifests.len() - sound.len();
        if comments > 0 {
            parts.push(format!("{comments} only as a comment"));
        }
        format!("{}.", parts.join(", "))
    }

    fn json(&self, written: Option<&[(PathBuf, Outcome)]>) -> String {
        let files = written.unwrap_or_default().iter();
        let result = json!({
            "manifests": self.manifests.iter().map(object).collect::<Vec<_>>(),
            "files": files.map(|(path, _)| shown(path)).collect::<Vec<_>>(),
        });
        let incomplete = self.manifests.iter().any(|manifest| !manifest.flaws.is_empty());
        let outcome = if incomplete { "incomplete" } else { "exported" };
        Envelope::new("Export", outcome, result).render()
    }
}

fn shown(path: &FilePath) -> String {
    path.display().to_string()
}

fn object(manifest: &Manifest) -> Value {
    json!({
        "at": manifest.at,
        "manifest": manifest.document,
        "variables": manifest.variables(),
        "toFillIn": manifest.to_fill_in().map(|(path, _)| path).collect::<Vec<_>>(),
        "untold": manifest.untold,
        "remarks": manifest.remarks,
        "flaws": manifest.flaws,
    })
}

/// The manifests as one YAML text.
pub(super) fn documents(manifests: &[Manifest], schema: Option<&str>) -> String {
    let schema = schema.map(|path| format!("# yaml-language-server: $schema={path}\n"));
    let documents: Vec<String> = manifests.iter().map(document).collect();
    schema.unwrap_or_default() + &documents.join("---\n")
}

fn document(manifest: &Manifest) -> String {
    let remarks = manifest.remarks.iter().cloned().chain(untold(manifest));
    let remarks: String = remarks.map(|remark| format!("# {}\n", line(&remark))).collect();
    let yaml = yaml::write_commented(&manifest.document, &comments(&manifest.notes));
    if manifest.flaws.is_empty() {
        return remarks + &yaml;
    }
    let flaws = manifest.flaws.iter().map(|flaw| format!("#   {}\n", line(flaw)));
    let why: String = flaws.collect();
    let at = &manifest.at;
    let yaml: String = yaml.lines().map(|line| format!("# {line}\n")).collect();
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

fn comment(note: &Note) -> String {
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

/// Live texts are anybody's, and must not end the comment.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c })
        .collect()
}
