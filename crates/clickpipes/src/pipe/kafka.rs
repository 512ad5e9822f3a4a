//! Apache Kafka, and services that speak its protocol.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde_json::Value;

use super::endpoint_reference::{Brokers, EndpointReference, host_text, referenced_endpoint};
use super::settings::SettingGroup;
use super::source::{NO_STREAM_RESYNC, SourceFamily, SourceItems, SourceSpec, text_at};
use crate::exclusive_read::{ExclusiveRead, Sharing, read_named_by};
use crate::network_address::split_port;
use crate::secrets::host::{PassedEndpoint, SecretHost};
use crate::server_names::ServersOfService;
use crate::validate::{
    RuleContext, RuleFinding, RuleSet, allowed_values, custom_rule, fields_only_for, required_fields,
    required_fields_iff, value_is,
};
use model::annotations;
use model::diagnostic::Evidence;
use model::path::FieldPath;
use model::text::{Arn, CommaSeparatedNames, NonEmptyText, PemCertificates, UtcMinute};

pub mod credentials;
pub mod registry;
mod replacement_effects;

/// The connection fields. The API checks the connection with the fields of one request.
const CONNECTION: &[&str] = &["source.kafka.authentication", "source.kafka.iamRole", "source.kafka.credentials"];

/// Topics of Apache Kafka or of a compatible service.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kafka {
    /// The service that runs the brokers. It determines the possible `authentication`.
    #[schemars(transform = annotations::requires_replace)]
    pub r#type: KafkaType,
    /// The encoding of the messages.
    #[schemars(transform = annotations::requires_replace)]
    pub format: KafkaFormat,
    // The PATCH schema lists brokers and topics, and the API does not apply a changed value (schema text of August
    // 2026): it answers 200, and nothing happens. So a change is a replacement.
    /// The bootstrap brokers: `host:port`, separated by commas. `{endpoint: NAME}` stands for the
    /// brokers behind a reverse private endpoint of type `MSK_MULTI_VPC`.
    #[schemars(transform = annotations::requires_replace, transform = annotations::endpoint_brokers)]
    pub brokers: Brokers,
    /// The topics to read, separated by commas.
    #[schemars(transform = annotations::requires_replace)]
    pub topics: CommaSeparatedNames,
    // The name that the API generates contains the id of the pipe. So a replacement does not carry it over.
    /// The consumer group to read with. If it is omitted, the API uses `clickpipes-` and the pipe's
    /// id.
    #[schemars(transform = annotations::requires_replace)]
    pub consumer_group: Option<NonEmptyText>,
    /// The authentication of the pipe. Omit it for brokers that need none.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub authentication: Option<KafkaAuthentication>,
    /// The credentials. `authentication` determines the required fields; `IAM_ROLE` and
    /// `SERVICE_ACCOUNT_WORKLOAD_IDENTITY` need none.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub credentials: Option<credentials::KafkaCredentials>,
    /// The IAM role to assume, with `authentication: IAM_ROLE`.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub iam_role: Option<Arn>,
    /// The CA certificates for the brokers, in PEM format.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub ca_certificate: Option<PemCertificates>,
    // An empty timestamp was refused: a strategy that needs none is sent without one (history of the provider).
    /// The position in a topic where the pipe starts to read. Later, the offsets of the consumer
    /// group apply.
    #[schemars(transform = annotations::requires_replace)]
    pub offset: Option<KafkaOffset>,
    // The API refuses new credentials of a registry by PATCH. An import must not replace a pipe only because its answer
    // has no credentials, so those that git does not declare are not a difference.
    /// The registry with the schemas of the messages.
    #[schemars(transform = annotations::requires_replace)]
    pub schema_registry: Option<registry::SchemaRegistry>,
    // The schema says list, and an unset one is null in responses.
    /// Reverse private endpoints for the connection to the brokers. Each is a UUID, or `{endpoint:
    /// NAME}` of a manifest in the same service.
    #[schemars(transform = annotations::unordered_set, transform = annotations::refers_to_endpoint)]
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub reverse_private_endpoint_ids: Option<Vec<EndpointReference>>,
    /// Inserts each message exactly once, even after restarts and rebalances.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is(false))]
    pub exactly_once: Option<bool>,
    /// The effect of a message without a value. If it is omitted, such messages are skipped.
    #[schemars(transform = annotations::requires_replace)]
    #[schemars(transform = annotations::newer_schema)]
    pub tombstone_mode: Option<TombstoneMode>,
    /// The schema of the messages for `format: Protobuf`, base64-encoded, in place of a registry. A
    /// reference to the plain file needs `encoding: base64`.
    #[schemars(transform = annotations::requires_replace, transform = annotations::write_only)]
    #[schemars(transform = annotations::newer_schema)]
    pub protobuf_schema: Option<registry::ProtobufSchema>,
    /// The SSH tunnel to the brokers, by the id of its key. The API accepts it only at creation.
    #[schemars(transform = annotations::requires_replace, transform = annotations::sometimes_returned)]
    #[schemars(transform = annotations::preview)]
    pub ssh_key_resource_id: Option<NonEmptyText>,
}

