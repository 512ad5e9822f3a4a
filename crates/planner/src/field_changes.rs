//! The fields of a change, as people read them.

use std::collections::BTreeSet;

use clickpipes::data_effects;
use clickpipes::lifecycle;
use clickpipes::semantics::FieldSemantics;
use model::action::RunState;
use model::address::Address;
use model::desired::{Document, Presence};
use model::live::{Id, Object};
use model::path::FieldPath;
use model::secret;
use serde_json::Value;

use crate::block_reason::BlockReason;
use crate::change::{FieldChange, FieldVerdict, IgnoredChanges};
use crate::conflict::ConflictingField;
use crate::field_diff::{FieldDiff, group_by_field};
use crate::object_diff::ObjectDiff;

/// One for each pending field, or entry of a keyed list.
pub(crate) fn pending_changes(
    document: &Document,
    pending: &[FieldDiff<'_>],
    forcing: &BTreeSet<&FieldPath>,
) -> Vec<FieldChange> {
    let changes = pending.iter().flat_map(|diff| {
        let forces_replacement = forcing.contains(&diff.path);
        match diff.verdict() {
            Some(FieldVerdict::Resent) => vec![without_values(document, &diff.path, FieldVerdict::Resent)],
            Some(_) if diff.entry.is_none() && diff.matches_live() => {
                write_only_changes(document, diff, forces_replacement)
            }
            _ => vec![FieldChange { forces_replacement, ..field_change(document, diff) }],
        }
    });
    changes.collect()
}

fn field_change(document: &Document, diff: &FieldDiff<'_>) -> FieldChange {
    let shown = |value: &Option<Value>| value.as_ref().map(|value| diff.rules.shown(value));
    let live = diff.live.as_ref().map(|live| match &diff.desired {
        Some(desired) => diff.rules.spelled_as(live, desired),
        None => live.clone(),
    });
    FieldChange {
        path: diff.path.clone(),
        entry: diff.entry.as_ref().map(|entry| entry.label.clone()),
        before: shown(&live),
        after: shown(&diff.desired),
        forces_replacement: false,
        verdict: diff.verdict(),
        base: shown(&diff.base),
        write_only: diff.is_write_only(),
        has_target_value: diff.has_target_value,
        place: Some(document.origin.field_place(&diff.path)),
    }
}

/// The changes of a write-only field in git; of a group, each member that differs.
fn write_only_changes(document: &Document, diff: &FieldDiff<'_>, forces_replacement: bool) -> Vec<FieldChange> {
    let members = group_members(diff);
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

/// The members of a group with their values in the base and now; a field without members is its own.
fn group_members<'d>(diff: &'d FieldDiff<'_>) -> Vec<GroupMember<'d>> {
    let FieldDiff { path, rules, .. } = diff;
    let (base, desired) = (diff.base.as_ref(), diff.desired.as_ref());
    let whole = |value: &Value| !value.is_object() || secret::is_secret_reference(value);
    if [base, desired].into_iter().flatten().any(whole) {
        return vec![(path.clone(), rules, base, desired)];
    }
    let names = |value: Option<&'d Value>| value.and_then(Value::as_object).into_iter().flatten();
    let is_removed = |name: &String| desired.is_none_or(|desired| desired.get(name.as_str()).is_none());
    let all = names(desired).chain(names(base).filter(|(name, _)| is_removed(name)));
    all.map(|(name, _)| {
        let below = |side: Option<&'d Value>| side.and_then(|side| side.get(name.as_str()));
        (path.child(name), rules.child_field(name), below(base), below(desired))
    })
    .collect()
}

/// A change of a write-only field, without values.
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
        has_target_value: false,
        place: Some(document.origin.field_place(path)),
    }
}

/// Secrets that somebody asked to send again, and that cannot change during the life of the object.
pub(crate) fn fixed_secrets(document: &Document, fixed: &[FieldPath]) -> Vec<FieldChange> {
    fixed.iter().map(|path| without_values(document, path, FieldVerdict::Fixed)).collect()
}

/// The change for a manifest that pins an object which is gone.
pub(crate) fn replaced_pin(document: &Document, pinned: &Id, live: &Id) -> FieldChange {
    let path = pin_path();
    FieldChange {
        before: Some(live.as_str().into()),
        after: Some(pinned.as_str().into()),
        ..without_values(document, &path, FieldVerdict::Unpinned)
    }
}

