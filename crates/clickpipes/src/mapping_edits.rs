//! Table mappings that are removed to be added again otherwise.

use serde_json::Value;

use crate::pipe::source::SourceKind;

/// The target tables whose mappings the first bodies remove and the others add: between the two no pipe fills them.
pub fn tables_between<'b>(
    sent: impl Iterator<Item = &'b Value>,
    unsent: impl Iterator<Item = &'b Value>,
) -> Vec<&'b str> {
    let added: Vec<&str> = unsent.flat_map(|body| target_tables(body, "tableMappingsToAdd")).collect();
    let mut tables: Vec<&str> = sent.flat_map(|body| target_tables(body, "tableMappingsToRemove")).collect();
    tables.retain(|table| added.contains(table));
    tables
}

fn target_tables<'b>(body: &'b Value, list: &str) -> impl Iterator<Item = &'b str> {
    let entries = SourceKind::in_body(body).and_then(|(_, source)| source[list].as_array());
    entries.into_iter().flatten().filter_map(|entry| entry["targetTable"].as_str())
}
