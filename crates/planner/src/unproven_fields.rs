//! Fields of list entries that the API may refuse after the old entry is removed.
//
// A changed entry is removed and added again, in two requests. If the API refuses the second one because of an unknown
// field, the old entry is added again, with a new copy of its table, and the next apply would do the same: no state
// file records that the API refused it before. So a field that no struct declares, and that no live entry has, needs a
// permission. So does a live value that the schema of requests refuses.

use std::collections::BTreeSet;

use model::action::Action;
use serde_json::Value;

use crate::carry_over::CarriedEntries;
use crate::field_diff::group_by_field;
use crate::words::quote_all;

/// The fields, if the actions remove entries before they add them again.
pub(crate) fn unproven_fields(carried: &CarriedEntries, live: &Value, actions: &[Action]) -> Vec<String> {
    if !actions.iter().any(|action| matches!(action, Action::Update { restore: Some(_), .. })) {
        return Vec::new();
    }
    let mut found: BTreeSet<String> = carried.doubtful.iter().cloned().collect();
    for diffs in group_by_field(&carried.pending).filter(|diffs| diffs[0].is_set_by_deltas()) {
        let path = &diffs[0].path;
        let shown = path.value_in(live).and_then(Value::as_array).into_iter().flatten();
        let shown: BTreeSet<&String> = shown.filter_map(Value::as_object).flat_map(serde_json::Map::keys).collect();
        for diff in diffs {
            let declared = diff.desired.as_ref().and_then(Value::as_object).into_iter().flatten();
            let is_unknown = |name: &&String| diff.rules.child_field(name).is_unknown() && !shown.contains(name);
            let unknown = declared.map(|(name, _)| name).filter(is_unknown);
            found.extend(unknown.map(|name| format!("{path}.*.{name}")));
        }
    }
    found.into_iter().collect()
}

/// What becomes of fields that only an answer of the API has shown.
pub(crate) fn unproven_sentence(actions: &[Action]) -> Option<String> {
    let unproven = actions.iter().flat_map(|action| match action {
        Action::Update { unproven, .. } => unproven.as_slice(),
        Action::Create { .. } | Action::SetState { .. } | Action::Delete { .. } => &[],
    });
    let names = quote_all(unproven);
    (!names.is_empty()).then(|| {
        format!("pipectl does not know {names}, which live has: if the API refuses that, it is left out and lost")
    })
}
