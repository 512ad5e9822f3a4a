//! Renames that no manifest declares.
//
// A file with another name and the same content is a new pipe for the planner, and the live one is deleted by `state:
// absent` or by prune. The two are independent. A database pipe is lost permanently that way: its tables have rows, and
// the API refuses the create after the delete was accepted.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use clickpipes::lineage::{Lineage, pipe_lineage};
use clickpipes::pipe::source::source_word;
use clickpipes::pipe::written_tables::{colliding_table, written_table_names};
use clickpipes::semantics::is_masked;
use model::address::{Address, ServiceRef};
use model::desired::Desired;
use model::live::{Id, Live};
use serde_json::Value;

use crate::block_reason::BlockReason;
use crate::change::{Change, Verdict};
use crate::plan::Plan;
use crate::references::live_objects;

/// Blocks a delete and a create of the same thing. Warns if an unmanaged pipe loads the same into the same table.
pub(crate) fn block_undeclared_renames(plan: &mut Plan, desired: &Desired, live: &Live) {
    // What is held back beside a live object is so only until that one goes, too.
    let is_created = |change: &&Change| {
        matches!(change.verdict, Verdict::Create | Verdict::Blocked(BlockReason::SameUnderOtherName(..)))
    };
    let created: Vec<&Address> = plan.changes.iter().filter(is_created).map(|change| &change.address).collect();
    if created.is_empty() {
        return;
    }
    let by_id: BTreeMap<&Id, (&Address, &Value)> =
        live_objects(live).map(|(at, object)| (&object.id, (at, &object.body))).collect();
    let deleted = plan.changes.iter().filter(|change| change.verdict == Verdict::Delete);
    let deleted = TableWriters::new(deleted.filter_map(|change| by_id.get(change.id.as_ref()?).copied()));
    let unmanaged = TableWriters::new(plan.unmanaged.iter().filter_map(|other| by_id.get(&other.id).copied()));
    let (mut blocked, mut warnings) = (BTreeMap::new(), BTreeMap::new());
    if deleted.0.is_empty() && unmanaged.0.is_empty() {
        return;
    }
    for at in created {
        let Some(body) = desired.get(at).map(|document| &*document.body) else { continue };
        let Some(lineage) = pipe_lineage(at.kind, body) else { continue };
        if let Some(other) = deleted.find_same_load(at, body, &lineage) {
            let reason = || BlockReason::RenameNotDeclared { live: other.clone(), declared: at.clone() };
            blocked.insert(at.clone(), reason());
            blocked.insert(other.clone(), reason());
        } else if let Some(other) = unmanaged.find_same_load(at, body, &lineage) {
            warnings.insert(at.clone(), same_load_warning(other));
        } else if let Some((other, table)) = unmanaged.find_collision(at, body) {
            warnings.insert(at.clone(), same_table_warning(other, body, &table));
        }
    }
    for change in &mut plan.changes {
        if let Some(reason) = blocked.get(&change.address) {
            change.block(reason.clone());
        } else if let Some(sentence) = warnings.remove(&change.address)
            && !change.verdict.is_blocked()
            && !change.data_effects.contains(&sentence)
        {
            change.data_effects.push(sentence);
        }
    }
    plan.retain_actions(|at| !blocked.contains_key(at));
}

fn same_load_warning(other: &Address) -> String {
    format!(
        "`{other}`, which no manifest declares, loads the same source into the same table: if it is the same pipe, add \
         `previousNames: [{}]`",
        other.name
    )
}

fn same_table_warning(other: &Writer<'_>, body: &Value, table: &str) -> String {
    let Address { name, .. } = other.address;
    // A pipe of another source is blocked under the name of this one.
    let way_out = if source_word(body) == source_word(other.body) {
        format!("if it is the same pipe, add `previousNames: [{name}]`; if not, use another table")
    } else {
        "use another table".to_owned()
    };
    format!("`same-table`: `{}`, which no manifest declares, writes the table `{table}` too: {way_out}", other.address)
}

/// A live pipe that writes a table.
struct Writer<'l> {
    address: &'l Address,
    body: &'l Value,
    lineage: Rc<Option<Lineage>>,
}

/// Live pipes by the tables that they write; `None` for a table whose name the API masks, so that it matches any table.
struct TableWriters<'l>(HashMap<(&'l ServiceRef, Option<String>), Vec<Writer<'l>>>);

impl<'l> TableWriters<'l> {
    fn new(pipes: impl Iterator<Item = (&'l Address, &'l Value)>) -> Self {
        let mut writers: HashMap<_, Vec<_>> = HashMap::new();
        for (address, body) in pipes {
            let lineage = Rc::new(pipe_lineage(address.kind, body));
            for table in written_table_names(body) {
                let writer = Writer { address, body, lineage: Rc::clone(&lineage) };
                let table = Some(table).filter(|table| !is_masked(table));
                writers.entry((&address.service, table)).or_default().push(writer);
            }
        }
        Self(writers)
    }

    /// The pipes that write a table of this declared one, each once.
    fn find_all<'s>(&'s self, at: &'s Address, body: &Value) -> BTreeMap<(&'l Address, *const Value), &'s Writer<'l>> {
        let tables = written_table_names(body).into_iter().map(Some).chain([None]);
        let writers = tables.filter_map(|table| self.0.get(&(&at.service, table))).flatten();
        writers.map(|writer| ((writer.address, std::ptr::from_ref(writer.body)), writer)).collect()
    }

    /// A pipe that loads the same into the same table.
    fn find_same_load(&self, at: &Address, body: &Value, lineage: &Lineage) -> Option<&'l Address> {
        let is_same =
            |writer: &&Writer<'_>| writer.lineage.as_ref().as_ref().is_some_and(|it| lineage.may_load_the_same(it));
        self.find_all(at, body).into_values().find(is_same).map(|writer| writer.address)
    }

    /// A pipe that writes a table of this declared one, where one of the two manages it.
    fn find_collision<'s>(&'s self, at: &'s Address, body: &Value) -> Option<(&'s Writer<'l>, String)> {
        let writers = self.find_all(at, body).into_values();
        { writers }.find_map(|writer| Some((writer, colliding_table(body, writer.body)?)))
    }
}
