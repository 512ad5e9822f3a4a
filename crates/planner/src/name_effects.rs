//! Changes of DNS names in a plan, and the objects that connect by them.
//
// A pipe that refers to an endpoint by name changes in the same plan, because its host is resolved against the future
// endpoint. Resolved against the live one, the pipe would count as unchanged, lose its source, and change only with the
// next plan. A pipe with the host as text does not change, so the row of the endpoint names it.
//
//     endpoint   update: db.old.example becomes db.new.example ──┐
//     pipe       host: {endpoint: …} ........................... update: host is db.new.example
//     other      host: db.old.example                            named on the row of the endpoint
//
// Both change together: if one is blocked or excluded, so is the other, or the pipe would be cut off.

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::semantics::{FieldSemantics, dns_names, dns_patterns};
use model::action::Action;
use model::address::{Address, ServiceRef};
use model::desired::Document;
use model::live::{Id, Object};
use serde_json::Value;

use crate::block_reason::BlockReason;
use crate::inputs::PlanInputs;
use crate::plan::Plan;
use crate::references::{body_references, live_objects};
use crate::renamed_hosts::{Followers, RenamedHost};
use crate::still_used::deleted_object;

/// The effects of a plan on DNS names, beyond the rows of their objects.
#[derive(Default)]
pub(crate) struct NameEffects {
    /// Objects that cannot change, because they would cut off their referrers.
    pub(crate) blocked: BTreeMap<Address, BlockReason>,
    /// Sentences for the rows of objects that lose names.
    sentences: BTreeMap<Address, Vec<String>>,
    /// The objects that connect by other names after the plan, by the object whose names change.
    followers: Followers,
}

impl NameEffects {
    pub(crate) fn find(plan: &Plan, inputs: &PlanInputs<'_>) -> Self {
        let mut effects = Self::default();
        let names = NamesAfter::new(plan, inputs);
        if names.lost.0.is_empty() && names.gained.0.is_empty() {
            return effects;
        }
        for (at, host) in &inputs.renamed_hosts {
            let lost = host.lost.iter().filter(|name| !names.serve(&at.service, name));
            let lost = lost.map(|name| format!("sources named `{name}` can no longer be reached")).collect();
            effects.sentences.insert(at.clone(), lost);
        }
        effects.add_connections(plan, inputs, &names);
        effects
    }

    /// Classifies the connections by a lost name: the object changes with it, is blocked, or is cut off.
    fn add_connections(&mut self, plan: &Plan, inputs: &PlanInputs<'_>, names: &NamesAfter<'_>) {
        let hosts = HostsAfter::new(plan);
        let mut cut_off: BTreeMap<&Address, BTreeSet<String>> = BTreeMap::new();
        let mut stuck: BTreeMap<&Address, Vec<Address>> = BTreeMap::new();
        for (live_at, object) in live_objects(inputs.live).filter(|(_, object)| !hosts.deleted.contains(&object.id)) {
            let at = hosts.addresses.get(&object.id).copied().unwrap_or(live_at);
            let connected = FieldSemantics::for_kind(at.kind).all_connected_hosts(&object.body);
            // An object that gets a host in this plan has its own row, where the host shows.
            if !hosts.sent.contains_key(at) {
                self.add_takeover(at, &connected, names);
            }
            let loser = connected.iter().find_map(|host| Some((names.loser_of(&at.service, host)?, host)));
            // A name that is lost can lie under a wildcard of the same object.
            let is_kept = |renamed: &Address, host: &str| inputs.renamed_hosts[renamed].leads_there(renamed, host);
            let Some((renamed, host)) = loser.filter(|(renamed, host)| !is_kept(renamed, host)) else { continue };
            let refers = refers_to(inputs.desired.get(at), at, renamed);
            // A name that another object has then leads a host as text on, and a reference astray.
            if !refers && names.serve(&at.service, host) {
                continue;
            }
            if hosts.sent.contains_key(at) {
                self.followers.entry(renamed.clone()).or_default().leaving.insert(at.clone());
            } else if refers {
                stuck.entry(renamed).or_default().push(at.clone());
            } else {
                cut_off.entry(renamed).or_default().insert(format!("`{}`", at.name));
            }
        }
        for (at, host) in hosts.sent.iter().flat_map(|(at, sent)| sent.iter().map(move |host| (*at, host))) {
            if let Some(renamed) = names.gained.get_by_host(&at.service, host) {
                self.followers.entry(renamed.clone()).or_default().arriving.insert(at.clone());
            }
            if let Some(renamed) = names.loser_of(&at.service, host).filter(|_| !names.serve(&at.service, host)) {
                cut_off.entry(renamed).or_default().insert(format!("`{}`", at.name));
            }
        }
        for (at, others) in cut_off {
            let verb = if others.len() == 1 { "connects" } else { "connect" };
            let others: Vec<String> = others.into_iter().collect();
            let sentence = format!("{} {verb} by a name that is taken away, and will be cut off", others.join(", "));
            self.sentences.entry(at.clone()).or_default().push(sentence);
        }
        self.blocked.extend(stuck.into_iter().map(|(at, others)| (at.clone(), BlockReason::CutsOff(others))));
    }

