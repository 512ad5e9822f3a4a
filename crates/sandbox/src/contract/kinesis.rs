//! Amazon Kinesis.

use super::row::{Field, Shape, TEXT, at_least, may, need};

#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    need("format", Shape::OneOf(&["JSONEachRow", "Avro", "AvroConfluent"])),
    need("streamName", TEXT),
    need("region", TEXT),
    may("useEnhancedFanOut", Shape::Bool).nullable(),
    need("iteratorType", Shape::OneOf(&["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])),
    may("timestamp", at_least(0)).nullable(),
    need("authentication", Shape::OneOf(&["IAM_ROLE", "IAM_USER"])).patchable(),
    may("iamRole", TEXT).nullable().patchable(),
    may("accessKey", Shape::Object(ACCESS_KEY)).nullable().patchable().secret(),
];

pub(crate) static ACCESS_KEY: &[Field] = &[need("accessKeyId", TEXT), need("secretKey", TEXT)];
