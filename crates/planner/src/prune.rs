//! Deleting what git declared once and no longer does. The proof comes from history; here is only
//! decided what follows from it.

use std::collections::BTreeMap;

use model::action::Action;
use model::address::Address;
use model::consequence;
use model::desired::Desired;
use model::live::{Id, Live, Object};
use model::rules::Rules;
use serde::Serialize;

use crate::change::{Change, Reason, Verdict};
use crate::plan::{Plan, Policy, Unmanaged};
use crate::{order, reference};

/// The proof that git declared an object and took the declaration away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Removed {
    /// The commit that did, as a person would name it: short hash and subject.
    pub commit: String,
    /// Whether the last manifest protected the object.
    pub protect: bool,
    /// The live object that the last manifest pinned.
    pub pinned: Option<Id>,
}

/// Adds to a plan the deletion of every live object of which `removed` has the proof, and which is
/// declared no more, neither by its name nor as a previous name.
#[must_use]
pub fn prune(
    plan: Plan,
    desired: &Desired,
    live: &Live,
    removed: &BTreeMap<Address, Removed>,
    policy: &Policy,
) -> Plan {
    let mut pruned = plan;
    for (at, proof) in removed {
        if at.kind.is_singleton() || is_declared(at, desired) {
            continue;
        }
        // What a manifest found by its pinned id is not unmanaged.
        let is_of = |other: &&Unmanaged| {
            &other.at == at && proof.pinned.as_ref().is_none_or(|id| &other.id == id)
        };
        let found: Vec<Id> =
            pruned.unmanaged.iter().filter(is_of).map(|other| other.id.clone()).collect();
        let objects = live.get(at).map_or(&[][..], |observed| &observed.objects);
        let objects: Vec<&Object> =
            objects.iter().filter(|object| found.contains(&object.id)).collect();
        let Some((change, action)) = delete(at, proof, &objects, desired, policy) else { continue };
        pruned.unmanaged.retain(|other| !(&other.at == at && found.contains(&other.id)));
        pruned.changes.push(change);
        pruned.actions.extend(action);
    }
    pruned.changes.sort_by(|a, b| a.at.cmp(&b.at));
    pruned.actions = order::sorted(&pruned.actions);
    pruned
}

fn is_declared(at: &Address, desired: &Desired) -> bool {
    desired.contains_key(at)
        || desired.iter().any(|(other, document)| {
            let mut previous = document.intent.previous_names.iter();
            previous.any(|name| &other.renamed(name.clone()) == at)
        })
}

fn delete(
    at: &Address,
    proof: &Removed,
    objects: &[&Object],
    desired: &Desired,
    policy: &Policy,
) -> Option<(Change, Option<Action>)> {
    let first = objects.first()?;
    let protected = proof.protect || policy.protect.iter().any(|pattern| pattern.matches(at));
    let referring = desired.iter().find(|(other, document)| {
        let rules = Rules::of(other.kind);
        reference::referred(rules, &document.body, &other.service).contains(at)
    });
    let obstacle = match (objects, protected, referring) {
        ([_, _, ..], ..) => Some(Reason::ambiguous(objects.iter().copied())),
        (_, true, _) => Some(Reason::ProtectedToTheEnd(proof.commit.clone())),
        (_, false, Some((other, _))) => Some(Reason::StillReferred(other.clone())),
        (_, false, None) => None,
    };
    let new = |verdict| Change::new(at.clone(), Some(first.id.clone()), verdict);
    if let Some(reason) = obstacle {
        let words = Some(reason.to_string());
        return Some((Change { reason: words, ..new(Verdict::Blocked(reason)) }, None));
    }
    let change = Change {
        reason: Some(format!("its manifest was removed by {}", proof.commit)),
        data: consequence::deleted(at.kind, &first.body),
        ..new(Verdict::Delete)
    };
    Some((change, Some(Action::Delete { at: at.clone(), id: first.id.clone() })))
}
