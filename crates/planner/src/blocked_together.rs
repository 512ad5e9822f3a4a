//! Changes that are blocked because others are: none of them can happen without the others.
//
//     pipe       blocked by a rule
//     endpoint   would lose the DNS name by which the pipe connects: blocked, too
//     deletion   waits for the pipe: blocked, too
//
// A plan that shows them as changes promises what apply does not do.

use std::collections::{BTreeMap, BTreeSet};

use model::action::Action;
use model::address::Address;
use model::live::Live;

use crate::block_reason::BlockReason;
use crate::change::{Change, Verdict};
use crate::handover_steps;
use crate::plan::Plan;
use crate::references::ActionReferences;

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
        let removals = plan.actions.iter().filter(|action| matches!(action, Action::Delete { .. }));
        let deleted: BTreeSet<&Address> = removals.map(Action::address).collect();
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
