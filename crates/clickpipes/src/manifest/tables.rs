//! The tables that a pipe writes, with the fields that name them.

use serde_json::Value;

use model::path::FieldPath;

/// One table of the destination.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TargetTable<'d> {
    pub(super) database: &'d str,
    pub(super) name: &'d str,
    /// The field that names it.
    pub(super) path: FieldPath,
    pub(super) write_mode: WriteMode,
}

/// How a pipe writes a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteMode {
    /// It makes the table and inserts into it.
    Managed,
    /// It inserts into a table that somebody else made.
    InsertOnly,
    /// It keeps the table the same as one of its source.
    Mirror,
}

impl TargetTable<'_> {
    /// Whether both pipes at one table cannot be meant. Any number of them may insert.
    pub(super) fn collides_with(&self, other: &Self) -> bool {
        let same = (self.database, self.name) == (other.database, other.name);
        same && match (self.write_mode, other.write_mode) {
            (WriteMode::Mirror, _) | (_, WriteMode::Mirror) | (WriteMode::Managed, WriteMode::Managed) => true,
            (WriteMode::InsertOnly, _) | (_, WriteMode::InsertOnly) => false,
        }
    }
}

/// The tables of a pipe; a tombstone writes none.
pub(super) fn declared_tables(document: &Value) -> Vec<TargetTable<'_>> {
    let spec = &document["spec"];
    if spec["state"] == "absent" {
        return Vec::new();
    }
    let destination = &spec["destination"];
    let database = destination["database"].as_str().unwrap_or("default");
    let own = destination["table"].as_str().map(|name| TargetTable {
        database,
        name,
        path: FieldPath::parse("spec.destination.table"),
        write_mode: if destination["managedTable"] == false { WriteMode::InsertOnly } else { WriteMode::Managed },
    });
    own.into_iter().chain(mapped_tables(spec, database)).collect()
}

fn mapped_tables<'d>(spec: &'d Value, database: &'d str) -> impl Iterator<Item = TargetTable<'d>> {
    let sources = spec["source"].as_object().into_iter().flatten();
    sources.flat_map(move |(arm, source)| {
        let list = FieldPath::parse("spec.source").child(arm).child("tableMappings");
        let mappings = source["tableMappings"].as_array().into_iter().flatten().enumerate();
        mappings.filter_map(move |(index, mapping)| {
            let name = mapping["targetTable"].as_str()?;
            let path = list.child(index).child("targetTable");
            Some(TargetTable { database, name, path, write_mode: WriteMode::Mirror })
        })
    })
}
