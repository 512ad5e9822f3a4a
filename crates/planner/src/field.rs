//! The fields of a change, as people read them.

use model::action::RunState;
use model::address::Address;
use model::consequence;
use model::desired::{Document, Presence};
use model::lifecycle;
use model::live::Object;
use model::path::Path;
use model::rules::Rules;
use model::secret;
use serde_json::Value;

use crate::change::{FieldChange, FieldVerdict, Reason};
use crate::diff::{Difference, Entry, Unseen};
use crate::three_way::Judged;
use crate::unseen::Untold;

/// One for each field, or entry of a keyed list, that differs.
pub(crate) fn changes(
    document: &Document,
    differences: &[Difference<'_>],
    forcing: &[&Difference<'_>],
) -> Vec<FieldChange> {
    differences
        .iter()
        .flat_map(|difference| {
            let forces = forcing.iter().any(|other| other.path == difference.path);
            match &difference.unseen {
                None => of_difference(document, difference, forces),
                Some(Unseen::Changed(base)) => {
                    of_unseen(document, difference, base.as_ref(), forces)
                }
                Some(Unseen::AskedFor) => {
                    vec![bare(document, &difference.path, FieldVerdict::Resent)]
                }
            }
        })
        .collect()
}

fn of_difference(
    document: &Document,
    difference: &Difference<'_>,
    forces_replacement: bool,
) -> Vec<FieldChange> {
    let place = Some(document.origin.at(&difference.path));
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
            unseen: false,
            place,
        }];
    }
    let item = difference.rules.item();
    let entries = difference.entries.iter().map(|entry| FieldChange {
        path: path.clone(),
        entry: Some(entry.label.clone()),
        before: entry.live.as_ref().map(|value| item.shown(value)),
        after: entry.desired.as_ref().map(|value| item.shown(value)),
        forces_replacement,
        verdict: None,
        base: None,
        unseen: false,
        place: place.clone(),
    });
    entries.collect()
}

/// What git changed of a field that live does not tell; of a group, each member that differs.
fn of_unseen(
    document: &Document,
    difference: &Difference<'_>,
    base: Option<&Value>,
    forces_replacement: bool,
) -> Vec<FieldChange> {
    let members = members(difference, base);
    let differing = members.into_iter().filter(|(_, rules, was, is)| match (was, is) {
        (Some(was), Some(is)) => !rules.asks_same(was, is),
        (was, is) => was.is_some() || is.is_some(),
    });
    let changes = differing.map(|(path, rules, was, is)| {
        let shown = |value: Option<&Value>| value.map(|value| rules.declared_shown(value));
        FieldChange {
            before: shown(was),
            after: shown(is),
            base: shown(was),
            forces_replacement,
            ..bare(document, &path, FieldVerdict::Change)
        }
    });
    changes.collect()
}

type Member<'d> = (Path, &'d Rules, Option<&'d Value>, Option<&'d Value>);

/// The parts of a field with their values in the base and now; one that has none is its own.
fn members<'d>(difference: &'d Difference<'_>, base: Option<&'d Value>) -> Vec<Member<'d>> {
    let Difference { path, rules, desired, .. } = difference;
    let whole = |value: &Value| !value.is_object() || secret::is_reference(value);
    if whole(desired) || base.is_some_and(whole) {
        return vec![(path.clone(), rules, base, Some(desired))];
    }
    let names = |value: Option<&'d Value>| value.and_then(Value::as_object).into_iter().flatten();
    let gone = names(base).filter(|(name, _)| desired.get(name.as_str()).is_none());
    let all = names(Some(desired)).chain(gone);
    all.map(|(name, _)| {
        let below = |side: Option<&'d Value>| side.and_then(|side| side.get(name.as_str()));
        (path.child(name), rules.field(name), below(base), below(Some(desired)))
    })
    .collect()
}

/// A field that live does not tell, without values.
fn bare(document: &Document, path: &Path, verdict: FieldVerdict) -> FieldChange {
    FieldChange {
        path: path.clone(),
        entry: None,
        before: None,
        after: None,
        forces_replacement: false,
        verdict: Some(verdict),
        base: None,
        unseen: true,
        place: Some(document.origin.at(path)),
    }
}

