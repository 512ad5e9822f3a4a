//! Where the rows go.

use super::row::{Field, Shape, TEXT, Unset, may, need};
use crate::options::Quirk;

/// Of a pipe that writes one table.
#[rustfmt::skip]
pub(crate) static TABLE: &[Field] = &[
    may("database", TEXT),
    need("table", TEXT),
    need("managedTable", Shape::Bool),
    may("tableDefinition", Shape::Object(DEFINITION)),
    need("columns", Shape::Objects(COLUMN, 1)).patchable(),
    may("roles", Shape::Texts).hidden(),
];

/// Of a pipe that replicates a database; everything else is refused by a rule.
pub(crate) static DATABASE: &[Field] =
    &[may("database", TEXT), may("roles", Shape::Texts).hidden()];

static DEFINITION: &[Field] = &[
    need("engine", Shape::Object(ENGINE)),
    may("sortingKey", Shape::Texts).unset(Unset::EmptyList).quirk(Quirk::NullLists),
    may("partitionBy", TEXT),
    may("primaryKey", TEXT),
];

#[rustfmt::skip]
static ENGINE: &[Field] = &[
    need("type", Shape::OneOf(&["MergeTree", "ReplacingMergeTree", "SummingMergeTree", "Null"]))
        .quirk(Quirk::EngineParentheses),
    may("versionColumnId", TEXT).nullable().hidden(),
    may("columnIds", Shape::Texts).hidden(),
];

static COLUMN: &[Field] = &[need("name", TEXT), need("type", TEXT)];
