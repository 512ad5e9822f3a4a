//! A queue, slot or other source that only one pipe can read.

use model::path::FieldPath;
use serde_json::Value;

use crate::field_text::text_at;
use crate::network_address::canonical_url;

/// The effect if two pipes read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Each gets a part of the data, or one of them fails.
    Broken,
    /// Each gets a part of the data. This is intended if both write the same table.
    SplitsRows,
}

/// A source that one pipe at a time can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusiveRead {
    /// The kind of source, such as `replication slot`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// Its location in normalized spelling: the same name elsewhere is another source.
    pub location: String,
    /// The field below `spec` that names it.
    pub path: FieldPath,
    /// The effect if two pipes read it.
    pub sharing: Sharing,
}

impl ExclusiveRead {
    /// Equal for the same source in any spelling of its location or URL.
    pub fn key(&self) -> (&'static str, String, String) {
        (self.what, self.location.clone(), canonical_url(&self.name))
    }
}

/// The source that the text of a field names; `None` if the field is not set, or is a secret.
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
