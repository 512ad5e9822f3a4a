//! Kinesis and Pub/Sub.

use super::SourceCheck;
use crate::api_rule::ApiRule;
use crate::json_body::text_field;

pub(crate) fn validate_kinesis(check: &mut SourceCheck<'_>) {
    let at_timestamp = text_field(check.fields, "iteratorType") == Some("AT_TIMESTAMP");
    check.require_only_when(ApiRule::KinesisTimestamp, "timestamp", at_timestamp, "AT_TIMESTAMP");
    let user = text_field(check.fields, "authentication") == Some("IAM_USER");
    check.require_only_when(ApiRule::KinesisAuthentication, "accessKey", user, "IAM_USER authentication");
    check.require_only_when(ApiRule::KinesisAuthentication, "iamRole", !user, "IAM_ROLE authentication");
    super::kafka::validate_protobuf_schema(check);
    super::kafka::validate_avro_registry(check, ApiRule::KinesisAvroRegistry);
}

pub(crate) fn validate_pubsub(check: &mut SourceCheck<'_>) {
    let account = text_field(check.fields, "authentication") == Some("SERVICE_ACCOUNT");
    check.require_only_when(ApiRule::PubsubKey, "serviceAccountKey", account, "SERVICE_ACCOUNT authentication");
    let timestamp = text_field(check.fields, "seekType") == Some("timestamp");
    check.require_only_when(ApiRule::PubsubSeek, "seekTimestamp", timestamp, "seekType timestamp");
    if text_field(check.fields, "seekTimestamp").is_some_and(|given| !is_rfc_3339(given)) {
        check.refuse(ApiRule::PubsubSeek, "seekTimestamp", "must be an RFC 3339 timestamp");
    }
    if text_field(check.fields, "projectId").is_some_and(|given| !is_project_id(given)) {
        check.refuse(
            ApiRule::PubsubNames,
            "projectId",
            "must be 6 to 30 lower-case letters, digits or hyphens, a letter first, no hyphen last",
        );
    }
    if text_field(check.fields, "topic").is_some_and(|given| given.contains('/')) {
        check.refuse(ApiRule::PubsubNames, "topic", "must be the bare name of the topic");
    }
}

fn is_project_id(text: &str) -> bool {
    (6..=30).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// `2026-04-10T12:00:00Z`, with an optional offset and fraction. Not exact: only obvious mistakes count.
fn is_rfc_3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| bytes[from..to].iter().all(u8::is_ascii_digit);
    bytes.len() >= 20
        && text.is_ascii()
        && (digits(0, 4) && digits(5, 7) && digits(8, 10))
        && (digits(11, 13) && digits(14, 16) && digits(17, 19))
        && (bytes[4] == b'-' && bytes[7] == b'-' && bytes[13] == b':' && bytes[16] == b':')
        && matches!(bytes[10], b'T' | b't' | b' ')
        && (text.ends_with(['Z', 'z']) || bytes[19..].iter().any(|byte| b"+-".contains(byte)))
}
