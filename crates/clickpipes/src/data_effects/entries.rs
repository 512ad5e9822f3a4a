//! What becomes of the data when entries of a list come, go or change.

use serde_json::Value;

use crate::semantics::{FieldSemantics, KeyedList, ListSemantics};
use model::address::Kind;
use model::path::FieldPath;

/// An entry of a list, live and as desired; `None` is not there.
#[derive(Clone, Copy, Debug)]
pub struct ChangedEntry<'e> {
    /// As it is live.
    pub live: Option<&'e Value>,
    /// As it is desired.
    pub desired: Option<&'e Value>,
}

/// Of so many tables of which the same is to be said, each has its sentence.
const MAX_SENTENCES: usize = 4;

/// Changing these entries of the list at `path` of the live object.
pub fn entry_change_effects(kind: Kind, path: &FieldPath, live: &Value, entries: &[ChangedEntry<'_>]) -> Vec<String> {
    if kind == Kind::ReversePrivateEndpoint {
        return entries.iter().filter_map(describe_unreachable).collect();
    }
    let Some(mappings) = LiveMappings::for_list(kind, path, live) else { return Vec::new() };
    let changes: Vec<MappingChange> = entries.iter().filter_map(|it| mappings.mapping_change(it, entries)).collect();
    let categories =
        [MappingChange::is_added, MappingChange::is_moved, MappingChange::is_changed, MappingChange::is_removed];
    categories
        .iter()
        .flat_map(|is_category| {
            limit_sentences(changes.iter().filter(|it| is_category(it)).map(|it| mappings.describe_change(it)))
        })
        .collect()
}

fn describe_unreachable(entry: &ChangedEntry<'_>) -> Option<String> {
    let removed = entry.live.filter(|_| entry.desired.is_none())?;
    let name = removed.get("privateDnsName")?.as_str()?;
    Some(format!("sources named `{name}` can no longer be reached"))
}

/// All of them, or the first and how many more there are.
fn limit_sentences(sentences: impl Iterator<Item = String>) -> Vec<String> {
    let mut sentences: Vec<String> = sentences.collect();
    if sentences.len() > MAX_SENTENCES {
        let more = sentences.len() - (MAX_SENTENCES - 1);
        sentences.truncate(MAX_SENTENCES - 1);
        sentences.push(format!("the same applies to {more} more tables"));
    }
    sentences
}

/// A list of mappings of a live pipe.
struct LiveMappings<'l> {
    keyed: &'static KeyedList,
    live: &'l [Value],
    /// Whether a table that is added is copied first.
    has_snapshot: bool,
}

/// What one mapping reads and writes.
struct MappedTable {
    source: String,
    target: String,
}

/// What becomes of one mapping.
enum MappingChange {
    Added(MappedTable),
    /// From this target, unless another mapping goes there.
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

impl<'l> LiveMappings<'l> {
    /// Only mappings are changed by what comes and what goes.
    fn for_list(kind: Kind, path: &FieldPath, live: &'l Value) -> Option<Self> {
        let ListSemantics::Keyed(keyed @ KeyedList { deltas: Some(_), .. }) =
            &FieldSemantics::for_kind(kind).field_at(path).list
        else {
            return None;
        };
        let mode = path.parent()?.child("settings").child("replicationMode");
        let has_snapshot = mode.value_in(live).is_none_or(|mode| mode != "cdc_only");
        let live = path.value_in(live).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Some(Self { keyed, live, has_snapshot })
    }

    /// The last part of the identity names the table that is written, the parts before it name
    /// what is read.
    fn mapped_table(&self, entry: &Value) -> Option<MappedTable> {
        let text = |name: &String| entry.get(name)?.as_str().map(str::to_owned);
        let (target, source) = self.keyed.identity.split_last()?;
        let source: Vec<String> = source.iter().filter_map(text).collect();
        Some(MappedTable { source: source.join("."), target: text(target)? })
    }

    /// A source that goes from one target to another is two entries, told as one.
    fn mapping_change(&self, entry: &ChangedEntry<'_>, all: &[ChangedEntry<'_>]) -> Option<MappingChange> {
        match (entry.live, entry.desired) {
            (Some(_), Some(new)) => Some(MappingChange::Changed(self.mapped_table(new)?)),
            (None, Some(new)) => {
                let new = self.mapped_table(new)?;
                let mut removed = all.iter().filter(|it| it.desired.is_none());
                let before = removed.find_map(|it| self.match_source(it.live?, &new));
                Some(match before {
                    Some(before) => MappingChange::Moved(new, self.abandoned_target(before.target, all)),
                    None => MappingChange::Added(new),
                })
            }
            (Some(old), None) => {
                let old = self.mapped_table(old)?;
                let mut added = all.iter().filter(|it| it.live.is_none());
                let moves = added.any(|it| it.desired.is_some_and(|it| self.match_source(it, &old).is_some()));
                (!moves).then_some(MappingChange::Removed(old))
            }
            (None, None) => None,
        }
    }

    /// The target, if nothing else is to be written there.
    fn abandoned_target(&self, target: String, all: &[ChangedEntry<'_>]) -> Option<String> {
        let mut desired = all.iter().filter_map(|it| self.mapped_table(it.desired?));
        let taken = desired.any(|it| it.target == target);
        (!taken).then_some(target)
    }

    /// The mapping of an entry that has the same source.
    fn match_source(&self, entry: &Value, other: &MappedTable) -> Option<MappedTable> {
        self.mapped_table(entry).filter(|it| it.source == other.source)
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

    /// Where it is copied to, and what is there already.
    fn describe_copy(&self, MappedTable { source, target }: &MappedTable) -> String {
        let mut others = self.live.iter().filter_map(|entry| self.mapped_table(entry));
        let other = others.find(|it| &it.target == target && &it.source != source);
        let holds = other.map_or_else(String::new, |MappedTable { source, .. }| {
            format!(", which contains rows of `{source}`: empty or drop that table first")
        });
        format!("`{source}` into `{target}`{holds}")
    }
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
