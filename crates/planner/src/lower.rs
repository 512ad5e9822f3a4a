//! From the fields that differ to the requests that settle them.

use model::action::{Action, Endpoint, RunState};
use model::address::Address;
use model::lifecycle;
use model::live::{Id, Object};
use model::path::Path;
use model::rules::{Keyed, List, OnChange};
use serde_json::{Map, Value};

use crate::diff::Difference;

mod deltas;

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

/// The API refuses to take the last entry out of a list that is changed by deltas. Where every
/// order of requests would come to that, only a new object helps.
fn empties_on_the_way(difference: &Difference<'_>) -> bool {
    by_deltas(difference).is_some_and(|keyed| deltas::steps(keyed, difference).is_none())
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

/// One body, or several where an entry must be removed before it is added again.
fn resource_bodies(
    subject: &Subject<'_>,
    differences: &[Difference<'_>],
) -> (Vec<Value>, Vec<Path>) {
    let mut first = Value::Object(Map::new());
    let mut later = Vec::new();
    let mut carries = Vec::new();
    let of_resource = differences
        .iter()
        .filter(|difference| difference.on_change == OnChange::Update(Endpoint::Resource));
    for difference in of_resource {
        match by_deltas(difference) {
            Some(keyed) => deltas::write(difference, keyed, &mut first, &mut later),
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
    let bodies = [first].into_iter().chain(later);
    (bodies.filter(|body| body != &Value::Object(Map::new())).collect(), carries)
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
