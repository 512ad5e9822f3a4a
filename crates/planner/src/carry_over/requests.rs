//! Carried values in the requests of a plan, and their explanation for people.

use super::{BTreeSet, CarriedOver, CarryOver, FieldPath, FieldSemantics, HashMap, Kind, ListSemantics, Value};
use crate::field_diff::FieldDiff;
use crate::inputs::PlanInputs;
use crate::object_diff::ObjectDiff;
use crate::words::quote_all;
use clickpipes::semantics::EntryKey;
use model::address::Address;
use model::desired::Presence;
use model::live::{Id, Object};

/// An update whose lists keep omitted fields of their entries.
pub(crate) struct CarriedEntries {
    pub(crate) target: Value,
    pub(crate) pending: Vec<FieldDiff<'static>>,
    pub(crate) sentences: Vec<String>,
    /// Live values in them that a request may not have.
    pub(crate) doubtful: Vec<String>,
    unproven: Vec<UnprovenEntry>,
}

/// A field of an entry that only an answer of the API has shown.
struct UnprovenEntry {
    /// The lists of a request that may have the entry.
    lists: Vec<FieldPath>,
    entry: Value,
    field: FieldPath,
}

impl UnprovenEntry {
    fn new(path: &FieldPath, list: &FieldPath, rules: &FieldSemantics, recreated: &Value) -> Option<Self> {
        let below = path.relative_to(list)?;
        let at = FieldPath::root().child(below.segments().first()?);
        let (entry, field) = (list.join(&at).value_in(recreated)?.clone(), below.relative_to(&at)?);
        let ListSemantics::Keyed(keyed) = &rules.list else {
            return Some(Self { lists: vec![list.clone()], entry, field });
        };
        let added = keyed.deltas.as_ref().and_then(|names| Some(list.parent()?.child(&names.add_field)));
        Some(Self { lists: [list.clone()].into_iter().chain(added).collect(), entry, field })
    }
}

impl CarriedEntries {
    fn new(target: Value, pending: Vec<FieldDiff<'static>>) -> Self {
        Self { target, pending, sentences: Vec::new(), doubtful: Vec::new(), unproven: Vec::new() }
    }

    /// The fields of a request that only an answer of the API has shown.
    pub(crate) fn unproven_in(&self, request: &Value) -> Vec<FieldPath> {
        let found = self.unproven.iter().flat_map(|unproven| {
            let in_list = |list: &FieldPath| {
                let at = list.value_in(request)?.as_array()?.iter().position(|entry| *entry == unproven.entry)?;
                Some(list.child(at).join(&unproven.field))
            };
            unproven.lists.iter().filter_map(in_list)
        });
        found.collect()
    }
}

impl PlanInputs<'_> {
    /// The body of a new object in place of a live one.
    pub(crate) fn carry_over(&self, at: &Address, object: &Object, desired: &Value, live: &Value) -> CarriedOver {
        let find_reference = |kind: Kind, id: &Id| {
            let (other, _) = self.by_id.get(&(&at.service, kind, id))?;
            let declared = self.desired.get(*other)?;
            let is_present = declared.intent.presence != Presence::Absent;
            is_present.then(|| FieldSemantics::reference_by_name(&other.name))
        };
        CarryOver { kind: at.kind, id: object.id.as_str(), find_reference: &find_reference }.recreate(desired, live)
    }

    /// An update sends some lists as a whole, and some entries again. Both keep the fields that the manifest omits.
    pub(crate) fn carry_over_entries(
        &self,
        at: &Address,
        object: &Object,
        object_diff: &ObjectDiff<'_>,
    ) -> CarriedEntries {
        let ObjectDiff { target, pending, live, .. } = object_diff;
        let mut carried = CarriedEntries::new(target.clone(), pending.clone());
        let sent = pending.iter().flat_map(|diff| diff.field_rules().sent_with.iter().chain([&diff.path]));
        let lists: BTreeSet<FieldPath> =
            sent.filter(|path| path.value_in(target).is_some_and(Value::is_array)).cloned().collect();
        if lists.is_empty() {
            return carried;
        }
        let recreated = self.carry_over(at, object, target, live);
        let doubtful = recreated.doubtful.iter().map(|(path, _)| path);
        let doubtful = doubtful.filter(|path| lists.iter().any(|list| path.is_within(list)));
        carried.doubtful = doubtful.map(ToString::to_string).collect();
        for list in &lists {
            // A list that is sent whole replaces the live one: a field that is missing from an entry would be reset.
            if let Some(entries) = list.value_in(&recreated.body) {
                list.set_in(&mut carried.target, entries.clone());
            }
            let rules = FieldSemantics::for_kind(at.kind).field_at(list);
            let unproven = recreated.unproven.iter();
            let unproven = unproven.filter_map(|path| UnprovenEntry::new(path, list, rules, &recreated.body));
            carried.unproven.extend(unproven);
            let index = EntryIndex::new(list, rules, &recreated);
            for diff in carried.pending.iter_mut().filter(|diff| &diff.path == list) {
                carried.sentences.extend(index.complete_entry(diff));
            }
        }
        carried
    }
}

