//! Writes columns into the text of a manifest. All other bytes stay: comments, order, line endings.

use std::ops::Range;

use super::DiscoveredSchema;
use super::column_yaml::{YamlPair, block_list, column_items, flow_list, mapping_items, nested_block_list};
use model::yaml::{self, PendingDiagnostics, YamlContent, YamlEntry, YamlNode};

/// The treatment of columns that the manifest already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistingColumns {
    /// They are kept, and nothing is written.
    Keep,
    /// They are replaced.
    Replace,
}

/// The reason why a text was not edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditRefused {
    /// The manifest has the key already.
    AlreadyDeclared(&'static str),
    /// The key cannot be edited, and why.
    NotEditable(&'static str, &'static str),
}

/// The text with the columns and mappings in the document that begins on this line.
///
/// # Errors
/// The reason why nothing can be written.
pub fn write_columns(
    text: &str,
    line: u32,
    found: &DiscoveredSchema,
    existing: ExistingColumns,
) -> Result<String, EditRefused> {
    // The second edit starts from the new text: the first one has moved every position behind it.
    let text = put_list(text, line, &["spec", "destination", "columns"], &column_items(found), existing)?;
    if found.field_mappings.is_empty() && !has_field_mappings(&text, line) {
        return Ok(text);
    }
    put_list(&text, line, &["spec", "fieldMappings"], &mapping_items(found), existing)
}

fn find_document(text: &str, line: u32) -> Option<YamlNode> {
    let documents = yaml::read_documents(text, &mut PendingDiagnostics::default());
    documents.into_iter().map(|it| it.root).find(|root| root.head_span().line == line)
}

fn has_field_mappings(text: &str, line: u32) -> bool {
    find_document(text, line).is_some_and(|root| root.node_at(&["spec", "fieldMappings"]).is_some())
}

/// Writes a list at a path: in place of a present one, or as a new entry.
fn put_list(
    text: &str,
    line: u32,
    path: &[&'static str],
    items: &[YamlPair<'_>],
    existing: ExistingColumns,
) -> Result<String, EditRefused> {
    let root = find_document(text, line).ok_or(EditRefused::NotEditable("spec", "cannot be found"))?;
    let mut owner = &root;
    for (depth, key) in path.iter().enumerate() {
        match own_entry(owner, key)? {
            Some(entry) if matches!(entry.value.content, YamlContent::Null) => {
                return Ok(fill_empty_entry(text, owner, entry, &path[depth + 1..], items));
            }
            Some(entry) => owner = &entry.value,
            None => return append_entry(text, owner, &path[depth..], items),
        }
    }
    replace_list(text, owner, path[path.len() - 1], items, existing)
}

/// The entry with this key, if it is written in the mapping itself.
fn own_entry<'n>(node: &'n YamlNode, key: &'static str) -> Result<Option<&'n YamlEntry>, EditRefused> {
    // An edit of an alias or a merged entry would change every other place that uses the anchor.
    match node.entry(key) {
        Some(entry) if entry.merged => Err(EditRefused::NotEditable(key, "comes from a merge key (`<<`)")),
        Some(entry) if entry.value.alias.is_some() => Err(EditRefused::NotEditable(key, "is an alias")),
        found => Ok(found),
    }
}

/// Writes the list as the value of a key without one (`columns:` or `columns: null`).
fn fill_empty_entry(text: &str, owner: &YamlNode, entry: &YamlEntry, path: &[&str], items: &[YamlPair<'_>]) -> String {
    let null = entry.value.span.byte_range();
    if !text[null.clone()].trim().is_empty() {
        return splice_text(text, null, &flow_list(path, items));
    }
    if is_flow_style(text, owner) {
        let colon = text[entry.span.end..].find(':').map_or(0, |colon| colon + 1);
        let at = entry.span.end + colon;
        let space = at..at + usize::from(text[at..].starts_with(' '));
        return splice_text(text, space, &format!(" {}", flow_list(path, items)));
    }
    let at = end_of_line(text, entry.span.end);
    let indent = indent_width(text, entry.span.start) + 2;
    splice_text(text, at..at, &nested_block_list(path, items, indent, line_break(text)))
}

/// Adds the last entry of a mapping, in the style of the mapping.
fn append_entry(
    text: &str,
    owner: &YamlNode,
    path: &[&'static str],
    items: &[YamlPair<'_>],
) -> Result<String, EditRefused> {
    let last = owner.entries().iter().rfind(|entry| !entry.merged);
    if is_flow_style(text, owner) {
        let entry = format!("{}: {}", path[0], flow_list(&path[1..], items));
        return Ok(append_flow_entry(text, owner, last, &entry));
    }
    let last = last.ok_or(EditRefused::NotEditable(path[0], "would be the first entry of its mapping"))?;
    let at = end_of_line(text, entry_end(text, last));
    let indent = indent_width(text, last.span.start);
    Ok(splice_text(text, at..at, &nested_block_list(path, items, indent, line_break(text))))
}

fn append_flow_entry(text: &str, owner: &YamlNode, last: Option<&YamlEntry>, entry: &str) -> String {
    let (at, new) = match last {
        Some(last) => (entry_end(text, last), format!(", {entry}")),
        None if owner.entries().is_empty() => (owner.span.start + 1, entry.to_owned()),
        None => (owner.span.start + 1, format!("{entry}, ")),
    };
    splice_text(text, at..at, &new)
}

fn replace_list(
    text: &str,
    list: &YamlNode,
    key: &'static str,
    items: &[YamlPair<'_>],
    existing: ExistingColumns,
) -> Result<String, EditRefused> {
    let YamlContent::List(old) = &list.content else {
        return Err(EditRefused::NotEditable(key, "is not a list"));
    };
    if !old.is_empty() && existing == ExistingColumns::Keep {
        return Err(EditRefused::AlreadyDeclared(key));
    }
    let range = list_start(text, list.span.start)..value_end(text, list);
    let new = if text[range.clone()].starts_with('[') {
        flow_list(&[], items)
    } else {
        let indent = indent_width(text, range.start);
        block_list(items, indent, line_break(text)).trim_start().to_owned()
    };
    Ok(splice_text(text, range, &new))
}

fn list_start(text: &str, at: usize) -> usize {
    // The parser's span of a block list that is not indented begins behind its first dash.
    if text[at..].starts_with(['-', '[']) {
        return at;
    }
    text[..at].rfind('-').unwrap_or(at)
}

fn value_end(text: &str, node: &YamlNode) -> usize {
    if let Some(alias) = node.alias {
        return alias.end;
    }
    let piece = &text[node.span.byte_range()];
    // The parser's span of a block extends to the next token, across comments. Its last leaf ends at the end of its
    // text.
    let last = match &node.content {
        _ if piece.starts_with(['{', '[']) => None,
        YamlContent::Map(entries) => entries.iter().rfind(|it| !it.merged).map(|it| &it.value),
        YamlContent::List(items) => items.last(),
        _ => None,
    };
    last.map_or_else(|| node.span.start + piece.trim_end().len(), |last| value_end(text, last))
}

fn entry_end(text: &str, entry: &YamlEntry) -> usize {
    value_end(text, &entry.value).max(entry.span.end)
}

fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find(['\r', '\n']).map_or(text.len(), |end| at + end)
}

fn is_flow_style(text: &str, node: &YamlNode) -> bool {
    text[node.span.start..].starts_with('{')
}

fn indent_width(text: &str, at: usize) -> usize {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[line..at].chars().count()
}

fn splice_text(text: &str, range: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..range.start], &text[range.end..])
}

fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}
