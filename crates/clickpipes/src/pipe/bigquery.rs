//! Google BigQuery.

use schemars::JsonSchema;

use super::credentials::ServiceAccount;
use super::database::{self, TableEngine};
use super::source::{SourceFamily, SourceItems, SourceSpec};
use crate::secret_hosts::SecretHost;
use crate::validate::RuleSet;
use model::annotations;
use model::text::{GcsPath, NonEmptyText};

/// What tells the mappings of tables apart.
const TABLE: &[&str] = &["sourceDatasetName", "sourceTable", "targetTable"];

/// Tables of Google BigQuery, loaded once. The API cannot change any of it.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = annotations::requires_replace)]
pub struct Bigquery {
    /// A temporary folder of Google Cloud Storage for the data: `gs://bucket/folder/`. It is
    /// emptied after the load.
    pub snapshot_staging_path: GcsPath,
    /// The key of the service account.
    #[schemars(transform = annotations::write_only)]
    pub credentials: ServiceAccount,
    /// Settings of the copy.
    pub settings: BigquerySettings,
    /// The tables to read, and their target tables.
    #[schemars(length(min = 1), transform = annotations::unordered_by(TABLE))]
    pub table_mappings: Vec<BigqueryTableMapping>,
}

/// How tables are copied.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BigquerySettings {
    /// The only value: one copy.
    pub replication_mode: BigqueryMode,
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

/// How BigQuery is read.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BigqueryMode {
    /// One copy of the tables, then the pipe is done.
    Snapshot,
}

/// One table and where it goes.
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
}

/// What is said of BigQuery as a whole.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "bigquery",
    title: "BigQuery",
    family: SourceFamily::Database,
    discoverable: false,
    resync_refusal: Some(
        "BigQuery is loaded once and nothing else; to load it again, delete the pipe and create it anew",
    ),
    settings: None,
    is_finite_load: |_| true,
    describe_replacement: database::replacement_effects::describe_new_copy,
    location: |_| String::new(),
    secret_hosts: |_, _| SecretHost::from_list("bigquery.googleapis.com"),
    items: SourceItems::Mappings(&["sourceDatasetName", "sourceTable"]),
    exclusive_reads: |_| Vec::new(),
    rules: &[
        RuleSet { object_paths: &["spec.source.bigquery"], rules: database::MAPPING_LIST_RULES },
        RuleSet { object_paths: &["spec.source.bigquery.tableMappings.*"], rules: database::MAPPING_RULES },
    ],
};
