//! The placeholder in exported manifests for values that the API requires but does not return.

use serde_json::Value;

use model::path::{FieldPath, VisitedPath, visit_texts};

/// The placeholder for a value that somebody has to write.
pub const FILL_IN: &str = "FILL_IN";

/// The fields of a request that still contain the placeholder.
// Hazard: the API would accept it as the value, after the working pipe was deleted.
pub fn unfilled_fields(body: &Value) -> Vec<FieldPath> {
    let mut found = Vec::new();
    visit_texts(body, &VisitedPath::root(), &mut |at, text| {
        if text == FILL_IN {
            found.push(at.to_field_path());
        }
    });
    found
}
