//! The `mongodb` arm.

use super::field_spec::{
    AT_LEAST_ONE, FieldSpec, JsonType, MAYBE_EMPTY, TEXT, UnsetValue, at_least, optional, required,
};
use super::postgres::{CREDENTIALS, ENGINE, MODE};
use super::respell::Respelling;
use crate::quirks::Quirk;

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    // Returned verbatim: the provider of August 2026 depends on that. A newer schema describes a masked
    // password, of which the exact form is unproven: that is the quirk.
    required("uri", TEXT).connection().quirk(Quirk::MaskedUris),
    required("readPreference", JsonType::OneOf(&[
        "primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest",
    ])).patchable(),
    optional("tlsHost", MAYBE_EMPTY).connection().unset(UnsetValue::EmptyText),
    optional("disableTls", JsonType::Bool).connection().unset(UnsetValue::False),
    optional("skipCertVerification", JsonType::Bool).connection().unset(UnsetValue::False),
    optional("caCertificate", MAYBE_EMPTY).connection().unset(UnsetValue::EmptyText).respelled(Respelling::Pem),
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
    optional("initialLoadParallelism", AT_LEAST_ONE).unset(UnsetValue::Integer(4)).newer(),
    optional("snapshotNumRowsPerPartition", at_least(1000)).unset(UnsetValue::Integer(100_000)),
    optional("snapshotNumberOfParallelTables", AT_LEAST_ONE).unset(UnsetValue::Integer(1)),
    optional("deleteOnMerge", JsonType::Bool).unset(UnsetValue::False).quirk(Quirk::OmittedBooleans),
    optional("useJsonNativeFormat", JsonType::Bool).unset(UnsetValue::True),
];

static MAPPING: &[FieldSpec] = &[
    required("sourceDatabaseName", TEXT),
    required("sourceCollection", TEXT),
    required("targetTable", TEXT),
    optional("tableEngine", ENGINE).unset(UnsetValue::Text("ReplacingMergeTree")),
];

// The first three identify the mapping. The provider sends the whole mapping, which the API accepts.
static REMOVAL: &[FieldSpec] = &[
    required("sourceDatabaseName", TEXT),
    required("sourceCollection", TEXT),
    required("targetTable", TEXT),
    optional("tableEngine", ENGINE).nullable(),
];
