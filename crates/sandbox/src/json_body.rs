//! Small questions to a JSON object.

use serde_json::{Map, Value};

use crate::http_types::ApiRefusal;

/// No request of the API is anywhere near this size.
pub(crate) const MAX_BODY_BYTES: usize = 4 << 20;

pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, ApiRefusal> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(ApiRefusal::with_code(413, "PAYLOAD_TOO_LARGE", "body is too large (sandbox wording)"));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiRefusal::bad_request("body: must be a JSON object")),
        // The parser's message tells a place and no content.
        Err(error) => Err(ApiRefusal::bad_request(format!("body: not JSON: {error}"))),
    }
}

/// A text that was given and is not empty: the API reads an unset text as "".
pub(crate) fn text_field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(crate) fn is_true(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Whether a value was given: neither left out nor `null`.
pub(crate) fn has_value(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).is_some_and(|value| !value.is_null())
}

pub(crate) fn object_field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    object.get(name).and_then(Value::as_object)
}

/// The objects of a list; none when it was not given.
pub(crate) fn object_items<'a>(
    object: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let items = object.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_object)
}

/// The texts of a list; none when it was not given.
pub(crate) fn text_items<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a str> {
    let items = object.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str)
}
