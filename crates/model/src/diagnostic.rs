//! Errors and warnings about files that people write.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use crate::address::Address;
use crate::desired::{Origin, Place};
use crate::path::FieldPath;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Nothing is planned or sent.
    Error,
    /// A problem that blocks nothing.
    Warning,
}

/// Why a rule between fields is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// The official OpenAPI document, in its structure or in words.
    Schema,
    /// The live API was seen to refuse a violation.
    Live,
    /// The official Terraform provider refuses a violation before it is sent.
    Provider,
    /// The rule is about manifests, not about the API.
    Manifest,
    /// None. The API may accept a violation.
    Ours,
}

impl Evidence {
    /// The evidence in words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Schema => "the official schema",
            Self::Live => "a refusal by the live API",
            Self::Provider => "a check of the official Terraform provider",
            Self::Manifest => "the format of manifests",
            Self::Ours => "none, the API may accept it",
        }
    }
}

/// One problem at one place, with a stable code and, if known, the fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Stable and documented, such as `unknown-field`.
    pub code: &'static str,
    /// The violated rule of the project file, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Arc<str>>,
    /// The object that violates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Error or warning.
    pub severity: Severity,
    /// Why the rule is believed, if it is a rule between fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The problem as a lowercase fragment. Never quotes the value of a secret field.
    pub message: String,
    /// Line and column where it begins.
    pub place: Place,
    /// The field within its document; the root if the problem concerns no field.
    pub path: FieldPath,
    /// The bytes of the file to underline.
    #[serde(skip)]
    pub span: Range<usize>,
    /// A second place that explains the problem, with its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<RelatedPlace>,
    /// The fix: a sentence, or text to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Text to put in place of `span`, if that alone is the fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}

/// A second place of a [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelatedPlace {
    /// Line and column where it begins.
    pub place: Place,
    /// The relation to the problem, such as `first defined here`.
    pub label: String,
}

impl RelatedPlace {
    /// The document that has a value from its template or from a default.
    pub fn of_user(origin: &Origin, place: &Place) -> Option<Self> {
        let (user, label) = origin.use_of(place)?;
        Some(Self { place: user.clone(), label: label.to_owned() })
    }
}

/// A file's name and text, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as it was given, or `-` for standard input.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
}
