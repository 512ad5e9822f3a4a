//! The desired objects that manifests declare, in the form that is compared and sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
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
    // Shared with the create of a plan: for thousands of pipes a copy is a third of the memory.
    pub body: Arc<Value>,
    /// Presence, protection and previous names, beyond the fields of the object.
    pub intent: Intent,
    /// The place of the document.
    pub origin: Origin,
    /// The bodies that commits between the base and now declared, newest first.
    // A live value from one of them was set by an apply that did not finish. As drift, it would block the pipeline
    // permanently: the base does not move until an apply succeeds.
    pub earlier_bodies: Vec<Arc<Value>>,
    /// The states that these commits declared. A live state among them is git's own, like a value.
    pub earlier_states: Vec<RunState>,
    /// The names to which these commits renamed the object. It still has such a name if the rename was reverted.
    pub earlier_names: Vec<Name>,
    /// Previous names in these commits that no manifest lists any more. The object has such a name still if no apply
    /// carried the rename out, and the base knows it by that name.
    pub dropped_names: Vec<Name>,
    /// The versions of the target branch of a pull request since the merge base; `None` if it did not change.
    pub target: Option<TargetVersions>,
}

/// The versions of an object on the target branch of a pull request, since this branch left it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetVersions {
    /// If it must exist at the tip of the target branch: `Absent` if no manifest there declares it.
    pub presence: Presence,
    /// Its bodies, newest first.
    pub bodies: Vec<Arc<Value>>,
}

impl Document {
    /// Compares the body and the intent. The place in a file does not count.
    pub fn differs_from(&self, other: &Self) -> bool {
        self.body != other.body || self.intent != other.intent
    }

    /// Whether the two are equal, or differ only in `protect`.
    pub fn differs_in_protection_alone(&self, other: &Self) -> bool {
        let intent = Intent { protect: other.intent.protect, ..self.intent.clone() };
        self.body == other.body && intent == other.intent
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
    /// For people and rules; never sent.
    pub annotations: BTreeMap<String, String>,
    /// Marks for fields that pipectl does not know.
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
            ("metadata.annotations", json!(self.annotations)),
        ];
        fields.map(|(path, value)| (FieldPath::parse(path), value)).into()
    }
}

/// Marks of a manifest for fields that pipectl does not know. Entries of lists are `*`.
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

/// The places of the fields of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    start: Place,
    fields: Arc<FieldPlaces>,
    template: Option<Arc<TemplateOrigin>>,
}

/// The template of a document.
#[derive(Debug, PartialEq, Eq)]
pub struct TemplateOrigin {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub start: Place,
    /// Its last line.
    pub last_line: u32,
    /// Its content except the name, to compare it with an earlier commit.
    pub content: Value,
}

impl TemplateOrigin {
    /// Whether a place is in the template.
    pub fn contains(&self, place: &Place) -> bool {
        place.file == self.start.file && (self.start.line..=self.last_line).contains(&place.line)
    }
}

/// The line and column of each field's key.
// Stored for every field of every manifest, but read for few: one allocation for all of them instead of several for
// each.
#[derive(Debug, Default, PartialEq)]
pub struct FieldPlaces {
    /// In the order of the keys once [`FieldPlaces::sort`] was called.
    entries: Vec<FieldPlace>,
    /// Files other than that of the document: a template, the project file.
    files: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct FieldPlace {
    path: PathKey,
    line: u32,
    column: u32,
    /// Zero is the file of the document, one the first of `files`.
    file: u32,
}

impl FieldPlaces {
    /// Adds a field in the file of the document.
    pub fn record(&mut self, path: PathKey, line: u32, column: u32) {
        self.entries.push(FieldPlace { path, line, column, file: 0 });
    }

    /// Adds a field that is in another file.
    pub fn record_in_file(&mut self, path: PathKey, place: Place) {
        // A document has few of them: its template, and the project file.
        let known = self.files.iter().position(|file| *file == place.file).unwrap_or_else(|| {
            self.files.push(place.file);
            self.files.len() - 1
        });
        let file = u32::try_from(known + 1).unwrap_or_default();
        self.entries.push(FieldPlace { path, line: place.line, column: place.column, file });
    }

    /// Of several places of one field, the first counts.
    fn sort(&mut self) {
        self.entries.sort_by_key(|entry| entry.path);
        self.entries.dedup_by_key(|entry| entry.path);
        self.entries.shrink_to_fit();
    }

    fn find(&self, path: PathKey, own: &Arc<str>) -> Option<Place> {
        let found = self.entries.binary_search_by_key(&path, |entry| entry.path).ok()?;
        let FieldPlace { line, column, file, .. } = self.entries[found];
        let other = (file as usize).checked_sub(1).and_then(|at| self.files.get(at));
        Some(Place { file: Arc::clone(other.unwrap_or(own)), line, column })
    }
}

/// A path as a number. The default is that of the root.
// The texts of the paths would take more memory than all the rest of the places. By chance, two fields have one number
// in one of 10^15 documents. Then a message names the line of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathKey(u64);

impl PathKey {
    /// The path one step further down.
    #[must_use]
    pub fn child(self, step: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (self.0, step).hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl From<&FieldPath> for PathKey {
    fn from(path: &FieldPath) -> Self {
        path.segments().iter().fold(Self::default(), |above, step| above.child(step))
    }
}

impl Origin {
    /// A document that begins at `start`, with the places of the fields below it.
    pub fn new(start: Place, mut fields: FieldPlaces) -> Self {
        fields.sort();
        Self { start, fields: Arc::new(fields), template: None }
    }

    /// The same for a document that was made from a template.
    #[must_use]
    pub fn with_template(self, template: Option<Arc<TemplateOrigin>>) -> Self {
        Self { template, ..self }
    }

    /// The template that the document was made from.
    pub fn template(&self) -> Option<&Arc<TemplateOrigin>> {
        self.template.as_ref()
    }

    /// Where the document begins.
    pub fn start_place(&self) -> &Place {
        &self.start
    }

    /// For a place that many documents share: where this document uses it, and a label for that.
    pub fn use_of(&self, place: &Place) -> Option<(&Place, &'static str)> {
        if self.template.as_ref().is_some_and(|template| template.contains(place)) {
            return Some((&self.start, "the template is used here"));
        }
        (place.file != self.start.file).then_some((&self.start, "the default is for this manifest"))
    }

    /// The place of the field at `path`; for a field that was not written, that of its nearest parent.
    pub fn field_place(&self, path: &FieldPath) -> Place {
        let steps = path.segments().iter();
        let below = steps.scan(PathKey::default(), |at, step| {
            *at = at.child(step);
            Some(*at)
        });
        let keys: Vec<PathKey> = below.collect();
        let mut found = keys.iter().rev().filter_map(|key| self.fields.find(*key, &self.start.file));
        found.next().unwrap_or_else(|| self.start.clone())
    }
}
