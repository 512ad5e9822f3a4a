//! Fields of a pipe that name columns which its table does not have any more.

use std::collections::BTreeSet;

use model::address::Kind;
use model::path::FieldPath;
use serde_json::Value;

/// Fields that name columns of the destination, as names or in SQL.
const COLUMN_FIELDS: [&str; 6] = [
    "destination.tableDefinition.sortingKey",
    "destination.tableDefinition.primaryKey",
    "destination.tableDefinition.partitionBy",
    "destination.tableDefinition.ttl",
    "destination.tableDefinition.engine.versionColumnId",
    "destination.tableDefinition.engine.columnIds",
];

/// The fields of `body` that name columns which `live` has and `body` lacks, the last entry of a list first.
pub fn find_removed_columns(kind: Kind, body: &Value, live: &Value) -> Vec<FieldPath> {
    if kind != Kind::ClickPipe {
        return Vec::new();
    }
    let mut removed = column_names(live);
    let left = column_names(body);
    removed.retain(|name| !left.contains(name));
    let names_removed = |path: &FieldPath| path.value_in(body).is_some_and(|value| names_any(value, &removed));
    let fields = COLUMN_FIELDS.iter().map(|path| FieldPath::parse(path)).filter(names_removed);
    // Removing single entries of the mappings: without the others, columns would be filled from other fields than
    // before.
    let leads_to_removed =
        |mapping: &Value| mapping["destinationField"].as_str().is_some_and(|name| removed.contains(name));
    let mappings = body["fieldMappings"].as_array().into_iter().flatten().enumerate();
    let mappings: Vec<_> = mappings.filter(|(_, mapping)| leads_to_removed(mapping)).collect();
    let list = FieldPath::parse("fieldMappings");
    let mappings = mappings.into_iter().rev().map(|(index, _)| list.child(index));
    fields.chain(mappings).chain(excluded_columns(body)).collect()
}

/// The fields of table mappings that name a column which the mapping excludes.
fn excluded_columns(body: &Value) -> Vec<FieldPath> {
    let mut found = Vec::new();
    for (name, source) in body["source"].as_object().into_iter().flatten() {
        let list = FieldPath::parse("source").child(name).child("tableMappings");
        for (index, mapping) in source["tableMappings"].as_array().into_iter().flatten().enumerate() {
            let excluded = |name: &Value| mapping["excludedColumns"].as_array().is_some_and(|all| all.contains(name));
            let keys = mapping["sortingKeys"].as_array().into_iter().flatten().enumerate();
            let keys =
                keys.filter(|(_, key)| excluded(key)).map(|(at, _)| list.child(index).child("sortingKeys").child(at));
            found.extend(keys.collect::<Vec<_>>().into_iter().rev());
            if excluded(&mapping["partitionKey"]) {
                found.push(list.child(index).child("partitionKey"));
            }
        }
    }
    found
}

fn column_names(body: &Value) -> BTreeSet<&str> {
    let columns = body["destination"]["columns"].as_array().into_iter().flatten();
    columns.filter_map(|column| column["name"].as_str()).collect()
}

fn names_any(value: &Value, columns: &BTreeSet<&str>) -> bool {
    match value {
        Value::String(text) => columns.iter().any(|column| names_column(text, column)),
        Value::Array(items) => items.iter().any(|item| names_any(item, columns)),
        _ => false,
    }
}

/// Whether the SQL text contains the column as a whole word.
fn names_column(sql: &str, column: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    sql.match_indices(column)
        .any(|(start, found)| !sql[..start].ends_with(is_word) && !sql[start + found.len()..].starts_with(is_word))
}
