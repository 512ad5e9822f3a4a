//! MongoDB databases.

use schemars::JsonSchema;

use super::credentials::Login;
use super::database::{self, ReplicationMode, TABLE_MAPPING_DELTAS, TableEngine};
use super::source::{SourceFamily, SourceItems, SourceSpec, text_at};
use crate::connection_options::proxy_host;
use crate::secrets::host::SecretHost;
use crate::validate::{RuleContext, RuleFinding, RuleSet, custom_rule};
use model::annotations;
use model::diagnostic::Evidence;
use model::path::FieldPath;
use model::secret::TextOrSecret;
use model::text::{CertificateHost, NonEmptyText, PemCertificates};

/// The API checks a changed connection with the fields of the same request, and requires URI and read preference in it.
const CONNECTION: &[&str] = &["source.mongodb.uri", "source.mongodb.readPreference", "source.mongodb.credentials"];

/// The fields that identify the mapping of a collection.
const COLLECTION: &[&str] = &["sourceDatabaseName", "sourceCollection", "targetTable"];

/// Collections of a MongoDB database.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mongodb {
    // It is both an address, which the API returns, and sometimes a login. Only a URI as text can be compared.
    /// The URI of the database: `mongodb://…` or `mongodb+srv://…`. A URI with a password must be a
    /// reference. The API returns it; pipectl shows it without the password.
    #[schemars(transform = annotations::uri_with_password, transform = annotations::sent_with(CONNECTION))]
    #[schemars(transform = annotations::connects_to_url, transform = annotations::weakens_tls)]
    pub uri: TextOrSecret,
    // The PATCH schema requires `uri` and this, so that each connection edit sends both.
    /// The members of the replica set to read from.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub read_preference: ReadPreference,
    /// The user, where `uri` does not name one.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub credentials: Option<Login>,
    // Responses have omitted this block although it was set.
    /// The name in the certificate of the server, if it differs from the host.
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::sent_with(CONNECTION))]
    pub tls_host: Option<CertificateHost>,
    /// The CA certificates for the server, in PEM format.
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::sent_with(CONNECTION))]
    pub ca_certificate: Option<PemCertificates>,
    /// Connects without TLS.
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::sent_with(CONNECTION))]
    #[schemars(transform = annotations::default_is(false))]
    #[schemars(transform = annotations::weakens_tls)]
    pub disable_tls: Option<bool>,
    /// Connects with TLS and accepts any certificate.
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::sent_with(CONNECTION))]
    #[schemars(transform = annotations::default_is(false))]
    #[schemars(transform = annotations::weakens_tls)]
    pub skip_cert_verification: Option<bool>,
    /// The SSH tunnel to the database, by the id of its key. The API accepts it only at creation.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::preview)]
    pub ssh_key_resource_id: Option<NonEmptyText>,
    /// Settings of the snapshot and of replication.
    pub settings: MongodbSettings,
    /// The collections to read, and their target tables. The pipe is paused to add or remove a
    /// mapping. A changed mapping is removed and added again, with a new snapshot.
    #[schemars(length(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::keyed_list(COLLECTION, 2, TABLE_MAPPING_DELTAS))]
    pub table_mappings: Vec<MongodbTableMapping>,
}

/// The members of a replica set to read from.
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
    /// An initial snapshot, changes, or both.
    #[schemars(transform = annotations::requires_replace)]
    pub replication_mode: ReplicationMode,
    /// The interval between reads of changes, in seconds.
    #[schemars(range(min = 1), transform = annotations::needs_pause, transform = annotations::default_is(60))]
    #[schemars(transform = annotations::sometimes_returned)]
    pub sync_interval_seconds: Option<i64>,
    /// The batch size for changes, in documents.
    #[schemars(range(min = 1), transform = annotations::needs_pause)]
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::default_is(100_000))]
    pub pull_batch_size: Option<i64>,
    /// The number of workers per collection in the initial snapshot.
    #[schemars(range(min = 1), transform = annotations::requires_replace)]
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::default_is(4))]
    #[schemars(transform = annotations::newer_schema)]
    pub initial_load_parallelism: Option<i64>,
    /// The number of documents per part of the initial snapshot.
    #[schemars(range(min = 1000), transform = annotations::requires_replace)]
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::default_is(100_000))]
    pub snapshot_num_rows_per_partition: Option<i64>,
    /// The number of collections that the initial snapshot copies in parallel.
    #[schemars(range(min = 1), transform = annotations::requires_replace)]
    #[schemars(transform = annotations::sometimes_returned, transform = annotations::default_is(1))]
    pub snapshot_number_of_parallel_tables: Option<i64>,
    /// Removes deleted documents from `ReplacingMergeTree` tables when parts are merged.
    #[schemars(transform = annotations::requires_replace, transform = annotations::omitted_when_set)]
    #[schemars(transform = annotations::default_is(false))]
    pub delete_on_merge: Option<bool>,
    /// Stores documents as ClickHouse `JSON` instead of text.
    #[schemars(transform = annotations::requires_replace, transform = annotations::omitted_when_set)]
    pub use_json_native_format: Option<bool>,
}

