//! Who changed a field: git, somebody else, or both.
//!
//! Three sides are compared: the base, what is declared, and live. What somebody else changed is
//! taken over into the [`aim`], so that what is left to do is what git changed.

use model::path::Path;
use model::rules::{Keyed, List, Rules};
use serde_json::{Map, Value};

use crate::change::FieldVerdict;
use crate::diff::{find, is_same_entry, label};

/// One field, or one entry of a keyed list, and who changed it.
#[derive(Clone, Debug)]
pub(crate) struct Judged<'r> {
    pub(crate) path: Path,
    /// The list and its label, for an entry of one.
    pub(crate) entry: Option<(&'r Keyed, String)>,
    /// The rules of the value.
    pub(crate) rules: &'r Rules,
    pub(crate) base: Option<Value>,
    pub(crate) desired: Option<Value>,
    pub(crate) live: Option<Value>,
    pub(crate) verdict: FieldVerdict,
}

impl Judged<'_> {
    /// Whether live says nothing about what is, or was, declared.
    pub(crate) fn is_untold(&self) -> bool {
        let declared = self.desired.as_ref().or(self.base.as_ref());
        declared.is_some_and(|value| self.rules.is_untold(value, self.live.as_ref()))
    }
}

/// Judges every field that is declared, or was in the base.
pub(crate) fn judge<'r>(
    rules: &'r Rules,
    base: &Value,
    desired: &Value,
    live: &Value,
) -> Vec<Judged<'r>> {
    let mut found = Vec::new();
    let sides = Sides { base: Some(base), desired: Some(desired), live: Some(live) };
    walk(rules, sides, &Path::root(), &mut found);
    found
}

/// What is declared, but with the live value of everything that drifted.
pub(crate) fn aim(desired: &Value, judged: &[Judged<'_>]) -> Value {
    let mut aim = desired.clone();
    for drifted in judged.iter().filter(|judged| judged.verdict == FieldVerdict::Drift) {
        match (&drifted.entry, &drifted.live) {
            (Some((keyed, _)), _) => take_over_entry(&mut aim, drifted, keyed),
            (None, Some(live)) => drifted.path.set(&mut aim, live.clone()),
            (None, None) => remove(&mut aim, &drifted.path),
        }
    }
    aim
}

/// The three values of one field.
#[derive(Clone, Copy)]
struct Sides<'v> {
    base: Option<&'v Value>,
    desired: Option<&'v Value>,
    live: Option<&'v Value>,
}

impl<'v> Sides<'v> {
    fn field(self, name: &str) -> Self {
        let below = |side: Option<&'v Value>| side.and_then(|side| side.get(name));
        Self { base: below(self.base), desired: below(self.desired), live: below(self.live) }
    }

    /// The values of one entry of a keyed list.
    fn entry(self, keyed: &Keyed, entry: &Value) -> Self {
        let among = |side: Option<&'v Value>| find(keyed, items(side), entry);
        Self { base: among(self.base), desired: among(self.desired), live: among(self.live) }
    }

