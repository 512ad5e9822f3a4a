//! Objects that would be deleted while others use them.
//
// The API refuses to delete an endpoint that a pipe uses, or it breaks the pipe. A pipe may use an endpoint although no
// manifest says so: the field is omitted, the manifest has the id instead of the name, or the pipe is undeclared. So
// the live references count, unless the plan changes them.
//
//     live       pipe uses endpoint a
//     declared   endpoint a: state: absent; the pipe omits its endpoints
//     plan       the pipe is in sync, and endpoint a is blocked

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::semantics::{FieldSemantics, chosen_dns_names, dns_patterns};
use model::action::Action;
use model::address::Address;
use model::live::{Id, Live, Object};
use serde_json::Value;

use crate::block_reason::BlockReason;
use crate::blocked_together::block_changes;
use crate::order;
use crate::plan::Plan;
use crate::references::{ActionReferences, live_objects};

/// Blocks the deletions, replacements included, of objects that the plan leaves in use.
pub(crate) fn block_used_objects(plan: &mut Plan, live: &Live) {
    let blocked = find_used(plan, live);
    block_changes(plan, blocked);
}

fn find_used(plan: &Plan, live: &Live) -> BTreeMap<Address, BlockReason> {
    let deleted: BTreeMap<&Id, &Address> = plan.actions.iter().filter_map(deleted_object).collect();
    if deleted.is_empty() {
        return BTreeMap::new();
    }
    let referrers = order::live_referrers(live);
    let changed: BTreeSet<&Address> = plan.changes.iter().map(|change| &change.address).collect();
    let changed_ids: BTreeSet<&Id> = plan.changes.iter().filter_map(|change| change.id.as_ref()).collect();
    let replaced = ReplacedHosts::new(plan, live);
    let mut used = BTreeMap::new();
    for (id, at) in deleted {
        let keeps = |(other, other_id): &&(&Address, &Id)| match plan.references.get(*other_id) {
            Some(kept) => kept.contains(&(at.kind, id.clone())),
            // Deleted, or blocked: the deletion waits for it, and is blocked if it stays.
            None => !changed_ids.contains(other_id) && !changed.contains(other),
        };
        let referring = referrers.get(&(&at.service, at.kind, id.clone())).into_iter().flatten();
        let users = referring.filter(keeps).filter(|(_, other)| !replaced.are_kept_for(other, at));
        let users: BTreeSet<(&Address, &Id)> = users.copied().collect();
        if users.is_empty() {
            continue;
        }
        // Each case has its own remedy: declare the user as well, refer by name instead of a host, or stop using the
        // object.
        let is_replaced = replaced.bodies.contains_key(at);
        let is_declared = users.iter().all(|(_, id)| plan.references.contains_key(*id));
        let connects = users.iter().all(|(_, id)| replaced.connects(id));
        let is_hidden = users.iter().all(|(_, id)| replaced.hides_hosts(id));
        let users: Vec<Address> = users.into_iter().map(|(user, _)| user.clone()).collect();
        let reason = match (is_replaced, is_declared, connects) {
            _ if is_hidden => BlockReason::MayBeUsed(users),
            (true, false, _) => BlockReason::UsedElsewhere(users),
            (true, true, true) => BlockReason::UsedByHost(users, at.name.clone()),
            _ => BlockReason::StillUsed(users),
        };
        used.insert(at.clone(), reason);
    }
    used
}

/// The hosts of replaced objects.
struct ReplacedHosts<'p> {
    bodies: BTreeMap<&'p Address, &'p Value>,
    live: BTreeMap<&'p Id, (&'p Address, &'p Object)>,
    /// The objects that refer to the new objects after the plan.
    followers: BTreeSet<(&'p Id, Address)>,
}

impl<'p> ReplacedHosts<'p> {
    fn new(plan: &'p Plan, live: &'p Live) -> Self {
        let created = plan.actions.iter().filter(|action| matches!(action, Action::Create { .. }));
        let bodies = created.filter_map(|action| Some((action.address(), action.request_body()?))).collect();
        let ids: BTreeMap<&Address, &Id> =
            plan.changes.iter().filter_map(|change| Some((&change.address, change.id.as_ref()?))).collect();
        let references = ActionReferences::among(&plan.actions);
        let followers = plan.actions.iter().filter_map(|action| Some((*ids.get(action.address())?, action)));
        Self {
            bodies,
            live: live_objects(live).map(|(at, object)| (&object.id, (at, object))).collect(),
            followers: followers
                .flat_map(|(id, action)| references.of(action).into_iter().map(move |other| (id, other)))
                .collect(),
        }
    }

    fn hosts_of(&self, user: &Id) -> Vec<String> {
        let found = self.live.get(user);
        found
            .map(|(at, object)| FieldSemantics::for_kind(at.kind).all_connected_hosts(&object.body))
            .unwrap_or_default()
    }

    /// Whether the API does not return where an object connects.
    fn hides_hosts(&self, user: &Id) -> bool {
        let found = self.live.get(user);
        found.is_some_and(|(at, object)| FieldSemantics::for_kind(at.kind).has_hidden_hosts(&object.body))
    }

    fn connects(&self, user: &Id) -> bool {
        !self.hosts_of(user).is_empty()
    }

    /// Whether an object gets the new id in the same plan, and its host resolves to the new object as it did to the old
    /// one.
    fn are_kept_for(&self, user: &Id, replaced: &Address) -> bool {
        let Some(body) = self.bodies.get(replaced) else { return false };
        let names: BTreeSet<String> =
            chosen_dns_names(replaced.kind, body).into_iter().map(str::to_ascii_lowercase).collect();
        let leads_there = |host: &String| dns_patterns(host).iter().any(|name| names.contains(name));
        self.followers.contains(&(user, replaced.clone())) && self.hosts_of(user).iter().any(leads_there)
    }
}

pub(crate) fn deleted_object(action: &Action) -> Option<(&Id, &Address)> {
    match action {
        Action::Delete { address, id } => Some((id, address)),
        Action::Create { .. } | Action::Update { .. } | Action::SetState { .. } => None,
    }
}
