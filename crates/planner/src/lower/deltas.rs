//! Changes of a list that the API takes as entries to add and entries to remove.
//!
//! The API refuses a request that adds and removes the same source, or adds a target that is in
//! use, or leaves the list empty. So what changes may take several requests.

use model::rules::{Deltas, Keyed};
use serde_json::{Map, Value};

use crate::diff::{Difference, Entry};

/// What one request does to the list.
#[derive(Debug, Default)]
pub(super) struct Step {
    remove: Vec<Value>,
    add: Vec<Value>,
}

/// The requests in order; `None` where the list would be empty in between, whatever the order.
pub(super) fn steps(keyed: &Keyed, difference: &Difference<'_>) -> Option<Vec<Step>> {
    let live = difference.live.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
    let gone: Vec<&Value> = entries(difference, |entry| entry.live.as_ref());
    let come: Vec<&Value> = entries(difference, |entry| entry.desired.as_ref());
    let in_the_way = |entry: &&Value| gone.iter().any(|other| collide(keyed, entry, other));
    let (later, first): (Vec<_>, Vec<_>) = come.iter().copied().partition(in_the_way);
    let (removed, added) = match (later.is_empty(), live > gone.len(), first.is_empty()) {
        (true, _, _) => return Some(vec![Step::new(keyed, &gone, &come)]),
        // A stop for the next request would break off the copy of what is added now.
        (false, true, _) => (Step::new(keyed, &gone, &[]), come),
        (false, false, false) => (Step::new(keyed, &gone, &first), later),
        (false, false, true) => return one_by_one(keyed, &gone, &come),
    };
    Some(vec![removed, Step::new(keyed, &[], &added)])
}

fn entries<'d>(
    difference: &'d Difference<'_>,
    side: impl Fn(&'d Entry) -> Option<&'d Value>,
) -> Vec<&'d Value> {
    difference.entries.iter().filter_map(side).collect()
}

/// Nothing stays as it is: one entry keeps the list from being empty until others have come back.
fn one_by_one(keyed: &Keyed, gone: &[&Value], come: &[&Value]) -> Option<Vec<Step>> {
    let collides = |entry: &&Value, keeper: &Value| collide(keyed, entry, keeper);
    let frees = |keeper: &&&Value| come.iter().filter(|entry| !collides(entry, keeper)).count();
    let keeper = *gone.iter().max_by_key(frees)?;
    let others: Vec<&Value> = gone.iter().copied().filter(|entry| *entry != keeper).collect();
    let (last, next): (Vec<_>, Vec<_>) =
        come.iter().copied().partition(|entry| collides(entry, keeper));
    let steps = || {
        vec![
            Step::new(keyed, &others, &[]),
            Step::new(keyed, &[keeper], &next),
            Step::new(keyed, &[], &last),
        ]
    };
    (!next.is_empty()).then(steps)
}

impl Step {
    fn new(keyed: &Keyed, gone: &[&Value], come: &[&Value]) -> Self {
        let remove = gone.iter().map(|entry| identity(keyed, entry)).collect();
        Self { remove, add: come.iter().copied().cloned().collect() }
    }

    fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty()
    }

    fn write(self, names: &Deltas, difference: &Difference<'_>, body: &mut Value) {
        let Some(parent) = difference.path.parent() else { return };
        for (name, entries) in [(&names.remove, self.remove), (&names.add, self.add)] {
            if !entries.is_empty() {
                parent.child(name).set(body, entries.into());
            }
        }
    }
}

/// Writes the first request into a body that holds other changes, too, the others each into one of
/// their own.
pub(super) fn write(
    difference: &Difference<'_>,
    keyed: &Keyed,
    first: &mut Value,
    later: &mut Vec<Value>,
) {
    let Some(names) = &keyed.deltas else { return };
    let steps = steps(keyed, difference).unwrap_or_default();
    for (index, step) in steps.into_iter().filter(|step| !step.is_empty()).enumerate() {
        if index == 0 {
            step.write(names, difference, first);
        } else {
            let mut body = Value::Object(Map::new());
            step.write(names, difference, &mut body);
            later.push(body);
        }
    }
}

/// Whether two entries have the same source, or the same target.
fn collide(keyed: &Keyed, one: &Value, other: &Value) -> bool {
    let source = keyed.deltas.as_ref().map_or(0, |deltas| deltas.source);
    let (source, target) = keyed.identity.split_at(source.min(keyed.identity.len()));
    let same = |fields: &[String]| {
        !fields.is_empty() && fields.iter().all(|field| one.get(field) == other.get(field))
    };
    same(source) || same(target)
}

fn identity(keyed: &Keyed, entry: &Value) -> Value {
    let named = keyed
        .identity
        .iter()
        .filter_map(|field| entry.get(field).map(|value| (field.clone(), value.clone())));
    Value::Object(named.collect())
}
