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

use model::action::Action;
use model::address::Address;
use model::live::{Id, Live};

use crate::block_reason::BlockReason;
use crate::change::{Change, Verdict};
use crate::plan::Plan;
use crate::references::ActionReferences;
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

/// The changes that refer to an object which is not live, and which the plan does not create because it is blocked.
pub(crate) fn waiting_for_missing(plan: &Plan, live: &Live) -> BTreeMap<Address, BlockReason> {
    let blocked = plan.changes.iter().filter(|change| matches!(change.verdict, Verdict::Blocked(_)));
    let missing: BTreeSet<&Address> =
        blocked.map(|change| &change.address).filter(|at| !live.contains_key(at)).collect();
    let mut waiting = BTreeMap::new();
    if missing.is_empty() {
        return waiting;
    }
    let references = ActionReferences::among(&plan.actions);
    for action in &plan.actions {
        if let Some(other) = references.of(action).into_iter().find(|other| missing.contains(other)) {
            waiting.insert(action.address().clone(), BlockReason::NameNotGiven(other));
        }
    }
    waiting
}

/// The changes that cannot happen without these, or without others that are blocked already: deletions that wait for them,
/// and what shares new DNS names with them. A plan that shows them promises what apply does not do.
pub(crate) fn waiting_for_blocked(
    plan: &Plan,
    blocked: &BTreeMap<Address, BlockReason>,
) -> BTreeMap<Address, BlockReason> {
    let mut waiting = BTreeMap::new();
    let replaced = ReplacedInUse::new(plan);
    let pairs_are_empty = plan.followers.is_empty() && plan.handovers.is_empty() && replaced.0.is_empty();
    if plan.delete_after.is_empty() && pairs_are_empty {
        return waiting;
    }
    let by_address: BTreeMap<&Address, &Change> = plan.changes.iter().map(|change| (&change.address, change)).collect();
    let is_blocked_in = |at: &Address, waiting: &BTreeMap<Address, BlockReason>| {
        let is_blocked = |change: &&Change| matches!(change.verdict, Verdict::Blocked(_));
        let is_stopped = blocked.contains_key(at) || waiting.contains_key(at);
        is_stopped || by_address.get(at).is_some_and(is_blocked)
    };
    let mut is_complete = false;
    // An endpoint may wait for a pipe that waits for another pipe.
    while !is_complete {
        is_complete = true;
        for entry in plan.delete_after.iter().filter(|entry| !blocked.contains_key(&entry.address)) {
            let dependents = entry.dependents.iter().filter(|at| is_blocked_in(at, &waiting));
            // What refers to an object is of another kind. One of the same kind takes its place.
            let kind = entry.address.kind;
            let blocking: Vec<Address> = dependents.cloned().collect();
            let reason = match blocking.first() {
                None => continue,
                Some(successor) if successor.kind == kind => BlockReason::SuccessorBlocked(successor.clone()),
                Some(_) => BlockReason::StillUsed(blocking),
            };
            is_complete &= waiting.insert(entry.address.clone(), reason).is_some();
        }
        let out_of_step = names_out_of_step(plan, |at| is_blocked_in(at, &waiting));
        let in_use = replaced.held_by(|at| is_blocked_in(at, &waiting));
        let readers = handover_steps::out_of_step(plan, |at| is_blocked_in(at, &waiting));
        for (at, reason) in out_of_step.into_iter().chain(in_use).chain(readers) {
            is_complete &= waiting.insert(at, reason).is_some();
        }
    }
    waiting
}

/// The objects that the plan replaces, and what it makes refer to the new ones.
//
// These follow the replacement, so its deletion does not wait for them. If the change of a live one is blocked, it would
// refer to an object that is gone. If the replacement is blocked, they would be sent the reference that they have, and
// count as not applied: a pipe that is replaced for it would be deleted and created again by each apply.
struct ReplacedInUse(BTreeMap<Address, Users>);

#[derive(Default)]
struct Users {
    live: BTreeSet<Address>,
    all: BTreeSet<Address>,
}

