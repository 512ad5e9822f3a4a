//! Puts columns into the text of a manifest and leaves every other byte as it is.

use std::fmt;
use std::ops::Range;

use super::Discovered;
use super::notation::{Item, block, columns, flow, mappings, nested};
use crate::source::{self, Content, Entry, Node, Remarks};

/// What to do with columns that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing is written.
    Keep,
    /// They give way.
    Replace,
}

/// Why a text is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are columns, or mappings, already.
    Existing(&'static str),
    /// What would have to change stands elsewhere, or cannot be found.
    Place(&'static str, &'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Existing(key) => {
                write!(f, "the manifest declares `{key}` already; pass --force to replace them")
            }
            Self::Place(key, why) => write!(f, "`{key}` {why}; write the columns there by hand"),
        }
    }
}

impl std::error::Error for Refused {}

/// The text with what was discovered in the document that begins on this line.
///
/// # Errors
/// Says why nothing can be written.
pub fn write_into(
    text: &str,
    line: u32,
    found: &Discovered,
    existing: Existing,
) -> Result<String, Refused> {
    let text = put(text, line, &["spec", "destination", "columns"], &columns(found), existing)?;
    if found.field_mappings.is_empty() && !has_mappings(&text, line) {
        return Ok(text);
    }
    put(&text, line, &["spec", "fieldMappings"], &mappings(found), existing)
}

fn root(text: &str, line: u32) -> Option<Node> {
    let documents = source::read(text, &mut Remarks::default());
    documents.into_iter().map(|it| it.root).find(|root| root.head().line == line)
}

fn has_mappings(text: &str, line: u32) -> bool {
    root(text, line).is_some_and(|root| root.at(&["spec", "fieldMappings"]).is_some())
}

/// Puts a list at a path: in place of the one that is there, or as a new entry.
fn put(
    text: &str,
    line: u32,
    path: &[&'static str],
    items: &[Item<'_>],
    existing: Existing,
) -> Result<String, Refused> {
    let root = root(text, line).ok_or(Refused::Place("spec", "cannot be found"))?;
    let mut owner = &root;
    for (depth, key) in path.iter().enumerate() {
        match own(owner, key)? {
            Some(entry) if matches!(entry.value.content, Content::Null) => {
                return Ok(begin(text, owner, entry, &path[depth + 1..], items));
            }
            Some(entry) => owner = &entry.value,
            None => return insert(text, owner, &path[depth..], items),
        }
    }
    replace(text, owner, path[path.len() - 1], items, existing)
}

/// The entry, if the mapping itself has it.
fn own<'n>(node: &'n Node, key: &'static str) -> Result<Option<&'n Entry>, Refused> {
    match node.entry(key) {
        Some(entry) if entry.merged => Err(Refused::Place(key, "comes from a merge key (`<<`)")),
        Some(entry) if entry.value.alias.is_some() => Err(Refused::Place(key, "is an alias")),
        found => Ok(found),
    }
}

/// Gives a key that has no value one.
fn begin(text: &str, owner: &Node, entry: &Entry, path: &[&str], items: &[Item<'_>]) -> String {
    let null = entry.value.span.range();
    if !text[null.clone()].trim().is_empty() {
        return replaced(text, null, &flow(path, items));
    }
    if is_flow(text, owner) {
        let colon = text[entry.span.end..].find(':').map_or(0, |colon| colon + 1);
        let at = entry.span.end + colon;
        let space = at..at + usize::from(text[at..].starts_with(' '));
        return replaced(text, space, &format!(" {}", flow(path, items)));
    }
    let at = end_of_line(text, entry.span.end);
    let indent = indent(text, entry.span.start) + 2;
    replaced(text, at..at, &nested(path, items, indent, line_break(text)))
}

/// Adds the path as the last entry of a mapping, in the style of the mapping.
fn insert(
    text: &str,
    owner: &Node,
    path: &[&'static str],
    items: &[Item<'_>],
) -> Result<String, Refused> {
    let last = owner.entries().iter().rfind(|entry| !entry.merged);
    if is_flow(text, owner) {
        let entry = format!("{}: {}", path[0], flow(&path[1..], items));
        return Ok(insert_in_flow(text, owner, last, &entry));
    }
    let last = last.ok_or(Refused::Place(path[0], "has no entries beside it to stand with"))?;
    let at = end_of_line(text, end_of(text, last));
    let indent = indent(text, last.span.start);
    Ok(replaced(text, at..at, &nested(path, items, indent, line_break(text))))
}

fn insert_in_flow(text: &str, owner: &Node, last: Option<&Entry>, entry: &str) -> String {
    let (at, new) = match last {
        Some(last) => (end_of(text, last), format!(", {entry}")),
        None if owner.entries().is_empty() => (owner.span.start + 1, entry.to_owned()),
        None => (owner.span.start + 1, format!("{entry}, ")),
    };
    replaced(text, at..at, &new)
}

/// Puts the items in place of those that are there, in the same style.
fn replace(
    text: &str,
    list: &Node,
    key: &'static str,
    items: &[Item<'_>],
    existing: Existing,
) -> Result<String, Refused> {
    let Content::List(old) = &list.content else {
        return Err(Refused::Place(key, "is no list"));
    };
    if !old.is_empty() && existing == Existing::Keep {
        return Err(Refused::Existing(key));
    }
    let range = start(text, list.span.start)..end(text, list);
    let new = if text[range.clone()].starts_with('[') {
        flow(&[], items)
    } else {
        let indent = indent(text, range.start);
        block(items, indent, line_break(text)).trim_start().to_owned()
    };
    Ok(replaced(text, range, &new))
}

/// Where a list begins. The span of a block that is not indented leaves out its first dash.
fn start(text: &str, at: usize) -> usize {
    if text[at..].starts_with(['-', '[']) {
        return at;
    }
    text[..at].rfind('-').unwrap_or(at)
}

/// Where a value ends. The span of a block reaches to the next thing, so its last leaf is asked.
fn end(text: &str, node: &Node) -> usize {
    if let Some(alias) = node.alias {
        return alias.end;
    }
    let piece = &text[node.span.range()];
    let last = match &node.content {
        _ if piece.starts_with(['{', '[']) => None,
        Content::Map(entries) => entries.iter().rfind(|it| !it.merged).map(|it| &it.value),
        Content::List(items) => items.last(),
        _ => None,
    };
    last.map_or_else(|| node.span.start + piece.trim_end().len(), |last| end(text, last))
}

fn end_of(text: &str, entry: &Entry) -> usize {
    end(text, &entry.value).max(entry.span.end)
}

fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find(['\r', '\n']).map_or(text.len(), |end| at + end)
}

fn is_flow(text: &str, node: &Node) -> bool {
    text[node.span.start..].starts_with('{')
}

fn indent(text: &str, at: usize) -> usize {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[line..at].chars().count()
}

fn replaced(text: &str, range: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..range.start], &text[range.end..])
}

fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}
