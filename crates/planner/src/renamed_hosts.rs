//! Objects whose DNS names a plan changes, and what connects by these names.
//
// A pipe that refers to an endpoint by name follows in the same plan, because its host is resolved against the endpoint
// as it will be. Resolved against the live one, the pipe would count as unchanged, lose its source, and follow only with
// the next plan. A pipe with the host as text cannot follow, so the row of the endpoint names it.
//
//     endpoint   update: db.old.example becomes db.new.example ──┐
//     pipe       host: {endpoint: …} ........................... update: host is db.new.example
//     other      host: db.old.example                            named on the row of the endpoint

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::semantics::{FieldSemantics, body_after_update, dns_names, dns_patterns};
use model::action::{Action, UpdateVia};
use model::address::{Address, ServiceRef};
use model::live::{Live, Object};
use serde_json::Value;

use crate::plan::Plan;
use crate::references::connected_hosts;

/// An object with other DNS names after the plan.
pub(crate) struct RenamedHost {
    /// The object as the plan leaves it.
    pub(crate) after: Object,
    /// The names that lead to it no longer, in lower case.
    lost: Vec<String>,
}

impl RenamedHost {
    /// `None` if these actions leave its DNS names as they are.
    pub(crate) fn find(at: &Address, object: &Object, actions: &[Action]) -> Option<Self> {
        // Most changed objects are pipes, to which nothing connects.
        FieldSemantics::referring_kinds(at.kind).next()?;
        let names = |body: &Value| -> BTreeSet<String> {
            dns_names(at.kind, body).into_iter().map(str::to_ascii_lowercase).collect()
        };
        let mut after = object.clone();
        for action in actions {
            if let Action::Update { via: UpdateVia::Resource, body, .. } = action {
                after.body = body_after_update(&after.body, body);
            }
        }
        let (was, will_be) = (names(&object.body), names(&after.body));
        (was != will_be).then(|| Self { after, lost: was.difference(&will_be).cloned().collect() })
    }
}

/// Names, on the row of each object that loses a DNS name, what still connects by it after the plan.
pub(crate) fn add_cut_off_objects(plan: &mut Plan, live: &Live, renamed: &BTreeMap<Address, RenamedHost>) {
    let mut lost: BTreeMap<(&ServiceRef, String), &Address> = BTreeMap::new();
    for (at, host) in renamed {
        lost.extend(host.lost.iter().map(|name| ((&at.service, name.clone()), at)));
    }
    // A name can move from one object to another.
    for (at, body) in plan.actions.iter().filter_map(|action| Some((action.address(), action.request_body()?))) {
        for name in dns_names(at.kind, body) {
            lost.remove(&(&at.service, name.to_ascii_lowercase()));
        }
    }
    if lost.is_empty() {
        return;
    }
    let mut cut_off: BTreeMap<Address, BTreeSet<String>> = BTreeMap::new();
    for (other, host) in hosts_after(plan, live) {
        let mut patterns = dns_patterns(&host).into_iter();
        if let Some(at) = patterns.find_map(|name| lost.get(&(&other.service, name))) {
            cut_off.entry((*at).clone()).or_default().insert(format!("`{}`", other.name));
        }
    }
    for change in &mut plan.changes {
        if let Some(others) = cut_off.remove(&change.address) {
            let verb = if others.len() == 1 { "connects" } else { "connect" };
            let others: Vec<String> = others.into_iter().collect();
            change
                .data_effects
                .push(format!("{} {verb} by a name that is taken away, and will be cut off", others.join(", ")));
        }
    }
}

/// The hosts that objects connect to after the plan.
fn hosts_after<'a>(plan: &'a Plan, live: &'a Live) -> Vec<(&'a Address, String)> {
    let hosts = |at: &Address, body: &Value| connected_hosts(FieldSemantics::for_kind(at.kind), body);
    let mut changed: BTreeMap<&Address, Vec<String>> = BTreeMap::new();
    let mut deleted = BTreeSet::new();
    for action in &plan.actions {
        let at = action.address();
        if let Action::Delete { .. } = action {
            deleted.insert(at);
        }
        let sent = action.request_body().map(|body| hosts(at, body)).unwrap_or_default();
        // Most updates contain no host, which leaves the live one.
        if !sent.is_empty() {
            changed.insert(at, sent);
        }
    }
    let kept = live.iter().filter(|(at, _)| !changed.contains_key(at) && !deleted.contains(at));
    let kept = kept.flat_map(|(at, found)| found.objects.iter().map(move |object| (at, hosts(at, &object.body))));
    let kept: Vec<_> = kept.collect();
    changed.into_iter().chain(kept).flat_map(|(at, hosts)| hosts.into_iter().map(move |host| (at, host))).collect()
}
