//! Live objects as the API returns them, typed only as far as needed: a new field of the API breaks
//! nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::address::Address;

/// The API's id of a live object, a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Id(String);

const UUID_LENGTH: usize = 36;

impl Id {
    /// Takes an id as the API returned it or as a person wrote it.
    pub fn new(id: impl Into<String>) -> Self {
        // The API writes UUIDs in lower case. In another case the same id would count as another object.
        let mut id = id.into();
        if id.len() == UUID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            id.make_ascii_lowercase();
        }
        Self(id)
    }

    /// The id as printed and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The lifecycle state in the words of the API. An unknown word is kept unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State(String);

impl State {
    /// Takes a state as the API gave it.
    pub fn new(state: impl Into<String>) -> Self {
        Self(state.into())
    }

    /// The API's word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One live object.
// `Debug` is written by hand and omits the body, which may contain a connection URI with a password.
#[derive(Clone, PartialEq)]
pub struct Object {
    /// The id.
    pub id: Id,
    /// The lifecycle state; empty for kinds without one.
    pub state: State,
    /// The whole answer.
    pub body: Value,
}

impl Object {
    /// The time of creation in RFC 3339; `None` if the API does not return it.
    pub fn created_at(&self) -> Option<&str> {
        self.body.get("createdAt")?.as_str()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

/// The live objects with one address.
// There may be several: the API does not document names as unique, and no refusal of a second one was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveObjects {
    /// At least one, ordered by id.
    pub objects: Vec<Object>,
}

/// Everything live in the scope that was observed.
pub type Live = BTreeMap<Address, LiveObjects>;
