//! The tree: what a document says, and where.

use serde_json::{Map, Number, Value};

use super::Span;
use crate::path::Path;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where it was written; for a value that an alias stands for, where the anchor is.
    pub(crate) span: Span,
    /// Where the alias is that brought the value here.
    pub(crate) alias: Option<Span>,
    pub(crate) content: Content,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Nothing, `~` or `null`.
    Null,
    Bool(bool),
    Number(Number),
    Text {
        text: String,
        /// Written without quotes and on one line.
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// It could not be read, which has been reported. There is nothing more to say about it.
    Unread,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key is.
    pub(crate) span: Span,
    pub(crate) value: Node,
    /// A merge key (`<<`) brought it here; what is written in the mapping itself wins.
    pub(crate) merged: bool,
}

impl Node {
    pub(crate) fn new(span: Span, content: Content) -> Self {
        Self { span, alias: None, content }
    }

    /// The entries, if this is a mapping.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry under `key`, if this is a mapping that has one.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of the field at `path`, if it is there.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.entry(key).map(|entry| &entry.value))
    }

    /// The text, if this is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The document as JSON. What could not be read is an empty text, from which no rule between
    /// fields draws a conclusion.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Unread => Value::String(String::new()),
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(value.clone()),
            Content::Text { text, .. } => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// Where to point for the whole value: at one line of it, rather than at all of them.
    pub(crate) fn head(&self) -> Span {
        match &self.content {
            Content::Map(entries) => entries.first().map_or(self.span, |entry| entry.span),
            Content::List(items) => items.first().map_or(self.span, Self::head),
            _ => self.span,
        }
    }

    /// Where to point for the field at `path`: its value if that fits on a line, else its key; for
    /// a field that is not there, the nearest parent's.
    pub(crate) fn place(&self, path: &Path) -> Span {
        let mut span = self.head();
        let mut node = self;
        for segment in path.segments() {
            let below = match &node.content {
                Content::List(items) => {
                    segment.parse().ok().and_then(|at: usize| items.get(at)).map(|n| (n, n.head()))
                }
                _ => node.entry(segment).map(|entry| (&entry.value, entry.span)),
            };
            let Some((next, at)) = below else { return span };
            (node, span) = (next, at);
        }
        if node.is_one_piece() { node.span } else { span }
    }

    fn is_one_piece(&self) -> bool {
        matches!(self.content, Content::Bool(_) | Content::Number(_) | Content::Text { .. })
    }

    /// How many values there are, this one and all below.
    pub(super) fn size(&self) -> usize {
        1 + self.children().map(Self::size).sum::<usize>()
    }

    /// How many lists and mappings lie within each other.
    pub(super) fn height(&self) -> usize {
        match self.content {
            Content::List(_) | Content::Map(_) => {
                1 + self.children().map(Self::height).max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    fn children(&self) -> impl Iterator<Item = &Self> {
        let items: &[Self] = match &self.content {
            Content::List(items) => items,
            _ => &[],
        };
        items.iter().chain(self.entries().iter().map(|entry| &entry.value))
    }
}
