//! Google BigQuery.

use schemars::JsonSchema;

use super::credentials::ServiceAccount;
use super::database::{self, TableEngine};
use super::source::{SourceFamily, SourceItems, SourceSpec, text_at};
use crate::secrets::host::SecretHost;
use crate::validate::{RuleSet, required_fields, required_fields_iff, value_is};
use model::annotations;
use model::diagnostic::Evidence;
use model::text::{GcpProjectId, GcsPath, NonEmptyText};

/// The fields that identify the mapping of a table.
const TABLE: &[&str] = &["sourceDatasetName", "sourceTable", "targetTable"];

/// The API of July 2026 supports nothing else, and does not return it.
const BY_KEY: &[&str] = &["SERVICE_ACCOUNT"];

/// Tables of Google BigQuery. The API cannot change any of it.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = annotations::requires_replace)]
pub struct Bigquery {
    // The load empties it, so two pipes that share it take each other's files away.
    /// A temporary folder of Google Cloud Storage for the data: `gs://bucket/folder/`. It is
    /// emptied after the load.
    pub snapshot_staging_path: GcsPath,
    /// The authentication of the pipe.
    #[schemars(transform = annotations::default_is("SERVICE_ACCOUNT"))]
    #[schemars(transform = annotations::sometimes_returned_if(BY_KEY))]
    #[schemars(transform = annotations::newer_schema)]
    pub authentication: Option<BigqueryAuthentication>,
    /// The Google Cloud project of the tables. Required with `authentication:
    /// SERVICE_ACCOUNT_WORKLOAD_IDENTITY`.
    #[schemars(transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::newer_schema)]
    pub project_id: Option<GcpProjectId>,
    /// The key of the service account, with `authentication: SERVICE_ACCOUNT`.
    #[schemars(transform = annotations::write_only)]
    pub credentials: Option<ServiceAccount>,
    /// Settings of the copy.
    pub settings: BigquerySettings,
    /// The tables to read, and their target tables.
    #[schemars(length(min = 1), transform = annotations::unordered_by(TABLE))]
    pub table_mappings: Vec<BigqueryTableMapping>,
}

/// An authentication for Google Cloud.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BigqueryAuthentication {
    /// The key of a service account.
    ServiceAccount,
    /// The identity of the ClickHouse service at Google Cloud. In private preview.
    ServiceAccountWorkloadIdentity,
}

/// How tables are copied and followed.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BigquerySettings {
    /// One copy, or changes as well. Changes are in preview.
    pub replication_mode: BigqueryMode,
    /// How changes are found, with `replicationMode: cdc` or `cdc_only`.
    #[schemars(transform = annotations::preview)]
    pub replication_method: Option<BigqueryMethod>,
    /// The interval between reads of changes, in seconds.
    #[schemars(range(min = 1), transform = annotations::preview)]
    pub sync_interval_seconds: Option<i64>,
    /// The number of queries for changes that run in parallel.
    #[schemars(range(min = 1), transform = annotations::preview)]
    pub query_cdc_pull_sync_parallelism: Option<i64>,
    /// The age that a change must have to be read, in seconds.
    #[schemars(range(min = 0), transform = annotations::preview)]
    pub sync_delay_seconds: Option<i64>,
    /// The length of the time span that one query reads, in seconds.
    #[schemars(range(min = 1), transform = annotations::preview)]
    pub pull_window_size_seconds: Option<i64>,
    /// Creates nullable columns as `Nullable`. Otherwise, null becomes the default value of the
    /// type.
    #[schemars(transform = annotations::default_is(false))]
    pub allow_nullable_columns: Option<bool>,
    /// The number of workers per table.
    pub initial_load_parallelism: Option<f64>,
    /// The number of rows per part of the copy.
    pub snapshot_num_rows_per_partition: Option<f64>,
    /// The number of tables that are copied in parallel.
    pub snapshot_number_of_parallel_tables: Option<f64>,
}

/// The mode of reading BigQuery.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BigqueryMode {
    /// One copy of the tables, then the pipe completes.
    Snapshot,
    /// A first copy of the tables, then every change. In preview.
    Cdc,
    /// Every change from now on, without a first copy. In preview.
    CdcOnly,
}

/// How changes of BigQuery are found.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BigqueryMethod {
    /// By queries over a column that grows with each change.
    QueryBased,
    /// By the functions of BigQuery that list changes.
    EventsBased,
}

/// A function of BigQuery that lists changes.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventsFunction {
    /// New rows only.
    Appends,
    /// New, changed and deleted rows.
    Changes,
}

/// One source table and its target.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BigqueryTableMapping {
    /// The dataset of the table to read.
    pub source_dataset_name: NonEmptyText,
    /// The table to read.
    pub source_table: NonEmptyText,
    /// The ClickHouse table. It is created if it is missing.
    pub target_table: NonEmptyText,
    /// Columns that are not copied.
    #[schemars(transform = annotations::unordered_set)]
    pub excluded_columns: Option<Vec<NonEmptyText>>,
    /// Sorts the table by `sortingKeys`.
    #[schemars(transform = annotations::default_is(false), transform = annotations::defines_table)]
    pub use_custom_sorting_key: Option<bool>,
    /// The columns that the table is sorted by, in order.
    #[schemars(transform = annotations::defines_table)]
    pub sorting_keys: Option<Vec<NonEmptyText>>,
    /// The engine of the table.
    #[schemars(transform = annotations::default_is("ReplacingMergeTree"), transform = annotations::defines_table)]
    pub table_engine: Option<TableEngine>,
    /// The column that grows with each change, for `replicationMethod: query_based`.
    #[schemars(transform = annotations::preview)]
    pub query_cdc_watermark_column: Option<NonEmptyText>,
    /// The function that lists changes, for `replicationMethod: events_based`.
    #[schemars(transform = annotations::preview)]
    pub events_function: Option<EventsFunction>,
}

/// The spec of BigQuery.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "bigquery",
    title: "BigQuery",
    family: SourceFamily::Database,
    discoverable: false,
    resync_refusal: Some(
        "a BigQuery pipe loads its tables only once; to load them again, delete the pipe and re-create it",
    ),
    settings: None,
    is_finite_load: |source| !database::follows_changes(source),
    describe_start: database::describe_start,
    describe_replacement: database::replacement_effects::describe_replacement,
    location: |source| text_at(source, "projectId"),
    secret_hosts: |_, _| SecretHost::from_list("bigquery.googleapis.com"),
    items: SourceItems::Mappings(&["sourceDatasetName", "sourceTable"]),
    exclusive_reads: |_, _| Vec::new(),
    rules: &[
        RULES,
        RuleSet { object_paths: &["spec.source.bigquery"], rules: database::UNCHECKED_MAPPING_LIST_RULES },
        RuleSet { object_paths: &["spec.source.bigquery.tableMappings.*"], rules: database::MAPPING_RULES },
    ],
};

const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.bigquery"],
    rules: &[
        required_fields_iff(
            "bigquery-service-account",
            Evidence::Schema,
            &["credentials"],
            value_is("authentication", BY_KEY),
        ),
        required_fields(
            "bigquery-project",
            Evidence::Schema,
            &["projectId"],
            value_is("authentication", &["SERVICE_ACCOUNT_WORKLOAD_IDENTITY"]),
        ),
    ],
};
