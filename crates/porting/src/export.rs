//! Live objects to manifests, so that a plan right after shows no change.
//!
//! What is written of a field follows from its marks and its schema. What the API does not return,
//! though a manifest needs it, is found by validation: whatever it misses is filled in, with a note.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use clickpipes::lifecycle;
use model::action::RunState;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Live, Object};
use model::path::FieldPath;

mod env_names;
mod fill_required;
mod to_spec;

pub use env_names::EnvNames;
pub(crate) use to_spec::escape_variables;

/// What a reader looks for where somebody has to write a value.
pub const FILL_IN: &str = "FILL_IN";

/// Why only the first of several objects of one name is managed.
pub(crate) const SHARED_NAME_REASON: &str = "another one has the same name, and a manifest can declare \
                                      one of them: rename this one, and export it then";

/// One live object as a manifest.
#[derive(Clone, Debug)]
pub struct ExportedManifest {
    /// What it is.
    pub address: Address,
    /// The whole document.
    pub document: Value,
    /// What stands beside its fields, by their paths.
    pub field_notes: BTreeMap<FieldPath, FieldNote>,
    /// What is special about this one.
    pub remarks: Vec<String>,
    /// Optional fields that the API never returns: whether the object has them, nobody can tell.
    pub write_only_fields: Vec<FieldPath>,
    /// Why the document cannot be used as it stands; empty where it can.
    pub blockers: Vec<String>,
}

/// What a reader has to know of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldNote {
    /// The API does not return it: the variable must hold it before a change of the connection.
    Secret {
        /// The environment variable.
        variable: String,
        /// Whether it holds a file as it is, which is encoded on the way.
        needs_base64: bool,
    },
    /// The API does not return it: somebody has to write it.
    FillIn,
    /// The API does not return it: what stands there is likely, and has to be looked at.
    Guess,
}

/// Writes what is live as manifests, in the order of addresses.
pub fn export_manifests(live: &Live) -> Vec<ExportedManifest> {
    let mut variables = EnvNames::default();
    let endpoints = unambiguous_endpoints(live);
    let mut manifests = Vec::new();
    for (address, observed) in live {
        for (position, object) in observed.objects.iter().enumerate() {
            let mut context = ExportContext { endpoints: &endpoints, variables: &mut variables };
            let mut manifest = export_object(address, object, &mut context);
            if observed.objects.len() > 1 {
                pin_by_id(&mut manifest, object, position);
            }
            manifests.push(manifest);
        }
    }
    manifests
}

/// The names of endpoints that one name leads to, by service and id.
type EndpointNames = BTreeMap<(ServiceRef, String), String>;

struct ExportContext<'n> {
    endpoints: &'n EndpointNames,
    variables: &'n mut EnvNames,
}

fn unambiguous_endpoints(live: &Live) -> EndpointNames {
    let named = live.iter().filter_map(|(at, observed)| match observed.objects.as_slice() {
        [only] if at.kind == Kind::ReversePrivateEndpoint => {
            let key = (at.service.clone(), only.id.as_str().to_owned());
            Some((key, at.name.as_str().to_owned()))
        }
        _ => None,
    });
    named.collect()
}

fn export_object(address: &Address, object: &Object, context: &mut ExportContext<'_>) -> ExportedManifest {
    let extracted = to_spec::extract_spec(address, object, context.endpoints);
    let mut spec = Map::new();
    let mut remarks = extracted.remarks;
    if lifecycle::can_stop(address.kind) {
        if is_stopped(address.kind, object) {
            spec.insert("state".to_owned(), Value::from("stopped"));
        } else if lifecycle::state_command(address.kind, object, RunState::Running).is_some() {
            let state = &object.state;
            remarks.push(format!("it is {state}: `apply` will start it again"));
        }
    }
    if let Value::Object(fields) = extracted.spec {
        spec.extend(fields);
    }
    let document = json!({
        "apiVersion": "pipectl/v1",
        "kind": address.kind.name(),
        "metadata": manifest_metadata(address),
        "spec": spec,
    });
    let draft = fill_required::ManifestDraft::new(address, document, extracted.secret_paths, context.variables);
    let mut manifest = draft.into_manifest();
    remarks.append(&mut manifest.remarks);
    let flaws = [extracted.blockers, manifest.blockers].concat();
    ExportedManifest { remarks, blockers: flaws, ..manifest }
}

/// The document as a manifest that is sound, if it can be made so.
pub(crate) fn complete_manifest(address: &Address, document: Value, variables: &mut EnvNames) -> ExportedManifest {
    fill_required::ManifestDraft::new(address, document, Vec::new(), variables).into_manifest()
}

fn manifest_metadata(address: &Address) -> Value {
    let mut metadata = Map::new();
    if address.kind.name_path().is_some() {
        metadata.insert("name".to_owned(), escape_variables(address.name.as_str()));
    }
    metadata.insert("service".to_owned(), escape_variables(address.service.as_str()));
    Value::Object(metadata)
}

/// Stopped, or on the way there. What has come to its end is not: it was never stopped.
fn is_stopped(kind: Kind, object: &Object) -> bool {
    let stop = lifecycle::state_command(kind, object, RunState::Stopped);
    stop.is_none() && !lifecycle::is_finished(object)
}

/// A name stands for one object: of several the first is the one that is managed.
fn pin_by_id(manifest: &mut ExportedManifest, object: &Object, position: usize) {
    manifest.document["metadata"]["id"] = Value::from(object.id.as_str());
    if position == 0 {
        manifest.remarks.push("several share this name: `id` says which one is meant".to_owned());
    } else {
        manifest.blockers.push(SHARED_NAME_REASON.to_owned());
    }
}

impl ExportedManifest {
    /// The fields that somebody has to look at or write.
    pub fn fields_to_fill_in(&self) -> impl Iterator<Item = (&FieldPath, &FieldNote)> {
        self.field_notes.iter().filter(|(_, note)| matches!(note, FieldNote::FillIn | FieldNote::Guess))
    }

    /// The variables that hold what the API does not return.
    pub fn secret_variables(&self) -> BTreeSet<&str> {
        let named = self.field_notes.values().filter_map(|note| match note {
            FieldNote::Secret { variable, .. } => Some(variable.as_str()),
            FieldNote::FillIn | FieldNote::Guess => None,
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests;
