//! The `bigquery` arm, which has no PATCH at all.

use super::postgres::ENGINE;
use super::pubsub::SERVICE_ACCOUNT;
use super::row::{Field, Shape, TEXT, Unset, may, need};
use crate::options::Quirk;

const COUNT: Shape = Shape::Number { min: 1.0, max: f64::INFINITY };

pub(crate) static FIELDS: &[Field] = &[
    need("snapshotStagingPath", TEXT),
    need("credentials", Shape::Object(SERVICE_ACCOUNT)).secret(),
    need("settings", Shape::Object(SETTINGS)),
    need("tableMappings", Shape::Objects(MAPPING, 1)).quirk(Quirk::ShuffledLists),
];

static SETTINGS: &[Field] = &[
    need("replicationMode", Shape::OneOf(&["snapshot"])),
    may("allowNullableColumns", Shape::Bool).unset(Unset::False),
    may("initialLoadParallelism", COUNT).unset(Unset::Integer(4)),
    may("snapshotNumRowsPerPartition", COUNT).unset(Unset::Integer(100_000)),
    may("snapshotNumberOfParallelTables", COUNT).unset(Unset::Integer(1)),
];

#[rustfmt::skip]
static MAPPING: &[Field] = &[
    need("sourceDatasetName", TEXT),
    need("sourceTable", TEXT),
    need("targetTable", TEXT),
    may("excludedColumns", Shape::Texts).unset(Unset::EmptyList).quirk(Quirk::ShuffledLists),
    may("useCustomSortingKey", Shape::Bool).unset(Unset::False),
    may("sortingKeys", Shape::Texts).unset(Unset::EmptyList),
    may("tableEngine", ENGINE).unset(Unset::Text("ReplacingMergeTree")),
];
