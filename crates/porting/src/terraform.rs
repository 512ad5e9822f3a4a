//! Converts a Terraform state, as `terraform show -json` or `terraform state pull` prints it, to manifests.
//!
//! The attributes of the official provider are the fields of the API in `snake_case`; `attributes` converts them along
//! the schema of the manifests, with tables for other differences. A state contains secrets in plain text. None of them
//! leaves this module: it is replaced by a reference.

use std::{fmt, mem};

use serde_json::{Map, Value, json};

use crate::export::{EnvNames, ExportedManifest, FieldNote, complete_manifest, escape_variables};
use model::address::{Address, Kind, Name, ServiceRef};
use model::path::FieldPath;

mod attributes;
mod cross_references;
mod removed_blocks;
mod state;

pub use removed_blocks::{RemovedBlock, removed_block};
pub use state::TerraformStateError;

use attributes::AttributeConverter;
use cross_references::EndpointDnsNames;
use state::TerraformResource;

/// The result of a conversion.
#[derive(Debug, Default)]
pub struct TerraformImport {
    /// The converted objects, in the order of the state.
    pub objects: Vec<TerraformObject>,
    /// The resources that Terraform must forget, each one once.
    pub removed_blocks: Vec<RemovedBlock>,
    /// Notes on attributes and resources that were not converted.
    pub remarks: Vec<ImportRemark>,
    /// The number of other instances, which stay with Terraform.
    pub unmanaged_count: usize,
    /// The number of ClickPipes instances among them that only lack data in the state.
    pub incomplete_count: usize,
}

impl TerraformImport {
    /// Counts and reports a resource of ClickPipes that is not converted.
    fn leave_to_terraform(&mut self, resource: &str, why: &str) {
        self.unmanaged_count += 1;
        let message = format!("left out, and stays with Terraform: {why}");
        self.remarks.push(ImportRemark { location: resource.to_owned(), message });
    }

    /// The same for an instance that only lacks data in the state.
    fn leave_incomplete(&mut self, resource: &str, why: &str) {
        self.leave_to_terraform(resource, why);
        self.incomplete_count += 1;
    }
}

/// One object that Terraform manages.
#[derive(Debug)]
pub struct TerraformObject {
    /// The address in Terraform, with its index.
    pub resource: String,
    /// The id of the service.
    pub service_id: String,
    /// The whole manifest.
    pub manifest: Value,
    /// The references to secrets in the manifest.
    pub secret_variables: Vec<SecretVariable>,
    /// The reasons why the manifest is invalid; empty if it is valid.
    pub blockers: Vec<String>,
    /// All resources that the manifest contains.
    resources: Vec<String>,
    id: String,
}

/// A reference to a secret in a manifest.
#[derive(Debug)]
pub struct SecretVariable {
    /// The path of the reference in the manifest.
    pub path: FieldPath,
    /// The name of the environment variable.
    pub variable: String,
}

/// A note on something that was not converted.
#[derive(Debug)]
pub struct ImportRemark {
    /// The resource, with the attribute if the note is about one.
    pub location: String,
    /// The note. It contains no value of the state.
    pub message: String,
}

impl fmt::Display for ImportRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)
    }
}

/// Converts a state.
///
/// # Errors
/// If it is not a state, or contains nothing that pipectl manages.
pub fn read_state(state: &Value) -> Result<TerraformImport, TerraformStateError> {
    let (mut read, mut variables) = convert_resources(state)?;
    // Only after the repair is it known which manifests are valid, and so which resources Terraform keeps.
    complete_manifests(&mut read, &mut variables);
    cross_references::keep_unmanaged_resources(&mut read);
    Ok(read)
}

