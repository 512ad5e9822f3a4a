//! What may run side by side, and what has to wait for what.

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::{Address, Kind};
use model::live::Live;
use serde::Serialize;

use crate::change::Change;
use crate::plan::Plan;
use crate::references::{action_references, has_reference_to};

/// Something that goes away, and what must have let go of it before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteAfter {
    /// The object that is deleted, perhaps to be made again.
    pub address: Address,
    /// What refers to it in live, and not as declared.
    pub dependents: BTreeSet<Address>,
}

/// The actions of one object, one after the other.
#[derive(Debug)]
pub struct ObjectWork<'p> {
    /// At least one.
    pub actions: Vec<&'p Action>,
    /// What the plan changes and this refers to: without it there is no point in beginning.
    pub requires: BTreeSet<&'p Address>,
    /// What else of the plan must have ended before, well or not.
    pub after: BTreeSet<&'p Address>,
    /// What refers to it in live: unless all of that lets go of it, it must not be deleted.
    pub released_by: BTreeSet<&'p Address>,
}

impl<'p> ObjectWork<'p> {
    /// The object.
    pub fn address(&self) -> &'p Address {
        self.actions[0].address()
    }

    /// Whether it has to wait for nothing but what it refers to. What is deleted may be referred
    /// to, and what has no name of its own belongs to the others.
    fn is_independent(&self) -> bool {
        let only_deletes = self.actions.iter().all(|a| matches!(a, Action::Delete { .. }));
        !only_deletes && !self.address().kind.is_singleton()
    }
}

/// Sorts the actions of a plan into lanes. A lane waits only for lanes before it. What others
/// refer to is made before them and deleted after them.
pub(crate) fn group_by_object<'p>(actions: &'p [Action], delete_after: &'p [DeleteAfter]) -> Vec<ObjectWork<'p>> {
    let mut of_object: BTreeMap<&Address, Vec<&Action>> = BTreeMap::new();
    for action in actions {
        of_object.entry(action.address()).or_default().push(action);
    }
    let referred: BTreeSet<Address> = actions.iter().flat_map(action_references).collect();
    let mut ranked: Vec<(usize, ObjectWork<'_>)> = of_object
        .into_values()
        .map(|actions| new_object_work(actions, delete_after))
        .map(|work| (execution_rank(&work, &referred), work))
        .collect();
    ranked.sort_by_key(|(rank, work)| (*rank, work.address()));
    let places: Vec<(usize, &Address)> = ranked.iter().map(|(rank, work)| (*rank, work.address())).collect();
    for (rank, work) in &mut ranked {
        let (before, later): (Vec<_>, Vec<_>) = places.iter().partition(|(other, _)| other < rank);
        work.released_by.retain(|at| !later.iter().any(|(_, other)| other == at));
        add_dependencies(work, before.into_iter().map(|(_, at)| at));
    }
    ranked.into_iter().map(|(_, work)| work).collect()
}

fn new_object_work<'p>(actions: Vec<&'p Action>, delete_after: &'p [DeleteAfter]) -> ObjectWork<'p> {
    let at = actions[0].address();
    let until = delete_after.iter().filter(|hold| &hold.address == at).flat_map(|hold| &hold.dependents).collect();
    ObjectWork { actions, requires: BTreeSet::new(), after: BTreeSet::new(), released_by: until }
}

fn add_dependencies<'p>(work: &mut ObjectWork<'p>, before: impl Iterator<Item = &'p Address>) {
    let referred: Vec<Address> = work.actions.iter().flat_map(|a| action_references(a)).collect();
    let (is_independent, service) = (work.is_independent(), &work.address().service);
    for at in before {
        if referred.contains(at) {
            work.requires.insert(at);
        } else if work.released_by.contains(at)
            || !is_independent && (service.is_organization() || &at.service == service)
        {
            work.after.insert(at);
        }
    }
}

/// Objects are made in the order of [`Kind::ALL`] and deleted in the reverse order, afterwards,
/// except where nothing else can refer to them. What is made again goes with the deleted where
/// only others refer to it that are to let go of it.
fn execution_rank(work: &ObjectWork<'_>, referred: &BTreeSet<Address>) -> usize {
    let kind = work.address().kind;
    let place = Kind::ALL.iter().position(|other| *other == kind).unwrap_or_default();
    let only_deletes = work.actions.iter().all(|a| matches!(a, Action::Delete { .. }));
    let is_released = !work.released_by.is_empty() && !referred.contains(work.address());
    if only_deletes || is_released { 2 * Kind::ALL.len() - place } else { place }
}

/// Puts the actions of a plan into the order in which they are performed.
pub(crate) fn sort_actions(actions: &[Action], delete_after: &[DeleteAfter]) -> Vec<Action> {
    group_by_object(actions, delete_after).into_iter().flat_map(|work| work.actions).cloned().collect()
}

/// Performs only some of the actions. What is deleted waits for those that would have followed it,
/// and are left out.
pub(crate) fn retain_objects(plan: &mut Plan, keep: impl Fn(&Address) -> bool) {
    let actions = std::mem::take(&mut plan.actions);
    let (kept, left_out): (Vec<_>, Vec<_>) = actions.into_iter().partition(|it| keep(it.address()));
    plan.delete_after.retain(|entry| keep(&entry.address));
    for action in &kept {
        let Action::Delete { address: at, .. } = action else { continue };
        let users = left_out.iter().filter(|other| action_references(other).contains(at));
        let users: BTreeSet<Address> = users.map(|other| other.address().clone()).collect();
        match plan.delete_after.iter_mut().find(|entry| &entry.address == at) {
            Some(entry) => entry.dependents.extend(users),
            None if users.is_empty() => {}
            None => plan.delete_after.push(DeleteAfter { address: at.clone(), dependents: users }),
        }
    }
    plan.actions = sort_actions(&kept, &plan.delete_after);
}

/// What must not be deleted before others have changed, as they refer to it in live. What is made
/// again is not held by what refers to it by its name: that follows it.
pub(crate) fn deletions_that_wait(actions: &[Action], changes: &[Change], live: &Live) -> Vec<DeleteAfter> {
    let follows = |other: &Address, at: &Address| {
        let mut created = actions.iter().filter(|action| matches!(action, Action::Create { .. }));
        let mut of_other = actions.iter().filter(|action| action.address() == other);
        created.any(|action| action.address() == at) && of_other.any(|it| action_references(it).contains(at))
    };
    let waiting_deletion = |action: &Action| {
        let Action::Delete { address: at, id } = action else { return None };
        let objects =
            live.iter().flat_map(|(live, observed)| observed.objects.iter().map(move |object| (live, object)));
        let referring = objects.filter(|(other, object)| {
            other.service == at.service
                && has_reference_to(FieldSemantics::for_kind(other.kind), &object.body, at.kind, id)
        });
        let until: BTreeSet<Address> = referring
            .flat_map(|(other, object)| {
                let is_it = move |change: &&Change| &change.address == other || change.id.as_ref() == Some(&object.id);
                changes.iter().filter(is_it).map(|change| change.address.clone())
            })
            .filter(|other| !follows(other, at))
            .collect();
        (!until.is_empty()).then(|| DeleteAfter { address: at.clone(), dependents: until })
    };
    actions.iter().filter_map(waiting_deletion).collect()
}
