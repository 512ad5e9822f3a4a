//! What starting over does to the data of a pipe.

use serde_json::Value;

use crate::leftover;
use crate::path::Path;

use super::{bigquery, database, kafka, kinesis, object_storage, pubsub};

/// One source before and after its pipe is replaced.
pub(crate) struct Restart<'b> {
    /// The source as desired.
    desired: &'b Value,
    /// The live source, if it is of the same kind.
    live: Option<&'b Value>,
    /// What is written.
    pub(crate) tables: Tables<'b>,
    arm: &'b str,
    /// What the old pipe writes.
    before: Tables<'b>,
    redefined: bool,
}

/// How every source says that it starts over.
type Say = fn(&Restart<'_>) -> Vec<String>;

const SOURCES: &[(&str, Say)] = &[
    ("kafka", kafka::restart::sentences),
    ("kinesis", kinesis::restart),
    ("objectStorage", object_storage::restart),
    ("pubsub", pubsub::restart),
    ("postgres", database::restart::sentences),
    ("mysql", database::restart::sentences),
    ("mongodb", database::restart::sentences),
    ("bigquery", bigquery::restart),
];

impl<'b> Restart<'b> {
    /// Reads both bodies; `None` where the desired one names no source.
    pub(crate) fn new(desired: &'b Value, live: &'b Value) -> Option<Self> {
        let (arm, source) = source(desired)?;
        let definition = |body| Path::parse("destination.tableDefinition").get(body);
        Some(Self {
            desired: source,
            live: live["source"].get(arm).filter(|live| live.is_object()),
            tables: Tables::of(desired),
            arm,
            before: Tables::of(live),
            redefined: definition(desired) != definition(live),
        })
    }

    /// Everything that is said of it.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let say = SOURCES.iter().find(|(arm, _)| *arm == self.arm).map(|(_, say)| say);
        let mut sentences = say.map(|say| say(self)).unwrap_or_default();
        let shared = self.shared();
        let left = self.before.names.iter().filter(|name| !shared.names.contains(name));
        sentences.extend(Tables { names: left.copied().collect(), ..self.before }.stay());
        sentences
    }

    /// The tables that both pipes write.
    pub(crate) fn shared(&self) -> Tables<'b> {
        let same = self.tables.in_database() == self.before.in_database();
        let both = self.tables.names.iter().filter(|name| same && self.before.names.contains(name));
        Tables { names: both.copied().collect(), ..self.tables }
    }

    /// A text of the desired source.
    pub(crate) fn text(&self, path: &str) -> Option<&'b str> {
        Path::parse(path).get(self.desired)?.as_str()
    }

    /// A text that the desired source and the live one share.
    pub(crate) fn unchanged(&self, path: &str) -> Option<&'b str> {
        let live = Path::parse(path).get(self.live?)?.as_str();
        self.text(path).filter(|text| live == Some(text))
    }

    /// Whether a switch of the desired source is on.
    pub(crate) fn is_set(&self, path: &str) -> bool {
        Path::parse(path).get(self.desired) == Some(&Value::Bool(true))
    }

    /// Rows that are read a second time.
    pub(crate) fn again(&self, start: &str, what: &str) -> Vec<String> {
        let mut said =
            vec![format!("{start}: {what} already in {} arrive again", self.tables.list())];
        said.extend(self.old_definition());
        said
    }

    /// Rows that nobody reads.
    pub(crate) fn missed(&self, start: &str, what: &str) -> Vec<String> {
        let mut said = vec![format!(
            "{start}: {what} that arrive while there is no pipe never reach {}",
            self.tables.list()
        )];
        said.extend(self.old_definition());
        said
    }

    fn old_definition(&self) -> Option<String> {
        let same = !self.tables.names.is_empty() && self.tables.names == self.before.names;
        (same && self.redefined).then(|| {
            format!(
                "table {} exists already: the new definition takes effect only after it was \
                 dropped",
                self.tables.list()
            )
        })
    }
}

/// The tables that a pipe writes.
#[derive(Clone)]
pub(crate) struct Tables<'b> {
    database: Option<&'b str>,
    pub(crate) names: Vec<&'b str>,
}

impl<'b> Tables<'b> {
    /// Reads them from a body: the table of the destination, or those of the mappings.
    pub(crate) fn of(body: &'b Value) -> Self {
        let database = body["destination"]["database"].as_str();
        let single = body["destination"]["table"].as_str().filter(|name| !name.is_empty());
        let mappings = source(body).and_then(|(_, source)| source["tableMappings"].as_array());
        let mapped =
            mappings.into_iter().flatten().filter_map(|entry| entry["targetTable"].as_str());
        Self { database, names: single.into_iter().chain(mapped).collect() }
    }

    /// The API writes to this one where none is named.
    fn in_database(&self) -> &'b str {
        self.database.filter(|name| !name.is_empty()).unwrap_or(leftover::DEFAULT)
    }

    /// `a`, `b` and `c`.
    pub(crate) fn list(&self) -> String {
        let quoted: Vec<String> = self.names.iter().map(|name| self.quoted(name)).collect();
        match quoted.as_slice() {
            [] => "the table".to_owned(),
            [one] => one.clone(),
            [all @ .., last] => format!("{} and {last}", all.join(", ")),
        }
    }

    fn quoted(&self, name: &str) -> String {
        match self.database {
            Some(database) if !database.is_empty() => format!("`{database}.{name}`"),
            _ => format!("`{name}`"),
        }
    }

    /// That nobody drops them.
    pub(crate) fn stay(&self) -> Option<String> {
        match self.names.len() {
            0 => None,
            1 => Some(format!("table {} stays; drop it yourself if it is not wanted", self.list())),
            _ => Some(format!(
                "tables {} stay; drop them yourself if they are not wanted",
                self.list()
            )),
        }
    }
}

/// A slot that people made, which keeps the log of a Postgres database for its reader.
pub(crate) fn kept_slot(live: &Value) -> Option<String> {
    let path = Path::parse("source.postgres.settings.replicationSlotName");
    let slot = path.get(live)?.as_str().filter(|slot| !slot.is_empty())?;
    Some(format!(
        "replication slot `{slot}` stays in the source, whose log grows until the slot is read \
         again or dropped"
    ))
}

/// The one source of a body.
fn source(body: &Value) -> Option<(&str, &Value)> {
    let arms = body["source"].as_object()?.iter();
    arms.map(|(arm, source)| (arm.as_str(), source)).find(|(_, source)| source.is_object())
}
