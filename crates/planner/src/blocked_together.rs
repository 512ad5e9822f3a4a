//! Changes that cannot happen without each other.
//
//     pipe       blocked by a rule
//     endpoint   would lose the DNS name by which the pipe connects: blocked, too
//     deletion   waits for the pipe: blocked, too
//
// A plan that shows them as changes promises something that apply does not do. The same holds for changes outside of
// the selected part of a plan.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::action::Action;
use model::address::Address;
use model::live::Live;

use crate::block_reason::BlockReason;
use crate::change::{Change, Verdict};
use crate::handover::Handover;
use crate::plan::{DeleteAfter, Plan};
use crate::read_conflict::ReadConflictCause;
use crate::references::ActionReferences;

/// Why a change does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// It is blocked, for any reason.
    Blocked,
    /// The rules of the project forbid it.
    Forbidden,
    /// It is outside of the selected part of the plan.
    Outside,
}

/// Why an object does not change if another one does not.
#[derive(Clone, Copy, Debug)]
enum Dependency<'p> {
    /// It refers to an object that the other one creates, or connects by a name that the other one gets or gives up.
    Needs,
    /// It removes the name by which the other one connects.
    CutsOff,
    /// It is deleted, and the other one uses it until it changes.
    UsedBy,
    /// It is deleted, and the other one takes its place.
    ReplacedBy,
    /// It gives up this table, and the other one moves into it.
    GivesTable(&'p str),
    TakesFrom(&'p Handover),
    /// Whether it is deleted. A stop of the last reader is a separate decision.
    GivesTo(&'p Handover, bool),
}

impl Dependency<'_> {
    /// The reason to block what depends on `other`.
    fn reason(self, other: &Address, absence: Absence) -> Option<BlockReason> {
        let one = || other.clone();
        Some(match (self, absence) {
            (Self::Needs, Absence::Forbidden) => BlockReason::ReferenceForbidden(one()),
            (Self::Needs, Absence::Outside) => BlockReason::ReferenceOutside(one()),
            (Self::CutsOff, Absence::Outside) => BlockReason::CutsOff(vec![one()]),
            (Self::Needs | Self::CutsOff, _) => BlockReason::NameNotGiven(one()),
            (Self::UsedBy, _) => BlockReason::StillUsed(vec![one()]),
            (Self::ReplacedBy, _) => BlockReason::SuccessorBlocked(one()),
            (Self::GivesTable(table), _) => BlockReason::ClaimantBlocked(one(), table.to_owned()),
            (Self::TakesFrom(it), Absence::Outside) => it.conflict(other, ReadConflictCause::HolderOutside),
            (Self::TakesFrom(it), _) => it.conflict(other, ReadConflictCause::OtherStays),
            (Self::GivesTo(_, false), Absence::Outside) => return None,
            (Self::GivesTo(it, true), Absence::Outside) => it.conflict(other, ReadConflictCause::ClaimantOutside),
            (Self::GivesTo(it, _), _) => it.conflict(other, ReadConflictCause::ClaimantBlocked),
        })
    }
}

/// The dependents of each object.
//
// An endpoint may wait for a pipe that waits for another pipe. To check all of them until nothing changes would take
// quadratic time for a chain.
struct Dependents<'p>(BTreeMap<Address, Vec<(Address, Dependency<'p>)>>);

impl<'p> Dependents<'p> {
    fn new(plan: &'p Plan) -> Self {
        let mut all = Self(BTreeMap::new());
        all.add_references(plan);
        all.add_deletions(plan);
        for (at, others) in &plan.followers {
            others.leaving.union(&others.arriving).for_each(|other| all.add(other, at, Dependency::Needs));
            others.leaving.iter().for_each(|other| all.add(at, other, Dependency::CutsOff));
        }
        let deleted = plan.changes.iter().filter(|it| matches!(it.verdict, Verdict::Delete | Verdict::Replace));
        let deleted: BTreeSet<&Address> = deleted.map(|change| &change.address).collect();
        for handover in plan.handovers.iter().filter(|it| it.is_strict) {
            let Handover { holder, claimant, .. } = handover;
            all.add(claimant, holder, Dependency::TakesFrom(handover));
            all.add(holder, claimant, Dependency::GivesTo(handover, deleted.contains(holder)));
        }
        all
    }

    /// Adds objects that are deleted only after something else.
    fn add_deletions(&mut self, plan: &'p Plan) {
        let changes: BTreeMap<&Address, &Change> = plan.changes.iter().map(|it| (&it.address, it)).collect();
        let given_table = |holder: &Address, claimant: &Address| {
            let id = changes.get(holder)?.id.as_ref();
            let filled = changes.get(claimant)?.filled_tables.iter().find(|filled| Some(&filled.writer_id) == id)?;
            Some(Dependency::GivesTable(&filled.table))
        };
        for DeleteAfter { address, dependents } in &plan.delete_after {
            for other in dependents {
                // A referrer is of another kind. An object of the same kind takes its place.
                let why = if other.kind == address.kind {
                    given_table(address, other).unwrap_or(Dependency::ReplacedBy)
                } else {
                    Dependency::UsedBy
                };
                self.add(address, other, why);
            }
        }
    }

