//! References from one object to another: by name, by id, and by the DNS name of a host.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickpipes::semantics::{FieldSemantics, dns_names, dns_patterns};
use model::action::{Action, RunState, UpdateVia};
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::{Desired, Presence};
use model::live::{Id, Live, Object};
use model::secret::SecretSource;
use serde_json::Value;

use crate::block_reason::BlockReason;

/// The references of a live object, by kind and id.
pub(crate) type References = BTreeSet<(Kind, Id)>;

/// The references of each live object after the plan.
pub(crate) type RemainingReferences = BTreeMap<Id, References>;

/// Live objects by service, kind and id.
pub(crate) type ObjectsById<'a> = HashMap<(&'a ServiceRef, Kind, &'a Id), (&'a Address, &'a Object)>;

/// Each live object with its address: several may have one name.
pub(crate) fn live_objects(live: &Live) -> impl Iterator<Item = (&Address, &Object)> {
    live.iter().flat_map(|(at, found)| found.objects.iter().map(move |object| (at, object)))
}

pub(crate) fn index_by_id(live: &Live) -> ObjectsById<'_> {
    live_objects(live).map(|(at, object)| ((&at.service, at.kind, &object.id), (at, object))).collect()
}

/// Objects by their DNS names.
pub(crate) struct HostIndex<'a, T>(HashMap<(&'a ServiceRef, String), T>);

impl<'a, T: Copy + 'a> HostIndex<'a, T> {
    fn new(objects: impl Iterator<Item = (&'a Address, &'a Value, T)>) -> Self {
        let named = objects.flat_map(|(at, body, object)| {
            let names = dns_names(at.kind, body).into_iter();
            names.map(move |name| ((&at.service, name.to_ascii_lowercase()), object))
        });
        Self(named.collect())
    }

    /// The objects that a value connects to. Its hosts are read only if some object has a DNS name.
    fn find_all(&self, service: &ServiceRef, hosts: impl FnOnce() -> Vec<String>) -> Vec<T> {
        let find =
            |host: &String| dns_patterns(host).into_iter().find_map(|name| self.0.get(&(service, name)).copied());
        if self.0.is_empty() { Vec::new() } else { hosts().iter().filter_map(find).collect() }
    }

    /// All objects of a service that have a DNS name.
    fn all_in(&self, service: &ServiceRef) -> Vec<T> {
        self.0.iter().filter(|((of, _), _)| *of == service).map(|(_, object)| *object).collect()
    }
}

/// Live objects, by kind and id, by their DNS names.
pub(crate) type LiveHosts<'a> = HostIndex<'a, (Kind, &'a Id)>;

pub(crate) fn index_live_hosts(live: &Live) -> LiveHosts<'_> {
    HostIndex::new(live_objects(live).map(|(at, object)| (at, &object.body, (at.kind, &object.id))))
}

/// The objects that actions need.
pub(crate) struct ActionReferences<'a> {
    named_hosts: HostIndex<'a, &'a Address>,
}

impl<'a> ActionReferences<'a> {
    pub(crate) fn among(actions: impl IntoIterator<Item = &'a Action>) -> Self {
        let named = actions.into_iter().filter_map(|action| match action {
            Action::Create { address, body, .. } => Some((address, &**body, address)),
            Action::Update { address, body, via: UpdateVia::Resource, .. } => Some((address, body, address)),
            Action::Update { .. } | Action::SetState { .. } | Action::Delete { .. } => None,
        });
        Self { named_hosts: HostIndex::new(named) }
    }

    /// The objects that an action requires: those that it references, and those to which the actions give the DNS name
    /// that it connects to.
    pub(crate) fn of(&self, action: &Action) -> Vec<Address> {
        let Some(body) = whole_body(action) else { return Vec::new() };
        let at = action.address();
        let by_name = body_references(FieldSemantics::for_kind(at.kind), body, &at.service);
        by_name.into_iter().chain(self.by_host(action)).collect()
    }

    /// The objects to which the actions give the DNS name that an action connects to.
    pub(crate) fn by_host(&self, action: &Action) -> Vec<Address> {
        let Some(body) = whole_body(action) else { return Vec::new() };
        let at = action.address();
        let hosts = || FieldSemantics::for_kind(at.kind).all_connected_hosts(body);
        self.named_hosts.find_all(&at.service, hosts).into_iter().cloned().collect()
    }
}

/// The body of a request that goes to the object itself.
fn whole_body(action: &Action) -> Option<&Value> {
    let is_of_part = matches!(action, Action::Update { via, .. } if *via != UpdateVia::Resource);
    action.request_body().filter(|_| !is_of_part)
}

/// The objects that a body refers to by name.
pub(crate) fn body_references(rules: &FieldSemantics, body: &Value, service: &ServiceRef) -> Vec<Address> {
    let found = collect_matches(rules, body, &FieldSemantics::referenced_object).into_iter();
    found.map(|(kind, name)| Address::new(service.clone(), kind, name)).collect()
}

/// The objects that a live body refers to by id.
pub(crate) fn body_ids(rules: &FieldSemantics, body: &Value) -> References {
    let find = |rules: &FieldSemantics, value: &Value| {
        // The text in a reference by name is not an id.
        let is_by_name = rules.referenced_object(value).is_some();
        if is_by_name { Some(None) } else { rules.referenced_id(value).map(Some) }
    };
    collect_matches(rules, body, &find).into_iter().flatten().collect()
}

