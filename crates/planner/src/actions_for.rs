//! From the fields that differ to the requests that settle them.

use clickpipes::lifecycle;
use clickpipes::semantics::{KeyedList, ListSemantics, OnChange};
use model::action::{Action, RunState, UpdateVia};
use model::address::Address;
use model::live::{Id, Object};
use model::path::FieldPath;
use serde_json::{Map, Value};

use crate::diff::Difference;

mod deltas;

/// One object and what is wanted of it.
pub(crate) struct UpdateRequest<'a> {
    pub(crate) address: &'a Address,
    pub(crate) body: &'a Value,
    pub(crate) live: &'a Object,
    pub(crate) desired_state: RunState,
    pub(crate) is_rename: bool,
}

/// Whether the differences can be settled without a new object; the ones that cannot.
pub(crate) fn forcing_differences<'d, 'r>(live: &Object, differences: &'d [Difference<'r>]) -> Vec<&'d Difference<'r>> {
    differences.iter().filter(|difference| needs_replacement(live, difference)).collect()
}

/// A finished pipe cannot be paused any more.
fn needs_replacement(live: &Object, difference: &Difference<'_>) -> bool {
    difference.on_change == OnChange::Replace
        || difference.rules.needs_pause && lifecycle::is_finished(live)
        || would_empty_list(difference)
}

/// The API refuses to take the last entry out of a list that is changed by deltas. Where every
/// order of requests would come to that, only a new object helps.
fn would_empty_list(difference: &Difference<'_>) -> bool {
    delta_list(difference).is_some_and(|keyed| deltas::delta_requests(keyed, difference).is_none())
}

fn delta_list<'d>(difference: &'d Difference<'_>) -> Option<&'d KeyedList> {
    match &difference.rules.list {
        ListSemantics::Keyed(keyed) if keyed.deltas.is_some() => Some(keyed),
        _ => None,
    }
}

/// The update of a live object: everything it takes, in order, and what it carries along.
pub(crate) fn update_actions(
    request: &UpdateRequest<'_>,
    differences: &[Difference<'_>],
) -> (Vec<Action>, Vec<FieldPath>) {
    let mut actions = Vec::new();
    let (bodies, resent_fields) = resource_bodies(request, differences);
    let needs_pause = differences.iter().any(|difference| difference.rules.needs_pause);
    for body in &bodies {
        let has_actions = !actions.is_empty();
        if needs_pause && (has_actions || !lifecycle::is_stopped(request.live)) {
            actions.push(set_state_action(request, RunState::Stopped));
        }
        actions.push(update_action(request, UpdateVia::Resource, body.clone()));
    }
    for via in [UpdateVia::Settings, UpdateVia::Scaling] {
        actions.extend(part_body(via, differences).map(|body| update_action(request, via, body)));
    }
    let edited = !bodies.is_empty();
    let command = lifecycle::state_command(request.address.kind, request.live, request.desired_state);
    match (request.desired_state, edited && lifecycle::can_stop(request.address.kind)) {
        // The API resumes a pipe by itself to try an edit out.
        (RunState::Stopped, true) => actions.push(set_state_action(request, RunState::Stopped)),
        (RunState::Running, true) if needs_pause => actions.push(set_state_action(request, RunState::Running)),
        _ => actions.extend(command.map(|to| set_state_action(request, to))),
    }
    (actions, resent_fields)
}

fn set_state_action(request: &UpdateRequest<'_>, to: RunState) -> Action {
    Action::SetState { address: request.address.clone(), id: Some(request.live.id.clone()), to }
}

fn update_action(request: &UpdateRequest<'_>, via: UpdateVia, body: Value) -> Action {
    Action::Update { address: request.address.clone(), id: Some(request.live.id.clone()), via, body }
}

/// The update of an object that exists as soon as what it belongs to exists.
pub(crate) fn update_singleton(at: &Address, id: Option<Id>, body: &Value) -> Action {
    Action::Update { address: at.clone(), id, via: UpdateVia::Resource, body: body.clone() }
}

/// One body, or several where an entry must be removed before it is added again.
fn resource_bodies(request: &UpdateRequest<'_>, differences: &[Difference<'_>]) -> (Vec<Value>, Vec<FieldPath>) {
    let mut first = Value::Object(Map::new());
    let mut later = Vec::new();
    let mut resent_fields = Vec::new();
    let of_resource =
        differences.iter().filter(|difference| difference.on_change == OnChange::Update(UpdateVia::Resource));
    for difference in of_resource {
        match delta_list(difference) {
            Some(keyed) => deltas::write_requests(difference, keyed, &mut first, &mut later),
            None => difference.path.set_in(&mut first, difference.desired.clone()),
        }
        resent_fields.extend(difference.rules.sent_with.iter().cloned());
    }
    resent_fields.retain(|path| path.value_in(request.body).is_some() && path.value_in(&first).is_none());
    resent_fields.sort();
    resent_fields.dedup();
    for path in &resent_fields {
        if let Some(value) = path.value_in(request.body) {
            path.set_in(&mut first, value.clone());
        }
    }
    if let (true, Some(path)) = (request.is_rename, request.address.kind.name_path()) {
        path.set_in(&mut first, request.address.name.as_str().into());
    }
    let bodies = [first].into_iter().chain(later);
    (bodies.filter(|body| body != &Value::Object(Map::new())).collect(), resent_fields)
}

/// The changed fields of a part of the object with an endpoint of its own, which takes them
/// without the name of the part.
fn part_body(via: UpdateVia, differences: &[Difference<'_>]) -> Option<Value> {
    let mut whole = Value::Object(Map::new());
    for difference in differences {
        if difference.on_change == OnChange::Update(via) {
            difference.path.set_in(&mut whole, difference.desired.clone());
        }
    }
    whole.as_object()?.values().next().cloned()
}
