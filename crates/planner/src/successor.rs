//! Pipes that take the place of a pruned one: in another service, or under another name with the same table.
//
// The requests of two objects go out independently, and a delete succeeds where the create is refused: the pipe would
// be nowhere, and the rows that it left may keep it from being created at all. So the delete waits for the create.
//
//     git    service-1/p moved to service-2/p          live   service-1/p
//     plan   service-2/p   create ────┐
//            service-1/p   .......... delete
//
// What only one pipe can read is the exception: see the handovers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickpipes::pipe::written_tables::written_table_names;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::Desired;
use model::live::Live;

use crate::block_reason::BlockReason;
use crate::blocked_together::block_changes;
use crate::change::{Change, Verdict};
use crate::handover::Handover;
use crate::inputs::all_names;
use crate::order::{DeleteAfter, sort_actions};
use crate::plan::Plan;

/// The declared pipes that are not live, by their names and by their tables.
#[derive(Default)]
struct NewPipes<'p> {
    by_name: HashMap<(Kind, Name), Vec<&'p Change>>,
    by_table: HashMap<(&'p ServiceRef, String), Vec<&'p Change>>,
}

impl<'p> NewPipes<'p> {
    fn find_new(plan: &'p Plan, desired: &Desired, live: &Live) -> Self {
        let mut pipes = Self::default();
        let is_new = |change: &&Change| {
            let is_made = matches!(change.verdict, Verdict::Create | Verdict::Blocked(_)) && change.id.is_none();
            is_made && !live.contains_key(&change.address)
        };
        for change in plan.changes.iter().filter(is_new) {
            let Some((at, document)) = desired.get_key_value(&change.address) else { continue };
            let tables = written_table_names(&document.body);
            // An object that writes no table is not a pipe.
            let names = all_names(at, document).filter(|_| !tables.is_empty());
            for name in names {
                pipes.by_name.entry((name.kind, name.name)).or_default().push(change);
            }
            for table in tables {
                pipes.by_table.entry((&change.address.service, table)).or_default().push(change);
            }
        }
        pipes
    }

    fn successors_of(&self, change: &Change) -> Vec<&'p Change> {
        let at = &change.address;
        let elsewhere = self.by_name.get(&(at.kind, at.name.clone())).into_iter().flatten().copied();
        let elsewhere = elsewhere.filter(|other| other.address.service != at.service);
        let tables = change.before.as_ref().map(written_table_names).unwrap_or_default();
        let same_table = tables.into_iter().filter_map(|table| self.by_table.get(&(&at.service, table)));
        elsewhere.chain(same_table.flatten().copied()).collect()
    }
}

/// Lets each pruned pipe wait for the pipe that takes its place, and keeps it if the plan does not create that one.
pub(crate) fn keep_until_replaced(plan: &mut Plan, desired: &Desired, live: &Live) {
    let is_pruned = |change: &&Change| change.verdict == Verdict::Delete && change.place.is_none();
    // The actions are in order, but for handovers that were found since.
    if plan.handovers.is_empty() && !plan.changes.iter().any(|change| is_pruned(&change)) {
        return block_changes(plan, BTreeMap::new());
    }
    let (mut blocked, mut waiting, mut following) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let pipes = NewPipes::find_new(plan, desired, live);
    for change in plan.changes.iter().filter(is_pruned) {
        let mut successors = pipes.successors_of(change);
        if let Some(missing) = successors.iter().find(|other| other.verdict != Verdict::Create) {
            blocked.insert(change.address.clone(), BlockReason::SuccessorBlocked(missing.address.clone()));
            continue;
        }
        // Its source is not free before it is deleted. So everything that takes its place comes after it.
        if let Some(handover) = plan.handovers.iter().find(|it| it.is_strict && it.giver == change.address) {
            successors.retain(|other| handover.taker != other.address);
            let others = successors.into_iter().map(|other| other.address.clone());
            following.extend(others.map(|taker| Handover { taker, losses: Vec::new(), ..handover.clone() }));
        } else if !successors.is_empty() {
            let successors: BTreeSet<Address> = successors.into_iter().map(|other| other.address.clone()).collect();
            waiting.insert(change.address.clone(), successors);
        }
    }
    for change in &mut plan.changes {
        let Some(successors) = waiting.get(&change.address) else { continue };
        let names: Vec<String> = successors.iter().map(|other| format!("`{other}`")).collect();
        change.data_effects.push(format!("it is deleted after {} is created", names.join(", ")));
    }
    for entry in &mut plan.delete_after {
        entry.dependents.extend(waiting.remove(&entry.address).into_iter().flatten());
    }
    let waiting = waiting.into_iter().map(|(address, dependents)| DeleteAfter { address, dependents });
    plan.delete_after.extend(waiting);
    following.retain(|handover| !plan.handovers.contains(handover));
    plan.handovers.extend(following);
    plan.actions = sort_actions(std::mem::take(&mut plan.actions), &plan.delete_after, &plan.handovers);
    block_changes(plan, blocked);
}
