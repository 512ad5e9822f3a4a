//! Reasons for which a plan does nothing to an object.

use std::fmt;

use clickpipes::blocking_tables;
use model::address::{Address, Name};
use model::live::{Id, Object};
use serde_json::Value;

use crate::respelling::RespelledField;

/// Why the plan does nothing to an object.
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
    /// It would be deleted for fields that the API may only spell in its own way.
    SpelledByApi(Address, Vec<RespelledField>),
    /// A live object that nobody declares is what the manifest declares, under this spelling of the name.
    NameSpelledByApi(Name, Id),
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
            Self::SpelledByApi(at, fields) => {
                for (field, desired, live) in fields {
                    let (desired, live) =
                        (truncate_value(&desired.as_str().into()), truncate_value(&live.as_str().into()));
                    write!(f, "the API spells {desired} of `{field}` as {live}: write it so; ")?;
                }
                write!(
                    f,
                    "if it is another value, allow the replacement with `--allow-replace {}`",
                    at.to_glob_argument()
                )
            }
            Self::NameSpelledByApi(name, id) => {
                write!(f, "the API calls it `{name}` ({id}): write the name so, or list it in `previousNames`")
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

/// A value for a sentence, truncated.
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

/// Longest value in a sentence.
const MAX_VALUE_CHARS: usize = 40;
