//! The objects of one kind in one service, as this run last saw them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::address::Name;
use model::live::{Id, State};
use serde_json::Value;
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Cache {
    pub(super) listed_at: Option<Instant>,
    /// The number of the last list that was answered.
    pub(super) last_list: u64,
    /// Lists up to this number are too old for a create: the run waited for something since.
    pub(super) outdated_list: u64,
    /// The objects of the plan, and those that this run created.
    pub(super) known_ids: Option<BTreeSet<Id>>,
    pub(super) objects: BTreeMap<Id, CachedObject>,
    /// The writes of this run to objects.
    //
    // Separate from `objects`: a list that lags may lack an object once. If that removed the record of a pause, nobody
    // would start the pipe again.
    pub(super) own_writes: BTreeMap<Id, OwnWrites>,
    /// Each create asks for its name: without an index, many creates in a large service cost the square.
    pub(super) ids_by_name: HashMap<Name, BTreeSet<Id>>,
}

impl Cache {
    pub(super) fn insert_object(&mut self, id: &Id, seen: CachedObject) {
        self.remove_object(id);
        self.ids_by_name.entry(seen.name.clone()).or_default().insert(id.clone());
        self.objects.insert(id.clone(), seen);
    }

    pub(super) fn own_writes(&self, id: &Id) -> OwnWrites {
        self.own_writes.get(id).copied().unwrap_or_default()
    }

    pub(super) fn remove_object(&mut self, id: &Id) {
        let Some(seen) = self.objects.remove(id) else { return };
        if let Some(ids) = self.ids_by_name.get_mut(&seen.name) {
            ids.remove(id);
        }
    }
}

/// An object as last seen in a list or in an answer.
#[derive(Clone, Debug)]
pub(super) struct CachedObject {
    pub(super) name: Name,
    pub(super) state: State,
    /// The body of objects that others reference by more than their id; null for all others.
    pub(super) body: Value,
    /// Lists up to this number were requested before this information, and are ignored.
    pub(super) list_number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PauseReason {
    /// The plan contains the stop, and a start after it.
    PlannedAction,
    /// The API required a pause for an edit. The edit itself starts the pipe again.
    NeededForEdit,
}

/// Writes of this run to one object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnWrites {
    /// The time of an edit after which the API may still resume the pipe.
    pub(super) edited_at: Option<Instant>,
    /// The time of a stop that no list shows yet.
    pub(super) stop_sent_at: Option<Instant>,
    /// The reason why this run stopped it; `None` once it started it again.
    pub(super) pause_reason: Option<PauseReason>,
}
