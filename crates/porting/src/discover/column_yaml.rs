//! Renders columns and mappings as YAML.

use super::DiscoveredSchema;
use crate::export::escape_variables;

/// One column, or one mapping: two keys and their values.
pub(super) type YamlPair<'i> = [(&'static str, &'i str); 2];

pub(super) fn render_yaml(found: &DiscoveredSchema) -> String {
    let mut rendered = format!("columns:\n{}\n", block_list(&column_items(found), 2, "\n"));
    if !found.field_mappings.is_empty() {
        rendered.push_str("fieldMappings:\n");
        rendered.push_str(&block_list(&mapping_items(found), 2, "\n"));
        rendered.push('\n');
    }
    rendered
}

pub(super) fn column_items(found: &DiscoveredSchema) -> Vec<YamlPair<'_>> {
    found.columns.iter().map(|it| [("name", &*it.name), ("type", &*it.r#type)]).collect()
}

pub(super) fn mapping_items(found: &DiscoveredSchema) -> Vec<YamlPair<'_>> {
    let pair = |from, to| [("sourceField", from), ("destinationField", to)];
    // The manifest has mappings already, which may not stay without the new columns.
    if found.field_mappings.is_empty() {
        return found.columns.iter().map(|it| pair(&*it.name, &*it.name)).collect();
    }
    let mappings = found.field_mappings.iter();
    mappings.map(|it| pair(&*it.source_field, &*it.destination_field)).collect()
}

/// A list on one line, nested under the keys of the path.
pub(super) fn flow_list(path: &[&str], items: &[YamlPair<'_>]) -> String {
    let list = format!("[{}]", items.iter().map(render_item).collect::<Vec<_>>().join(", "));
    path.iter().rev().fold(list, |inner, key| format!("{{{key}: {inner}}}"))
}

pub(super) fn block_list(items: &[YamlPair<'_>], indent: usize, newline: &str) -> String {
    let lines = items.iter().map(|it| format!("{}- {}", " ".repeat(indent), render_item(it)));
    lines.collect::<Vec<_>>().join(newline)
}

/// A list below the keys of the path, each on a line. Begins with a line break.
pub(super) fn nested_block_list(path: &[&str], items: &[YamlPair<'_>], indent: usize, newline: &str) -> String {
    let key = |(depth, key)| format!("{newline}{}{key}:", " ".repeat(indent + 2 * depth));
    let keys: String = path.iter().enumerate().map(key).collect();
    format!("{keys}{newline}{}", block_list(items, indent + 2 * path.len(), newline))
}

fn render_item(item: &YamlPair<'_>) -> String {
    let [(first, one), (second, two)] = item;
    format!("{{{first}: {}, {second}: {}}}", render_scalar(one), render_scalar(two))
}

/// Without quotes only if every reader of YAML takes it for this text.
fn render_scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_()".contains(c));
    // Booleans in YAML 1.1, or null: a column `n` would be one for some tools.
    let word = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if plain && !word.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    // As JSON, which is YAML as well.
    escape_variables(text).to_string()
}
