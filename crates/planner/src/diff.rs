//! Which declared fields the live side contradicts.

use clickpipes::semantics::{FieldSemantics, KeyedList, ListSemantics, OnChange, Readback};
use model::path::FieldPath;
use serde_json::{Map, Value};

/// One declared field that is not so live.
#[derive(Clone, Debug)]
pub(crate) struct Difference<'r> {
    pub(crate) path: FieldPath,
    pub(crate) rules: &'r FieldSemantics,
    /// What changing it takes: the strictest of everything below it.
    pub(crate) on_change: OnChange,
    pub(crate) desired: Value,
    pub(crate) live: Option<Value>,
    /// The entries that differ, for a list that is compared by entries.
    pub(crate) entries: Vec<EntryDifference>,
    /// Why it is one, where live does not contradict.
    pub(crate) write_only: Option<WriteOnlyChange>,
}

/// Why something is sent that cannot be compared with live.
#[derive(Clone, Debug)]
pub(crate) enum WriteOnlyChange {
    /// Git changed it from this.
    ChangedInGit(Option<Value>),
    /// It was asked for.
    ResendRequested,
}

/// One entry of a keyed list that is not so live.
#[derive(Clone, Debug)]
pub(crate) struct EntryDifference {
    pub(crate) label: String,
    pub(crate) desired: Option<Value>,
    pub(crate) live: Option<Value>,
}

/// Compares a declared object with the live one. Also gives the live side of the declared fields,
/// spelled as declared wherever both agree.
pub(crate) fn diff_with_live<'r>(
    rules: &'r FieldSemantics,
    desired: &Value,
    live: &Value,
) -> (Vec<Difference<'r>>, Value) {
    let mut found = Vec::new();
    let before = compare_value(rules, desired, Some(live), &FieldPath::root(), &mut found);
    (found, before.unwrap_or(Value::Null))
}

fn compare_value<'r>(
    rules: &'r FieldSemantics,
    desired: &Value,
    live: Option<&Value>,
    path: &FieldPath,
    found: &mut Vec<Difference<'r>>,
) -> Option<Value> {
    match (desired, live) {
        (Value::Object(fields), Some(Value::Object(live))) if !rules.is_leaf(desired) => {
            let mut before = Map::new();
            for (name, value) in fields {
                let path = path.child(name);
                let live = live.get(name);
                if let Some(value) = compare_value(rules.child_field(name), value, live, &path, found) {
                    before.insert(name.clone(), value);
                }
            }
            Some(Value::Object(before))
        }
        _ if rules.matches_live(desired, live) => Some(rules.shown(desired)),
        _ => {
            let live = live.filter(|live| !live.is_null());
            found.push(Difference {
                path: path.clone(),
                rules,
                on_change: strongest_on_change(rules, desired, live),
                desired: desired.clone(),
                live: live.cloned(),
                entries: diff_entries(rules, desired, live),
                write_only: None,
            });
            live.map(|live| align_with_desired(rules, desired, live))
        }
    }
}

/// The live value in the order and the words of the declared one, as far as both agree, so that
/// only what differs looks different.
fn align_with_desired(rules: &FieldSemantics, desired: &Value, live: &Value) -> Value {
    let (Value::Array(desired), Value::Array(live), false) = (desired, live, rules.list == ListSemantics::Atomic)
    else {
        return rules.shown(live);
    };
    let item = rules.list_item();
    let mut rest: Vec<&Value> = live.iter().collect();
    let mut entries: Vec<Value> = desired
        .iter()
        .filter_map(|entry| {
            let at = rest.iter().position(|live| is_matching_entry(rules, entry, live))?;
            compare_value(item, entry, Some(rest.remove(at)), &FieldPath::root(), &mut Vec::new())
        })
        .collect();
    let mut others: Vec<Value> = rest.into_iter().map(|live| item.shown(live)).collect();
    // Live lists come in any order.
    others.sort_by_key(Value::to_string);
    entries.extend(others);
    Value::Array(entries)
}

/// Whether a live entry is the counterpart of a declared one.
fn is_matching_entry(rules: &FieldSemantics, desired: &Value, live: &Value) -> bool {
    match &rules.list {
        ListSemantics::Keyed(keyed) => is_same_entry(keyed, desired, live),
        ListSemantics::Atomic | ListSemantics::Set => rules.list_item().matches_live(desired, Some(live)),
    }
}

/// A whole block that is missing live takes a replacement as soon as one field of it does. A field
/// that cannot be read back does not decide.
fn strongest_on_change(rules: &FieldSemantics, desired: &Value, live: Option<&Value>) -> OnChange {
    let own = rules.on_change_between(live, Some(desired));
    let Value::Object(fields) = desired else { return own };
    let below = fields.iter().filter_map(|(name, value)| {
        let rules = rules.child_field(name);
        let decides = !rules.local_only && !rules.is_secret && rules.readback != Readback::Never;
        decides.then(|| strongest_on_change(rules, value, None))
    });
    below.chain([own]).find(|on_change| *on_change == OnChange::Replace).unwrap_or(own)
}

fn diff_entries(rules: &FieldSemantics, desired: &Value, live: Option<&Value>) -> Vec<EntryDifference> {
    let ListSemantics::Keyed(keyed) = &rules.list else { return Vec::new() };
    let none = Vec::new();
    let desired = desired.as_array().unwrap_or(&none);
    let live = live.and_then(Value::as_array).unwrap_or(&none);
    let removed = live.iter().filter(|entry| find_entry(keyed, desired, entry).is_none());
    let differing = desired.iter().filter_map(|entry| {
        let live = find_entry(keyed, live, entry);
        (live.is_none() || !rules.list_item().matches_live(entry, live)).then(|| EntryDifference {
            label: entry_label(keyed, entry),
            desired: Some(entry.clone()),
            live: live.cloned(),
        })
    });
    let removed = removed.map(|entry| EntryDifference {
        label: entry_label(keyed, entry),
        desired: None,
        live: Some(entry.clone()),
    });
    let mut entries: Vec<EntryDifference> = differing.chain(removed).collect();
    // Live lists come in any order.
    entries.sort_by(|a, b| a.label.cmp(&b.label));
    entries
}

pub(crate) fn find_entry<'v>(keyed: &KeyedList, among: &'v [Value], entry: &Value) -> Option<&'v Value> {
    among.iter().find(|other| is_same_entry(keyed, entry, other))
}

pub(crate) fn is_same_entry(keyed: &KeyedList, one: &Value, other: &Value) -> bool {
    keyed.identity.iter().all(|field| one.get(field) == other.get(field))
}

/// What a person would call an entry: `public.users -> users`.
pub(crate) fn entry_label(keyed: &KeyedList, entry: &Value) -> String {
    let texts: Vec<&str> = keyed.identity.iter().filter_map(|field| entry.get(field).and_then(Value::as_str)).collect();
    let source = keyed.deltas.as_ref().map_or(texts.len(), |deltas| deltas.source_key_length);
    let (source, target) = texts.split_at(source.min(texts.len()));
    [source.join("."), target.join(".")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" -> ")
}
