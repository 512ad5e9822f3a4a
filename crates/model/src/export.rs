//! Live objects to manifests, so that a plan right after shows no change.
//!
//! What is written of a field follows from its marks and its schema. What the API does not return,
//! though a manifest needs it, is found by validation: whatever it misses is filled in, with a note.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::action::RunState;
use crate::address::{Address, Kind, ServiceRef};
use crate::lifecycle;
use crate::live::{Live, Object};
use crate::path::Path;

mod complete;
mod spec;
mod variable;

pub(crate) use spec::literal;
pub use variable::Variables;

/// What a reader looks for where somebody has to write a value.
pub const FILL_IN: &str = "FILL_IN";

/// Why only the first of several objects of one name is managed.
pub(crate) const SHARED_NAME: &str = "another one has the same name, and a manifest can declare \
                                      one of them: rename this one, and export it then";

/// One live object as a manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// What it is.
    pub at: Address,
    /// The whole document.
    pub document: Value,
    /// What stands beside its fields, by their paths.
    pub notes: BTreeMap<Path, Note>,
    /// What is special about this one.
    pub remarks: Vec<String>,
    /// Optional fields that the API never returns: whether the object has them, nobody can tell.
    pub untold: Vec<Path>,
    /// Why the document cannot be used as it stands; empty where it can.
    pub flaws: Vec<String>,
}

/// What a reader has to know of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The API does not return it: the variable must hold it before a change of the connection.
    Secret {
        /// The environment variable.
        variable: String,
        /// Whether it holds a file as it is, which is encoded on the way.
        encoded: bool,
    },
    /// The API does not return it: somebody has to write it.
    FillIn,
    /// The API does not return it: what stands there is likely, and has to be looked at.
    Guess,
}

/// Writes what is live as manifests, in the order of addresses.
pub fn export(live: &Live) -> Vec<Manifest> {
    let mut variables = Variables::default();
    let endpoints = endpoints(live);
    let mut manifests = Vec::new();
    for (at, observed) in live {
        for (position, object) in observed.objects.iter().enumerate() {
            let mut names = Names { endpoints: &endpoints, variables: &mut variables };
            let mut manifest = manifest(at, object, &mut names);
            if observed.objects.len() > 1 {
                pin(&mut manifest, object, position);
            }
            manifests.push(manifest);
        }
    }
    manifests
}

/// The names of endpoints that one name leads to, by service and id.
type Endpoints = BTreeMap<(ServiceRef, String), String>;

struct Names<'n> {
    endpoints: &'n Endpoints,
    variables: &'n mut Variables,
}

fn endpoints(live: &Live) -> Endpoints {
    let named = live.iter().filter_map(|(at, observed)| match observed.objects.as_slice() {
        [only] if at.kind == Kind::ReversePrivateEndpoint => {
            let key = (at.service.clone(), only.id.as_str().to_owned());
            Some((key, at.name.as_str().to_owned()))
        }
        _ => None,
    });
    named.collect()
}

fn manifest(at: &Address, object: &Object, names: &mut Names<'_>) -> Manifest {
    let taken = spec::take(at, object, names.endpoints);
    let mut spec = Map::new();
    let mut remarks = taken.remarks;
    if lifecycle::can_stop(at.kind) {
        if is_stopped(at.kind, object) {
            spec.insert("state".to_owned(), Value::from("stopped"));
        } else if lifecycle::command(at.kind, object, RunState::Running).is_some() {
            let state = &object.state;
            remarks.push(format!("it is {state}: `apply` will start it again"));
        }
    }
    if let Value::Object(fields) = taken.spec {
        spec.extend(fields);
    }
    let document = json!({
        "apiVersion": "pipectl/v1",
        "kind": at.kind.name(),
        "metadata": metadata(at),
        "spec": spec,
    });
    let draft = complete::Draft::new(at, document, taken.secrets, names.variables);
    let mut manifest = draft.finish();
    remarks.append(&mut manifest.remarks);
    let flaws = [taken.flaws, manifest.flaws].concat();
    Manifest { remarks, flaws, ..manifest }
}

/// The document as a manifest that is sound, if it can be made so.
pub(crate) fn completed(at: &Address, document: Value, variables: &mut Variables) -> Manifest {
    complete::Draft::new(at, document, Vec::new(), variables).finish()
}

fn metadata(at: &Address) -> Value {
    let mut metadata = Map::new();
    if at.kind.name_path().is_some() {
        metadata.insert("name".to_owned(), literal(at.name.as_str()));
    }
    metadata.insert("service".to_owned(), literal(at.service.as_str()));
    Value::Object(metadata)
}

/// Stopped, or on the way there. What has come to its end is not: it was never stopped.
fn is_stopped(kind: Kind, object: &Object) -> bool {
    let stop = lifecycle::command(kind, object, RunState::Stopped);
    stop.is_none() && !lifecycle::is_finished(object)
}

/// A name stands for one object: of several the first is the one that is managed.
fn pin(manifest: &mut Manifest, object: &Object, position: usize) {
    manifest.document["metadata"]["id"] = Value::from(object.id.as_str());
    if position == 0 {
        manifest.remarks.push("several share this name: `id` says which one is meant".to_owned());
    } else {
        manifest.flaws.push(SHARED_NAME.to_owned());
    }
}

impl Manifest {
    /// The fields that somebody has to look at or write.
    pub fn to_fill_in(&self) -> impl Iterator<Item = (&Path, &Note)> {
        self.notes.iter().filter(|(_, note)| matches!(note, Note::FillIn | Note::Guess))
    }

    /// The variables that hold what the API does not return.
    pub fn variables(&self) -> BTreeSet<&str> {
        let named = self.notes.values().filter_map(|note| match note {
            Note::Secret { variable, .. } => Some(variable.as_str()),
            Note::FillIn | Note::Guess => None,
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests;
