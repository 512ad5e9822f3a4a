//! Changes of a list that the API takes as entries to add and entries to remove.
//!
//! The API refuses a request that adds and removes the same source, adds a target that is in use, or leaves the list
//! empty. So one change may need several requests.

use std::collections::HashMap;

use clickpipes::semantics::{DeltaFields, KeyedList};
use model::path::FieldPath;
use serde_json::{Map, Value};

use super::PatchBody;
use crate::field_diff::FieldDiff;
use crate::overlay::without_unset_fields;

/// The change of the list by one request.
#[derive(Debug, Default)]
pub(super) struct DeltaRequest {
    remove: Vec<Value>,
    add: Vec<Value>,
    /// Entries to add instead if the API refuses the request.
    restore: Vec<Value>,
}

/// The requests in order; `None` if the list would be empty in between, in any order.
pub(super) fn delta_requests(keyed: &KeyedList, entries: &[FieldDiff<'_>]) -> Option<Vec<DeltaRequest>> {
    let live = entries.iter().find_map(|diff| diff.entry.as_ref()).map_or(0, |entry| entry.live_count);
    let old_entries: Vec<&Value> = entries.iter().filter_map(|entry| entry.live.as_ref()).collect();
    let new_entries: Vec<&Value> = entries.iter().filter_map(|entry| entry.desired.as_ref()).collect();
    let old = Collisions::new(keyed, &old_entries);
    let (later, first): (Vec<_>, Vec<_>) = new_entries.iter().copied().partition(|entry| old.count_with(entry) > 0);
    let (removed, added) = match (later.is_empty(), live > old_entries.len(), first.is_empty()) {
        (true, _, _) => return Some(vec![DeltaRequest::new(keyed, &old_entries, &new_entries)]),
        // A stop for the next request would abort the copy of the table that is added now.
        (false, true, _) => (DeltaRequest::new(keyed, &old_entries, &[]), new_entries),
        (false, false, false) => (DeltaRequest::new(keyed, &old_entries, &first), later),
        (false, false, true) => return keep_one_entry(keyed, &old_entries, &new_entries),
    };
    Some(vec![removed, DeltaRequest::new(keyed, &[], &added).with_restore(keyed, &old_entries)])
}

/// Every entry changes: keeps one old entry until a new one exists, because the API refuses an
/// empty list.
fn keep_one_entry(keyed: &KeyedList, old_entries: &[&Value], new_entries: &[&Value]) -> Option<Vec<DeltaRequest>> {
    let new = Collisions::new(keyed, new_entries);
    // Of several, the last one.
    let keeper = *old_entries.iter().rev().min_by_key(|keeper| new.count_with(keeper))?;
    // The old entry that collides with the fewest new ones stays the longest:
    //
    //     live     a -> t1, b -> t2        declared   a -> t3, b -> t4
    //     remove a                         `b -> t2` keeps the list from being empty
    //     remove b, add a -> t3            restore if refused: a -> t1
    //     add b -> t4                      restore if refused: b -> t2
    let others: Vec<&Value> = old_entries.iter().copied().filter(|entry| *entry != keeper).collect();
    let kept = Collisions::new(keyed, &[keeper]);
    let (last, next): (Vec<_>, Vec<_>) = new_entries.iter().copied().partition(|entry| kept.count_with(entry) > 0);
    let requests = || {
        vec![
            DeltaRequest::new(keyed, &others, &[]),
            DeltaRequest::new(keyed, &[keeper], &next).with_restore(keyed, &others),
            DeltaRequest::new(keyed, &[], &last).with_restore(keyed, &[keeper]),
        ]
    };
    (!next.is_empty()).then(requests)
}

impl DeltaRequest {
    fn new(keyed: &KeyedList, old_entries: &[&Value], new_entries: &[&Value]) -> Self {
        let remove = old_entries.iter().map(|entry| entry_identity(keyed, entry)).collect();
        Self { remove, add: new_entries.iter().copied().cloned().collect(), restore: Vec::new() }
    }

    /// Remembers the old form of the entries to add, from those that earlier requests removed.
    //
    // Hazard: the API accepts the removal, and then refuses the entry, for example because of a column that does not
    // exist. Without the old entry the table would no longer be filled.
    fn with_restore(self, keyed: &KeyedList, removed: &[&Value]) -> Self {
        let added: Vec<&Value> = self.add.iter().collect();
        let added = Collisions::new(keyed, &added);
        let returning = removed.iter().filter(|old| added.count_with(old) > 0);
        let restore = returning.map(|old| without_unset_fields(old)).collect();
        Self { restore, ..self }
    }

    fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty()
    }

    fn write_into(self, names: &DeltaFields, list: &FieldPath, body: &mut Value) {
        write_entries(&names.remove_field, self.remove, list, body);
        write_entries(&names.add_field, self.add, list, body);
    }

    fn into_patch(self, names: &DeltaFields, list: &FieldPath) -> PatchBody {
        let [mut body, mut restore] = [(); 2].map(|()| Value::Object(Map::new()));
        let has_restore = !self.restore.is_empty();
        write_entries(&names.add_field, self.restore.clone(), list, &mut restore);
        self.write_into(names, list, &mut body);
        PatchBody { body, restore: has_restore.then_some(restore) }
    }
}

