//! The effects of adding, removing and changing entries of a list.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::semantics::{FieldSemantics, KeyedList, ListSemantics};
use model::address::Kind;
use model::path::FieldPath;

/// A list entry that differs between live and desired. `None` means that the side does not have it.
#[derive(Clone, Copy, Debug)]
pub struct ChangedEntry<'e> {
    /// The live entry.
    pub live: Option<&'e Value>,
    /// The desired entry.
    pub desired: Option<&'e Value>,
}

/// Up to this many tables get a sentence each.
const MAX_SENTENCES: usize = 4;

/// The effects of changing these entries of the list at `path`, one sentence each.
pub fn entry_change_effects(kind: Kind, path: &FieldPath, live: &Value, entries: &[ChangedEntry<'_>]) -> Vec<String> {
    if kind == Kind::ReversePrivateEndpoint {
        return entries.iter().filter_map(|entry| describe_lost_target(entry, entries)).collect();
    }
    let Some(mappings) = MappingList::for_list(kind, path, live, entries) else { return Vec::new() };
    let changes: Vec<MappingChange> = entries.iter().filter_map(|it| mappings.mapping_change(it)).collect();
    let categories =
        [MappingChange::is_added, MappingChange::is_moved, MappingChange::is_changed, MappingChange::is_removed];
    let sentences = categories.iter().flat_map(|is_category| {
        limit_sentences(changes.iter().filter(|it| is_category(it)).map(|it| mappings.describe_change(it)))
    });
    sentences.chain(limit_sentences(entries.iter().filter_map(|it| mappings.describe_successor(it)))).collect()
}

/// A removed DNS name whose target is lost, because a new name declares no target.
// It is unknown whether the new name is a respelling of the old one, so the target is not carried over.
fn describe_lost_target(entry: &ChangedEntry<'_>, all: &[ChangedEntry<'_>]) -> Option<String> {
    let removed = entry.live.filter(|_| entry.desired.is_none())?;
    let (name, target) = (removed.get("privateDnsName")?.as_str()?, removed.get("targetId")?.as_str()?);
    let added = all.iter().filter(|other| other.live.is_none()).filter_map(|other| other.desired);
    let mut without_target = added.filter(|added| added.get("targetId").is_none_or(Value::is_null));
    without_target.next()?;
    Some(format!(
        "`{name}` points to the target `{target}`, and a new name points there only if it declares `targetId`"
    ))
}

fn limit_sentences(sentences: impl Iterator<Item = String>) -> Vec<String> {
    let mut sentences: Vec<String> = sentences.collect();
    // A change of a thousand tables would hide everything else that a reviewer has to see.
    if sentences.len() > MAX_SENTENCES {
        let more = sentences.len() - (MAX_SENTENCES - 1);
        sentences.truncate(MAX_SENTENCES - 1);
        sentences.push(format!("the same applies to {more} more tables"));
    }
    sentences
}

/// The table mappings of a pipe, before and after a change, with indexes.
struct MappingList<'e> {
    keyed: &'static KeyedList,
    /// Whether an added table gets an initial snapshot.
    has_snapshot: bool,
    /// The sources of the live mappings, by target.
    live_sources: HashMap<String, Vec<String>>,
    /// The mappings that go, by source and by target.
    removed_by_source: HashMap<String, MappedTable>,
    removed_by_target: HashMap<String, (&'e Value, MappedTable)>,
    /// The sources of the mappings that come, and the targets of all that change or come.
    added_sources: HashSet<String>,
    desired_targets: HashSet<String>,
}

/// The source and the target of a mapping.
#[derive(Clone)]
struct MappedTable {
    source: String,
    target: String,
}

enum MappingChange {
    Added(MappedTable),
    /// To another target; with the old target if no other mapping writes it.
    Moved(MappedTable, Option<String>),
    Changed(MappedTable),
    Removed(MappedTable),
}

impl MappingChange {
    fn is_added(&self) -> bool {
        matches!(self, Self::Added(_))
    }

    fn is_moved(&self) -> bool {
        matches!(self, Self::Moved(..))
    }

    fn is_changed(&self) -> bool {
        matches!(self, Self::Changed(_))
    }

    fn is_removed(&self) -> bool {
        matches!(self, Self::Removed(_))
    }
}

