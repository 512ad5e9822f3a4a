//! JSON as values of CEL.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value;
use serde_json::Value as Json;

/// The value of CEL. Whole numbers are `int` where they fit: CEL does not add an `int` and a `uint`.
pub(crate) fn to_cel(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => text_value(text),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Json::Object(fields) => {
            let fields: HashMap<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), to_cel(value))).collect();
            Value::Map(fields.into())
        }
    }
}

pub(crate) fn text_value(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

/// A value in a message.
pub(crate) fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.as_ref().clone(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::List(items) => items.iter().map(to_text).collect::<Vec<_>>().join(", "),
        Value::Null => "null".to_owned(),
        other => format!("({})", other.type_of()),
    }
}
