//! The fields of a change, as people read them.

use clickpipes::data_effects;
use clickpipes::lifecycle;
use clickpipes::semantics::FieldSemantics;
use model::action::RunState;
use model::address::Address;
use model::desired::{Document, Presence};
use model::live::Object;
use model::path::FieldPath;
use model::secret;
use serde_json::Value;

use crate::change::{BlockReason, FieldChange, FieldVerdict};
use crate::diff::{Difference, EntryDifference, WriteOnlyChange};
use crate::three_way::ThreeWayField;
use crate::write_only::WriteOnlyField;

/// One for each field, or entry of a keyed list, that differs.
pub(crate) fn from_differences(
    document: &Document,
    differences: &[Difference<'_>],
    forcing: &[&Difference<'_>],
) -> Vec<FieldChange> {
    differences
        .iter()
        .flat_map(|difference| {
            let forces = forcing.iter().any(|other| other.path == difference.path);
            match &difference.write_only {
                None => compared_changes(document, difference, forces),
                Some(WriteOnlyChange::ChangedInGit(base)) => {
                    write_only_changes(document, difference, base.as_ref(), forces)
                }
                Some(WriteOnlyChange::ResendRequested) => {
                    vec![without_values(document, &difference.path, FieldVerdict::Resent)]
                }
            }
        })
        .collect()
}

fn compared_changes(document: &Document, difference: &Difference<'_>, forces_replacement: bool) -> Vec<FieldChange> {
    let place = Some(document.origin.field_place(&difference.path));
    let path = &difference.path;
    if difference.entries.is_empty() {
        let shown = |value: &Value| difference.rules.shown(value);
        return vec![FieldChange {
            path: path.clone(),
            entry: None,
            before: difference.live.as_ref().map(shown),
            after: Some(shown(&difference.desired)),
            forces_replacement,
            verdict: None,
            base: None,
            write_only: false,
            place,
        }];
    }
    let item = difference.rules.list_item();
    let entries = difference.entries.iter().map(|entry| FieldChange {
        path: path.clone(),
        entry: Some(entry.label.clone()),
        before: entry.live.as_ref().map(|value| item.shown(value)),
        after: entry.desired.as_ref().map(|value| item.shown(value)),
        forces_replacement,
        verdict: None,
        base: None,
        write_only: false,
        place: place.clone(),
    });
    entries.collect()
}

/// What git changed of a field that live does not tell; of a group, each member that differs.
fn write_only_changes(
    document: &Document,
    difference: &Difference<'_>,
    base: Option<&Value>,
    forces_replacement: bool,
) -> Vec<FieldChange> {
    let members = group_members(difference, base);
    let differing = members.into_iter().filter(|(_, rules, was, is)| match (was, is) {
        (Some(was), Some(is)) => !rules.requests_same(was, is),
        (was, is) => was.is_some() || is.is_some(),
    });
    let changes = differing.map(|(path, rules, was, is)| {
        let shown = |value: Option<&Value>| value.map(|value| rules.redact_desired(value));
        FieldChange {
            before: shown(was),
            after: shown(is),
            base: shown(was),
            forces_replacement,
            ..without_values(document, &path, FieldVerdict::Change)
        }
    });
    changes.collect()
}

type GroupMember<'d> = (FieldPath, &'d FieldSemantics, Option<&'d Value>, Option<&'d Value>);

/// The parts of a field with their values in the base and now; one that has none is its own.
fn group_members<'d>(difference: &'d Difference<'_>, base: Option<&'d Value>) -> Vec<GroupMember<'d>> {
    let Difference { path, rules, desired, .. } = difference;
    let whole = |value: &Value| !value.is_object() || secret::is_secret_reference(value);
    if whole(desired) || base.is_some_and(whole) {
        return vec![(path.clone(), rules, base, Some(desired))];
    }
    let names = |value: Option<&'d Value>| value.and_then(Value::as_object).into_iter().flatten();
    let removed = names(base).filter(|(name, _)| desired.get(name.as_str()).is_none());
    let all = names(Some(desired)).chain(removed);
    all.map(|(name, _)| {
        let below = |side: Option<&'d Value>| side.and_then(|side| side.get(name.as_str()));
        (path.child(name), rules.child_field(name), below(base), below(Some(desired)))
    })
    .collect()
}

/// A field that live does not tell, without values.
fn without_values(document: &Document, path: &FieldPath, verdict: FieldVerdict) -> FieldChange {
    FieldChange {
        path: path.clone(),
        entry: None,
        before: None,
        after: None,
        forces_replacement: false,
        verdict: Some(verdict),
        base: None,
        write_only: true,
        place: Some(document.origin.field_place(path)),
    }
}

