//! What becomes of the data when entries of a list come, go or change.

use serde_json::Value;

use crate::address::Kind;
use crate::path::Path;
use crate::rules::{Keyed, List, Rules};

/// An entry of a list, live and as desired; `None` is not there.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'e> {
    /// As it is live.
    pub live: Option<&'e Value>,
    /// As it is desired.
    pub desired: Option<&'e Value>,
}

/// Of so many tables of which the same is to be said, each has its sentence.
const EACH: usize = 4;

/// Changing these entries of the list at `path` of the live object.
pub fn entries_changed(
    kind: Kind,
    path: &Path,
    live: &Value,
    entries: &[Entry<'_>],
) -> Vec<String> {
    if kind == Kind::ReversePrivateEndpoint {
        return entries.iter().filter_map(unreachable).collect();
    }
    let Some(mappings) = Mappings::of(kind, path, live) else { return Vec::new() };
    let fates: Vec<Fate> = entries.iter().filter_map(|it| mappings.fate(it, entries)).collect();
    let alike = [Fate::is_added, Fate::is_moved, Fate::is_changed, Fate::is_removed];
    alike
        .iter()
        .flat_map(|alike| few(fates.iter().filter(|it| alike(it)).map(|it| mappings.say(it))))
        .collect()
}

fn unreachable(entry: &Entry<'_>) -> Option<String> {
    let gone = entry.live.filter(|_| entry.desired.is_none())?;
    let name = gone.get("privateDnsName")?.as_str()?;
    Some(format!("sources named `{name}` can no longer be reached"))
}

/// All of them, or the first and how many more there are.
fn few(sentences: impl Iterator<Item = String>) -> Vec<String> {
    let mut sentences: Vec<String> = sentences.collect();
    if sentences.len() > EACH {
        let more = sentences.len() - (EACH - 1);
        sentences.truncate(EACH - 1);
        sentences.push(format!("the same for {more} more tables"));
    }
    sentences
}

/// A list of mappings of a live pipe.
struct Mappings<'l> {
    keyed: &'static Keyed,
    live: &'l [Value],
    /// Whether a table that is added is copied first.
    copies: bool,
}

/// What one mapping reads and writes.
struct Mapping {
    source: String,
    target: String,
}

/// What becomes of one mapping.
enum Fate {
    Added(Mapping),
    /// From this target, unless another mapping goes there.
    Moved(Mapping, Option<String>),
    Changed(Mapping),
    Removed(Mapping),
}

impl Fate {
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

impl<'l> Mappings<'l> {
    /// Only mappings are changed by what comes and what goes.
    fn of(kind: Kind, path: &Path, live: &'l Value) -> Option<Self> {
        let List::Keyed(keyed @ Keyed { deltas: Some(_), .. }) = &Rules::of(kind).at(path).list
        else {
            return None;
        };
        let mode = path.parent()?.child("settings").child("replicationMode");
        let copies = mode.get(live).is_none_or(|mode| mode != "cdc_only");
        let live = path.get(live).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Some(Self { keyed, live, copies })
    }

    /// The last part of the identity names the table that is written, the parts before it name
    /// what is read.
    fn mapping(&self, entry: &Value) -> Option<Mapping> {
        let text = |name: &String| entry.get(name)?.as_str().map(str::to_owned);
        let (target, source) = self.keyed.identity.split_last()?;
        let source: Vec<String> = source.iter().filter_map(text).collect();
        Some(Mapping { source: source.join("."), target: text(target)? })
    }

    /// A source that goes from one target to another is two entries, told as one.
    fn fate(&self, entry: &Entry<'_>, all: &[Entry<'_>]) -> Option<Fate> {
        match (entry.live, entry.desired) {
            (Some(_), Some(new)) => Some(Fate::Changed(self.mapping(new)?)),
            (None, Some(new)) => {
                let new = self.mapping(new)?;
                let mut gone = all.iter().filter(|it| it.desired.is_none());
                let before = gone.find_map(|it| self.reads(it.live?, &new));
                Some(match before {
                    Some(before) => Fate::Moved(new, self.left(before.target, all)),
                    None => Fate::Added(new),
                })
            }
            (Some(old), None) => {
                let old = self.mapping(old)?;
                let mut come = all.iter().filter(|it| it.live.is_none());
                let moves =
                    come.any(|it| it.desired.is_some_and(|it| self.reads(it, &old).is_some()));
                (!moves).then_some(Fate::Removed(old))
            }
            (None, None) => None,
        }
    }

    /// The target, if nothing else is to be written there.
    fn left(&self, target: String, all: &[Entry<'_>]) -> Option<String> {
        let mut wanted = all.iter().filter_map(|it| self.mapping(it.desired?));
        let taken = wanted.any(|it| it.target == target);
        (!taken).then_some(target)
    }

    /// The mapping of an entry that has the same source.
    fn reads(&self, entry: &Value, other: &Mapping) -> Option<Mapping> {
        self.mapping(entry).filter(|it| it.source == other.source)
    }

    fn say(&self, fate: &Fate) -> String {
        match fate {
            Fate::Added(it) if self.copies => {
                format!("first snapshot of {}; other tables keep their position", self.into(it))
            }
            Fate::Added(Mapping { source, target }) => format!(
                "`{source}` is read into `{target}` from now on: `cdc_only` makes no snapshot of the \
                 rows that it has"
            ),
            Fate::Moved(it, before) if self.copies => {
                format!("new snapshot of {}{}", self.into(it), stays(before.as_deref()))
            }
            Fate::Moved(it, before) => {
                format!("{}{}", without_snapshot(it), stays(before.as_deref()))
            }
            Fate::Changed(Mapping { source, target }) if self.copies => format!(
                "`{source}` is removed and added again, with a new snapshot into `{target}`: \
                 empty or drop that table before"
            ),
            Fate::Changed(it) => without_snapshot(it),
            Fate::Removed(Mapping { source, target }) => format!(
                "`{source}` is no longer read; table `{target}` stays with the rows that it has"
            ),
        }
    }

    /// Where it is copied to, and what is there already.
    fn into(&self, Mapping { source, target }: &Mapping) -> String {
        let mut others = self.live.iter().filter_map(|entry| self.mapping(entry));
        let other = others.find(|it| &it.target == target && &it.source != source);
        let holds = other.map_or_else(String::new, |Mapping { source, .. }| {
            format!(", which holds the rows of `{source}`: empty or drop that table before")
        });
        format!("`{source}` into `{target}`{holds}")
    }
}

fn without_snapshot(Mapping { source, target }: &Mapping) -> String {
    format!(
        "`{source}` is removed and added again, without a snapshot as it is `cdc_only`: what changes \
         in between may never reach `{target}`"
    )
}

fn stays(table: Option<&str>) -> String {
    table.map_or_else(String::new, |it| format!("; table `{it}` stays with the rows that it has"))
}
