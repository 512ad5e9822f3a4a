//! Kafka and what speaks its protocol.

use super::row::{Field, MAYBE_EMPTY, Shape, TEXT, Unset, may, need};
use crate::options::Quirk;

pub(crate) const AUTHENTICATIONS: &[&str] =
    &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "IAM_ROLE", "IAM_USER", "MUTUAL_TLS"];

#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    need("type", Shape::OneOf(&[
        "kafka", "redpanda", "msk", "gcmk", "confluent", "warpstream", "azureeventhub", "dokafka",
    ])),
    need("format", Shape::OneOf(&["JSONEachRow", "Avro", "AvroConfluent", "Protobuf"])),
    need("brokers", TEXT),
    need("topics", TEXT),
    may("consumerGroup", TEXT).nullable().unset(Unset::ConsumerGroup),
    need("authentication", Shape::OneOf(AUTHENTICATIONS)).patchable(),
    may("iamRole", TEXT).nullable().patchable(),
    may("offset", Shape::Object(OFFSET)).nullable(),
    may("schemaRegistry", Shape::Object(REGISTRY)).nullable(),
    may("caCertificate", MAYBE_EMPTY).nullable().patchable(),
    may("reversePrivateEndpointIds", Shape::Uuids).nullable().patchable().quirk(Quirk::NullLists),
    may("exactlyOnce", Shape::Bool).nullable(),
    may("credentials", Shape::Object(CREDENTIALS)).nullable().patchable().secret(),
];

static OFFSET: &[Field] = &[
    need("strategy", Shape::OneOf(&["from_beginning", "from_latest", "from_timestamp"])),
    may("timestamp", TEXT).nullable(),
];

static REGISTRY: &[Field] = &[
    need("url", TEXT),
    need("authentication", Shape::OneOf(&["PLAIN"])),
    may("caCertificate", MAYBE_EMPTY).nullable(),
    may("credentials", Shape::Object(REGISTRY_CREDENTIALS)).secret(),
];

static REGISTRY_CREDENTIALS: &[Field] = &[need("username", TEXT), need("password", TEXT)];

/// Which of them belong together depends on the authentication: see the rules.
static CREDENTIALS: &[Field] = &[
    may("username", TEXT),
    may("password", TEXT),
    may("accessKeyId", TEXT),
    may("secretKey", TEXT),
    may("connectionString", TEXT),
    may("certificate", TEXT),
    may("privateKey", TEXT),
];
