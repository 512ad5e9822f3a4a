//! The `mysql` arm and its flavours.

use super::postgres::{AUTHENTICATION, CREDENTIALS, ENGINE, MODE};
use super::row::{
    AT_LEAST_ONE, Field, MAYBE_EMPTY, Shape, TEXT, Unset, at_least, between, may, need,
};
use crate::options::Quirk;

#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    may("type", Shape::OneOf(&["mysql", "rdsmysql", "auroramysql", "mariadb", "rdsmariadb"]))
        .nullable().unset(Unset::Text("mysql")).quirk(Quirk::BaseTypes),
    need("host", TEXT).connection(),
    need("port", between(1, 65_535)).connection(),
    may("authentication", AUTHENTICATION).connection().unset(Unset::Text("basic")),
    may("iamRole", MAYBE_EMPTY).connection().unset(Unset::EmptyText),
    may("tlsHost", MAYBE_EMPTY).connection().unset(Unset::EmptyText),
    may("caCertificate", MAYBE_EMPTY).connection().unset(Unset::EmptyText),
    may("disableTls", Shape::Bool).connection().unset(Unset::Null),
    may("skipCertVerification", Shape::Bool).connection().unset(Unset::Null),
    may("serverId", between(1, 4_294_967_295)).patchable().unset(Unset::ServerId),
    may("credentials", Shape::Object(CREDENTIALS)).patchable().secret(),
    need("settings", Shape::Object(SETTINGS)).patchable(),
    need("tableMappings", Shape::Objects(MAPPING, 1)).quirk(Quirk::ShuffledLists),
    may("tableMappingsToAdd", Shape::Objects(MAPPING, 0)).patch_only(),
    may("tableMappingsToRemove", Shape::Objects(REMOVAL, 0)).patch_only(),
];

#[rustfmt::skip]
static SETTINGS: &[Field] = &[
    may("syncIntervalSeconds", AT_LEAST_ONE).patchable().unset(Unset::Integer(60)),
    may("pullBatchSize", AT_LEAST_ONE).patchable().unset(Unset::Integer(100_000)),
    need("replicationMode", MODE),
    may("replicationMechanism", Shape::OneOf(&["GTID", "FILE_POS"])).unset(Unset::Text("GTID")),
    may("useCompression", Shape::Bool).patchable().unset(Unset::False),
    may("allowNullableColumns", Shape::Bool).unset(Unset::False),
    may("initialLoadParallelism", AT_LEAST_ONE).unset(Unset::Integer(4)),
    may("snapshotNumRowsPerPartition", at_least(1000)).unset(Unset::Integer(100_000)),
    may("snapshotNumberOfParallelTables", AT_LEAST_ONE).unset(Unset::Integer(1)),
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
];

static REMOVAL: &[Field] = &[
    need("sourceSchemaName", TEXT),
    need("sourceTable", TEXT),
    need("targetTable", TEXT),
    may("tableEngine", ENGINE).nullable(),
    may("partitionKey", MAYBE_EMPTY).nullable(),
];
