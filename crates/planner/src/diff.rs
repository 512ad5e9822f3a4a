//! Which declared fields the live side contradicts.

use model::path::Path;
use model::rules::{Echo, Keyed, List, OnChange, Rules};
use serde_json::{Map, Value};

/// One declared field that is not so live.
#[derive(Clone, Debug)]
pub(crate) struct Difference<'r> {
    pub(crate) path: Path,
    pub(crate) rules: &'r Rules,
    /// What changing it takes: the strictest of everything below it.
    pub(crate) on_change: OnChange,
    pub(crate) desired: Value,
    pub(crate) live: Option<Value>,
    /// The entries that differ, for a list that is compared by entries.
    pub(crate) entries: Vec<Entry>,
    /// Why it is one, where live does not contradict.
    pub(crate) unseen: Option<Unseen>,
}

/// Why something is sent that cannot be compared with live.
#[derive(Clone, Debug)]
pub(crate) enum Unseen {
    /// Git changed it from this.
    Changed(Option<Value>),
    /// It was asked for.
    AskedFor,
}

/// One entry of a keyed list that is not so live.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) desired: Option<Value>,
    pub(crate) live: Option<Value>,
}

/// Compares a declared object with the live one. Also gives the live side of the declared fields,
/// spelled as declared wherever both agree.
pub(crate) fn diff<'r>(
    rules: &'r Rules,
    desired: &Value,
    live: &Value,
) -> (Vec<Difference<'r>>, Value) {
    let mut found = Vec::new();
    let before = compare(rules, desired, Some(live), &Path::root(), &mut found);
    (found, before.unwrap_or(Value::Null))
}

fn compare<'r>(
    rules: &'r Rules,
    desired: &Value,
    live: Option<&Value>,
    path: &Path,
    found: &mut Vec<Difference<'r>>,
) -> Option<Value> {
    match (desired, live) {
        (Value::Object(fields), Some(Value::Object(live))) if !rules.is_leaf(desired) => {
            let mut before = Map::new();
            for (name, value) in fields {
                let path = path.child(name);
                let live = live.get(name);
                if let Some(value) = compare(rules.field(name), value, live, &path, found) {
                    before.insert(name.clone(), value);
                }
            }
            Some(Value::Object(before))
        }
        _ if rules.agrees(desired, live) => Some(rules.shown(desired)),
        _ => {
            let live = live.filter(|live| !live.is_null());
            found.push(Difference {
                path: path.clone(),
                rules,
                on_change: strictest(rules, desired, live),
                desired: desired.clone(),
                live: live.cloned(),
                entries: entries(rules, desired, live),
                unseen: None,
            });
            live.map(|live| alike(rules, desired, live))
        }
    }
}

/// The live value in the order and the words of the declared one, as far as both agree, so that
/// only what differs looks different.
fn alike(rules: &Rules, desired: &Value, live: &Value) -> Value {
    let (Value::Array(desired), Value::Array(live), false) =
        (desired, live, rules.list == List::Atomic)
    else {
        return rules.shown(live);
    };
    let item = rules.item();
    let mut rest: Vec<&Value> = live.iter().collect();
    let mut entries: Vec<Value> = desired
        .iter()
        .filter_map(|entry| {
            let at = rest.iter().position(|live| is_entry(rules, entry, live))?;
            compare(item, entry, Some(rest.remove(at)), &Path::root(), &mut Vec::new())
        })
        .collect();
    let mut others: Vec<Value> = rest.into_iter().map(|live| item.shown(live)).collect();
    // Live lists come in any order.
    others.sort_by_key(Value::to_string);
    entries.extend(others);
    Value::Array(entries)
}

/// Whether a live entry is the counterpart of a declared one.
fn is_entry(rules: &Rules, desired: &Value, live: &Value) -> bool {
    match &rules.list {
        List::Keyed(keyed) => is_same_entry(keyed, desired, live),
        List::Atomic | List::Set => rules.item().agrees(desired, Some(live)),
    }
}

/// A whole block that is missing live takes a replacement as soon as one field of it does. A field
/// that cannot be read back does not decide.
fn strictest(rules: &Rules, desired: &Value, live: Option<&Value>) -> OnChange {
    let own = rules.on_change_between(live, Some(desired));
    let Value::Object(fields) = desired else { return own };
    let below = fields.iter().filter_map(|(name, value)| {
        let rules = rules.field(name);
        let decides = !rules.local && !rules.secret && rules.echo != Echo::Never;
        decides.then(|| strictest(rules, value, None))
    });
    below.chain([own]).find(|on_change| *on_change == OnChange::Replace).unwrap_or(own)
}

fn entries(rules: &Rules, desired: &Value, live: Option<&Value>) -> Vec<Entry> {
    let List::Keyed(keyed) = &rules.list else { return Vec::new() };
    let none = Vec::new();
    let desired = desired.as_array().unwrap_or(&none);
    let live = live.and_then(Value::as_array).unwrap_or(&none);
    let gone = live.iter().filter(|entry| find(keyed, desired, entry).is_none());
    let differing = desired.iter().filter_map(|entry| {
        let live = find(keyed, live, entry);
        (live.is_none() || !rules.item().agrees(entry, live)).then(|| Entry {
            label: label(keyed, entry),
            desired: Some(entry.clone()),
            live: live.cloned(),
        })
    });
    let gone = gone.map(|entry| Entry {
        label: label(keyed, entry),
        desired: None,
        live: Some(entry.clone()),
    });
    let mut entries: Vec<Entry> = differing.chain(gone).collect();
    // Live lists come in any order.
    entries.sort_by(|a, b| a.label.cmp(&b.label));
    entries
}

pub(crate) fn find<'v>(keyed: &Keyed, among: &'v [Value], entry: &Value) -> Option<&'v Value> {
    among.iter().find(|other| is_same_entry(keyed, entry, other))
}

pub(crate) fn is_same_entry(keyed: &Keyed, one: &Value, other: &Value) -> bool {
    keyed.identity.iter().all(|field| one.get(field) == other.get(field))
}

/// What a person would call an entry: `public.users -> users`.
pub(crate) fn label(keyed: &Keyed, entry: &Value) -> String {
    let texts: Vec<&str> = keyed
        .identity
        .iter()
        .filter_map(|field| entry.get(field).and_then(Value::as_str))
        .collect();
    let source = keyed.deltas.as_ref().map_or(texts.len(), |deltas| deltas.source);
    let (source, target) = texts.split_at(source.min(texts.len()));
    [source.join("."), target.join(".")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" -> ")
}
