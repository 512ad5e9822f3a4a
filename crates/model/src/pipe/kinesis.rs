//! Amazon Kinesis.

use schemars::JsonSchema;

use super::additional::Additional;
use super::credentials::AccessKey;
use super::restart::Restart;
use crate::check::{Rule, RuleSet, is};
use crate::mark;
use crate::text::{Arn, Text};

/// How the API connects to the stream. It checks the connection with what one request says.
const CONNECTION: &[&str] =
    &["source.kinesis.authentication", "source.kinesis.iamRole", "source.kinesis.accessKey"];

/// A stream of Amazon Kinesis.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kinesis {
    /// How records are encoded.
    #[schemars(transform = mark::immutable)]
    pub format: KinesisFormat,
    /// The stream to read.
    #[schemars(transform = mark::immutable)]
    pub stream_name: Text,
    /// The AWS region of the stream, such as `us-east-1`.
    #[schemars(transform = mark::immutable)]
    pub region: Text,
    /// Where reading starts in a shard for the first time.
    #[schemars(transform = mark::immutable)]
    pub iterator_type: IteratorType,
    /// The time to start from with `iteratorType: AT_TIMESTAMP`, in seconds since 1970 (UTC).
    #[schemars(transform = mark::immutable)]
    pub timestamp: Option<i64>,
    /// Reads with a throughput of the pipe's own (enhanced fan-out), which AWS charges for.
    #[schemars(transform = mark::immutable, transform = mark::default_is(false))]
    pub use_enhanced_fan_out: Option<bool>,
    /// How the pipe proves who it is.
    #[schemars(transform = mark::travels_with(CONNECTION))]
    pub authentication: KinesisAuthentication,
    /// The IAM role to take on, with `authentication: IAM_ROLE`.
    #[schemars(transform = mark::travels_with(CONNECTION))]
    pub iam_role: Option<Arn>,
    /// The key of the IAM user, with `authentication: IAM_USER`.
    #[schemars(transform = mark::never_echoed, transform = mark::travels_with(CONNECTION))]
    pub access_key: Option<AccessKey>,
    /// Fields that are newer than this program: sent and compared as they stand, and not checked.
    pub additional: Option<Additional>,
}

/// An encoding of records.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words say it")]
pub enum KinesisFormat {
    #[serde(rename = "JSONEachRow")]
    JsonEachRow,
    Avro,
    AvroConfluent,
}

/// Where reading starts in a shard for the first time.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IteratorType {
    /// The oldest record that the stream still has.
    TrimHorizon,
    /// Records that arrive after the pipe was made.
    Latest,
    /// The first record at or after `timestamp`.
    AtTimestamp,
}

/// A way to prove who one is to AWS.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KinesisAuthentication {
    /// An IAM role that is taken on.
    IamRole,
    /// The access key of an IAM user.
    IamUser,
}

pub(crate) const RULES: RuleSet = RuleSet {
    at: &["spec.source.kinesis"],
    rules: &[
        Rule::needed_iff(
            "kinesis-timestamp",
            &["timestamp"],
            is("iteratorType", &["AT_TIMESTAMP"]),
        ),
        Rule::needed_iff("kinesis-iam-role", &["iamRole"], is("authentication", &["IAM_ROLE"])),
        Rule::needed_iff("kinesis-access-key", &["accessKey"], is("authentication", &["IAM_USER"])),
    ],
};

/// What replacing a Kinesis pipe does to the data.
pub(crate) fn restart(it: &Restart<'_>) -> Vec<String> {
    match it.text("iteratorType") {
        Some("LATEST") => it.missed("the new pipe starts at LATEST", "records"),
        Some("AT_TIMESTAMP") => {
            it.again("the new pipe starts at the declared timestamp", "rows from then on that are")
        }
        _ => it.again("the new pipe starts at TRIM_HORIZON", "rows"),
    }
}
