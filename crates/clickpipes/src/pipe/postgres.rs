//! Postgres databases.

use schemars::JsonSchema;

use super::credentials::Login;
use super::database::{self, DatabaseAuthentication, ReplicationMode, TABLE_MAPPING_DELTAS, TableEngine};
use super::endpoint_reference::DatabaseHost;
use super::source::{SourceFamily, SourceItems, SourceSpec, join_nonempty, text_at};
use crate::exclusive_read::{Sharing, read_named_by};
use crate::validate::{RuleSet, flag_is, forbidden_fields, value_is};
use model::annotations;
use model::diagnostic::Evidence;
use model::text::{Arn, CertificateHost, NonBlankSqlText, NonEmptyText, PemCertificates, TcpPort};

/// The API checks a changed connection with the credentials of the same request, and with none
/// where it has none.
const CREDENTIALS: &[&str] = &["source.postgres.credentials"];

/// The fields that identify the mapping of a table.
const TABLE: &[&str] = &["sourceSchemaName", "sourceTable", "targetTable"];

/// Tables of a Postgres database.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgres {
    // A branch of the provider sends only base types, because the console knows no others: the flavour may come back as
    // `postgres`, which is then not a difference.
    /// The provider of the database. The API may return `postgres` for all of them.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is("postgres"))]
    #[schemars(transform = annotations::flavour_of(FLAVOURS))]
    pub r#type: Option<PostgresType>,
    /// The database's host name or address. `{endpoint: NAME}` stands for the DNS name of a reverse
    /// private endpoint.
    #[schemars(transform = annotations::sent_with(CREDENTIALS), transform = annotations::endpoint_host)]
    pub host: DatabaseHost,
    /// The port of the database, usually 5432.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub port: TcpPort,
    /// The database to read.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub database: NonEmptyText,
    // The PATCH schema of Postgres has neither this nor `iamRole`. When it was sent anyway, the API still used the old
    // authentication and answered `password is required for basic authentication` (provider issue 643). MySQL accepts
    // both.
    /// The authentication of the pipe.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is("basic"))]
    pub authentication: Option<DatabaseAuthentication>,
    /// The IAM role to assume, with `authentication: IAM_ROLE`.
    #[schemars(transform = annotations::requires_replace)]
    pub iam_role: Option<Arn>,
    /// The user. `authentication: basic` also needs its password.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CREDENTIALS))]
    #[schemars(transform = annotations::required_by_word("authentication"))]
    pub credentials: Login,
    /// The name in the certificate of the server, if it differs from `host`.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub tls_host: Option<CertificateHost>,
    /// The CA certificates for the server, in PEM format.
    #[schemars(transform = annotations::sent_with(CREDENTIALS))]
    pub ca_certificate: Option<PemCertificates>,
    /// Connects without TLS.
    #[schemars(transform = annotations::sent_with(CREDENTIALS), transform = annotations::default_is(false))]
    #[schemars(transform = annotations::weakens_tls)]
    pub disable_tls: Option<bool>,
    /// Connects with TLS and accepts any certificate.
    #[schemars(transform = annotations::sent_with(CREDENTIALS), transform = annotations::default_is(false))]
    #[schemars(transform = annotations::weakens_tls)]
    pub skip_cert_verification: Option<bool>,
    /// The SSH tunnel to the database, by the id of its key. The API accepts it only at creation.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::preview)]
    pub ssh_key_resource_id: Option<NonEmptyText>,
    /// Settings of the snapshot and of replication.
    pub settings: PostgresSettings,
    /// The tables to read, and their target tables. The pipe is paused to add or remove a mapping.
    /// A changed mapping is removed and added again, with a new snapshot.
    #[schemars(length(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::keyed_list(TABLE, 2, TABLE_MAPPING_DELTAS))]
    pub table_mappings: Vec<PostgresTableMapping>,
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

