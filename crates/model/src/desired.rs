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
    // Shared with the create of a plan: for thousands of pipes a copy is a third of the memory.
    pub body: Arc<Value>,
    /// Presence, protection and previous names, beyond the fields of the object.
    pub intent: Intent,
    /// Where it was written.
    pub origin: Origin,
    /// The bodies that commits between the base and now declared, newest first.
    // A live value from one of them was set by an apply that did not finish. Taken for drift, it would
    // block the pipeline for good: the base stays where it is until an apply succeeds.
    pub earlier_bodies: Vec<Arc<Value>>,
    /// The states that these commits declared. A live state among them is git's own, like a value.
    pub earlier_states: Vec<RunState>,
    /// The names to which these commits renamed the object. It has such a name still if the rename was taken back.
    pub earlier_names: Vec<Name>,
    /// Previous names in these commits that no manifest lists any more. The object has such a name still if no apply
    /// carried the rename out, and the base knows it by that name.
    pub dropped_names: Vec<Name>,
    /// What the target branch of a pull request declares since this branch left it; `None` if it did not move.
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

    /// Whether the two are equal, or differ in `protect` and nothing else.
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
            ("metadata.annotations", json!(self.annotations)),
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
    fields: Arc<FieldPlaces>,
    template: Option<Arc<TemplateOrigin>>,
}

/// The template that a document was made from.
#[derive(Debug, PartialEq, Eq)]
pub struct TemplateOrigin {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub start: Place,
    /// Its last line.
    pub last_line: u32,
    /// What it declares, to compare it with an earlier commit.
    pub content: Value,
}

impl TemplateOrigin {
    /// Whether a place is in the template.
    pub fn contains(&self, place: &Place) -> bool {
        place.file == self.start.file && (self.start.line..=self.last_line).contains(&place.line)
    }
}

/// The line and column of each field's key.
// Kept for every field of every manifest, and asked for a few: two allocations for all of them instead of several for
// each are a third of the memory of ten thousand manifests.
#[derive(Debug, Default, PartialEq)]
pub struct FieldPlaces {
    /// All paths one after the other.
    text: String,
    /// In the order of the paths once [`FieldPlaces::sort`] was called.
    entries: Vec<FieldPlace>,
    /// Files other than that of the document: a template, the project file.
    files: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct FieldPlace {
    start: u32,
    end: u32,
    line: u32,
    column: u32,
    /// Zero is the file of the document, one the first of `files`.
    file: u32,
}

impl FieldPlaces {
    /// Adds a field in the file of the document.
    pub fn record(&mut self, path: &PathText, line: u32, column: u32) {
        self.push(path, line, column, 0);
    }

    /// Adds a field that stands in another file.
    pub fn record_in_file(&mut self, path: &PathText, place: Place) {
        // A document has few of them: its template, and the project file.
        let known = self.files.iter().position(|file| *file == place.file).unwrap_or_else(|| {
            self.files.push(place.file);
            self.files.len() - 1
        });
        self.push(path, place.line, place.column, u32::try_from(known + 1).unwrap_or_default());
    }

    fn push(&mut self, path: &PathText, line: u32, column: u32, file: u32) {
        let start = self.position();
        self.text.push_str(&path.0);
        self.entries.push(FieldPlace { start, end: self.position(), line, column, file });
    }

    fn position(&self) -> u32 {
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    fn path(text: &str, entry: FieldPlace) -> &str {
        text.get(entry.start as usize..entry.end as usize).unwrap_or_default()
    }

    /// Of two places of one field the first counts.
    fn sort(&mut self) {
        let text = &self.text;
        self.entries.sort_by(|a, b| Self::path(text, *a).cmp(Self::path(text, *b)));
        self.entries.dedup_by(|later, first| Self::path(text, *later) == Self::path(text, *first));
        self.entries.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    fn find(&self, path: &PathText, own: &Arc<str>) -> Option<Place> {
        let found = self.entries.binary_search_by(|entry| Self::path(&self.text, *entry).cmp(path.0.as_str())).ok()?;
        let FieldPlace { line, column, file, .. } = self.entries[found];
        let other = (file as usize).checked_sub(1).and_then(|at| self.files.get(at));
        Some(Place { file: Arc::clone(other.unwrap_or(own)), line, column })
    }
}

/// A path as one text, for a walk over many fields.
#[derive(Clone, Debug, Default)]
pub struct PathText(String);

impl PathText {
    /// Ends each step, so that no path begins within a step of another.
    const STEP_END: char = '\0';

    /// Goes one step down.
    pub fn push(&mut self, step: &str) {
        self.0.push_str(step);
        self.0.push(Self::STEP_END);
    }

    /// Goes one step up; `false` at the root.
    pub fn pop(&mut self) -> bool {
        let is_below_root = self.0.pop().is_some();
        let parent = self.0.rfind(Self::STEP_END).map_or(0, |end| end + 1);
        self.0.truncate(parent);
        is_below_root
    }
}

impl From<&FieldPath> for PathText {
    fn from(path: &FieldPath) -> Self {
        let mut text = Self::default();
        path.segments().iter().for_each(|step| text.push(step));
        text
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

    /// Where the field at `path` was written; for a field that was not, its nearest parent.
    pub fn field_place(&self, path: &FieldPath) -> Place {
        let mut path = PathText::from(path);
        loop {
            if let Some(place) = self.fields.find(&path, &self.start.file) {
                return place;
            }
            if !path.pop() {
                return self.start.clone();
            }
        }
    }
}
