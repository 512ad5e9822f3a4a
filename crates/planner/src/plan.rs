//! From two sides to one plan.

use std::collections::BTreeSet;

use model::action::Action;
use model::address::Address;
use model::desired::Desired;
use model::live::{Id, Live};
use serde::Serialize;

use crate::change::{Change, FieldChange, IgnoredChanges, UncheckedFields, Verdict};
use crate::inputs::{PlanInputs, Policy};
use crate::match_live::{LiveMatch, match_live_object};
use crate::order::{self, DeleteAfter};

/// What it takes to make the live side as declared. Printed, saved and performed is the same
/// value; the machine reads `actions`, people read the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The requests, in order.
    pub actions: Vec<Action>,
    /// What must let go of what is deleted, before it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete_after: Vec<DeleteAfter>,
    /// One for each object that is not in sync.
    pub changes: Vec<Change>,
    /// What there is to say of objects and is left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_changes: Vec<IgnoredChanges>,
    /// What cannot be compared, as live does not tell it and no base does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<UncheckedFields>,
    /// What is live as declared.
    pub in_sync: Vec<Address>,
    /// What is live and not declared.
    pub unmanaged: Vec<UnmanagedObject>,
}

/// A live object that no manifest declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnmanagedObject {
    /// Its address.
    pub address: Address,
    /// Its id: names are not unique.
    pub id: Id,
}

impl Plan {
    /// Whether every declared object is as declared, but for what drifted and is left alone.
    pub fn has_no_changes(&self) -> bool {
        self.changes.is_empty()
    }

    /// The part of the plan that is about some of the objects. What nobody declares is outside of
    /// any part.
    #[must_use]
    pub fn narrow_to(mut self, about: impl Fn(&Address) -> bool) -> Self {
        order::retain_objects(&mut self.actions, &mut self.delete_after, &about);
        Self {
            actions: self.actions,
            delete_after: self.delete_after,
            changes: self.changes.into_iter().filter(|change| about(&change.address)).collect(),
            ignored_changes: self.ignored_changes.into_iter().filter(|left| about(&left.address)).collect(),
            unchecked: self.unchecked.into_iter().filter(|it| about(&it.address)).collect(),
            in_sync: self.in_sync.into_iter().filter(|at| about(at)).collect(),
            unmanaged: Vec::new(),
        }
    }

    /// The changes that something is left to do about. An object that only comes under management
    /// is not among them.
    pub fn pending_changes(self) -> Vec<Change> {
        let Self { actions, mut changes, .. } = self;
        let acted_on: BTreeSet<&Address> = actions.iter().map(Action::address).collect();
        changes.retain(|change| matches!(change.verdict, Verdict::Blocked(_)) || acted_on.contains(&change.address));
        changes
    }

    /// The objects to which nothing is done, though they are not as declared.
    pub fn blocked_changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| matches!(change.verdict, Verdict::Blocked(_)))
    }

    /// The fields that somebody changed outside git and that are left alone.
    pub fn drifted_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.ignored_changes.iter().flat_map(IgnoredChanges::drifted_fields)
    }

    /// How many changes have this verdict's word.
    pub fn count_verdict(&self, verdict: &str) -> usize {
        self.changes.iter().filter(|change| change.verdict.as_str() == verdict).count()
    }
}

/// Compares what is declared with what is live. `base` is what was declared before, if that is
/// known: it tells what git changed, which is done, from what somebody changed outside git, which
/// is reported and left alone. Without it live is made as declared.
pub fn plan(desired: &Desired, live: &Live, base: Option<&Desired>, policy: &Policy) -> Plan {
    let mut inputs = PlanInputs { desired, live, base, policy, replaced: BTreeSet::new() };
    let mut plan = Plan::default();
    let mut actions = Vec::new();
    let mut seen = BTreeSet::new();
    // Addresses sort by kind, in the order in which kinds refer to each other.
    for (at, document) in desired {
        let live_match = match_live_object(at, document, live);
        if let LiveMatch::Found { object, .. } = &live_match {
            seen.insert(object.id.clone());
        }
        let object_plan = inputs.plan_object(at, document, live_match);
        let drifted = object_plan.ignored_changes.iter().any(|left| left.drifted_fields().next().is_some());
        plan.ignored_changes.extend(object_plan.ignored_changes);
        plan.unchecked.extend(object_plan.unchecked);
        match object_plan.change {
            None if drifted => {}
            None => plan.in_sync.push(at.clone()),
            Some((change, object_actions)) => {
                if change.verdict == Verdict::Replace {
                    inputs.replaced.insert(at.clone());
                }
                plan.changes.push(change);
                actions.extend(object_actions);
            }
        }
    }
    plan.delete_after = order::deletions_that_wait(&actions, &plan.changes, live);
    plan.actions = order::sort_actions(&actions, &plan.delete_after);
    plan.unmanaged = find_unmanaged(desired, live, &seen);
    plan
}

/// Of several live objects of one name, those that `metadata.id` did not pick are nobody's. Where
/// none was picked the object is blocked, and its change names them all.
fn find_unmanaged(desired: &Desired, live: &Live, seen: &BTreeSet<Id>) -> Vec<UnmanagedObject> {
    live.iter()
        .filter(|(at, observed)| {
            let picked = observed.objects.iter().any(|object| seen.contains(&object.id));
            !at.kind.is_singleton() && (picked || !desired.contains_key(at))
        })
        .flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)))
        .filter(|(_, object)| !seen.contains(&object.id))
        .map(|(at, object)| UnmanagedObject { address: at.clone(), id: object.id.clone() })
        .collect()
}