/// The manifests may still be invalid.
fn convert_resources(state: &Value) -> Result<(TerraformImport, EnvNames), TerraformStateError> {
    let resources = state::list_resources(state)?;
    let mut reading = StateReader::default();
    for resource in &resources {
        reading.read_resource(resource);
    }
    let mut read = reading.import;
    // The names of an endpoint are not a separate object, and their endpoint may be in another state.
    if read.objects.is_empty() && reading.dns_names.is_empty() {
        return Err(match read.remarks.as_slice() {
            [] => TerraformStateError::NoManagedResource { unmanaged_count: read.unmanaged_count },
            remarks => {
                TerraformStateError::NoUsableResource { reasons: remarks.iter().map(ToString::to_string).collect() }
            }
        });
    }
    // All objects are known only now: a resource may come before the one that it refers to.
    cross_references::assign_dns_names(&mut read, reading.dns_names);
    cross_references::refer_to_endpoints(&mut read.objects);
    cross_references::pin_shared_names(&mut read);
    Ok((read, reading.variables))
}

#[derive(Default)]
struct StateReader {
    import: TerraformImport,
    variables: EnvNames,
    // The provider has a separate resource for the DNS names of an endpoint.
    dns_names: Vec<EndpointDnsNames>,
}

impl StateReader {
    fn read_resource(&mut self, resource: &TerraformResource<'_>) {
        match resource.resource_type {
            "clickhouse_clickpipe" => self.add_object(resource, Kind::ClickPipe),
            "clickhouse_clickpipe_cdc_infrastructure" => self.add_object(resource, Kind::CdcScaling),
            "clickhouse_clickpipes_reverse_private_endpoint" => {
                self.add_object(resource, Kind::ReversePrivateEndpoint);
            }
            "clickhouse_clickpipes_reverse_private_endpoint_custom_private_dns" => {
                self.add_dns_names(resource);
            }
            // A newer provider may have more resources of ClickPipes. Without a note they would seem to be converted.
            other if other.starts_with("clickhouse_clickpipe") => {
                self.import.leave_to_terraform(&resource.address, "pipectl does not manage this");
            }
            _ => self.import.unmanaged_count += 1,
        }
    }

    fn add_object(&mut self, resource: &TerraformResource<'_>, kind: Kind) {
        let Some((service, name)) = self.service_and_name(resource, kind) else { return };
        let (variables, remarks) = (&mut self.variables, &mut self.import.remarks);
        let mut attributes = AttributeConverter::new(kind, resource, &name, variables, remarks);
        let spec = attributes.build_spec(resource.values);
        let secrets = attributes.secrets;
        let mut metadata = Map::new();
        if kind.name_path().is_some() {
            metadata.insert("name".to_owned(), escape_variables(&name));
        }
        metadata.insert("service".to_owned(), Value::from(service.clone()));
        let manifest = json!({
            "apiVersion": "pipectl/v1", "kind": kind.name(), "metadata": metadata, "spec": spec,
        });
        let id = non_empty_text(resource.values, "id").unwrap_or_default().to_owned();
        self.import.removed_blocks.extend(removed_block(&resource.address, &self.import.removed_blocks));
        let (resource, flaws) = (resource.address.clone(), Vec::new());
        let parts = vec![resource.clone()];
        let object = TerraformObject {
            resource,
            service_id: service,
            manifest,
            secret_variables: secrets,
            blockers: flaws,
            resources: parts,
            id,
        };
        self.import.objects.push(object);
    }

    /// `None`, with a remark, if there can be no manifest.
    fn service_and_name(&mut self, resource: &TerraformResource<'_>, kind: Kind) -> Option<(String, String)> {
        let attribute = match kind {
            Kind::ClickPipe => "name",
            Kind::ReversePrivateEndpoint => "description",
            Kind::CdcScaling => "service_id",
        };
        let given = |name: &str| non_empty_text(resource.values, name).map(str::to_owned);
        let both = given("service_id").zip(given(attribute));
        if both.is_none() {
            let message = format!("no manifest is made: `service_id` or `{attribute}` is missing");
            self.add_remark(&resource.address, &message);
            self.import.incomplete_count += 1;
        }
        both
    }