/// The references of live bodies of one service.
#[derive(Clone, Copy)]
pub(crate) struct LiveReferences<'a> {
    pub(crate) service: &'a ServiceRef,
    pub(crate) hosts: &'a LiveHosts<'a>,
}

impl LiveReferences<'_> {
    /// The objects that a live body references, by id or by a DNS name.
    pub(crate) fn of(self, rules: &FieldSemantics, live: &Value) -> References {
        let find = |rules: &FieldSemantics, value: &Value| {
            // A reference by name contains neither an id nor a DNS name.
            if rules.referenced_object(value).is_some() {
                return Some(Vec::new());
            }
            let by_id = rules.referenced_id(value).into_iter();
            // A hidden host may be that of any object.
            let by_host = if rules.hides_hosts(value) {
                self.hosts.all_in(self.service)
            } else {
                self.hosts.find_all(self.service, || rules.connected_hosts(value))
            };
            let found: Vec<_> = by_id.chain(by_host.into_iter().map(|(kind, id)| (kind, id.clone()))).collect();
            (!found.is_empty()).then_some(found)
        };
        collect_matches(rules, live, &find).into_iter().flatten().collect()
    }

    /// The references of a live body after an update to `target`. Omitted fields keep theirs.
    pub(crate) fn after_update(self, rules: &FieldSemantics, target: Option<&Value>, live: &Value) -> References {
        match (target, live) {
            (Some(Value::Object(target)), Value::Object(live)) => {
                let omitted = live.iter().filter(|(name, _)| !target.contains_key(*name));
                let omitted = omitted.flat_map(|(name, value)| self.of(rules.child_field(name), value));
                let declared = target.iter().flat_map(|(name, value)| {
                    let live = live.get(name).unwrap_or(&Value::Null);
                    self.after_update(rules.child_field(name), Some(value), live)
                });
                omitted.chain(declared).collect()
            }
            // A secret does not show its host, but live may.
            (Some(target), _) if SecretSource::from_reference(target).is_none() => self.of(rules, target),
            (_, live) => self.of(rules, live),
        }
    }
}

/// Everything that `find` returns for a value of the body, without values below a match.
fn collect_matches<'v, T>(
    rules: &FieldSemantics,
    body: &'v Value,
    find: &impl Fn(&FieldSemantics, &'v Value) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    add_matches(rules, body, find, &mut found);
    found
}

fn add_matches<'v, T>(
    rules: &FieldSemantics,
    body: &'v Value,
    find: &impl Fn(&FieldSemantics, &'v Value) -> Option<T>,
    found: &mut Vec<T>,
) {
    // Columns and settings are most of a body, and lead nowhere.
    if !rules.leads_to_objects() {
        return;
    }
    if let Some(one) = find(rules, body) {
        return found.push(one);
    }
    match body {
        Value::Array(items) => items.iter().for_each(|item| add_matches(rules.list_item(), item, find, found)),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| add_matches(rules.child_field(name), value, find, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether the body refers to an object.
pub(crate) fn has_reference(rules: &FieldSemantics, body: &Value) -> bool {
    !collect_matches(rules, body, &FieldSemantics::referenced_object).is_empty()
}

/// The body with every reference replaced by its live value. A reference to an object that does not exist yet is not
/// changed.
pub(crate) fn resolve_references<'o>(
    rules: &FieldSemantics,
    body: &Value,
    live: Option<&Value>,
    find: &impl Fn(Kind, Name) -> Option<&'o Object>,
) -> Value {
    if let Some((kind, name)) = rules.referenced_object(body) {
        let value = find(kind, name).and_then(|object| rules.referenced_value(body, object, live));
        return value.unwrap_or_else(|| body.clone());
    }
    match body {
        _ if !rules.leads_to_objects() => body.clone(),
        Value::Array(items) => {
            items.iter().map(|item| resolve_references(rules.list_item(), item, None, find)).collect()
        }
        Value::Object(fields) => {
            let resolve = |(name, value): (&String, &Value)| {
                let live = live.and_then(|live| live.get(name));
                (name.clone(), resolve_references(rules.child_field(name), value, live, find))
            };
            Value::Object(fields.iter().map(resolve).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => body.clone(),
    }
}

/// Why the first object that the body refers to will not be there, if one will not.
pub(crate) fn missing_reference(
    rules: &FieldSemantics,
    body: &Value,
    service: &ServiceRef,
    desired: &Desired,
    live: &Live,
) -> Option<BlockReason> {
    let is_unclear = |address: &Address| {
        let is_pinned = desired.get(address).is_some_and(|it| it.intent.pinned_id.is_some());
        !is_pinned && live.get(address).is_some_and(|found| found.objects.len() > 1)
    };
    let reason = |address: Address| match desired.get(&address).map(|it| it.intent.presence) {
        Some(Presence::Absent) => Some(BlockReason::ReferenceToAbsent(address)),
        _ if is_unclear(&address) => Some(BlockReason::ReferenceUnclear(address)),
        Some(Presence::Present(RunState::Running | RunState::Stopped)) => None,
        None if live.contains_key(&address) => None,
        None => Some(BlockReason::MissingReference(address)),
    };
    body_references(rules, body, service).into_iter().find_map(reason)
}
