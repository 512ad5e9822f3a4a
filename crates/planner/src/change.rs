//! What a person reads of a plan: one entry for each object that is not in sync. Apply never
//! reads any of it.

use std::fmt;

use clickpipes::blocking_tables;
use clickpipes::data_effects;
use clickpipes::semantics::FieldSemantics;
use model::address::{Address, Kind, Name};
use model::desired::Place;
use model::live::{Id, Object};
use model::path::FieldPath;
use model::secret::ReferencedSecret;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// One object that is not as declared.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The object, by the name it is declared under.
    pub address: Address,
    /// The live object, where there is exactly one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, in words, where the fields do not say it: what blocks it, or which commit asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The name that it has until now, where it gets another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<Name>,
    /// The fields in which both sides differ, in the order of the manifest.
    pub fields: Vec<FieldChange>,
    /// What the update carries along because the API wants to see it again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resent_fields: Vec<FieldPath>,
    /// The secrets that the requests need, each by its reference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<ReferencedSecret>,
    /// What happens to the data, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_effects: Vec<String>,
    /// What it leaves behind when it is deleted, and what keeps the API from making it again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocking_tables: Vec<String>,
    /// Where the manifest stands; `None` for what is only live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The declared fields as they are live, for a readable diff. No secret is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The declared fields as they will be. No secret is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl Change {
    /// A change of which nothing more is known yet.
    pub(crate) fn new(address: Address, id: Option<Id>, verdict: Verdict) -> Self {
        Self {
            address,
            id,
            verdict,
            reason: None,
            renamed_from: None,
            fields: Vec::new(),
            resent_fields: Vec::new(),
            secrets: Vec::new(),
            data_effects: Vec::new(),
            blocking_tables: Vec::new(),
            place: None,
            before: None,
            after: None,
        }
    }

    pub(crate) fn deletion(address: &Address, object: &Object) -> Self {
        let live = FieldSemantics::for_kind(address.kind).normalize_live(&object.body);
        Self {
            data_effects: data_effects::deletion_effects(address.kind, &live),
            before: Some(declared_view(address.kind, &object.body)),
            ..Self::new(address.clone(), Some(object.id.clone()), Verdict::Delete)
        }
    }
}

/// The declarable fields of a live object. No secret is in it, and no field that is not known here:
/// it may be a secret.
pub(crate) fn declared_view(kind: Kind, live: &Value) -> Value {
    let rules = FieldSemantics::for_kind(kind);
    rules.shown(&rules.normalize_live(&rules.known_fields(live)))
}

/// One field, or one entry of a list, in which both sides differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The field.
    pub path: FieldPath,
    /// The entry of a list, as a person would call it: `public.users -> users`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The live value; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The declared value; `None` where an entry goes away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether this field is why the object must be replaced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forces_replacement: bool,
    /// Who changed it; only known when there is a base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<FieldVerdict>,
    /// The value in the base; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Value>,
    /// Whether live does not tell it: `before` is then what the base declares.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub write_only: bool,
    /// Where the field was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Who changed a field, told by comparing three sides: the base, what is declared now, and live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldVerdict {
    /// Git changed it; live is still as in the base.
    Change,
    /// Git did not change it, and live is otherwise.
    Drift,
    /// Git and somebody else changed it, differently.
    Conflict,
    /// Git changed it, and live says so already.
    Applied,
    /// It is new in git, and live said so before.
    Adoption,
    /// The manifest no longer mentions it: live keeps what it has.
    Removal,
    /// Nobody did: somebody asked for it to be sent again.
    Resent,
    /// The version of its secret was lowered or taken out, which sends nothing.
    Lowered,
    /// Somebody asked for it to be sent again, but it is fixed for as long as the object lives.
    Fixed,
}

impl FieldVerdict {
    /// The machine's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Drift => "drift",
            Self::Conflict => "conflict",
            Self::Applied => "applied",
            Self::Adoption => "adoption",
            Self::Removal => "removal",
            Self::Resent => "resent",
            Self::Lowered => "lowered",
            Self::Fixed => "fixed",
        }
    }
}

impl Serialize for FieldVerdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What cannot be compared in one object, because neither live nor a base tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UncheckedFields {
    /// The object, by the name it is declared under.
    pub address: Address,
    /// Fields and groups with secrets in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<FieldPath>,
    /// The others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldPath>,
    /// Which base git has for it.
    #[serde(skip)]
    pub missing_base: MissingBase,
}

/// Why no base tells what live does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingBase {
    /// There is no base.
    NotGiven,
    /// The object is new in git: the base does not have it.
    NotInBase,
}

/// What a plan says of an object and does nothing about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IgnoredChanges {
    /// The object, by the name it is declared under.
    pub address: Address,
    /// The live object.
    pub id: Id,
    /// The fields, each with its verdict.
    pub fields: Vec<FieldChange>,
}

impl IgnoredChanges {
    /// The fields that somebody changed outside git.
    pub fn drifted_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|field| field.verdict == Some(FieldVerdict::Drift))
    }
}

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is made.
    Create,
    /// It is live already and comes under management.
    Adopt,
    /// Some of its fields, or its state, change.
    Update,
    /// It gets another name, and perhaps other fields.
    Rename,
    /// It is deleted and made again.
    Replace,
    /// It is deleted.
    Delete,
    /// Nothing is done to it, for this reason.
    Blocked(BlockReason),
}