/// The secrets that were asked for and cannot be sent to a live object.
pub(crate) fn fixed(document: &Document, fixed: &[Untold<'_>]) -> Vec<FieldChange> {
    fixed.iter().map(|untold| bare(document, &untold.path, FieldVerdict::Fixed)).collect()
}

/// Says of each field who changed it. What is left to do is git's own change, or a conflict.
pub(crate) fn judge(fields: &mut [FieldChange], judged: &[Judged<'_>]) {
    for field in fields.iter_mut().filter(|field| field.verdict.is_none()) {
        let known = judged.iter().find(|judged| {
            judged.path == field.path && judged.entry.as_ref().map(|e| &e.1) == field.entry.as_ref()
        });
        field.verdict = Some(known.map_or(FieldVerdict::Change, |known| known.verdict));
        field.base =
            known.and_then(|known| known.base.as_ref().map(|base| known.rules.shown(base)));
    }
}

/// The judged fields with one of these verdicts.
pub(crate) fn of(
    document: &Document,
    judged: &[Judged<'_>],
    verdicts: &[FieldVerdict],
) -> Vec<FieldChange> {
    let wanted = judged.iter().filter(|judged| verdicts.contains(&judged.verdict));
    wanted
        .map(|judged| {
            let shown = |value: &Option<Value>| value.as_ref().map(|it| judged.rules.shown(it));
            FieldChange {
                path: judged.path.clone(),
                entry: judged.entry.as_ref().map(|(_, label)| label.clone()),
                before: shown(&judged.live),
                after: shown(&judged.desired),
                forces_replacement: false,
                verdict: Some(judged.verdict),
                base: shown(&judged.base),
                unseen: judged.is_untold(),
                place: Some(document.origin.at(&judged.path)),
            }
        })
        .collect()
}

/// The state, where a command is needed to reach the one that is asked for. Unlike fields a state
/// is set back when it drifted, so that a pipe which an interrupted edit stopped does not stay so.
pub(crate) fn state(
    at: &Address,
    document: &Document,
    base: Option<&Document>,
    object: &Object,
    want: RunState,
) -> Option<FieldChange> {
    let (path, _) = at.kind.state_path().zip(lifecycle::command(at.kind, object, want))?;
    let word = |presence| match presence {
        Presence::Present(state) => serde_json::to_value(state).ok(),
        Presence::Absent => None,
    };
    let unchanged = |base: &Document| base.intent.presence == Presence::Present(want);
    let judged = |base| if unchanged(base) { FieldVerdict::Drift } else { FieldVerdict::Change };
    Some(FieldChange {
        entry: None,
        before: Some(Value::from(object.state.as_str())),
        after: word(Presence::Present(want)),
        forces_replacement: false,
        verdict: base.map(judged),
        base: base.and_then(|base| word(base.intent.presence)),
        unseen: false,
        place: Some(document.origin.at(&path)),
        path,
    })
}

/// What git and somebody else both changed, if anything.
pub(crate) fn conflict(judged: &[Judged<'_>]) -> Option<Reason> {
    let conflicts = judged.iter().filter(|judged| judged.verdict == FieldVerdict::Conflict);
    let fields: Vec<(String, Value, Value)> = conflicts
        .map(|judged| {
            let entry = judged.entry.as_ref().map(|(_, label)| format!(" {label}"));
            let shown = |value: &Option<Value>| {
                value.as_ref().map_or(Value::Null, |value| judged.rules.shown(value))
            };
            let field = format!("{}{}", judged.path, entry.unwrap_or_default());
            (field, shown(&judged.desired), shown(&judged.live))
        })
        .collect();
    (!fields.is_empty()).then_some(Reason::Conflict(fields))
}

/// What the entries that come and go do to the data of the live object.
pub(crate) fn entry_consequences(
    at: &Address,
    live: &Value,
    differences: &[Difference<'_>],
) -> Vec<String> {
    differences
        .iter()
        .flat_map(|Difference { path, entries, .. }| {
            let entries: Vec<_> = entries.iter().map(of_entry).collect();
            consequence::entries_changed(at.kind, path, live, &entries)
        })
        .collect()
}

fn of_entry(entry: &Entry) -> consequence::Entry<'_> {
    consequence::Entry { live: entry.live.as_ref(), desired: entry.desired.as_ref() }
}
