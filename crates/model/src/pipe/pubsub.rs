//! Google Cloud Pub/Sub.

use schemars::JsonSchema;

use super::additional::Additional;
use super::credentials::ServiceAccount;
use super::restart::Restart;
use crate::check::{Rule, RuleSet, is};
use crate::mark;
use crate::text::{BareName, GcpProject, Timestamp};

/// How the API connects to the topic. It checks the connection with what one request says.
const CONNECTION: &[&str] = &["source.pubsub.authentication", "source.pubsub.serviceAccountKey"];

/// The API documents the way of authentication as a part of every change.
const AUTHENTICATION: &[&str] = &["source.pubsub.authentication"];

/// A topic of Google Cloud Pub/Sub. In limited preview: the organization must be let in.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pubsub {
    /// How messages are encoded.
    #[schemars(transform = mark::immutable)]
    pub format: PubsubFormat,
    /// The Google Cloud project that owns the topic.
    #[schemars(transform = mark::immutable)]
    pub project_id: GcpProject,
    /// The topic's bare name, without `projects/…/topics/`.
    #[schemars(transform = mark::immutable)]
    pub topic: BareName,
    /// How the pipe proves who it is.
    #[schemars(transform = mark::travels_with(CONNECTION))]
    pub authentication: PubsubAuthentication,
    /// The key of the service account.
    #[schemars(transform = mark::never_echoed, transform = mark::travels_with(CONNECTION))]
    pub service_account_key: ServiceAccount,
    /// Where reading starts.
    #[schemars(transform = mark::immutable)]
    pub seek_type: SeekType,
    /// The time to start from with `seekType: timestamp`, such as `2026-01-31T08:00:00Z`.
    #[schemars(transform = mark::immutable)]
    pub seek_timestamp: Option<Timestamp>,
    /// Reads only the messages whose attributes match, an expression of Pub/Sub's filter language.
    #[schemars(transform = mark::immutable, length(min = 1, max = 256))]
    pub filter: Option<String>,
    /// Reads messages in the order of their ordering keys.
    #[schemars(transform = mark::immutable)]
    pub enable_ordering: Option<bool>,
    /// How long a message may stay unacknowledged before it is delivered again, in seconds.
    #[schemars(range(min = 10, max = 600), transform = mark::travels_with(AUTHENTICATION))]
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
    at: &["spec.source.pubsub"],
    rules: &[Rule::needed_iff(
        "pubsub-seek-timestamp",
        &["seekTimestamp"],
        is("seekType", &["timestamp"]),
    )],
};

/// What replacing a Pub/Sub pipe does to the data.
pub(crate) fn restart(it: &Restart<'_>) -> Vec<String> {
    match (it.text("seekType"), it.text("seekTimestamp")) {
        (Some("latest"), _) => it.missed("the new pipe starts at latest", "messages"),
        (Some("timestamp"), Some(time)) => {
            it.again(&format!("the new pipe starts at {time}"), "rows from then on that are")
        }
        _ => it.again("the new pipe starts at earliest", "rows"),
    }
}
