//! Decodes objects from results: only their id, name and state.

use model::address::{Kind, Name};
use model::live::{Id, Object, State};
use model::path::FieldPath;
use serde_json::Value;

use crate::envelope::malformed_result;
use crate::error::Error;
use crate::transport::Method;

/// A live object and its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DecodedObject {
    pub(crate) name: Name,
    pub(crate) object: Object,
}

pub(crate) fn decode_object(kind: Kind, method: Method, path: &str, body: Value) -> Result<DecodedObject, Error> {
    let id = body.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let Some(id) = id else {
        return Err(malformed_result(method, path, "holds an object without an id"));
    };
    let text = |path: Option<FieldPath>| {
        path.as_ref().and_then(|path| path.value_in(&body)).and_then(Value::as_str).unwrap_or_default()
    };
    let name = Name::new(text(kind.name_path()));
    let state = State::new(text(kind.state_path()));
    Ok(DecodedObject { name, object: Object { id: Id::new(id), state, body } })
}

pub(crate) fn decode_list(kind: Kind, path: &str, result: Value) -> Result<Vec<DecodedObject>, Error> {
    // Hazard: a missing list read as an empty one, or a pipe read without its name, looks like a pipe that does not
    // exist, and the plan would create it a second time.
    let Value::Array(bodies) = result else {
        return Err(malformed_result(Method::Get, path, "holds no list"));
    };
    let is_named = |body: &Value| kind.name_path().is_none_or(|path| path.value_in(body).is_some_and(Value::is_string));
    let named = |body: Value| {
        let item = decode_object(kind, Method::Get, path, body)?;
        let nameless = || malformed_result(Method::Get, path, "holds an object without a name");
        is_named(&item.object.body).then_some(item).ok_or_else(nameless)
    };
    bodies.into_iter().map(named).collect()
}