    fn judged<'r>(
        self,
        rules: &'r Rules,
        path: &Path,
        entry: Option<(&'r Keyed, String)>,
        verdict: FieldVerdict,
    ) -> Judged<'r> {
        Judged {
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

fn walk<'r>(rules: &'r Rules, sides: Sides<'_>, path: &Path, found: &mut Vec<Judged<'r>>) {
    if rules.local {
        return;
    }
    match (sides.desired, sides.live, &rules.list) {
        (None, ..) => found.push(sides.judged(rules, path, None, FieldVerdict::Removal)),
        (Some(desired @ Value::Object(fields)), Some(Value::Object(_)), _)
            if !rules.is_leaf(desired) && !rules.is_untold(desired, sides.live) =>
        {
            let was = sides.base.and_then(Value::as_object).into_iter().flatten();
            let gone = was.map(|(name, _)| name).filter(|name| !fields.contains_key(*name));
            for name in fields.keys().chain(gone) {
                walk(rules.field(name), sides.field(name), &path.child(name), found);
            }
        }
        (Some(Value::Array(_)), _, List::Keyed(keyed)) => {
            entries(rules, keyed, sides, path, found);
        }
        (Some(desired), ..) => {
            let verdict = field(rules, sides.base, desired, sides.live);
            found.extend(verdict.map(|verdict| sides.judged(rules, path, None, verdict)));
        }
    }
}

fn field(
    rules: &Rules,
    base: Option<&Value>,
    desired: &Value,
    live: Option<&Value>,
) -> Option<FieldVerdict> {
    let live_is_desired = rules.agrees(desired, live);
    let untold = rules.is_untold(desired, live);
    match base {
        None if untold && !rules.says_unset(desired) => Some(FieldVerdict::Change),
        None if live_is_desired => {
            live.is_some_and(|live| !live.is_null()).then_some(FieldVerdict::Adoption)
        }
        None => Some(FieldVerdict::Change),
        Some(base) => {
            let unchanged = rules.asks_same(base, desired);
            let lowered = unchanged && !rules.declares_same(base, desired);
            let told_now = !untold && rules.is_untold(base, live);
            match (unchanged, live_is_desired, rules.agrees(base, live)) {
                // Live goes with both sides of what git changed, and so tells nothing about it.
                (false, true, true) if !told_now => Some(FieldVerdict::Change),
                (false, true, true) => Some(FieldVerdict::Applied),
                (true, true, _) if lowered => Some(FieldVerdict::Lowered),
                (unchanged, live_is_desired, live_is_base) => {
                    verdict(unchanged, live_is_desired, live_is_base)
                }
            }
        }
    }
}

fn entries<'r>(
    rules: &'r Rules,
    keyed: &'r Keyed,
    sides: Sides<'_>,
    path: &Path,
    found: &mut Vec<Judged<'r>>,
) {
    let item = rules.item();
    let live_is_desired = sides.desired.is_some_and(|desired| rules.agrees(desired, sides.live));
    if sides.base.is_none() && live_is_desired {
        let verdict = sides.desired.and_then(|desired| field(rules, None, desired, sides.live));
        found.extend(verdict.map(|verdict| sides.judged(rules, path, None, verdict)));
        return;
    }
    let mut all: Vec<&Value> = Vec::new();
    for entry in [sides.desired, sides.base, sides.live].into_iter().flat_map(items) {
        if !all.iter().any(|other| is_same_entry(keyed, entry, other)) {
            all.push(entry);
        }
    }
    let mut judged: Vec<Judged<'r>> = Vec::new();
    for one in all {
        let of = sides.entry(keyed, one);
        let verdict = match sides.base {
            None if same(item, of.desired, of.live) => None,
            None => Some(FieldVerdict::Change),
            Some(_) => verdict(
                same(item, of.base, of.desired) && same(item, of.desired, of.base),
                same(item, of.desired, of.live),
                same(item, of.base, of.live),
            ),
        };
        let entry = Some((keyed, label(keyed, one)));
        judged.extend(verdict.map(|verdict| of.judged(item, path, entry, verdict)));
    }
    // Live lists come in any order.
    judged.sort_by(|a, b| a.entry.as_ref().map(|e| &e.1).cmp(&b.entry.as_ref().map(|e| &e.1)));
    found.extend(judged);
}

fn items(side: Option<&Value>) -> &[Value] {
    side.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether an entry is there on neither side, or says the same on both.
fn same(item: &Rules, one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => item.agrees(one, Some(other)),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// `None` is nothing to tell: it is as declared and was so before, or it cannot be told.
fn verdict(unchanged: bool, live_is_desired: bool, live_is_base: bool) -> Option<FieldVerdict> {
    match (unchanged, live_is_desired, live_is_base) {
        (_, true, true) | (true, true, false) => None,
        (true, false, _) => Some(FieldVerdict::Drift),
        (false, true, false) => Some(FieldVerdict::Applied),
        (false, false, true) => Some(FieldVerdict::Change),
        (false, false, false) => Some(FieldVerdict::Conflict),
    }
}

fn take_over_entry(aim: &mut Value, drifted: &Judged<'_>, keyed: &Keyed) {
    let Some(Value::Array(list)) = object_of(aim, &drifted.path) else { return };
    let Some(known) = drifted.desired.as_ref().or(drifted.live.as_ref()) else { return };
    let at = list.iter().position(|entry| is_same_entry(keyed, known, entry));
    match (at, &drifted.live) {
        (Some(at), Some(live)) => list[at] = projected(&list[at], live),
        (Some(at), None) => _ = list.remove(at),
        (None, Some(live)) => list.push(without_nulls(live)),
        (None, None) => {}
    }
}

fn object_of<'v>(document: &'v mut Value, path: &Path) -> Option<&'v mut Value> {
    path.segments().iter().try_fold(document, |value, segment| value.get_mut(segment.as_str()))
}

/// The live value of what is declared: what the API adds on its own is not sent back.
fn projected(desired: &Value, live: &Value) -> Value {
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

pub(crate) fn remove(document: &mut Value, path: &Path) {
    let (Some(parent), Some(name)) = (path.parent(), path.last()) else { return };
    if let Some(Value::Object(fields)) = object_of(document, &parent) {
        fields.shift_remove(name);
    }
}
