//! The tree of a document: values with their places.

#![expect(missing_docs, reason = "the names say it")]

use std::ops::Range;

use serde_json::{Map, Number, Value};

use super::{Span, VariablePlaces};
use crate::path::FieldPath;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct YamlNode {
    /// The place of the value. For the value of an alias, the place of the anchor.
    pub span: Span,
    /// The place of the alias, if the value comes from one.
    pub alias: Option<Span>,
    pub content: YamlContent,
}

/// The content of a value.
#[derive(Clone, Debug)]
pub enum YamlContent {
    /// Nothing, `~` or `null`.
    Null,
    Bool(bool),
    Number(Number),
    Text {
        text: String,
        /// Written without quotes and on one line.
        is_unquoted: bool,
        /// The places of its variables, if it takes several lines.
        variables: Option<Box<VariablePlaces>>,
    },
    List(Vec<YamlNode>),
    Map(Vec<YamlEntry>),
    /// A value that could not be read. The error has been reported.
    Unreadable,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct YamlEntry {
    pub key: String,
    /// The place of the key.
    pub span: Span,
    pub value: YamlNode,
    /// `true` if it comes from a merge key (`<<`). A written entry with the same key wins.
    pub merged: bool,
}

impl YamlNode {
    pub fn new(span: Span, content: YamlContent) -> Self {
        Self { span, alias: None, content }
    }

    /// The entries of a list; empty for other content.
    pub fn items(&self) -> &[Self] {
        match &self.content {
            YamlContent::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; empty for other content.
    pub fn entries(&self) -> &[YamlEntry] {
        match &self.content {
            YamlContent::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry with this key, if this is a mapping that has one.
    pub fn entry(&self, key: &str) -> Option<&YamlEntry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of the field at `path`, if it is there.
    pub fn node_at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.entry(key).map(|entry| &entry.value))
    }

    /// The text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            YamlContent::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The value as JSON, without positions.
    pub fn to_json(&self) -> Value {
        match &self.content {
            YamlContent::Null => Value::Null,
            // Present but empty: a rule between fields does not report the field as missing, and finds no value in it.
            YamlContent::Unreadable => Value::String(String::new()),
            YamlContent::Bool(value) => Value::Bool(*value),
            YamlContent::Number(value) => Value::Number(value.clone()),
            YamlContent::Text { text, .. } => Value::String(text.clone()),
            YamlContent::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            YamlContent::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// The entry of a list, or the value of a mapping, that a segment of a path names.
    fn child_at(&self, segment: &str) -> Option<&Self> {
        match &self.content {
            YamlContent::List(items) => items.get(segment.parse::<usize>().ok()?),
            _ => self.entry(segment).map(|entry| &entry.value),
        }
    }

    /// The place to report for the whole value: its first key or entry, not all of its lines.
    pub fn head_span(&self) -> Span {
        match &self.content {
            YamlContent::Map(entries) => entries.first().map_or(self.span, |entry| entry.span),
            YamlContent::List(items) => items.first().map_or(self.span, Self::head_span),
            _ => self.span,
        }
    }

    /// The place to report for the field at `path`: a scalar's value, or one that stands elsewhere, else the key; for a
    /// missing field that of its nearest parent.
    pub fn span_at(&self, path: &FieldPath) -> Span {
        let mut span = self.head_span();
        let mut node = self;
        for segment in path.segments() {
            let Some(next) = node.child_at(segment) else { return span };
            span = node.entry(segment).map_or_else(|| next.head_span(), |entry| entry.span);
            node = next;
        }
        match node.alias {
            Some(_) => node.head_span(),
            None if node.is_scalar() => node.span,
            None => span,
        }
    }

    /// The place of the alias for the value at `path`, or for what contains it.
    pub fn alias_at(&self, path: &FieldPath) -> Option<Span> {
        let mut node = self;
        let mut alias = node.alias;
        for segment in path.segments() {
            let Some(next) = node.child_at(segment) else { break };
            node = next;
            alias = node.alias.or(alias);
        }
        alias
    }

    /// Sets the file of the tree.
    pub fn set_file(&mut self, file: u32) {
        self.span.file = file;
        if let Some(alias) = &mut self.alias {
            alias.file = file;
        }
        match &mut self.content {
            YamlContent::List(items) => items.iter_mut().for_each(|item| item.set_file(file)),
            YamlContent::Map(entries) => {
                for entry in entries {
                    entry.span.file = file;
                    entry.value.set_file(file);
                }
            }
            _ => {}
        }
    }

    /// The bytes of the value in its own file, without parts from other files; `None` if all of it is elsewhere.
    pub fn written_extent(&self) -> Option<Range<usize>> {
        if self.alias.is_some() {
            return None;
        }
        let keys = self.entries().iter().map(|entry| entry.span.byte_range());
        let below = self.child_nodes().filter_map(Self::written_extent);
        let own = self.span.byte_range();
        Some(keys.chain(below).fold(own, |all, part| all.start.min(part.start)..all.end.max(part.end)))
    }

    /// `true` for a text, a number and a boolean.
    pub fn is_scalar(&self) -> bool {
        matches!(self.content, YamlContent::Bool(_) | YamlContent::Number(_) | YamlContent::Text { .. })
    }

    /// The number of values in the tree, its root included.
    pub fn node_count(&self) -> usize {
        1 + self.child_nodes().map(Self::node_count).sum::<usize>()
    }

    /// The number of lists and mappings around its innermost value.
    pub fn nesting_height(&self) -> usize {
        match self.content {
            YamlContent::List(_) | YamlContent::Map(_) => {
                1 + self.child_nodes().map(Self::nesting_height).max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// The entries of a list, or the values of a mapping.
    pub fn child_nodes(&self) -> impl Iterator<Item = &Self> {
        self.items().iter().chain(self.entries().iter().map(|entry| &entry.value))
    }
}
