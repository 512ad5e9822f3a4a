//! What stands in an exported manifest where the API needs a value and returns none.

use serde_json::Value;

use model::path::{FieldPath, VisitedPath};

/// The placeholder for a value that somebody has to write.
pub const FILL_IN: &str = "FILL_IN";

/// The fields of a request in which the placeholder still stands.
// Hazard: the API would take it for the value, after the pipe that worked was deleted.
pub fn unfilled_fields(body: &Value) -> Vec<FieldPath> {
    let mut found = Vec::new();
    visit_value(body, &VisitedPath::root(), &mut found);
    found
}

fn visit_value(value: &Value, at: &VisitedPath<'_>, found: &mut Vec<FieldPath>) {
    match value {
        Value::String(text) if text == FILL_IN => found.push(at.to_field_path()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| visit_value(item, &at.index(index), found));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, field)| visit_value(field, &at.key(name), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
