//! MySQL and MariaDB databases.

use schemars::JsonSchema;

use super::credentials::Login;
use super::database::{self, DatabaseAuthentication, ReplicationMode, TABLE_MAPPING_DELTAS, TableEngine};
use super::endpoint_reference::DatabaseHost;
use super::source::{SourceFamily, SourceItems, SourceSpec};
use crate::exclusive_read::{Sharing, read_named_by};
use crate::validate::{RuleSet, allowed_values};
use model::annotations;
use model::diagnostic::Evidence;
use model::text::{Arn, CertificateHost, NonBlankSqlText, NonEmptyText, PemCertificates, TcpPort};

/// The API checks a changed connection with the fields of the same request, and requires host and port in it.
const CONNECTION: &[&str] = &[
    "source.mysql.host",
    "source.mysql.port",
    "source.mysql.authentication",
    "source.mysql.iamRole",
    "source.mysql.credentials",
];

/// The fields that identify the mapping of a table.
const TABLE: &[&str] = &["sourceSchemaName", "sourceTable", "targetTable"];

/// Tables of a MySQL or MariaDB database.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mysql {
    /// The type of database, and who runs it. The API may return plain `mysql` or `mariadb`.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is("mysql"))]
    #[schemars(transform = annotations::flavour_of(FLAVOURS))]
    pub r#type: Option<MysqlType>,
    /// The database's host name or address. `{endpoint: NAME}` stands for the DNS name of a reverse
    /// private endpoint.
    #[schemars(transform = annotations::sent_with(CONNECTION), transform = annotations::endpoint_host)]
    pub host: DatabaseHost,
    /// The port of the database, usually 3306.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub port: TcpPort,
    // Unlike Postgres, the PATCH schema has this and `iamRole`: a switch is an update.
    /// The authentication of the pipe.
    #[schemars(transform = annotations::sent_with(CONNECTION), transform = annotations::default_is("basic"))]
    pub authentication: Option<DatabaseAuthentication>,
    /// The IAM role to assume, with `authentication: IAM_ROLE`.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub iam_role: Option<Arn>,
    /// The user. `authentication: basic` also needs its password.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    #[schemars(transform = annotations::required_by_word("authentication"))]
    pub credentials: Login,
    /// The name in the certificate of the server, if it differs from `host`.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub tls_host: Option<CertificateHost>,
    /// The CA certificates for the server, in PEM format.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub ca_certificate: Option<PemCertificates>,
    /// Connects without TLS.
    #[schemars(transform = annotations::sent_with(CONNECTION), transform = annotations::default_is(false))]
    #[schemars(transform = annotations::weakens_tls)]
    pub disable_tls: Option<bool>,
    /// Connects with TLS and accepts any certificate.
    #[schemars(transform = annotations::sent_with(CONNECTION), transform = annotations::default_is(false))]
    #[schemars(transform = annotations::weakens_tls)]
    pub skip_cert_verification: Option<bool>,
    // Two replicas with one id disconnect each other in turn, so the id is compared with every other pipe of the
    // server.
    /// The replica id of the pipe at the source. It must be unique there. If it is omitted, the API
    /// chooses one.
    #[schemars(range(min = 1, max = 4_294_967_295_i64))]
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub server_id: Option<i64>,
    /// The SSH tunnel to the database, by the id of its key. The API accepts it only at creation.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::preview)]
    pub ssh_key_resource_id: Option<NonEmptyText>,
    /// Settings of the snapshot and of replication.
    pub settings: MysqlSettings,
    /// The tables to read, and their target tables. The pipe is paused to add or remove a mapping.
    /// A changed mapping is removed and added again, with a new snapshot.
    #[schemars(length(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::keyed_list(TABLE, 2, TABLE_MAPPING_DELTAS))]
    pub table_mappings: Vec<MysqlTableMapping>,
}

const FLAVOURS: &[(&str, &str)] = &[
    ("rdsmysql", "mysql"),
    ("auroramysql", "mysql"),
    ("cloudsqlmysql", "mysql"),
    ("planetscalevitess", "mysql"),
    ("rdsmariadb", "mariadb"),
];

