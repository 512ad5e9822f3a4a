//! From the fields that differ to the requests that settle them.

use std::collections::BTreeSet;
use std::sync::Arc;

use clickpipes::lifecycle;
use clickpipes::semantics::{KeyedList, OnChange};
use clickpipes::start_paused;
use model::action::{Action, RunState, UpdateVia};
use model::address::Address;
use model::live::{Id, Object};
use model::path::FieldPath;
use serde_json::{Map, Value};

use crate::field_diff::{FieldDiff, group_by_field};

mod deltas;

/// The live object and the changes to send.
pub(crate) struct UpdateRequest<'a> {
    pub(crate) address: &'a Address,
    pub(crate) body: &'a Value,
    pub(crate) live: &'a Object,
    pub(crate) desired_state: RunState,
    pub(crate) is_rename: bool,
}

/// The fields that only a new object can change.
pub(crate) fn forcing_fields<'d>(live: &Object, pending: &'d [FieldDiff<'_>]) -> BTreeSet<&'d FieldPath> {
    let forcing = group_by_field(pending).filter(|diffs| needs_replacement(live, diffs));
    forcing.map(|diffs| &diffs[0].path).collect()
}

/// Whether a change needs a new object instead of an update.
///
/// - The API has no update for the field: the database of a pipe, for example.
/// - The change needs a paused pipe, and the pipe has completed: the API can no longer pause it.
/// - Every order of requests would empty a list that is changed by deltas, which the API refuses.
fn needs_replacement(live: &Object, diffs: &[FieldDiff<'_>]) -> bool {
    diffs[0].on_change() == OnChange::Replace
        || diffs[0].field_rules().needs_pause && lifecycle::is_finished(live)
        || delta_list(diffs).is_some_and(|keyed| deltas::delta_requests(keyed, diffs).is_none())
}

fn delta_list<'r>(diffs: &[FieldDiff<'r>]) -> Option<&'r KeyedList> {
    let entry = diffs[0].entry.as_ref()?;
    entry.keyed.deltas.is_some().then_some(entry.keyed)
}

/// The plan contains a stop even if the pipe is created stopped: not every version of the API supports that.
pub(crate) fn create_actions(at: &Address, body: &Arc<Value>, desired_state: RunState) -> Vec<Action> {
    let is_stopped = desired_state == RunState::Stopped;
    let body = if is_stopped { start_paused::with_switch(body).into() } else { Arc::clone(body) };
    let mut actions = vec![Action::create(at.clone(), body)];
    if is_stopped {
        actions.push(Action::SetState { address: at.clone(), id: None, to: desired_state });
    }
    actions
}

/// Marks what a request may leave out if the API refuses it.
pub(crate) fn note_unproven(actions: &mut [Action], find_fields: impl Fn(&Value) -> Vec<FieldPath>) {
    for action in actions {
        match action {
            Action::Create { body, unproven, .. } => unproven.extend(find_fields(body)),
            Action::Update { body, unproven, via: UpdateVia::Resource, .. } => unproven.extend(find_fields(body)),
            Action::Update { .. } | Action::SetState { .. } | Action::Delete { .. } => {}
        }
    }
}