/// One source collection and its target.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MongodbTableMapping {
    /// The database of the collection to read.
    pub source_database_name: NonEmptyText,
    /// The collection to read.
    pub source_collection: NonEmptyText,
    /// The ClickHouse table. It is created if it is missing, and must be empty for a snapshot.
    pub target_table: NonEmptyText,
    /// The engine of the table.
    #[schemars(transform = annotations::default_is("ReplacingMergeTree"), transform = annotations::defines_table)]
    pub table_engine: Option<TableEngine>,
}

/// The spec of MongoDB.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "mongodb",
    title: "MongoDB",
    family: SourceFamily::Database,
    discoverable: false,
    resync_refusal: None,
    settings: None,
    is_finite_load: database::takes_only_a_snapshot,
    describe_start: database::describe_start,
    describe_replacement: database::replacement_effects::describe_replacement,
    location: |source| uri_host(&text_at(source, "uri")),
    secret_hosts: |source, _| match &source["uri"] {
        serde_json::Value::String(uri) => [SecretHost::from_url(uri), proxy_host(uri)].concat(),
        // The URI is a secret itself, and names the host.
        _ => vec![SecretHost::InSecret],
    },
    items: SourceItems::Mappings(&["sourceDatabaseName", "sourceCollection"]),
    exclusive_reads: |_, _| Vec::new(),
    rules: &[
        RULES,
        RuleSet { object_paths: &["spec.source.mongodb"], rules: database::TLS_RULES },
        RuleSet { object_paths: &["spec.source.mongodb"], rules: database::UNCHECKED_MAPPING_LIST_RULES },
    ],
};

/// The host of a connection URI, which may contain a user and options. Empty if the whole URI is hidden.
fn uri_host(uri: &str) -> String {
    let Some((_, rest)) = uri.split_once("://") else { return String::new() };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.split(['/', '?']).next().unwrap_or_default().to_owned()
}

/// The user, the password and the hosts of a connection URI.
fn uri_authority(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.mongodb"],
    rules: &[
        custom_rule("mongodb-uri", Evidence::Schema, &["uri"], unknown_uri_scheme),
        // The schema demands none. But a changed connection is checked with the login of the same request alone.
        custom_rule("mongodb-login", Evidence::Ours, &["credentials", "uri"], missing_login),
    ],
};

fn missing_login(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let has_login = |uri: &str| uri_authority(uri).contains('@') || uri.contains("authMechanism=");
    // A URI that is a secret may contain the login.
    let lacks_login = scope.text_at("uri").is_some_and(|uri| !has_login(uri)) && !scope.has_field("credentials");
    let message = "no login: `uri` names no user, and there are no `credentials`; the API checks a changed connection \
                   with the login in the manifest alone";
    lacks_login.then(|| RuleFinding::new(FieldPath::parse("credentials"), message)).into_iter().collect()
}

fn unknown_uri_scheme(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let known = |uri: &str| uri.starts_with("mongodb://") || uri.starts_with("mongodb+srv://");
    let unknown = scope.text_at("uri").filter(|uri| !known(uri));
    let message = "not the URI of a MongoDB database: it begins with `mongodb://` or `mongodb+srv://`";
    unknown.map(|_| RuleFinding::new(FieldPath::parse("uri"), message)).into_iter().collect()
}
