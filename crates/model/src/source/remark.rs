//! A diagnostic before it knows its file.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Span, code};
use crate::desired::Place;
use crate::diagnostic::{Diagnostic, Related, Severity};
use crate::path::Path;

/// Something wrong at one place of the file at hand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remark {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    pub(crate) path: Path,
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) also: Option<(Span, &'static str)>,
    pub(crate) help: Option<String>,
    pub(crate) replacement: Option<String>,
}

impl Remark {
    pub(crate) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            path: Path::root(),
            span,
            message: message.into(),
            also: None,
            help: None,
            replacement: None,
        }
    }

    pub(crate) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    pub(crate) fn at(self, path: Path) -> Self {
        Self { path, ..self }
    }

    pub(crate) fn also(self, span: Span, label: &'static str) -> Self {
        Self { also: Some((span, label)), ..self }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Text that would be right in place of the span.
    pub(crate) fn replacement(self, text: impl Into<String>) -> Self {
        Self { replacement: Some(text.into()), ..self }
    }

    pub(crate) fn into_diagnostic(self, file: &Arc<str>) -> Diagnostic {
        let place =
            |span: Span| Place { file: Arc::clone(file), line: span.line, column: span.column };
        Diagnostic {
            code: self.code,
            severity: self.severity,
            message: self.message,
            place: place(self.span),
            path: self.path,
            span: self.span.range(),
            also: self.also.map(|(span, label)| Related {
                place: place(span),
                span: span.range(),
                label: label.to_owned(),
            }),
            help: self.help,
            replacement: self.replacement,
        }
    }
}

/// The remarks of one file. Nobody reads thousands of them, and a hostile file must not fill the
/// memory with them: beyond [`Remarks::MOST`] none is kept.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    kept: Vec<Remark>,
    seen: HashSet<(&'static str, Span, String)>,
    errors: usize,
}

impl Remarks {
    pub(crate) const MOST: usize = 1000;

    /// Keeps a remark, unless it is one that an alias brings up again.
    pub(crate) fn push(&mut self, remark: Remark) {
        if remark.severity == Severity::Error {
            self.errors += 1;
        }
        if !self.is_full() && self.seen.insert((remark.code, remark.span, remark.message.clone())) {
            self.kept.push(remark);
        }
    }

    /// How many errors there were so far, kept or not.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// The remarks that are kept, in the order in which they were made.
    pub(crate) fn kept(&self) -> &[Remark] {
        &self.kept
    }

    /// Whether further remarks are lost.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= Self::MOST
    }

    /// All that was kept, and a last word about the rest.
    pub(crate) fn into_vec(mut self) -> Vec<Remark> {
        if let (true, Some(last)) = (self.is_full(), self.kept.last()) {
            let message =
                format!("the file has {} problems or more: no others are shown", Self::MOST);
            self.kept.push(Remark::error(code::TOO_MANY, last.span, message));
        }
        self.kept
    }
}