/// The secrets that were asked for and cannot be sent to a live object.
pub(crate) fn fixed_secrets(document: &Document, fixed: &[WriteOnlyField<'_>]) -> Vec<FieldChange> {
    fixed.iter().map(|field| without_values(document, &field.path, FieldVerdict::Fixed)).collect()
}

/// Says of each field who changed it. What is left to do is git's own change, or a conflict.
pub(crate) fn set_verdicts(fields: &mut [FieldChange], classified: &[ThreeWayField<'_>]) {
    for field in fields.iter_mut().filter(|field| field.verdict.is_none()) {
        let known = classified
            .iter()
            .find(|judged| judged.path == field.path && judged.entry.as_ref().map(|e| &e.1) == field.entry.as_ref());
        field.verdict = Some(known.map_or(FieldVerdict::Change, |known| known.verdict));
        field.base = known.and_then(|known| known.base.as_ref().map(|base| known.rules.shown(base)));
    }
}

/// The judged fields with one of these verdicts.
pub(crate) fn with_verdicts(
    document: &Document,
    classified: &[ThreeWayField<'_>],
    verdicts: &[FieldVerdict],
) -> Vec<FieldChange> {
    let selected = classified.iter().filter(|judged| verdicts.contains(&judged.verdict));
    selected
        .map(|field| {
            let shown = |value: &Option<Value>| value.as_ref().map(|it| field.rules.shown(it));
            FieldChange {
                path: field.path.clone(),
                entry: field.entry.as_ref().map(|(_, label)| label.clone()),
                before: shown(&field.live),
                after: shown(&field.desired),
                forces_replacement: false,
                verdict: Some(field.verdict),
                base: shown(&field.base),
                write_only: field.is_write_only(),
                place: Some(document.origin.field_place(&field.path)),
            }
        })
        .collect()
}

/// The state, where a command is needed to reach the one that is asked for. Unlike fields a state
/// is set back when it drifted, so that a pipe which an interrupted edit stopped does not stay so.
pub(crate) fn state_change(
    at: &Address,
    document: &Document,
    base: Option<&Document>,
    object: &Object,
    desired_state: RunState,
) -> Option<FieldChange> {
    let (path, _) = at.kind.state_path().zip(lifecycle::state_command(at.kind, object, desired_state))?;
    let state_name = |presence| match presence {
        Presence::Present(state) => serde_json::to_value(state).ok(),
        Presence::Absent => None,
    };
    let unchanged = |base: &Document| base.intent.presence == Presence::Present(desired_state);
    let state_verdict = |base| if unchanged(base) { FieldVerdict::Drift } else { FieldVerdict::Change };
    Some(FieldChange {
        entry: None,
        before: Some(Value::from(object.state.as_str())),
        after: state_name(Presence::Present(desired_state)),
        forces_replacement: false,
        verdict: base.map(state_verdict),
        base: base.and_then(|base| state_name(base.intent.presence)),
        write_only: false,
        place: Some(document.origin.field_place(&path)),
        path,
    })
}

/// What git and somebody else both changed, if anything.
pub(crate) fn conflict_reason(classified: &[ThreeWayField<'_>]) -> Option<BlockReason> {
    let conflicts = classified.iter().filter(|judged| judged.verdict == FieldVerdict::Conflict);
    let fields: Vec<(String, Value, Value)> = conflicts
        .map(|conflict| {
            let entry = conflict.entry.as_ref().map(|(_, label)| format!(" {label}"));
            let shown = |value: &Option<Value>| value.as_ref().map_or(Value::Null, |value| conflict.rules.shown(value));
            let field = format!("{}{}", conflict.path, entry.unwrap_or_default());
            (field, shown(&conflict.desired), shown(&conflict.live))
        })
        .collect();
    (!fields.is_empty()).then_some(BlockReason::Conflict(fields))
}

/// What the entries that come and go do to the data of the live object.
pub(crate) fn entry_data_effects(at: &Address, live: &Value, differences: &[Difference<'_>]) -> Vec<String> {
    differences
        .iter()
        .flat_map(|Difference { path, entries, .. }| {
            let entries: Vec<_> = entries.iter().map(to_effect_entry).collect();
            data_effects::entry_change_effects(at.kind, path, live, &entries)
        })
        .collect()
}

fn to_effect_entry(entry: &EntryDifference) -> data_effects::ChangedEntry<'_> {
    data_effects::ChangedEntry { live: entry.live.as_ref(), desired: entry.desired.as_ref() }
}
