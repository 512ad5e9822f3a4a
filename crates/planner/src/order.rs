//! What may run side by side: stages one after the other, lanes within a stage at once.

use std::collections::BTreeMap;

use model::action::Action;
use model::address::{Address, Kind};

/// The actions of one object, one after the other.
pub type Lane<'p> = Vec<&'p Action>;

/// Sorts the actions of a plan into stages. What others refer to is made before them and deleted
/// after them; objects of one stage do not depend on each other.
pub fn stages(actions: &[Action]) -> Vec<Vec<Lane<'_>>> {
    let mut lanes: BTreeMap<&Address, Lane<'_>> = BTreeMap::new();
    for action in actions {
        lanes.entry(action.at()).or_default().push(action);
    }
    let mut stages: BTreeMap<usize, Vec<Lane<'_>>> = BTreeMap::new();
    for lane in lanes.into_values() {
        stages.entry(rank(&lane)).or_default().push(lane);
    }
    stages.into_values().collect()
}

/// Objects are made in the order of [`Kind::ALL`] and deleted in the reverse order, afterwards,
/// except where nothing else can refer to them.
fn rank(lane: &[&Action]) -> usize {
    let Some(first) = lane.first() else { return 0 };
    let kind = first.at().kind;
    let place = Kind::ALL.iter().position(|other| *other == kind).unwrap_or_default();
    let only_deletes = lane.iter().all(|action| matches!(action, Action::Delete { .. }));
    if only_deletes { 2 * Kind::ALL.len() - place } else { place }
}

/// Puts the actions of a plan into the order in which they are performed.
pub(crate) fn sorted(actions: &[Action]) -> Vec<Action> {
    stages(actions).into_iter().flatten().flatten().cloned().collect()
}