/// The update of a live object: all requests in order, and the fields that are sent with them.
pub(crate) fn update_actions(request: &UpdateRequest<'_>, pending: &[FieldDiff<'_>]) -> (Vec<Action>, Vec<FieldPath>) {
    let mut actions = Vec::new();
    let (bodies, resent_fields) = resource_bodies(request, pending);
    let edited = !bodies.is_empty();
    let needs_pause = pending.iter().any(|diff| diff.field_rules().needs_pause);
    for PatchBody { body, restore } in bodies {
        let has_actions = !actions.is_empty();
        // Also before the second body: the API resumes the pipe after the first one, and refuses an edit of a running
        // pipe.
        //
        //     stop -> PATCH remove -> (runs by itself) -> stop -> PATCH add -> (runs by itself)
        if needs_pause && (has_actions || !lifecycle::is_stopped(request.live)) {
            actions.push(set_state_action(request, RunState::Stopped));
        }
        actions.push(update_action(request, UpdateVia::Resource, body, restore));
    }
    for via in [UpdateVia::Settings, UpdateVia::Scaling] {
        actions.extend(part_body(request, via, pending).map(|body| update_action(request, via, body, None)));
    }
    let command = lifecycle::state_command(request.address.kind, request.live, request.desired_state);
    match (request.desired_state, edited && lifecycle::can_stop(request.address.kind)) {
        // The API resumes a pipe by itself to try an edit out.
        (RunState::Stopped, true) => actions.push(set_state_action(request, RunState::Stopped)),
        // The API resumes it by itself (seen live), but no schema says so, so a start follows. If the pipe runs by
        // then, the refused start counts as a success.
        (RunState::Running, true) if needs_pause => actions.push(set_state_action(request, RunState::Running)),
        _ => actions.extend(command.map(|to| set_state_action(request, to))),
    }
    (actions, resent_fields)
}

fn set_state_action(request: &UpdateRequest<'_>, to: RunState) -> Action {
    Action::SetState { address: request.address.clone(), id: Some(request.live.id.clone()), to }
}

fn update_action(request: &UpdateRequest<'_>, via: UpdateVia, body: Value, restore: Option<Value>) -> Action {
    let (address, id) = (request.address.clone(), Some(request.live.id.clone()));
    Action::Update { address, id, via, body, restore, unproven: Vec::new() }
}

/// The update of an object that exists as soon as its service or organization does.
pub(crate) fn update_singleton(at: &Address, id: Option<Id>, body: &Value) -> Action {
    Action::update(at.clone(), id, UpdateVia::Resource, body.clone())
}

struct PatchBody {
    body: Value,
    /// The body that restores the entries that earlier bodies removed, and that this one adds in a new form.
    restore: Option<Value>,
}

/// One body, or several where an entry must be removed before it is added again.
fn resource_bodies(request: &UpdateRequest<'_>, pending: &[FieldDiff<'_>]) -> (Vec<PatchBody>, Vec<FieldPath>) {
    let mut first = Value::Object(Map::new());
    let mut later = Vec::new();
    let mut resent_fields = Vec::new();
    let of_resource =
        group_by_field(pending).filter(|diffs| diffs[0].on_change() == OnChange::Update(UpdateVia::Resource));
    for diffs in of_resource {
        match delta_list(diffs) {
            Some(keyed) => deltas::write_requests(diffs, keyed, &mut first, &mut later),
            None => set_target_value(request, &diffs[0].path, &mut first),
        }
        resent_fields.extend(diffs[0].field_rules().sent_with.iter().cloned());
    }
    resent_fields.retain(|path| path.value_in(request.body).is_some() && path.value_in(&first).is_none());
    resent_fields.sort();
    resent_fields.dedup();
    // The API takes some fields only together with others (seen live): a new host without credentials is checked with
    // no password, and field mappings need the columns.
    for path in &resent_fields {
        set_target_value(request, path, &mut first);
    }
    if let (true, Some(path)) = (request.is_rename, request.address.kind.name_path()) {
        path.set_in(&mut first, request.address.name.as_str().into());
    }
    let bodies = [PatchBody { body: first, restore: None }].into_iter().chain(later);
    (bodies.filter(|patch| patch.body != Value::Object(Map::new())).collect(), resent_fields)
}

/// The changed fields of a part of the object with its own path in the API, which takes them without the name of the
/// part.
fn part_body(request: &UpdateRequest<'_>, via: UpdateVia, pending: &[FieldDiff<'_>]) -> Option<Value> {
    let mut whole = Value::Object(Map::new());
    for diff in pending.iter().filter(|diff| diff.on_change() == OnChange::Update(via)) {
        set_target_value(request, &diff.path, &mut whole);
    }
    whole.as_object()?.values().next().cloned()
}

fn set_target_value(request: &UpdateRequest<'_>, path: &FieldPath, body: &mut Value) {
    if let Some(value) = path.value_in(request.body) {
        path.set_in(body, value.clone());
    }
}
