//! The body of a pipe, down to the parts that depend on its source.

use super::row::{Field, Shape, TEXT, may, need};

/// `settings` may be given in a PATCH; whether it is applied is a quirk.
#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    need("name", Shape::Text { min: 1, max: 255 }).patchable(),
    need("source", Shape::Anything).patchable(),
    need("destination", Shape::Anything).patchable(),
    may("fieldMappings", Shape::Objects(FIELD_MAPPING, 0)).patchable(),
    may("scaling", Shape::Object(super::scaling::FIELDS)),
    may("settings", Shape::Anything).patchable(),
];

static FIELD_MAPPING: &[Field] = &[need("sourceField", TEXT), need("destinationField", TEXT)];
