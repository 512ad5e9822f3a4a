//! Postgres databases.

use schemars::JsonSchema;

use super::additional::Additional;
use super::credentials::Login;
use super::database::{DatabaseAuthentication, ReplicationMode, TABLE_MAPPING_DELTAS, TableEngine};
use crate::annotations;
use crate::text::{Arn, HostAddress, NonBlankText, NonEmptyText, PemCertificates, TcpPort};
use crate::validate::{CrossFieldRule, RuleSet, flag_is, value_is};

/// The API checks a changed connection with the credentials of the same request, and with none
/// where it has none.
const CREDENTIALS: &[&str] = &["source.postgres.credentials"];

/// What tells the mappings of tables apart.
const TABLE: &[&str] = &["sourceSchemaName", "sourceTable", "targetTable"];

/// Tables of a Postgres database.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgres {
    /// Who runs the database. The API may answer `postgres` for every one of them.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is("postgres"))]
    #[schemars(transform = annotations::flavour_of(FLAVOURS))]
    pub r#type: Option<PostgresType>,
    /// The database's host name or address. With a reverse private endpoint, the endpoint's DNS
    /// name.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub host: HostAddress,
    /// The database's port, most often 5432.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub port: TcpPort,
    /// The database to read.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub database: NonEmptyText,
    /// How the pipe proves who it is.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is("basic"))]
    pub authentication: Option<DatabaseAuthentication>,
    /// The IAM role to take on, with `authentication: IAM_ROLE`.
    #[schemars(transform = annotations::requires_replace)]
    pub iam_role: Option<Arn>,
    /// The user. Its password is needed for `authentication: basic`.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CREDENTIALS))]
    pub credentials: Login,
    /// The name that the server's certificate must have, where it is not that of `host`.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub tls_host: Option<NonEmptyText>,
    /// The certificates that the server's own is checked against, in PEM form.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub ca_certificate: Option<PemCertificates>,
    /// Connects without TLS.
    #[schemars(transform = annotations::sent_with(CREDENTIALS), transform = annotations::default_is(false))]
    pub disable_tls: Option<bool>,
    /// Connects with TLS, and takes any certificate.
    #[schemars(transform = annotations::sent_with(CREDENTIALS), transform = annotations::default_is(false))]
    pub skip_cert_verification: Option<bool>,
    /// How the tables are copied and followed.
    pub settings: PostgresSettings,
    /// The tables to read, and where they go. A mapping is added or removed while the pipe is
    /// paused; a changed one is removed and added again, with a new snapshot.
    #[schemars(length(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::keyed_list(TABLE, 2, TABLE_MAPPING_DELTAS))]
    pub table_mappings: Vec<PostgresTableMapping>,
    /// Fields that are newer than this program: sent and compared as they stand, and not checked.
    pub additional: Option<Additional>,
}

const FLAVOURS: &[(&str, &str)] = &[
    ("supabase", "postgres"),
    ("neon", "postgres"),
    ("alloydb", "postgres"),
    ("planetscale", "postgres"),
    ("rdspostgres", "postgres"),
    ("aurorapostgres", "postgres"),
    ("cloudsqlpostgres", "postgres"),
    ("azurepostgres", "postgres"),
    ("crunchybridge", "postgres"),
    ("tigerdata", "postgres"),
];

/// Who runs a Postgres database.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PostgresType {
    /// Any Postgres.
    Postgres,
    /// Supabase.
    Supabase,
    /// Neon.
    Neon,
    /// Google AlloyDB.
    Alloydb,
    /// PlanetScale Postgres.
    Planetscale,
    /// Amazon RDS.
    Rdspostgres,
    /// Amazon Aurora.
    Aurorapostgres,
    /// Google Cloud SQL.
    Cloudsqlpostgres,
    /// Azure Database.
    Azurepostgres,
    /// Crunchy Bridge.
    Crunchybridge,
    /// Tiger Data.
    Tigerdata,
}

