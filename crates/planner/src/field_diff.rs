//! One walk over the sides of an object: base, desired and live.
//!
//! Every comparison is this walk. Without a base it compares two sides. Comparing two environments
//! has no live side. A write-only field is one that the live side does not show.

use std::collections::BTreeMap;

use clickpipes::semantics::{FieldSemantics, KeyedList, OnChange, Readback};
use model::path::FieldPath;
use serde_json::Value;

use crate::change::FieldVerdict;

mod respelled_keys;
mod walk;

use respelled_keys::EntryIndex;
pub(crate) use walk::{Sides, diff_sides, is_same_value};
use walk::{index_entries, list_items};

/// A field or keyed list entry in which the sides differ or cannot be compared.
///
/// `source.kafka.topics` with base `a`, desired `a` and live `b` has the origin `drift`.
#[derive(Clone, Debug)]
pub(crate) struct FieldDiff<'r> {
    pub(crate) path: FieldPath,
    /// The list and the entry, where only one entry differs.
    pub(crate) entry: Option<ListEntry<'r>>,
    /// The semantics of the value.
    pub(crate) rules: &'r FieldSemantics,
    pub(crate) base: Option<Value>,
    pub(crate) desired: Option<Value>,
    pub(crate) live: Option<Value>,
    pub(crate) origin: Origin,
    /// Whether live has a value of the target branch of the pull request.
    pub(crate) has_target_value: bool,
}

/// An entry of a keyed list.
#[derive(Clone, Debug)]
pub(crate) struct ListEntry<'r> {
    pub(crate) list: &'r FieldSemantics,
    pub(crate) keyed: &'r KeyedList,
    /// The entry as a person would name it: `public.users -> users`.
    pub(crate) label: String,
    /// The length of the live list.
    pub(crate) live_count: usize,
}

/// The cause of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Desired and live differ. Without a base it is unknown who changed the field.
    NoBase,
    /// The field is write-only, and git did not change it as far as is known.
    Unchecked,
    /// The base shows who changed the field.
    Known(FieldVerdict),
}

impl<'r> FieldDiff<'r> {
    /// Whether apply has to send the field, or a conflict forbids it.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.origin, Origin::NoBase | Origin::Known(FieldVerdict::Change | FieldVerdict::Conflict))
    }

    pub(crate) fn verdict(&self) -> Option<FieldVerdict> {
        match self.origin {
            Origin::Known(verdict) => Some(verdict),
            Origin::NoBase | Origin::Unchecked => None,
        }
    }

    /// Whether live does not contradict the desired value.
    pub(crate) fn matches_live(&self) -> bool {
        // An entry that live does not have is not one that the API omits.
        let is_comparable = self.entry.is_none() || self.live.is_some();
        let desired = self.desired.as_ref().filter(|_| is_comparable);
        desired.is_some_and(|desired| self.rules.matches_live(desired, self.live.as_ref()))
    }

    /// Whether the live side does not show the value of git.
    pub(crate) fn is_write_only(&self) -> bool {
        let declared = self.desired.as_ref().or(self.base.as_ref());
        declared.is_some_and(|value| self.rules.is_unobserved(value, self.live.as_ref()))
    }

    /// Whether live has a size that cannot be true. It may hide drift, even if a base shows a change of git.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.desired.is_some() && self.live.is_some() && self.rules.is_unsettled(self.live.as_ref())
    }

    /// The semantics of what a request can set: a list is set as a whole or by deltas.
    pub(crate) fn field_rules(&self) -> &'r FieldSemantics {
        self.entry.as_ref().map_or(self.rules, |entry| entry.list)
    }

    /// Whether it is an entry that is removed and added separately.
    pub(crate) fn is_set_by_deltas(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| entry.keyed.deltas.is_some())
    }

    /// The strongest action that a change of the field needs.
    pub(crate) fn on_change(&self) -> OnChange {
        match (&self.entry, &self.desired) {
            (Some(entry), _) => entry.list.on_change,
            // Live has no value of the field, so the base is the old value.
            (None, desired) if self.matches_live() => {
                self.rules.on_change_between(self.base.as_ref(), desired.as_ref())
            }
            (None, Some(desired)) => strongest_on_change(self.rules, desired, self.live.as_ref()),
            (None, None) => self.rules.on_change,
        }
    }
}

/// Another body of git, of an earlier commit or of another branch.
pub(crate) struct GitBody<'b> {
    body: &'b Value,
    /// The entries of its lists. A search for each entry would cost the square of a list of tables.
    entries: BTreeMap<FieldPath, EntryIndex<'b>>,
}

impl<'b> GitBody<'b> {
    pub(crate) fn new(body: &'b Value) -> Self {
        Self { body, entries: BTreeMap::new() }
    }

    /// Whether the live value equals that of this body.
    pub(crate) fn has_live_value(&mut self, diff: &FieldDiff<'_>) -> bool {
        let Some(value) = diff.path.value_in(self.body) else { return false };
        let Some(ListEntry { keyed, .. }) = &diff.entry else {
            return diff.rules.matches_live(value, diff.live.as_ref());
        };
        let index = || index_entries(keyed, list_items(Some(value)));
        let entries = self.entries.entry(diff.path.clone()).or_insert_with(index);
        let own = [&diff.desired, &diff.base, &diff.live].into_iter().flatten().next();
        let found = own.and_then(|own| entries.get(&keyed.entry_key(own)).copied());
        is_same_value(diff.rules, found, diff.live.as_ref())
    }
}

/// Groups entries of the same list: a request sets fields, not entries.
pub(crate) fn group_by_field<'d, 'r>(diffs: &'d [FieldDiff<'r>]) -> impl Iterator<Item = &'d [FieldDiff<'r>]> {
    diffs.chunk_by(|one, other| one.path == other.path)
}

/// A block that is missing live needs a replacement as soon as one of its fields does. A field that
/// the API does not return does not decide.
fn strongest_on_change(rules: &FieldSemantics, desired: &Value, live: Option<&Value>) -> OnChange {
    let own = rules.on_change_between(live, Some(desired));
    let Value::Object(fields) = desired else { return own };
    let below = fields.iter().filter_map(|(name, value)| {
        let rules = rules.child_field(name);
        let decides = !rules.local_only && !rules.is_secret && rules.readback != Readback::Never;
        decides.then(|| strongest_on_change(rules, value, None))
    });
    below.chain([own]).find(|on_change| *on_change == OnChange::Replace).unwrap_or(own)
}

/// A side to compare with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side<'v> {
    /// The comparison has no such side: no base, or no live side.
    Unknown,
    /// The side does not have the field.
    Absent,
    Value(&'v Value),
}

impl<'v> Side<'v> {
    fn is_known(self) -> bool {
        !matches!(self, Self::Unknown)
    }

    fn value(self) -> Option<&'v Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unknown | Self::Absent => None,
        }
    }

    fn value_below(self, find: impl FnOnce(&'v Value) -> Option<&'v Value>) -> Self {
        match self {
            Self::Value(value) => find(value).map_or(Self::Absent, Self::Value),
            Self::Unknown | Self::Absent => self,
        }
    }
}

/// Whether the value is the one that the API returns for an unset field.
pub(crate) fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_unset),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
