//! The effects of a replacement on the data of a pipe.

use serde_json::Value;

use super::source::SourceKind;
use super::written_tables::{DEFAULT_DATABASE, WrittenTable, written_tables};
use crate::semantics::FieldSemantics;
use model::path::FieldPath;

/// One source before and after its pipe is replaced.
pub(crate) struct Replacement<'b> {
    /// The semantics of the source.
    rules: &'static FieldSemantics,
    /// The source as desired.
    desired: &'b Value,
    /// The live source, if it is of the same kind.
    live: Option<&'b Value>,
    /// The tables that the new pipe writes.
    pub(crate) tables: TableNames<'b>,
    describe: fn(&Replacement<'_>) -> Vec<String>,
    /// The tables that the old pipe writes.
    old_tables: TableNames<'b>,
}

impl<'b> Replacement<'b> {
    /// Reads both bodies; `None` if the desired one names no known source.
    pub(crate) fn new(rules: &'static FieldSemantics, desired: &'b Value, live: &'b Value) -> Option<Self> {
        let (kind, source) = SourceKind::in_body(desired)?;
        let spec = kind.spec();
        Some(Self {
            rules: rules.child_field("source").child_field(spec.key),
            desired: source,
            live: live["source"].get(spec.key).filter(|live| live.is_object()),
            tables: TableNames::in_body(desired),
            describe: spec.describe_replacement,
            old_tables: TableNames::in_body(live),
        })
    }

    /// All sentences about the replacement.
    pub(crate) fn describe_effects(&self) -> Vec<String> {
        let mut sentences = (self.describe)(self);
        let shared = self.shared_tables();
        let remaining = self.old_tables.names.iter().filter(|name| !shared.names.contains(name));
        sentences.extend(TableNames { names: remaining.copied().collect(), ..self.old_tables }.describe_remaining());
        sentences
    }

    /// The tables that both pipes write.
    pub(crate) fn shared_tables(&self) -> TableNames<'b> {
        let same = self.tables.database_or_default() == self.old_tables.database_or_default();
        let both = self.tables.names.iter().filter(|name| same && self.old_tables.names.contains(name));
        TableNames { names: both.copied().collect(), ..self.tables }
    }

    /// A text of the desired source.
    pub(crate) fn text_at(&self, path: &str) -> Option<&'b str> {
        FieldPath::parse(path).value_in(self.desired)?.as_str()
    }

    /// A text that the desired source and the live one share.
    pub(crate) fn unchanged_text(&self, path: &str) -> Option<&'b str> {
        let path = FieldPath::parse(path);
        let (desired, live) = (path.value_in(self.desired)?, path.value_in(self.live?)?);
        desired.as_str().filter(|_| self.rules.field_at(&path).declares_same(desired, live))
    }

    /// Whether a flag of the desired source is on.
    pub(crate) fn is_set(&self, path: &str) -> bool {
        FieldPath::parse(path).value_in(self.desired) == Some(&Value::Bool(true))
    }

    /// Rows that are read a second time.
    pub(crate) fn describe_repeated_rows(&self, start: &str, what: &str) -> Vec<String> {
        vec![format!("{start}: {what} already in {} are loaded again", self.tables.quoted_list())]
    }

    /// Whether rows that arrive between the two pipes are lost, because no copy restores them.
    pub(crate) fn misses_changes(&self) -> bool {
        // A slot that people created keeps the log for the next reader. Without one, `cdc_only` begins at the creation.
        self.text_at("settings.replicationMode") == Some("cdc_only")
            && self.unchanged_text("settings.replicationSlotName").is_none()
    }

    /// The sentence about lost changes of a database.
    pub(crate) fn describe_missed_changes(&self) -> Vec<String> {
        self.describe_missed_rows("the new pipe takes no snapshot", "changes")
    }

    /// The sentence about lost rows.
    pub(crate) fn describe_missed_rows(&self, start: &str, what: &str) -> Vec<String> {
        vec![format!("{start}: {what} that arrive while no pipe exists never reach {}", self.tables.quoted_list())]
    }
}

/// The names of the tables that a pipe writes.
#[derive(Clone)]
pub(crate) struct TableNames<'b> {
    database: Option<&'b str>,
    pub(crate) names: Vec<&'b str>,
}

impl<'b> TableNames<'b> {
    pub(crate) fn in_body(body: &'b Value) -> Self {
        Self::of_tables(&written_tables(body))
    }

    /// Tables of one pipe, which are all in one database.
    pub(crate) fn of_tables(tables: &[WrittenTable<'b>]) -> Self {
        let database = tables.first().and_then(|table| table.database);
        Self { database, names: tables.iter().map(|table| table.name).collect() }
    }

    /// The API writes to this one where none is named.
    fn database_or_default(&self) -> &'b str {
        self.database.unwrap_or(DEFAULT_DATABASE)
    }

    /// `a`, `b` and `c`.
    pub(crate) fn quoted_list(&self) -> String {
        let quoted: Vec<String> = self.names.iter().map(|name| self.quote_table(name)).collect();
        match quoted.as_slice() {
            [] => "the table".to_owned(),
            [one] => one.clone(),
            [all @ .., last] => format!("{} and {last}", all.join(", ")),
        }
    }

    fn quote_table(&self, name: &str) -> String {
        match self.database {
            Some(database) => format!("`{database}.{name}`"),
            None => format!("`{name}`"),
        }
    }

    /// The sentence that the tables are kept.
    pub(crate) fn describe_remaining(&self) -> Option<String> {
        match self.names.len() {
            0 => None,
            1 => Some(format!("table {} is kept; drop it yourself if you do not need it", self.quoted_list())),
            _ => Some(format!("tables {} are kept; drop them yourself if you do not need them", self.quoted_list())),
        }
    }
}

/// A slot that people created, which keeps the log of a Postgres database for its reader.
pub(crate) fn describe_kept_slot(live: &Value) -> Option<String> {
    let path = FieldPath::parse("source.postgres.settings.replicationSlotName");
    let slot = path.value_in(live)?.as_str().filter(|slot| !slot.is_empty())?;
    Some(format!(
        "the source keeps replication slot `{slot}`, and its log grows until the slot is read \
         again or dropped"
    ))
}
