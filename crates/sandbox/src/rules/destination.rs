//! The destination, and the mapping of fields to its columns.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::api_rule::ApiRule;
use crate::contract::source::ApiSource;
use crate::contract::validate::Complaints;
use crate::json_body::{has_value, is_true, object_field, object_items, text_field, text_items};

// A database pipe creates its tables from the mappings, and the API refuses these keys (seen live).
const TABLE_ONLY_KEYS: [&str; 4] = ["table", "managedTable", "tableDefinition", "columns"];

pub(crate) fn refuse_table_keys(destination: &Map<String, Value>, complaints: &mut Complaints) {
    for name in TABLE_ONLY_KEYS.iter().filter(|name| destination.contains_key(**name)) {
        let path = format!("destination.{name}");
        match destination[*name].as_str() {
            Some("") => complaints.refuse(ApiRule::DatabaseDestination, &path, "'' is not for database pipes"),
            _ => complaints.refuse(ApiRule::DatabaseDestination, &path, "is not for database pipes"),
        }
    }
}

pub(crate) fn is_table_key(name: &str) -> bool {
    TABLE_ONLY_KEYS.contains(&name)
}

pub(crate) fn validate_destination(
    source: ApiSource,
    destination: &Map<String, Value>,
    mappings: &[Value],
    complaints: &mut Complaints,
) {
    validate_roles(destination, complaints);
    validate_names(destination, complaints);
    // The table checks below are about one table with columns. A database pipe has a table for each mapping.
    if source.is_database() {
        if !mappings.is_empty() {
            complaints.refuse(ApiRule::DatabaseDestination, "fieldMappings", "is not for database pipes");
        }
        return;
    }
    validate_table_definition(destination, complaints);
    validate_sorting_key(destination, complaints);
    validate_field_mappings(destination, mappings, complaints);
}

fn validate_table_definition(destination: &Map<String, Value>, complaints: &mut Complaints) {
    let Some(definition) = object_field(destination, "tableDefinition") else {
        if is_true(destination, "managedTable") {
            complaints.refuse(ApiRule::ManagedTable, "destination.tableDefinition", "is required with managedTable");
        }
        return;
    };
    if destination.get("managedTable") == Some(&Value::Bool(false)) {
        let text = "is only allowed with managedTable";
        complaints.refuse(ApiRule::UnmanagedTable, "destination.tableDefinition", text);
    }
    let Some(engine) = object_field(definition, "engine") else { return };
    let path = "destination.tableDefinition.engine";
    let kind = text_field(engine, "type").unwrap_or_default();
    let has_column =
        |name: &str| object_items(destination, "columns").any(|each| text_field(each, "name") == Some(name));
    if kind == "ReplacingMergeTree" {
        validate_replacing_engine(definition, engine, complaints);
    } else if has_value(engine, "versionColumnId") {
        let text = "is only allowed with ReplacingMergeTree";
        complaints.refuse(ApiRule::VersionColumn, &format!("{path}.versionColumnId"), text);
    }
    if text_field(engine, "versionColumnId").is_some_and(|name| !has_column(name)) {
        complaints.refuse(ApiRule::VersionColumn, &format!("{path}.versionColumnId"), "is not among the columns");
    }
    if kind != "SummingMergeTree" && has_value(engine, "columnIds") {
        complaints.refuse(
            ApiRule::SummedColumns,
            &format!("{path}.columnIds"),
            "is only allowed with SummingMergeTree",
        );
    }
    if text_items(engine, "columnIds").any(|name| !has_column(name)) {
        complaints.refuse(
            ApiRule::SummedColumns,
            &format!("{path}.columnIds"),
            "names something that is not among the columns",
        );
    }
}

// The newer schema states both requirements in words.
fn validate_sorting_key(destination: &Map<String, Value>, complaints: &mut Complaints) {
    let Some(definition) = object_field(destination, "tableDefinition") else { return };
    for (index, entry) in text_items(definition, "sortingKey").enumerate() {
        let path = format!("destination.tableDefinition.sortingKey[{index}]");
        let column = object_items(destination, "columns").find(|column| text_field(column, "name") == Some(entry));
        if entry.contains(',') {
            complaints.refuse(ApiRule::TableSortingKey, &path, "must not contain a comma");
        }
        if column.and_then(|it| text_field(it, "type")).is_some_and(is_nullable) {
            complaints.refuse(ApiRule::TableSortingKey, &path, "must not be Nullable");
        }
    }
}

// ClickHouse counts both as `Nullable` (`allow_nullable_key`).
fn is_nullable(column_type: &str) -> bool {
    let plain = column_type.replace(' ', "");
    plain.starts_with("Nullable(") || plain.starts_with("LowCardinality(Nullable(")
}

// The server reserves these databases. A dot was probably meant to separate the database from the table.
fn validate_names(destination: &Map<String, Value>, complaints: &mut Complaints) {
    let database = text_field(destination, "database").map(str::to_lowercase);
    if database.is_some_and(|name| ["system", "information_schema"].contains(&name.as_str())) {
        complaints.refuse(ApiRule::SystemDatabase, "destination.database", "is a database of the server");
    }
    if text_field(destination, "table").is_some_and(|name| name.contains('.')) {
        complaints.refuse(ApiRule::DottedTable, "destination.table", "has a dot in it");
    }
    let columns = object_items(destination, "columns").filter_map(|column| text_field(column, "name"));
    if has_duplicates(columns) {
        complaints.refuse(ApiRule::DuplicateColumn, "destination.columns", "has two columns of one name");
    }
}

fn has_duplicates<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = BTreeSet::new();
    names.any(|name| !seen.insert(name))
}

// For every pipe, including database pipes.
fn validate_roles(destination: &Map<String, Value>, complaints: &mut Complaints) {
    for role in text_items(destination, "roles").filter(|role| ["clickpipes", "clickpipes_system"].contains(role)) {
        complaints.refuse(ApiRule::ReservedRole, "destination.roles", format!("'{role}' is reserved"));
    }
}

fn validate_replacing_engine(
    definition: &Map<String, Value>,
    engine: &Map<String, Value>,
    complaints: &mut Complaints,
) {
    let path = "destination.tableDefinition";
    if !has_value(engine, "versionColumnId") {
        let text = "is required with ReplacingMergeTree";
        complaints.refuse(ApiRule::VersionColumn, &format!("{path}.engine.versionColumnId"), text);
    }
    if text_items(definition, "sortingKey").next().is_none() {
        complaints.refuse(ApiRule::ReplacingKey, &format!("{path}.sortingKey"), "is required with ReplacingMergeTree");
    }
}

pub(crate) fn validate_field_mappings(
    destination: &Map<String, Value>,
    mappings: &[Value],
    complaints: &mut Complaints,
) {
    if mappings.is_empty() {
        return;
    }
    let columns: Vec<&str> =
        object_items(destination, "columns").filter_map(|column| text_field(column, "name")).collect();
    let mapped: Vec<&str> = mappings.iter().filter_map(|mapping| mapping["destinationField"].as_str()).collect();
    if columns.iter().any(|column| !mapped.contains(column)) {
        complaints.refuse(ApiRule::UnmappedColumn, "fieldMappings", "must cover every destination column");
    }
    if has_duplicates(mapped.iter().copied()) {
        complaints.refuse(ApiRule::DuplicateFieldMapping, "fieldMappings", "has two mappings of one column");
    }
    if mapped.iter().any(|field| !columns.contains(field)) {
        complaints.refuse(
            ApiRule::MappedColumn,
            "fieldMappings",
            "has a destinationField that is not among the columns",
        );
    }
}
