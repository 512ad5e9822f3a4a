//! Entries of one source whose target both git and somebody else changed.
//
// An entry is identified by its source and its target, so each side's entry is a new one, and neither contradicts the
// other. Applied, the source would be read into both targets.
//
//     base   users -> a
//     git    users -> b
//     live   users -> c          a conflict, as of a field

use std::collections::HashMap;

use clickpipes::semantics::EntryKey;
use model::path::FieldPath;
use serde_json::Value;

use crate::change::FieldVerdict;
use crate::field_diff::{FieldDiff, Origin};

/// Turns them into conflicts.
pub(crate) fn find_conflicts(diffs: &mut [FieldDiff<'_>], base: Option<&Value>, live: &Value) {
    let Some(base) = base else { return };
    let mut retargeted: HashMap<(FieldPath, EntryKey), Value> = HashMap::new();
    let is_new_live = |diff: &&FieldDiff<'_>| {
        diff.verdict() == Some(FieldVerdict::Drift) && diff.base.is_none() && diff.desired.is_none()
    };
    for diff in diffs.iter().filter(is_new_live) {
        if let (Some(source), Some(live)) = (source_key(diff, diff.live.as_ref()), &diff.live) {
            retargeted.insert((diff.path.clone(), source), live.clone());
        }
    }
    if retargeted.is_empty() {
        return;
    }
    for diff in diffs.iter_mut() {
        let is_new = diff.verdict() == Some(FieldVerdict::Change) && diff.base.is_none() && diff.live.is_none();
        let Some(source) = source_key(diff, diff.desired.as_ref()).filter(|_| is_new) else { continue };
        let at = (diff.path.clone(), source);
        if let Some(other) = retargeted.get(&at).filter(|_| has_left_base(diff, &at.1, base, live)) {
            diff.live = Some(other.clone());
            diff.origin = Origin::Known(FieldVerdict::Conflict);
        }
    }
}

/// Whether the base has an entry of the source that is no longer live. If it is still live, another entry is an
/// addition.
fn has_left_base(diff: &FieldDiff<'_>, source: &EntryKey, base: &Value, live: &Value) -> bool {
    let Some(keyed) = diff.entry.as_ref().map(|entry| entry.keyed) else { return false };
    let entries = |body: &Value| -> Vec<EntryKey> {
        let list = diff.path.value_in(body).and_then(Value::as_array).into_iter().flatten();
        let of_source = list.filter(|entry| source_key(diff, Some(entry)).as_ref() == Some(source));
        of_source.map(|entry| keyed.entry_key(entry)).collect()
    };
    let (base, live) = (entries(base), entries(live));
    !base.is_empty() && !live.iter().any(|key| base.contains(key))
}

/// The source of an entry; `None` if entries have none.
fn source_key(diff: &FieldDiff<'_>, entry: Option<&Value>) -> Option<EntryKey> {
    let keyed = diff.entry.as_ref()?.keyed;
    let length = keyed.deltas.as_ref()?.source_key_length;
    Some(keyed.entry_key(entry?).into_iter().take(length).collect())
}
