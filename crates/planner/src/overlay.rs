//! Intermediate bodies: desired with drifted values, and live in the spelling of the manifest.

use std::collections::{BTreeMap, HashMap};

use clickpipes::semantics::{EntryKey, FieldSemantics, KeyedList, ListSemantics, has_masked_text};
use model::path::FieldPath;
use serde_json::{Map, Value};

use crate::change::FieldVerdict;
use crate::field_diff::{FieldDiff, Side, Sides, diff_sides, group_by_field, is_unset};

/// The desired body, with fields that git does not set kept at their live value: an update must not send them.
pub(crate) fn target_body(desired: &Value, diffs: &[FieldDiff<'_>]) -> Value {
    keep_live(desired, diffs, &[FieldVerdict::Drift, FieldVerdict::Moved])
}

/// The body, with the fields that have one of these verdicts kept at their live value.
pub(crate) fn keep_live(body: &Value, diffs: &[FieldDiff<'_>], verdicts: &[FieldVerdict]) -> Value {
    let mut target = body.clone();
    let mut entries: BTreeMap<&FieldPath, Vec<(&FieldDiff<'_>, &KeyedList)>> = BTreeMap::new();
    let is_kept = |diff: &&FieldDiff<'_>| diff.verdict().is_some_and(|verdict| verdicts.contains(&verdict));
    for drifted in diffs.iter().filter(is_kept) {
        match (&drifted.entry, &drifted.live) {
            (Some(entry), _) => entries.entry(&drifted.path).or_default().push((drifted, entry.keyed)),
            (None, Some(live)) if !has_masked_text(live) => drifted.path.set_in(&mut target, live.clone()),
            // The value of a mask is unknown, so the update must not contain the field.
            (None, _) => drifted.path.remove_in(&mut target),
        }
    }
    // Only after the fields: the removal of an entry moves those after it.
    for (path, drifted) in entries {
        if let (Some(Value::Array(list)), Some((_, keyed))) = (path.value_in_mut(&mut target), drifted.first()) {
            let drifted: Vec<_> = drifted.iter().map(|(diff, _)| *diff).collect();
            keep_live_entries(list, &drifted, |entry| keyed.entry_key(entry));
        }
    }
    target
}

/// The live side of the fields of `target`, spelled as there wherever both agree. `differing` are
/// the fields where they do not. No secret is in it.
pub(crate) fn live_view(rules: &FieldSemantics, target: &Value, live: &Value, differing: &[FieldDiff<'_>]) -> Value {
    let mut view = rules.shown(target);
    for diffs in group_by_field(differing) {
        let FieldDiff { path, .. } = &diffs[0];
        match (path.value_in(target), path.value_in(live).filter(|live| !live.is_null())) {
            (Some(desired), Some(live)) => {
                path.set_in(&mut view, align_with_desired(diffs[0].field_rules(), desired, live));
            }
            _ => path.remove_in(&mut view),
        }
    }
    view
}

/// The live value in the order and the spelling of the desired one where both are equal, so that only real differences
/// look different.
fn align_with_desired(rules: &FieldSemantics, desired: &Value, live: &Value) -> Value {
    let (Value::Array(desired), Value::Array(live), false) = (desired, live, rules.list == ListSemantics::Atomic)
    else {
        return rules.shown(live);
    };
    let item = rules.list_item();
    let mut unclaimed = UnclaimedEntries::new(rules, live);
    let mut entries: Vec<Value> = desired
        .iter()
        .filter_map(|entry| {
            let live = unclaimed.take(entry)?;
            let sides = Sides { base: Side::Unknown, desired: Some(entry), live: Side::Value(live) };
            let mut differing = diff_sides(item, sides);
            differing.retain(FieldDiff::is_pending);
            Some(live_view(item, entry, live, &differing))
        })
        .collect();
    let mut others: Vec<Value> = unclaimed.live.into_iter().flatten().map(|live| item.shown(live)).collect();
    // The API returns lists in any order.
    others.sort_by_key(Value::to_string);
    entries.extend(others);
    Value::Array(entries)
}

/// The entries of a live list, each for one of the desired list.
struct UnclaimedEntries<'l> {
    rules: &'l FieldSemantics,
    live: Vec<Option<&'l Value>>,
    /// The places of a keyed list, from the last one on.
    by_key: HashMap<EntryKey, Vec<usize>>,
}

impl<'l> UnclaimedEntries<'l> {
    fn new(rules: &'l FieldSemantics, live: &'l [Value]) -> Self {
        let mut by_key: HashMap<_, Vec<usize>> = HashMap::new();
        if let ListSemantics::Keyed(keyed) = &rules.list {
            for (at, entry) in live.iter().enumerate().rev() {
                by_key.entry(keyed.entry_key(entry)).or_default().push(at);
            }
        }
        Self { rules, live: live.iter().map(Some).collect(), by_key }
    }

    /// The first entry that matches.
    fn take(&mut self, desired: &Value) -> Option<&'l Value> {
        let item = self.rules.list_item();
        let at = match &self.rules.list {
            ListSemantics::Keyed(keyed) => self.by_key.get_mut(&keyed.entry_key(desired))?.pop()?,
            ListSemantics::Atomic | ListSemantics::Set => {
                self.live.iter().position(|live| live.is_some() && item.matches_live(desired, *live))?
            }
        };
        self.live[at].take()
    }
}

/// Keeps the drifted entries of a list at their live values.
// By their keys, and in one pass: each entry of a long list may have drifted.
fn keep_live_entries(list: &mut Vec<Value>, drifted: &[&FieldDiff<'_>], key_of: impl Fn(&Value) -> EntryKey) {
    let key_of_diff = |diff: &&FieldDiff<'_>| diff.desired.as_ref().or(diff.live.as_ref()).map(&key_of);
    let keys: Vec<Option<EntryKey>> = drifted.iter().map(key_of_diff).collect();
    let mut unclaimed: HashMap<&EntryKey, &FieldDiff<'_>> =
        keys.iter().zip(drifted).filter_map(|(key, diff)| Some((key.as_ref()?, *diff))).collect();
    let kept = std::mem::take(list).into_iter().filter_map(|entry| match unclaimed.remove(&key_of(&entry)) {
        None => Some(entry),
        Some(diff) => diff.live.as_ref().map(|live| keep_desired_fields(&entry, live)),
    });
    *list = kept.collect();
    // Somebody added the others outside git. A list that is sent as a whole has to keep them.
    let added = keys.iter().flatten().filter_map(|key| unclaimed.get(key)?.live.as_ref());
    list.extend(added.map(without_nulls));
}

/// The live values of the desired fields: an update does not send values that the API added by itself.
fn keep_desired_fields(desired: &Value, live: &Value) -> Value {
    let (Value::Object(desired), Value::Object(live)) = (desired, live) else {
        return live.clone();
    };
    let known = live.iter().filter(|(name, value)| desired.contains_key(*name) && is_known(value));
    known.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

fn without_nulls(live: &Value) -> Value {
    let Value::Object(fields) = live else { return live.clone() };
    let set = fields.iter().filter(|(_, value)| is_known(value));
    set.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

fn is_known(live: &Value) -> bool {
    !live.is_null() && !has_masked_text(live)
}

/// A live list entry as a request may contain it.
pub(crate) fn without_unset_fields(live: &Value) -> Value {
    let Value::Object(fields) = live else { return live.clone() };
    let set = fields.iter().filter(|(_, value)| !is_unset(value) && is_known(value));
    set.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use clickpipes::semantics::FieldSemantics;
    use model::address::Kind;
    use model::path::FieldPath;
    use serde_json::{Value, json};

    use super::keep_live_entries;
    use crate::change::FieldVerdict;
    use crate::field_diff::{FieldDiff, Origin};

    /// Every third entry was changed, every third removed, and as many were added.
    fn keys_for_drift(length: usize) -> usize {
        let entry = |number: usize, value: &str| json!({"name": number, "value": value, "added": null});
        let mut list: Vec<Value> = (0..length).map(|number| json!({"name": number, "value": "git"})).collect();
        let drift = |desired: Option<&Value>, live: Option<Value>| FieldDiff {
            path: FieldPath::root(),
            entry: None,
            rules: FieldSemantics::for_kind(Kind::ClickPipe),
            base: None,
            desired: desired.cloned(),
            live,
            origin: Origin::Known(FieldVerdict::Drift),
            has_target_value: false,
        };
        let of_entry = |number: usize| match number % 3 {
            0 => drift(Some(&list[number]), Some(entry(number, "live"))),
            1 => drift(Some(&list[number]), None),
            _ => drift(None, Some(entry(length + number, "live"))),
        };
        let drifted: Vec<FieldDiff<'_>> = (0..length).map(of_entry).collect();
        let count = Cell::new(0);
        keep_live_entries(&mut list, &drifted.iter().collect::<Vec<_>>(), |entry| {
            count.set(count.get() + 1);
            vec![entry.get("name").cloned()]
        });
        let kept: Vec<String> = list.iter().take(2).map(Value::to_string).collect();
        assert_eq!(kept, [r#"{"name":0,"value":"live"}"#, r#"{"name":2,"value":"git"}"#]);
        assert_eq!(list.last(), Some(&json!({"name": length * 2 - 1, "value": "live"})));
        assert_eq!(list.len(), length);
        count.get()
    }

    #[test]
    fn cost_of_drift_grows_with_the_length_of_the_list() {
        let (few, many) = (keys_for_drift(102), keys_for_drift(816));
        assert!(many <= 9 * few, "{few} keys for 102, {many} for 816");
    }
}
