//! Dependencies between the objects of a plan: which run side by side, and which wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, Live};

use crate::change::Change;
use crate::handover::Handover;
use crate::plan::{DeleteAfter, Plan};
use crate::references::{ActionReferences, LiveReferences, index_live_hosts, live_objects};
use crate::turns::{TurnPair, turns};

/// The position of some work: among all kinds of work, and among objects that take over from each other.
pub type WorkRank = (usize, usize);

/// The actions of one object, one after the other.
#[derive(Debug)]
pub struct ObjectWork<'p> {
    /// At least one.
    pub actions: Vec<&'p Action>,
    /// Objects of the plan that this one references: if one of them fails, this one is skipped.
    pub requires: BTreeSet<&'p Address>,
    /// Objects that reference this one live: if one of them fails, this one is not deleted.
    pub released_by: BTreeSet<&'p Address>,
    /// Objects that must first give up a source that only one can read, and that this one reads next.
    pub takes_from: BTreeSet<&'p Address>,
    /// Objects that next read the source that this one gives up: if they cannot, this one does not give it up.
    pub gives_to: BTreeSet<&'p Address>,
    /// Objects of the plan that those reference.
    pub claimants_require: BTreeSet<&'p Address>,
    /// When its turn is, among all kinds of work.
    pub rank: WorkRank,
    /// Whether all work of a lower rank must be finished first, whether it succeeds or fails. For an object of a
    /// service this is the work on that service.
    // A rank and not a set of objects: a thousand deletions that each named all objects before them would need
    // quadratic memory.
    pub waits_for_lower_ranks: bool,
}

impl<'p> ObjectWork<'p> {
    /// Work without dependencies.
    pub fn new(actions: Vec<&'p Action>) -> Self {
        Self {
            actions,
            requires: BTreeSet::new(),
            released_by: BTreeSet::new(),
            takes_from: BTreeSet::new(),
            gives_to: BTreeSet::new(),
            claimants_require: BTreeSet::new(),
            rank: (0, 0),
            waits_for_lower_ranks: false,
        }
    }

    /// The object.
    pub fn address(&self) -> &'p Address {
        self.actions[0].address()
    }

    fn only_deletes(&self) -> bool {
        self.actions.iter().all(|action| matches!(action, Action::Delete { .. }))
    }

    /// Whether it waits only for its references. Other objects may reference a deleted one, and a singleton belongs to
    /// all objects of its service.
    fn is_independent(&self) -> bool {
        (!self.only_deletes() || !self.gives_to.is_empty()) && !self.address().kind.is_singleton()
    }
}

/// The actions of each object, in their order.
pub fn actions_by_object(actions: &[Action]) -> BTreeMap<&Address, Vec<&Action>> {
    let mut by_object: BTreeMap<&Address, Vec<&Action>> = BTreeMap::new();
    for action in actions {
        by_object.entry(action.address()).or_default().push(action);
    }
    by_object
}