/// A service that runs Kafka brokers.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KafkaType {
    /// Apache Kafka.
    Kafka,
    /// Redpanda.
    Redpanda,
    /// Amazon Managed Streaming for Apache Kafka.
    Msk,
    /// Google Cloud Managed Service for Apache Kafka.
    Gcmk,
    /// Confluent Cloud.
    Confluent,
    /// WarpStream.
    Warpstream,
    /// Azure Event Hubs.
    Azureeventhub,
    /// DigitalOcean Managed Kafka.
    Dokafka,
}

/// An encoding of messages.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words say it")]
pub enum KafkaFormat {
    #[serde(rename = "JSONEachRow")]
    JsonEachRow,
    Avro,
    AvroConfluent,
    Protobuf,
}

/// An authentication for the brokers.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KafkaAuthentication {
    /// User and password. Azure Event Hubs needs a connection string instead.
    Plain,
    /// User and password, hashed with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// User and password, hashed with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// An IAM role to assume.
    IamRole,
    /// The access key of an IAM user.
    IamUser,
    /// A client certificate.
    MutualTls,
    /// The identity of the ClickHouse service at Google Cloud. For `type: gcmk`, in private preview.
    ServiceAccountWorkloadIdentity,
}

/// The effect of a message without a value.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TombstoneMode {
    /// Deletes the row of its key. Needs `exactlyOnce: true`.
    Delete,
    /// Marks the row of its key as deleted.
    SoftDelete,
}

/// The first position in a topic.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KafkaOffset {
    /// The first message to read: the oldest, the next, or the first after a time.
    pub strategy: OffsetStrategy,
    /// The time to start from, in UTC, to the minute: `2026-01-31T08:00`.
    pub timestamp: Option<UtcMinute>,
}

/// From where a topic is read.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffsetStrategy {
    /// The oldest message that the brokers still have.
    FromBeginning,
    /// Messages that arrive after the creation of the pipe.
    FromLatest,
    /// The first message at or after `timestamp`.
    FromTimestamp,
}

const ALLOWED: &[(&str, &[&str])] = &[
    ("kafka", &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "MUTUAL_TLS"]),
    ("msk", &["SCRAM-SHA-512", "IAM_ROLE", "IAM_USER", "MUTUAL_TLS"]),
    ("gcmk", &["PLAIN", "MUTUAL_TLS", "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"]),
    ("confluent", &["PLAIN", "MUTUAL_TLS"]),
    ("warpstream", &["PLAIN"]),
    ("azureeventhub", &["PLAIN"]),
    ("redpanda", &["SCRAM-SHA-256", "SCRAM-SHA-512", "MUTUAL_TLS"]),
    ("dokafka", &["SCRAM-SHA-256", "MUTUAL_TLS"]),
];

/// The spec of Kafka.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "kafka",
    title: "Kafka",
    family: SourceFamily::Stream,
    discoverable: true,
    resync_refusal: Some(NO_STREAM_RESYNC),
    settings: Some(&[SettingGroup::Stream, SettingGroup::Kafka]),
    is_finite_load: |_| false,
    describe_start: replacement_effects::describe_start,
    describe_replacement: replacement_effects::describe_replacement,
    location: |source| host_text(source, "brokers"),
    secret_hosts,
    items: SourceItems::CommaList("topics"),
    exclusive_reads: group_reads,
    rules: &[RULES, registry::RULES],
};

/// The registry, or the brokers and the endpoints in front of them, by their ids or names.
fn secret_hosts(source: &Value, field: &str) -> Vec<SecretHost> {
    if field == "schemaRegistry" {
        return SecretHost::from_url(&text_at(source, "schemaRegistry.url"));
    }
    let endpoints = source["reversePrivateEndpointIds"].as_array().into_iter().flatten();
    let endpoints = endpoints.filter_map(|it| {
        let by_id = it.as_str().map(|id| PassedEndpoint::Id(id.to_owned()));
        by_id.or_else(|| Some(PassedEndpoint::Declared(it["endpoint"].as_str()?.to_owned(), None)))
    });
    let mut hosts = match referenced_endpoint(source, "brokers") {
        Some(name) => vec![SecretHost::of_endpoint(name, None)],
        None => SecretHost::from_list(&text_at(source, "brokers")),
    };
    // A registry of AWS Glue is read with the access key of the pipe, unless it has its own role.
    if field == "credentials" {
        hosts.extend(registry::glue_hosts(source));
    }
    hosts.extend(endpoints.map(SecretHost::ThroughEndpoint));
    hosts
}

