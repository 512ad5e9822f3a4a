//! Diagnostics of one file, before the name of the file is added.

#![expect(missing_docs, reason = "the fields are those of a diagnostic")]

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Span, SpanFiles, code};
use crate::diagnostic::{Diagnostic, Evidence, RelatedPlace, Severity};
use crate::path::FieldPath;

/// A diagnostic without the name of its file.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct PendingDiagnostic {
    pub code: &'static str,
    pub severity: Severity,
    pub evidence: Option<Evidence>,
    pub path: FieldPath,
    pub span: Span,
    pub message: String,
    pub related: Option<(Span, Cow<'static, str>)>,
    pub help: Option<String>,
    pub replacement: Option<String>,
}

impl PendingDiagnostic {
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            evidence: None,
            path: FieldPath::root(),
            span,
            message: message.into(),
            related: None,
            help: None,
            replacement: None,
        }
    }

    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    pub fn with_path(self, path: FieldPath) -> Self {
        Self { path, ..self }
    }

    pub fn with_related(self, span: Span, label: impl Into<Cow<'static, str>>) -> Self {
        Self { related: Some((span, label.into())), ..self }
    }

    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Adds a text that fixes the problem in place of the span.
    pub fn with_replacement(self, text: impl Into<String>) -> Self {
        Self { replacement: Some(text.into()), ..self }
    }

    pub fn into_diagnostic<'f>(self, files: impl Into<SpanFiles<'f>>) -> Diagnostic {
        let files = files.into();
        Diagnostic {
            code: self.code,
            rule: None,
            address: None,
            severity: self.severity,
            evidence: self.evidence,
            message: self.message,
            place: files.place(self.span),
            path: self.path,
            span: self.span.byte_range(),
            also: self
                .related
                .map(|(span, label)| RelatedPlace { place: files.place(span), label: label.into_owned() }),
            help: self.help,
            replacement: self.replacement,
        }
    }
}

/// The remarks of one file, at most [`PendingDiagnostics::MAX_KEPT`].
#[derive(Debug, Default)]
pub struct PendingDiagnostics {
    kept: Vec<PendingDiagnostic>,
    seen: HashSet<(&'static str, Span, Option<Span>, String)>,
    text_parts: HashMap<Span, Span>,
    error_count: usize,
}

impl PendingDiagnostics {
    // More are not useful, and a hostile file must not fill the memory with remarks.
    pub const MAX_KEPT: usize = 1000;

    /// Keeps a remark unless the list is full or contains it: an alias repeats the mistakes of its value.
    pub fn push(&mut self, remark: PendingDiagnostic) {
        // Counted even if it is not kept: a document counts as valid if the number did not grow.
        if remark.severity == Severity::Error {
            self.error_count += 1;
        }
        let part = self.text_parts.get(&remark.span).copied();
        if !self.is_full() && self.seen.insert((remark.code, remark.span, part, remark.message.clone())) {
            self.kept.push(remark);
        }
    }

    /// Sets where values are written that are a part of the text at a place. From here on, each of them has its own remarks.
    // One text makes many manifests: the remark about the value of one must not hide that about another's.
    pub fn set_text_parts(&mut self, parts: HashMap<Span, Span>) {
        self.text_parts = parts;
    }

    /// The number of errors so far, kept or not.
    pub fn error_count(&self) -> usize {
        self.error_count
    }

    /// The kept remarks in the order of [`PendingDiagnostics::push`].
    pub fn kept_diagnostics(&self) -> &[PendingDiagnostic] {
        &self.kept
    }

    /// Adds a second place to the remarks from this index on that have none, or whose places are both in other files:
    /// those do not show which document has the mistake.
    pub fn relate_kept_since(&mut self, start: usize, related: impl Fn(&PendingDiagnostic) -> Option<(Span, String)>) {
        for remark in self.kept.iter_mut().skip(start) {
            let names_document =
                remark.related.as_ref().is_some_and(|(also, _)| remark.span.file == 0 || also.file == 0);
            if let Some((span, label)) = related(remark).filter(|_| !names_document) {
                remark.related = Some((span, label.into()));
            }
        }
    }

    /// Changes the remarks from this position on.
    pub fn correct_kept_since(&mut self, start: usize, correct: impl FnMut(&mut PendingDiagnostic)) {
        self.kept.iter_mut().skip(start).for_each(correct);
    }

    /// `true` if further remarks are dropped.
    pub fn is_full(&self) -> bool {
        self.kept.len() >= Self::MAX_KEPT
    }

    /// The kept remarks, and an error that says so if others were dropped.
    pub fn into_vec(mut self) -> Vec<PendingDiagnostic> {
        if let (true, Some(last)) = (self.is_full(), self.kept.last()) {
            let message = format!("the file has {} problems or more: no others are shown", Self::MAX_KEPT);
            self.kept.push(PendingDiagnostic::error(code::TOO_MANY, last.span, message));
        }
        self.kept
    }
}