/// Groups the actions of a plan by object. An object waits only for objects of a lower rank, which come before it:
/// references are created before their referrers, and deleted after them.
pub(crate) fn group_by_object<'p>(
    actions: &'p [Action],
    delete_after: &'p [DeleteAfter],
    handovers: &'p [Handover],
) -> Vec<ObjectWork<'p>> {
    let by_object = actions_by_object(actions);
    let needs = ActionReferences::among(actions);
    let referenced: BTreeSet<Address> = actions.iter().flat_map(|action| needs.of(action)).collect();
    let dependents: BTreeMap<&Address, &BTreeSet<Address>> =
        delete_after.iter().map(|entry| (&entry.address, &entry.dependents)).collect();
    let turns = turns(handovers.iter().map(Handover::turn_pair).chain(waiting_claimants(&dependents)));
    let mut claimants: BTreeMap<&Address, BTreeSet<&Address>> = BTreeMap::new();
    for Handover { holder, claimant, .. } in handovers.iter().filter(|it| by_object.contains_key(&it.claimant)) {
        claimants.entry(holder).or_default().insert(claimant);
    }
    let mut ranked: Vec<ObjectWork<'_>> = by_object
        .into_iter()
        .map(|(address, actions)| {
            let turn = turns.get(address).copied().unwrap_or_default();
            let mut work = ObjectWork {
                released_by: dependents.get(address).copied().into_iter().flatten().collect(),
                gives_to: claimants.remove(address).unwrap_or_default(),
                ..ObjectWork::new(actions)
            };
            // The turn is the second part: a claimant comes after the holder of the same kind, and an object that gives up
            // a table comes after the one that moves into it.
            work.rank = (execution_rank(&work, &referenced), turn);
            work.waits_for_lower_ranks = !work.is_independent();
            work
        })
        .collect();
    ranked.sort_by_key(|work| (work.rank, work.address()));
    let ranks: BTreeMap<&Address, WorkRank> = ranked.iter().map(|work| (work.address(), work.rank)).collect();
    for work in &mut ranked {
        add_dependencies(work, &ranks, &needs);
    }
    add_handovers(&mut ranked, handovers);
    ranked
}

/// Objects that move into the table of another object, and themselves wait for an object that moves into their own. All
/// others of the same kind are already ordered by rank.
fn waiting_claimants<'p>(
    dependents: &BTreeMap<&'p Address, &'p BTreeSet<Address>>,
) -> impl Iterator<Item = TurnPair<'p>> {
    let pairs = dependents.iter().flat_map(|(holder, claimants)| claimants.iter().map(|claimant| (claimant, *holder)));
    pairs.filter(|(claimant, holder)| claimant.kind == holder.kind && dependents.contains_key(claimant))
}

/// Lets each claimant wait for its holders, and each holder for the dependencies of its claimants.
fn add_handovers<'p>(ranked: &mut [ObjectWork<'p>], handovers: &'p [Handover]) {
    if handovers.is_empty() {
        return;
    }
    let positions: BTreeMap<&Address, usize> =
        ranked.iter().enumerate().map(|(position, work)| (work.address(), position)).collect();
    // The last claimants first: their dependencies also apply to the holders of their holders.
    let mut sorted: Vec<_> = handovers.iter().filter_map(|it| Some((*positions.get(&it.claimant)?, it))).collect();
    sorted.sort_by_key(|(claimant, _)| std::cmp::Reverse(ranked[*claimant].rank));
    for (claimant, Handover { holder, .. }) in sorted {
        let Some(at) = positions.get(holder).copied().filter(|at| ranked[*at].rank < ranked[claimant].rank) else {
            continue;
        };
        let (own, other) = (ranked[at].address(), &mut ranked[claimant]);
        other.takes_from.insert(own);
        let required: Vec<&Address> = other.requires.union(&other.claimants_require).copied().collect();
        ranked[at].claimants_require.extend(required);
    }
}

fn add_dependencies<'p>(
    work: &mut ObjectWork<'p>,
    ranks: &BTreeMap<&'p Address, WorkRank>,
    needs: &ActionReferences<'_>,
) {
    let own = work.rank;
    let is_before = |address: &Address| ranks.get(address).is_some_and(|rank| *rank < own);
    let referenced = work.actions.iter().flat_map(|action| needs.of(action));
    let known = referenced.filter_map(|address| ranks.get_key_value(&address).map(|(address, _)| *address));
    work.requires = known.filter(|address| is_before(address)).collect();
    // An object outside of the plan is kept here: it continues to use this one, which only apply can report. A later
    // object must be removed, or the two would wait for each other.
    work.released_by.retain(|address| is_before(address) || !ranks.contains_key(address));
}

