//! The `mysql` arm and its flavours.

use super::field_spec::{
    AT_LEAST_ONE, FieldSpec, JsonType, MAYBE_EMPTY, TEXT, UnsetValue, at_least, between, optional, required,
};
use super::postgres::{AUTHENTICATION, CREDENTIALS, ENGINE, MODE};
use super::respell::Respelling;
use crate::quirks::Quirk;

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    optional("type", JsonType::OneOf(&["mysql", "rdsmysql", "auroramysql", "mariadb", "rdsmariadb"]))
        .later_type(JsonType::OneOf(&[
            "mysql", "rdsmysql", "auroramysql", "cloudsqlmysql", "planetscalevitess", "mariadb", "rdsmariadb",
        ]))
        .nullable().unset(UnsetValue::Text("mysql")).quirk(Quirk::BaseTypes),
    required("host", TEXT).connection(),
    required("port", between(1, 65_535)).connection(),
    // Patchable, unlike that of Postgres: the PATCH schema of MySQL has it.
    optional("authentication", AUTHENTICATION).connection().unset(UnsetValue::Text("basic")),
    optional("iamRole", MAYBE_EMPTY).connection().unset(UnsetValue::EmptyText),
    optional("tlsHost", MAYBE_EMPTY).connection().unset(UnsetValue::EmptyText),
    optional("caCertificate", MAYBE_EMPTY).connection().unset(UnsetValue::EmptyText).respelled(Respelling::Pem),
    // Unset reads as null here and as false for Postgres. Both mean the same.
    optional("disableTls", JsonType::Bool).connection().unset(UnsetValue::False),
    optional("skipCertVerification", JsonType::Bool).connection().unset(UnsetValue::False),
    // Assigned by the API if it is unset. Two consumers of one server must not share it.
    optional("serverId", between(1, 4_294_967_295)).patchable().unset(UnsetValue::ServerId),
    optional("credentials", JsonType::Object(CREDENTIALS)).patchable().secret(),
    optional("sshKeyResourceId", TEXT).hidden().preview(),
    required("settings", JsonType::Object(SETTINGS)).patchable(),
    required("tableMappings", JsonType::Objects(MAPPING, 1)).quirk(Quirk::ShuffledLists),
    optional("tableMappingsToAdd", JsonType::Objects(MAPPING, 0)).patch_only(),
    optional("tableMappingsToRemove", JsonType::Objects(REMOVAL, 0)).patch_only(),
];

#[rustfmt::skip]
static SETTINGS: &[FieldSpec] = &[
    optional("syncIntervalSeconds", AT_LEAST_ONE).patchable().unset(UnsetValue::Integer(60)),
    optional("pullBatchSize", AT_LEAST_ONE).patchable().unset(UnsetValue::Integer(100_000)),
    required("replicationMode", MODE),
    optional("replicationMechanism", JsonType::OneOf(&["GTID", "FILE_POS"])).unset(UnsetValue::Text("GTID")),
    optional("useCompression", JsonType::Bool).patchable().unset(UnsetValue::False),
    optional("allowNullableColumns", JsonType::Bool).unset(UnsetValue::False),
    optional("initialLoadParallelism", AT_LEAST_ONE).unset(UnsetValue::Integer(4)),
    optional("snapshotNumRowsPerPartition", at_least(1000)).unset(UnsetValue::Integer(100_000)),
    optional("snapshotNumberOfParallelTables", AT_LEAST_ONE).unset(UnsetValue::Integer(1)),
    optional("deleteOnMerge", JsonType::Bool).unset(UnsetValue::False).quirk(Quirk::OmittedBooleans),
];

#[rustfmt::skip]
static MAPPING: &[FieldSpec] = &[
    required("sourceSchemaName", TEXT),
    required("sourceTable", TEXT),
    required("targetTable", TEXT),
    optional("excludedColumns", JsonType::DistinctTexts).unset(UnsetValue::EmptyList).quirk(Quirk::ShuffledLists),
    optional("useCustomSortingKey", JsonType::Bool).unset(UnsetValue::False),
    optional("sortingKeys", JsonType::DistinctTexts).unset(UnsetValue::EmptyList),
    optional("tableEngine", ENGINE).unset(UnsetValue::Text("ReplacingMergeTree")),
    optional("partitionKey", MAYBE_EMPTY).unset(UnsetValue::EmptyText),
    optional("partitionByExpr", MAYBE_EMPTY).unset(UnsetValue::EmptyText).newer(),
];

/// Clients name a mapping by its three keys, or send it whole.
#[rustfmt::skip]
static REMOVAL: &[FieldSpec] = &[
    required("sourceSchemaName", TEXT),
    required("sourceTable", TEXT),
    required("targetTable", TEXT),
    optional("excludedColumns", JsonType::DistinctTexts).nullable(),
    optional("useCustomSortingKey", JsonType::Bool).nullable(),
    optional("sortingKeys", JsonType::DistinctTexts).nullable(),
    optional("tableEngine", ENGINE).nullable(),
    optional("partitionKey", MAYBE_EMPTY).nullable(),
    optional("partitionByExpr", MAYBE_EMPTY).nullable(),
];
