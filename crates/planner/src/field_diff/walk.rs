//! The walk itself: which fields of the sides are compared, and who changed each.

use std::collections::{HashMap, HashSet};

use clickpipes::semantics::{EntryKey, FieldSemantics, KeyedList, ListSemantics};
use model::path::FieldPath;
use serde_json::Value;

use super::respelled_keys::{EntryIndex, RespelledEntries};
use super::{FieldDiff, ListEntry, Origin, Side, is_unset};
use crate::change::FieldVerdict;

/// The values of one field on all sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides<'v> {
    pub(crate) base: Side<'v>,
    pub(crate) desired: Option<&'v Value>,
    pub(crate) live: Side<'v>,
}

/// Compares the sides of a value, in the order of the desired side.
///
/// | base | desired | live | origin |
/// |---|---|---|---|
/// | a | b | a | change: git changed it |
/// | a | a | b | drift: somebody changed it outside git |
/// | a | b | c | conflict: both did, differently |
/// | a | b | b | applied: both did, alike |
/// | - | a | a | adoption: live before it was in git |
/// | a | - | any | removal: git no longer manages it |
/// | unknown | a | b | no base: live is made as desired |
/// | a | b | write-only | change: only git can tell |
/// | a | a | write-only | unchecked |
pub(crate) fn diff_sides<'r>(rules: &'r FieldSemantics, sides: Sides<'_>) -> Vec<FieldDiff<'r>> {
    let mut walk = Walk { found: Vec::new() };
    walk.visit_value(rules, sides, &FieldPath::root());
    walk.found
}

impl Sides<'_> {
    fn field_values(self, rules: &FieldSemantics, name: &str) -> Self {
        let is_answer = |live: &&Value| !live.is_null() || rules.is_null_an_answer();
        let live = self.live.value_below(|live| live.get(name).filter(is_answer));
        Self {
            base: self.base.value_below(|base| base.get(name)),
            desired: self.desired.and_then(|desired| desired.get(name)),
            live,
        }
    }

    /// Whether the fields below are compared one by one.
    fn are_objects(self, rules: &FieldSemantics) -> bool {
        let is_block = |value: &Value| value.is_object() && !rules.is_leaf(value);
        let Some(desired) = self.desired.filter(|desired| is_block(desired)) else { return false };
        match self.live {
            Side::Unknown => self.base.value().is_some_and(is_block),
            Side::Absent => false,
            Side::Value(live) => live.is_object() && !rules.is_unobserved(desired, Some(live)),
        }
    }

    fn keyed_list(self, rules: &FieldSemantics) -> Option<&KeyedList> {
        let is_list = self.desired.is_some_and(Value::is_array);
        let is_comparable = self.live.is_known() || self.base.value().is_some_and(Value::is_array);
        match &rules.list {
            ListSemantics::Keyed(keyed) if is_list && is_comparable => Some(keyed),
            _ => None,
        }
    }

    fn matches_live(self, rules: &FieldSemantics) -> bool {
        self.live.is_known() && self.desired.is_some_and(|desired| rules.matches_live(desired, self.live.value()))
    }

    fn origin(self, rules: &FieldSemantics) -> Option<Origin> {
        let Self { base, desired: Some(desired), live } = self else {
            let verdict = if self.live.is_known() { FieldVerdict::Removal } else { FieldVerdict::Change };
            return Some(Origin::Known(verdict));
        };
        if !live.is_known() {
            let is_same = base.value().is_some_and(|base| rules.declares_same(base, desired));
            return (!is_same).then_some(Origin::Known(FieldVerdict::Change));
        }
        let (live, live_is_desired) = (live.value(), self.matches_live(rules));
        let is_write_only = rules.is_unobserved(desired, live);
        let verdict = match base {
            Side::Unknown if !live_is_desired => return Some(Origin::NoBase),
            Side::Unknown => None,
            Side::Absent if is_write_only && !rules.is_implied_by_omission(desired) => Some(FieldVerdict::Change),
            // Without a live value there is nothing to adopt: the declared value equals an unset field.
            Side::Absent if live_is_desired => live.map(|_| FieldVerdict::Adoption),
            Side::Absent => Some(FieldVerdict::Change),
            Side::Value(base) => {
                let unchanged = rules.requests_same(base, desired);
                // A lowered version of a secret sends nothing, but a reader should know that.
                let lowered = unchanged && !rules.declares_same(base, desired);
                let became_readable = !is_write_only && rules.is_unobserved(base, live);
                match (unchanged, live_is_desired, rules.matches_live(base, live)) {
                    // Live agrees with both values of git, so it cannot show whether the new one
                    // was sent.
                    (false, true, true) if !became_readable => Some(FieldVerdict::Change),
                    (false, true, true) => Some(FieldVerdict::Applied),
                    (true, true, _) if lowered => Some(FieldVerdict::Lowered),
                    (unchanged, live_is_desired, live_is_base) => {
                        decide_verdict(unchanged, live_is_desired, live_is_base)
                    }
                }
            }
        };
        verdict.map(Origin::Known).or(is_write_only.then_some(Origin::Unchecked))
    }

    fn entry_origin(self, item: &FieldSemantics, list_base: Side<'_>) -> Option<Origin> {
        let Self { base, desired, live } = self;
        let (base, live_is_desired) = (base.value(), is_same_value(item, desired, live.value()));
        if !live.is_known() {
            let is_same = base.zip(desired).is_some_and(|(base, desired)| item.declares_same(base, desired));
            return (!is_same).then_some(Origin::Known(FieldVerdict::Change));
        }
        match list_base {
            Side::Unknown => (!live_is_desired).then_some(Origin::NoBase),
            Side::Absent => (!live_is_desired).then_some(Origin::Known(FieldVerdict::Change)),
            Side::Value(_) => {
                // Both ways: a comparison covers only the fields of its first side.
                let unchanged = is_same_value(item, base, desired) && is_same_value(item, desired, base);
                let live_is_base = is_same_value(item, base, live.value());
                decide_verdict(unchanged, live_is_desired, live_is_base).map(Origin::Known)
            }
        }
    }
}

