//! Where the rows go.

use super::field_spec::{FieldSpec, JsonType, TEXT, UnsetValue, optional, required};
use crate::options::Quirk;

/// Of a pipe that writes one table.
#[rustfmt::skip]
pub(crate) static TABLE: &[FieldSpec] = &[
    optional("database", TEXT),
    required("table", TEXT),
    required("managedTable", JsonType::Bool),
    optional("tableDefinition", JsonType::Object(DEFINITION)),
    required("columns", JsonType::Objects(COLUMN, 1)).patchable(),
    optional("roles", JsonType::Texts).hidden(),
];

/// Of a pipe that replicates a database; everything else is refused by a rule.
pub(crate) static DATABASE: &[FieldSpec] = &[optional("database", TEXT), optional("roles", JsonType::Texts).hidden()];

static DEFINITION: &[FieldSpec] = &[
    required("engine", JsonType::Object(ENGINE)),
    optional("sortingKey", JsonType::Texts).unset(UnsetValue::EmptyList).quirk(Quirk::NullLists),
    optional("partitionBy", TEXT),
    optional("primaryKey", TEXT),
];

#[rustfmt::skip]
static ENGINE: &[FieldSpec] = &[
    required("type", JsonType::OneOf(&["MergeTree", "ReplacingMergeTree", "SummingMergeTree", "Null"]))
        .quirk(Quirk::EngineParentheses),
    optional("versionColumnId", TEXT).nullable().hidden(),
    optional("columnIds", JsonType::Texts).hidden(),
];

static COLUMN: &[FieldSpec] = &[required("name", TEXT), required("type", TEXT)];
