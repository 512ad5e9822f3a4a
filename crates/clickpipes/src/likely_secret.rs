//! Guesses whether an unknown value contains a secret.

use serde_json::Value;

use crate::kinds;
use crate::secrets::forms::is_private_key;
use crate::secrets::names::{has_secret_assignment, has_secret_name};
use crate::semantics::redact_uri_password;

/// Decides by the names on the path and by the text. False positives are preferred.
pub fn has_likely_secret(field_path: &str, value: &Value) -> bool {
    let name = field_path.rsplit('.').next().unwrap_or(field_path);
    kinds::secret_field_names().contains(name)
        || match value {
            Value::String(text) => {
                has_secret_name(field_path)
                    || redact_uri_password(text) != *text
                    || is_private_key(text)
                    || has_secret_assignment(text)
            }
            Value::Array(items) => items.iter().any(|item| has_likely_secret(field_path, item)),
            Value::Object(fields) => {
                fields.iter().any(|(name, value)| has_likely_secret(&format!("{field_path}.{name}"), value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
}
