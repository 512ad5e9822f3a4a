//! References by name from one declared object to another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickpipes::lifecycle;
use clickpipes::semantics::FieldSemantics;
use model::action::{Action, RunState, UpdateVia};
use model::address::{Address, Kind, ServiceRef};
use model::desired::{Desired, Presence};
use model::live::{Id, Live, Object};
use serde_json::Value;

use crate::block_reason::BlockReason;

/// What each live object references when the plan is done, by kind and id.
pub(crate) type References = BTreeMap<Id, BTreeSet<(Kind, String)>>;

/// Live objects by service, kind and id.
pub(crate) type ObjectsById<'a> = HashMap<(&'a ServiceRef, Kind, &'a str), (&'a Address, &'a Object)>;

pub(crate) fn index_by_id(live: &Live) -> ObjectsById<'_> {
    let objects = live.iter().flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)));
    objects.map(|(at, object)| ((&at.service, at.kind, object.id.as_str()), (at, object))).collect()
}

/// The objects that an action refers to by name: without them it cannot be performed.
pub(crate) fn action_references(action: &Action) -> Vec<Address> {
    match action {
        Action::Create { address: at, body } | Action::Update { address: at, via: UpdateVia::Resource, body, .. } => {
            body_references(FieldSemantics::for_kind(at.kind), body, &at.service)
        }
        Action::Update { .. } | Action::SetState { .. } | Action::Delete { .. } => Vec::new(),
    }
}

/// The objects that a body refers to by name.
pub(crate) fn body_references(rules: &FieldSemantics, body: &Value, service: &ServiceRef) -> Vec<Address> {
    collect_matches(rules, body, &|rules, value| referenced_address(rules, value, service))
}

/// The objects that a live body references, by kind and id.
pub(crate) fn live_references<'v>(rules: &FieldSemantics, live: &'v Value) -> Vec<(Kind, &'v str)> {
    collect_matches(rules, live, &|rules, value| rules.referenced_id(value))
}

/// The objects that a live body references after an update to `target`, by kind and id. What the manifest omits stays.
pub(crate) fn remaining_references<'v>(
    rules: &FieldSemantics,
    target: Option<&'v Value>,
    live: &'v Value,
) -> Vec<(Kind, &'v str)> {
    match (target, live) {
        (Some(Value::Object(target)), Value::Object(live)) => {
            let omitted = live.iter().filter(|(name, _)| !target.contains_key(*name));
            let omitted = omitted.flat_map(|(name, value)| live_references(rules.child_field(name), value));
            let declared = target.iter().flat_map(|(name, value)| {
                let live = live.get(name).unwrap_or(&Value::Null);
                remaining_references(rules.child_field(name), Some(value), live)
            });
            omitted.chain(declared).collect()
        }
        (target, live) => live_references(rules, target.unwrap_or(live)),
    }
}

pub(crate) fn own_references(references: Vec<(Kind, &str)>) -> Vec<(Kind, String)> {
    references.into_iter().map(|(kind, id)| (kind, id.to_owned())).collect()
}

/// Everything that `find` returns for a value of the body, without values below a match.
fn collect_matches<'v, T>(
    rules: &FieldSemantics,
    body: &'v Value,
    find: &impl Fn(&FieldSemantics, &'v Value) -> Option<T>,
) -> Vec<T> {
    if let Some(one) = find(rules, body) {
        return vec![one];
    }
    match body {
        Value::Array(items) => items.iter().flat_map(|item| collect_matches(rules.list_item(), item, find)).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| collect_matches(rules.child_field(name), value, find)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The body with every reference replaced by what `id` knows of the object, to compare it with what
/// is live. A reference to an object that is yet to be made stays as it is.
pub(crate) fn resolve_references(
    rules: &FieldSemantics,
    body: &Value,
    service: &ServiceRef,
    id: &impl Fn(&Address) -> Option<Value>,
) -> Value {
    replace_values(rules, body, &|rules, value| id(&referenced_address(rules, value, service)?))
}

/// Why the first object that the body refers to will not be there, if one will not.
pub(crate) fn missing_reference(
    rules: &FieldSemantics,
    body: &Value,
    service: &ServiceRef,
    desired: &Desired,
    live: &Live,
) -> Option<BlockReason> {
    let reason = |address: Address| match desired.get(&address).map(|it| it.intent.presence) {
        Some(Presence::Present(RunState::Running | RunState::Stopped)) => None,
        Some(Presence::Absent) => Some(BlockReason::ReferenceToAbsent(address)),
        None if live.contains_key(&address) => None,
        None => Some(BlockReason::MissingReference(address)),
    };
    body_references(rules, body, service).into_iter().find_map(reason)
}

/// The first object that the body refers to by name and that will not work again by itself. One that the plan replaces
/// will.
pub(crate) fn broken_reference(
    rules: &FieldSemantics,
    body: &Value,
    service: &ServiceRef,
    live: &Live,
    replaced: &BTreeSet<Address>,
) -> Option<BlockReason> {
    let references = body_references(rules, body, service).into_iter().filter(|at| !replaced.contains(at));
    let found = references.filter_map(|at| match live.get(&at)?.objects.as_slice() {
        [object] if lifecycle::is_broken(at.kind, object) => {
            let note = lifecycle::unusable_note(at.kind, object)?;
            Some(BlockReason::BrokenReference(at.name.to_string(), object.state.to_string(), note))
        }
        _ => None,
    });
    { found }.next()
}

/// The first object that the body refers to and that cannot be used now. A new object needs it at once.
pub(crate) fn unusable_reference(
    rules: &FieldSemantics,
    body: &Value,
    service: &ServiceRef,
    live: &Live,
    by_id: &ObjectsById<'_>,
) -> Option<BlockReason> {
    let by_name = body_references(rules, body, service).into_iter().map(|address| {
        let found = live.get(&address).map_or(&[][..], |observed| &observed.objects).first();
        (address.kind, address.name.to_string(), found)
    });
    // What stands in a reference by name is no id.
    let find_id = |rules: &FieldSemantics, value: &Value| match rules.referenced_object(value) {
        Some(_) => Some(None),
        None => rules.referenced_id(value).map(|(kind, id)| Some((kind, id.to_owned()))),
    };
    let by_id = collect_matches(rules, body, &find_id).into_iter().flatten().map(|(kind, id)| {
        let found = by_id.get(&(service, kind, id.as_str())).map(|(_, object)| *object);
        (kind, id, found)
    });
    let mut unusable = by_name.chain(by_id).filter_map(|(kind, name, found)| match found {
        Some(object) if lifecycle::is_usable(kind, object) => None,
        Some(object) => Some(BlockReason::ReferenceNotReady(name, object.state.to_string())),
        None => Some(BlockReason::ReferenceNotLive(name)),
    });
    unusable.next()
}

fn referenced_address(rules: &FieldSemantics, value: &Value, service: &ServiceRef) -> Option<Address> {
    let (kind, name) = rules.referenced_object(value)?;
    Some(Address::new(service.clone(), kind, name))
}

fn replace_values(
    rules: &FieldSemantics,
    value: &Value,
    replace: &impl Fn(&FieldSemantics, &Value) -> Option<Value>,
) -> Value {
    if let Some(value) = replace(rules, value) {
        return value;
    }
    match value {
        Value::Array(items) => {
            items.iter().map(|item| replace_values(rules.list_item(), item, replace)).collect::<Vec<_>>().into()
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), replace_values(rules.child_field(name), value, replace)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
