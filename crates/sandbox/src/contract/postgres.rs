//! The `postgres` arm and its flavours.

use super::row::{
    AT_LEAST_ONE, Field, MAYBE_EMPTY, Shape, TEXT, Unset, at_least, between, may, need,
};
use crate::options::Quirk;

#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    may("type", Shape::OneOf(&[
        "postgres", "supabase", "neon", "alloydb", "planetscale", "rdspostgres", "aurorapostgres",
        "cloudsqlpostgres", "azurepostgres", "crunchybridge", "tigerdata",
    ])).nullable().unset(Unset::Text("postgres")).quirk(Quirk::BaseTypes),
    need("host", TEXT).connection(),
    need("port", between(1, 65_535)).connection(),
    need("database", TEXT).connection(),
    may("authentication", AUTHENTICATION).unset(Unset::Text("basic")),
    may("iamRole", MAYBE_EMPTY).unset(Unset::EmptyText),
    may("tlsHost", MAYBE_EMPTY).connection().unset(Unset::EmptyText),
    may("caCertificate", MAYBE_EMPTY).connection().unset(Unset::EmptyText),
    may("disableTls", Shape::Bool).connection().unset(Unset::False),
    may("skipCertVerification", Shape::Bool).connection().unset(Unset::False),
    may("credentials", Shape::Object(CREDENTIALS)).patchable().secret(),
    need("settings", Shape::Object(SETTINGS)).patchable(),
    need("tableMappings", Shape::Objects(MAPPING, 1)).quirk(Quirk::ShuffledLists),
    may("tableMappingsToAdd", Shape::Objects(MAPPING, 0)).patch_only(),
    may("tableMappingsToRemove", Shape::Objects(REMOVAL, 0)).patch_only(),
];

pub(crate) const AUTHENTICATION: Shape = Shape::OneOf(&["basic", "IAM_ROLE"]);

pub(crate) const ENGINE: Shape = Shape::OneOf(&["MergeTree", "ReplacingMergeTree", "Null"]);

pub(crate) const MODE: Shape = Shape::OneOf(&["cdc", "snapshot", "cdc_only"]);

/// Which of them are needed depends on the authentication: see the rules.
pub(crate) static CREDENTIALS: &[Field] =
    &[may("username", MAYBE_EMPTY), may("password", MAYBE_EMPTY)];

#[rustfmt::skip]
static SETTINGS: &[Field] = &[
    may("syncIntervalSeconds", AT_LEAST_ONE).patchable().unset(Unset::Integer(60)),
    may("pullBatchSize", AT_LEAST_ONE).patchable().unset(Unset::Integer(100_000)),
    may("publicationName", TEXT).unset(Unset::EmptyText),
    need("replicationMode", MODE),
    may("replicationSlotName", TEXT).unset(Unset::EmptyText),
    may("allowNullableColumns", Shape::Bool).unset(Unset::False),
    may("initialLoadParallelism", AT_LEAST_ONE).unset(Unset::Integer(4)),
    may("snapshotNumRowsPerPartition", at_least(1000)).unset(Unset::Integer(100_000)),
    may("snapshotNumberOfParallelTables", AT_LEAST_ONE).unset(Unset::Integer(1)),
    may("enableFailoverSlots", Shape::Bool).unset(Unset::False).quirk(Quirk::OmittedBooleans),
    may("deleteOnMerge", Shape::Bool).unset(Unset::False).quirk(Quirk::OmittedBooleans),
];

#[rustfmt::skip]
static MAPPING: &[Field] = &[
    need("sourceSchemaName", TEXT),
    need("sourceTable", TEXT),
    need("targetTable", TEXT),
    may("excludedColumns", Shape::DistinctTexts).unset(Unset::EmptyList).quirk(Quirk::ShuffledLists),
    may("useCustomSortingKey", Shape::Bool).unset(Unset::False),
    may("sortingKeys", Shape::DistinctTexts).unset(Unset::EmptyList),
    may("tableEngine", ENGINE).unset(Unset::Text("ReplacingMergeTree")),
    may("partitionKey", MAYBE_EMPTY).unset(Unset::EmptyText),
    may("partitionByExpr", MAYBE_EMPTY).unset(Unset::EmptyText),
];

static REMOVAL: &[Field] = &[
    need("sourceSchemaName", TEXT),
    need("sourceTable", TEXT),
    need("targetTable", TEXT),
    may("tableEngine", ENGINE).nullable(),
    may("partitionKey", MAYBE_EMPTY).nullable(),
    may("partitionByExpr", MAYBE_EMPTY).nullable(),
];
