//! Entries of one source that both git and somebody else have led to another target.
//
// An entry is known by its source and its target, so each side's entry is a new one, and neither contradicts the other.
// Applied, the source would be read into both targets.
//
//     base   users -> a
//     git    users -> b
//     live   users -> c          a conflict, as of a field

use std::collections::{HashMap, HashSet};

use clickpipes::semantics::EntryKey;
use model::path::FieldPath;
use serde_json::Value;

use crate::change::FieldVerdict;
use crate::field_diff::{FieldDiff, Origin};

/// Makes conflicts of them.
pub(crate) fn find_conflicts(diffs: &mut [FieldDiff<'_>], base: Option<&Value>) {
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
    let kept = kept_sources(diffs);
    for diff in diffs.iter_mut() {
        let is_new = diff.verdict() == Some(FieldVerdict::Change) && diff.base.is_none() && diff.live.is_none();
        let Some(source) = source_key(diff, diff.desired.as_ref()).filter(|_| is_new) else { continue };
        let at = (diff.path.clone(), source);
        if let Some(live) = retargeted.get(&at)
            && !kept.contains(&at)
            && was_in_base(diff, &at.1, base)
        {
            diff.live = Some(live.clone());
            diff.origin = Origin::Known(FieldVerdict::Conflict);
        }
    }
}

/// The sources with an entry of the base that is still live: another one beside it is an addition.
fn kept_sources(diffs: &[FieldDiff<'_>]) -> HashSet<(FieldPath, EntryKey)> {
    let both = diffs.iter().filter(|diff| diff.base.is_some() && diff.live.is_some());
    both.filter_map(|diff| Some((diff.path.clone(), source_key(diff, diff.live.as_ref())?))).collect()
}

fn was_in_base(diff: &FieldDiff<'_>, source: &EntryKey, base: &Value) -> bool {
    let entries = diff.path.value_in(base).and_then(Value::as_array).into_iter().flatten();
    { entries }.any(|entry| source_key(diff, Some(entry)).as_ref() == Some(source))
}

/// What tells the source of an entry; `None` where entries have none.
fn source_key(diff: &FieldDiff<'_>, entry: Option<&Value>) -> Option<EntryKey> {
    let keyed = diff.entry.as_ref()?.keyed;
    let length = keyed.deltas.as_ref()?.source_key_length;
    Some(keyed.entry_key(entry?).into_iter().take(length).collect())
}