/// `None` means that there is nothing to report.
fn decide_verdict(unchanged: bool, live_is_desired: bool, live_is_base: bool) -> Option<FieldVerdict> {
    match (unchanged, live_is_desired, live_is_base) {
        // Live has the declared value, whoever set it.
        (_, true, true) | (true, true, false) => None,
        (true, false, _) => Some(FieldVerdict::Drift),
        (false, true, false) => Some(FieldVerdict::Applied),
        (false, false, true) => Some(FieldVerdict::Change),
        (false, false, false) => Some(FieldVerdict::Conflict),
    }
}

/// Whether an entry is absent on both sides, or the same on both.
pub(crate) fn is_same_value(item: &FieldSemantics, one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => item.matches_live(one, Some(other)),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

struct Walk<'r> {
    found: Vec<FieldDiff<'r>>,
}

impl<'r> Walk<'r> {
    fn visit_value(&mut self, rules: &'r FieldSemantics, sides: Sides<'_>, path: &FieldPath) {
        // Without a live side, two versions of git are compared, and there the field is like any other.
        if rules.local_only && sides.live.is_known() {
            return;
        }
        if sides.are_objects(rules) {
            return self.visit_fields(rules, sides, path);
        }
        if let (Some(_), ListSemantics::Keyed(keyed)) = (sides.keyed_list(rules), &rules.list) {
            // A list that is new in git and live already is adopted as a whole.
            if !matches!(sides.base, Side::Absent) || !sides.matches_live(rules) {
                return self.visit_entries(rules, keyed, sides, path);
            }
        }
        match sides.origin(rules) {
            Some(origin) => self.push_diff(rules, path, None, sides, origin),
            // A block that live leaves out may consist of write-only fields alone.
            None if sides.matches_live(rules) => {
                self.visit_fields(rules, sides, path);
                self.visit_hidden_items(rules, sides, path);
            }
            None => {}
        }
    }

    fn visit_fields(&mut self, rules: &'r FieldSemantics, sides: Sides<'_>, path: &FieldPath) {
        let Some(desired) = sides.desired.and_then(Value::as_object) else { return };
        let base = sides.base.value().and_then(Value::as_object).into_iter().flatten();
        let removed = base.map(|(name, _)| name).filter(|name| !desired.contains_key(*name));
        for name in desired.keys().chain(removed) {
            let field = rules.child_field(name);
            self.visit_value(field, sides.field_values(field, name), &path.child(name));
        }
    }

    /// Write-only fields in the entries of a list that is compared as a whole. With a base, the list itself shows the
    /// change.
    fn visit_hidden_items(&mut self, rules: &'r FieldSemantics, sides: Sides<'_>, path: &FieldPath) {
        if rules.list != ListSemantics::Atomic || sides.base.is_known() {
            return;
        }
        let pairs = list_items(sides.desired).iter().zip(list_items(sides.live.value()));
        for (index, (desired, live)) in pairs.enumerate() {
            let sides = Sides { desired: Some(desired), live: Side::Value(live), ..sides };
            self.found.extend(hidden_fields(rules.list_item(), &path.child(index), sides));
        }
    }

