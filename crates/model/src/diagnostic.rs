//! Something wrong, or doubtful, in a file that a person wrote.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use crate::desired::Place;
use crate::path::FieldPath;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Nothing is planned or sent.
    Error,
    /// Worth a look; does not stop anything.
    Warning,
}

/// One problem, at one place, with a stable code and, where one is known, the fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Stable and documented, such as `unknown-field`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: a lowercase fragment. Never quotes the value of a secret field.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The field within its document, where there is one.
    pub path: FieldPath,
    /// The bytes of the file that are meant, for underlining.
    #[serde(skip)]
    pub span: Range<usize>,
    /// A second place that belongs to the story, with its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<RelatedPlace>,
    /// What to do about it: a sentence, or text to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Text to put in place of `span`, where the fix is that simple.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}

/// A second place of a [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelatedPlace {
    /// Where.
    pub place: Place,
    /// The bytes of the file that are meant.
    #[serde(skip)]
    pub span: Range<usize>,
    /// What it has to do with the problem, such as `first defined here`.
    pub label: String,
}

/// A file's name and text, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as it was given, or `-` for standard input.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
}
