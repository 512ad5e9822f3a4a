//! The declared fields of an object as people may see them.

use std::borrow::Cow;
use std::sync::Arc;

use clickpipes::semantics::FieldSemantics;
use model::address::Kind;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The fields of an object, always without secrets.
#[derive(Clone, Debug, PartialEq)]
pub enum ShownFields {
    /// Fields that contain no secret.
    Redacted(Value),
    /// The body of a new object, which its create sends. Secrets are redacted when it is shown.
    // A redacted copy for each of thousands of new pipes would be a third of the memory of a plan.
    Created(Kind, Arc<Value>),
}

impl ShownFields {
    /// The fields, without secrets.
    pub fn redacted(&self) -> Cow<'_, Value> {
        match self {
            Self::Redacted(fields) => Cow::Borrowed(fields),
            Self::Created(kind, body) => Cow::Owned(FieldSemantics::for_kind(*kind).shown(body)),
        }
    }
}

impl Serialize for ShownFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.redacted().serialize(serializer)
    }
}