/// The entries of a list, with their kept and lost fields. An index keeps long lists linear.
struct EntryIndex<'r> {
    entries: HashMap<EntryKey, (usize, &'r Value)>,
    kept: HashMap<usize, Vec<FieldPath>>,
    dropped: HashMap<usize, Vec<FieldPath>>,
}

impl<'r> EntryIndex<'r> {
    fn new(list: &FieldPath, rules: &FieldSemantics, recreated: &'r CarriedOver) -> Self {
        let by_entry = |paths: &[FieldPath]| {
            let mut below: HashMap<usize, Vec<FieldPath>> = HashMap::new();
            for path in paths.iter().filter_map(|path| path.relative_to(list)) {
                let Some(index) = path.segments().first() else { continue };
                let field = path.relative_to(&FieldPath::root().child(index));
                if let (Ok(index), Some(field)) = (index.parse(), field) {
                    below.entry(index).or_default().push(field);
                }
            }
            below
        };
        let entries = list.value_in(&recreated.body).and_then(Value::as_array).into_iter().flatten().enumerate();
        let entries = match &rules.list {
            ListSemantics::Keyed(keyed) => entries.map(|(at, entry)| (keyed.entry_key(entry), (at, entry))).collect(),
            ListSemantics::Atomic | ListSemantics::Set => HashMap::new(),
        };
        let gone = [&recreated.dropped[..], &recreated.generated].concat();
        Self { entries, kept: by_entry(&recreated.kept), dropped: by_entry(&gone) }
    }

    /// Completes an entry that is added again. Returns sentences about kept and dropped fields.
    fn complete_entry(&self, diff: &mut FieldDiff<'_>) -> Vec<String> {
        let (Some(entry), Some(desired)) = (&diff.entry, &diff.desired) else { return Vec::new() };
        let Some((index, complete)) = self.entries.get(&entry.keyed.entry_key(desired)) else { return Vec::new() };
        let lines = [("keeps", self.kept.get(index)), ("loses", self.dropped.get(index))];
        let sentence = |(verb, paths): (&str, Option<&Vec<FieldPath>>)| {
            Some(format!("`{}` {verb} what the manifest omits: {}", entry.label, quote_all(paths?)))
        };
        let sentences = lines.into_iter().filter_map(sentence).collect();
        diff.desired = Some((*complete).clone());
        sentences
    }
}

impl CarriedOver {
    /// Explains which omitted fields are kept or lost.
    pub(crate) fn describe(&self) -> Vec<String> {
        let lines = [
            (&self.kept, "the new object keeps what the manifest omits: "),
            (&self.incomplete, "the new object loses these fields, as the API does not return all that they need: "),
            (
                &self.generated,
                "the API made these values from the id of the old object, and the new object gets its own: ",
            ),
            (&self.dropped, "the new object loses what does not fit any more or is not known to pipectl: "),
            (
                &self.unreadable,
                "the API does not return these fields, and the new object has them only if the manifest declares them: ",
            ),
            (
                &self.not_returned,
                "the API returned no value for these fields, and the new object has them only if the manifest declares them: ",
            ),
        ];
        let told = lines.into_iter().filter(|(paths, _)| !paths.is_empty());
        told.map(|(paths, words)| format!("{words}{}", quote_all(paths))).collect()
    }
}