impl<'e> MappingList<'e> {
    /// `None` if the list at `path` is not a list of mappings, the only lists that change by deltas.
    fn for_list(kind: Kind, path: &FieldPath, live: &Value, entries: &[ChangedEntry<'e>]) -> Option<Self> {
        let ListSemantics::Keyed(keyed @ KeyedList { deltas: Some(_), .. }) =
            &FieldSemantics::for_kind(kind).field_at(path).list
        else {
            return None;
        };
        let mode = path.parent()?.child("settings").child("replicationMode");
        // `cdc_only` reads new changes only, also of a table that is added later.
        let has_snapshot = mode.value_in(live).is_none_or(|mode| mode != "cdc_only");
        let table = |entry: &Value| mapped_table(keyed, entry);
        let mut live_sources: HashMap<_, Vec<_>> = HashMap::new();
        for entry in path.value_in(live).and_then(Value::as_array).into_iter().flatten().filter_map(table) {
            live_sources.entry(entry.target).or_default().push(entry.source);
        }
        // Of several with one source or target, the first counts.
        let removed = entries.iter().rev().filter(|it| it.desired.is_none()).filter_map(|it| it.live);
        let removed: Vec<_> = removed.filter_map(|live| Some((live, table(live)?))).collect();
        let added = entries.iter().filter(|it| it.live.is_none());
        let desired = entries.iter().filter_map(|it| table(it.desired?));
        Some(Self {
            keyed,
            has_snapshot,
            live_sources,
            removed_by_source: removed.iter().map(|(_, old)| (old.source.clone(), old.clone())).collect(),
            removed_by_target: removed.into_iter().map(|(live, old)| (old.target.clone(), (live, old))).collect(),
            added_sources: added.filter_map(|it| table(it.desired?)).map(|it| it.source).collect(),
            desired_targets: desired.map(|it| it.target).collect(),
        })
    }

    /// The change of a mapping. A source that moves to another target is two entries: only the added one is described.
    fn mapping_change(&self, entry: &ChangedEntry<'_>) -> Option<MappingChange> {
        match (entry.live, entry.desired) {
            (Some(_), Some(new)) => Some(MappingChange::Changed(mapped_table(self.keyed, new)?)),
            (None, Some(new)) => {
                let new = mapped_table(self.keyed, new)?;
                Some(match self.removed_by_source.get(&new.source) {
                    Some(before) => {
                        let is_abandoned = !self.desired_targets.contains(&before.target);
                        MappingChange::Moved(new, is_abandoned.then(|| before.target.clone()))
                    }
                    None => MappingChange::Added(new),
                })
            }
            (Some(old), None) => {
                let old = mapped_table(self.keyed, old)?;
                (!self.added_sources.contains(&old.source)).then_some(MappingChange::Removed(old))
            }
            (None, None) => None,
        }
    }

    fn describe_change(&self, fate: &MappingChange) -> String {
        match fate {
            MappingChange::Added(it) if self.has_snapshot => {
                format!("first snapshot of {}; other tables keep their position", self.describe_copy(it))
            }
            MappingChange::Added(MappedTable { source, target }) => {
                format!("new changes of `{source}` go to `{target}`; existing rows are not copied (`cdc_only`)")
            }
            MappingChange::Moved(it, before) if self.has_snapshot => {
                format!("new snapshot of {}{}", self.describe_copy(it), describe_remaining(before.as_deref()))
            }
            MappingChange::Moved(it, before) => {
                format!("{}{}", describe_without_snapshot(it), describe_remaining(before.as_deref()))
            }
            MappingChange::Changed(MappedTable { source, target }) if self.has_snapshot => format!(
                "`{source}` is removed and added again, with a new snapshot into `{target}`: \
                 empty or drop that table first"
            ),
            MappingChange::Changed(it) => describe_without_snapshot(it),
            MappingChange::Removed(MappedTable { source, target }) => {
                format!("`{source}` is no longer replicated; table `{target}` and its rows are kept")
            }
        }
    }

    /// The fields that a new mapping loses from the old mapping with the same target. Its source is another table, so
    /// it is unknown whether the old columns and keys fit.
    fn describe_successor(&self, entry: &ChangedEntry<'_>) -> Option<String> {
        let added = entry.desired.filter(|_| entry.live.is_none())?;
        let new = mapped_table(self.keyed, added)?;
        // A table that only moves keeps its own.
        if self.removed_by_source.contains_key(&new.source) {
            return None;
        }
        let (live, old) = self.removed_by_target.get(&new.target)?;
        let is_set = |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
        let is_lost = |name: &String| !self.keyed.identity.contains(name) && added.get(name).is_none_or(Value::is_null);
        let set = live.as_object()?.iter().filter(|(_, value)| is_set(value)).map(|(name, _)| name);
        let lost: Vec<String> = set.filter(|name| is_lost(name)).map(|name| format!("`{name}`")).collect();
        (!lost.is_empty()).then(|| {
            let (lost, source, before) = (lost.join(", "), &new.source, &old.source);
            format!("`{source}` does not get {lost} of `{before}`: declare what it needs")
        })
    }

    /// The target of a snapshot, with a warning if another table was copied there.
    fn describe_copy(&self, MappedTable { source, target }: &MappedTable) -> String {
        let other = self.live_sources.get(target).and_then(|sources| sources.iter().find(|it| *it != source));
        let holds = other.map_or_else(String::new, |other| {
            format!(", which contains rows of `{other}`: empty or drop that table first")
        });
        format!("`{source}` into `{target}`{holds}")
    }
}

fn mapped_table(keyed: &KeyedList, entry: &Value) -> Option<MappedTable> {
    // The last field of the identity is the target, the fields before it name the source.
    let text = |name: &String| entry.get(name)?.as_str().map(str::to_owned);
    let (target, source) = keyed.identity.split_last()?;
    let source: Vec<String> = source.iter().filter_map(text).collect();
    Some(MappedTable { source: source.join("."), target: text(target)? })
}

fn describe_without_snapshot(MappedTable { source, target }: &MappedTable) -> String {
    format!(
        "`{source}` is removed and added again without a snapshot (`cdc_only`): changes in between \
         may never reach `{target}`"
    )
}

fn describe_remaining(table: Option<&str>) -> String {
    table.map_or_else(String::new, |it| format!("; table `{it}` and its rows are kept"))
}
