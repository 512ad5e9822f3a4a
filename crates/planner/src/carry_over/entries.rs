//! Pairs declared entries of a list with the live entries that they continue.

use super::{BTreeSet, FieldSemantics, HashMap, KeyedList, ListSemantics, Value};

type Pair<'d, 'l> = (&'d Value, Option<&'l Value>);

/// The declared entries, each with its live counterpart.
pub(super) fn pair_entries<'d, 'l>(
    rules: &FieldSemantics,
    desired: &'d [Value],
    live: &'l [Value],
) -> Vec<Pair<'d, 'l>> {
    match &rules.list {
        ListSemantics::Keyed(keyed) => pair_by_key(keyed, desired, live),
        ListSemantics::Atomic | ListSemantics::Set => pair_by_value(rules.list_item(), desired, live),
    }
}

/// An entry with the same identity, or the only one of its source: a table may go to another target.
fn pair_by_key<'d, 'l>(keyed: &KeyedList, desired: &'d [Value], live: &'l [Value]) -> Vec<Pair<'d, 'l>> {
    let by_key: HashMap<_, _> = live.iter().rev().map(|entry| (keyed.entry_key(entry), entry)).collect();
    let claimed: BTreeSet<String> = desired.iter().map(|entry| format!("{:?}", keyed.entry_key(entry))).collect();
    let source_length =
        keyed.deltas.as_ref().map_or(keyed.identity.len().saturating_sub(1), |deltas| deltas.source_key_length);
    let source_key = |entry: &Value| format!("{:?}", &keyed.entry_key(entry)[..source_length]);
    let mut by_source: HashMap<String, Vec<&'l Value>> = HashMap::new();
    for entry in
        live.iter().filter(|entry| source_length > 0 && !claimed.contains(&format!("{:?}", keyed.entry_key(entry))))
    {
        by_source.entry(source_key(entry)).or_default().push(entry);
    }
    let moved = |entry: &Value| match by_source.get(&source_key(entry)).map(Vec::as_slice) {
        // If one source has several mappings, it is unknown which one moved. A guess would give the new table the
        // columns of another one.
        Some([only]) => Some(*only),
        _ => None,
    };
    desired.iter().map(|entry| (entry, by_key.get(&keyed.entry_key(entry)).copied().or_else(|| moved(entry)))).collect()
}

/// The live entry that contains every declared value, or else the most similar one.
fn pair_by_value<'d, 'l>(item: &FieldSemantics, desired: &'d [Value], live: &'l [Value]) -> Vec<Pair<'d, 'l>> {
    let mut rest: Vec<&Value> = live.iter().collect();
    let mut pairs: Vec<Pair<'d, 'l>> = desired.iter().map(|entry| (entry, None)).collect();
    for (entry, found) in pairs.iter_mut().filter(|(entry, _)| entry.is_object()) {
        let same = rest.iter().position(|live| item.matches_live(entry, Some(live)));
        *found = same.map(|position| rest.remove(position));
    }
    for (entry, found) in pairs.iter_mut().filter(|(entry, found)| entry.is_object() && found.is_none()) {
        let Some(fields) = entry.as_object() else { continue };
        let equal_fields = |live: &Value| {
            let equal = |(name, value): &(&String, &Value)| item.child_field(name).matches_live(value, live.get(*name));
            fields.iter().filter(equal).count()
        };
        let best = (0..rest.len()).max_by_key(|position| equal_fields(rest[*position]));
        // With less than half in common, it is an unrelated entry of the same list.
        let best = best.filter(|position| 2 * equal_fields(rest[*position]) >= fields.len());
        *found = best.map(|position| rest.remove(position));
    }
    pairs
}
