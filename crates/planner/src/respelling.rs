//! Values that an API may only have spelled differently.
//
// A pipe is replaced when a field differs that no update can change. If the API stores the topic `Orders ` as `orders`,
// every apply would delete the pipe and create it again, and the difference would stay. Without a state file, such a
// spelling cannot be distinguished from a change that somebody made. So these differences delete nothing, unless
// somebody allows it by name:
//
//     blanks, punctuation, case, form of Unicode   `Orders ` and `orders`
//     escapes                                      `*` and `%2A`, `=` and `\u003d`, `&` and `&amp;`
//     a path or prefix before the name             `clicks` and `arn:aws:kinesis:…:stream/clicks`
//     no value, and no base that has none          `true` and null, `clicks` and ""
//     a value of another type                      `clicks` and `["clicks"]`, `true` and 1

use std::collections::BTreeSet;

use clickpipes::semantics::{self, KeyEnds, RespelledField};
use model::path::{FieldPath, VisitedPath};
use serde_json::Value;

use crate::change::FieldVerdict;
use crate::field_diff::{FieldDiff, Origin, group_by_field, is_same_value};

/// The fields that force a replacement, if each of them may only be spelled differently.
pub(crate) fn respelled_fields(
    pending: &[FieldDiff<'_>],
    forcing: &BTreeSet<&FieldPath>,
    live: &Value,
) -> Vec<RespelledField> {
    let forcing = group_by_field(pending).filter(|diffs| forcing.contains(&diffs[0].path));
    let respelled = forcing.map(|diffs| match diffs {
        [diff @ FieldDiff { entry: None, .. }] => respelled_field(diff, live),
        entries => respelled_list(entries),
    });
    respelled.collect::<Option<Vec<_>>>().unwrap_or_default().concat()
}

fn respelled_field(diff: &FieldDiff<'_>, live: &Value) -> Option<Vec<RespelledField>> {
    let desired = diff.desired.as_ref()?;
    let field = |live: &Value| vec![(diff.path.to_string(), desired.clone(), live.clone())];
    let Some(value) = diff.live.as_ref().filter(|value| *value != "") else {
        // The API may have the value and omit it from the response. A base shows that git did not set the value before.
        return (diff.origin == Origin::NoBase).then(|| field(diff.live.as_ref().unwrap_or(&Value::Null)));
    };
    if is_of_other_type(desired, value) {
        return Some(field(value));
    }
    let found = respelled_texts(diff, value).filter(|found| !found.is_empty());
    found.or_else(|| is_named_after_sibling(diff, (desired, value), live).then(|| field(value)))
}

fn respelled_texts(diff: &FieldDiff<'_>, live: &Value) -> Option<Vec<RespelledField>> {
    diff.rules.respelled_texts(&VisitedPath::below(&diff.path), diff.desired.as_ref()?, Some(live)).ok()
}

fn is_named_after_sibling(diff: &FieldDiff<'_>, (desired, value): (&Value, &Value), live: &Value) -> bool {
    let siblings = diff.path.parent().and_then(|parent| parent.value_in(live)?.as_object());
    siblings.is_some_and(|siblings| semantics::is_named_after_sibling(desired, value, siblings))
}

/// Removes the verdict that somebody else changed a field, if live may have a value of git in the spelling of the API.
///
/// ```text
/// base   git   live
/// a,b    a,c   A,B    git changed it
/// a,b    a,c   A,C    an apply sent it, but the base has not moved on: only the spelling is left
/// ```
///
/// As conflicts, both would block the object in each run.
pub(crate) fn recognize_spellings(diffs: &mut [FieldDiff<'_>], live: &Value) {
    let is_conflict =
        |diff: &&mut FieldDiff<'_>| diff.verdict() == Some(FieldVerdict::Conflict) && !diff.has_target_value;
    for diff in diffs.iter_mut().filter(is_conflict) {
        let is_spelling = |own: &Value| {
            let value = diff.live.as_ref()?;
            let is_text = diff.rules.respelled_texts(&VisitedPath::below(&diff.path), own, Some(value)).is_ok();
            Some(is_text || is_named_after_sibling(diff, (own, value), live))
        };
        if [&diff.base, &diff.desired].into_iter().flatten().any(|own| is_spelling(own) == Some(true)) {
            diff.origin = Origin::Known(FieldVerdict::Change);
        }
    }
}

/// Whether live has the value of the base in these fields, so that only git can have changed their spelling.
pub(crate) fn are_live_as_in_base<'d>(mut diffs: impl Iterator<Item = &'d FieldDiff<'d>>) -> bool {
    diffs.all(|diff| {
        diff.verdict() == Some(FieldVerdict::Change)
            && is_same_value(diff.rules, diff.base.as_ref(), diff.live.as_ref())
    })
}

/// Whether live has a value that no object can be created with, such as a list where a text was declared. References to
/// other objects count as text.
fn is_of_other_type(desired: &Value, live: &Value) -> bool {
    !desired.is_object() && std::mem::discriminant(desired) != std::mem::discriminant(live)
}

/// The texts that differ between the entries of a list, if each live one may be a declared one.
fn respelled_list(entries: &[FieldDiff<'_>]) -> Option<Vec<RespelledField>> {
    let (declared, unclaimed): (Vec<_>, Vec<_>) = entries.iter().partition(|diff| diff.desired.is_some());
    let mut unclaimed: Vec<&Value> = unclaimed.into_iter().filter_map(|diff| diff.live.as_ref()).collect();
    let mut found = Vec::new();
    for diff in declared {
        let respelled = |live: &Value| respelled_texts(diff, live);
        found.extend(if let Some(live) = &diff.live {
            respelled(live)?
        } else {
            let at = unclaimed.iter().position(|live| respelled(live).is_some())?;
            respelled(unclaimed.remove(at))?
        });
    }
    unclaimed.is_empty().then_some(found)
}

/// The fields of list entries that would be removed and added again, and that may only be spelled differently.
//
// A table mapping is identified by its source and its target. If the API stores the target `Orders` as `orders`, the
// live entry is undeclared and the declared one is missing: each apply would remove the one and add the other, with a
// new snapshot.
pub(crate) fn respelled_entries(pending: &[FieldDiff<'_>]) -> Vec<RespelledField> {
    let entries: Vec<&FieldDiff<'_>> = pending.iter().filter(|diff| diff.is_set_by_deltas()).collect();
    let ends = |entry: &Value, diff: &FieldDiff<'_>| Some(KeyEnds::new(diff.entry.as_ref()?.keyed, entry));
    let unclaimed = entries.iter().filter(|diff| diff.desired.is_none());
    let unclaimed: Vec<_> =
        unclaimed.filter_map(|diff| Some((diff, diff.live.as_ref()?, ends(diff.live.as_ref()?, diff)?))).collect();
    let respelled = entries.iter().flat_map(|diff| {
        let own = diff.desired.as_ref().filter(|_| diff.live.is_none()).and_then(|desired| ends(desired, diff));
        let others = unclaimed.iter().filter(|(other, _, ends)| {
            own.as_ref().is_some_and(|own| own.may_be_respelled(ends)) && other.path == diff.path
        });
        let mut live = diff.live.iter().chain(others.map(|(_, live, _)| *live));
        let found = live.find_map(|live| {
            let whole = respelled_texts(diff, live).filter(|found| !found.is_empty());
            whole.or_else(|| respelled_key(diff, live))
        });
        found.unwrap_or_default()
    });
    respelled.collect()
}

/// The differences between the keys of both entries, if they may only be a spelling. Other changes of the entry do not
/// matter, because the API would respell the new one as well.
fn respelled_key(diff: &FieldDiff<'_>, live: &Value) -> Option<Vec<RespelledField>> {
    let (keyed, desired) = (diff.entry.as_ref()?.keyed, diff.desired.as_ref()?);
    let key = keyed.identity.iter().filter_map(|field| Some((field.clone(), desired.get(field)?.clone())));
    let key = Value::Object(key.collect());
    let found = diff.rules.respelled_texts(&VisitedPath::below(&diff.path), &key, Some(live)).ok();
    found.filter(|found| !found.is_empty())
}
