//! What may run side by side, and what has to wait for what.

use std::collections::{BTreeMap, BTreeSet};

use model::action::Action;
use model::address::{Address, Kind};

use crate::reference::references;

/// The actions of one object, one after the other.
#[derive(Debug)]
pub struct Lane<'p> {
    /// At least one.
    pub actions: Vec<&'p Action>,
    /// What the plan changes and this refers to: without it there is no point in beginning.
    pub needs: BTreeSet<&'p Address>,
    /// What else of the plan must have ended before, well or not.
    pub after: BTreeSet<&'p Address>,
}

impl<'p> Lane<'p> {
    /// The object.
    pub fn at(&self) -> &'p Address {
        self.actions[0].at()
    }

    /// Whether it has to wait for nothing but what it refers to. What is deleted may be referred
    /// to, and what has no name of its own belongs to the others.
    fn stands_alone(&self) -> bool {
        let only_deletes = self.actions.iter().all(|a| matches!(a, Action::Delete { .. }));
        !only_deletes && !self.at().kind.is_singleton()
    }
}

/// Sorts the actions of a plan into lanes. A lane waits only for lanes before it. What others
/// refer to is made before them and deleted after them.
pub fn lanes(actions: &[Action]) -> Vec<Lane<'_>> {
    let mut of_object: BTreeMap<&Address, Vec<&Action>> = BTreeMap::new();
    for action in actions {
        of_object.entry(action.at()).or_default().push(action);
    }
    let mut ranked: Vec<(usize, Lane<'_>)> = of_object
        .into_values()
        .map(|actions| Lane { actions, needs: BTreeSet::new(), after: BTreeSet::new() })
        .map(|lane| (rank(&lane), lane))
        .collect();
    ranked.sort_by_key(|(rank, lane)| (*rank, lane.at()));
    let places: Vec<(usize, &Address)> =
        ranked.iter().map(|(rank, lane)| (*rank, lane.at())).collect();
    for (rank, lane) in &mut ranked {
        let before = places.iter().filter(|(other, _)| other < rank).map(|(_, at)| *at);
        wait(lane, before);
    }
    ranked.into_iter().map(|(_, lane)| lane).collect()
}

fn wait<'p>(lane: &mut Lane<'p>, before: impl Iterator<Item = &'p Address>) {
    let referred: Vec<Address> = lane.actions.iter().flat_map(|a| references(a)).collect();
    let (alone, service) = (lane.stands_alone(), &lane.at().service);
    for at in before {
        if referred.contains(at) {
            lane.needs.insert(at);
        } else if !alone && (service.is_organization() || &at.service == service) {
            lane.after.insert(at);
        }
    }
}

/// Objects are made in the order of [`Kind::ALL`] and deleted in the reverse order, afterwards,
/// except where nothing else can refer to them.
fn rank(lane: &Lane<'_>) -> usize {
    let kind = lane.at().kind;
    let place = Kind::ALL.iter().position(|other| *other == kind).unwrap_or_default();
    let only_deletes = lane.actions.iter().all(|a| matches!(a, Action::Delete { .. }));
    if only_deletes { 2 * Kind::ALL.len() - place } else { place }
}

/// Puts the actions of a plan into the order in which they are performed.
pub(crate) fn sorted(actions: &[Action]) -> Vec<Action> {
    lanes(actions).into_iter().flat_map(|lane| lane.actions).cloned().collect()
}
