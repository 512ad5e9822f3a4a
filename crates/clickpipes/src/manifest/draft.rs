//! A document of a known kind, valid or not.

use serde_json::Value;

use super::render_document::RenderedDocument;
use super::{Manifest, intent, source_map};
use crate::api_body;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::Document;
use model::path::FieldPath;
use model::yaml::SpanFiles;

// Neither the YAML tree nor the document as written is kept: together they are several times as large as the manifest.
pub(super) struct DraftManifest {
    pub(super) file_index: usize,
    /// Its place among the drafts of its file.
    pub(super) index_in_file: usize,
    /// Whether it has no errors. It may still conflict with other documents.
    pub(super) is_valid: bool,
    /// Whether kind, name and service could be read.
    pub(super) is_identified: bool,
    pub(super) has_name: bool,
    /// `false` if its template could not be read.
    pub(super) has_template_fields: bool,
    pub(super) manifest: Manifest,
}

impl DraftManifest {
    /// `document` is the rendered one without its places.
    pub(super) fn new(files: SpanFiles<'_>, kind: Kind, rendered: &RenderedDocument, document: Value) -> Self {
        let metadata = &document["metadata"];
        let name = metadata["name"].as_str();
        let (has_name, is_identified) = (name.is_some() || kind.is_singleton(), is_identified(kind, metadata));
        let manifest = Manifest {
            kind,
            service: metadata["service"].as_str().map(str::to_owned),
            is_organization_wide: metadata["organization"] == true,
            name: name.filter(|_| !kind.is_singleton()).map_or_else(|| Name::new(kind.name()), Name::new),
            document: Document {
                intent: intent::parse_intent(kind, &document),
                body: api_body::build_api_body(kind, document).into(),
                origin: source_map::build_origin(files, kind, rendered),
                earlier_bodies: Vec::new(),
                earlier_states: Vec::new(),
                earlier_names: Vec::new(),
                dropped_names: Vec::new(),
                target: None,
            },
        };
        Self {
            file_index: 0,
            index_in_file: 0,
            is_valid: rendered.is_valid,
            is_identified,
            has_name,
            has_template_fields: rendered.is_complete,
            manifest,
        }
    }

    /// The address as written. Without `metadata.service` the name of the service is empty.
    // The default service is not known yet, so its objects are compared only with each other. Collisions with objects
    // of a named service are found when the services are looked up.
    pub(super) fn address(&self) -> Option<Address> {
        let Manifest { kind, name, .. } = &self.manifest;
        let service = self.service();
        if kind.is_singleton() {
            return Some(Address::for_singleton(service, *kind));
        }
        self.has_name.then(|| Address::new(service, *kind, name.clone()))
    }

    /// The service as written; its name is empty without `metadata.service`.
    pub(super) fn service(&self) -> ServiceRef {
        if self.manifest.is_organization_wide {
            ServiceRef::for_organization()
        } else {
            ServiceRef::new(self.manifest.service.as_deref().unwrap_or_default())
        }
    }

    /// The field to point at in messages about the identity.
    pub(super) fn identity_path(&self) -> FieldPath {
        FieldPath::parse(if self.manifest.kind.is_singleton() { "metadata" } else { "metadata.name" })
    }
}

fn is_identified(kind: Kind, metadata: &Value) -> bool {
    // A value that could not be read, such as one with an unknown variable, is an empty text.
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let is_named = kind.is_singleton() || is_text(&metadata["name"]);
    let is_placed = metadata.get("service").is_none_or(is_text);
    is_named && is_placed && metadata.get("organization").is_none_or(Value::is_boolean)
}