/// Objects are created in the order of [`Kind::ALL`] and deleted afterwards in the reverse order, unless nothing else
/// can reference them. A re-created object is ordered like a deleted one when its only referrers are those that stop
/// referencing it.
fn execution_rank(work: &ObjectWork<'_>, referenced: &BTreeSet<Address>) -> usize {
    let kind = work.address().kind;
    let place = Kind::ALL.iter().position(|other| *other == kind).unwrap_or_default();
    // A replacement deletes and creates in one step. If it went early, a pipe that leaves the endpoint would lose it
    // before its own update; if it went late, a pipe that connects to it would find none. Only the first kind of pipe
    // can wait.
    let is_released = !work.released_by.is_empty() && !referenced.contains(work.address());
    if work.only_deletes() && work.gives_to.is_empty() || is_released { 2 * Kind::ALL.len() - place } else { place }
}

impl Plan {
    /// Brings the actions into the order of execution.
    pub(crate) fn sort_actions(&mut self) {
        let work = group_by_object(&self.actions, &self.delete_after, &self.handovers);
        let position: BTreeMap<Address, usize> =
            work.iter().enumerate().map(|(position, work)| (work.address().clone(), position)).collect();
        self.actions.sort_by_key(|action| position[action.address()]);
    }

    /// Drops the actions of some objects.
    pub(crate) fn retain_actions(&mut self, keep: impl Fn(&Address) -> bool) {
        // Only the deleted object's own entry is removed. If a dependent is dropped, the deletion still waits for it,
        // and is skipped.
        self.delete_after.retain(|entry| keep(&entry.address));
        let count = self.actions.len();
        self.actions.retain(|action| keep(action.address()));
        if self.actions.len() < count {
            self.sort_actions();
        }
    }
}

pub(crate) type LiveReference<'l> = (&'l ServiceRef, Kind, Id);

/// Deletions that must wait until live referrers are updated. A re-created object does not wait for
/// objects that reference it by name: they follow it, and get its new id.
pub(crate) fn deletions_that_wait(actions: &[Action], changes: &[Change], live: &Live) -> Vec<DeleteAfter> {
    if !actions.iter().any(|action| matches!(action, Action::Delete { .. })) {
        return Vec::new();
    }
    let referrers = live_referrers(live);
    let created: BTreeSet<&Address> =
        actions.iter().filter(|it| matches!(it, Action::Create { .. })).map(Action::address).collect();
    let mut follows: BTreeSet<(&Address, Address)> = BTreeSet::new();
    let all = ActionReferences::among(actions);
    for action in actions {
        let references = all.of(action).into_iter().filter(|address| created.contains(address));
        follows.extend(references.map(|referenced| (action.address(), referenced)));
    }
    let by_address: BTreeMap<&Address, &Change> = changes.iter().map(|change| (&change.address, change)).collect();
    let mut by_id: BTreeMap<&Id, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        change.id.iter().for_each(|id| by_id.entry(id).or_default().push(change));
    }
    let waiting_deletion = |action: &Action| {
        let Action::Delete { address, id } = action else { return None };
        let referring = referrers.get(&(&address.service, address.kind, id.clone())).into_iter().flatten();
        let dependents: BTreeSet<Address> = referring
            .flat_map(|(other, id)| by_address.get(other).into_iter().chain(by_id.get(id).into_iter().flatten()))
            .map(|change| change.address.clone())
            .filter(|other| !follows.contains(&(other, address.clone())))
            .collect();
        (!dependents.is_empty()).then(|| DeleteAfter { address: address.clone(), dependents })
    };
    actions.iter().filter_map(waiting_deletion).collect()
}

/// The live objects by their references. One pass keeps many deletions linear.
pub(crate) fn live_referrers(live: &Live) -> HashMap<LiveReference<'_>, Vec<(&Address, &Id)>> {
    let mut referrers: HashMap<LiveReference<'_>, Vec<(&Address, &Id)>> = HashMap::new();
    let hosts = index_live_hosts(live);
    for (address, object) in live_objects(live) {
        let references = LiveReferences { service: &address.service, hosts: &hosts };
        for (kind, id) in references.of(FieldSemantics::for_kind(address.kind), &object.body) {
            referrers.entry((&address.service, kind, id)).or_default().push((address, &object.id));
        }
    }
    referrers
}
