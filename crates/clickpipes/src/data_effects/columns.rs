//! The effects of changing the columns of a pipe, whose table nobody alters.

use serde_json::Value;

use crate::blocking_tables::{qualified_name, quote_identifier};
use crate::pipe::written_tables::written_tables;
use model::address::Kind;

/// What the table needs before the columns of the live pipe become the desired ones, one sentence each. The API changes
/// what the pipe inserts, and never the table.
pub fn column_effects(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    let (tables, is_pipe) = (written_tables(live), kind == Kind::ClickPipe);
    let Some(table) = tables.first().filter(|table| is_pipe && table.mapping.is_none()) else { return Vec::new() };
    let columns = |body: &Value| -> Vec<(String, String)> {
        let text = |column: &Value, key: &str| column[key].as_str().unwrap_or_default().to_owned();
        let columns = body["destination"]["columns"].as_array().into_iter().flatten();
        columns.map(|column| (text(column, "name"), text(column, "type"))).collect()
    };
    let (before, after, name) = (columns(live), columns(desired), qualified_name(table));
    let statement = |(column, of): &(String, String)| {
        let verb = match before.iter().find(|(name, _)| name == column) {
            None => "ADD",
            Some((_, was)) if was != of => "MODIFY",
            Some(_) => return None,
        };
        Some(format!("{verb} COLUMN {} {of}", quote_identifier(column)))
    };
    let alters: Vec<String> = after.iter().filter_map(statement).collect();
    let altered = (!alters.is_empty()).then(|| {
        format!("table `{name}` is not altered: before apply, run `ALTER TABLE {name} {};`", alters.join(", "))
    });
    let removed = before.iter().filter(|(name, _)| after.iter().all(|(other, _)| other != name));
    let removed: Vec<String> = removed.map(|(name, _)| format!("`{name}`")).collect();
    let kept = (!removed.is_empty() && !after.is_empty())
        .then(|| format!("table `{name}` keeps {}, with the default of the column in new rows", removed.join(", ")));
    let new = after.iter().map(|(column, _)| column).filter(|column| before.iter().all(|(name, _)| name != *column));
    altered.into_iter().chain(kept).chain(unmapped_note(new, desired, live)).collect()
}

/// New columns that the live mappings leave out, where git does not manage these.
// The schema says that every column needs a mapping as soon as there is one. A rule tells of mappings that are declared.
fn unmapped_note<'c>(new: impl Iterator<Item = &'c String>, desired: &Value, live: &Value) -> Option<String> {
    let mapped: Vec<&Value> =
        live["fieldMappings"].as_array().into_iter().flatten().map(|mapping| &mapping["destinationField"]).collect();
    if mapped.is_empty() || !desired["fieldMappings"].is_null() {
        return None;
    }
    let unmapped: Vec<String> =
        new.filter(|column| mapped.iter().all(|name| *name != *column)).map(|column| format!("`{column}`")).collect();
    (!unmapped.is_empty()).then(|| {
        format!(
            "no field mapping of the live pipe leads to {}, which may stay empty: declare the live `fieldMappings` and \
             what is missing",
            unmapped.join(", ")
        )
    })
}
