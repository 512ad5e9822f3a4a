//! The handovers of a plan: adds and describes them, and drops them if one half is missing.

use std::collections::{BTreeMap, BTreeSet};

use model::address::Address;

use crate::block_reason::BlockReason;
use crate::handover::Handover;
use crate::plan::Plan;
use crate::read_conflict::ReadConflictCause;
use crate::turns::turns;

/// Adds handovers to the plan, and blocks circles in which each waits for the other.
pub(crate) fn add_handovers(plan: &mut Plan, found: Vec<Handover>, blocked: &mut BTreeMap<Address, BlockReason>) {
    plan.handovers = found;
    let in_turn: BTreeSet<Address> =
        turns(plan.handovers.iter().map(Handover::turn_pair)).into_keys().cloned().collect();
    for handover in plan.handovers.iter().filter(|it| it.is_strict && !in_turn.contains(&it.holder)) {
        let reason = || handover.conflict(&handover.holder, ReadConflictCause::InTurn);
        blocked.entry(handover.claimant.clone()).or_insert_with(reason);
    }
    // If no order is possible, a handover that is not strict blocks nothing.
    plan.handovers.retain(|it| it.is_strict || in_turn.contains(&it.holder) && in_turn.contains(&it.claimant));
}

/// Notes on both rows which one goes first.
pub(crate) fn describe_handovers(plan: &mut Plan) {
    let mut sentences: BTreeMap<&Address, Vec<String>> = BTreeMap::new();
    let blocked: BTreeSet<&Address> = plan.blocked_changes().map(|change| &change.address).collect();
    for handover in plan.handovers.iter().filter(|it| !blocked.contains(&it.holder) && !blocked.contains(&it.claimant))
    {
        sentences.entry(&handover.holder).or_default().push(handover.holder_sentence());
        sentences.entry(&handover.claimant).or_default().push(handover.claimant_sentence());
    }
    for change in &mut plan.changes {
        change.data_effects.extend(sentences.remove(&change.address).into_iter().flatten());
    }
}

/// Drops the handovers that lack a half, with their notes.
pub(crate) fn drop_halves(plan: &mut Plan, is_inside: impl Fn(&Address) -> bool) {
    let whole = |it: &Handover| is_inside(&it.holder) && is_inside(&it.claimant);
    let (kept, dropped): (Vec<_>, Vec<_>) = std::mem::take(&mut plan.handovers).into_iter().partition(whole);
    plan.handovers = kept;
    let untrue: BTreeSet<String> =
        dropped.iter().flat_map(|it| [it.holder_sentence(), it.claimant_sentence()]).collect();
    for change in plan.changes.iter_mut().filter(|_| !untrue.is_empty()) {
        change.data_effects.retain(|sentence| !untrue.contains(sentence));
    }
}
