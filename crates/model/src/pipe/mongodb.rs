//! MongoDB databases.

use schemars::JsonSchema;

use super::additional::Additional;
use super::credentials::Login;
use super::database::{ReplicationMode, TABLE_MAPPING_DELTAS, TableEngine};
use crate::annotations;
use crate::path::FieldPath;
use crate::secret::TextOrSecret;
use crate::text::{NonEmptyText, PemCertificates};
use crate::validate::{RuleContext, RuleFinding, RuleSet, custom_rule};

/// The API checks a changed connection with what the same request says, and wants URI and read
/// preference in it.
const CONNECTION: &[&str] = &["source.mongodb.uri", "source.mongodb.readPreference", "source.mongodb.credentials"];

/// What tells the mappings of collections apart.
const COLLECTION: &[&str] = &["sourceDatabaseName", "sourceCollection", "targetTable"];

/// Collections of a MongoDB database.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mongodb {
    /// Where the database is: `mongodb://…` or `mongodb+srv://…`. One with a password in it must
    /// be a reference; the API returns it, and it is shown without the password.
    #[schemars(transform = annotations::uri_with_password, transform = annotations::sent_with(CONNECTION))]
    pub uri: TextOrSecret,
    /// Which members of the replica set are read.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub read_preference: ReadPreference,
    /// The user, where `uri` does not name one.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub credentials: Option<Login>,
    /// The name that the server's certificate must have, where it is not that of the host.
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::sent_with(CONNECTION))]
    pub tls_host: Option<NonEmptyText>,
    /// The certificates that the server's own is checked against, in PEM form.
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::sent_with(CONNECTION))]
    pub ca_certificate: Option<PemCertificates>,
    /// Connects without TLS.
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::sent_with(CONNECTION))]
    #[schemars(transform = annotations::default_is(false))]
    pub disable_tls: Option<bool>,
    /// Connects with TLS, and takes any certificate.
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::sent_with(CONNECTION))]
    #[schemars(transform = annotations::default_is(false))]
    pub skip_cert_verification: Option<bool>,
    /// How the collections are copied and followed.
    pub settings: MongodbSettings,
    /// The collections to read, and where they go. A mapping is added or removed while the pipe is
    /// paused; a changed one is removed and added again, with a new snapshot.
    #[schemars(length(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::keyed_list(COLLECTION, 2, TABLE_MAPPING_DELTAS))]
    pub table_mappings: Vec<MongodbTableMapping>,
    /// Fields that are newer than this program: sent and compared as they stand, and not checked.
    pub additional: Option<Additional>,
}

/// Which members of a replica set are read.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReadPreference {
    /// The primary.
    Primary,
    /// The primary, or a secondary while there is none.
    PrimaryPreferred,
    /// A secondary.
    Secondary,
    /// A secondary, or the primary while there is none.
    SecondaryPreferred,
    /// The member that answers fastest.
    Nearest,
}

/// How collections are copied and followed.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MongodbSettings {
    /// A first copy, changes, or both.
    #[schemars(transform = annotations::requires_replace)]
    pub replication_mode: ReplicationMode,
    /// How often changes are read, in seconds.
    #[schemars(range(min = 1), transform = annotations::needs_pause, transform = annotations::default_is(60))]
    #[schemars(transform = annotations::sometimes_returned)]
    pub sync_interval_seconds: Option<i64>,
    /// How many documents are read at a time while changes are followed.
    #[schemars(range(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::default_is(100_000))]
    pub pull_batch_size: Option<i64>,
    /// How many documents one part of the first copy has.
    #[schemars(range(min = 1000), transform = annotations::requires_replace)]
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::default_is(100_000))]
    pub snapshot_num_rows_per_partition: Option<i64>,
    /// How many collections are copied side by side in the first copy.
    #[schemars(range(min = 1), transform = annotations::requires_replace)]
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::default_is(1))]
    pub snapshot_number_of_parallel_tables: Option<i64>,
    /// Takes deleted documents out of `ReplacingMergeTree` tables for good when parts are merged.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::default_is(false))]
    pub delete_on_merge: Option<bool>,
    /// Stores documents as ClickHouse's own `JSON` rather than as text.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    pub use_json_native_format: Option<bool>,
}

/// One collection and where it goes.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MongodbTableMapping {
    /// The database of the collection to read.
    pub source_database_name: NonEmptyText,
    /// The collection to read.
    pub source_collection: NonEmptyText,
    /// The ClickHouse table to write. It is made when it is missing, and must be empty for a
    /// snapshot.
    pub target_table: NonEmptyText,
    /// The engine of the table.
    #[schemars(transform = annotations::default_is("ReplacingMergeTree"))]
    pub table_engine: Option<TableEngine>,
}

pub(crate) const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.mongodb"],
    rules: &[
        custom_rule("mongodb-uri", &["uri"], unknown_uri_scheme),
        custom_rule("password-in-uri", &["uri"], password_in_uri)
            .with_help("write it under `credentials`, or the whole URI as `{fromEnv: NAME}`"),
    ],
};

fn unknown_uri_scheme(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let known = |uri: &str| uri.starts_with("mongodb://") || uri.starts_with("mongodb+srv://");
    let unknown = scope.text_at("uri").filter(|uri| !known(uri));
    let message = "not the URI of a MongoDB database: it begins with `mongodb://` or `mongodb+srv://`";
    unknown.map(|_| RuleFinding::new(FieldPath::parse("uri"), message)).into_iter().collect()
}

/// Sloppy passwords hold slashes and `@`: whatever stands before the last `@` is the user's.
fn password_in_uri(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let login = scope
        .text_at("uri")
        .and_then(|uri| uri.split_once("://"))
        .and_then(|(_, rest)| rest.rsplit_once('@'))
        .map(|(login, _)| login);
    let message = "the URI holds a password, and manifests hold none";
    login
        .filter(|login| login.contains(':'))
        .map(|_| RuleFinding::new(FieldPath::parse("uri"), message))
        .into_iter()
        .collect()
}
