//! Kafka and compatible brokers.

use super::field_spec::{FieldSpec, JsonType, MAYBE_EMPTY, TEXT, UnsetValue, optional, required};
use super::respell::Respelling;

pub(crate) const AUTHENTICATIONS: &[&str] =
    &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "IAM_ROLE", "IAM_USER", "MUTUAL_TLS"];

const LATER_AUTHENTICATIONS: &[&str] = &[
    "PLAIN",
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
    "IAM_ROLE",
    "IAM_USER",
    "MUTUAL_TLS",
    "SERVICE_ACCOUNT_WORKLOAD_IDENTITY",
];

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    required("type", JsonType::OneOf(&[
        "kafka", "redpanda", "msk", "gcmk", "confluent", "warpstream", "azureeventhub", "dokafka",
    ])),
    required("format", JsonType::OneOf(&["JSONEachRow", "Avro", "AvroConfluent", "Protobuf"])),
    required("brokers", TEXT).respelled(Respelling::CommaList),
    required("topics", TEXT).respelled(Respelling::CommaList),
    // Filled in by the API: no difference to a manifest that leaves it out.
    optional("consumerGroup", TEXT).nullable().unset(UnsetValue::ConsumerGroup),
    // The command line of ClickHouse leaves it out for brokers without authentication.
    optional("authentication", JsonType::OneOf(AUTHENTICATIONS)).later_type(JsonType::OneOf(LATER_AUTHENTICATIONS)).nullable().patchable(),
    optional("iamRole", TEXT).nullable().patchable(),
    optional("offset", JsonType::Object(OFFSET)).nullable(),
    optional("schemaRegistry", JsonType::Object(REGISTRY)).nullable(),
    optional("caCertificate", MAYBE_EMPTY).nullable().patchable().respelled(Respelling::Pem),
    // The schema says a list. An unset one came back as null (seen live), and the provider takes [] for another value.
    optional("reversePrivateEndpointIds", JsonType::Uuids).nullable().patchable(),
    optional("exactlyOnce", JsonType::Bool).nullable(),
    optional("tombstoneMode", JsonType::OneOf(&["delete", "soft_delete"])).nullable().newer(),
    optional("protobufSchema", PROTOBUF_SCHEMA).hidden().newer(),
    // Some reads leave it out.
    optional("sshKeyResourceId", TEXT).hidden().preview(),
    optional("credentials", JsonType::Object(CREDENTIALS)).nullable().patchable().secret(),
];

static OFFSET: &[FieldSpec] = &[
    required("strategy", JsonType::OneOf(&["from_beginning", "from_latest", "from_timestamp"])),
    optional("timestamp", TEXT).nullable().respelled(Respelling::Instant),
];

/// Base64, at most a mebibyte. No read returns it.
pub(crate) const PROTOBUF_SCHEMA: JsonType = JsonType::Text { min: 1, max: 1_048_576 };

// The type decides which of them belong together; `rules::kafka` checks it.
static REGISTRY: &[FieldSpec] = &[
    optional("type", JsonType::OneOf(&["confluent", "glue"])).unset(UnsetValue::Text("confluent")).newer(),
    optional("url", TEXT).respelled(Respelling::BaseUrl),
    optional("authentication", JsonType::OneOf(&["PLAIN"])),
    optional("caCertificate", MAYBE_EMPTY).nullable(),
    optional("credentials", JsonType::Object(REGISTRY_CREDENTIALS)).secret(),
    optional("glueRegion", TEXT).newer(),
    optional("glueRegistryName", TEXT).newer(),
    optional("glueRoleArn", TEXT).newer(),
];

static REGISTRY_CREDENTIALS: &[FieldSpec] = &[required("username", TEXT), required("password", TEXT)];

// The authentication decides which of them belong together; `rules::kafka` checks it.
static CREDENTIALS: &[FieldSpec] = &[
    optional("username", TEXT),
    optional("password", TEXT),
    optional("accessKeyId", TEXT),
    optional("secretKey", TEXT),
    optional("connectionString", TEXT),
    optional("certificate", TEXT),
    optional("privateKey", TEXT),
];