/// How tables are copied and followed.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresSettings {
    /// A first copy, changes, or both.
    #[schemars(transform = annotations::requires_replace)]
    pub replication_mode: ReplicationMode,
    /// How often changes are read, in seconds.
    #[schemars(range(min = 1), transform = annotations::needs_pause, transform = annotations::default_is(60))]
    pub sync_interval_seconds: Option<i64>,
    /// How many rows are read at a time while changes are followed.
    #[schemars(range(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::default_is(100_000))]
    pub pull_batch_size: Option<i64>,
    /// The publication to read from. The API makes one when it is left out.
    #[schemars(transform = annotations::requires_replace)]
    pub publication_name: Option<NonEmptyText>,
    /// The replication slot to read from, with `replicationMode: cdc_only`. The API makes one when
    /// it is left out.
    #[schemars(transform = annotations::requires_replace)]
    pub replication_slot_name: Option<NonEmptyText>,
    /// Makes columns that may be null `Nullable`. Else a null becomes the default of the column's
    /// type.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is(false))]
    pub allow_nullable_columns: Option<bool>,
    /// How many workers copy one table in the first copy.
    #[schemars(range(min = 1), transform = annotations::requires_replace, transform = annotations::default_is(4))]
    pub initial_load_parallelism: Option<i64>,
    /// How many rows one part of the first copy has.
    #[schemars(range(min = 1000), transform = annotations::requires_replace)]
    #[schemars(transform = annotations::default_is(100_000))]
    pub snapshot_num_rows_per_partition: Option<i64>,
    /// How many tables are copied side by side in the first copy.
    #[schemars(range(min = 1), transform = annotations::requires_replace, transform = annotations::default_is(1))]
    pub snapshot_number_of_parallel_tables: Option<i64>,
    /// Keeps the replication slot through a failover. For Postgres 17 and newer, and only for a
    /// slot that the API makes.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::default_is(false))]
    pub enable_failover_slots: Option<bool>,
    /// Takes deleted rows out of `ReplacingMergeTree` tables for good when parts are merged.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::default_is(false))]
    pub delete_on_merge: Option<bool>,
}

/// One table and where it goes.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresTableMapping {
    /// The schema of the table to read.
    pub source_schema_name: NonEmptyText,
    /// The table to read.
    pub source_table: NonEmptyText,
    /// The ClickHouse table to write. It is made when it is missing, and must be empty for a
    /// snapshot.
    pub target_table: NonEmptyText,
    /// Columns that are not read.
    #[schemars(transform = annotations::unordered_set, transform = annotations::unique_items)]
    pub excluded_columns: Option<Vec<NonEmptyText>>,
    /// Sorts the table by `sortingKeys` rather than by the primary key of the source.
    #[schemars(transform = annotations::default_is(false))]
    pub use_custom_sorting_key: Option<bool>,
    /// The columns that the table is sorted by, in order.
    #[schemars(transform = annotations::unique_items)]
    pub sorting_keys: Option<Vec<NonEmptyText>>,
    /// The engine of the table.
    #[schemars(transform = annotations::default_is("ReplacingMergeTree"))]
    pub table_engine: Option<TableEngine>,
    /// An indexed column that the first copy is cut into parts by. Of use up to Postgres 13 only;
    /// unrelated to partitions in ClickHouse.
    pub partition_key: Option<NonEmptyText>,
    /// The `PARTITION BY` of the table that is made, an SQL expression of ClickHouse.
    pub partition_by_expr: Option<NonBlankText>,
}

pub(crate) const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.postgres.settings"],
    rules: &[
        CrossFieldRule::forbidden_fields(
            "postgres-slot-name",
            &["replicationSlotName"],
            value_is("replicationMode", &["cdc", "snapshot"]),
        )
        .with_reason("the API makes the slot itself"),
        CrossFieldRule::forbidden_fields(
            "postgres-failover-slots",
            &["replicationSlotName"],
            flag_is("enableFailoverSlots", true),
        )
        .with_reason("failover is for slots that the API makes"),
    ],
};
