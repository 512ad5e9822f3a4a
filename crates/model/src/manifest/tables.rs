//! The tables that a pipe writes, with the fields that name them.

use serde_json::Value;

use crate::path::Path;

/// One table of the destination.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table<'d> {
    pub(super) database: &'d str,
    pub(super) name: &'d str,
    /// The field that names it.
    pub(super) path: Path,
    pub(super) way: Way,
}

/// How a pipe writes a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It makes the table and inserts into it.
    Managed,
    /// It inserts into a table that somebody else made.
    Inserts,
    /// It keeps the table the same as one of its source.
    Mirrors,
}

impl Table<'_> {
    /// Whether both pipes at one table cannot be meant. Any number of them may insert.
    pub(super) fn collides_with(&self, other: &Self) -> bool {
        let same = (self.database, self.name) == (other.database, other.name);
        same && match (self.way, other.way) {
            (Way::Mirrors, _) | (_, Way::Mirrors) | (Way::Managed, Way::Managed) => true,
            (Way::Inserts, _) | (_, Way::Inserts) => false,
        }
    }
}

/// The tables of a pipe; a tombstone writes none.
pub(super) fn of(document: &Value) -> Vec<Table<'_>> {
    let spec = &document["spec"];
    if spec["state"] == "absent" {
        return Vec::new();
    }
    let destination = &spec["destination"];
    let database = destination["database"].as_str().unwrap_or("default");
    let own = destination["table"].as_str().map(|name| Table {
        database,
        name,
        path: Path::parse("spec.destination.table"),
        way: if destination["managedTable"] == false { Way::Inserts } else { Way::Managed },
    });
    own.into_iter().chain(mirrored(spec, database)).collect()
}

fn mirrored<'d>(spec: &'d Value, database: &'d str) -> impl Iterator<Item = Table<'d>> {
    let sources = spec["source"].as_object().into_iter().flatten();
    sources.flat_map(move |(arm, source)| {
        let list = Path::parse("spec.source").child(arm).child("tableMappings");
        let mappings = source["tableMappings"].as_array().into_iter().flatten().enumerate();
        mappings.filter_map(move |(index, mapping)| {
            let name = mapping["targetTable"].as_str()?;
            let path = list.child(index).child("targetTable");
            Some(Table { database, name, path, way: Way::Mirrors })
        })
    })
}
