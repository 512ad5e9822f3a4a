//! Amazon Kinesis.

use schemars::JsonSchema;
use serde_json::Value;

use super::credentials::AccessKey;
use super::kafka::registry::{self, GlueRegistry};
use super::replacement_effects::Replacement;
use super::settings::SettingGroup;
use super::source::{NO_STREAM_RESYNC, SourceFamily, SourceItems, SourceSpec, text_at};
use crate::secrets::host::SecretHost;
use crate::validate::{RuleSet, custom_rule, required_fields_iff, value_is};
use model::annotations;
use model::diagnostic::Evidence;
use model::text::{Arn, NonEmptyText};

/// The connection fields. The API checks the connection with the fields of one request.
const CONNECTION: &[&str] = &["source.kinesis.authentication", "source.kinesis.iamRole", "source.kinesis.accessKey"];

/// An Amazon Kinesis stream.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kinesis {
    /// The encoding of the records.
    #[schemars(transform = annotations::requires_replace)]
    pub format: KinesisFormat,
    /// The stream to read.
    #[schemars(transform = annotations::requires_replace)]
    pub stream_name: NonEmptyText,
    /// The AWS region of the stream, such as `us-east-1`.
    #[schemars(transform = annotations::requires_replace)]
    pub region: NonEmptyText,
    /// The position in a shard where the pipe starts to read.
    #[schemars(transform = annotations::requires_replace)]
    pub iterator_type: IteratorType,
    // Whole seconds in the schema. The provider models it as text, and so cannot send it.
    /// The time to start from with `iteratorType: AT_TIMESTAMP`, in seconds since 1970 (UTC).
    #[schemars(transform = annotations::requires_replace, transform = annotations::instant)]
    pub timestamp: Option<i64>,
    /// Reads with dedicated throughput (enhanced fan-out). AWS charges for it.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is(false))]
    pub use_enhanced_fan_out: Option<bool>,
    // A switch between role and user is an update: the PATCH schema has both.
    /// The authentication of the pipe.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub authentication: KinesisAuthentication,
    /// The IAM role to assume, with `authentication: IAM_ROLE`.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub iam_role: Option<Arn>,
    /// The key of the IAM user, with `authentication: IAM_USER`.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub access_key: Option<AccessKey>,
    /// The registry with the schemas of the records.
    #[schemars(transform = annotations::requires_replace)]
    #[schemars(transform = annotations::newer_schema)]
    pub schema_registry: Option<GlueRegistry>,
    /// The schema of the records for `format: Protobuf`, base64-encoded, in place of a registry. A
    /// reference to the plain file needs `encoding: base64`.
    #[schemars(transform = annotations::requires_replace, transform = annotations::write_only)]
    #[schemars(transform = annotations::newer_schema)]
    pub protobuf_schema: Option<registry::ProtobufSchema>,
}

/// An encoding of records.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words say it")]
pub enum KinesisFormat {
    #[serde(rename = "JSONEachRow")]
    JsonEachRow,
    Avro,
    AvroConfluent,
    Protobuf,
}

/// The position in a shard where the pipe starts to read.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IteratorType {
    /// The oldest record that the stream still has.
    TrimHorizon,
    /// Records that arrive after the creation of the pipe.
    Latest,
    /// The first record at or after `timestamp`.
    AtTimestamp,
}

/// An authentication for AWS.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KinesisAuthentication {
    /// An IAM role to assume.
    IamRole,
    /// The access key of an IAM user.
    IamUser,
}

/// The spec of Kinesis.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "kinesis",
    title: "Kinesis",
    family: SourceFamily::Stream,
    discoverable: true,
    resync_refusal: Some(NO_STREAM_RESYNC),
    settings: Some(&[SettingGroup::Stream]),
    is_finite_load: |_| false,
    describe_start,
    describe_replacement,
    location: |source| text_at(source, "region"),
    secret_hosts: |source, _| {
        let stream = SecretHost::from_list(&format!("kinesis.{}.amazonaws.com", text_at(source, "region")));
        [stream, registry::glue_hosts(source)].concat()
    },
    items: SourceItems::Single(|source| text_at(source, "streamName")),
    exclusive_reads: |_, _| Vec::new(),
    rules: &[RULES],
};

const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.kinesis"],
    rules: &[
        required_fields_iff(
            "kinesis-timestamp",
            Evidence::Schema,
            &["timestamp"],
            value_is("iteratorType", &["AT_TIMESTAMP"]),
        ),
        required_fields_iff(
            "kinesis-iam-role",
            Evidence::Schema,
            &["iamRole"],
            value_is("authentication", &["IAM_ROLE"]),
        ),
        required_fields_iff(
            "kinesis-access-key",
            Evidence::Schema,
            &["accessKey"],
            value_is("authentication", &["IAM_USER"]),
        ),
        custom_rule(
            "kinesis-protobuf-schema",
            Evidence::Schema,
            &["format", "schemaRegistry", "protobufSchema"],
            registry::mismatched_protobuf_schema,
        ),
        custom_rule(
            "kinesis-protobuf-encoding",
            Evidence::Ours,
            &["protobufSchema"],
            registry::unencoded_protobuf_schema,
        ),
        // The newer schema, the provider and the README of the command line say so.
        custom_rule(
            "kinesis-avro-registry",
            Evidence::Schema,
            &["format", "schemaRegistry"],
            registry::avro_without_registry,
        ),
    ],
};

/// The first records that a new Kinesis pipe reads.
fn describe_start(source: &Value) -> String {
    match source["iteratorType"].as_str() {
        Some("LATEST") => "reads records from now on (`LATEST`): earlier ones are not loaded".to_owned(),
        Some("AT_TIMESTAMP") => "reads records from the declared `timestamp` on".to_owned(),
        _ => "reads every record that the stream still holds (`TRIM_HORIZON`)".to_owned(),
    }
}

/// The effects of replacing a Kinesis pipe on the data.
fn describe_replacement(it: &Replacement<'_>) -> Vec<String> {
    match it.text_at("iteratorType") {
        Some("LATEST") => it.describe_missed_rows("the new pipe starts at LATEST", "records"),
        Some("AT_TIMESTAMP") => {
            it.describe_repeated_rows("the new pipe starts at the declared timestamp", "rows from then on that are")
        }
        _ => it.describe_repeated_rows("the new pipe starts at TRIM_HORIZON", "rows"),
    }
}
