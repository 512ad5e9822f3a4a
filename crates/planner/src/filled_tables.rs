//! Tables that a live object begins to write, and that another live one fills.
//
// The API creates a pipe, and adds a table mapping, only if the table has no rows. The plan of one object does not see
// who else writes the table. Without this the object would be deleted, and the new one refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickpipes::blocking_tables::{find_filled_tables, gives_up_table};
use clickpipes::pipe::written_tables::{newly_colliding_table, written_table_names};
use model::action::Action;
use model::address::{Address, ServiceRef};
use model::desired::Desired;
use model::live::{Id, Live, Object};
use serde_json::Value;

use crate::block_reason::FilledTable;
use crate::change::{Change, Verdict};
use crate::order::actions_by_object;
use crate::plan::Plan;
use crate::references::live_objects;

/// A live object by its name.
type Writer<'l> = (&'l Address, &'l Object);

/// Notes which filled tables a change needs to be empty after it deleted something. Warns about other tables that an
/// unmanaged object writes.
pub(crate) fn add_filled_tables(plan: &mut Plan, desired: &Desired, live: &Live) {
    let Plan { changes, actions, unmanaged, .. } = plan;
    // A blocked change may move into its table with a later plan.
    let changed = |change: &&mut Change| change.id.is_some() && change.verdict != Verdict::Delete;
    let mut changed = changes.iter_mut().filter(changed).peekable();
    if changed.peek().is_none() {
        return;
    }
    let unmanaged: BTreeSet<&Id> = unmanaged.iter().map(|other| &other.id).collect();
    let mut writers: HashMap<(&ServiceRef, String), Vec<Writer<'_>>> = HashMap::new();
    let mut by_id: BTreeMap<&Id, &Object> = BTreeMap::new();
    for (at, object) in live_objects(live) {
        by_id.insert(&object.id, object);
        for table in written_table_names(&object.body) {
            writers.entry((&at.service, table)).or_default().push((at, object));
        }
    }
    let mut actions_of = actions_by_object(actions);
    for change in changed {
        let Some(own) = change.id.as_ref().and_then(|id| by_id.get(id).copied()) else { continue };
        let actions = actions_of.remove(&change.address).unwrap_or_default();
        let created = actions.iter().find(|action| matches!(action, Action::Create { .. }));
        let declared = desired.get(&change.address).map(|document| &*document.body);
        let Some(body) = created.and_then(|create| create.request_body()).or(declared) else { continue };
        let tables = written_table_names(body).into_iter();
        let others = tables.filter_map(|table| writers.get(&(&change.address.service, table))).flatten();
        let others: BTreeMap<&Id, Writer<'_>> =
            others.filter(|(_, other)| other.id != own.id).map(|writer| (&writer.1.id, *writer)).collect();
        let is_blocked = change.verdict.is_blocked();
        let adds_again = |action: &&Action| matches!(action, Action::Update { restore: Some(_), .. });
        if is_blocked || created.is_some() || actions.iter().any(adds_again) {
            let filled = |(at, other): &Writer<'_>| {
                let tables = find_filled_tables(change.address.kind, body, &own.body, &other.body);
                let (writer, writer_id) = ((*at).clone(), other.id.clone());
                tables.into_iter().map(move |table| FilledTable {
                    table,
                    writer: writer.clone(),
                    writer_id: writer_id.clone(),
                })
            };
            change.filled_tables = others.values().flat_map(filled).collect();
        }
        if is_blocked {
            continue;
        }
        let is_unmanaged = |writer: &&Writer<'_>| change.filled_tables.is_empty() && unmanaged.contains(&writer.1.id);
        let shared = others.values().filter(is_unmanaged).find_map(|writer| warning(body, &own.body, *writer));
        change.data_effects.extend(shared);
    }
}

/// The changes that move into a table which another object of the plan gives up, by the address of that object, with
/// the table.
//
// Once a table has no pipe, no plan knows that it has rows. If the pipe that moves into it were blocked now, the next
// plan would let it through: its delete is accepted, and its create refused.
//
//     a   fills t       state: absent   ............................. delete, if b did move
//     b   moves into t  blocked, as a fills t, or allowed by name ────┘
pub(crate) fn find_claimants<'p>(plan: &'p Plan, live: &Live) -> BTreeMap<&'p Address, BTreeMap<&'p Address, &'p str>> {
    let mut claimants: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    let moving: Vec<&Change> = plan.changes.iter().filter(|change| !change.filled_tables.is_empty()).collect();
    if moving.is_empty() {
        return claimants;
    }
    let by_id: BTreeMap<&Id, &Change> =
        plan.changes.iter().filter_map(|change| Some((change.id.as_ref()?, change))).collect();
    let objects: BTreeMap<&Id, &Object> = live_objects(live).map(|(_, object)| (&object.id, object)).collect();
    for claimant in moving {
        for FilledTable { table, writer_id, .. } in &claimant.filled_tables {
            let Some((holder, object)) = by_id.get(writer_id).zip(objects.get(writer_id)) else { continue };
            let is_given = match (&holder.verdict, &holder.after) {
                (Verdict::Delete, _) => true,
                (Verdict::Blocked(_), _) | (_, None) => false,
                (_, Some(after)) => gives_up_table(table, &after.redacted(), &object.body),
            };
            if is_given {
                claimants.entry(&holder.address).or_default().insert(&claimant.address, table);
            }
        }
    }
    claimants
}

fn warning(body: &Value, own: &Value, (at, other): Writer<'_>) -> Option<String> {
    let table = newly_colliding_table(body, own, &other.body)?;
    Some(format!("`same-table`: `{at}`, which no manifest declares, writes the table `{table}` too: use another table"))
}
