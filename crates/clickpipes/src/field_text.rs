//! The value of a field as a text.

use model::path::value_at;
use serde_json::Value;

use crate::local_fields::whole_number;

/// The text or number at a field; empty for a reference to a secret.
pub(crate) fn text_at(value: &Value, field: &str) -> String {
    match value_at(value, field) {
        Some(Value::String(text)) => text.clone(),
        // An API may answer `77.0` for `77`.
        Some(Value::Number(number)) => {
            whole_number(number).map_or_else(|| number.to_string(), |number| number.to_string())
        }
        _ => String::new(),
    }
}
