//! What only one object can read, and passes from one to another in one plan.
//
// The next reader cannot begin before the last one has ended: the API or the source refuses it. So the order is the
// reverse of that of other successors, and the last reader goes only if the next one is sure to follow.
//
//     giver   .... delete, stop, or read another one ──┐     its secrets and endpoints were checked for the taker
//     taker   ........................................ create, start or update

use std::collections::{BTreeMap, BTreeSet};

use model::address::Address;

use crate::block_reason::BlockReason;
use crate::plan::Plan;
use crate::read_conflict::{ReadConflict, ReadConflictCause};

/// One object gives up what another one reads from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handover {
    /// Reads it now.
    pub(crate) giver: Address,
    /// Reads it after the plan.
    pub(crate) taker: Address,
    /// What it is, such as `replication slot`.
    pub(crate) what: &'static str,
    pub(crate) name: String,
    /// Whether the taker cannot begin as long as the giver reads it, so that both go or none.
    pub(crate) is_strict: bool,
    /// What is lost between the two.
    pub(crate) losses: Vec<String>,
}

impl Handover {
    /// For the row of the giver.
    pub(crate) fn giver_sentence(&self) -> String {
        format!("`{}` takes over the {} `{}` right after this", self.taker, self.what, self.name)
    }

    /// For the row of the taker.
    pub(crate) fn taker_sentence(&self) -> String {
        let first = format!("`{}` gives up the {} `{}` first", self.giver, self.what, self.name);
        [&[first], self.losses.as_slice()].concat().join("; ")
    }

    pub(crate) fn conflict(&self, other: &Address, cause: ReadConflictCause) -> BlockReason {
        let (other, name) = (other.clone(), self.name.clone());
        BlockReason::ContestedRead(ReadConflict { what: self.what, name, other, cause })
    }
}

/// Adds handovers to the plan, and blocks those in which each waits for the other.
pub(crate) fn add_handovers(plan: &mut Plan, found: Vec<Handover>, blocked: &mut BTreeMap<Address, BlockReason>) {
    plan.handovers = found;
    let in_turn: BTreeSet<Address> = turns(&plan.handovers).into_keys().cloned().collect();
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

/// How many objects take turns before each of these. Those that are on a circle, or between two of them, have none.
pub(crate) fn turns<'h>(handovers: &'h [Handover]) -> BTreeMap<&'h Address, usize> {
    let mut givers: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut takers: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for Handover { giver, taker, .. } in handovers {
        givers.entry(giver).or_default();
        *givers.entry(taker).or_default() += 1;
        takers.entry(giver).or_default().push(taker);
    }
    let mut next: Vec<&Address> = givers.iter().filter(|(_, count)| **count == 0).map(|(at, _)| *at).collect();
    let mut turns: BTreeMap<&'h Address, usize> = BTreeMap::new();
    let mut turn = 0;
    while !next.is_empty() {
        let mut later = Vec::new();
        for at in next {
            turns.insert(at, turn);
            for taker in takers.get(at).into_iter().flatten() {
                if let Some(count) = givers.get_mut(taker) {
                    *count -= 1;
                    later.extend((*count == 0).then_some(*taker));
                }
            }
        }
        (next, turn) = (later, turn + 1);
    }
    turns
}
