//! What only one pipe can read: a queue, a replication slot. The second reader takes rows away from the first.

use std::collections::BTreeSet;

use model::address::Kind;
use model::path::FieldPath;
use serde_json::Value;

use crate::pipe::source::SourceKind;
use crate::pipe::written_tables::written_tables;

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
    /// Where it is: the same name elsewhere is another thing.
    pub location: String,
    /// The field below `spec` that names it.
    pub path: FieldPath,
    /// What happens if two pipes read it.
    pub sharing: Sharing,
}

impl ExclusiveRead {
    /// Equal for the same thing.
    pub fn key(&self) -> (&'static str, String, String) {
        (self.what, self.location.clone(), self.name.clone())
    }
}

/// What an object reads alone, in the form of the API or of a manifest's `spec`.
pub fn exclusive_reads(kind: Kind, body: &Value) -> Vec<ExclusiveRead> {
    match kind {
        Kind::ClickPipe => {
            let Some((source, fields)) = SourceKind::in_body(body) else { return Vec::new() };
            let prefix = FieldPath::parse("source").child(source.spec().key);
            let below = |read: ExclusiveRead| ExclusiveRead { path: prefix.join(&read.path), ..read };
            (source.spec().exclusive_reads)(fields).into_iter().map(below).collect()
        }
        Kind::ReversePrivateEndpoint => crate::reverse_private_endpoint::exclusive_reads(body),
        Kind::CdcScaling => Vec::new(),
    }
}

/// Whether two pipes that share `read` hurt each other.
pub fn is_sharing_harmful(read: &ExclusiveRead, one: &Value, other: &Value) -> bool {
    let tables = |body| -> BTreeSet<(String, String)> {
        let tables = written_tables(body).into_iter();
        tables.map(|table| (table.database_or_default().to_owned(), table.name.to_owned())).collect()
    };
    read.sharing == Sharing::Broken || tables(one) != tables(other)
}

/// A thing that the text of a field names; nothing if the field is not set, or is a secret.
pub(crate) fn read_named_by(
    source: &Value,
    what: &'static str,
    path: &str,
    location: String,
    sharing: Sharing,
) -> Option<ExclusiveRead> {
    let path = FieldPath::parse(path);
    let name = match path.value_in(source)? {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(ExclusiveRead { what, name, location, path, sharing })
}