    /// Adds referrers of objects that the plan changes or creates. A replaced object is not deleted if a live object
    /// that must refer to the new one does not change.
    fn add_references(&mut self, plan: &Plan) {
        let all = |is_meant: fn(&Action) -> bool| -> BTreeSet<&Address> {
            plan.actions.iter().filter(|action| is_meant(action)).map(Action::address).collect()
        };
        let created = all(|action| matches!(action, Action::Create { .. }));
        let (updated, deleted) = (
            all(|action| matches!(action, Action::Update { .. } | Action::SetState { .. })),
            all(|action| matches!(action, Action::Delete { .. })),
        );
        let live = plan.changes.iter().filter(|change| change.id.is_some());
        let live: BTreeSet<&Address> = live.map(|change| &change.address).collect();
        let references = ActionReferences::among(&plan.actions);
        for action in &plan.actions {
            let at = action.address();
            for other in references.of(action).into_iter().filter(|other| created.contains(other)) {
                self.add(at, &other, Dependency::Needs);
                if deleted.contains(&other) && live.contains(at) {
                    self.add(&other, at, Dependency::UsedBy);
                }
            }
            for other in references.by_host(action).into_iter().filter(|other| updated.contains(other)) {
                self.add(at, &other, Dependency::Needs);
            }
        }
    }

    fn add(&mut self, dependent: &Address, on: &Address, why: Dependency<'p>) {
        self.0.entry(on.clone()).or_default().push((dependent.clone(), why));
    }

    /// All direct and indirect dependents of these objects. Counts the steps.
    fn spread(mut self, absent: &BTreeMap<Address, Absence>, steps: &mut usize) -> BTreeMap<Address, BlockReason> {
        let mut found: BTreeMap<Address, BlockReason> = BTreeMap::new();
        let mut next: VecDeque<(Address, Absence)> = absent.iter().map(|(at, why)| (at.clone(), *why)).collect();
        while let Some((at, absence)) = next.pop_front() {
            for (dependent, why) in self.0.remove(&at).unwrap_or_default() {
                *steps += 1;
                let Some(reason) = why.reason(&at, absence).filter(|_| !absent.contains_key(&dependent)) else {
                    continue;
                };
                match (found.get_mut(&dependent), reason) {
                    (Some(BlockReason::StillUsed(users)), BlockReason::StillUsed(more))
                    | (Some(BlockReason::CutsOff(users)), BlockReason::CutsOff(more)) => users.extend(more),
                    // The first reason is the nearest one. Several users are all named, because each has to be dealt
                    // with.
                    (Some(_), _) => {}
                    (None, reason) => {
                        found.insert(dependent.clone(), reason);
                        next.push_back((dependent, Absence::Blocked));
                    }
                }
            }
        }
        for reason in found.values_mut() {
            if let BlockReason::StillUsed(users) | BlockReason::CutsOff(users) = reason {
                users.sort();
                users.dedup();
            }
        }
        found
    }
}

/// The changes that refer to an object which is not live, and which the plan does not create because it is blocked.
pub(crate) fn waiting_for_missing(plan: &Plan, live: &Live) -> BTreeMap<Address, BlockReason> {
    let blocked = plan.blocked_changes().map(|change| &change.address);
    let missing: BTreeSet<&Address> = blocked.filter(|at| !live.contains_key(at)).collect();
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

/// Blocks these changes and their dependents, and removes their actions from the plan.
pub(crate) fn block_changes(plan: &mut Plan, blocked: BTreeMap<Address, BlockReason>) {
    let blocked = with_dependents(plan, blocked);
    apply_blocks(plan, &blocked);
}

/// These changes and their dependents, including the dependents of objects that are blocked already.
pub(crate) fn with_dependents(plan: &Plan, blocked: BTreeMap<Address, BlockReason>) -> BTreeMap<Address, BlockReason> {
    let mut all = dependents_of(plan, blocked.keys().map(|at| (at.clone(), Absence::Blocked)).collect());
    all.extend(blocked);
    all
}

/// Blocks the dependents of these changes.
pub(crate) fn block_without(plan: &mut Plan, is_absent: impl Fn(&Address) -> bool, absence: Absence) {
    let absent = plan.changes.iter().map(|change| &change.address).filter(|at| is_absent(at));
    let dependents = dependents_of(plan, absent.map(|at| (at.clone(), absence)).collect());
    apply_blocks(plan, &dependents);
}

fn dependents_of(plan: &Plan, mut absent: BTreeMap<Address, Absence>) -> BTreeMap<Address, BlockReason> {
    for at in plan.blocked_changes().map(|change| &change.address) {
        absent.entry(at.clone()).or_insert(Absence::Blocked);
    }
    if absent.is_empty() { BTreeMap::new() } else { Dependents::new(plan).spread(&absent, &mut 0) }
}

fn apply_blocks(plan: &mut Plan, blocked: &BTreeMap<Address, BlockReason>) {
    for change in &mut plan.changes {
        if let Some(reason) = blocked.get(&change.address) {
            change.block(reason.clone());
        }
    }
    plan.retain_actions(|at| !blocked.contains_key(at));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::address::{Address, Kind, Name, ServiceRef};

    use super::{Absence, Dependents};
    use crate::handover::Handover;
    use crate::plan::Plan;

    /// Each takes over from the next, and the first one is blocked.
    fn steps_for_a_chain(length: usize) -> usize {
        let at = |number: usize| Address::new(ServiceRef::new("s"), Kind::ClickPipe, Name::new(format!("{number:06}")));
        let handovers = (0..length).map(|number| Handover {
            holder: at(number + 1),
            claimant: at(number),
            what: "queue",
            name: "orders".to_owned(),
            is_strict: true,
            losses: Vec::new(),
        });
        let plan = Plan { handovers: handovers.collect(), ..Plan::default() };
        let (first, mut steps) = (BTreeMap::from([(at(0), Absence::Blocked)]), 0);
        let waiting = Dependents::new(&plan).spread(&first, &mut steps);
        assert_eq!(waiting.len(), length, "all of the chain");
        steps
    }

    #[test]
    fn cost_of_a_chain_grows_with_its_length() {
        let (few, many) = (steps_for_a_chain(100), steps_for_a_chain(800));
        assert!(many <= 9 * few, "{few} steps for 100, {many} for 800");
    }
}
