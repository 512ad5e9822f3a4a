//! A document that says what it declares, sound or not.

use std::sync::Arc;

use serde_json::Value;

use super::{Manifest, intent, origin};
use crate::address::{Address, Kind, Name, ServiceRef};
use crate::desired::{Document, Place};
use crate::diagnostic::{Diagnostic, Related};
use crate::envelope;
use crate::path::Path;
use crate::source::{Node, Remark};

/// What one document declares.
pub(super) struct Declared {
    /// Which of the files it is in.
    pub(super) file_index: usize,
    /// Nothing is wrong with it by itself.
    pub(super) sound: bool,
    pub(super) kind: Kind,
    pub(super) document: Value,
    file: Arc<str>,
    root: Node,
}

impl Declared {
    pub(super) fn new(
        file_index: usize,
        file: Arc<str>,
        kind: Kind,
        root: Node,
        sound: bool,
    ) -> Self {
        Self { file_index, sound, kind, document: root.to_json(), file, root }
    }

    /// The service, as far as the document names one.
    pub(super) fn service(&self) -> Option<&str> {
        self.document["metadata"]["service"].as_str()
    }

    pub(super) fn is_of_organization(&self) -> bool {
        self.document["metadata"]["organization"] == true
    }

    /// The address as written: a service that is left open is one of its own, without a name.
    pub(super) fn address(&self) -> Option<Address> {
        let service = if self.is_of_organization() {
            ServiceRef::organization()
        } else {
            ServiceRef::new(self.service().unwrap_or_default())
        };
        if self.kind.is_singleton() {
            return Some(Address::singleton(service, self.kind));
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
    pub(super) fn identity_path(&self) -> Path {
        Path::parse(if self.kind.is_singleton() { "metadata" } else { "metadata.name" })
    }

    /// A diagnostic at one of its fields, with a field of another document as the second place.
    pub(super) fn diagnostic(
        &self,
        remark: impl FnOnce(crate::source::Span) -> Remark,
        at: &Path,
        other: (&Self, &Path, &str),
    ) -> Diagnostic {
        let (other, other_path, label) = other;
        let span = other.root.place(other_path);
        let also = Related {
            place: Place { file: Arc::clone(&other.file), line: span.line, column: span.column },
            span: span.range(),
            label: label.to_owned(),
        };
        let remark = remark(self.root.place(at)).at(at.clone());
        Diagnostic { also: Some(also), ..remark.into_diagnostic(&self.file) }
    }

    /// The manifest; only sound documents are one.
    pub(super) fn manifest(&self) -> Manifest {
        let name = self.address().map(|address| address.name);
        Manifest {
            kind: self.kind,
            service: self.service().map(str::to_owned),
            organization: self.is_of_organization(),
            name: name.unwrap_or_else(|| Name::new(self.kind.name())),
            document: Document {
                body: envelope::body(self.kind, &self.document),
                intent: intent::read(&self.document),
                origin: origin::of(&self.file, self.kind, &self.root),
            },
        }
    }
}
