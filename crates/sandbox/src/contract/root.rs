//! The body of a pipe, down to the parts that depend on its source.

use super::field_spec::{FieldSpec, JsonType, TEXT, optional, required};

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    required("name", JsonType::Text { min: 1, max: 255 }).patchable(),
    required("source", JsonType::Anything).patchable(),
    required("destination", JsonType::Anything).patchable(),
    optional("fieldMappings", JsonType::Objects(FIELD_MAPPING, 0)).patchable(),
    optional("scaling", JsonType::Object(super::scaling::FIELDS)),
    // The PATCH schema lists it. `Quirk::PatchIgnoresSettings` decides if it has an effect.
    optional("settings", JsonType::Anything).patchable(),
    optional("startPaused", JsonType::Bool).newer(),
];

static FIELD_MAPPING: &[FieldSpec] = &[required("sourceField", TEXT), required("destinationField", TEXT)];
