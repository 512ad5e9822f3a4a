//! Bodies in between: desired with what drifted, and the live side as a manifest would spell it.

use std::collections::HashMap;

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
    let is_kept = |diff: &&FieldDiff<'_>| diff.verdict().is_some_and(|verdict| verdicts.contains(&verdict));
    for drifted in diffs.iter().filter(is_kept) {
        match (&drifted.entry, &drifted.live) {
            (Some(entry), _) => apply_drifted_entry(&mut target, drifted, entry.keyed),
            (None, Some(live)) if !has_masked_text(live) => drifted.path.set_in(&mut target, live.clone()),
            // Of a mask nobody knows the value, so the update must not contain the field.
            (None, _) => remove_path(&mut target, &drifted.path),
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
            _ => remove_path(&mut view, path),
        }
    }
    view
}

/// The live value in the order and the spelling of the desired one, as far as both agree, so that
/// only real differences look different.
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

    /// The first one that is the same entry.
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

fn apply_drifted_entry(target: &mut Value, drifted: &FieldDiff<'_>, keyed: &KeyedList) {
    let Some(Value::Array(list)) = value_at_path(target, &drifted.path) else { return };
    let Some(known) = drifted.desired.as_ref().or(drifted.live.as_ref()) else { return };
    let position = list.iter().position(|entry| keyed.entry_key(entry) == keyed.entry_key(known));
    match (position, &drifted.live) {
        (Some(position), Some(live)) => list[position] = keep_desired_fields(&list[position], live),
        (Some(position), None) => _ = list.remove(position),
        // Somebody added it outside git. A list that is sent as a whole has to keep it.
        (None, Some(live)) => list.push(without_nulls(live)),
        (None, None) => {}
    }
}

fn value_at_path<'v>(document: &'v mut Value, path: &FieldPath) -> Option<&'v mut Value> {
    path.segments().iter().try_fold(document, |value, segment| match value {
        Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?),
        _ => value.get_mut(segment.as_str()),
    })
}

/// The live values of the desired fields: an update does not send what the API added by itself.
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

pub(crate) fn remove_path(document: &mut Value, path: &FieldPath) {
    let (Some(parent), Some(name)) = (path.parent(), path.last_segment()) else { return };
    match value_at_path(document, &parent) {
        Some(Value::Object(fields)) => _ = fields.shift_remove(name),
        Some(Value::Array(items)) => {
            if let Some(index) = name.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}
