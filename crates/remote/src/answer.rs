//! Reads objects out of results: their id, name and state, and nothing else.

use model::address::{Kind, Name};
use model::live::{Id, Object, State};
use model::path::Path;
use serde_json::Value;

use crate::envelope::malformed;
use crate::error::Error;
use crate::transport::Method;

/// A live object under the name that it has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) name: Name,
    pub(crate) object: Object,
}

/// Reads one object.
pub(crate) fn item(kind: Kind, method: Method, path: &str, body: Value) -> Result<Item, Error> {
    let id = body.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let Some(id) = id else {
        return Err(malformed(method, path, "holds an object without an id"));
    };
    let text = |path: Option<Path>| {
        path.as_ref().and_then(|path| path.get(&body)).and_then(Value::as_str).unwrap_or_default()
    };
    let name = Name::new(text(kind.name_path()));
    let state = State::new(text(kind.state_path()));
    Ok(Item { name, object: Object { id: Id::new(id), state, body } })
}

/// Reads a list. One that is missing is not taken for an empty one, nor an object without a name for
/// another one: objects would be made twice.
pub(crate) fn items(kind: Kind, path: &str, result: Value) -> Result<Vec<Item>, Error> {
    let Value::Array(bodies) = result else {
        return Err(malformed(Method::Get, path, "holds no list"));
    };
    let is_named = |body: &Value| {
        kind.name_path().is_none_or(|path| path.get(body).is_some_and(Value::is_string))
    };
    let named = |body: Value| {
        let item = item(kind, Method::Get, path, body)?;
        let nameless = || malformed(Method::Get, path, "holds an object without a name");
        is_named(&item.object.body).then_some(item).ok_or_else(nameless)
    };
    bodies.into_iter().map(named).collect()
}
