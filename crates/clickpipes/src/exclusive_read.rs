//! One thing that only one pipe can read.

use model::path::FieldPath;
use serde_json::Value;

use crate::field_text::text_at;
use crate::network_address::canonical_url;

/// What happens if two pipes read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Each gets a part of the data, or one of them fails.
    Broken,
    /// Each gets a part of the data. That is meant if both write the same table.
    SplitsRows,
}

/// One thing that one pipe at a time can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusiveRead {
    /// What it is, such as `replication slot`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// Where it is, in one spelling: the same name elsewhere is another thing.
    pub location: String,
    /// The field below `spec` that names it.
    pub path: FieldPath,
    /// What happens if two pipes read it.
    pub sharing: Sharing,
}

impl ExclusiveRead {
    /// Equal for the same thing, however its place or its URL is spelled.
    pub fn key(&self) -> (&'static str, String, String) {
        (self.what, self.location.clone(), canonical_url(&self.name))
    }
}

/// A thing that the text of a field names; nothing if the field is not set, or is a secret.
pub(crate) fn read_named_by(
    source: &Value,
    what: &'static str,
    path: &str,
    location: String,
    sharing: Sharing,
) -> Option<ExclusiveRead> {
    let name = Some(text_at(source, path)).filter(|name| !name.is_empty())?;
    let path = FieldPath::parse(path);
    Some(ExclusiveRead { what, name, location, path, sharing })
}
