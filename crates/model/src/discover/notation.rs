//! How columns and mappings are written.

use super::Discovered;
use crate::export::literal;

/// One column, or one mapping: two keys and their values.
pub(super) type Item<'i> = [(&'static str, &'i str); 2];

/// Both lists, ready to paste.
pub(super) fn show(found: &Discovered) -> String {
    let mut shown = format!("columns:\n{}\n", block(&columns(found), 2, "\n"));
    if !found.field_mappings.is_empty() {
        shown.push_str("fieldMappings:\n");
        shown.push_str(&block(&mappings(found), 2, "\n"));
        shown.push('\n');
    }
    shown
}

pub(super) fn columns(found: &Discovered) -> Vec<Item<'_>> {
    found.columns.iter().map(|it| [("name", &*it.name), ("type", &*it.r#type)]).collect()
}

/// Where all names are the same, each field to the column of its name.
pub(super) fn mappings(found: &Discovered) -> Vec<Item<'_>> {
    let pair = |from, to| [("sourceField", from), ("destinationField", to)];
    if found.field_mappings.is_empty() {
        return found.columns.iter().map(|it| pair(&*it.name, &*it.name)).collect();
    }
    let mappings = found.field_mappings.iter();
    mappings.map(|it| pair(&*it.source_field, &*it.destination_field)).collect()
}

/// On one line, as a value: nested under the keys of the path.
pub(super) fn flow(path: &[&str], items: &[Item<'_>]) -> String {
    let list = format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(", "));
    path.iter().rev().fold(list, |inner, key| format!("{{{key}: {inner}}}"))
}

/// A line for each item.
pub(super) fn block(items: &[Item<'_>], indent: usize, newline: &str) -> String {
    let lines = items.iter().map(|it| format!("{}- {}", " ".repeat(indent), item(it)));
    lines.collect::<Vec<_>>().join(newline)
}

/// The same below the keys of the path, each on a line; begins with a line break.
pub(super) fn nested(path: &[&str], items: &[Item<'_>], indent: usize, newline: &str) -> String {
    let key = |(depth, key)| format!("{newline}{}{key}:", " ".repeat(indent + 2 * depth));
    let keys: String = path.iter().enumerate().map(key).collect();
    format!("{keys}{newline}{}", block(items, indent + 2 * path.len(), newline))
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
    literal(text).to_string()
}
