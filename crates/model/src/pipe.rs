//! Pipes: where data comes from, where it goes, and how.

use schemars::JsonSchema;

use crate::check::{Rule, RuleSet, has, is_not};
use crate::envelope::{Envelope, NAMED, PipeMetadata};
use crate::mark;

pub mod additional;
pub mod bigquery;
pub(crate) mod course;
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
pub(crate) mod restart;
pub mod scaling;
pub mod settings;

/// A manifest of one pipe.
pub type Manifest = Envelope<ClickPipe, PipeMetadata, ClickPipeSpec>;

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
    /// Whether the pipe should ingest. A new pipe always starts, and is stopped right after where
    /// the manifest asks for that.
    #[schemars(transform = mark::local, transform = mark::default_is("running"))]
    pub state: Option<PipeState>,
    /// Refuses every plan that would delete or replace the pipe.
    #[schemars(transform = mark::local, transform = mark::default_is(false))]
    pub protect: Option<bool>,
    /// Where the data comes from: exactly one kind of source.
    pub source: Option<Source>,
    /// Where the data goes. Database pipes give only the database, and the roles.
    pub destination: Option<destination::Destination>,
    /// Which field of the source goes into which column. Where it is given, every column of the
    /// destination must occur. Not for database pipes. Sent together with the columns.
    #[schemars(transform = mark::travels_with(destination::COLUMNS))]
    pub field_mappings: Option<Vec<field_mapping::FieldMapping>>,
    /// Replicas of the pipe and their size. Not for database pipes, which share the size that a
    /// `CdcScaling` declares.
    #[schemars(transform = mark::via_scaling)]
    pub scaling: Option<scaling::Scaling>,
    /// Tuning of ingestion. A setting that the manifest stops naming keeps its live value: the API
    /// cannot unset one. Not for database pipes.
    #[schemars(transform = mark::via_settings)]
    pub settings: Option<settings::Settings>,
}

/// Whether a pipe should ingest.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PipeState {
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
    /// Topics of Apache Kafka or of a service that speaks its protocol.
    pub kafka: Option<kafka::Kafka>,
    /// A stream of Amazon Kinesis.
    pub kinesis: Option<kinesis::Kinesis>,
    /// Files in an object storage such as Amazon S3.
    pub object_storage: Option<object_storage::ObjectStorage>,
    /// A topic of Google Cloud Pub/Sub. In limited preview: the organization must be let in.
    pub pubsub: Option<pubsub::Pubsub>,
    /// Tables of a Postgres database.
    pub postgres: Option<postgres::Postgres>,
    /// Tables of a MySQL or MariaDB database.
    pub mysql: Option<mysql::Mysql>,
    /// Collections of a MongoDB database.
    pub mongodb: Option<mongodb::Mongodb>,
    /// Tables of Google BigQuery, loaded once. Nothing of it can be changed in place.
    #[schemars(transform = mark::immutable)]
    pub bigquery: Option<bigquery::Bigquery>,
    /// Checks samples of the data when the source is made or changed, beyond the connection. It
    /// has no effect on Postgres and MySQL. Experimental in the API, which may drop it.
    #[schemars(transform = mark::never_echoed)]
    pub validate_samples: Option<bool>,
}

/// The rules of pipes, every source's own among them.
pub(crate) const RULE_SETS: &[RuleSet] = &[
    NAMED,
    PIPE,
    SOURCE,
    kafka::RULES,
    kinesis::RULES,
    object_storage::RULES,
    pubsub::RULES,
    postgres::RULES,
    mysql::RULES,
    mongodb::RULES,
    database::LOGIN,
    database::MAPPINGS,
    database::MAPPING,
    destination::RULES,
    field_mapping::RULES,
    settings::RULES,
    scaling::RULES,
];

/// The sources whose pipes carry tables over, and are paused rather than stopped.
pub(crate) const DATABASES: &[&str] =
    &["source.postgres", "source.mysql", "source.mongodb", "source.bigquery"];
const OTHERS: &[&str] =
    &["source.kafka", "source.kinesis", "source.objectStorage", "source.pubsub"];

const PIPE: RuleSet = RuleSet {
    at: &["spec"],
    rules: &[
        Rule::needed("missing-part", &["source", "destination"], is_not("state", &["absent"])),
        Rule::refused(
            "database-pipe-table",
            &[
                "destination.table",
                "destination.managedTable",
                "destination.tableDefinition",
                "destination.columns",
            ],
            has(DATABASES, "database pipes"),
        )
        .because("each table mapping makes a table of its own"),
        Rule::refused(
            "database-pipe-field-mappings",
            &["fieldMappings"],
            has(DATABASES, "database pipes"),
        )
        .because("each table mapping takes the columns as they are"),
        Rule::refused("database-pipe-scaling", &["scaling"], has(DATABASES, "database pipes"))
            .because("they share the size of their service")
            .help("declare a `CdcScaling`"),
        Rule::refused("database-pipe-settings", &["settings"], has(DATABASES, "database pipes"))
            .because("theirs stand below the source"),
        Rule::needed(
            "missing-table",
            &["destination.table", "destination.managedTable", "destination.columns"],
            has(OTHERS, "pipes other than database pipes"),
        ),
    ],
};

const SOURCE: RuleSet = RuleSet {
    at: &["spec.source"],
    rules: &[Rule::exactly_one(
        "source-kind",
        &[
            "kafka",
            "kinesis",
            "objectStorage",
            "pubsub",
            "postgres",
            "mysql",
            "mongodb",
            "bigquery",
        ],
    )
    .because("a pipe reads one source")],
};
