//! The files that the spans of one tree point into.

use std::sync::Arc;

use super::Span;
use crate::desired::Place;

/// The file that was read, and those that other parts of its trees were taken from.
#[derive(Clone, Copy, Debug)]
pub struct SpanFiles<'f> {
    own: &'f Arc<str>,
    others: &'f [Arc<str>],
}

impl<'f> SpanFiles<'f> {
    /// `others` are the files from number one on.
    pub fn new(own: &'f Arc<str>, others: &'f [Arc<str>]) -> Self {
        Self { own, others }
    }

    /// The name of the file.
    pub fn name(&self, span: Span) -> &'f Arc<str> {
        let other = (span.file as usize).checked_sub(1).and_then(|at| self.others.get(at));
        other.unwrap_or(self.own)
    }

    /// The place of a span.
    pub fn place(&self, span: Span) -> Place {
        Place { file: Arc::clone(self.name(span)), line: span.line, column: span.column }
    }
}

impl<'f> From<&'f Arc<str>> for SpanFiles<'f> {
    fn from(own: &'f Arc<str>) -> Self {
        Self::new(own, &[])
    }
}
