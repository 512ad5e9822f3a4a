//! What a change does to the data, in sentences.
//!
//! How a source starts over is said beside the source; here is what all of them share. A sentence
//! is for people: nothing is decided by it.

use serde_json::Value;

use crate::address::Kind;
use crate::path::Path;
use crate::pipe;
use crate::pipe::restart::{Restart, Tables};
use crate::rules::{Keyed, List, Rules};

/// Deleting the live object and making it again as desired.
pub fn replaced(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    match kind {
        Kind::ClickPipe => Restart::new(desired, live).map(|it| it.sentences()).unwrap_or_default(),
        Kind::ReversePrivateEndpoint => {
            vec![
                "the new endpoint has another id and other DNS names, and may wait for \
                acceptance: pipes that use the old one cannot reach their source until \
                then"
                    .to_owned(),
            ]
        }
        Kind::CdcScaling => Vec::new(),
    }
}

/// Deleting the live object for good.
pub fn deleted(kind: Kind, live: &Value) -> Vec<String> {
    match kind {
        Kind::ClickPipe => {
            let tables = Tables::of(live).stay();
            tables.into_iter().chain(pipe::restart::kept_slot(live)).collect()
        }
        Kind::ReversePrivateEndpoint => {
            vec!["pipes that use the endpoint can no longer reach their source".to_owned()]
        }
        Kind::CdcScaling => Vec::new(),
    }
}

/// Adding an entry to the list at `path` of a live object.
pub fn entry_added(kind: Kind, path: &Path, entry: &Value) -> Vec<String> {
    let said = mapping(kind, path, entry).map(|Mapping { source, target }| {
        format!(
            "first snapshot of `{source}` into `{target}`, unless the pipe is `cdc_only`; \
            other tables keep their position"
        )
    });
    said.into_iter().collect()
}

/// Removing an entry from the list at `path` of a live object.
pub fn entry_removed(kind: Kind, path: &Path, entry: &Value) -> Vec<String> {
    let said = mapping(kind, path, entry).map(|Mapping { source, target }| {
        format!("`{source}` is no longer read; table `{target}` stays with the rows that it has")
    });
    let name = || entry.get("privateDnsName")?.as_str();
    let gone = name().filter(|_| kind == Kind::ReversePrivateEndpoint);
    let gone = gone.map(|name| format!("sources named `{name}` can no longer be reached"));
    said.into_iter().chain(gone).collect()
}

/// Changing an entry of the list at `path` of a live object: it is removed and added again.
pub fn entry_changed(kind: Kind, path: &Path, entry: &Value) -> Vec<String> {
    let said = mapping(kind, path, entry).map(|Mapping { source, target }| {
        format!(
            "`{source}` is removed and added again, with a new snapshot into `{target}`: \
            empty or drop that table before"
        )
    });
    said.into_iter().collect()
}

/// What one entry of a list of mappings reads and writes.
struct Mapping {
    source: String,
    target: String,
}

/// Reads a mapping by the identity of its list: the last part of it names the table that is
/// written, the parts before it name what is read.
fn mapping(kind: Kind, path: &Path, entry: &Value) -> Option<Mapping> {
    let List::Keyed(Keyed { identity, deltas: Some(_) }) = &Rules::of(kind).at(path).list else {
        return None;
    };
    let text = |name: &String| entry.get(name)?.as_str().map(str::to_owned);
    let (target, source) = identity.split_last()?;
    let source: Vec<String> = source.iter().filter_map(text).collect();
    Some(Mapping { source: source.join("."), target: text(target)? })
}
