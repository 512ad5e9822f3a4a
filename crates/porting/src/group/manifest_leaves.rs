//! The fields of a manifest without child fields, which decide whether manifests are similar.

use serde_json::Value;

use crate::export::{ExportedManifest, FieldNote};
use clickpipes::secret_hosts::secret_hosts;
use clickpipes::secrets::host::SecretHost;
use model::path::FieldPath;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LeafType {
    Text,
    /// Whole or fractional: half a gigabyte and two gigabytes are values of one field.
    Number,
    Bool,
    List,
    /// `null`, or a mapping without entries. They have no values to differ in.
    Empty,
}

impl LeafType {
    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::String(_) => Self::Text,
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Bool,
            Value::Array(_) => Self::List,
            Value::Null | Value::Object(_) => Self::Empty,
        }
    }
}

/// The parts that two objects must have in common to share a template. Lists may differ as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ManifestShape {
    service_and_kind: (String, &'static str),
    /// In the order of the document.
    pub(super) leaves: Vec<FieldPath>,
    types: Vec<(FieldPath, LeafType)>,
    /// The fields with a comment, and those that the API does not return.
    notes: Vec<(FieldPath, &'static str)>,
    write_only_fields: Vec<FieldPath>,
    secret_hosts: Vec<SecretReceivers>,
}

/// A secret, and the hosts that receive it.
pub(super) type SecretReceivers = (FieldPath, Vec<SecretHost>);

/// The parts of a shape that do not depend on hosts.
pub(super) type Structure<'s> =
    (&'s (String, &'static str), &'s [(FieldPath, LeafType)], &'s [(FieldPath, &'static str)], &'s [FieldPath]);

impl ManifestShape {
    pub(super) fn structure(&self) -> Structure<'_> {
        (&self.service_and_kind, &self.types, &self.notes, &self.write_only_fields)
    }

    pub(super) fn secret_hosts(&self) -> &[SecretReceivers] {
        &self.secret_hosts
    }
}

pub(super) fn collect_leaves(manifest: &ExportedManifest) -> ManifestShape {
    let mut leaves = Vec::new();
    push_leaves(&manifest.document, &FieldPath::root(), ListMode::Whole, &mut leaves);
    let mut types: Vec<_> = leaves.iter().map(|(path, value)| (path.clone(), LeafType::of_value(value))).collect();
    // Fields that are newer than this version come in the order of the API.
    types.sort();
    let spec = FieldPath::parse("spec");
    let secrets = manifest.field_notes.iter().filter(|(_, note)| matches!(note, FieldNote::Secret { .. }));
    let hosts = secrets.map(|(path, _)| {
        let within = path.relative_to(&spec).unwrap_or_default();
        (path.clone(), secret_hosts(manifest.address.kind, &manifest.document["spec"], &within))
    });
    ManifestShape {
        service_and_kind: (manifest.address.service.as_str().to_owned(), manifest.address.kind.name()),
        leaves: leaves.into_iter().map(|(path, _)| path).collect(),
        types,
        notes: manifest.field_notes.iter().map(|(path, note)| (path.clone(), note_word(note))).collect(),
        write_only_fields: manifest.write_only_fields.clone(),
        secret_hosts: hosts.collect(),
    }
}

fn note_word(note: &FieldNote) -> &'static str {
    match note {
        FieldNote::Secret { needs_base64: false, .. } => "secret",
        FieldNote::Secret { needs_base64: true, .. } => "encoded secret",
        FieldNote::FillIn => "fill in",
        FieldNote::Guess => "guess",
    }
}

/// Whether a list is one leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListMode {
    Whole,
    ByItem,
}

/// Adds the leaves below `value`, in its order.
pub(super) fn push_leaves<'v>(
    value: &'v Value,
    path: &FieldPath,
    lists: ListMode,
    leaves: &mut Vec<(FieldPath, &'v Value)>,
) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(name, field)| push_leaves(field, &path.child(name), lists, leaves));
        }
        Value::Array(items) if lists == ListMode::ByItem && !items.is_empty() => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| push_leaves(item, &path.child(index), lists, leaves));
        }
        _ => leaves.push((path.clone(), value)),
    }
}
