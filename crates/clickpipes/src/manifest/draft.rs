//! A document of a known kind, valid or not.

use std::sync::Arc;

use serde_json::Value;

use super::{Manifest, intent, source_map};
use crate::api_body;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::{Document, Origin};
use model::path::FieldPath;
use model::yaml::YamlNode;

// The tree of the YAML is not kept: it is several times as large as what the plan needs of a manifest.
pub(super) struct DraftManifest {
    pub(super) file_index: usize,
    /// Its place among the drafts of its file.
    pub(super) index_in_file: usize,
    /// Whether it has no errors of its own. It may conflict with other documents.
    pub(super) is_valid: bool,
    pub(super) kind: Kind,
    pub(super) document: Value,
    pub(super) origin: Origin,
}

impl DraftManifest {
    pub(super) fn new(file: &Arc<str>, kind: Kind, root: &YamlNode, is_valid: bool) -> Self {
        let origin = source_map::build_origin(file, kind, root);
        Self { file_index: 0, index_in_file: 0, is_valid, kind, document: root.to_json(), origin }
    }

    pub(super) fn service_name(&self) -> Option<&str> {
        self.document["metadata"]["service"].as_str()
    }

    pub(super) fn is_organization_wide(&self) -> bool {
        self.document["metadata"]["organization"] == true
    }

    /// The address as written. Without `metadata.service` the name of the service is empty.
    // The default service is not known yet, so its objects are compared with each other only. What collides once the
    // default has a name is found when the services are looked up.
    pub(super) fn address(&self) -> Option<Address> {
        let service = if self.is_organization_wide() {
            ServiceRef::for_organization()
        } else {
            ServiceRef::new(self.service_name().unwrap_or_default())
        };
        if self.kind.is_singleton() {
            return Some(Address::for_singleton(service, self.kind));
        }
        let name = self.document["metadata"]["name"].as_str()?;
        Some(Address::new(service, self.kind, Name::new(name)))
    }

    /// Whether kind, name and service could be read.
    pub(super) fn is_identified(&self) -> bool {
        // A value that could not be read, such as one with an unknown variable, is an empty text.
        let metadata = &self.document["metadata"];
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let named = self.kind.is_singleton() || is_text(&metadata["name"]);
        let placed = metadata.get("service").is_none_or(is_text);
        named && placed && metadata.get("organization").is_none_or(Value::is_boolean)
    }

    /// The field to point at in messages about the identity.
    pub(super) fn identity_path(&self) -> FieldPath {
        FieldPath::parse(if self.kind.is_singleton() { "metadata" } else { "metadata.name" })
    }

    pub(super) fn into_manifest(self) -> Manifest {
        let name = self.address().map(|address| address.name);
        Manifest {
            kind: self.kind,
            service: self.service_name().map(str::to_owned),
            is_organization_wide: self.is_organization_wide(),
            name: name.unwrap_or_else(|| Name::new(self.kind.name())),
            document: Document {
                body: api_body::build_api_body(self.kind, &self.document),
                intent: intent::parse_intent(self.kind, &self.document),
                origin: self.origin,
                earlier_bodies: Vec::new(),
            },
        }
    }
}
