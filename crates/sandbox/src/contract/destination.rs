//! The destination of a pipe.

use super::field_spec::{FieldSpec, JsonType, TEXT, UnsetValue, optional, required};
use super::respell::Respelling;
use crate::quirks::Quirk;

#[rustfmt::skip]
pub(crate) static TABLE: &[FieldSpec] = &[
    optional("database", TEXT),
    required("table", TEXT),
    required("managedTable", JsonType::Bool),
    optional("tableDefinition", JsonType::Object(DEFINITION)),
    // The only part of a destination that the PATCH schema has.
    required("columns", JsonType::Objects(COLUMN, 1)).patchable(),
    // Used at creation only. No read returns them.
    optional("roles", JsonType::Texts).hidden(),
];

/// The destination of a database pipe. A rule refuses the keys of [`TABLE`].
pub(crate) static DATABASE: &[FieldSpec] = &[optional("database", TEXT), optional("roles", JsonType::Texts).hidden()];

static DEFINITION: &[FieldSpec] = &[
    required("engine", JsonType::Object(ENGINE)),
    optional("sortingKey", JsonType::Texts).unset(UnsetValue::EmptyList).quirk(Quirk::NullLists),
    optional("partitionBy", TEXT),
    optional("primaryKey", TEXT),
    optional("ttl", TEXT).newer(),
];

#[rustfmt::skip]
static ENGINE: &[FieldSpec] = &[
    required("type", JsonType::OneOf(&["MergeTree", "ReplacingMergeTree", "SummingMergeTree", "Null"]))
        .quirk(Quirk::EngineParentheses),
    // ClickPipes needs the two for creating the table and does not store them (a comment in the provider).
    optional("versionColumnId", TEXT).nullable().hidden(),
    optional("columnIds", JsonType::Texts).hidden(),
];

static COLUMN: &[FieldSpec] = &[required("name", TEXT), required("type", TEXT).respelled(Respelling::ColumnType)];
