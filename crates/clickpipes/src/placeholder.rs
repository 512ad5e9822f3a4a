//! What stands in an exported manifest where the API needs a value and returns none.

use serde_json::Value;

use model::path::{FieldPath, VisitedPath, visit_texts};

/// The placeholder for a value that somebody has to write.
pub const FILL_IN: &str = "FILL_IN";

/// The fields of a request in which the placeholder still stands.
// Hazard: the API would take it for the value, after the pipe that worked was deleted.
pub fn unfilled_fields(body: &Value) -> Vec<FieldPath> {
    let mut found = Vec::new();
    visit_texts(body, &VisitedPath::root(), &mut |at, text| {
        if text == FILL_IN {
            found.push(at.to_field_path());
        }
    });
    found
}
