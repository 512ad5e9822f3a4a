//! References by name from one declared object to another.

use model::action::RunState;
use model::address::{Address, ServiceRef};
use model::desired::{Desired, Presence};
use model::live::Live;
use model::rules::Rules;
use serde_json::Value;

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

/// The first object that the body refers to and that is neither live nor declared.
pub(crate) fn missing(
    rules: &Rules,
    body: &Value,
    service: &ServiceRef,
    desired: &Desired,
    live: &Live,
) -> Option<Address> {
    let is_present = |address: &Address| {
        let declared = desired.get(address).map(|document| document.intent.presence);
        match declared {
            Some(Presence::Present(RunState::Running | RunState::Stopped)) => true,
            Some(Presence::Absent) => false,
            None => live.contains_key(address),
        }
    };
    let target = target(rules, body, service);
    if let Some(address) = target {
        return (!is_present(&address)).then_some(address);
    }
    match body {
        Value::Array(items) => {
            items.iter().find_map(|item| missing(rules.item(), item, service, desired, live))
        }
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, value)| missing(rules.field(name), value, service, desired, live)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
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
