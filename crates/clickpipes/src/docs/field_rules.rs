//! The rules between fields, and how well each is proven.

use serde::Serialize;

use crate::kinds;
use model::address::Kind;
use model::diagnostic::{Evidence, Severity};
use model::path::FieldPath;

/// A rule between fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldRule {
    /// The code of its diagnostics.
    pub code: &'static str,
    /// Only an error rejects a manifest.
    pub severity: Severity,
    /// Why it is believed.
    pub evidence: Evidence,
    /// What the code means, if whoever asks has the page of the codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<&'static str>,
    /// The objects that have the fields, as paths of a manifest.
    #[serde(skip)]
    pub(super) objects: Vec<&'static str>,
    /// The fields, relative to the object.
    #[serde(skip)]
    pub(super) fields: Vec<String>,
}

impl FieldRule {
    fn reads_field(&self, path: &FieldPath) -> bool {
        let is_read = |object: &&str| {
            self.fields.iter().any(|field| FieldPath::parse(object).join(&FieldPath::parse(field)) == *path)
        };
        self.objects.iter().any(is_read)
    }

    /// Its meaning, severity and evidence, in words.
    pub(super) fn describe(&self) -> String {
        let severity = match self.severity {
            Severity::Error => "Error",
            Severity::Warning => "Warning",
        };
        let meaning = self.meaning.map(|meaning| format!("{meaning} ")).unwrap_or_default();
        format!("{meaning}{severity}. Evidence: {}.", self.evidence.describe())
    }
}

/// The rules of a kind, each once, in the order of their declaration.
pub(super) fn rules_of(kind: Kind) -> Vec<FieldRule> {
    let mut found: Vec<FieldRule> = Vec::new();
    for (objects, rule) in kinds::cross_field_rules(kind) {
        let mut fields = rule.field_paths();
        fields.sort();
        fields.dedup();
        let (code, severity, evidence) = (rule.code, rule.severity(), rule.evidence);
        let is_same = |known: &&mut FieldRule| known.code == code && known.fields == fields;
        match found.iter_mut().find(is_same) {
            Some(known) => known.objects.extend(objects),
            None => {
                found.push(FieldRule { code, severity, evidence, meaning: None, objects: objects.to_vec(), fields });
            }
        }
    }
    found
}

pub(super) fn rules_about(kind: Kind, path: &FieldPath) -> Vec<FieldRule> {
    rules_of(kind).into_iter().filter(|rule| rule.reads_field(path)).collect()
}
