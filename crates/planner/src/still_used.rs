//! Objects that would be deleted while others use them.
//
// The API refuses to delete an endpoint that a pipe uses, or it breaks the pipe. A pipe may use an endpoint although no
// manifest says so: the field is omitted, the manifest has the id instead of the name, or nobody declares the pipe. So
// the live references count, as far as the plan leaves them.
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
use crate::blocked_together::waiting_for_blocked;
use crate::plan::Plan;
use crate::references::{ActionReferences, connected_hosts};
use crate::{handover_steps, order};

impl Plan {
    /// The part of the plan that is about some of the objects. What nobody declares is outside of
    /// any part.
    #[must_use]
    pub fn narrow_to(mut self, about: impl Fn(&Address) -> bool) -> Self {
        block_made_outside(&mut self, &about, BlockReason::ReferenceOutside);
        block_left_behind(&mut self, &about);
        let halves = handover_steps::halves(&self, &about);
        block_changes(&mut self, &halves);
        handover_steps::drop_halves(&mut self, &about);
        order::retain_objects(&mut self.actions, &mut self.delete_after, &self.handovers, &about);
        block_released_outside(&mut self, &about);
        Self {
            actions: self.actions,
            delete_after: self.delete_after,
            changes: self.changes.into_iter().filter(|change| about(&change.address)).collect(),
            ignored_changes: self.ignored_changes.into_iter().filter(|left| about(&left.address)).collect(),
            unchecked: self.unchecked.into_iter().filter(|it| about(&it.address)).collect(),
            in_sync: self.in_sync.into_iter().filter(|at| about(at)).collect(),
            unmanaged: Vec::new(),
            removed_by_target: self.removed_by_target.into_iter().filter(|at| about(at)).collect(),
            // What the part needs can lie outside of it: a pipe that is selected without its endpoint.
            unusable: self.unusable.into_iter().filter(|it| it.is_about(&about)).collect(),
            unsettled: self.unsettled.into_iter().filter(|at| about(at)).collect(),
            references: self.references,
            followers: self.followers,
            handovers: self.handovers,
        }
    }

    /// The plan without these objects. It still proves what is unmanaged, as all manifests were compared.
    #[must_use]
    pub fn without(self, objects: &BTreeSet<Address>) -> Self {
        let unmanaged = self.unmanaged.clone();
        Self { unmanaged, ..self.narrow_to(|at| !objects.contains(at)) }
    }
}

/// Blocks the deletions, replacements included, of objects that the plan leaves in use.
pub(crate) fn block_used_objects(plan: &mut Plan, live: &Live) {
    let blocked = find_used(plan, live);
    block_changes(plan, &blocked);
}

/// Blocks what refers to an object that only the rest of the plan creates, or connects by a DNS name that only the rest
/// gives. Its requests would fail, perhaps after a stop.
pub(crate) fn block_made_outside(
    plan: &mut Plan,
    is_inside: impl Fn(&Address) -> bool,
    reason: impl Fn(Address) -> BlockReason,
) {
    let is_create = |action: &&Action| matches!(action, Action::Create { .. });
    let (created, updated): (Vec<_>, Vec<_>) =
        plan.actions.iter().filter(|action| !is_inside(action.address())).partition(is_create);
    // What is blocked already may keep others from happening.
    if created.is_empty() && updated.is_empty() {
        return block_changes(plan, &BTreeMap::new());
    }
    let created: BTreeSet<&Address> = created.into_iter().map(Action::address).collect();
    let updated: BTreeSet<&Address> = updated.into_iter().map(Action::address).collect();
    let references = ActionReferences::among(&plan.actions);
    let mut blocked: BTreeMap<Address, BlockReason> = BTreeMap::new();
    for action in plan.actions.iter().filter(|action| is_inside(action.address())) {
        let missing = references.of(action).into_iter().find(|at| created.contains(at));
        let missing = missing.or_else(|| references.by_host(action).into_iter().find(|at| updated.contains(at)));
        if let Some(missing) = missing {
            blocked.insert(action.address().clone(), reason(missing));
        }
    }
    block_changes(plan, &blocked);
}

/// Blocks what takes DNS names away from objects that are not part of the plan.
fn block_left_behind(plan: &mut Plan, is_inside: impl Fn(&Address) -> bool) {
    let outside = |others: &BTreeSet<Address>| others.iter().filter(|at| !is_inside(at)).cloned().collect();
    let behind = plan.followers.iter().map(|(at, others)| (at.clone(), outside(&others.leaving)));
    let behind = behind.filter(|(_, others): &(Address, Vec<Address>)| !others.is_empty());
    let blocked = behind.map(|(at, others)| (at, BlockReason::CutsOff(others))).collect();
    block_changes(plan, &blocked);
}

