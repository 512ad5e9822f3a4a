//! A document of a known kind, valid or not.

use std::sync::Arc;

use serde_json::Value;

use super::{Manifest, intent, source_map};
use crate::api_body;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::{Document, Place};
use model::diagnostic::{Diagnostic, RelatedPlace};
use model::path::FieldPath;
use model::yaml::{PendingDiagnostic, YamlNode};

pub(super) struct DraftManifest {
    pub(super) file_index: usize,
    /// Whether it has no errors of its own. It may conflict with other documents.
    pub(super) is_valid: bool,
    pub(super) kind: Kind,
    pub(super) document: Value,
    file: Arc<str>,
    root: YamlNode,
}

impl DraftManifest {
    pub(super) fn new(file_index: usize, file: Arc<str>, kind: Kind, root: YamlNode, is_valid: bool) -> Self {
        Self { file_index, is_valid, kind, document: root.to_json(), file, root }
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

    /// A diagnostic at a field of this document, with a field of another document as the related place.
    pub(super) fn related_diagnostic(
        &self,
        remark: impl FnOnce(model::yaml::Span) -> PendingDiagnostic,
        at: &FieldPath,
        other: (&Self, &FieldPath, &str),
    ) -> Diagnostic {
        let (other, other_path, label) = other;
        let span = other.root.span_at(other_path);
        let also = RelatedPlace {
            place: Place { file: Arc::clone(&other.file), line: span.line, column: span.column },
            span: span.byte_range(),
            label: label.to_owned(),
        };
        let remark = remark(self.root.span_at(at)).with_path(at.clone());
        Diagnostic { also: Some(also), ..remark.into_diagnostic(&self.file) }
    }

    pub(super) fn to_manifest(&self) -> Manifest {
        let name = self.address().map(|address| address.name);
        Manifest {
            kind: self.kind,
            service: self.service_name().map(str::to_owned),
            is_organization_wide: self.is_organization_wide(),
            name: name.unwrap_or_else(|| Name::new(self.kind.name())),
            document: Document {
                body: api_body::build_api_body(self.kind, &self.document),
                intent: intent::parse_intent(self.kind, &self.document),
                origin: source_map::build_origin(&self.file, self.kind, &self.root),
                earlier_bodies: Vec::new(),
            },
        }
    }
}
