//! Fields of a JSON body.

use serde_json::{Map, Value};

use crate::http_types::ApiRefusal;

// Far above any request of the API. The limit of the real one is unknown.
pub(crate) const MAX_BODY_BYTES: usize = 4 << 20;

pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, ApiRefusal> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(ApiRefusal::with_code(413, "PAYLOAD_TOO_LARGE", "body is too large (sandbox wording)"));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiRefusal::bad_request("body: must be a JSON object")),
        // The message of the parser contains a position and no content, which may be a secret.
        Err(error) => Err(ApiRefusal::bad_request(format!("body: not JSON: {error}"))),
    }
}

/// `None` also for an empty text, which the API returns for an unset one.
pub(crate) fn text_field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(crate) fn is_true(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

pub(crate) fn has_value(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).is_some_and(|value| !value.is_null())
}

pub(crate) fn object_field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    object.get(name).and_then(Value::as_object)
}

pub(crate) fn object_items<'a>(
    object: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let items = object.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_object)
}

pub(crate) fn text_items<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a str> {
    let items = object.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str)
}