/// Blocks the deletions that wait for objects outside of the part of the plan: those keep their references.
fn block_released_outside(plan: &mut Plan, is_inside: impl Fn(&Address) -> bool) {
    let mut blocked: BTreeMap<Address, BlockReason> = BTreeMap::new();
    for entry in &plan.delete_after {
        let outside: Vec<Address> = entry.dependents.iter().filter(|other| !is_inside(other)).cloned().collect();
        if !outside.is_empty() {
            blocked.insert(entry.address.clone(), BlockReason::StillUsed(outside));
        }
    }
    block_changes(plan, &blocked);
}

/// Blocks these changes and the deletions that wait for them, and takes their actions out of the plan.
pub(crate) fn block_changes(plan: &mut Plan, blocked: &BTreeMap<Address, BlockReason>) {
    let waiting = waiting_for_blocked(plan, blocked);
    let reasons = |at: &Address| blocked.get(at).or_else(|| waiting.get(at));
    for change in &mut plan.changes {
        if let Some(reason) = reasons(&change.address) {
            change.block(reason.clone());
        }
    }
    order::retain_objects(&mut plan.actions, &mut plan.delete_after, &plan.handovers, |at| reasons(at).is_none());
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
            Some(kept) => kept.contains(&(at.kind, id.as_str().to_owned())),
            // Deleted, or blocked: the deletion waits for it, and is blocked if it stays.
            None => !changed_ids.contains(other_id) && !changed.contains(other),
        };
        let referring = referrers.get(&(&at.service, at.kind, id.as_str().to_owned())).into_iter().flatten();
        let users = referring.filter(keeps).filter(|(_, other)| !replaced.are_kept_for(other, at));
        let users: BTreeSet<(&Address, &Id)> = users.copied().collect();
        if users.is_empty() {
            continue;
        }
        let is_replaced = replaced.bodies.contains_key(at);
        let is_declared = users.iter().all(|(_, id)| plan.references.contains_key(*id));
        let connects = users.iter().all(|(_, id)| replaced.connects(id));
        let users: Vec<Address> = users.into_iter().map(|(user, _)| user.clone()).collect();
        let reason = match (is_replaced, is_declared, connects) {
            (true, false, _) => BlockReason::UsedElsewhere(users),
            (true, true, true) => BlockReason::UsedByHost(users, at.name.clone()),
            _ => BlockReason::StillUsed(users),
        };
        used.insert(at.clone(), reason);
    }
    used
}

/// The hosts that lead to objects which are replaced.
struct ReplacedHosts<'p> {
    bodies: BTreeMap<&'p Address, &'p Value>,
    live: BTreeMap<&'p Id, (&'p Address, &'p Object)>,
    /// What the plan makes refer to the new objects.
    followers: BTreeSet<(&'p Id, Address)>,
}

impl<'p> ReplacedHosts<'p> {
    fn new(plan: &'p Plan, live: &'p Live) -> Self {
        let created = plan.actions.iter().filter(|action| matches!(action, Action::Create { .. }));
        let bodies = created.filter_map(|action| Some((action.address(), action.request_body()?))).collect();
        let objects = live.iter().flat_map(|(at, found)| found.objects.iter().map(move |object| (at, object)));
        let ids: BTreeMap<&Address, &Id> =
            plan.changes.iter().filter_map(|change| Some((&change.address, change.id.as_ref()?))).collect();
        let references = ActionReferences::among(&plan.actions);
        let followers = plan.actions.iter().filter_map(|action| Some((*ids.get(action.address())?, action)));
        Self {
            bodies,
            live: objects.map(|(at, object)| (&object.id, (at, object))).collect(),
            followers: followers
                .flat_map(|(id, action)| references.of(action).into_iter().map(move |other| (id, other)))
                .collect(),
        }
    }

    fn hosts_of(&self, user: &Id) -> Vec<String> {
        let found = self.live.get(user);
        found.map(|(at, object)| connected_hosts(FieldSemantics::for_kind(at.kind), &object.body)).unwrap_or_default()
    }

    fn connects(&self, user: &Id) -> bool {
        !self.hosts_of(user).is_empty()
    }

    /// Whether an object gets the new id in the same plan, and its host leads to the new object as it did to the old one.
    fn are_kept_for(&self, user: &Id, replaced: &Address) -> bool {
        let Some(body) = self.bodies.get(replaced) else { return false };
        let names: BTreeSet<String> =
            chosen_dns_names(replaced.kind, body).into_iter().map(str::to_ascii_lowercase).collect();
        let leads_there = |host: &String| dns_patterns(host).iter().any(|name| names.contains(name));
        self.followers.contains(&(user, replaced.clone())) && self.hosts_of(user).iter().any(leads_there)
    }
}

fn deleted_object(action: &Action) -> Option<(&Id, &Address)> {
    match action {
        Action::Delete { address, id } => Some((id, address)),
        Action::Create { .. } | Action::Update { .. } | Action::SetState { .. } => None,
    }
}
