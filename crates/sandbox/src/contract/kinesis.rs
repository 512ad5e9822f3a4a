//! Amazon Kinesis.

use super::field_spec::{FieldSpec, JsonType, TEXT, at_least, optional, required};
use super::kafka::PROTOBUF_SCHEMA;

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    required("format", JsonType::OneOf(&["JSONEachRow", "Avro", "AvroConfluent"]))
        .later_type(JsonType::OneOf(&["JSONEachRow", "Avro", "AvroConfluent", "Protobuf"])),
    required("streamName", TEXT),
    required("region", TEXT),
    optional("useEnhancedFanOut", JsonType::Bool).nullable(),
    required("iteratorType", JsonType::OneOf(&["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])),
    // A number in the official schema. The provider sends a text, which the schema does not allow.
    optional("timestamp", at_least(0)).nullable(),
    required("authentication", JsonType::OneOf(&["IAM_ROLE", "IAM_USER"])).patchable(),
    optional("iamRole", TEXT).nullable().patchable(),
    optional("schemaRegistry", JsonType::Object(REGISTRY)).nullable().newer(),
    optional("protobufSchema", PROTOBUF_SCHEMA).hidden().newer(),
    optional("accessKey", JsonType::Object(ACCESS_KEY)).nullable().patchable().secret(),
];

static REGISTRY: &[FieldSpec] = &[
    required("type", JsonType::OneOf(&["glue"])),
    required("glueRegion", TEXT),
    required("glueRegistryName", TEXT),
    optional("glueRoleArn", TEXT).nullable(),
];

pub(crate) static ACCESS_KEY: &[FieldSpec] = &[required("accessKeyId", TEXT), required("secretKey", TEXT)];