impl Verdict {
    /// The machine's word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Rename => "rename",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Blocked(_) => "blocked",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why nothing is done to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockReason {
    /// It is protected from being deleted.
    ProtectedFromDelete(ProtectedBy),
    /// It is protected, and the change would replace it.
    ProtectedFromReplace(ProtectedBy),
    /// Several live objects have its name: ids, and when each was made.
    Ambiguous(Vec<(Id, Option<String>)>),
    /// No live object of the service has the id that the manifest pins.
    PinnedIdMissing(Id),
    /// More than one of its names is live, previous names among them: each live object by name
    /// and id.
    SeveralNamesLive(Vec<(Name, Id)>),
    /// The API cannot rename objects of its kind.
    CannotRename,
    /// The API cannot delete objects of its kind.
    CannotDelete,
    /// It would be deleted, and the API would hardly make it again. Names it and what it leaves
    /// behind.
    UnsafeReplacement(Address, Vec<String>),
    /// It refers to an object that is neither live nor declared.
    MissingReference(Address),
    /// It refers to an object that is declared absent.
    ReferenceToAbsent(Address),
    /// Git changed these fields, and so did somebody else: each with the value in git and live.
    Conflict(Vec<(String, Value, Value)>),
    /// Its manifest is gone, but the last one protected it. Names the commit that removed it.
    ProtectedAtRemoval(String),
    /// Its manifest is gone, but this object refers to it still.
    StillReferenced(Address),
}

/// What protects an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtectedBy {
    /// Its manifest.
    Manifest,
    /// The project file, by this pattern.
    Project(String),
}

impl fmt::Display for ProtectedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("remove `protect`"),
            Self::Project(pattern) => {
                write!(f, "remove `{pattern}` from `policy.protect` in pipectl.yaml")
            }
        }
    }
}

impl BlockReason {
    /// Several live objects could be meant.
    pub(crate) fn from_candidates<'o>(objects: impl IntoIterator<Item = &'o Object>) -> Self {
        let objects = objects.into_iter();
        Self::Ambiguous(objects.map(|object| (object.id.clone(), object.created_at().map(str::to_owned))).collect())
    }
}

impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProtectedFromDelete(guard) => {
                write!(f, "it is protected: {guard} before deleting it")
            }
            Self::ProtectedFromReplace(guard) => write!(
                f,
                "it is protected, and this change would replace it: {guard}, or undo the change that \
                 forces replacement"
            ),
            Self::Ambiguous(objects) => {
                f.write_str("several live objects have this name: ")?;
                for (index, (id, created)) in objects.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    let created = created.as_deref().unwrap_or("at an unknown time");
                    write!(f, "{comma}{id} (created {created})")?;
                }
                f.write_str("; pick one with `metadata.id`, or delete the others")
            }
            Self::PinnedIdMissing(id) => {
                write!(f, "`metadata.id` is {id}, but no live object of the service has that id")
            }
            Self::SeveralNamesLive(objects) => {
                f.write_str("more than one of its names is live: ")?;
                for (index, (name, id)) in objects.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}`{name}` ({id})")?;
                }
                f.write_str(
                    "; pick one with `metadata.id`, or delete the others. To keep another one, move \
                     its name from `previousNames` to a manifest of its own",
                )
            }
            Self::CannotRename => f.write_str("the API cannot rename it"),
            Self::CannotDelete => f.write_str("the API cannot delete it"),
            Self::UnsafeReplacement(at, leftover) => {
                let warning = blocking_tables::blocking_tables_warning(leftover);
                write!(f, "{warning}, then allow it with `--allow-replace {}`", at.to_glob_argument())
            }
            Self::MissingReference(address) => {
                write!(f, "it references {address}, which is neither live nor declared")
            }
            Self::ReferenceToAbsent(address) => write!(
                f,
                "it references {address}, which is declared with `state: absent`: remove the \
                 reference or the `state: absent`"
            ),
            Self::Conflict(fields) => {
                for (field, git, live) in fields {
                    match (git.is_object() || live.is_object(), truncate_value(git), truncate_value(live)) {
                        (true, ..) => write!(f, "`{field}` was changed in git and outside git; "),
                        (false, git, live) => {
                            write!(f, "`{field}` was changed to {git} in git and to {live} outside git; ")
                        }
                    }?;
                }
                f.write_str("plan without `--base` to apply git's value, or put the live value into the manifest")
            }
            Self::ProtectedAtRemoval(commit) => write!(
                f,
                "its manifest was removed by {commit}, but that manifest protected it: to delete it, \
                 declare it with `state: absent` and without `protect`"
            ),
            Self::StillReferenced(address) => {
                write!(f, "its manifest was removed, but {address} still references it")
            }
        }
    }
}

/// A value in a sentence.
fn truncate_value(value: &Value) -> String {
    let text = match value {
        Value::Null => return "unset".to_owned(),
        value => value.to_string(),
    };
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A longer value is cut in a sentence.
const MAX_VALUE_CHARS: usize = 40;
