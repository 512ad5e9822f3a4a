//! Google Pub/Sub.

use super::field_spec::{FieldSpec, JsonType, TEXT, between, optional, required};
use super::respell::Respelling;

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    required("format", JsonType::OneOf(&["JSONEachRow", "Avro", "Protobuf"])),
    required("projectId", TEXT),
    required("topic", TEXT),
    required("authentication", JsonType::OneOf(&["SERVICE_ACCOUNT"])).later_type(GOOGLE_AUTHENTICATION).patchable(),
    required("seekType", JsonType::OneOf(&["latest", "earliest", "timestamp"])),
    optional("seekTimestamp", TEXT).nullable().respelled(Respelling::Instant),
    optional("filter", JsonType::Text { min: 0, max: 256 }).nullable(),
    optional("enableOrdering", JsonType::Bool).nullable(),
    optional("ackDeadline", between(10, 600)).nullable().patchable(),
    optional("serviceAccountKey", JsonType::Object(SERVICE_ACCOUNT)).nullable().patchable().secret(),
];

pub(crate) const GOOGLE_AUTHENTICATION: JsonType =
    JsonType::OneOf(&["SERVICE_ACCOUNT", "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"]);

pub(crate) static SERVICE_ACCOUNT: &[FieldSpec] = &[required("serviceAccountFile", TEXT)];
