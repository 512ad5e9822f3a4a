//! MySQL and MariaDB databases.

use schemars::JsonSchema;

use super::additional::Additional;
use super::credentials::Login;
use super::database::{DatabaseAuthentication, ReplicationMode, TABLE_MAPPING_DELTAS, TableEngine};
use crate::annotations;
use crate::text::{Arn, HostAddress, NonEmptyText, PemCertificates, TcpPort};
use crate::validate::{CrossFieldRule, RuleSet};

/// The API checks a changed connection with what the same request says, and wants host and port in
/// it.
const CONNECTION: &[&str] = &[
    "source.mysql.host",
    "source.mysql.port",
    "source.mysql.authentication",
    "source.mysql.iamRole",
    "source.mysql.credentials",
];

/// What tells the mappings of tables apart.
const TABLE: &[&str] = &["sourceSchemaName", "sourceTable", "targetTable"];

/// Tables of a MySQL or MariaDB database.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mysql {
    /// Which database, and who runs it. The API may answer with the plain `mysql` or `mariadb`.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is("mysql"))]
    #[schemars(transform = annotations::flavour_of(FLAVOURS))]
    pub r#type: Option<MysqlType>,
    /// The database's host name or address. With a reverse private endpoint, the endpoint's DNS
    /// name.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub host: HostAddress,
    /// The database's port, most often 3306.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub port: TcpPort,
    /// How the pipe proves who it is.
    #[schemars(transform = annotations::sent_with(CONNECTION), transform = annotations::default_is("basic"))]
    pub authentication: Option<DatabaseAuthentication>,
    /// The IAM role to take on, with `authentication: IAM_ROLE`.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub iam_role: Option<Arn>,
    /// The user. Its password is needed for `authentication: basic`.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub credentials: Login,
    /// The name that the server's certificate must have, where it is not that of `host`.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub tls_host: Option<NonEmptyText>,
    /// The certificates that the server's own is checked against, in PEM form.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub ca_certificate: Option<PemCertificates>,
    /// Connects without TLS.
    #[schemars(transform = annotations::sent_with(CONNECTION), transform = annotations::default_is(false))]
    pub disable_tls: Option<bool>,
    /// Connects with TLS, and takes any certificate.
    #[schemars(transform = annotations::sent_with(CONNECTION), transform = annotations::default_is(false))]
    pub skip_cert_verification: Option<bool>,
    /// The id that the pipe has among the replicas of the source, where no other may have it. The
    /// API picks one when it is left out.
    #[schemars(range(min = 1, max = 4_294_967_295_i64))]
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub server_id: Option<i64>,
    /// How the tables are copied and followed.
    pub settings: MysqlSettings,
    /// The tables to read, and where they go. A mapping is added or removed while the pipe is
    /// paused; a changed one is removed and added again, with a new snapshot.
    #[schemars(length(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::keyed_list(TABLE, 2, TABLE_MAPPING_DELTAS))]
    pub table_mappings: Vec<MysqlTableMapping>,
    /// Fields that are newer than this program: sent and compared as they stand, and not checked.
    pub additional: Option<Additional>,
}

const FLAVOURS: &[(&str, &str)] = &[("rdsmysql", "mysql"), ("auroramysql", "mysql"), ("rdsmariadb", "mariadb")];

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
    /// Any MariaDB.
    Mariadb,
    /// MariaDB on Amazon RDS.
    Rdsmariadb,
}

/// How tables are copied and followed.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MysqlSettings {
    /// A first copy, changes, or both.
    #[schemars(transform = annotations::requires_replace)]
    pub replication_mode: ReplicationMode,
    /// How the place in the binary log is remembered.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is("GTID"))]
    pub replication_mechanism: Option<ReplicationMechanism>,
    /// How often changes are read, in seconds.
    #[schemars(range(min = 1), transform = annotations::needs_pause, transform = annotations::default_is(60))]
    pub sync_interval_seconds: Option<i64>,
    /// How many rows are read at a time while changes are followed.
    #[schemars(range(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::default_is(100_000))]
    pub pull_batch_size: Option<i64>,
    /// Compresses the connection.
    #[schemars(transform = annotations::needs_pause, transform = annotations::default_is(false))]
    pub use_compression: Option<bool>,
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
    /// Takes deleted rows out of `ReplacingMergeTree` tables for good when parts are merged.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::default_is(false))]
    pub delete_on_merge: Option<bool>,
}

/// A way to remember a place in the binary log.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReplicationMechanism {
    /// By global transaction id.
    Gtid,
    /// By file and position. Not for MariaDB, and for MySQL only where ClickHouse's support has
    /// let it in.
    FilePos,
}

/// One table and where it goes.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MysqlTableMapping {
    /// The database of the table to read.
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
    /// An indexed column of an integer or time type that the first copy is cut into parts by.
    /// Unrelated to partitions in ClickHouse.
    pub partition_key: Option<NonEmptyText>,
}

pub(crate) const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.mysql"],
    rules: &[CrossFieldRule::allowed_values(
        "mariadb-mechanism",
        "settings.replicationMechanism",
        "type",
        &[("mariadb", &["GTID"]), ("rdsmariadb", &["GTID"])],
    )],
};
