//! Text to tree: YAML with a position on every key and value, and everything wrong with it at once.
//!
//! The tree says what the author sees. `no`, `0755` and `12:30` are text, as in YAML 1.2, and draw
//! a warning because older readers disagree. Whatever a file holds, reading takes time in
//! proportion to its size and stays within [`MAX_BYTES`], [`MAX_DEPTH`] and [`MAX_NODES`].

use std::ops::Range;

use serde_json::Value;

mod anchors;
pub mod code;
mod mapping_builder;
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

/// The documents of a YAML text as plain values, without positions. What is broken is left out.
pub fn parse_documents(text: &str) -> Vec<Value> {
    let documents = read_documents(text, &mut PendingDiagnostics::default());
    documents.iter().map(|document| document.root.to_json()).collect()
}

/// The largest file that is read: 8 MiB.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How deep lists and mappings may be nested, with aliases written out.
pub const MAX_DEPTH: usize = 64;

/// How many values one file may hold, with aliases written out.
pub const MAX_NODES: usize = 500_000;

/// A piece of a file: its bytes, and where it begins. Line and column count from 1, columns in
/// characters.
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
}

impl Span {
    /// The bytes.
    pub fn byte_range(self) -> Range<usize> {
        self.start..self.end
    }
}