impl ReplacedInUse {
    fn new(plan: &Plan) -> Self {
        let deleted: BTreeSet<&Address> = plan.actions.iter().filter_map(deleted_object).map(|(_, at)| at).collect();
        let mut in_use: BTreeMap<Address, Users> = BTreeMap::new();
        if deleted.is_empty() {
            return Self(in_use);
        }
        let live = plan.changes.iter().filter(|change| change.id.is_some());
        let live: BTreeSet<&Address> = live.map(|change| &change.address).collect();
        let references = ActionReferences::among(&plan.actions);
        for action in &plan.actions {
            let at = action.address();
            for other in references.of(action).into_iter().filter(|other| deleted.contains(other)) {
                let users = in_use.entry(other).or_default();
                users.all.insert(at.clone());
                users.live.extend(live.contains(at).then(|| at.clone()));
            }
        }
        Self(in_use)
    }

    fn held_by(&self, is_blocked: impl Fn(&Address) -> bool) -> Vec<(Address, BlockReason)> {
        let mut held = Vec::new();
        for (at, users) in &self.0 {
            if is_blocked(at) {
                let following = users.all.iter().filter(|user| !is_blocked(user));
                held.extend(following.map(|user| (user.clone(), BlockReason::NameNotGiven(at.clone()))));
                continue;
            }
            let stuck: Vec<Address> = users.live.iter().filter(|user| is_blocked(user)).cloned().collect();
            if !stuck.is_empty() {
                held.push((at.clone(), BlockReason::StillUsed(stuck)));
            }
        }
        held
    }
}

/// Of an object and those that follow its DNS names, those that are not blocked beside one that is.
fn names_out_of_step(plan: &Plan, is_blocked: impl Fn(&Address) -> bool) -> Vec<(Address, BlockReason)> {
    let mut found = Vec::new();
    for (at, others) in &plan.followers {
        if is_blocked(at) {
            let following = others.leaving.union(&others.arriving).filter(|other| !is_blocked(other));
            found.extend(following.map(|other| (other.clone(), BlockReason::NameNotGiven(at.clone()))));
            continue;
        }
        // These would follow, and are blocked for a reason of their own.
        if let Some(stuck) = others.leaving.iter().find(|other| is_blocked(other)) {
            found.push((at.clone(), BlockReason::NameNotGiven(stuck.clone())));
        }
    }
    found
}

fn find_used(plan: &Plan, live: &Live) -> BTreeMap<Address, BlockReason> {
    let deleted: BTreeMap<&Id, &Address> = plan.actions.iter().filter_map(deleted_object).collect();
    if deleted.is_empty() {
        return BTreeMap::new();
    }
    let referrers = order::live_referrers(live);
    let changed: BTreeSet<&Address> = plan.changes.iter().map(|change| &change.address).collect();
    let changed_ids: BTreeSet<&Id> = plan.changes.iter().filter_map(|change| change.id.as_ref()).collect();
    let mut used = BTreeMap::new();
    for (id, at) in deleted {
        let keeps = |(other, other_id): &&(&Address, &Id)| match plan.references.get(*other_id) {
            Some(kept) => kept.contains(&(at.kind, id.as_str().to_owned())),
            // Deleted, or blocked: the deletion waits for it, and is blocked if it stays.
            None => !changed_ids.contains(other_id) && !changed.contains(other),
        };
        let referring = referrers.get(&(&at.service, at.kind, id.as_str().to_owned())).into_iter().flatten();
        let users: BTreeSet<Address> = referring.filter(keeps).map(|(other, _)| (*other).clone()).collect();
        if !users.is_empty() {
            used.insert(at.clone(), BlockReason::StillUsed(users.into_iter().collect()));
        }
    }
    used
}

fn deleted_object(action: &Action) -> Option<(&Id, &Address)> {
    match action {
        Action::Delete { address, id } => Some((id, address)),
        Action::Create { .. } | Action::Update { .. } | Action::SetState { .. } => None,
    }
}
