//! Pipes: where data comes from, where it goes, and how.

use schemars::JsonSchema;
use serde_json::Value;

use crate::envelope::{Envelope, NAME_RULES, PipeMetadata};
use crate::validate::{RuleCondition, RuleSet, exactly_one_of, forbidden_fields, holds, required_fields, value_is_not};
use model::annotations;

pub mod bigquery;
pub mod credentials;
pub mod database;
pub mod destination;
pub mod endpoint_reference;
pub mod field_mapping;
pub mod kafka;
pub mod kinesis;
pub mod mongodb;
pub mod mysql;
pub mod object_storage;
pub mod postgres;
pub mod pubsub;
pub(crate) mod replacement_effects;
pub mod scaling;
pub mod settings;
pub mod source;
#[cfg(test)]
mod tests;
pub mod written_tables;

use model::diagnostic::Evidence;
#[cfg(test)]
use tests::made_up;

pub use source::{Source, SourceFamily, SourceKind, SourceSpec};

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
    /// The desired state. A new stream or pipe of files that is declared `stopped` is created paused, and reads
    /// nothing. A database pipe cannot be: it is stopped after its first load.
    #[schemars(transform = annotations::local_only, transform = annotations::default_is("running"))]
    pub state: Option<DesiredPipeState>,
    /// Refuses every plan that would delete or replace the pipe.
    #[schemars(transform = annotations::local_only, transform = annotations::default_is(false))]
    pub protect: Option<bool>,
    /// The source of the data. Exactly one kind is required.
    pub source: Option<Source>,
    // The API refuses an edit of the destination without the columns (seen live), also of a field that is not known here.
    /// The target of the data. Database pipes set only the database and the roles.
    #[schemars(transform = annotations::sent_with(destination::COLUMNS))]
    pub destination: Option<destination::Destination>,
    /// Maps fields of the source to columns. The schema of the API asks for a mapping of every column
    /// then; that it refuses fewer is not known. Not for database pipes. It is sent together with the columns.
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
    /// Ingesting, or completed for a job that is done once.
    Running,
    /// Stopped, or paused if it is a database pipe.
    Stopped,
    /// Deleted. The manifest stays as the record of it.
    Absent,
}

/// The rules of pipes. Those of the sources are in their specs.
const RULE_SETS: &[RuleSet] =
    &[NAME_RULES, PIPE_RULES, SOURCE_RULES, destination::RULES, field_mapping::RULES, settings::RULES, scaling::RULES];

/// The rules of pipes and of every source.
pub(crate) fn rule_sets() -> impl Iterator<Item = &'static RuleSet> {
    RULE_SETS.iter().chain(SourceKind::ALL.iter().flat_map(|kind| kind.spec().rules))
}

const DATABASE_PIPES: RuleCondition =
    holds(|spec| source::source_family(spec) == Some(SourceFamily::Database), "database pipes");

const BIGQUERY_PIPES: RuleCondition = holds(is_bigquery, "BigQuery pipes");

/// Their size was seen to be refused.
const PIPES_OF_A_SHARED_SIZE: RuleCondition =
    holds(|spec| source::source_family(spec) == Some(SourceFamily::Database) && !is_bigquery(spec), "database pipes");

fn is_bigquery(spec: &Value) -> bool {
    SourceKind::in_body(spec).is_some_and(|(kind, _)| kind == SourceKind::Bigquery)
}

const OTHER_PIPES: RuleCondition = holds(
    |spec| source::source_family(spec).is_some_and(|family| family != SourceFamily::Database),
    "pipes other than database pipes",
);

const PIPE_RULES: RuleSet = RuleSet {
    object_paths: &["spec"],
    rules: &[
        required_fields(
            "missing-part",
            Evidence::Schema,
            &["source", "destination"],
            value_is_not("state", &["absent"]),
        ),
        forbidden_fields(
            "database-pipe-table",
            Evidence::Live,
            &["destination.table", "destination.managedTable", "destination.tableDefinition", "destination.columns"],
            DATABASE_PIPES,
        )
        .with_reason("each table mapping creates a table of its own"),
        forbidden_fields("database-pipe-field-mappings", Evidence::Live, &["fieldMappings"], DATABASE_PIPES)
            .with_reason("each table mapping takes the columns as they are"),
        forbidden_fields("database-pipe-scaling", Evidence::Live, &["scaling"], PIPES_OF_A_SHARED_SIZE)
            .with_reason("they share the size of their service")
            .with_help("declare a `CdcScaling`"),
        // The schema has the field for every pipe, and the official provider sends it. Only prose speaks against it.
        forbidden_fields("bigquery-scaling", Evidence::Ours, &["scaling"], BIGQUERY_PIPES)
            .with_reason("the documentation of the API says that they share the size of their service")
            .with_help("declare a `CdcScaling`"),
        forbidden_fields("database-pipe-settings", Evidence::Live, &["settings"], DATABASE_PIPES)
            .with_reason("theirs are under the source"),
        required_fields(
            "missing-table",
            Evidence::Schema,
            &["destination.table", "destination.managedTable", "destination.columns"],
            OTHER_PIPES,
        ),
    ],
};

const SOURCE_RULES: RuleSet = RuleSet {
    object_paths: &["spec.source"],
    rules: &[exactly_one_of("source-kind", Evidence::Schema, SourceKind::KEYS).with_reason("a pipe reads one source")],
};
