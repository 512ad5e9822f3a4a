//! The `mongodb` arm.

use super::postgres::{CREDENTIALS, ENGINE, MODE};
use super::row::{AT_LEAST_ONE, Field, MAYBE_EMPTY, Shape, TEXT, Unset, at_least, may, need};
use crate::options::Quirk;

#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    need("uri", TEXT).connection(),
    need("readPreference", Shape::OneOf(&[
        "primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest",
    ])).patchable(),
    may("tlsHost", MAYBE_EMPTY).connection().unset(Unset::EmptyText),
    may("disableTls", Shape::Bool).connection().unset(Unset::False),
    may("skipCertVerification", Shape::Bool).connection().unset(Unset::False),
    may("caCertificate", MAYBE_EMPTY).connection().unset(Unset::EmptyText),
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
    may("snapshotNumRowsPerPartition", at_least(1000)).unset(Unset::Integer(100_000)),
    may("snapshotNumberOfParallelTables", AT_LEAST_ONE).unset(Unset::Integer(1)),
    may("deleteOnMerge", Shape::Bool).unset(Unset::False).quirk(Quirk::OmittedBooleans),
    may("useJsonNativeFormat", Shape::Bool).unset(Unset::True),
];

static MAPPING: &[Field] = &[
    need("sourceDatabaseName", TEXT),
    need("sourceCollection", TEXT),
    need("targetTable", TEXT),
    may("tableEngine", ENGINE).unset(Unset::Text("ReplacingMergeTree")),
];

static REMOVAL: &[Field] = &[
    need("sourceDatabaseName", TEXT),
    need("sourceCollection", TEXT),
    need("targetTable", TEXT),
    may("tableEngine", ENGINE).nullable(),
];