/// A database of the MySQL family, and who runs it.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MysqlType {
    /// Any MySQL.
    Mysql,
    /// MySQL on Amazon RDS.
    Rdsmysql,
    /// MySQL on Amazon Aurora.
    Auroramysql,
    /// MySQL on Google Cloud SQL.
    Cloudsqlmysql,
    /// PlanetScale with Vitess.
    Planetscalevitess,
    /// Any MariaDB.
    Mariadb,
    /// MariaDB on Amazon RDS.
    Rdsmariadb,
}

/// How tables are copied and followed.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MysqlSettings {
    /// An initial snapshot, changes, or both.
    #[schemars(transform = annotations::requires_replace)]
    pub replication_mode: ReplicationMode,
    // `FILE_POS` works where the organization has it enabled. That cannot be read, so the API is left to refuse it.
    /// How the position in the binary log is tracked.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is("GTID"))]
    pub replication_mechanism: Option<ReplicationMechanism>,
    /// The interval between reads of changes, in seconds.
    #[schemars(range(min = 1), transform = annotations::needs_pause, transform = annotations::default_is(60))]
    pub sync_interval_seconds: Option<i64>,
    /// The batch size for changes, in rows.
    #[schemars(range(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::default_is(100_000))]
    pub pull_batch_size: Option<i64>,
    /// Compresses the connection.
    #[schemars(transform = annotations::needs_pause, transform = annotations::default_is(false))]
    pub use_compression: Option<bool>,
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
    /// Removes deleted rows from `ReplacingMergeTree` tables when parts are merged.
    #[schemars(transform = annotations::requires_replace, transform = annotations::omitted_when_set)]
    #[schemars(transform = annotations::default_is(false))]
    pub delete_on_merge: Option<bool>,
}

/// A kind of position in the binary log.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReplicationMechanism {
    /// By global transaction id.
    Gtid,
    /// By file and position. Not for MariaDB, and for MySQL only where ClickHouse support has enabled it.
    FilePos,
}

/// One source table and its target.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MysqlTableMapping {
    /// The database of the table to read.
    pub source_schema_name: NonEmptyText,
    /// The table to read.
    pub source_table: NonEmptyText,
    /// The ClickHouse table. It is created if it is missing, and must be empty for a snapshot.
    pub target_table: NonEmptyText,
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
    /// An indexed column of an integer or time type. The initial snapshot is split into parts by
    /// it. Unrelated to partitions in ClickHouse.
    pub partition_key: Option<NonEmptyText>,
    /// The `PARTITION BY` of the new table, an SQL expression of ClickHouse.
    #[schemars(transform = annotations::defines_table)]
    #[schemars(transform = annotations::newer_schema)]
    pub partition_by_expr: Option<NonBlankSqlText>,
}

/// The spec of MySQL.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "mysql",
    title: "MySQL",
    family: SourceFamily::Database,
    discoverable: false,
    resync_refusal: None,
    settings: None,
    is_finite_load: database::takes_only_a_snapshot,
    describe_start: database::describe_start,
    describe_replacement: database::replacement_effects::describe_replacement,
    location: database::host_and_port,
    secret_hosts: database::secret_hosts,
    items: SourceItems::Mappings(&["sourceSchemaName", "sourceTable"]),
    exclusive_reads: |source, servers| {
        let server = database::server_key(source, servers);
        read_named_by(source, "server id", "serverId", server, Sharing::Broken).into_iter().collect()
    },
    rules: &[
        RULES,
        RuleSet { object_paths: &["spec.source.mysql"], rules: database::LOGIN_RULES },
        RuleSet { object_paths: &["spec.source.mysql"], rules: database::TLS_RULES },
        RuleSet { object_paths: &["spec.source.mysql"], rules: database::MAPPING_LIST_RULES },
        RuleSet { object_paths: &["spec.source.mysql.tableMappings.*"], rules: database::MAPPING_RULES },
    ],
};

const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.mysql"],
    rules: &[allowed_values(
        "mariadb-mechanism",
        Evidence::Provider,
        "settings.replicationMechanism",
        "type",
        &[("mariadb", &["GTID"]), ("rdsmariadb", &["GTID"])],
    )],
};
