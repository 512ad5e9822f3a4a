//! Deleting what nobody declares any more. Why that may be done comes from history, or from the
//! project's scope; here is only decided what follows from it.

use std::collections::BTreeMap;
use std::fmt;

use clickpipes::data_effects;
use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::{Address, Kind};
use model::desired::Desired;
use model::live::{Id, Live, Object};
use serde::Serialize;
use serde_json::Value;

use crate::change::{BlockReason, Change, ProtectedBy, Verdict};
use crate::plan::{Plan, Policy, UnmanagedObject};
use crate::{order, references};

/// Why a live object may be deleted that no manifest declares.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PruneEvidence {
    /// What gives the right to.
    pub reason: PruneReason,
    /// Whether the last manifest protected the object.
    pub protect: bool,
    /// The live object that the last manifest pinned.
    pub pinned: Option<Id>,
}

/// What gives the right to delete an object that nobody declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PruneReason {
    /// A commit took its manifest away. Named as a person would: short hash and subject.
    RemovedBy(String),
    /// The project says that git is all there is to names of this form.
    InScope(String),
}

impl fmt::Display for PruneReason {
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
pub fn prune_unmanaged(
    plan: Plan,
    desired: &Desired,
    live: &Live,
    proofs: &BTreeMap<Address, PruneEvidence>,
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
        let is_of =
            |other: &&UnmanagedObject| &other.address == at && proof.pinned.as_ref().is_none_or(|id| &other.id == id);
        let found: Vec<Id> = pruned.unmanaged.iter().filter(is_of).map(|other| other.id.clone()).collect();
        let objects = live.get(at).map_or(&[][..], |observed| &observed.objects);
        let objects: Vec<&Object> = objects.iter().filter(|object| found.contains(&object.id)).collect();
        let Some((change, action)) = plan_deletion(at, proof, &objects, desired, policy) else {
            continue;
        };
        pruned.unmanaged.retain(|other| !(&other.address == at && found.contains(&other.id)));
        pruned.changes.push(change);
        pruned.actions.extend(action);
    }
    pruned.changes.sort_by(|a, b| a.address.cmp(&b.address));
    pruned.delete_after = order::deletions_that_wait(&pruned.actions, &pruned.changes, live);
    pruned.actions = order::sort_actions(&pruned.actions, &pruned.delete_after);
    pruned
}

fn is_declared(at: &Address, desired: &Desired) -> bool {
    desired.contains_key(at)
        || desired.iter().any(|(other, document)| {
            let mut previous = document.intent.previous_names.iter();
            previous.any(|name| &other.with_name(name.clone()) == at)
        })
}

fn plan_deletion(
    at: &Address,
    proof: &PruneEvidence,
    objects: &[&Object],
    desired: &Desired,
    policy: &Policy,
) -> Option<(Change, Option<Action>)> {
    let first = objects.first()?;
    let protected_by = policy.protected_by(at);
    let referring = desired.iter().find(|(other, document)| {
        let rules = FieldSemantics::for_kind(other.kind);
        references::body_references(rules, &document.body, &other.service).contains(at)
    });
    let obstacle = match (objects, &proof.reason, referring) {
        ([_, _, ..], ..) => Some(BlockReason::from_candidates(objects.iter().copied())),
        (_, PruneReason::RemovedBy(commit), _) if proof.protect => {
            Some(BlockReason::ProtectedAtRemoval(commit.clone()))
        }
        _ if proof.protect => Some(BlockReason::ProtectedFromDelete(ProtectedBy::Manifest)),
        _ if protected_by.is_some() => protected_by.map(BlockReason::ProtectedFromDelete),
        (_, _, Some((other, _))) => Some(BlockReason::StillReferenced(other.clone())),
        (_, _, None) => None,
    };
    let new_change = |verdict| Change::new(at.clone(), Some(first.id.clone()), verdict);
    if let Some(reason) = obstacle {
        let text = Some(reason.to_string());
        return Some((Change { reason: text, ..new_change(Verdict::Blocked(reason)) }, None));
    }
    let change = Change {
        reason: Some(proof.reason.to_string()),
        data_effects: data_effects::deletion_effects(
            at.kind,
            &FieldSemantics::for_kind(at.kind).normalize_live(&first.body),
        ),
        before: Some(declared_view(at.kind, &first.body)),
        ..new_change(Verdict::Delete)
    };
    Some((change, Some(Action::Delete { address: at.clone(), id: first.id.clone() })))
}

/// What a manifest of the live object could say, without what the API keeps for itself and what
/// nothing here knows, which may be a secret. No secret is in it.
pub(crate) fn declared_view(kind: Kind, live: &Value) -> Value {
    let rules = FieldSemantics::for_kind(kind);
    rules.shown(&rules.normalize_live(&rules.known_fields(live)))
}
