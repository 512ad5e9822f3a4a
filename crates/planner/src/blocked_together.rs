//! Changes that are blocked because others are: none of them can happen without the others.
//
//     pipe       blocked by a rule
//     endpoint   would lose the DNS name by which the pipe connects: blocked, too
//     deletion   waits for the pipe: blocked, too
//
// A plan that shows them as changes promises what apply does not do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    let replaced = ReplacedInUse::new(plan);
    let waits = Waits::new(plan, &replaced);
    if waits.0.is_empty() {
        return BTreeMap::new();
    }
    let is_blocked = |change: &&Change| matches!(change.verdict, Verdict::Blocked(_));
    let others = plan.changes.iter().filter(is_blocked).map(|change| &change.address);
    waits.spread(&blocked.keys().chain(others).collect(), &mut 0)
}

/// What waits for each object, and the reason to block it with that one.
//
// An endpoint may wait for a pipe that waits for another pipe. Looking at all of them until nothing changes would cost
// the square of a chain.
struct Waits<'p>(BTreeMap<&'p Address, Vec<(&'p Address, BlockReason)>>);

impl<'p> Waits<'p> {
    fn new(plan: &'p Plan, replaced: &'p ReplacedInUse) -> Self {
        let mut waits = Self(BTreeMap::new());
        for entry in &plan.delete_after {
            // What refers to an object is of another kind. One of the same kind takes its place.
            let reason = |other: &Address| {
                if other.kind == entry.address.kind {
                    BlockReason::SuccessorBlocked(other.clone())
                } else {
                    BlockReason::StillUsed(vec![other.clone()])
                }
            };
            entry.dependents.iter().for_each(|other| waits.add(other, &entry.address, reason(other)));
        }
        for (at, others) in &plan.followers {
            for other in others.leaving.union(&others.arriving) {
                waits.add(at, other, BlockReason::NameNotGiven(at.clone()));
            }
            for other in &others.leaving {
                waits.add(other, at, BlockReason::NameNotGiven(other.clone()));
            }
        }
        for (at, users) in &replaced.0 {
            users.all.iter().for_each(|user| waits.add(at, user, BlockReason::NameNotGiven(at.clone())));
            users.live.iter().for_each(|user| waits.add(user, at, BlockReason::StillUsed(vec![user.clone()])));
        }
        for (of, other, reason) in handover_steps::both_or_none(plan) {
            waits.add(of, other, reason);
        }
        waits
    }

    fn add(&mut self, blocked: &'p Address, waiting: &'p Address, reason: BlockReason) {
        self.0.entry(blocked).or_default().push((waiting, reason));
    }

    /// Everything that waits for these objects, and for what waits for them. Counts the steps.
    fn spread(mut self, sources: &BTreeSet<&'p Address>, steps: &mut usize) -> BTreeMap<Address, BlockReason> {
        let mut waiting: BTreeMap<&Address, BlockReason> = BTreeMap::new();
        let mut next: VecDeque<&Address> = sources.iter().copied().collect();
        while let Some(at) = next.pop_front() {
            for (other, reason) in self.0.remove(at).unwrap_or_default() {
                *steps += 1;
                match (waiting.get_mut(other), reason) {
                    _ if sources.contains(other) => {}
                    (Some(BlockReason::StillUsed(users)), BlockReason::StillUsed(more)) => users.extend(more),
                    (Some(_), _) => {}
                    (None, reason) => {
                        waiting.insert(other, reason);
                        next.push_back(other);
                    }
                }
            }
        }
        for reason in waiting.values_mut() {
            if let BlockReason::StillUsed(users) = reason {
                users.sort();
                users.dedup();
            }
        }
        waiting.into_iter().map(|(at, reason)| (at.clone(), reason)).collect()
    }
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
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::address::{Address, Kind, Name, ServiceRef};

    use super::{ReplacedInUse, Waits};
    use crate::handover::Handover;
    use crate::plan::Plan;

    /// Each takes over from the next, and the first cannot.
    fn steps_for_a_chain(length: usize) -> usize {
        let at = |number: usize| Address::new(ServiceRef::new("s"), Kind::ClickPipe, Name::new(format!("{number:06}")));
        let handovers = (0..length).map(|number| Handover {
            giver: at(number + 1),
            taker: at(number),
            what: "queue",
            name: "orders".to_owned(),
            is_strict: true,
            losses: Vec::new(),
        });
        let plan = Plan { handovers: handovers.collect(), ..Plan::default() };
        let (first, mut steps) = (at(0), 0);
        let replaced = ReplacedInUse::new(&plan);
        let waiting = Waits::new(&plan, &replaced).spread(&BTreeSet::from([&first]), &mut steps);
        assert_eq!(waiting.len(), length, "all of the chain");
        steps
    }

    #[test]
    fn cost_of_a_chain_grows_with_its_length() {
        let (few, many) = (steps_for_a_chain(100), steps_for_a_chain(800));
        assert!(many <= 9 * few, "{few} steps for 100, {many} for 800");
    }
}
