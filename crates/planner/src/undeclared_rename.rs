//! Renames that no manifest declares.
//
// A file with another name and the same content is a new pipe for the planner, and the live one is deleted by
// `state: absent` or by prune. Both go out independently. A database pipe is lost for good that way: its tables hold
// rows, and the API refuses the create after the delete was accepted.

use std::collections::{BTreeMap, HashMap};

use clickpipes::lineage::{Lineage, pipe_lineage};
use clickpipes::pipe::written_tables::{colliding_table, written_table_names};
use model::address::{Address, ServiceRef};
use model::desired::Desired;
use model::live::{Id, Live};
use serde_json::Value;

use crate::block_reason::BlockReason;
use crate::change::Verdict;
use crate::order;
use crate::plan::Plan;

type EdgeKey = (ServiceRef, String, String);

/// What is read, with the place where it is, in one spelling.
struct Reader {
    place: String,
    address: Address,
}

/// Blocks a delete and a create of the same thing. Warns if an unmanaged pipe loads the same into the same table.
pub(crate) fn block_undeclared_renames(plan: &mut Plan, desired: &Desired, live: &Live) {
    let created: Vec<&Address> =
        plan.changes.iter().filter(|change| change.verdict == Verdict::Create).map(|change| &change.address).collect();
    if created.is_empty() {
        return;
    }
    let by_id: BTreeMap<&Id, (&Address, &Value)> = live
        .iter()
        .flat_map(|(at, observed)| observed.objects.iter().map(move |object| (&object.id, (at, &object.body))))
        .collect();
    let deleted = plan.changes.iter().filter(|change| change.verdict == Verdict::Delete);
    let deleted = index_readers(deleted.filter_map(|change| by_id.get(change.id.as_ref()?).copied()));
    let others = || plan.unmanaged.iter().filter_map(|other| by_id.get(&other.id).copied());
    let (unmanaged, writers) = (index_readers(others()), TableWriters::index_tables(others()));
    let (mut blocked, mut warnings) = (BTreeMap::new(), BTreeMap::new());
    if deleted.is_empty() && unmanaged.is_empty() {
        return;
    }
    for at in created {
        let Some(lineage) = desired.get(at).and_then(|document| pipe_lineage(at.kind, &document.body)) else {
            continue;
        };
        if let Some(other) = find_reader(&deleted, at, &lineage) {
            let reason = || BlockReason::RenameNotDeclared { live: other.clone(), declared: at.clone() };
            blocked.insert(at.clone(), reason());
            blocked.insert(other.clone(), reason());
        } else if let Some(other) = find_reader(&unmanaged, at, &lineage) {
            warnings.insert(at.clone(), same_load_warning(other));
        } else if let Some((other, table)) = writers.find_collision(at, desired) {
            warnings.insert(at.clone(), same_table_warning(other, &table));
        }
    }
    for change in &mut plan.changes {
        if let Some(reason) = blocked.get(&change.address) {
            change.block(reason.clone());
        } else if let Some(sentence) = warnings.remove(&change.address)
            && !change.data_effects.contains(&sentence)
        {
            change.data_effects.push(sentence);
        }
    }
    order::retain_objects(&mut plan.actions, &mut plan.delete_after, &plan.handovers, |at| !blocked.contains_key(at));
}

fn same_load_warning(other: &Address) -> String {
    format!(
        "`{other}`, which no manifest declares, loads the same source into the same table: if it is the same pipe, add \
         `previousNames: [{}]`",
        other.name
    )
}

fn same_table_warning(other: &Address, table: &str) -> String {
    format!(
        "`same-table`: `{other}`, which no manifest declares, writes the table `{table}` too: if it is the same pipe, \
         add `previousNames: [{}]`; if not, use another table",
        other.name
    )
}

/// Live pipes by the tables that they write.
struct TableWriters<'l>(HashMap<(&'l ServiceRef, String), Vec<(&'l Address, &'l Value)>>);

impl<'l> TableWriters<'l> {
    fn index_tables(pipes: impl Iterator<Item = (&'l Address, &'l Value)>) -> Self {
        let mut writers: HashMap<_, Vec<_>> = HashMap::new();
        for (at, body) in pipes {
            for table in written_table_names(body) {
                writers.entry((&at.service, table)).or_default().push((at, body));
            }
        }
        Self(writers)
    }

    /// A pipe that writes a table of this declared one, where one of the two manages it.
    fn find_collision(&self, at: &Address, desired: &Desired) -> Option<(&'l Address, String)> {
        let body = &desired.get(at)?.body;
        let tables = written_table_names(body).into_iter();
        let writers = tables.filter_map(|table| self.0.get(&(&at.service, table))).flatten();
        { writers }.find_map(|(other, live)| Some((*other, colliding_table(body, live)?)))
    }
}

fn index_readers<'l>(objects: impl Iterator<Item = (&'l Address, &'l Value)>) -> HashMap<EdgeKey, Vec<Reader>> {
    let mut readers: HashMap<EdgeKey, Vec<Reader>> = HashMap::new();
    for (at, body) in objects {
        let Some(lineage) = pipe_lineage(at.kind, body) else { continue };
        for key in edge_keys(at, &lineage) {
            readers.entry(key).or_default().push(Reader { place: lineage.place_key(), address: at.clone() });
        }
    }
    readers
}

fn edge_keys(at: &Address, lineage: &Lineage) -> Vec<EdgeKey> {
    let keys = lineage.edges.iter().map(|edge| (at.service.clone(), edge.from.clone(), edge.to.clone()));
    keys.collect()
}

/// The object that reads the same from the same place. A place that a secret hides may be any.
fn find_reader<'r>(readers: &'r HashMap<EdgeKey, Vec<Reader>>, at: &Address, lineage: &Lineage) -> Option<&'r Address> {
    let candidates = edge_keys(at, lineage).into_iter().filter_map(|key| readers.get(&key)).flatten();
    let place = lineage.place_key();
    let is_same = |reader: &&Reader| reader.place.is_empty() || place.is_empty() || reader.place == place;
    candidates.filter(is_same).map(|reader| &reader.address).next()
}
