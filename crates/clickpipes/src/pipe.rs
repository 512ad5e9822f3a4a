//! Pipes: where data comes from, where it goes, and how.

use schemars::JsonSchema;

use crate::envelope::{Envelope, NAME_RULES, PipeMetadata};
use crate::validate::{CrossFieldRule, RuleSet, any_present, value_is_not};
use model::annotations;

pub mod additional;
pub mod bigquery;
pub mod credentials;
pub mod database;
pub mod destination;
pub mod field_mapping;
pub mod kafka;
pub mod kinesis;
pub mod mongodb;
pub mod mysql;
pub mod object_storage;
pub mod postgres;
pub mod pubsub;
pub(crate) mod replacement_effects;
pub(crate) mod run_mode;
pub mod scaling;
pub mod settings;

/// A manifest of one pipe.
pub type PipeManifest = Envelope<ClickPipe, PipeMetadata, ClickPipeSpec>;

/// The word for the kind.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(missing_docs, reason = "the word says it")]
pub enum ClickPipe {
    ClickPipe,
}

/// One pipe.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClickPipeSpec {
    /// The desired state. A new pipe always starts; if the manifest says `stopped`, it is stopped
    /// right after.
    #[schemars(transform = annotations::local_only, transform = annotations::default_is("running"))]
    pub state: Option<DesiredPipeState>,
    /// Refuses every plan that would delete or replace the pipe.
    #[schemars(transform = annotations::local_only, transform = annotations::default_is(false))]
    pub protect: Option<bool>,
    /// The source of the data. Exactly one kind is required.
    pub source: Option<Source>,
    /// The target of the data. Database pipes set only the database and the roles.
    pub destination: Option<destination::Destination>,
    /// Maps fields of the source to columns. If it is set, every column of the destination needs a
    /// mapping. Not for database pipes. It is sent together with the columns.
    #[schemars(transform = annotations::sent_with(destination::COLUMNS))]
    pub field_mappings: Option<Vec<field_mapping::FieldMapping>>,
    /// Replicas of the pipe and their size. Not for database pipes: they share a `CdcScaling`.
    #[schemars(transform = annotations::via_scaling)]
    pub scaling: Option<scaling::Scaling>,
    /// Ingestion settings. If you remove a setting from the manifest, its live value stays, because
    /// the API cannot unset it. Not for database pipes.
    #[schemars(transform = annotations::via_settings)]
    pub settings: Option<settings::PipeSettings>,
}

/// Whether a pipe should ingest.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DesiredPipeState {
    /// Ingesting, or done with a job that ends by itself.
    Running,
    /// Stopped, or paused if it is a database pipe.
    Stopped,
    /// Deleted. The manifest stays as the record of it.
    Absent,
}

/// Where the data comes from. Another kind of source is another pipe.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// Topics of Apache Kafka or of a compatible service.
    pub kafka: Option<kafka::Kafka>,
    /// An Amazon Kinesis stream.
    pub kinesis: Option<kinesis::Kinesis>,
    /// Files in an object storage such as Amazon S3.
    pub object_storage: Option<object_storage::ObjectStorage>,
    /// A Google Cloud Pub/Sub topic. This source is in limited preview: ClickHouse must enable it
    /// for the organization.
    pub pubsub: Option<pubsub::Pubsub>,
    /// Tables of a Postgres database.
    pub postgres: Option<postgres::Postgres>,
    /// Tables of a MySQL or MariaDB database.
    pub mysql: Option<mysql::Mysql>,
    /// Collections of a MongoDB database.
    pub mongodb: Option<mongodb::Mongodb>,
    /// Google BigQuery tables, loaded once. No field can be changed in place.
    #[schemars(transform = annotations::requires_replace)]
    pub bigquery: Option<bigquery::Bigquery>,
    /// Validates samples of the data when the source is created or changed, not only the
    /// connection. No effect on Postgres and MySQL. Experimental: the API may remove it.
    #[schemars(transform = annotations::write_only)]
    pub validate_samples: Option<bool>,
}

/// The rules of pipes, every source's own among them.
pub(crate) const RULE_SETS: &[RuleSet] = &[
    NAME_RULES,
    PIPE_RULES,
    SOURCE_RULES,
    kafka::RULES,
    kinesis::RULES,
    object_storage::RULES,
    pubsub::RULES,
    postgres::RULES,
    mysql::RULES,
    mongodb::RULES,
    database::LOGIN_RULES,
    database::MAPPING_LIST_RULES,
    database::MAPPING_RULES,
    destination::RULES,
    field_mapping::RULES,
    settings::RULES,
    scaling::RULES,
];

/// The sources whose pipes carry tables over, and are paused rather than stopped.
pub(crate) const DATABASE_SOURCES: &[&str] = &["source.postgres", "source.mysql", "source.mongodb", "source.bigquery"];
const STREAM_AND_FILE_SOURCES: &[&str] = &["source.kafka", "source.kinesis", "source.objectStorage", "source.pubsub"];

const PIPE_RULES: RuleSet = RuleSet {
    object_paths: &["spec"],
    rules: &[
        CrossFieldRule::required_fields("missing-part", &["source", "destination"], value_is_not("state", &["absent"])),
        CrossFieldRule::forbidden_fields(
            "database-pipe-table",
            &["destination.table", "destination.managedTable", "destination.tableDefinition", "destination.columns"],
            any_present(DATABASE_SOURCES, "database pipes"),
        )
        .with_reason("each table mapping makes a table of its own"),
        CrossFieldRule::forbidden_fields(
            "database-pipe-field-mappings",
            &["fieldMappings"],
            any_present(DATABASE_SOURCES, "database pipes"),
        )
        .with_reason("each table mapping takes the columns as they are"),
        CrossFieldRule::forbidden_fields(
            "database-pipe-scaling",
            &["scaling"],
            any_present(DATABASE_SOURCES, "database pipes"),
        )
        .with_reason("they share the size of their service")
        .with_help("declare a `CdcScaling`"),
        CrossFieldRule::forbidden_fields(
            "database-pipe-settings",
            &["settings"],
            any_present(DATABASE_SOURCES, "database pipes"),
        )
        .with_reason("theirs stand below the source"),
        CrossFieldRule::required_fields(
            "missing-table",
            &["destination.table", "destination.managedTable", "destination.columns"],
            any_present(STREAM_AND_FILE_SOURCES, "pipes other than database pipes"),
        ),
    ],
};

const SOURCE_RULES: RuleSet = RuleSet {
    object_paths: &["spec.source"],
    rules: &[CrossFieldRule::exactly_one_of(
        "source-kind",
        &["kafka", "kinesis", "objectStorage", "pubsub", "postgres", "mysql", "mongodb", "bigquery"],
    )
    .with_reason("a pipe reads one source")],
};
