//! A document that says what it declares, sound or not.

use std::sync::Arc;

use serde_json::Value;

use super::{Manifest, intent, source_map};
use crate::envelope;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::{Document, Place};
use model::diagnostic::{Diagnostic, RelatedPlace};
use model::path::FieldPath;
use model::yaml::{PendingDiagnostic, YamlNode};

/// What one document declares.
pub(super) struct DraftManifest {
    /// Which of the files it is in.
    pub(super) file_index: usize,
    /// Nothing is wrong with it by itself.
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

    /// The service, as far as the document names one.
    pub(super) fn service_name(&self) -> Option<&str> {
        self.document["metadata"]["service"].as_str()
    }

    pub(super) fn is_organization_wide(&self) -> bool {
        self.document["metadata"]["organization"] == true
    }

    /// The address as written: a service that is left open is one of its own, without a name.
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

    /// Whether it can be told what it is about: what could not be read is an empty text.
    pub(super) fn is_identified(&self) -> bool {
        let metadata = &self.document["metadata"];
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let named = self.kind.is_singleton() || is_text(&metadata["name"]);
        let placed = metadata.get("service").is_none_or(is_text);
        named && placed && metadata.get("organization").is_none_or(Value::is_boolean)
    }

    /// The field that tells documents of this kind apart.
    pub(super) fn identity_path(&self) -> FieldPath {
        FieldPath::parse(if self.kind.is_singleton() { "metadata" } else { "metadata.name" })
    }

    /// A diagnostic at one of its fields, with a field of another document as the second place.
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

    /// The manifest; only sound documents are one.
    pub(super) fn to_manifest(&self) -> Manifest {
        let name = self.address().map(|address| address.name);
        Manifest {
            kind: self.kind,
            service: self.service_name().map(str::to_owned),
            is_organization_wide: self.is_organization_wide(),
            name: name.unwrap_or_else(|| Name::new(self.kind.name())),
            document: Document {
                body: envelope::build_api_body(self.kind, &self.document),
                intent: intent::parse_intent(&self.document),
                origin: source_map::build_origin(&self.file, self.kind, &self.root),
                earlier_bodies: Vec::new(),
            },
        }
    }
}
