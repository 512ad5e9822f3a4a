//! Reads YAML into a tree with a position on every key and value, and reports all mistakes at once.
//!
//! `no`, `0755` and `12:30` are text, as in YAML 1.2, with a warning because readers of YAML 1.1
//! disagree. For any file, reading takes time in proportion to its size and stays within
//! [`MAX_BYTES`], [`MAX_DEPTH`] and [`MAX_NODES`].

use std::ops::Range;

use serde_json::Value;

mod anchors;
pub mod code;
mod mapping_builder;
mod pending_diagnostic;
mod reader;
mod scalar;
mod span_files;
mod syntax_error;
#[cfg(test)]
mod tests;
mod tree;
mod tree_builder;
mod variable_places;

pub use pending_diagnostic::{PendingDiagnostic, PendingDiagnostics};
pub use reader::{YamlDocument, read_documents};
pub use scalar::{parse_plain_scalar, yaml_1_1_boolean};
pub use span_files::SpanFiles;
pub use tree::{YamlContent, YamlEntry, YamlNode};
pub use variable_places::{VariablePlaces, variable_place};

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
// The size of the file is no limit: an alias takes three bytes and may stand for thousands of values.
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
    /// The file, as a position in the list of files that a tree was made from. Zero is the file that was read.
    pub file: u32,
}

impl Span {
    /// The range of bytes.
    pub fn byte_range(self) -> Range<usize> {
        self.start..self.end
    }
}