    /// Notes that an object gets a name by which another one already connects.
    // Hazard: a new endpoint receives the password of a pipe that the change does not touch.
    fn add_takeover(&mut self, at: &Address, connected: &[String], names: &NamesAfter<'_>) {
        let mut taken = connected.iter().filter_map(|host| Some((names.gained.get_by_host(&at.service, host)?, host)));
        if let Some((receiver, host)) = taken.next() {
            let sentence = format!(
                "`{}` connects by `{host}`: its traffic, secrets included, then goes through this object",
                at.name
            );
            self.sentences.entry(receiver.clone()).or_default().push(sentence);
        }
    }

    /// Adds the sentences and the followers to the plan, and returns the objects to block.
    pub(crate) fn add_to(mut self, plan: &mut Plan) -> BTreeMap<Address, BlockReason> {
        for change in &mut plan.changes {
            change.data_effects.extend(self.sentences.remove(&change.address).into_iter().flatten());
        }
        plan.followers = self.followers;
        self.blocked
    }
}

fn refers_to(document: Option<&Document>, at: &Address, other: &Address) -> bool {
    let rules = FieldSemantics::for_kind(at.kind);
    document.is_some_and(|document| body_references(rules, &document.body, &at.service).contains(other))
}

/// The DNS names that lead somewhere after the plan, and those that lead nowhere any longer.
struct NamesAfter<'a> {
    served: BTreeSet<(&'a ServiceRef, String)>,
    lost: OwnersByName<'a>,
    gained: OwnersByName<'a>,
}

/// Objects by their DNS names.
struct OwnersByName<'a>(BTreeMap<(&'a ServiceRef, String), &'a Address>);

impl<'a> OwnersByName<'a> {
    fn new(hosts: &'a BTreeMap<Address, RenamedHost>, names: fn(&RenamedHost) -> &[String]) -> Self {
        let owned =
            hosts.iter().flat_map(|(at, host)| names(host).iter().map(move |name| ((&at.service, name.clone()), at)));
        Self(owned.collect())
    }

    fn get_by_host(&self, service: &'a ServiceRef, host: &str) -> Option<&'a Address> {
        dns_patterns(host).into_iter().find_map(|name| self.0.get(&(service, name)).copied())
    }
}

impl<'a> NamesAfter<'a> {
    fn new(plan: &'a Plan, inputs: &'a PlanInputs<'_>) -> Self {
        let renamed = inputs.renamed_hosts.values();
        let renamed: BTreeMap<&Id, &Object> = renamed.map(|host| (&host.after.id, &host.after)).collect();
        let deleted: BTreeSet<&Id> = plan.actions.iter().filter_map(deleted_object).map(|(id, _)| id).collect();
        let live = live_objects(inputs.live).filter(|(_, object)| !deleted.contains(&object.id));
        let live = live.map(|(at, object)| (at, &renamed.get(&object.id).copied().unwrap_or(object).body));
        let created = plan.actions.iter().filter_map(created_body);
        let served = live.chain(created).flat_map(|(at, body)| {
            dns_names(at.kind, body).into_iter().map(move |name| (&at.service, name.to_ascii_lowercase()))
        });
        let owners = |names| OwnersByName::new(&inputs.renamed_hosts, names);
        let (lost, mut gained) = (owners(|host| &host.lost), owners(|host| &host.gained));
        gained.0.extend(plan.actions.iter().filter_map(created_body).flat_map(|(at, body)| {
            let names = dns_names(at.kind, body).into_iter().map(str::to_ascii_lowercase);
            let own = inputs.live.get(at).into_iter().flat_map(|found| &found.objects);
            let own: Vec<String> =
                own.flat_map(|it| dns_names(at.kind, &it.body)).map(str::to_ascii_lowercase).collect();
            // A replacement with the same names takes over nothing.
            names.filter(move |name| !own.contains(name)).map(move |name| ((&at.service, name), at))
        }));
        Self { served: served.collect(), lost, gained }
    }

    /// Whether a host resolves to an object.
    fn serve(&self, service: &'a ServiceRef, host: &str) -> bool {
        dns_patterns(host).into_iter().any(|name| self.served.contains(&(service, name)))
    }

    /// The object that a host no longer resolves to.
    fn loser_of(&self, service: &'a ServiceRef, host: &str) -> Option<&'a Address> {
        self.lost.get_by_host(service, host)
    }
}

fn created_body(action: &Action) -> Option<(&Address, &Value)> {
    match action {
        Action::Create { address, body, .. } => Some((address, body)),
        Action::Update { .. } | Action::SetState { .. } | Action::Delete { .. } => None,
    }
}

/// The hosts to which objects connect after a plan.
struct HostsAfter<'a> {
    /// The hosts that it sends. Most updates contain none, which leaves the live one.
    sent: BTreeMap<&'a Address, Vec<String>>,
    deleted: BTreeSet<&'a Id>,
    /// The declared addresses of the live objects that it changes.
    addresses: BTreeMap<&'a Id, &'a Address>,
}

impl<'a> HostsAfter<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut sent = BTreeMap::new();
        for action in &plan.actions {
            let at = action.address();
            let hosts = |body| FieldSemantics::for_kind(at.kind).all_connected_hosts(body);
            let hosts = action.request_body().map(hosts).unwrap_or_default();
            if !hosts.is_empty() {
                sent.insert(at, hosts);
            }
        }
        let addresses = plan.changes.iter().filter_map(|change| Some((change.id.as_ref()?, &change.address)));
        Self {
            sent,
            deleted: plan.actions.iter().filter_map(deleted_object).map(|(id, _)| id).collect(),
            addresses: addresses.collect(),
        }
    }
}