/// Writes the entries next to the list, under the name of the field for such entries.
fn write_entries(name: &str, entries: Vec<Value>, list: &FieldPath, body: &mut Value) {
    if let (Some(parent), false) = (list.parent(), entries.is_empty()) {
        parent.child(name).set_in(body, entries.into());
    }
}

/// Writes the first request into a body that also contains other changes, and each of the others into a separate body.
pub(super) fn write_requests(
    entries: &[FieldDiff<'_>],
    keyed: &KeyedList,
    first: &mut Value,
    later: &mut Vec<PatchBody>,
) {
    let Some(names) = &keyed.deltas else { return };
    let requests = delta_requests(keyed, entries).unwrap_or_default();
    for (index, step) in requests.into_iter().filter(|step| !step.is_empty()).enumerate() {
        if index == 0 {
            step.write_into(names, &entries[0].path, first);
        } else {
            later.push(step.into_patch(names, &entries[0].path));
        }
    }
}

/// The fields of an entry that name its source, or its target.
type Part<'e> = Vec<Option<&'e Value>>;

/// Entries by their unique properties: source and target.
struct Collisions<'e> {
    keyed: &'e KeyedList,
    by_source: HashMap<Part<'e>, usize>,
    by_target: HashMap<Part<'e>, usize>,
    by_both: HashMap<(Part<'e>, Part<'e>), usize>,
}

impl<'e> Collisions<'e> {
    fn new(keyed: &'e KeyedList, entries: &[&'e Value]) -> Self {
        let mut by_source: HashMap<_, usize> = HashMap::new();
        let mut by_target: HashMap<_, usize> = HashMap::new();
        let mut by_both: HashMap<_, usize> = HashMap::new();
        for entry in entries {
            let (source, target) = source_and_target(keyed, entry);
            *by_both.entry((source.clone(), target.clone())).or_default() += 1;
            *by_source.entry(source).or_default() += 1;
            *by_target.entry(target).or_default() += 1;
        }
        Self { keyed, by_source, by_target, by_both }
    }

    /// The number of entries with the same source or target as this one.
    fn count_with(&self, entry: &Value) -> usize {
        let (source, target) = source_and_target(self.keyed, entry);
        let count = |found: Option<&usize>| found.copied().unwrap_or_default();
        let by_source = if source.is_empty() { 0 } else { count(self.by_source.get(&source)) };
        let by_target = if target.is_empty() { 0 } else { count(self.by_target.get(&target)) };
        // Only entries with both were counted twice.
        let is_twice = !source.is_empty() && !target.is_empty();
        by_source + by_target - if is_twice { count(self.by_both.get(&(source, target))) } else { 0 }
    }
}

fn source_and_target<'v>(keyed: &KeyedList, entry: &'v Value) -> (Part<'v>, Part<'v>) {
    let length = keyed.deltas.as_ref().map_or(0, |deltas| deltas.source_key_length);
    let (source, target) = keyed.identity.split_at(length.min(keyed.identity.len()));
    let part = |fields: &[String]| fields.iter().map(|field| entry.get(field)).collect();
    (part(source), part(target))
}

fn entry_identity(keyed: &KeyedList, entry: &Value) -> Value {
    let named = keyed.identity.iter().filter_map(|field| entry.get(field).map(|value| (field.clone(), value.clone())));
    Value::Object(named.collect())
}