/// The note that a replacement ends the pin.
pub(crate) fn pin_sentence(document: &Document, pinned: &Id) -> String {
    let place = document.origin.field_place(&pin_path());
    format!("the new object gets another id: remove the line of `metadata.id: {pinned}` ({place}) after this apply")
}

fn pin_path() -> FieldPath {
    FieldPath::parse("metadata.id")
}

/// The fields with one of these verdicts.
pub(crate) fn with_verdicts(
    document: &Document,
    diffs: &[FieldDiff<'_>],
    verdicts: &[FieldVerdict],
) -> Vec<FieldChange> {
    let selected = diffs.iter().filter(|diff| diff.verdict().is_some_and(|verdict| verdicts.contains(&verdict)));
    selected.map(|diff| field_change(document, diff)).collect()
}

/// The change of state, if a command is needed to reach the desired one. Unlike fields, a state that drifted is
/// reverted, so that a pipe which an interrupted edit stopped does not stay stopped.
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
    // A commit after the base may have declared the state that is live: an apply that did not finish left it.
    let live_state = if lifecycle::is_stopped(object) { RunState::Stopped } else { RunState::Running };
    let is_own = document.earlier_states.contains(&live_state);
    let unchanged = |base: &Document| base.intent.presence == Presence::Present(desired_state) && !is_own;
    let state_verdict = |base| if unchanged(base) { FieldVerdict::Drift } else { FieldVerdict::Change };
    Some(FieldChange {
        before: Some(Value::from(object.state.as_str())),
        after: state_name(Presence::Present(desired_state)),
        verdict: base.map(state_verdict),
        base: base.and_then(|base| state_name(base.intent.presence)),
        write_only: false,
        ..without_values(document, &path, FieldVerdict::Change)
    })
}

/// The fields that both git and somebody else changed, if there are any.
pub(crate) fn conflict_reason(pending: &[FieldDiff<'_>]) -> Option<BlockReason> {
    let conflicts = pending.iter().filter(|diff| diff.verdict() == Some(FieldVerdict::Conflict));
    let fields: Vec<ConflictingField> = conflicts
        .map(|conflict| {
            let entry = conflict.entry.as_ref().map(|entry| format!(" {}", entry.label));
            let shown = |value: &Option<Value>| value.as_ref().map_or(Value::Null, |value| conflict.rules.shown(value));
            let field = format!("{}{}", conflict.path, entry.unwrap_or_default());
            ConflictingField {
                field,
                git: shown(&conflict.desired),
                live: shown(&conflict.live),
                is_from_target: conflict.has_target_value,
            }
        })
        .collect();
    (!fields.is_empty()).then_some(BlockReason::Conflict(fields))
}

/// The effects of added, changed and removed entries on the data of the live object.
pub(crate) fn entry_data_effects(address: &Address, live: &Value, pending: &[FieldDiff<'_>]) -> Vec<String> {
    let effects = group_by_field(pending).flat_map(|diffs| {
        let entries = diffs.iter().filter(|diff| diff.entry.is_some());
        let entries: Vec<_> = entries
            .map(|diff| data_effects::ChangedEntry { live: diff.live.as_ref(), desired: diff.desired.as_ref() })
            .collect();
        data_effects::entry_change_effects(address.kind, &diffs[0].path, live, &entries)
    });
    effects.collect()
}

/// Differences of the object that the plan reports and does not change.
pub(crate) fn ignored_changes(
    at: &Address,
    document: &Document,
    object: &Object,
    object_diff: &ObjectDiff<'_>,
    kept_state: Option<FieldChange>,
) -> Option<IgnoredChanges> {
    let verdicts = [
        FieldVerdict::Drift,
        FieldVerdict::Moved,
        FieldVerdict::Applied,
        FieldVerdict::Adoption,
        FieldVerdict::Removal,
        FieldVerdict::Lowered,
    ];
    let mut fields = with_verdicts(document, &object_diff.ignored, &verdicts);
    fields.extend(fixed_secrets(document, &object_diff.fixed_secrets));
    fields.extend(kept_state);
    (!fields.is_empty()).then(|| IgnoredChanges { address: at.clone(), id: object.id.clone(), fields, template: None })
}
