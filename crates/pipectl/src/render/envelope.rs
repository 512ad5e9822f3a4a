//! The envelope of JSON documents.

use model::diagnostic::Diagnostic;
use model::sanitize::escape_json_text;
use serde::Serialize;

use crate::code_help::ExplainedDiagnostic;
use crate::error_report::ErrorReport;
use crate::exit;
use crate::shard::Shard;
use crate::unreachable::UnreachableService;

/// The version of the shapes below. A new field raises the second number, a changed one the first.
pub const SCHEMA_VERSION: &str = "1.0";

/// The JSON Schema of everything that is printed as JSON. It is written by hand and strict, so that no change of a
/// struct changes the published shape unnoticed: the tests validate every document against it.
pub const OUTPUT_SCHEMA: &str = include_str!("output_schema.json");

/// A JSON document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputEnvelope<T> {
    /// [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// The kind of `result`: `Plan`, `Apply`, `Validation`, …
    pub kind: &'static str,
    /// The result of the command in one word.
    pub outcome: &'static str,
    /// The exit code, unless the result cannot be written.
    pub exit_code: u8,
    /// The part of the services that the result is about, if the run was split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The digest of a plan, for `apply --expect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Absent if the command failed before it had a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<T>,
    /// Services that could not be read. The result does not contain them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<UnreachableService>,
    /// The errors of the command.
    pub errors: Vec<String>,
    /// The problems in files that ended it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<ExplainedDiagnostic>,
    /// The error that ended the command before it had a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

impl<T: Serialize> OutputEnvelope<T> {
    /// A result without errors.
    pub fn new(kind: &'static str, outcome: &'static str, result: T) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            kind,
            outcome,
            exit_code: exit::DONE,
            shard: None,
            digest: None,
            result: Some(result),
            unreachable: Vec::new(),
            errors: Vec::new(),
            diagnostics: Vec::new(),
            error: None,
        }
    }

    /// Adds the digest of the plan.
    #[must_use]
    pub fn with_digest(self, digest: String) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// Adds services that could not be read. They are errors, too.
    #[must_use]
    pub fn with_unreachable(mut self, unread: &[UnreachableService]) -> Self {
        self.errors.extend(unread.iter().map(ToString::to_string));
        Self { unreachable: unread.to_vec(), ..self }
    }

    /// The text of the document.
    pub fn render(&self) -> String {
        // The structs can always be serialized; an empty line would be noticed at once.
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        escape_json_text(&json)
    }
}

/// The document of a command that failed without a result.
pub fn failure_json(
    (kind, outcome): (&'static str, &'static str),
    exit_code: u8,
    shard: Option<Shard>,
    (error, diagnostics): (ErrorReport, &[Diagnostic]),
) -> String {
    OutputEnvelope::<()> {
        exit_code,
        shard,
        result: None,
        errors: vec![error.message.clone()],
        diagnostics: ExplainedDiagnostic::explain_all(diagnostics),
        error: Some(error),
        ..OutputEnvelope::new(kind, outcome, ())
    }
    .render()
}
