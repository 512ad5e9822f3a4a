//! Google Cloud Pub/Sub.

use schemars::JsonSchema;
use serde_json::Value;

use super::credentials::ServiceAccount;
use super::replacement_effects::Replacement;
use super::settings::SettingGroup;
use super::source::{NO_STREAM_RESYNC, SourceFamily, SourceItems, SourceSpec, text_at};
use crate::secrets::host::SecretHost;
use crate::validate::{RuleSet, required_fields_iff, value_is};
use model::annotations;
use model::diagnostic::Evidence;
use model::text::{GcpProjectId, NameWithoutSlash, Rfc3339Timestamp};

/// The connection fields. The API checks the connection with the fields of one request.
const CONNECTION: &[&str] = &["source.pubsub.authentication", "source.pubsub.serviceAccountKey"];

/// The API documents the authentication as a part of every change.
const AUTHENTICATION: &[&str] = &["source.pubsub.authentication"];

/// A Google Cloud Pub/Sub topic. This source is in limited preview: ClickHouse must enable it for
/// the organization.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pubsub {
    /// The encoding of the messages.
    #[schemars(transform = annotations::requires_replace)]
    pub format: PubsubFormat,
    /// The Google Cloud project that owns the topic.
    #[schemars(transform = annotations::requires_replace)]
    pub project_id: GcpProjectId,
    // The provider refuses a slash, and the console shows the name alone.
    /// The topic's bare name, without `projects/…/topics/`.
    #[schemars(transform = annotations::requires_replace)]
    pub topic: NameWithoutSlash,
    // The PATCH schema marks this and the key as required. The provider omits the key in an edit that does not change
    // it, and the live API accepts that.
    /// The authentication of the pipe.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub authentication: PubsubAuthentication,
    /// The key of the service account, with `authentication: SERVICE_ACCOUNT`.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub service_account_key: Option<ServiceAccount>,
    // It matters only at the first read. Another one needs another subscription, and so another pipe.
    /// The position where the pipe starts to read.
    #[schemars(transform = annotations::requires_replace)]
    pub seek_type: SeekType,
    /// The time to start from with `seekType: timestamp`, such as `2026-01-31T08:00:00Z`.
    #[schemars(transform = annotations::requires_replace)]
    pub seek_timestamp: Option<Rfc3339Timestamp>,
    /// A filter expression of Pub/Sub: only messages with matching attributes are read.
    #[schemars(transform = annotations::requires_replace, length(min = 1, max = 256))]
    pub filter: Option<String>,
    /// Reads messages in the order of their ordering keys.
    #[schemars(transform = annotations::requires_replace)]
    pub enable_ordering: Option<bool>,
    /// The seconds after which an unacknowledged message is delivered again.
    #[schemars(range(min = 10, max = 600), transform = annotations::sent_with(AUTHENTICATION))]
    pub ack_deadline: Option<i64>,
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

/// An authentication for Google Cloud.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PubsubAuthentication {
    /// The key of a service account.
    ServiceAccount,
    /// The identity of the ClickHouse service at Google Cloud. In private preview.
    ServiceAccountWorkloadIdentity,
}

/// The position where the pipe starts to read.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SeekType {
    /// Messages that arrive after the creation of the pipe.
    Latest,
    /// The oldest message that the topic still has.
    Earliest,
    /// The first message at or after `seekTimestamp`.
    Timestamp,
}

/// The spec of Pub/Sub.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "pubsub",
    title: "Pub/Sub",
    family: SourceFamily::Stream,
    discoverable: true,
    resync_refusal: Some(NO_STREAM_RESYNC),
    settings: Some(&[SettingGroup::Stream]),
    is_finite_load: |_| false,
    describe_start,
    describe_replacement,
    location: |source| text_at(source, "projectId"),
    secret_hosts: |_, _| SecretHost::from_list("pubsub.googleapis.com"),
    items: SourceItems::Single(|source| text_at(source, "topic")),
    exclusive_reads: |_, _| Vec::new(),
    rules: &[RULES],
};

const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.pubsub"],
    rules: &[
        required_fields_iff(
            "pubsub-seek-timestamp",
            Evidence::Schema,
            &["seekTimestamp"],
            value_is("seekType", &["timestamp"]),
        ),
        required_fields_iff(
            "pubsub-service-account",
            Evidence::Schema,
            &["serviceAccountKey"],
            value_is("authentication", &["SERVICE_ACCOUNT"]),
        ),
    ],
};

/// The first messages that a new Pub/Sub pipe reads.
fn describe_start(source: &Value) -> String {
    match (source["seekType"].as_str(), source["seekTimestamp"].as_str()) {
        (Some("latest"), _) => "reads messages from now on (`latest`): earlier ones are not loaded".to_owned(),
        (Some("timestamp"), Some(time)) => format!("reads messages from {time} on"),
        _ => "reads every message that the topic still holds (`earliest`)".to_owned(),
    }
}

/// The effects of replacing a Pub/Sub pipe on the data.
fn describe_replacement(it: &Replacement<'_>) -> Vec<String> {
    match (it.text_at("seekType"), it.text_at("seekTimestamp")) {
        (Some("latest"), _) => it.describe_missed_rows("the new pipe starts at latest", "messages"),
        (Some("timestamp"), Some(time)) => {
            it.describe_repeated_rows(&format!("the new pipe starts at {time}"), "rows from then on that are")
        }
        _ => it.describe_repeated_rows("the new pipe starts at earliest", "rows"),
    }
}
