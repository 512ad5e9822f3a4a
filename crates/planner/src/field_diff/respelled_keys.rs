//! Entries of a list whose key the API spells differently.
//
//     base and git   public.Orders -> orders        live   public.orders -> orders
//
// By their keys these are two entries: one that somebody removed outside git, and one that somebody added. A change of
// git would be a permanent conflict.

use std::collections::HashMap;

use clickpipes::semantics::{EntryKey, FieldSemantics, KeyEnds, KeyedList};
use model::path::{FieldPath, VisitedPath};
use serde_json::Value;

pub(super) type EntryIndex<'v> = HashMap<EntryKey, &'v Value>;

/// The live counterparts of declared entries, by the keys of the latter.
pub(super) struct RespelledEntries<'v> {
    pub(super) live: EntryIndex<'v>,
    /// The keys as live spells them.
    pub(super) keys: Vec<EntryKey>,
}

impl<'v> RespelledEntries<'v> {
    /// Pairs declared entries that are not live with live entries that git does not have. Entries that git no longer
    /// declares are not paired: the live entry could be one that somebody created, and would be removed.
    pub(super) fn find(
        (item, keyed): (&FieldSemantics, &KeyedList),
        path: &FieldPath,
        (declared, live): (&[Value], &'v [Value]),
        [desired, base, live_index]: [&EntryIndex<'_>; 3],
    ) -> Self {
        let mut found = Self { live: HashMap::new(), keys: Vec::new() };
        let others = live.iter().map(|entry| (keyed.entry_key(entry), entry));
        let others = others.filter(|(key, _)| !desired.contains_key(key) && !base.contains_key(key));
        let mut others: Vec<_> = others.map(|(key, entry)| (key, KeyEnds::new(keyed, entry), entry)).collect();
        for own in declared {
            let key = keyed.entry_key(own);
            if others.is_empty() || live_index.contains_key(&key) || found.live.contains_key(&key) {
                continue;
            }
            let Some(earlier) = base.get(&key) else { continue };
            let (ends, at) = (KeyEnds::new(keyed, own), VisitedPath::below(path));
            let is_spelling = |one: &Value, other: &Value| item.respelled_texts(&at, one, Some(other)).is_ok();
            let position = others.iter().position(|(_, other_ends, other)| {
                ends.may_be_respelled(other_ends) && [own, *earlier].into_iter().any(|one| is_spelling(one, other))
            });
            if let Some((live_key, _, entry)) = position.map(|at| others.remove(at)) {
                found.live.insert(key, entry);
                found.keys.push(live_key);
            }
        }
        found
    }
}
