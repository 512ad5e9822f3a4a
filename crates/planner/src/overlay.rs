//! Bodies in between: desired with what drifted, and the live side as a manifest would spell it.

use clickpipes::semantics::{FieldSemantics, KeyedList, ListSemantics, has_masked_text};
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
    let mut rest: Vec<&Value> = live.iter().collect();
    let mut entries: Vec<Value> = desired
        .iter()
        .filter_map(|entry| {
            let position = rest.iter().position(|live| is_matching_entry(rules, entry, live))?;
            let live = rest.remove(position);
            let sides = Sides { base: Side::Unknown, desired: Some(entry), live: Side::Value(live) };
            let mut differing = diff_sides(item, sides);
            differing.retain(FieldDiff::is_pending);
            Some(live_view(item, entry, live, &differing))
        })
        .collect();
    let mut others: Vec<Value> = rest.into_iter().map(|live| item.shown(live)).collect();
    // The API returns lists in any order.
    others.sort_by_key(Value::to_string);
    entries.extend(others);
    Value::Array(entries)
}

fn is_matching_entry(rules: &FieldSemantics, desired: &Value, live: &Value) -> bool {
    match &rules.list {
        ListSemantics::Keyed(keyed) => keyed.entry_key(desired) == keyed.entry_key(live),
        ListSemantics::Atomic | ListSemantics::Set => rules.list_item().matches_live(desired, Some(live)),
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
