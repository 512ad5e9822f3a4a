//! Who changed a field: git, somebody else, or both.
//!
//! Three sides are compared: the base, what is declared, and live. What somebody else changed is
//! taken over into the [`aim`], so that what is left to do is what git changed.

use clickpipes::semantics::{FieldSemantics, KeyedList, ListSemantics};
use model::path::FieldPath;
use serde_json::{Map, Value};

use crate::change::FieldVerdict;
use crate::diff::{entry_label, find_entry, is_same_entry};

/// One field, or one entry of a keyed list, and who changed it.
#[derive(Clone, Debug)]
pub(crate) struct ThreeWayField<'r> {
    pub(crate) path: FieldPath,
    /// The list and its label, for an entry of one.
    pub(crate) entry: Option<(&'r KeyedList, String)>,
    /// The rules of the value.
    pub(crate) rules: &'r FieldSemantics,
    pub(crate) base: Option<Value>,
    pub(crate) desired: Option<Value>,
    pub(crate) live: Option<Value>,
    pub(crate) verdict: FieldVerdict,
}

impl ThreeWayField<'_> {
    /// Whether live says nothing about what is, or was, declared.
    pub(crate) fn is_write_only(&self) -> bool {
        let declared = self.desired.as_ref().or(self.base.as_ref());
        declared.is_some_and(|value| self.rules.is_unobserved(value, self.live.as_ref()))
    }
}

/// Judges every field that is declared, or was in the base.
pub(crate) fn classify_fields<'r>(
    rules: &'r FieldSemantics,
    base: &Value,
    desired: &Value,
    live: &Value,
) -> Vec<ThreeWayField<'r>> {
    let mut found = Vec::new();
    let sides = ThreeWay { base: Some(base), desired: Some(desired), live: Some(live) };
    collect_fields(rules, sides, &FieldPath::root(), &mut found);
    found
}

/// What is declared, but with the live value of everything that drifted.
pub(crate) fn target_body(desired: &Value, classified: &[ThreeWayField<'_>]) -> Value {
    let mut target = desired.clone();
    for drifted in classified.iter().filter(|judged| judged.verdict == FieldVerdict::Drift) {
        match (&drifted.entry, &drifted.live) {
            (Some((keyed, _)), _) => apply_drifted_entry(&mut target, drifted, keyed),
            (None, Some(live)) => drifted.path.set_in(&mut target, live.clone()),
            (None, None) => remove_path(&mut target, &drifted.path),
        }
    }
    target
}

/// The three values of one field.
#[derive(Clone, Copy)]
struct ThreeWay<'v> {
    base: Option<&'v Value>,
    desired: Option<&'v Value>,
    live: Option<&'v Value>,
}

impl<'v> ThreeWay<'v> {
    fn field_values(self, name: &str) -> Self {
        let below = |side: Option<&'v Value>| side.and_then(|side| side.get(name));
        Self { base: below(self.base), desired: below(self.desired), live: below(self.live) }
    }

    /// The values of one entry of a keyed list.
    fn entry_values(self, keyed: &KeyedList, entry: &Value) -> Self {
        let among = |side: Option<&'v Value>| find_entry(keyed, list_items(side), entry);
        Self { base: among(self.base), desired: among(self.desired), live: among(self.live) }
    }

    fn to_field<'r>(
        self,
        rules: &'r FieldSemantics,
        path: &FieldPath,
        entry: Option<(&'r KeyedList, String)>,
        verdict: FieldVerdict,
    ) -> ThreeWayField<'r> {
        ThreeWayField {
            path: path.clone(),
            entry,
            rules,
            base: self.base.cloned(),
            desired: self.desired.cloned(),
            live: self.live.filter(|live| !live.is_null()).cloned(),
            verdict,
        }
    }
}

fn collect_fields<'r>(
    rules: &'r FieldSemantics,
    sides: ThreeWay<'_>,
    path: &FieldPath,
    found: &mut Vec<ThreeWayField<'r>>,
) {
    if rules.local_only {
        return;
    }
    match (sides.desired, sides.live, &rules.list) {
        (None, ..) => found.push(sides.to_field(rules, path, None, FieldVerdict::Removal)),
        (Some(desired @ Value::Object(fields)), Some(Value::Object(_)), _)
            if !rules.is_leaf(desired) && !rules.is_unobserved(desired, sides.live) =>
        {
            let was = sides.base.and_then(Value::as_object).into_iter().flatten();
            let removed = was.map(|(name, _)| name).filter(|name| !fields.contains_key(*name));
            for name in fields.keys().chain(removed) {
                collect_fields(rules.child_field(name), sides.field_values(name), &path.child(name), found);
            }
        }
        (Some(Value::Array(_)), _, ListSemantics::Keyed(keyed)) => {
            collect_entries(rules, keyed, sides, path, found);
        }
        (Some(desired), ..) => {
            let verdict = field_verdict(rules, sides.base, desired, sides.live);
            found.extend(verdict.map(|verdict| sides.to_field(rules, path, None, verdict)));
        }
    }
}

