//! Google BigQuery.

use schemars::JsonSchema;

use super::additional::Additional;
use super::credentials::ServiceAccount;
use super::database::TableEngine;
use super::database::replacement_effects::describe_new_copy;
use super::replacement_effects::Replacement;
use crate::annotations;
use crate::text::{GcsPath, NonEmptyText};

/// What tells the mappings of tables apart.
const TABLE: &[&str] = &["sourceDatasetName", "sourceTable", "targetTable"];

/// Tables of Google BigQuery, loaded once. The API cannot change any of it.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bigquery {
    /// A folder of Google Cloud Storage for the data on its way: `gs://bucket/folder/`. It is
    /// emptied after the load.
    pub snapshot_staging_path: GcsPath,
    /// The key of the service account.
    #[schemars(transform = annotations::write_only)]
    pub credentials: ServiceAccount,
    /// How the tables are copied.
    pub settings: BigquerySettings,
    /// The tables to read, and where they go.
    #[schemars(length(min = 1), transform = annotations::unordered_by(TABLE))]
    pub table_mappings: Vec<BigqueryTableMapping>,
    /// Fields that are newer than this program: sent and compared as they stand, and not checked.
    pub additional: Option<Additional>,
}

/// How tables are copied.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BigquerySettings {
    /// One copy is all there is.
    pub replication_mode: BigqueryMode,
    /// Makes columns that may be null `Nullable`. Else a null becomes the default of the column's
    /// type.
    #[schemars(transform = annotations::default_is(false))]
    pub allow_nullable_columns: Option<bool>,
    /// How many workers copy one table.
    pub initial_load_parallelism: Option<f64>,
    /// How many rows one part of the copy has.
    pub snapshot_num_rows_per_partition: Option<f64>,
    /// How many tables are copied side by side.
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
    /// The ClickHouse table to write. It is made when it is missing.
    pub target_table: NonEmptyText,
    /// Columns that are not read.
    #[schemars(transform = annotations::unordered_set)]
    pub excluded_columns: Option<Vec<NonEmptyText>>,
    /// Sorts the table by `sortingKeys`.
    #[schemars(transform = annotations::default_is(false))]
    pub use_custom_sorting_key: Option<bool>,
    /// The columns that the table is sorted by, in order.
    pub sorting_keys: Option<Vec<NonEmptyText>>,
    /// The engine of the table.
    #[schemars(transform = annotations::default_is("ReplacingMergeTree"))]
    pub table_engine: Option<TableEngine>,
}

/// What replacing a pipe of BigQuery does to the data.
pub(crate) fn describe_replacement(it: &Replacement<'_>) -> Vec<String> {
    describe_new_copy(it)
}
