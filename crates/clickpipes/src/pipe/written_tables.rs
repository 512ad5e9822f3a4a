//! The tables that a pipe writes. Every question about them is answered from here.

use serde_json::Value;

use model::path::FieldPath;

/// The database of a pipe that declares none.
pub(crate) const DEFAULT_DATABASE: &str = "default";

/// One table that a pipe writes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WrittenTable<'b> {
    /// The database, where the pipe names one.
    pub(crate) database: Option<&'b str>,
    pub(crate) name: &'b str,
    /// The field of the body that names the table.
    pub(crate) path: FieldPath,
    pub(crate) write_mode: WriteMode,
    /// The table mapping of a [`WriteMode::Mirror`].
    pub(crate) mapping: Option<&'b Value>,
}

/// How a pipe writes a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteMode {
    /// The pipe creates the table and inserts into it.
    Managed,
    /// The pipe inserts into a table that somebody else created.
    InsertOnly,
    /// The pipe keeps the table equal to one of its source.
    Mirror,
}

impl<'b> WrittenTable<'b> {
    pub(crate) fn database_or_default(&self) -> &'b str {
        self.database.unwrap_or(DEFAULT_DATABASE)
    }

    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", self.database_or_default(), self.name)
    }

    pub(crate) fn is_same_table(&self, other: &WrittenTable<'_>) -> bool {
        self.name == other.name && self.database_or_default() == other.database_or_default()
    }

    /// Whether it is a mistake that both pipes write the table. Any number of pipes may insert.
    pub(crate) fn collides_with(&self, other: &Self) -> bool {
        self.is_same_table(other)
            && match (self.write_mode, other.write_mode) {
                (WriteMode::Mirror, _) | (_, WriteMode::Mirror) | (WriteMode::Managed, WriteMode::Managed) => true,
                (WriteMode::InsertOnly, _) | (_, WriteMode::InsertOnly) => false,
            }
    }
}

/// The tables that the pipe of this body writes, each as `database.table`.
pub fn written_table_names(body: &Value) -> Vec<String> {
    written_tables(body).iter().map(WrittenTable::full_name).collect()
}

/// The first table that both write, where that is a mistake, as `database.table`.
pub fn colliding_table(one: &Value, other: &Value) -> Option<String> {
    newly_colliding_table(one, &Value::Null, other)
}

/// The first table that both write, where that is a mistake, and that the first one did not write before.
pub fn newly_colliding_table(one: &Value, before: &Value, other: &Value) -> Option<String> {
    let (before, others) = (written_tables(before), written_tables(other));
    // A manifest may omit the database, which then stays.
    let is_new = |table: &WrittenTable<'_>| {
        !before.iter().any(|old| old.name == table.name && (table.database.is_none() || table.is_same_table(old)))
    };
    let own = written_tables(one).into_iter().filter(is_new);
    { own }.find(|table| others.iter().any(|other| table.collides_with(other))).map(|table| table.full_name())
}

/// The tables that the pipe of this body writes: the one of the destination, or those of the mappings.
//
// A source that this version does not know counts, too: its tables must not look unused.
pub(crate) fn written_tables(body: &Value) -> Vec<WrittenTable<'_>> {
    let destination = &body["destination"];
    let database = destination["database"].as_str().filter(|name| !name.is_empty());
    let own = destination["table"].as_str().map(|name| WrittenTable {
        database,
        name,
        path: FieldPath::parse("destination.table"),
        write_mode: if destination["managedTable"] == false { WriteMode::InsertOnly } else { WriteMode::Managed },
        mapping: None,
    });
    let sources = body["source"].as_object().into_iter().flatten();
    let mapped = sources.filter_map(|(key, source)| Some((key, source["tableMappings"].as_array()?)));
    let mapped = mapped.flat_map(|(key, mappings)| {
        let list = FieldPath::parse("source").child(key).child("tableMappings");
        mappings.iter().enumerate().filter_map(move |(index, mapping)| {
            let path = list.child(index).child("targetTable");
            let name = mapping["targetTable"].as_str()?;
            Some(WrittenTable { database, name, path, write_mode: WriteMode::Mirror, mapping: Some(mapping) })
        })
    });
    own.into_iter().chain(mapped).filter(|table| !table.name.is_empty()).collect()
}
