//! What may run side by side, and what has to wait for what.

use std::collections::{BTreeMap, BTreeSet};

use model::action::Action;
use model::address::{Address, Kind};
use model::live::Live;
use model::rules::Rules;
use serde::Serialize;

use crate::change::Change;
use crate::plan::Plan;
use crate::reference::{references, refers_to};

/// Something that goes away, and what must have let go of it before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// The object that is deleted, perhaps to be made again.
    pub at: Address,
    /// What refers to it in live, and not as declared.
    pub until: BTreeSet<Address>,
}

/// The actions of one object, one after the other.
#[derive(Debug)]
pub struct Lane<'p> {
    /// At least one.
    pub actions: Vec<&'p Action>,
    /// What the plan changes and this refers to: without it there is no point in beginning.
    pub needs: BTreeSet<&'p Address>,
    /// What else of the plan must have ended before, well or not.
    pub after: BTreeSet<&'p Address>,
    /// What refers to it in live: unless all of that lets go of it, it must not be deleted.
    pub until: BTreeSet<&'p Address>,
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
pub(crate) fn lanes<'p>(actions: &'p [Action], holds: &'p [Hold]) -> Vec<Lane<'p>> {
    let mut of_object: BTreeMap<&Address, Vec<&Action>> = BTreeMap::new();
    for action in actions {
        of_object.entry(action.at()).or_default().push(action);
    }
    let referred: BTreeSet<Address> = actions.iter().flat_map(references).collect();
    let mut ranked: Vec<(usize, Lane<'_>)> = of_object
        .into_values()
        .map(|actions| new(actions, holds))
        .map(|lane| (rank(&lane, &referred), lane))
        .collect();
    ranked.sort_by_key(|(rank, lane)| (*rank, lane.at()));
    let places: Vec<(usize, &Address)> =
        ranked.iter().map(|(rank, lane)| (*rank, lane.at())).collect();
    for (rank, lane) in &mut ranked {
        let (before, later): (Vec<_>, Vec<_>) = places.iter().partition(|(other, _)| other < rank);
        lane.until.retain(|at| !later.iter().any(|(_, other)| other == at));
        wait(lane, before.into_iter().map(|(_, at)| at));
    }
    ranked.into_iter().map(|(_, lane)| lane).collect()
}

fn new<'p>(actions: Vec<&'p Action>, holds: &'p [Hold]) -> Lane<'p> {
    let at = actions[0].at();
    let until = holds.iter().filter(|hold| &hold.at == at).flat_map(|hold| &hold.until).collect();
    Lane { actions, needs: BTreeSet::new(), after: BTreeSet::new(), until }
}

fn wait<'p>(lane: &mut Lane<'p>, before: impl Iterator<Item = &'p Address>) {
    let referred: Vec<Address> = lane.actions.iter().flat_map(|a| references(a)).collect();
    let (alone, service) = (lane.stands_alone(), &lane.at().service);
    for at in before {
        if referred.contains(at) {
            lane.needs.insert(at);
        } else if lane.until.contains(at)
            || !alone && (service.is_organization() || &at.service == service)
        {
            lane.after.insert(at);
        }
    }
}

/// Objects are made in the order of [`Kind::ALL`] and deleted in the reverse order, afterwards,
/// except where nothing else can refer to them. What is made again goes with the deleted where
/// only others refer to it that are to let go of it.
fn rank(lane: &Lane<'_>, referred: &BTreeSet<Address>) -> usize {
    let kind = lane.at().kind;
    let place = Kind::ALL.iter().position(|other| *other == kind).unwrap_or_default();
    let only_deletes = lane.actions.iter().all(|a| matches!(a, Action::Delete { .. }));
    let is_let_go = !lane.until.is_empty() && !referred.contains(lane.at());
    if only_deletes || is_let_go { 2 * Kind::ALL.len() - place } else { place }
}

/// Puts the actions of a plan into the order in which they are performed.
pub(crate) fn sorted(actions: &[Action], holds: &[Hold]) -> Vec<Action> {
    lanes(actions, holds).into_iter().flat_map(|lane| lane.actions).cloned().collect()
}

/// Performs only some of the actions. What is deleted waits for those that would have followed it,
/// and are left out.
pub(crate) fn only(plan: &mut Plan, keep: impl Fn(&Address) -> bool) {
    let actions = std::mem::take(&mut plan.actions);
    let (kept, left_out): (Vec<_>, Vec<_>) = actions.into_iter().partition(|it| keep(it.at()));
    plan.holds.retain(|hold| keep(&hold.at));
    for action in &kept {
        let Action::Delete { at, .. } = action else { continue };
        let users = left_out.iter().filter(|other| references(other).contains(at));
        let users: BTreeSet<Address> = users.map(|other| other.at().clone()).collect();
        match plan.holds.iter_mut().find(|hold| &hold.at == at) {
            Some(hold) => hold.until.extend(users),
            None if users.is_empty() => {}
            None => plan.holds.push(Hold { at: at.clone(), until: users }),
        }
    }
    plan.actions = sorted(&kept, &plan.holds);
}

/// What must not be deleted before others have changed, as they refer to it in live. What is made
/// again is not held by what refers to it by its name: that follows it.
pub(crate) fn holds(actions: &[Action], changes: &[Change], live: &Live) -> Vec<Hold> {
    let follows = |other: &Address, at: &Address| {
        let mut made = actions.iter().filter(|action| matches!(action, Action::Create { .. }));
        let mut of_other = actions.iter().filter(|action| action.at() == other);
        made.any(|action| action.at() == at) && of_other.any(|it| references(it).contains(at))
    };
    let hold = |action: &Action| {
        let Action::Delete { at, id } = action else { return None };
        let objects = live
            .iter()
            .flat_map(|(live, observed)| observed.objects.iter().map(move |object| (live, object)));
        let referring = objects.filter(|(other, object)| {
            other.service == at.service
                && refers_to(Rules::of(other.kind), &object.body, at.kind, id)
        });
        let until: BTreeSet<Address> = referring
            .flat_map(|(other, object)| {
                let is_it = move |change: &&Change| {
                    &change.at == other || change.id.as_ref() == Some(&object.id)
                };
                changes.iter().filter(is_it).map(|change| change.at.clone())
            })
            .filter(|other| !follows(other, at))
            .collect();
        (!until.is_empty()).then(|| Hold { at: at.clone(), until })
    };
    actions.iter().filter_map(hold).collect()
}
