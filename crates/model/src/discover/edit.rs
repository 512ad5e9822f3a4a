//! Puts columns into the text of a manifest and leaves every other byte as it is.

use std::fmt;
use std::ops::Range;

use super::Discovered;
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
    let columns = columns(found);
    let text = put(text, line, &["destination", "columns"], &columns, existing)?;
    if found.field_mappings.is_empty() && !has_mappings(&text, line) {
        return Ok(text);
    }
    let mut mappings = mappings(found);
    if mappings.is_empty() {
        mappings = found.columns.iter().map(|it| pair(&it.name, &it.name)).collect();
    }
    put(&text, line, &["fieldMappings"], &mappings, existing)
}

type Item<'i> = [(&'static str, &'i str); 2];

/// Both lists, as blocks.
pub(super) fn show(found: &Discovered) -> String {
    let mut shown = format!("columns:\n{}\n", block(&columns(found), 2, "\n"));
    if !found.field_mappings.is_empty() {
        shown += &format!("fieldMappings:\n{}\n", block(&mappings(found), 2, "\n"));
    }
    shown
}

fn columns(found: &Discovered) -> Vec<Item<'_>> {
    found.columns.iter().map(|it| [("name", &*it.name), ("type", &*it.r#type)]).collect()
}

fn mappings(found: &Discovered) -> Vec<Item<'_>> {
    let mappings = found.field_mappings.iter();
    mappings.map(|it| pair(&it.source_field, &it.destination_field)).collect()
}

fn pair<'i>(from: &'i str, to: &'i str) -> Item<'i> {
    [("sourceField", from), ("destinationField", to)]
}

fn root(text: &str, line: u32) -> Option<Node> {
    let documents = source::read(text, &mut Remarks::default());
    documents.into_iter().map(|it| it.root).find(|root| root.head().line == line)
}

fn has_mappings(text: &str, line: u32) -> bool {
    root(text, line).is_some_and(|root| root.at(&["spec", "fieldMappings"]).is_some())
}

/// Puts a list at a path below `spec`: in place of the one that is there, or as a new last entry.
fn put(
    text: &str,
    line: u32,
    path: &[&'static str],
    items: &[Item<'_>],
    existing: Existing,
) -> Result<String, Refused> {
    let root = root(text, line).ok_or(Refused::Place("spec", "cannot be found"))?;
    let mut owner = own(&root, "spec")?.ok_or(Refused::Place("spec", "is missing"))?;
    for (depth, key) in path.iter().enumerate() {
        match own(&owner.value, key)? {
            Some(entry) => owner = entry,
            None => return insert(text, &owner.value, &path[depth..], items),
        }
    }
    let Content::List(old) = &owner.value.content else {
        return Err(Refused::Place(path[path.len() - 1], "is no list"));
    };
    if !old.is_empty() && existing == Existing::Keep {
        return Err(Refused::Existing(path[path.len() - 1]));
    }
    let range = start(text, owner.value.span.start)..end(text, &owner.value);
    let new = if text[range.clone()].starts_with('[') {
        flow(items)
    } else {
        let indent = indent(text, range.start);
        block(items, indent, line_break(text)).trim_start().to_owned()
    };
    Ok(replaced(text, range, &new))
}

/// The entry, if the mapping itself has it.
fn own<'n>(node: &'n Node, key: &'static str) -> Result<Option<&'n Entry>, Refused> {
    match node.entry(key) {
        Some(entry) if entry.merged => Err(Refused::Place(key, "comes from a merge key (`<<`)")),
        Some(entry) if entry.value.alias.is_some() => Err(Refused::Place(key, "is an alias")),
        found => Ok(found),
    }
}

/// Adds the path as the last entry of a mapping, in the style of the mapping.
fn insert(
    text: &str,
    owner: &Node,
    path: &[&'static str],
    items: &[Item<'_>],
) -> Result<String, Refused> {
    let own = owner.entries().iter().rfind(|entry| !entry.merged);
    let Some(last) = own else {
        return Err(Refused::Place(path[0], "has no entries beside it to stand with"));
    };
    let at = end(text, &last.value).max(last.span.end);
    if text[owner.span.start..].starts_with('{') {
        let nested = |inner: String, key: &&str| {
            if inner.starts_with('[') {
                format!("{key}: {inner}")
            } else {
                format!("{key}: {{{inner}}}")
            }
        };
        let nested = path.iter().rev().fold(flow(items), nested);
        return Ok(replaced(text, at..at, &format!(", {nested}")));
    }
    let newline = line_break(text);
    let mut indent = indent(text, last.span.start);
    let mut new = String::new();
    for key in path {
        new += &format!("{newline}{}{key}:", " ".repeat(indent));
        indent += 2;
    }
    new += newline;
    new += &block(items, indent, newline);
    let at = at + text[at..].find(['\r', '\n']).unwrap_or(text.len() - at);
    Ok(replaced(text, at..at, &new))
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

fn flow(items: &[Item<'_>]) -> String {
    format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(", "))
}

fn block(items: &[Item<'_>], indent: usize, newline: &str) -> String {
    let lines = items.iter().map(|it| format!("{}- {}", " ".repeat(indent), item(it)));
    lines.collect::<Vec<_>>().join(newline)
}

fn item(item: &Item<'_>) -> String {
    let [(first, one), (second, two)] = item;
    format!("{{{first}: {}, {second}: {}}}", scalar(one), scalar(two))
}

/// Without quotes where every reader of YAML takes it for this text.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_()".contains(c));
    let word = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if plain && !word.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}
