//! Manifests of what Terraform manages, from its state as `terraform show -json` prints it.
//!
//! The official provider's attributes are the API's fields in `snake_case`; `attributes` turns
//! them back along the schema of the manifests. What differs otherwise stands in tables there. A
//! state holds secrets in plain text: none of them leaves this module, a reference takes its place.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::address::Kind;
use crate::export::{Variables, literal};
use crate::path::Path;

mod attributes;
mod removed;
mod sound;
mod state;
mod together;

pub use removed::{Removed, removed};
pub use state::Unreadable;

use attributes::Attributes;
use state::Resource;
use together::DnsNames;

/// What a state says.
#[derive(Debug, Default)]
pub struct Read {
    /// The manifests, in the state's order.
    pub objects: Vec<Object>,
    /// What Terraform must forget, each resource once.
    pub removed: Vec<Removed>,
    /// What a reader has to look at.
    pub remarks: Vec<Remark>,
    /// How many other instances there are. They stay with Terraform.
    pub others: usize,
}

impl Read {
    /// Of ClickPipes, and yet not taken over.
    fn stays(&mut self, resource: &str, why: &str) {
        self.others += 1;
        let message = format!("left out, and stays with Terraform: {why}");
        self.remarks.push(Remark { at: resource.to_owned(), message });
    }
}

/// One object that Terraform manages.
#[derive(Debug)]
pub struct Object {
    /// Its address in Terraform, index and all.
    pub resource: String,
    /// The id of its service.
    pub service: String,
    /// The whole manifest.
    pub manifest: Value,
    /// The references in it that a secret has to be put behind.
    pub secrets: Vec<Reference>,
    /// Why the manifest cannot be used as it stands; empty where it can.
    pub flaws: Vec<String>,
    /// All resources that went into it.
    parts: Vec<String>,
    id: String,
}

/// A secret that the manifest refers to.
#[derive(Debug)]
pub struct Reference {
    /// Where the reference stands in the manifest.
    pub path: Path,
    /// The environment variable that it names.
    pub variable: String,
}

/// Something that a manifest could not take over.
#[derive(Debug)]
pub struct Remark {
    /// The resource, and the attribute if it is about one.
    pub at: String,
    /// What about it. No value is in it.
    pub message: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// Reads a state.
///
/// # Errors
/// For what is no state, and for a state without anything that pipectl manages.
pub fn read(state: &Value) -> Result<Read, Unreadable> {
    let (mut read, mut variables) = taken(state)?;
    sound::complete(&mut read, &mut variables);
    together::keep_unmanaged(&mut read);
    Ok(read)
}

/// What the state says, though a manifest may need more or take less.
fn taken(state: &Value) -> Result<(Read, Variables), Unreadable> {
    let resources = state::resources(state)?;
    let mut reading = Reading::default();
    for resource in &resources {
        reading.take(resource);
    }
    let mut read = reading.read;
    if read.objects.is_empty() {
        return Err(match read.remarks.as_slice() {
            [] => Unreadable::NothingOfOurs { others: read.others },
            remarks => {
                Unreadable::NoManifest { why: remarks.iter().map(ToString::to_string).collect() }
            }
        });
    }
    together::name_endpoints(&mut read, reading.names);
    together::refer_to_endpoints(&mut read.objects);
    together::pin_shared_names(&mut read);
    Ok((read, reading.variables))
}

#[derive(Default)]
struct Reading {
    read: Read,
    variables: Variables,
    /// Those of endpoints are a resource of their own.
    names: Vec<DnsNames>,
}

impl Reading {
    fn take(&mut self, resource: &Resource<'_>) {
        match resource.kind {
            "clickhouse_clickpipe" => self.object(resource, Kind::ClickPipe),
            "clickhouse_clickpipe_cdc_infrastructure" => self.object(resource, Kind::CdcScaling),
            "clickhouse_clickpipes_reverse_private_endpoint" => {
                self.object(resource, Kind::ReversePrivateEndpoint);
            }
            "clickhouse_clickpipes_reverse_private_endpoint_custom_private_dns" => {
                self.dns_names(resource);
            }
            other if other.starts_with("clickhouse_clickpipe") => {
                self.read.stays(&resource.address, "pipectl does not manage this");
            }
            _ => self.read.others += 1,
        }
    }

    fn object(&mut self, resource: &Resource<'_>, kind: Kind) {
        let Some((service, name)) = self.identity(resource, kind) else { return };
        let mut attributes = Attributes::new(
            kind,
            &resource.address,
            &name,
            &mut self.variables,
            &mut self.read.remarks,
        );
        let spec = attributes.spec(resource.values);
        let secrets = attributes.secrets;
        let mut metadata = Map::new();
        if kind.name_path().is_some() {
            metadata.insert("name".to_owned(), literal(&name));
        }
        metadata.insert("service".to_owned(), Value::from(service.clone()));
        let manifest = json!({
            "apiVersion": "pipectl/v1", "kind": kind.name(), "metadata": metadata, "spec": spec,
        });
        let id = text(resource.values, "id").unwrap_or_default().to_owned();
        self.read.removed.extend(removed(&resource.address, &self.read.removed));
        let (resource, flaws) = (resource.address.clone(), Vec::new());
        let parts = vec![resource.clone()];
        let object = Object { resource, service, manifest, secrets, flaws, parts, id };
        self.read.objects.push(object);
    }

    /// The service and the name, without which there is no manifest.
    fn identity(&mut self, resource: &Resource<'_>, kind: Kind) -> Option<(String, String)> {
        let attribute = match kind {
            Kind::ClickPipe => "name",
            Kind::ReversePrivateEndpoint => "description",
            Kind::CdcScaling => "service_id",
        };
        let given = |name: &str| text(resource.values, name).map(str::to_owned);
        let both = given("service_id").zip(given(attribute));
        if both.is_none() {
            let message = format!("no manifest is made: `service_id` or `{attribute}` is missing");
            self.remark(&resource.address, &message);
        }
        both
    }

    fn dns_names(&mut self, resource: &Resource<'_>) {
        let Some(endpoint) = text(resource.values, "reverse_private_endpoint_id") else {
            self.read.stays(&resource.address, "it names no endpoint");
            return;
        };
        let listed = resource.values.get("mapping").and_then(Value::as_array);
        let mut names = Vec::new();
        for entry in listed.into_iter().flatten() {
            if entry["target_id"].is_string() {
                let why = "a `target_id` is set, which manifests cannot say";
                self.read.stays(&resource.address, why);
                return;
            }
            names.push(json!({"privateDnsName": entry["private_dns_name"]}));
        }
        let (resource, endpoint) = (resource.address.clone(), endpoint.to_owned());
        self.names.push(DnsNames { resource, endpoint, names: names.into() });
    }

    fn remark(&mut self, at: &str, message: &str) {
        self.read.remarks.push(Remark { at: at.to_owned(), message: message.to_owned() });
    }
}

fn text<'v>(values: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    values.get(name)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
