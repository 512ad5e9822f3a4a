//! From two sides to one plan.

use std::collections::BTreeSet;

use model::action::Action;
use model::address::Address;
use model::desired::Desired;
use model::live::{Id, Live};
use model::pattern::Pattern;
use serde::Serialize;

use crate::change::{Change, FieldChange, Guard, LeftAlone, NotCompared, Verdict};
use crate::consider::Sides;
use crate::order::{self, Hold};
use crate::select::{Counterpart, counterpart};

/// What is wanted of a plan beyond the declared objects.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Objects that are not deleted or replaced, whatever their manifests say.
    pub protect: Vec<Pattern>,
    /// Objects whose secrets are sent again, though nothing says that they changed.
    pub resend: Vec<Pattern>,
    /// What becomes of a change that live cannot show.
    pub unseen: UnseenChanges,
}

impl Policy {
    /// What of it protects the object.
    pub(crate) fn guard(&self, at: &Address) -> Option<Guard> {
        let pattern = self.protect.iter().find(|pattern| pattern.matches(at));
        pattern.map(|pattern| Guard::Project(pattern.to_string()))
    }
}

/// What becomes of a change that live cannot show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnseenChanges {
    /// It is made.
    #[default]
    Made,
    /// It is taken for made, as right after it was.
    TakenForMade,
}

/// What it takes to make the live side as declared. Printed, saved and performed is the same
/// value; the machine reads `actions`, people read the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The requests, in order.
    pub actions: Vec<Action>,
    /// What must let go of what is deleted, before it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// One for each object that is not in sync.
    pub changes: Vec<Change>,
    /// What there is to say of objects and is left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_alone: Vec<LeftAlone>,
    /// What cannot be compared, as live does not tell it and no base does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<NotCompared>,
    /// What is live as declared.
    pub in_sync: Vec<Address>,
    /// What is live and not declared.
    pub unmanaged: Vec<Unmanaged>,
}

/// A live object that no manifest declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmanaged {
    /// Its address.
    pub at: Address,
    /// Its id: names are not unique.
    pub id: Id,
}

impl Plan {
    /// Whether every declared object is as declared, but for what drifted and is left alone.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The part of the plan that is about some of the objects. What nobody declares is outside of
    /// any part.
    #[must_use]
    pub fn narrowed(mut self, about: impl Fn(&Address) -> bool) -> Self {
        order::only(&mut self, &about);
        Self {
            actions: self.actions,
            holds: self.holds,
            changes: self.changes.into_iter().filter(|change| about(&change.at)).collect(),
            left_alone: self.left_alone.into_iter().filter(|left| about(&left.at)).collect(),
            not_compared: self.not_compared.into_iter().filter(|it| about(&it.at)).collect(),
            in_sync: self.in_sync.into_iter().filter(|at| about(at)).collect(),
            unmanaged: Vec::new(),
        }
    }

    /// The changes that something is left to do about. An object that only comes under management
    /// is not among them.
    pub fn unsettled(self) -> Vec<Change> {
        let Self { actions, mut changes, .. } = self;
        changes.retain(|change| {
            let blocked = matches!(change.verdict, Verdict::Blocked(_));
            blocked || actions.iter().any(|action| action.at() == &change.at)
        });
        changes
    }

    /// The objects to which nothing is done, though they are not as declared.
    pub fn blocked(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| matches!(change.verdict, Verdict::Blocked(_)))
    }

    /// The fields that somebody changed outside git and that are left alone.
    pub fn drift(&self) -> impl Iterator<Item = &FieldChange> {
        self.left_alone.iter().flat_map(LeftAlone::drift)
    }

    /// How many changes have this verdict's word.
    pub fn count(&self, word: &str) -> usize {
        self.changes.iter().filter(|change| change.verdict.word() == word).count()
    }
}

/// Compares what is declared with what is live. `base` is what was declared before, if that is
/// known: it tells what git changed, which is done, from what somebody changed outside git, which
/// is reported and left alone. Without it live is made as declared.
pub fn plan(desired: &Desired, live: &Live, base: Option<&Desired>, policy: &Policy) -> Plan {
    let mut sides = Sides { desired, live, base, policy, renewed: BTreeSet::new() };
    let mut plan = Plan::default();
    let mut actions = Vec::new();
    let mut seen = BTreeSet::new();
    // Addresses sort by kind, in the order in which kinds refer to each other.
    for (at, document) in desired {
        let counterpart = counterpart(at, document, live);
        if let Counterpart::Found { object, .. } = &counterpart {
            seen.insert(object.id.clone());
        }
        let considered = sides.consider(at, document, counterpart);
        let drifted = considered.left_alone.iter().any(|left| left.drift().next().is_some());
        plan.left_alone.extend(considered.left_alone);
        plan.not_compared.extend(considered.not_compared);
        match considered.change {
            None if drifted => {}
            None => plan.in_sync.push(at.clone()),
            Some((change, todo)) => {
                if change.verdict == Verdict::Replace {
                    sides.renewed.insert(at.clone());
                }
                plan.changes.push(change);
                actions.extend(todo);
            }
        }
    }
    plan.holds = order::holds(&actions, &plan.changes, live);
    plan.actions = order::sorted(&actions, &plan.holds);
    plan.unmanaged = unmanaged(desired, live, &seen);
    plan
}

/// Of several live objects of one name, those that `metadata.id` did not pick are nobody's. Where
/// none was picked the object is blocked, and its change names them all.
fn unmanaged(desired: &Desired, live: &Live, seen: &BTreeSet<Id>) -> Vec<Unmanaged> {
    live.iter()
        .filter(|(at, observed)| {
            let picked = observed.objects.iter().any(|object| seen.contains(&object.id));
            !at.kind.is_singleton() && (picked || !desired.contains_key(at))
        })
        .flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)))
        .filter(|(_, object)| !seen.contains(&object.id))
        .map(|(at, object)| Unmanaged { at: at.clone(), id: object.id.clone() })
        .collect()
}
