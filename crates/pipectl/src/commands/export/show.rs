//! What was exported: the manifests, and what is to be done about them.

use std::collections::BTreeSet;
use std::path::Path as FilePath;

use anyhow::Result;
use model::export::Manifest;
use serde_json::{Value, json};

use super::files::{Outcome, Written};
use crate::cli::Format;
use crate::output::{Output, Text};
use crate::render::diagnostics::plural;
use crate::render::json::Envelope;
use crate::render::manifests::{comment, documents, line};
use crate::render::unread::{self, Unread};

/// What was made.
pub(super) struct Exported {
    pub(super) manifests: Vec<Manifest>,
    pub(super) services: usize,
    /// Those that could not be read.
    pub(super) unread: Vec<Unread>,
}

impl Exported {
    /// The manifests on stdout, unless they are in files, and the rest on stderr.
    pub(super) fn show(
        &self,
        written: Option<&Written>,
        output: Output,
        format: Format,
    ) -> Result<()> {
        let mut text = Text::new();
        match format {
            Format::Json | Format::Ndjson => drop(text.plain(self.json(written))),
            Format::Text | Format::Markdown if written.is_none() => {
                text.plain(documents(&self.manifests, None));
            }
            Format::Text | Format::Markdown => {}
        }
        output.data(&text)?;
        for (path, outcome) in written.iter().flat_map(|it| &it.files) {
            let what = match outcome {
                Outcome::Wrote => "wrote",
                Outcome::Unchanged => "unchanged",
            };
            output.say(format!("{what} {}", path.display()));
        }
        for (at, place) in written.iter().flat_map(|it| &it.declared) {
            output.say(format!("left {at}: it is declared at {place}"));
        }
        self.tell(written, output);
        Ok(())
    }

    fn tell(&self, written: Option<&Written>, output: Output) {
        let taken: Vec<&Manifest> = self.taken(written).collect();
        for manifest in &taken {
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
        output.talk(&unread::errors(&self.unread));
        output.say(self.summary(&taken));
    }

    /// Without what is declared already.
    fn taken<'e>(&'e self, written: Option<&'e Written>) -> impl Iterator<Item = &'e Manifest> {
        let declared = move |at| written.is_some_and(|it| it.declared.contains_key(at));
        self.manifests.iter().filter(move |manifest| !declared(&manifest.at))
    }

    fn summary(&self, taken: &[&Manifest]) -> String {
        let sound: Vec<_> = taken.iter().filter(|it| it.flaws.is_empty()).collect();
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
        let comments = taken.len() - sound.len();
        if comments > 0 {
            parts.push(format!("{comments} only as a comment"));
        }
        let declared = self.manifests.len() - taken.len();
        if declared > 0 {
            parts.push(format!("{declared} declared already"));
        }
        format!("{}.", parts.join(", "))
    }

    fn json(&self, written: Option<&Written>) -> String {
        let files = written.iter().flat_map(|it| &it.files);
        let declared = written.iter().flat_map(|it| &it.declared);
        let result = json!({
            "manifests": self.manifests.iter().map(object).collect::<Vec<_>>(),
            "files": files.map(|(path, _)| shown(path)).collect::<Vec<_>>(),
            "declared": declared
                .map(|(at, place)| json!({"at": at, "place": place}))
                .collect::<Vec<_>>(),
        });
        let incomplete = self.manifests.iter().any(|manifest| !manifest.flaws.is_empty());
        let outcome = match incomplete {
            _ if !self.unread.is_empty() => "partial",
            true => "incomplete",
            false => "exported",
        };
        Envelope::new("Export", outcome, result).with_unread(&self.unread).render()
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
