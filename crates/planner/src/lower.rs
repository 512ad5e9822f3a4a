//! From the fields that differ to the requests that settle them.

use model::action::{Action, Endpoint, RunState};
use model::address::Address;
use model::lifecycle;
use model::live::{Id, Object};
use model::path::Path;
use model::rules::{Keyed, List, OnChange};
use serde_json::{Map, Value};

use crate::diff::{Difference, Entry};

/// One object and what is wanted of it.
pub(crate) struct Subject<'a> {
    pub(crate) at: &'a Address,
    pub(crate) body: &'a Value,
    pub(crate) live: &'a Object,
    pub(crate) want: RunState,
    pub(crate) rename: bool,
}

/// Whether the differences can be settled without a new object; the ones that cannot.
pub(crate) fn forcing<'d, 'r>(
    live: &Object,
    differences: &'d [Difference<'r>],
) -> Vec<&'d Difference<'r>> {
    differences.iter().filter(|difference| forces(live, difference)).collect()
}

/// A finished pipe cannot be paused any more.
fn forces(live: &Object, difference: &Difference<'_>) -> bool {
    difference.on_change == OnChange::Replace
        || difference.rules.needs_pause && lifecycle::is_finished(live)
        || empties_on_the_way(difference)
}

/// The API refuses to take the last entry out of a list that is changed by deltas, so entries that
/// must go before they come back need another entry that stays.
fn empties_on_the_way(difference: &Difference<'_>) -> bool {
    let Some(keyed) = by_deltas(difference) else { return false };
    let Some(live) = difference.live.as_ref().and_then(Value::as_array) else { return false };
    let delta = Delta::of(keyed, &difference.entries);
    let stays = live.len() - delta.remove.len();
    stays == 0 && delta.add_first.is_empty()
}

fn by_deltas<'d>(difference: &'d Difference<'_>) -> Option<&'d Keyed> {
    match &difference.rules.list {
        List::Keyed(keyed) if keyed.deltas.is_some() => Some(keyed),
        _ => None,
    }
}

