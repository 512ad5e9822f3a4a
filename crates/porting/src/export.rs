//! Exports live objects as manifests, so that a plan right after shows no changes.
//!
//! The marks and the schema of a field decide how it is written. Validation finds the required fields
//! that the API does not return; they are filled in, with a note.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use clickpipes::lifecycle;
use model::action::RunState;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, Live, Object};
use model::path::FieldPath;

mod fill_required;
mod to_spec;

use fill_required::ManifestDraft;
use model::env_name::env_name_of_secret;
pub(crate) use to_spec::{escape_text, escape_variables, unescape_text};

pub use clickpipes::placeholder::FILL_IN;

pub(crate) const SHARED_NAME_REASON: &str = "another object has the same name, and a manifest can declare \
                                      only one of them: rename this one, then export it";

/// One live object as a manifest.
#[derive(Clone, Debug)]
pub struct ExportedManifest {
    /// The address of the object.
    pub address: Address,
    /// The whole document.
    pub document: Value,
    /// Notes to its fields, by their paths.
    pub field_notes: BTreeMap<FieldPath, FieldNote>,
    /// Notes to the whole manifest, as sentences.
    pub remarks: Vec<String>,
    /// Optional fields that the API never returns. The object may have them.
    pub write_only_fields: Vec<FieldPath>,
    /// The reasons why the document is invalid; empty if it is valid.
    pub blockers: Vec<String>,
}

/// A note to one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldNote {
    /// A secret. The variable must be set before a change of the connection.
    Secret {
        /// The environment variable.
        variable: String,
        /// `true` if it contains a plain file, which is encoded before it is sent.
        needs_base64: bool,
    },
    /// The API does not return the field: somebody has to write it.
    FillIn,
    /// The API does not return the field: the value is a guess that somebody has to check.
    Guess,
}

/// Exports live objects, in the order of their addresses.
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

/// The names of endpoints whose name is unique, by service and id.
type EndpointNames = BTreeMap<(ServiceRef, Id), String>;

struct ExportContext<'n> {
    endpoints: &'n EndpointNames,
    variables: &'n mut EnvNames,
}

fn unambiguous_endpoints(live: &Live) -> EndpointNames {
    // If endpoints share a name, a reference by name could resolve to the wrong one. Pipes keep their ids.
    let named = live.iter().filter_map(|(at, observed)| match observed.objects.as_slice() {
        [only] if at.kind == Kind::ReversePrivateEndpoint => {
            let key = (at.service.clone(), only.id.clone());
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
            // A manifest cannot declare a failed pipe, so this is the one export with a plan that is not empty.
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
    let mut draft =
        ManifestDraft::new(address, (Some(&object.body), document), extracted.secret_paths, context.variables);
    draft.withheld = extracted.withheld_paths;
    let mut manifest = draft.into_manifest();
    remarks.append(&mut manifest.remarks);
    let flaws = [extracted.blockers, manifest.blockers].concat();
    ExportedManifest { remarks, blockers: flaws, ..manifest }
}

/// Fills in and omits fields until the document is valid, as far as possible.
pub(crate) fn complete_manifest(address: &Address, document: Value, variables: &mut EnvNames) -> ExportedManifest {
    ManifestDraft::new(address, (None, document), Vec::new(), variables).into_manifest()
}

fn manifest_metadata(address: &Address) -> Value {
    let mut metadata = Map::new();
    if address.kind.name_path().is_some() {
        metadata.insert("name".to_owned(), escape_variables(address.name.as_str()));
    }
    metadata.insert("service".to_owned(), escape_variables(address.service.as_str()));
    Value::Object(metadata)
}

/// `true` if the pipe is stopped or stopping.
fn is_stopped(kind: Kind, object: &Object) -> bool {
    // A completed pipe needs no stop either, but nobody stopped it.
    let stop = lifecycle::state_command(kind, object, RunState::Stopped);
    stop.is_none() && !lifecycle::is_finished(object)
}

fn pin_by_id(manifest: &mut ExportedManifest, object: &Object, position: usize) {
    // Two manifests with one name are an error, so only the first of the objects can be managed.
    manifest.document["metadata"]["id"] = Value::from(object.id.as_str());
    if position == 0 {
        manifest.remarks.push("several share this name: `id` says which one is meant".to_owned());
    } else {
        manifest.blockers.push(SHARED_NAME_REASON.to_owned());
    }
}

/// The key of a reference to an environment variable.
pub(crate) const FROM_ENV: &str = "fromEnv";

impl ExportedManifest {
    /// Reads the secret from another variable.
    pub(crate) fn set_secret_variable(&mut self, path: &FieldPath, name: &str) {
        path.child(FROM_ENV).set_in(&mut self.document, Value::from(name));
        if let Some(FieldNote::Secret { variable, .. }) = self.field_notes.get_mut(path) {
            name.clone_into(variable);
        }
    }

    /// The fields that somebody has to write or check.
    pub fn fields_to_fill_in(&self) -> impl Iterator<Item = (&FieldPath, &FieldNote)> {
        self.field_notes.iter().filter(|(_, note)| matches!(note, FieldNote::FillIn | FieldNote::Guess))
    }

    /// The environment variables of the secrets.
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

/// The names in use, so that no two secrets share a variable.
#[derive(Clone, Debug, Default)]
pub struct EnvNames(BTreeSet<String>);

impl EnvNames {
    /// Reserves a name.
    pub(crate) fn reserve_name(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// `ORDERS_KAFKA_PASSWORD` for the password of `orders-kafka`, with a number if that is in use.
    pub fn unique_name(&mut self, owner: &str, field: &FieldPath) -> String {
        let steps: Vec<&str> = field.segments().iter().map(String::as_str).collect();
        let (base, mut count) = (env_name_of_secret(owner, &steps), 1);
        let mut name = base.clone();
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        name
    }
}

#[cfg(test)]
mod env_name_tests {
    use super::EnvNames;
    use model::path::FieldPath;

    #[test]
    fn env_variable_names_are_valid_and_unique() {
        let mut variables = EnvNames::default();
        let password = FieldPath::parse("spec.source.kafka.credentials.password");
        let key = FieldPath::parse("spec.source.objectStorage.accessKey.secretKey");
        let named = |owner, field| (owner, field);
        let told = [
            named("orders-kafka", &password),
            named("orders kafka", &password),
            named("2024/логи", &password),
            named("lake", &key),
        ];
        assert_eq!(
            told.map(|(owner, field)| variables.unique_name(owner, field)),
            ["ORDERS_KAFKA_PASSWORD", "ORDERS_KAFKA_PASSWORD_2", "PIPE_2024_PASSWORD", "LAKE_SECRET_KEY",]
        );
    }
}
