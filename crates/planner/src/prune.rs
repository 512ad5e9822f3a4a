//! Deletes objects that are no longer declared. The evidence comes from the history, or from the project's scope.

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::Address;
use model::desired::Desired;
use model::live::{Id, Live, Object};

use crate::block_reason::{BlockReason, ProtectedBy};
use crate::change::{Change, Verdict};
use crate::inputs::{BaseClaims, Policy, all_names};
use crate::plan::Plan;
use crate::prune_evidence::{LastProtection, PruneEvidence, PruneReason};
use crate::{contested_reads, order, plan_handovers, references, still_used, successor, undeclared_rename};

/// Adds the deletion of every live object with evidence that is no longer declared, neither by its name nor as a
/// previous name. Then arranges handovers, because they depend on the deletes.
///
/// Objects that `base` protects are kept: the commits of one change must not lift a protection and use that at once.
#[must_use]
pub fn prune_unmanaged(
    plan: Plan,
    desired: &Desired,
    live: &Live,
    base: Option<&Desired>,
    proofs: &BTreeMap<Address, PruneEvidence>,
    policy: &Policy,
) -> Plan {
    let mut pruned = plan;
    add_deletions(&mut pruned, desired, live, base, proofs, policy);
    // Only now is it known which live objects stay.
    contested_reads::settle_contested_reads(&mut pruned, desired, live, &policy.readers_elsewhere);
    successor::keep_until_replaced(&mut pruned, desired, live);
    plan_handovers::describe_handovers(&mut pruned);
    pruned
}

fn add_deletions(
    pruned: &mut Plan,
    desired: &Desired,
    live: &Live,
    base: Option<&Desired>,
    proofs: &BTreeMap<Address, PruneEvidence>,
    policy: &Policy,
) {
    if proofs.is_empty() {
        return;
    }
    let declared: BTreeSet<Address> = desired.iter().flat_map(|(at, document)| all_names(at, document)).collect();
    let (referrers, base) = (declared_referrers(desired), BaseClaims::new(base, policy));
    // An object that a manifest found by its pinned id is not unmanaged.
    let mut unmanaged: BTreeSet<(Address, Id)> =
        pruned.unmanaged.iter().map(|other| (other.address.clone(), other.id.clone())).collect();
    for (at, proof) in proofs.iter().filter(|(at, _)| !at.kind.is_singleton() && !declared.contains(*at)) {
        // A merge brings the manifest.
        if policy.added_by_target.contains(at) {
            continue;
        }
        let objects = live.get(at).map_or(&[][..], |observed| &observed.objects);
        let is_found = |object: &&Object| {
            let is_pinned = proof.pinned.as_ref().is_none_or(|id| &object.id == id);
            // Another job declares it now, under any name.
            let is_elsewhere = policy.other_folders.pinned.contains(&object.id);
            is_pinned && !is_elsewhere && unmanaged.contains(&(at.clone(), object.id.clone()))
        };
        let objects: Vec<&Object> = objects.iter().filter(is_found).collect();
        let Some(first) = objects.first() else { continue };
        let protected_by = policy.protection_with_base(std::slice::from_ref(at), &first.id, &base);
        let obstacle = find_obstacle(proof, &objects, protected_by, referrers.get(at).copied());
        let (change, action) = plan_deletion(at, proof, first, obstacle);
        for object in objects {
            unmanaged.remove(&(at.clone(), object.id.clone()));
        }
        pruned.changes.push(change);
        pruned.actions.extend(action);
    }
    pruned.unmanaged.retain(|other| unmanaged.contains(&(other.address.clone(), other.id.clone())));
    pruned.changes.sort_by(|a, b| a.address.cmp(&b.address));
    still_used::block_used_objects(pruned, live);
    pruned.delete_after = order::deletions_that_wait(&pruned.actions, &pruned.changes, live);
    pruned.sort_actions();
    undeclared_rename::block_undeclared_renames(pruned, desired, live);
}

/// The first manifest that references each object.
fn declared_referrers(desired: &Desired) -> BTreeMap<Address, &Address> {
    let references = desired.iter().rev().flat_map(|(other, document)| {
        let rules = FieldSemantics::for_kind(other.kind);
        let referenced = references::body_references(rules, &document.body, &other.service);
        referenced.into_iter().map(move |address| (address, other))
    });
    references.collect()
}

/// Why the object must stay, although no manifest declares it.
fn find_obstacle(
    proof: &PruneEvidence,
    objects: &[&Object],
    protected_by: Option<ProtectedBy>,
    referrer: Option<&Address>,
) -> Option<BlockReason> {
    match (objects, &proof.reason, referrer) {
        ([_, _, ..], ..) => Some(BlockReason::from_candidates(objects.iter().copied())),
        (_, PruneReason::RemovedBy(commit), _) if proof.protection != LastProtection::Unprotected => {
            // The remedy differs: an object that the base still protects needs one apply without the protection first.
            let is_in_base = protected_by == Some(ProtectedBy::Base);
            Some(BlockReason::ProtectedAtRemoval(commit.clone(), proof.protection, is_in_base))
        }
        _ if protected_by.is_some() => protected_by.map(BlockReason::ProtectedFromDelete),
        (_, _, Some(other)) => Some(BlockReason::StillReferenced(other.clone())),
        (_, _, None) => None,
    }
}

fn plan_deletion(
    at: &Address,
    proof: &PruneEvidence,
    object: &Object,
    obstacle: Option<BlockReason>,
) -> (Change, Option<Action>) {
    if let Some(reason) = obstacle {
        return (Change::new(at.clone(), Some(object.id.clone()), Verdict::Blocked(reason)), None);
    }
    let change = Change { reason: Some(proof.reason.to_string()), ..Change::deletion(at, object) };
    (change, Some(Action::Delete { address: at.clone(), id: object.id.clone() }))
}