fn field_verdict(
    rules: &FieldSemantics,
    base: Option<&Value>,
    desired: &Value,
    live: Option<&Value>,
) -> Option<FieldVerdict> {
    let live_is_desired = rules.matches_live(desired, live);
    let is_write_only = rules.is_unobserved(desired, live);
    match base {
        None if is_write_only && !rules.is_implied_by_omission(desired) => Some(FieldVerdict::Change),
        None if live_is_desired => live.is_some_and(|live| !live.is_null()).then_some(FieldVerdict::Adoption),
        None => Some(FieldVerdict::Change),
        Some(base) => {
            let unchanged = rules.requests_same(base, desired);
            let lowered = unchanged && !rules.declares_same(base, desired);
            let became_readable = !is_write_only && rules.is_unobserved(base, live);
            match (unchanged, live_is_desired, rules.matches_live(base, live)) {
                // Live goes with both sides of what git changed, and so tells nothing about it.
                (false, true, true) if !became_readable => Some(FieldVerdict::Change),
                (false, true, true) => Some(FieldVerdict::Applied),
                (true, true, _) if lowered => Some(FieldVerdict::Lowered),
                (unchanged, live_is_desired, live_is_base) => decide_verdict(unchanged, live_is_desired, live_is_base),
            }
        }
    }
}

fn collect_entries<'r>(
    rules: &'r FieldSemantics,
    keyed: &'r KeyedList,
    sides: ThreeWay<'_>,
    path: &FieldPath,
    found: &mut Vec<ThreeWayField<'r>>,
) {
    let item = rules.list_item();
    let live_is_desired = sides.desired.is_some_and(|desired| rules.matches_live(desired, sides.live));
    if sides.base.is_none() && live_is_desired {
        let verdict = sides.desired.and_then(|desired| field_verdict(rules, None, desired, sides.live));
        found.extend(verdict.map(|verdict| sides.to_field(rules, path, None, verdict)));
        return;
    }
    let mut all: Vec<&Value> = Vec::new();
    for entry in [sides.desired, sides.base, sides.live].into_iter().flat_map(list_items) {
        if !all.iter().any(|other| is_same_entry(keyed, entry, other)) {
            all.push(entry);
        }
    }
    let mut entry_fields: Vec<ThreeWayField<'r>> = Vec::new();
    for one in all {
        let entry_sides = sides.entry_values(keyed, one);
        let verdict = match sides.base {
            None if is_same_value(item, entry_sides.desired, entry_sides.live) => None,
            None => Some(FieldVerdict::Change),
            Some(_) => decide_verdict(
                is_same_value(item, entry_sides.base, entry_sides.desired)
                    && is_same_value(item, entry_sides.desired, entry_sides.base),
                is_same_value(item, entry_sides.desired, entry_sides.live),
                is_same_value(item, entry_sides.base, entry_sides.live),
            ),
        };
        let entry = Some((keyed, entry_label(keyed, one)));
        entry_fields.extend(verdict.map(|verdict| entry_sides.to_field(item, path, entry, verdict)));
    }
    // Live lists come in any order.
    entry_fields.sort_by(|a, b| a.entry.as_ref().map(|e| &e.1).cmp(&b.entry.as_ref().map(|e| &e.1)));
    found.extend(entry_fields);
}

fn list_items(side: Option<&Value>) -> &[Value] {
    side.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether an entry is there on neither side, or says the same on both.
fn is_same_value(item: &FieldSemantics, one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => item.matches_live(one, Some(other)),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// `None` is nothing to tell: it is as declared and was so before, or it cannot be told.
fn decide_verdict(unchanged: bool, live_is_desired: bool, live_is_base: bool) -> Option<FieldVerdict> {
    match (unchanged, live_is_desired, live_is_base) {
        (_, true, true) | (true, true, false) => None,
        (true, false, _) => Some(FieldVerdict::Drift),
        (false, true, false) => Some(FieldVerdict::Applied),
        (false, false, true) => Some(FieldVerdict::Change),
        (false, false, false) => Some(FieldVerdict::Conflict),
    }
}

fn apply_drifted_entry(target: &mut Value, drifted: &ThreeWayField<'_>, keyed: &KeyedList) {
    let Some(Value::Array(list)) = value_at_path(target, &drifted.path) else { return };
    let Some(known) = drifted.desired.as_ref().or(drifted.live.as_ref()) else { return };
    let at = list.iter().position(|entry| is_same_entry(keyed, known, entry));
    match (at, &drifted.live) {
        (Some(at), Some(live)) => list[at] = keep_desired_fields(&list[at], live),
        (Some(at), None) => _ = list.remove(at),
        (None, Some(live)) => list.push(without_nulls(live)),
        (None, None) => {}
    }
}

fn value_at_path<'v>(document: &'v mut Value, path: &FieldPath) -> Option<&'v mut Value> {
    path.segments().iter().try_fold(document, |value, segment| value.get_mut(segment.as_str()))
}

/// The live value of what is declared: what the API adds on its own is not sent back.
fn keep_desired_fields(desired: &Value, live: &Value) -> Value {
    let (Value::Object(desired), Value::Object(live)) = (desired, live) else {
        return live.clone();
    };
    let known = live.iter().filter(|(name, value)| desired.contains_key(*name) && !value.is_null());
    known.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

fn without_nulls(live: &Value) -> Value {
    let Value::Object(fields) = live else { return live.clone() };
    let set = fields.iter().filter(|(_, value)| !value.is_null());
    set.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

pub(crate) fn remove_path(document: &mut Value, path: &FieldPath) {
    let (Some(parent), Some(name)) = (path.parent(), path.last_segment()) else { return };
    if let Some(Value::Object(fields)) = value_at_path(document, &parent) {
        fields.shift_remove(name);
    }
}
