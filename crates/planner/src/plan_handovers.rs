//! The handovers of a plan: added to it, told on its rows, and dropped with a half of them.

use std::collections::{BTreeMap, BTreeSet};

use model::address::Address;

use crate::block_reason::BlockReason;
use crate::handover::Handover;
use crate::plan::Plan;
use crate::read_conflict::ReadConflictCause;
use crate::turns::turns;

/// Adds handovers to the plan, and blocks those in which each waits for the other.
pub(crate) fn add_handovers(plan: &mut Plan, found: Vec<Handover>, blocked: &mut BTreeMap<Address, BlockReason>) {
    plan.handovers = found;
    let in_turn: BTreeSet<Address> =
        turns(plan.handovers.iter().map(Handover::turn_pair)).into_keys().cloned().collect();
    for handover in plan.handovers.iter().filter(|it| it.is_strict && !in_turn.contains(&it.giver)) {
        let reason = || handover.conflict(&handover.giver, ReadConflictCause::InTurn);
        blocked.entry(handover.taker.clone()).or_insert_with(reason);
    }
    // Where no order is possible, it does not matter enough to hold anything back.
    plan.handovers.retain(|it| it.is_strict || in_turn.contains(&it.giver) && in_turn.contains(&it.taker));
}

/// Says on both rows which one goes first.
pub(crate) fn describe_handovers(plan: &mut Plan) {
    let mut sentences: BTreeMap<&Address, Vec<String>> = BTreeMap::new();
    let blocked: BTreeSet<&Address> = plan.blocked_changes().map(|change| &change.address).collect();
    for handover in plan.handovers.iter().filter(|it| !blocked.contains(&it.giver) && !blocked.contains(&it.taker)) {
        sentences.entry(&handover.giver).or_default().push(handover.giver_sentence());
        sentences.entry(&handover.taker).or_default().push(handover.taker_sentence());
    }
    for change in &mut plan.changes {
        change.data_effects.extend(sentences.remove(&change.address).into_iter().flatten());
    }
}

/// Forgets the handovers of which only a half is left, and what was said of them.
pub(crate) fn drop_halves(plan: &mut Plan, is_inside: impl Fn(&Address) -> bool) {
    let whole = |it: &Handover| is_inside(&it.giver) && is_inside(&it.taker);
    let (kept, dropped): (Vec<_>, Vec<_>) = std::mem::take(&mut plan.handovers).into_iter().partition(whole);
    plan.handovers = kept;
    let untrue: BTreeSet<String> = dropped.iter().flat_map(|it| [it.giver_sentence(), it.taker_sentence()]).collect();
    for change in plan.changes.iter_mut().filter(|_| !untrue.is_empty()) {
        change.data_effects.retain(|sentence| !untrue.contains(sentence));
    }
}
