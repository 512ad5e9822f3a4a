//! Deleting what nobody declares any more. Why that may be done comes from history, or from the
//! project's scope; here is only decided what follows from it.

use std::collections::BTreeMap;
use std::fmt;

use model::action::Action;
use model::address::{Address, Kind};
use model::consequence;
use model::desired::Desired;
use model::live::{Id, Live, Object};
use model::rules::Rules;
use serde::Serialize;
use serde_json::Value;

use crate::change::{Change, Guard, Reason, Verdict};
use crate::plan::{Plan, Policy, Unmanaged};
use crate::{order, reference};

/// Why a live object may be deleted that no manifest declares.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// What gives the right to.
    pub ground: Ground,
    /// Whether the last manifest protected the object.
    pub protect: bool,
    /// The live object that the last manifest pinned.
    pub pinned: Option<Id>,
}

/// What gives the right to delete an object that nobody declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Ground {
    /// A commit took its manifest away. Named as a person would: short hash and subject.
    RemovedBy(String),
    /// The project says that git is all there is to names of this form.
    InScope(String),
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemovedBy(commit) => write!(f, "its manifest was removed by {commit}"),
            Self::InScope(scope) => {
                write!(f, "no manifest declares it, and it is in the prune scope `{scope}`")
            }
        }
    }
}

/// Adds to a plan the deletion of every live object of which there is a proof, and which is
/// declared no more, neither by its name nor as a previous name.
#[must_use]
pub fn prune(
    plan: Plan,
    desired: &Desired,
    live: &Live,
    proofs: &BTreeMap<Address, Proof>,
    policy: &Policy,
) -> Plan {
    if proofs.is_empty() {
        return plan;
    }
    let mut pruned = plan;
    for (at, proof) in proofs {
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
    pruned.holds = order::holds(&pruned.actions, &pruned.changes, live);
    pruned.actions = order::sorted(&pruned.actions, &pruned.holds);
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
    proof: &Proof,
    objects: &[&Object],
    desired: &Desired,
    policy: &Policy,
) -> Option<(Change, Option<Action>)> {
    let first = objects.first()?;
    let guard = policy.guard(at);
    let referring = desired.iter().find(|(other, document)| {
        let rules = Rules::of(other.kind);
        reference::referred(rules, &document.body, &other.service).contains(at)
    });
    let obstacle = match (objects, &proof.ground, referring) {
        ([_, _, ..], ..) => Some(Reason::ambiguous(objects.iter().copied())),
        (_, Ground::RemovedBy(commit), _) if proof.protect => {
            Some(Reason::ProtectedToTheEnd(commit.clone()))
        }
        _ if proof.protect => Some(Reason::ProtectedFromDelete(Guard::Manifest)),
        _ if guard.is_some() => guard.map(Reason::ProtectedFromDelete),
        (_, _, Some((other, _))) => Some(Reason::StillReferred(other.clone())),
        (_, _, None) => None,
    };
    let new = |verdict| Change::new(at.clone(), Some(first.id.clone()), verdict);
    if let Some(reason) = obstacle {
        let words = Some(reason.to_string());
        return Some((Change { reason: words, ..new(Verdict::Blocked(reason)) }, None));
    }
    let change = Change {
        reason: Some(proof.ground.to_string()),
        data: consequence::deleted(at.kind, &Rules::of(at.kind).respelled(&first.body)),
        before: Some(declarable(at.kind, &first.body)),
        ..new(Verdict::Delete)
    };
    Some((change, Some(Action::Delete { at: at.clone(), id: first.id.clone() })))
}

/// What a manifest of the live object could say, without what the API keeps for itself and what
/// nothing here knows, which may be a secret. No secret is in it.
pub(crate) fn declarable(kind: Kind, live: &Value) -> Value {
    let rules = Rules::of(kind);
    rules.shown(&rules.respelled(&rules.known(live)))
}
