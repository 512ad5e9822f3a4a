//! What only one pipe can read: a queue, a replication slot. The second reader takes rows away from the first.

use std::collections::BTreeSet;

use model::address::Kind;
use model::path::FieldPath;
use serde_json::Value;

use crate::exclusive_read::{ExclusiveRead, Sharing};
use crate::pipe::source::SourceKind;
use crate::pipe::written_tables::written_tables;

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
