//! References by name from one declared object to another.

use model::action::{Action, Endpoint, RunState};
use model::address::{Address, Kind, ServiceRef};
use model::desired::{Desired, Presence};
use model::live::{Id, Live};
use model::rules::Rules;
use serde_json::Value;

use crate::change::Reason;

/// The objects that an action refers to by name: without them it cannot be performed.
pub(crate) fn references(action: &Action) -> Vec<Address> {
    match action {
        Action::Create { at, body } | Action::Update { at, via: Endpoint::Resource, body, .. } => {
            referred(Rules::of(at.kind), body, &at.service)
        }
        Action::Update { .. } | Action::SetState { .. } | Action::Delete { .. } => Vec::new(),
    }
}

/// The objects that a body refers to by name.
pub(crate) fn referred(rules: &Rules, body: &Value, service: &ServiceRef) -> Vec<Address> {
    found(rules, body, &|rules, value| target(rules, value, service))
}

/// Whether a live body refers to the live object with this id.
pub(crate) fn refers_to(rules: &Rules, live: &Value, kind: Kind, id: &Id) -> bool {
    let is_it = |rules: &Rules, value: &Value| {
        rules.referred_id(value).filter(|found| *found == (kind, id.as_str())).map(|_| ())
    };
    !found(rules, live, &is_it).is_empty()
}

/// What `look` finds in a body and everywhere below.
fn found<T>(rules: &Rules, body: &Value, look: &impl Fn(&Rules, &Value) -> Option<T>) -> Vec<T> {
    if let Some(one) = look(rules, body) {
        return vec![one];
    }
    match body {
        Value::Array(items) => {
            items.iter().flat_map(|item| found(rules.item(), item, look)).collect()
        }
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| found(rules.field(name), value, look)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The body with every reference replaced by what `id` knows of the object, to compare it with what
/// is live. A reference to an object that is yet to be made stays as it is.
pub(crate) fn resolved(
    rules: &Rules,
    body: &Value,
    service: &ServiceRef,
    id: &impl Fn(&Address) -> Option<Value>,
) -> Value {
    map(rules, body, &|rules, value| id(&target(rules, value, service)?))
}

/// Why the first object that the body refers to will not be there, if one will not.
pub(crate) fn missing(
    rules: &Rules,
    body: &Value,
    service: &ServiceRef,
    desired: &Desired,
    live: &Live,
) -> Option<Reason> {
    let reason = |address: Address| match desired.get(&address).map(|it| it.intent.presence) {
        Some(Presence::Present(RunState::Running | RunState::Stopped)) => None,
        Some(Presence::Absent) => Some(Reason::ReferenceToAbsent(address)),
        None if live.contains_key(&address) => None,
        None => Some(Reason::MissingReference(address)),
    };
    referred(rules, body, service).into_iter().find_map(reason)
}

fn target(rules: &Rules, value: &Value, service: &ServiceRef) -> Option<Address> {
    let (kind, name) = rules.referred(value)?;
    Some(Address::new(service.clone(), kind, name))
}

fn map(rules: &Rules, value: &Value, replace: &impl Fn(&Rules, &Value) -> Option<Value>) -> Value {
    if let Some(value) = replace(rules, value) {
        return value;
    }
    match value {
        Value::Array(items) => {
            items.iter().map(|item| map(rules.item(), item, replace)).collect::<Vec<_>>().into()
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), map(rules.field(name), value, replace)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
