//! The destination, and the mapping of fields to its columns.

use serde_json::{Map, Value};

use crate::body::{given, is_true, object, objects, text, texts};
use crate::contract::check::Complaints;
use crate::contract::source::Source;

/// Keys that a database pipe must not give: it makes its tables itself.
const TABLE_SHAPED: [&str; 4] = ["table", "managedTable", "tableDefinition", "columns"];

/// Says what is wrong with the shape, before the rows are looked at.
pub(crate) fn check_shape(destination: &Map<String, Value>, complaints: &mut Complaints) {
    for name in TABLE_SHAPED.iter().filter(|name| destination.contains_key(**name)) {
        let at = format!("destination.{name}");
        match destination[*name].as_str() {
            Some("") => complaints.say(&at, "'' is not for database pipes"),
            _ => complaints.say(&at, "is not for database pipes"),
        }
    }
}

pub(crate) fn is_table_shaped(name: &str) -> bool {
    TABLE_SHAPED.contains(&name)
}

pub(crate) fn check(
    source: Source,
    destination: &Map<String, Value>,
    mappings: &[Value],
    complaints: &mut Complaints,
) {
    if source.is_database() {
        if !mappings.is_empty() {
            complaints.say("fieldMappings", "is not for database pipes");
        }
        return;
    }
    check_definition(destination, complaints);
    check_field_mappings(destination, mappings, complaints);
}

fn check_definition(destination: &Map<String, Value>, complaints: &mut Complaints) {
    let Some(definition) = object(destination, "tableDefinition") else {
        if is_true(destination, "managedTable") {
            complaints.say("destination.tableDefinition", "is required with managedTable");
        }
        return;
    };
    let Some(engine) = object(definition, "engine") else { return };
    let at = "destination.tableDefinition.engine";
    let kind = text(engine, "type").unwrap_or_default();
    let column =
        |name: &str| objects(destination, "columns").any(|each| text(each, "name") == Some(name));
    if kind == "ReplacingMergeTree" {
        check_replacing(definition, engine, complaints);
    } else if given(engine, "versionColumnId") {
        let text = "is only allowed with ReplacingMergeTree";
        complaints.say(&format!("{at}.versionColumnId"), text);
    }
    if text(engine, "versionColumnId").is_some_and(|name| !column(name)) {
        complaints.say(&format!("{at}.versionColumnId"), "is not among the columns");
    }
    if kind != "SummingMergeTree" && given(engine, "columnIds") {
        complaints.say(&format!("{at}.columnIds"), "is only allowed with SummingMergeTree");
    }
    if texts(engine, "columnIds").any(|name| !column(name)) {
        complaints.say(&format!("{at}.columnIds"), "names something that is not among the columns");
    }
}

fn check_replacing(
    definition: &Map<String, Value>,
    engine: &Map<String, Value>,
    complaints: &mut Complaints,
) {
    let at = "destination.tableDefinition";
    if !given(engine, "versionColumnId") {
        let text = "is required with ReplacingMergeTree";
        complaints.say(&format!("{at}.engine.versionColumnId"), text);
    }
    if texts(definition, "sortingKey").next().is_none() {
        complaints.say(&format!("{at}.sortingKey"), "is required with ReplacingMergeTree");
    }
}

/// Mappings are all or nothing: every column has one, and none goes elsewhere.
pub(crate) fn check_field_mappings(
    destination: &Map<String, Value>,
    mappings: &[Value],
    complaints: &mut Complaints,
) {
    if mappings.is_empty() {
        return;
    }
    let columns: Vec<&str> =
        objects(destination, "columns").filter_map(|column| text(column, "name")).collect();
    let mapped: Vec<&str> =
        mappings.iter().filter_map(|mapping| mapping["destinationField"].as_str()).collect();
    if columns.iter().any(|column| !mapped.contains(column)) {
        complaints.say("fieldMappings", "must cover every destination column");
    }
    if mapped.iter().any(|field| !columns.contains(field)) {
        complaints.say("fieldMappings", "has a destinationField that is not among the columns");
    }
}
