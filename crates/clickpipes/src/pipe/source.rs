//! The kinds of sources, and the table of their specs.
//!
//! A new source is a line in the table below, and a file with its struct and its [`SourceSpec`]. The compiler
//! demands every part of the spec.

use schemars::JsonSchema;
use serde_json::Value;

use super::replacement_effects::Replacement;
use super::settings::SettingGroup;
use crate::exclusive_read::ExclusiveRead;
pub(crate) use crate::field_text::text_at;
use crate::secrets::host::SecretHost;
use crate::server_names::ServersOfService;
use crate::validate::RuleSet;
use model::annotations;

/// Everything about a kind of source that is not a fact about one field.
pub struct SourceSpec {
    /// Its field below `source`.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The family of sources that it belongs to.
    pub family: SourceFamily,
    /// Whether the API can discover its columns.
    pub discoverable: bool,
    /// Why the API has no command to load it again; `None` if it has.
    pub resync_refusal: Option<&'static str>,
    /// The groups of ingestion settings that the API accepts for it; `None` if it accepts no setting.
    pub(crate) settings: Option<&'static [SettingGroup]>,
    /// Whether a pipe from this source completes after it has read the existing data.
    pub(crate) is_finite_load: fn(&Value) -> bool,
    /// The first rows that a new pipe reads.
    pub(crate) describe_start: fn(&Value) -> String,
    /// The rows that a replacement reads again or misses.
    pub(crate) describe_replacement: fn(&Replacement<'_>) -> Vec<String>,
    /// Its location: brokers, a host and its database, a project.
    pub(crate) location: fn(&Value) -> String,
    /// The hosts that receive the secrets below one of its fields.
    pub(crate) secret_hosts: fn(&Value, &str) -> Vec<SecretHost>,
    /// The items that are read.
    pub(crate) items: SourceItems,
    /// The sources that no other pipe may read at the same time.
    pub(crate) exclusive_reads: fn(&Value, ServersOfService<'_>) -> Vec<ExclusiveRead>,
    pub(crate) rules: &'static [RuleSet],
}

/// A family of similar sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceFamily {
    /// Messages. They go into one table.
    Stream,
    /// Files. They go into one table.
    Files,
    /// Tables. Each is copied to its own table, and all pipes of a service share their size.
    Database,
}

impl SourceFamily {
    /// The API pauses database pipes, and stops all others.
    pub fn stopped_state_name(self) -> &'static str {
        match self {
            Self::Stream | Self::Files => "Stopped",
            Self::Database => "Paused",
        }
    }
}

/// The field of a source that names its items.
pub(crate) enum SourceItems {
    /// In one text.
    Single(fn(&Value) -> String),
    /// In a text with commas.
    CommaList(&'static str),
    /// In each table mapping, in these fields.
    Mappings(&'static [&'static str]),
}

/// Why a stream cannot be loaded again.
pub(crate) const NO_STREAM_RESYNC: &str = "a stream has no initial load to repeat; to read it again, delete the pipe and \
     re-create it with an earlier start";

macro_rules! sources {
    ($($(#[cfg($cfg:meta)])? $(#[doc = $doc:literal])+ $kind:ident = $field:ident: $module:ident::$body:ident;)+) => {
        /// The source of the data. A change to another kind of source needs another pipe.
        #[derive(JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct Source {
            $($(#[cfg($cfg)])? $(#[doc = $doc])+ pub $field: Option<super::$module::$body>,)+
            /// Validates samples of the data when the source is created or changed, not only the
            /// connection. No effect on Postgres and MySQL. Experimental: the API may remove it.
            #[schemars(transform = annotations::write_only, transform = annotations::one_request_only)]
            pub validate_samples: Option<bool>,
        }

        /// A kind of source.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum SourceKind {
            $($(#[cfg($cfg)])? $(#[doc = $doc])+ $kind,)+
        }

        impl SourceKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$($(#[cfg($cfg)])? Self::$kind,)+];

            /// The field of every kind below `source`.
            pub(crate) const KEYS: &[&'static str] = &[$($(#[cfg($cfg)])? Self::$kind.spec().key,)+];

            /// The facts about this kind.
            pub const fn spec(self) -> &'static SourceSpec {
                match self {
                    $($(#[cfg($cfg)])? Self::$kind => &super::$module::SPEC,)+
                }
            }
        }
    };
}

sources! {
    /// Topics of Apache Kafka or of a compatible service.
    Kafka = kafka: kafka::Kafka;
    /// An Amazon Kinesis stream.
    Kinesis = kinesis: kinesis::Kinesis;
    /// Files in an object storage such as Amazon S3.
    ObjectStorage = object_storage: object_storage::ObjectStorage;
    /// A Google Cloud Pub/Sub topic. This source is in limited preview: ClickHouse must enable it
    /// for the organization.
    Pubsub = pubsub: pubsub::Pubsub;
    /// Tables of a Postgres database.
    Postgres = postgres: postgres::Postgres;
    /// Tables of a MySQL or MariaDB database.
    Mysql = mysql: mysql::Mysql;
    /// Collections of a MongoDB database.
    Mongodb = mongodb: mongodb::Mongodb;
    /// Google BigQuery tables, loaded once; to follow their changes is in preview. No field can be
    /// changed in place.
    Bigquery = bigquery: bigquery::Bigquery;
    #[cfg(test)]
    /// A source that exists in tests only. See `tests/made_up.rs`.
    MadeUp = made_up: made_up::MadeUp;
}

impl SourceKind {
    /// The known source of a body, with its fields.
    pub fn in_body(body: &Value) -> Option<(Self, &Value)> {
        let of_kind = |kind: &Self| Some((*kind, body["source"].get(kind.spec().key).filter(|it| it.is_object())?));
        Self::ALL.iter().find_map(of_kind)
    }
}

/// The word of the API for the source of an object, known to this version or not; `None` for an object without a
/// source.
pub fn source_word(body: &Value) -> Option<&str> {
    let sources = body.get("source")?.as_object()?.iter();
    sources.filter(|(_, source)| source.is_object()).map(|(word, _)| word.as_str()).next()
}

/// The family of the source of a body; `None` if this version does not know the source.
pub fn source_family(body: &Value) -> Option<SourceFamily> {
    SourceKind::in_body(body).map(|(kind, _)| kind.spec().family)
}

/// The parts that are not empty, with a separator between them.
pub(crate) fn join_nonempty(separator: &str, parts: &[String]) -> String {
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join(separator)
}