/// The provider of a Postgres database.
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
    /// An initial snapshot, changes, or both.
    #[schemars(transform = annotations::requires_replace)]
    pub replication_mode: ReplicationMode,
    /// The interval between reads of changes, in seconds.
    #[schemars(range(min = 1), transform = annotations::needs_pause, transform = annotations::default_is(60))]
    pub sync_interval_seconds: Option<i64>,
    /// The batch size for changes, in rows.
    #[schemars(range(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::default_is(100_000))]
    pub pull_batch_size: Option<i64>,
    // Omitted and "" differ: the API generated the name for the one, and refused the other.
    /// The publication to read from. If it is omitted, the API creates one.
    #[schemars(transform = annotations::requires_replace)]
    pub publication_name: Option<NonEmptyText>,
    /// The replication slot to read from, with `replicationMode: cdc_only`. If it is omitted, the
    /// API creates one.
    #[schemars(transform = annotations::requires_replace)]
    pub replication_slot_name: Option<NonEmptyText>,
    /// Creates nullable columns as `Nullable`. Otherwise, null becomes the default value of the
    /// type.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is(false))]
    pub allow_nullable_columns: Option<bool>,
    /// The number of workers per table in the initial snapshot.
    #[schemars(range(min = 1), transform = annotations::requires_replace, transform = annotations::default_is(4))]
    pub initial_load_parallelism: Option<i64>,
    /// The number of rows per part of the initial snapshot.
    #[schemars(range(min = 1000), transform = annotations::requires_replace)]
    #[schemars(transform = annotations::default_is(100_000))]
    pub snapshot_num_rows_per_partition: Option<i64>,
    /// The number of tables that the initial snapshot copies in parallel.
    #[schemars(range(min = 1), transform = annotations::requires_replace, transform = annotations::default_is(1))]
    pub snapshot_number_of_parallel_tables: Option<i64>,
    // Responses have omitted this and `deleteOnMerge` although they were set, so their absence proves nothing.
    /// Keeps the replication slot after a failover. Needs Postgres 17 or newer, and a slot that the
    /// API creates.
    #[schemars(transform = annotations::requires_replace, transform = annotations::omitted_when_set)]
    #[schemars(transform = annotations::default_is(false))]
    pub enable_failover_slots: Option<bool>,
    /// Removes deleted rows from `ReplacingMergeTree` tables when parts are merged.
    #[schemars(transform = annotations::requires_replace, transform = annotations::omitted_when_set)]
    #[schemars(transform = annotations::default_is(false))]
    pub delete_on_merge: Option<bool>,
}

/// One source table and its target.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresTableMapping {
    /// The schema of the table to read.
    pub source_schema_name: NonEmptyText,
    /// The table to read.
    pub source_table: NonEmptyText,
    /// The ClickHouse table. It is created if it is missing, and must be empty for a snapshot.
    pub target_table: NonEmptyText,
    // The API sorts this list (provider issue 558).
    /// Columns that are not copied.
    #[schemars(transform = annotations::unordered_set, transform = annotations::unique_items)]
    pub excluded_columns: Option<Vec<NonEmptyText>>,
    /// Sorts the table by `sortingKeys` instead of the primary key of the source.
    #[schemars(transform = annotations::default_is(false), transform = annotations::defines_table)]
    pub use_custom_sorting_key: Option<bool>,
    /// The columns that the table is sorted by, in order.
    #[schemars(transform = annotations::unique_items, transform = annotations::defines_table)]
    pub sorting_keys: Option<Vec<NonEmptyText>>,
    /// The engine of the table.
    #[schemars(transform = annotations::default_is("ReplacingMergeTree"), transform = annotations::defines_table)]
    pub table_engine: Option<TableEngine>,
    // It affects the snapshot and not the table, so an existing table is not an obstacle.
    /// An indexed column. The initial snapshot is split into parts by it. Useful only up to
    /// Postgres 13. Unrelated to partitions in ClickHouse.
    pub partition_key: Option<NonEmptyText>,
    /// The `PARTITION BY` of the new table, an SQL expression of ClickHouse.
    #[schemars(transform = annotations::defines_table)]
    pub partition_by_expr: Option<NonBlankSqlText>,
}

/// The spec of Postgres.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "postgres",
    title: "Postgres",
    family: SourceFamily::Database,
    discoverable: false,
    resync_refusal: None,
    settings: None,
    is_finite_load: database::takes_only_a_snapshot,
    describe_start: database::describe_start,
    describe_replacement: database::replacement_effects::describe_replacement,
    location: |source| join_nonempty("/", &[database::host_and_port(source), text_at(source, "database")]),
    secret_hosts: database::secret_hosts,
    items: SourceItems::Mappings(&["sourceSchemaName", "sourceTable"]),
    exclusive_reads: |source, servers| {
        let server = database::server_key(source, servers);
        read_named_by(source, "replication slot", "settings.replicationSlotName", server, Sharing::Broken)
            .into_iter()
            .collect()
    },
    rules: &[
        RULES,
        RuleSet { object_paths: &["spec.source.postgres"], rules: database::LOGIN_RULES },
        RuleSet { object_paths: &["spec.source.postgres"], rules: database::TLS_RULES },
        RuleSet { object_paths: &["spec.source.postgres"], rules: database::MAPPING_LIST_RULES },
        RuleSet { object_paths: &["spec.source.postgres.tableMappings.*"], rules: database::MAPPING_RULES },
    ],
};

const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.postgres.settings"],
    rules: &[
        forbidden_fields(
            "postgres-slot-name",
            Evidence::Live,
            &["replicationSlotName"],
            value_is("replicationMode", &["cdc", "snapshot"]),
        )
        .with_reason("the API creates the slot itself"),
        forbidden_fields(
            "postgres-failover-slots",
            Evidence::Schema,
            &["replicationSlotName"],
            flag_is("enableFailoverSlots", true),
        )
        .with_reason("failover is for slots that the API creates"),
    ],
};