    fn visit_entries(&mut self, rules: &'r FieldSemantics, keyed: &'r KeyedList, sides: Sides<'_>, path: &FieldPath) {
        let item = rules.list_item();
        let lists = [sides.desired, sides.base.value(), sides.live.value()].map(list_items);
        let [desired, base, mut live] = lists.map(|list| index_entries(keyed, list));
        let paths = EntryPaths::new(path, sides.desired);
        let respelled = RespelledEntries::find((item, keyed), path, (lists[0], lists[2]), [&desired, &base, &live]);
        live.extend(respelled.live);
        let mut seen: HashSet<EntryKey> = respelled.keys.into_iter().collect();
        let mut entry_diffs = Vec::new();
        for entry in lists.into_iter().flatten() {
            let key = keyed.entry_key(entry);
            if seen.contains(&key) {
                continue;
            }
            let entry_sides = Sides {
                base: sides.base.value_below(|_| base.get(&key).copied()),
                desired: desired.get(&key).copied(),
                live: sides.live.value_below(|_| live.get(&key).copied()),
            };
            self.push_removed_fields(item, &paths, entry_sides);
            seen.insert(key);
            let origin = entry_sides.entry_origin(item, sides.base);
            let at = entry_sides.desired.filter(|_| origin.is_none());
            let at = at.and_then(|desired| paths.of_entry(desired));
            let hidden = at.map(|at| hidden_fields(item, &at, entry_sides)).unwrap_or_default();
            let is_changed = hidden.iter().any(|diff| diff.origin == Origin::Known(FieldVerdict::Change));
            self.found.extend(hidden.into_iter().filter(|diff| diff.origin == Origin::Unchecked));
            if let Some(origin) = origin.or(is_changed.then_some(Origin::Known(FieldVerdict::Change))) {
                let label = keyed.entry_label(entry);
                let live_count = list_items(sides.live.value()).len();
                entry_diffs.push((ListEntry { list: rules, keyed, label, live_count }, entry_sides, origin));
            }
        }
        if sides.live.is_known() {
            // The API returns lists in any order.
            entry_diffs.sort_by(|(a, ..), (b, ..)| a.label.cmp(&b.label));
        }
        // Lists may also differ in how often they contain the same entry.
        if entry_diffs.is_empty() && keyed.deltas.is_none() && sides.live.is_known() && !sides.matches_live(rules) {
            let origin = sides.origin(rules);
            return origin.into_iter().for_each(|origin| self.push_diff(rules, path, None, sides, origin));
        }
        for (entry, sides, origin) in entry_diffs {
            self.push_diff(item, path, Some(entry), sides, origin);
        }
    }

    /// The fields of an entry that git no longer declares, and that live keeps.
    //
    // The entry is in sync without them, because live may have more fields than declared.
    fn push_removed_fields(&mut self, item: &'r FieldSemantics, paths: &EntryPaths<'_>, sides: Sides<'_>) {
        let (Some(base), Some(desired), Some(live)) = (sides.base.value(), sides.desired, sides.live.value()) else {
            return;
        };
        let Some(at) = paths.of_entry(desired) else { return };
        let removed = base.as_object().into_iter().flatten().filter(|(name, _)| desired.get(name.as_str()).is_none());
        for (name, _) in removed.filter(|(name, _)| live.get(name.as_str()).is_some_and(|live| !is_unset(live))) {
            let rules = item.child_field(name);
            let origin = Origin::Known(FieldVerdict::Removal);
            self.push_diff(rules, &at.child(name), None, sides.field_values(rules, name), origin);
        }
    }

    fn push_diff(
        &mut self,
        rules: &'r FieldSemantics,
        path: &FieldPath,
        entry: Option<ListEntry<'r>>,
        sides: Sides<'_>,
        origin: Origin,
    ) {
        self.found.push(FieldDiff {
            path: path.clone(),
            entry,
            rules,
            base: sides.base.value().cloned(),
            desired: sides.desired.cloned(),
            live: sides.live.value().cloned(),
            origin,
            has_target_value: false,
        });
    }
}

/// The fields of an entry that live does not show: those that git changed, and those that cannot be compared.
fn hidden_fields<'r>(item: &'r FieldSemantics, at: &FieldPath, sides: Sides<'_>) -> Vec<FieldDiff<'r>> {
    let mut walk = Walk { found: Vec::new() };
    if sides.live.value().is_some() {
        walk.visit_fields(item, sides, at);
    }
    walk.found.retain(FieldDiff::is_write_only);
    walk.found
}

/// The paths of the entries of the desired list.
// A search for the place of each entry would cost the square of a list of tables.
struct EntryPaths<'p> {
    list: &'p FieldPath,
    places: HashMap<*const Value, usize>,
}

impl<'p> EntryPaths<'p> {
    fn new(list: &'p FieldPath, desired: Option<&Value>) -> Self {
        let places = list_items(desired).iter().enumerate().map(|(at, entry)| (std::ptr::from_ref(entry), at));
        Self { list, places: places.collect() }
    }

    fn of_entry(&self, entry: &Value) -> Option<FieldPath> {
        self.places.get(&std::ptr::from_ref(entry)).map(|at| self.list.child(*at))
    }
}

pub(super) fn list_items(side: Option<&Value>) -> &[Value] {
    side.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn index_entries<'v>(keyed: &KeyedList, list: &'v [Value]) -> EntryIndex<'v> {
    // A map by this key keeps long lists linear. Of several entries with one key the first counts.
    list.iter().rev().map(|entry| (keyed.entry_key(entry), entry)).collect()
}
