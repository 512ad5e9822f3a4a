//! The `postgres` arm and its flavours.

use super::field_spec::{
    AT_LEAST_ONE, FieldSpec, JsonType, MAYBE_EMPTY, TEXT, UnsetValue, at_least, between, optional, required,
};
use super::respell::Respelling;
use crate::quirks::Quirk;

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    optional("type", JsonType::OneOf(&[
        "postgres", "supabase", "neon", "alloydb", "planetscale", "rdspostgres", "aurorapostgres",
        "cloudsqlpostgres", "azurepostgres", "crunchybridge", "tigerdata",
    ])).nullable().unset(UnsetValue::Text("postgres")).quirk(Quirk::BaseTypes),
    required("host", TEXT).connection(),
    required("port", between(1, 65_535)).connection(),
    required("database", TEXT).connection(),
    // Unlike MySQL, the PATCH schema of Postgres has neither: a switch to a role was answered with
    // `password is required for basic authentication` (seen live).
    optional("authentication", AUTHENTICATION).unset(UnsetValue::Text("basic")),
    optional("iamRole", MAYBE_EMPTY).unset(UnsetValue::EmptyText),
    optional("tlsHost", MAYBE_EMPTY).connection().unset(UnsetValue::EmptyText),
    optional("caCertificate", MAYBE_EMPTY).connection().unset(UnsetValue::EmptyText).respelled(Respelling::Pem),
    optional("disableTls", JsonType::Bool).connection().unset(UnsetValue::False),
    optional("skipCertVerification", JsonType::Bool).connection().unset(UnsetValue::False),
    optional("credentials", JsonType::Object(CREDENTIALS)).patchable().secret(),
    optional("sshKeyResourceId", TEXT).hidden().preview(),
    required("settings", JsonType::Object(SETTINGS)).patchable(),
    // Not patchable: a PATCH changes the list by the two fields below. Reads do not keep its order.
    required("tableMappings", JsonType::Objects(MAPPING, 1)).quirk(Quirk::ShuffledLists),
    optional("tableMappingsToAdd", JsonType::Objects(MAPPING, 0)).patch_only(),
    optional("tableMappingsToRemove", JsonType::Objects(REMOVAL, 0)).patch_only(),
];

pub(crate) const AUTHENTICATION: JsonType = JsonType::OneOf(&["basic", "IAM_ROLE"]);

pub(crate) const ENGINE: JsonType = JsonType::OneOf(&["MergeTree", "ReplacingMergeTree", "Null"]);

pub(crate) const MODE: JsonType = JsonType::OneOf(&["cdc", "snapshot", "cdc_only"]);

// Texts may be empty here: `rules::database` refuses them in the words of the API.
pub(crate) static CREDENTIALS: &[FieldSpec] = &[optional("username", MAYBE_EMPTY), optional("password", MAYBE_EMPTY)];

#[rustfmt::skip]
static SETTINGS: &[FieldSpec] = &[
    // The API fills defaults in (product documentation): no difference to a manifest that omits them.
    optional("syncIntervalSeconds", AT_LEAST_ONE).patchable().unset(UnsetValue::Integer(60)),
    optional("pullBatchSize", AT_LEAST_ONE).patchable().unset(UnsetValue::Integer(100_000)),
    // Unset, both read as an empty text: the names that ClickPipes generates are never shown.
    optional("publicationName", TEXT).unset(UnsetValue::EmptyText),
    required("replicationMode", MODE),
    optional("replicationSlotName", TEXT).unset(UnsetValue::EmptyText),
    optional("allowNullableColumns", JsonType::Bool).unset(UnsetValue::False),
    optional("initialLoadParallelism", AT_LEAST_ONE).unset(UnsetValue::Integer(4)),
    // The schema says 1000, the official provider takes less.
    optional("snapshotNumRowsPerPartition", at_least(1000)).unset(UnsetValue::Integer(100_000)),
    optional("snapshotNumberOfParallelTables", AT_LEAST_ONE).unset(UnsetValue::Integer(1)),
    // Two fields that some answers omit even if they were set (tests of the provider).
    optional("enableFailoverSlots", JsonType::Bool).unset(UnsetValue::False).quirk(Quirk::OmittedBooleans),
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
    optional("partitionByExpr", MAYBE_EMPTY).unset(UnsetValue::EmptyText),
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