/// The update of a live object: everything it takes, in order, and what it carries along.
pub(crate) fn update(
    subject: &Subject<'_>,
    differences: &[Difference<'_>],
) -> (Vec<Action>, Vec<Path>) {
    let mut actions = Vec::new();
    let (bodies, carries) = resource_bodies(subject, differences);
    let pausing = differences.iter().any(|difference| difference.rules.needs_pause);
    for body in &bodies {
        let again = !actions.is_empty();
        if pausing && (again || !lifecycle::is_stopped(subject.live)) {
            actions.push(set_state(subject, RunState::Stopped));
        }
        actions.push(update_action(subject, Endpoint::Resource, body.clone()));
    }
    for via in [Endpoint::Settings, Endpoint::Scaling] {
        actions.extend(part_body(via, differences).map(|body| update_action(subject, via, body)));
    }
    let edited = !bodies.is_empty();
    let command = lifecycle::command(subject.at.kind, subject.live, subject.want);
    match (subject.want, edited && lifecycle::can_stop(subject.at.kind)) {
        // The API resumes a pipe by itself to try an edit out.
        (RunState::Stopped, true) => actions.push(set_state(subject, RunState::Stopped)),
        (RunState::Running, true) if pausing => actions.push(set_state(subject, RunState::Running)),
        _ => actions.extend(command.map(|to| set_state(subject, to))),
    }
    (actions, carries)
}

fn set_state(subject: &Subject<'_>, to: RunState) -> Action {
    Action::SetState { at: subject.at.clone(), id: Some(subject.live.id.clone()), to }
}

fn update_action(subject: &Subject<'_>, via: Endpoint, body: Value) -> Action {
    Action::Update { at: subject.at.clone(), id: Some(subject.live.id.clone()), via, body }
}

/// The update of an object that exists as soon as what it belongs to exists.
pub(crate) fn update_unseen(at: &Address, id: Option<Id>, body: &Value) -> Action {
    Action::Update { at: at.clone(), id, via: Endpoint::Resource, body: body.clone() }
}

/// One body, or two where an entry must be removed before it is added again.
fn resource_bodies(
    subject: &Subject<'_>,
    differences: &[Difference<'_>],
) -> (Vec<Value>, Vec<Path>) {
    let mut first = Value::Object(Map::new());
    let mut second = Value::Object(Map::new());
    let mut carries = Vec::new();
    let of_resource = differences
        .iter()
        .filter(|difference| difference.on_change == OnChange::Update(Endpoint::Resource));
    for difference in of_resource {
        match by_deltas(difference) {
            Some(keyed) => write_deltas(difference, keyed, &mut first, &mut second),
            None => difference.path.set(&mut first, difference.desired.clone()),
        }
        carries.extend(difference.rules.travels_with.iter().cloned());
    }
    carries.retain(|path| path.get(subject.body).is_some() && path.get(&first).is_none());
    carries.sort();
    carries.dedup();
    for path in &carries {
        if let Some(value) = path.get(subject.body) {
            path.set(&mut first, value.clone());
        }
    }
    if let (true, Some(path)) = (subject.rename, subject.at.kind.name_path()) {
        path.set(&mut first, subject.at.name.as_str().into());
    }
    let bodies = [first, second].into_iter().filter(|body| body != &Value::Object(Map::new()));
    (bodies.collect(), carries)
}

fn write_deltas(difference: &Difference<'_>, keyed: &Keyed, first: &mut Value, second: &mut Value) {
    let (Some(names), Some(parent)) = (&keyed.deltas, difference.path.parent()) else { return };
    let delta = Delta::of(keyed, &difference.entries);
    let write = |body: &mut Value, name: &str, entries: Vec<Value>| {
        if !entries.is_empty() {
            parent.child(name).set(body, entries.into());
        }
    };
    write(first, &names.remove, delta.remove);
    write(first, &names.add, delta.add_first);
    write(second, &names.add, delta.add_later);
}

/// What to take out of a keyed list and what to put in.
struct Delta {
    remove: Vec<Value>,
    add_first: Vec<Value>,
    /// Entries that get in the way of one that is removed: the API refuses both in one request.
    add_later: Vec<Value>,
}

impl Delta {
    fn of(keyed: &Keyed, entries: &[Entry]) -> Self {
        let removed: Vec<&Value> = entries.iter().filter_map(|entry| entry.live.as_ref()).collect();
        let (add_later, add_first) = entries
            .iter()
            .filter_map(|entry| entry.desired.clone())
            .partition(|entry| removed.iter().any(|other| collide(keyed, entry, other)));
        let remove = removed.iter().map(|entry| identity(keyed, entry)).collect();
        Self { remove, add_first, add_later }
    }
}

/// Whether two entries have the same source, or the same target.
fn collide(keyed: &Keyed, one: &Value, other: &Value) -> bool {
    let source = keyed.deltas.as_ref().map_or(0, |deltas| deltas.source);
    let (source, target) = keyed.identity.split_at(source.min(keyed.identity.len()));
    let same = |fields: &[String]| {
        !fields.is_empty() && fields.iter().all(|field| one.get(field) == other.get(field))
    };
    same(source) || same(target)
}

fn identity(keyed: &Keyed, entry: &Value) -> Value {
    let named = keyed
        .identity
        .iter()
        .filter_map(|field| entry.get(field).map(|value| (field.clone(), value.clone())));
    Value::Object(named.collect())
}

/// The changed fields of a part of the object with an endpoint of its own, which takes them
/// without the name of the part.
fn part_body(via: Endpoint, differences: &[Difference<'_>]) -> Option<Value> {
    let mut whole = Value::Object(Map::new());
    for difference in differences {
        if difference.on_change == OnChange::Update(via) {
            difference.path.set(&mut whole, difference.desired.clone());
        }
    }
    whole.as_object()?.values().next().cloned()
}
