//! Reads YAML into a tree with a position on every key and value, and reports all mistakes at once.
//!
//! `no`, `0755` and `12:30` are text, as in YAML 1.2, with a warning because readers of YAML 1.1
//! disagree. For any file, reading takes time in proportion to its size and stays within
//! [`MAX_BYTES`], [`MAX_DEPTH`] and [`MAX_NODES`].

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

pub mod code;
mod pending_diagnostic;
mod reader;
mod scalar;
mod syntax_error;
#[cfg(test)]
mod tests;
mod tree;
mod tree_builder;

pub use pending_diagnostic::{PendingDiagnostic, PendingDiagnostics};
pub use reader::{YamlDocument, read_documents};
pub use scalar::{parse_plain_scalar, yaml_1_1_boolean};
pub use tree::{YamlContent, YamlEntry, YamlNode};

use crate::desired::Place;

/// The documents of a YAML text as plain values, without positions. Broken documents are skipped.
pub fn parse_documents(text: &str) -> Vec<Value> {
    let documents = read_documents(text, &mut PendingDiagnostics::default());
    documents.iter().map(|document| document.root.to_json()).collect()
}

/// The largest file that is read: 8 MiB.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The deepest nesting of lists and mappings, with aliases expanded.
// Trees are walked by recursion: nesting without a limit would overflow the stack.
pub const MAX_DEPTH: usize = 64;

/// The largest number of values in one file, with aliases expanded.
// The size of the file does not limit this: an alias takes three bytes and may expand to thousands of values.
pub const MAX_NODES: usize = 500_000;

/// A range of bytes in a file. Line and column count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// Line of the first byte.
    pub line: u32,
    /// Column of the first byte.
    pub column: u32,
    /// The file, as an index into the list of files of a tree. Zero is the file that was read.
    pub file: u32,
}

impl Span {
    /// The range of bytes.
    pub fn byte_range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// The places of each `${` in a text of several lines.
// The value of a folded text does not show the line of a part of it.
#[derive(Clone, Debug)]
pub struct VariablePlaces(Vec<Span>);

impl VariablePlaces {
    /// The places in a text at `span` of the file. `None` for one line, and if escapes hide a `${`.
    fn find(file: &str, span: Span, text: &str) -> Option<Box<Self>> {
        // Nearly every text is one line, which costs less to see than that it has no variable.
        let written = file.get(span.byte_range()).filter(|written| written.contains('\n'))?;
        let count = text.matches(SIGN).count();
        if count == 0 {
            return None;
        }
        let (mut places, mut line, mut column, mut done) = (Vec::new(), span.line, span.column, 0);
        for (at, _) in written.match_indices(SIGN) {
            let between = &written[done..at];
            if let Some((_, last_line)) = between.rsplit_once('\n') {
                line += length(between.matches('\n').count());
                column = 1 + length(last_line.chars().count());
            } else {
                column += length(between.chars().count());
            }
            done = at;
            let rest = written[at..].lines().next().unwrap_or_default();
            let end = span.start + at + rest.find('}').map_or(SIGN.len(), |end| end + 1);
            places.push(Span { start: span.start + at, end, line, column, file: span.file });
        }
        (places.len() == count).then(|| Box::new(Self(places)))
    }
}

const SIGN: &str = "${";

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The place of the `${` at a byte of this text, which was read from `span`.
pub fn variable_place(span: Span, places: Option<&VariablePlaces>, text: &str, at: usize) -> Span {
    let number = text[..at].matches(SIGN).count();
    let found = places.and_then(|places| places.0.get(number));
    found.map_or(span, |found| Span { file: span.file, ..*found })
}

/// The file that was read, and the files of other parts of its trees.
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