/// The servers of the brokers.
fn broker_servers(source: &Value, servers: ServersOfService<'_>) -> BTreeSet<String> {
    if let Some(name) = referenced_endpoint(source, "brokers") {
        return BTreeSet::from([servers.endpoint_key(name)]);
    }
    let list = text_at(source, "brokers");
    let brokers = list.split(',').map(str::trim).filter(|broker| !broker.is_empty());
    // The brokers behind an endpoint differ in their ports, which a reference does not name.
    let server = |broker| {
        let (host, port) = split_port(broker);
        servers.endpoint_of_name(host).unwrap_or_else(|| format!("{}:{port}", servers.server_of(host)))
    };
    brokers.map(server).collect()
}

/// Members of a consumer group share the messages of each topic.
//
// Brokers only point to the rest of their cluster, so one common broker means the same cluster.
fn group_reads(source: &Value, servers: ServersOfService<'_>) -> Vec<ExclusiveRead> {
    // Most pipes have their own group.
    if source.get("consumerGroup").is_none() {
        return Vec::new();
    }
    let (brokers, topics) = (broker_servers(source, servers), text_at(source, "topics"));
    let topics = topics.split(',').map(str::trim).filter(|topic| !topic.is_empty());
    let reads = topics.flat_map(|topic| brokers.iter().map(move |broker| format!("{topic} at {broker}")));
    let read = |location| read_named_by(source, "consumer group", "consumerGroup", location, Sharing::SplitsRows);
    reads.filter_map(read).collect()
}

const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.kafka"],
    rules: &[
        allowed_values("kafka-authentication", Evidence::Schema, "authentication", "type", ALLOWED),
        // The official schema lists the pair; the live API refused it.
        custom_rule("kafka-redpanda-mutual-tls", Evidence::Live, &["type", "authentication"], redpanda_mutual_tls),
        required_fields("kafka-iam-role", Evidence::Schema, &["iamRole"], value_is("authentication", &["IAM_ROLE"])),
        fields_only_for("kafka-unused-role", Evidence::Ours, &["iamRole"], value_is("authentication", &["IAM_ROLE"]))
            .with_reason("no role is assumed"),
        required_fields_iff(
            "kafka-no-credentials",
            Evidence::Schema,
            &["credentials"],
            value_is("authentication", &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "IAM_USER", "MUTUAL_TLS"]),
        ),
        custom_rule(
            "kafka-credentials",
            Evidence::Schema,
            &["type", "authentication", "credentials"],
            credentials::mismatched_credentials,
        ),
        custom_rule(
            "kafka-eventhub-credentials",
            Evidence::Ours,
            &["type", "authentication", "credentials"],
            credentials::login_at_event_hubs,
        ),
        custom_rule(
            "kafka-protobuf-encoding",
            Evidence::Ours,
            &["protobufSchema"],
            registry::unencoded_protobuf_schema,
        ),
        required_fields_iff(
            "kafka-offset-timestamp",
            Evidence::Schema,
            &["offset.timestamp"],
            value_is("offset.strategy", &["from_timestamp"]),
        ),
        custom_rule(
            "kafka-tombstones",
            Evidence::Schema,
            &["tombstoneMode", "exactlyOnce"],
            deletes_without_exactly_once,
        ),
        custom_rule(
            "kafka-protobuf-schema",
            Evidence::Schema,
            &["format", "schemaRegistry", "protobufSchema"],
            registry::mismatched_protobuf_schema,
        ),
        custom_rule(
            "kafka-glue-registry",
            Evidence::Provider,
            &["format", "authentication", "schemaRegistry"],
            registry::mismatched_glue_registry,
        ),
        custom_rule(
            "kafka-avro-registry",
            Evidence::Ours,
            &["format", "schemaRegistry"],
            registry::avro_without_registry,
        ),
    ],
};

fn deletes_without_exactly_once(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let is_exact = scope.value_at("exactlyOnce") == Some(&Value::Bool(true));
    if scope.text_at("tombstoneMode") != Some("delete") || is_exact {
        return Vec::new();
    }
    let message = "`tombstoneMode: delete` needs `exactlyOnce: true`";
    let help = "write `exactlyOnce: true`, or `tombstoneMode: soft_delete`";
    vec![RuleFinding::new(FieldPath::parse("tombstoneMode"), message).with_help(help)]
}

fn redpanda_mutual_tls(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let pair = (scope.text_at("type"), scope.text_at("authentication"));
    if pair != (Some("redpanda"), Some("MUTUAL_TLS")) {
        return Vec::new();
    }
    let message = "the API refuses `MUTUAL_TLS` for `type: redpanda`, although its schema lists it";
    let help = "write `type: kafka`, which reaches the same brokers";
    vec![RuleFinding::new(FieldPath::parse("authentication"), message).with_help(help)]
}
