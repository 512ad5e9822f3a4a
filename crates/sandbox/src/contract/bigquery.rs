//! The `bigquery` arm, which has no PATCH at all.

use super::field_spec::{FieldSpec, JsonType, TEXT, UnsetValue, optional, required};
use super::postgres::{ENGINE, MODE};
use super::pubsub::{GOOGLE_AUTHENTICATION, SERVICE_ACCOUNT};
use crate::quirks::Quirk;

const COUNT: JsonType = JsonType::Number { min: 1.0, max: f64::INFINITY };

pub(crate) static FIELDS: &[FieldSpec] = &[
    required("snapshotStagingPath", TEXT),
    optional("authentication", GOOGLE_AUTHENTICATION).unset(UnsetValue::Text("SERVICE_ACCOUNT")).newer(),
    optional("projectId", TEXT).newer(),
    optional("credentials", JsonType::Object(SERVICE_ACCOUNT)).secret(),
    required("settings", JsonType::Object(SETTINGS)),
    // Unlike the mappings of other databases, they are returned in order: the provider compares them as a list.
    required("tableMappings", JsonType::Objects(MAPPING, 1)),
];

static SETTINGS: &[FieldSpec] = &[
    required("replicationMode", JsonType::OneOf(&["snapshot"])).later_type(MODE),
    optional("replicationMethod", JsonType::OneOf(&["query_based", "events_based"])).preview(),
    optional("syncIntervalSeconds", COUNT).preview(),
    optional("queryCdcPullSyncParallelism", COUNT).preview(),
    optional("syncDelaySeconds", JsonType::Number { min: 0.0, max: f64::INFINITY }).preview(),
    optional("pullWindowSizeSeconds", COUNT).preview(),
    // The provider reads all four back and fails on an absent one, so the API fills them in.
    optional("allowNullableColumns", JsonType::Bool).unset(UnsetValue::False),
    optional("initialLoadParallelism", COUNT).unset(UnsetValue::Integer(4)),
    optional("snapshotNumRowsPerPartition", COUNT).unset(UnsetValue::Integer(100_000)),
    optional("snapshotNumberOfParallelTables", COUNT).unset(UnsetValue::Integer(1)),
];

#[rustfmt::skip]
static MAPPING: &[FieldSpec] = &[
    required("sourceDatasetName", TEXT),
    required("sourceTable", TEXT),
    required("targetTable", TEXT),
    optional("excludedColumns", JsonType::Texts).unset(UnsetValue::EmptyList).quirk(Quirk::ShuffledLists),
    optional("useCustomSortingKey", JsonType::Bool).unset(UnsetValue::False),
    optional("sortingKeys", JsonType::Texts).unset(UnsetValue::EmptyList),
    optional("tableEngine", ENGINE).unset(UnsetValue::Text("ReplacingMergeTree")),
    optional("queryCdcWatermarkColumn", TEXT).preview(),
    optional("eventsFunction", JsonType::OneOf(&["appends", "changes"])).preview(),
];
