//! The desired objects that manifests declare, in the form that is compared and sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::action::RunState;
use crate::address::{Address, Name};
use crate::live::Id;
use crate::path::FieldPath;
use crate::sanitize::sanitize_line;

/// Everything declared, by address.
pub type Desired = BTreeMap<Address, Document>;

/// One declared object.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The object in the API's own shape and field names, as a create would send it. Secrets are
    /// references (`{"fromEnv": "NAME"}`). A field that is not here is not managed.
    pub body: Value,
    /// Presence, protection and previous names, beyond the fields of the object.
    pub intent: Intent,
    /// Where it was written.
    pub origin: Origin,
    /// The bodies that commits between the base and now declared, newest first.
    // A live value from one of them was set by an apply that did not finish. Taken for drift, it would
    // block the pipeline for good: the base stays where it is until an apply succeeds.
    pub earlier_bodies: Vec<Value>,
}

impl Document {
    /// Compares the body and the intent. The place in a file does not count.
    pub fn differs_from(&self, other: &Self) -> bool {
        self.body != other.body || self.intent != other.intent
    }
}

/// The part of a manifest beyond the fields of the object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intent {
    /// If the object must exist, and in which state.
    pub presence: Presence,
    /// Refuse to delete or replace it.
    pub protect: bool,
    /// Names under which the object may still be live: it is renamed, not re-created.
    pub previous_names: Vec<Name>,
    /// Picks one of several live objects of the same name.
    pub pinned_id: Option<Id>,
    /// For selectors and reports only; never sent.
    pub labels: BTreeMap<String, String>,
    /// What it says about fields that pipectl does not know.
    pub field_marks: FieldMarks,
}

impl Intent {
    /// The intent as fields of a manifest.
    pub fn to_fields(&self) -> BTreeMap<FieldPath, Value> {
        let state = match self.presence {
            Presence::Present(state) => json!(state),
            Presence::Absent => json!("absent"),
        };
        let names: Vec<&str> = self.previous_names.iter().map(Name::as_str).collect();
        let fields = [
            ("state", state),
            ("protect", json!(self.protect)),
            ("metadata.previousNames", json!(names)),
            ("metadata.id", json!(self.pinned_id)),
            ("metadata.labels", json!(self.labels)),
        ];
        fields.map(|(path, value)| (FieldPath::parse(path), value)).into()
    }
}

/// What a manifest says about fields that pipectl does not know. Entries of lists are `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldMarks {
    /// Only a create can set them.
    pub create_only: BTreeSet<FieldPath>,
    /// The API never returns them.
    pub not_returned: BTreeSet<FieldPath>,
}

/// If an object must exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It exists, in this state.
    Present(RunState),
    /// It does not exist: a tombstone.
    Absent,
}

impl Default for Presence {
    fn default() -> Self {
        Self::Present(RunState::Running)
    }
}

/// A position in a file that a person wrote. Line and column count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The path as it was given, or `-` for standard input.
    pub file: Arc<str>,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", sanitize_line(&self.file), self.line, self.column)
    }
}

/// Where each field of a document was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    start: Place,
    fields: Arc<BTreeMap<FieldPath, (u32, u32)>>,
}

impl Origin {
    /// A document that begins at `start`, with the line and column of each field's key below it.
    pub fn new(start: Place, fields: BTreeMap<FieldPath, (u32, u32)>) -> Self {
        Self { start, fields: Arc::new(fields) }
    }

    /// Where the document begins.
    pub fn start_place(&self) -> &Place {
        &self.start
    }

    /// Where the field at `path` was written; for a field that was not, its nearest parent.
    pub fn field_place(&self, path: &FieldPath) -> Place {
        let mut current = Some(path.clone());
        while let Some(path) = current {
            if let Some(&(line, column)) = self.fields.get(&path) {
                return Place { file: Arc::clone(&self.start.file), line, column };
            }
            current = path.parent();
        }
        self.start.clone()
    }
}
