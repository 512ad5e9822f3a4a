//! Google Pub/Sub.

use super::row::{Field, Shape, TEXT, between, may, need};

#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    need("format", Shape::OneOf(&["JSONEachRow", "Avro", "Protobuf"])),
    need("projectId", TEXT),
    need("topic", TEXT),
    need("authentication", Shape::OneOf(&["SERVICE_ACCOUNT"])).patchable(),
    need("seekType", Shape::OneOf(&["latest", "earliest", "timestamp"])),
    may("seekTimestamp", TEXT).nullable(),
    may("filter", Shape::Text { min: 0, max: 256 }).nullable(),
    may("enableOrdering", Shape::Bool).nullable(),
    may("ackDeadline", between(10, 600)).nullable().patchable(),
    need("serviceAccountKey", Shape::Object(SERVICE_ACCOUNT)).patchable().secret(),
];

pub(crate) static SERVICE_ACCOUNT: &[Field] = &[need("serviceAccountFile", TEXT)];
