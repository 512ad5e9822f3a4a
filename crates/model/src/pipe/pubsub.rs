//! Google Cloud Pub/Sub.

use schemars::JsonSchema;

use super::additional::Additional;
use super::credentials::ServiceAccount;
use super::replacement_effects::Replacement;
use crate::annotations;
use crate::text::{GcpProjectId, NameWithoutSlash, Rfc3339Timestamp};
use crate::validate::{CrossFieldRule, RuleSet, value_is};

/// How the API connects to the topic. It checks the connection with what one request says.
const CONNECTION: &[&str] = &["source.pubsub.authentication", "source.pubsub.serviceAccountKey"];

/// The API documents the way of authentication as a part of every change.
const AUTHENTICATION: &[&str] = &["source.pubsub.authentication"];

/// A topic of Google Cloud Pub/Sub. In limited preview: the organization must be let in.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pubsub {
    /// How messages are encoded.
    #[schemars(transform = annotations::requires_replace)]
    pub format: PubsubFormat,
    /// The Google Cloud project that owns the topic.
    #[schemars(transform = annotations::requires_replace)]
    pub project_id: GcpProjectId,
    /// The topic's bare name, without `projects/…/topics/`.
    #[schemars(transform = annotations::requires_replace)]
    pub topic: NameWithoutSlash,
    /// How the pipe proves who it is.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub authentication: PubsubAuthentication,
    /// The key of the service account.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub service_account_key: ServiceAccount,
    /// Where reading starts.
    #[schemars(transform = annotations::requires_replace)]
    pub seek_type: SeekType,
    /// The time to start from with `seekType: timestamp`, such as `2026-01-31T08:00:00Z`.
    #[schemars(transform = annotations::requires_replace)]
    pub seek_timestamp: Option<Rfc3339Timestamp>,
    /// Reads only the messages whose attributes match, an expression of Pub/Sub's filter language.
    #[schemars(transform = annotations::requires_replace, length(min = 1, max = 256))]
    pub filter: Option<String>,
    /// Reads messages in the order of their ordering keys.
    #[schemars(transform = annotations::requires_replace)]
    pub enable_ordering: Option<bool>,
    /// How long a message may stay unacknowledged before it is delivered again, in seconds.
    #[schemars(range(min = 10, max = 600), transform = annotations::sent_with(AUTHENTICATION))]
    pub ack_deadline: Option<i64>,
    /// Fields that are newer than this program: sent and compared as they stand, and not checked.
    pub additional: Option<Additional>,
}

/// An encoding of messages.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words say it")]
pub enum PubsubFormat {
    #[serde(rename = "JSONEachRow")]
    JsonEachRow,
    Avro,
    Protobuf,
}

/// A way to prove who one is to Google Cloud.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PubsubAuthentication {
    /// The key of a service account.
    ServiceAccount,
}

/// Where reading starts.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SeekType {
    /// Messages that arrive after the pipe was made.
    Latest,
    /// The oldest message that the topic still has.
    Earliest,
    /// The first message at or after `seekTimestamp`.
    Timestamp,
}

pub(crate) const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.pubsub"],
    rules: &[CrossFieldRule::required_fields_iff(
        "pubsub-seek-timestamp",
        &["seekTimestamp"],
        value_is("seekType", &["timestamp"]),
    )],
};

/// What replacing a Pub/Sub pipe does to the data.
pub(crate) fn describe_replacement(it: &Replacement<'_>) -> Vec<String> {
    match (it.text_at("seekType"), it.text_at("seekTimestamp")) {
        (Some("latest"), _) => it.describe_missed_rows("the new pipe starts at latest", "messages"),
        (Some("timestamp"), Some(time)) => {
            it.describe_repeated_rows(&format!("the new pipe starts at {time}"), "rows from then on that are")
        }
        _ => it.describe_repeated_rows("the new pipe starts at earliest", "rows"),
    }
}