    fn add_dns_names(&mut self, resource: &TerraformResource<'_>) {
        let Some(endpoint) = non_empty_text(resource.values, "reverse_private_endpoint_id") else {
            return self.import.leave_incomplete(&resource.address, "it names no endpoint");
        };
        let Some(listed) = list_of_names(resource.values) else {
            // An empty list in the manifest would take the live names away.
            return self.import.leave_incomplete(&resource.address, "it has no list of names");
        };
        let mut names = Vec::new();
        for entry in listed {
            let mut name =
                json!({"privateDnsName": escape_variables(entry["private_dns_name"].as_str().unwrap_or_default())});
            if let Some(target) = entry["target_id"].as_str().filter(|target| !target.is_empty()) {
                name["targetId"] = escape_variables(target);
            }
            names.push(name);
        }
        let (resource, endpoint) = (resource.address.clone(), endpoint.to_owned());
        self.dns_names.push(EndpointDnsNames { resource, endpoint_id: endpoint, names: names.into() });
    }

    fn add_remark(&mut self, location: &str, message: &str) {
        self.import.remarks.push(ImportRemark { location: location.to_owned(), message: message.to_owned() });
    }
}

/// The names of a resource, by their shape: versions of the provider may use another name for the list.
fn list_of_names(values: &Map<String, Value>) -> Option<&Vec<Value>> {
    let lists = values.values().filter_map(Value::as_array);
    let named = lists.into_iter().find(|list| list.iter().any(|entry| entry["private_dns_name"].is_string()));
    named.or_else(|| values.get("mapping")?.as_array())
}

fn non_empty_text<'v>(values: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    values.get(name)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;

/// Fills in and omits fields until the manifests are valid, as in an export of live objects.
// A state may lack required fields and contain values that are not allowed.
fn complete_manifests(read: &mut TerraformImport, variables: &mut EnvNames) {
    let TerraformImport { objects, remarks, .. } = read;
    for object in objects {
        let Some(address) = object_address(object) else { continue };
        let manifest = complete_manifest(&address, mem::take(&mut object.manifest), variables);
        remarks.extend(completion_remarks(&object.resource, &manifest));
        // The repair may have omitted the field of a reference.
        object.secret_variables.retain(|secret| secret.path.value_in(&manifest.document).is_some());
        object.secret_variables.extend(secret_variables(&manifest));
        object.blockers.extend(manifest.blockers);
        object.manifest = manifest.document;
        let flaws = object
            .blockers
            .iter()
            .map(|flaw| ImportRemark { location: object.resource.clone(), message: format!("commented out: {flaw}") });
        remarks.extend(flaws);
    }
}

fn object_address(object: &TerraformObject) -> Option<Address> {
    let kind = Kind::from_name(object.manifest["kind"].as_str()?)?;
    let name = object.manifest["metadata"]["name"].as_str().unwrap_or_default();
    Some(Address::new(ServiceRef::new(object.service_id.clone()), kind, Name::new(name)))
}

fn completion_remarks(resource: &str, manifest: &ExportedManifest) -> Vec<ImportRemark> {
    let remark = |message| ImportRemark { location: resource.to_owned(), message };
    let missing = manifest
        .fields_to_fill_in()
        .map(|(path, _)| format!("`{path}` is not in the state: FILL IN what the object has before you go on"));
    manifest.remarks.iter().cloned().chain(missing).map(remark).collect()
}

fn secret_variables(manifest: &ExportedManifest) -> impl Iterator<Item = SecretVariable> + '_ {
    manifest.field_notes.iter().filter_map(|(path, note)| match note {
        FieldNote::Secret { variable, .. } => Some(SecretVariable { path: path.clone(), variable: variable.clone() }),
        FieldNote::FillIn | FieldNote::Guess => None,
    })
}
