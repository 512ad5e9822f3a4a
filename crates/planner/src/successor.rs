//! Pipes that replace a pruned one: in another service, or under another name with the same table. And live pipes that
//! move into the table of another one.
//
// The requests of two objects are independent, and a delete may succeed while the create is refused: the pipe would be
// nowhere, and its rows may keep it from being created at all. So the delete waits for the create.
//
//     git    service-1/p moved to service-2/p          live   service-1/p
//     plan   service-2/p   create ────┐
//            service-1/p   .......... delete
//
// Sources that only one pipe can read are the exception: see the handovers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickpipes::pipe::source::source_word;
use clickpipes::pipe::written_tables::written_table_names;
use clickpipes::semantics::FieldSemantics;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::Desired;
use model::live::{Id, Live, Object};

use crate::block_reason::BlockReason;
use crate::blocked_together::block_changes;
use crate::carry_over::CarryOver;
use crate::change::{Change, Verdict};
use crate::filled_tables::find_claimants;
use crate::handover::Handover;
use crate::inputs::all_names;
use crate::plan::{DeleteAfter, Plan};
use crate::references::live_objects;
use crate::turns::{TurnPair, on_circle};
use crate::words::quote_all;

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

/// Objects that wait for others, or are kept because of them.
#[derive(Default)]
struct Successions {
    blocked: BTreeMap<Address, BlockReason>,
    /// Required steps before an object is deleted.
    waiting: BTreeMap<Address, BTreeSet<Address>>,
    /// Objects that must not start before another one is deleted.
    following: Vec<Handover>,
    sentences: BTreeMap<Address, Vec<String>>,
}

impl Successions {
    fn find(plan: &Plan, desired: &Desired, live: &Live) -> Self {
        let mut all = Self::default();
        let (pipes, table_claimants) = (NewPipes::find_new(plan, desired, live), find_claimants(plan, live));
        let by_id: HashMap<&Id, &Object> = live_objects(live).map(|(_, object)| (&object.id, object)).collect();
        for change in &plan.changes {
            let successors = if is_pruned(change) { pipes.successors_of(change) } else { Vec::new() };
            if let Some(missing) = successors.iter().find(|other| other.verdict != Verdict::Create) {
                let reason = BlockReason::SuccessorBlocked(missing.address.clone());
                all.blocked.insert(change.address.clone(), reason);
                continue;
            }
            let claimants = table_claimants.get(&change.address).cloned().unwrap_or_default();
            let successors: BTreeSet<&Address> = successors.into_iter().map(|other| &other.address).collect();
            if successors.is_empty() && claimants.is_empty() {
                continue;
            }
            let others: BTreeSet<Address> =
                successors.iter().copied().chain(claimants.keys().copied()).cloned().collect();
            // Its source is not free before it is deleted. So all successors come after it.
            if let Some(handover) = plan.handovers.iter().find(|it| it.is_strict && it.holder == change.address) {
                let others = others.into_iter().filter(|other| handover.claimant != *other);
                all.following.extend(others.map(|claimant| Handover {
                    claimant,
                    losses: Vec::new(),
                    ..handover.clone()
                }));
                continue;
            }
            let created = format!("it is deleted after {} is created", quote_all(&successors));
            let moved =
                claimants.iter().map(|(claimant, table)| format!("it waits until `{claimant}` has moved into {table}"));
            let lost =
                successors.iter().filter_map(|successor| describe_lost_values(change, successor, desired, &by_id));
            let sentences = (!successors.is_empty()).then_some(created).into_iter().chain(lost).chain(moved).collect();
            all.sentences.insert(change.address.clone(), sentences);
            all.waiting.insert(change.address.clone(), others);
        }
        all.block_circles(plan, &table_claimants);
        all
    }

    /// Blocks objects that move into a table of an object that waits for them. In any order, one would give up its
    /// table before it is certain that the other one follows.
    fn block_circles(&mut self, plan: &Plan, table_claimants: &BTreeMap<&Address, BTreeMap<&Address, &str>>) {
        let handovers = plan.handovers.iter().filter(|it| it.is_strict).chain(&self.following).map(Handover::turn_pair);
        let waiting = self
            .waiting
            .iter()
            .flat_map(|(holder, claimants)| claimants.iter().map(move |claimant| (claimant, holder)));
        let pairs: Vec<TurnPair<'_>> = handovers.chain(waiting).collect();
        let circle = on_circle(&pairs);
        let mut blocked = BTreeMap::new();
        for (filler, claimants) in table_claimants.iter().filter(|(filler, _)| circle.contains(**filler)) {
            for (claimant, table) in claimants.iter().filter(|(claimant, _)| circle.contains(**claimant)) {
                let reason = BlockReason::TablesInTurn((*filler).clone(), (*table).to_owned());
                blocked.insert((*claimant).clone(), reason);
            }
        }
        self.blocked.extend(blocked);
    }
}

/// Live values that are in no manifest and not in the successor. Unlike a replacement, the successor is created from
/// its manifest alone, because its service may be in another cloud.
fn describe_lost_values(
    change: &Change,
    successor: &Address,
    desired: &Desired,
    live: &HashMap<&Id, &Object>,
) -> Option<String> {
    let object = live.get(change.id.as_ref()?)?;
    let declared = &desired.get(successor)?.body;
    // A pipe of another source has other fields.
    if source_word(declared) != source_word(&object.body) {
        return None;
    }
    let carry_over = CarryOver { kind: change.address.kind, id: object.id.as_str(), find_reference: &|_, _| None };
    let own = FieldSemantics::for_kind(change.address.kind).normalize_live(&object.body);
    let lost = carry_over.recreate(declared, &own).kept;
    let names = quote_all(&lost);
    (!lost.is_empty())
        .then(|| format!("`{successor}` has only what its manifest declares, so these live values are lost: {names}"))
}

fn is_pruned(change: &Change) -> bool {
    change.verdict == Verdict::Delete && change.place.is_none()
}

/// Lets each pruned pipe wait for its successor, and keeps it if the plan does not create that one. A pipe that gives
/// up a table waits for the one that moves into it.
pub(crate) fn keep_until_replaced(plan: &mut Plan, desired: &Desired, live: &Live) {
    let moves = |change: &Change| is_pruned(change) || !change.filled_tables.is_empty();
    // The actions are in order, but for handovers that were found since.
    if plan.handovers.is_empty() && !plan.changes.iter().any(moves) {
        return block_changes(plan, BTreeMap::new());
    }
    let Successions { blocked, mut waiting, mut following, mut sentences } = Successions::find(plan, desired, live);
    for change in &mut plan.changes {
        change.data_effects.extend(sentences.remove(&change.address).into_iter().flatten());
    }
    for entry in &mut plan.delete_after {
        entry.dependents.extend(waiting.remove(&entry.address).into_iter().flatten());
    }
    let waiting = waiting.into_iter().map(|(address, dependents)| DeleteAfter { address, dependents });
    plan.delete_after.extend(waiting);
    following.retain(|handover| !plan.handovers.contains(handover));
    plan.handovers.extend(following);
    plan.sort_actions();
    block_changes(plan, blocked);
}
