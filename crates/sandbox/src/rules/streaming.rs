//! Kinesis and Pub/Sub.

use super::Arm;
use crate::body::text;

pub(crate) fn check_kinesis(arm: &mut Arm<'_>) {
    let at_timestamp = text(arm.fields, "iteratorType") == Some("AT_TIMESTAMP");
    arm.exactly_when("timestamp", at_timestamp, "AT_TIMESTAMP");
    let user = text(arm.fields, "authentication") == Some("IAM_USER");
    arm.exactly_when("accessKey", user, "IAM_USER authentication");
    arm.exactly_when("iamRole", !user, "IAM_ROLE authentication");
}

pub(crate) fn check_pubsub(arm: &mut Arm<'_>) {
    let timestamp = text(arm.fields, "seekType") == Some("timestamp");
    arm.exactly_when("seekTimestamp", timestamp, "seekType timestamp");
    if text(arm.fields, "seekTimestamp").is_some_and(|given| !is_rfc_3339(given)) {
        arm.say("seekTimestamp", "must be an RFC 3339 timestamp");
    }
    if text(arm.fields, "projectId").is_some_and(|given| !is_project_id(given)) {
        arm.say(
            "projectId",
            "must be 6 to 30 lower-case letters, digits or hyphens, a letter first, no hyphen last",
        );
    }
    if text(arm.fields, "topic").is_some_and(|given| given.contains('/')) {
        arm.say("topic", "must be the bare name of the topic");
    }
}

fn is_project_id(text: &str) -> bool {
    (6..=30).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Looks like `2026-04-10T12:00:00Z`, with an offset or fraction if need be.
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
