//! Kafka: which broker takes which authentication, and which credentials belong to it.

use serde_json::{Map, Value};

use super::Arm;
use crate::body::{object, text};

/// What each kind of broker takes. The schema allows `MUTUAL_TLS` for redpanda; the live API
/// refuses it.
fn allowed(broker: &str) -> &'static [&'static str] {
    match broker {
        "kafka" => &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "MUTUAL_TLS"],
        "msk" => &["SCRAM-SHA-512", "IAM_ROLE", "IAM_USER", "MUTUAL_TLS"],
        "gcmk" | "confluent" => &["PLAIN", "MUTUAL_TLS"],
        "warpstream" | "azureeventhub" => &["PLAIN"],
        "redpanda" => &["SCRAM-SHA-256", "SCRAM-SHA-512"],
        "dokafka" => &["SCRAM-SHA-256", "MUTUAL_TLS"],
        _ => &[],
    }
}

/// The keys of the credentials that an authentication takes.
fn credentials(broker: &str, authentication: &str) -> &'static [&'static str] {
    match (broker, authentication) {
        (_, "IAM_ROLE") => &[],
        (_, "IAM_USER") => &["accessKeyId", "secretKey"],
        (_, "MUTUAL_TLS") => &["certificate", "privateKey"],
        ("azureeventhub", _) => &["connectionString"],
        _ => &["username", "password"],
    }
}

pub(crate) fn check(arm: &mut Arm<'_>) {
    let broker = text(arm.fields, "type").unwrap_or_default();
    let authentication = text(arm.fields, "authentication").unwrap_or_default();
    if !allowed(broker).contains(&authentication) {
        let text = format!("{broker} does not support {authentication}");
        arm.say("authentication", text);
    }
    arm.needed_when("iamRole", authentication == "IAM_ROLE", "IAM_ROLE authentication");
    check_credentials(arm, credentials(broker, authentication), authentication);
    check_lists(arm);
    check_offset(arm);
    check_registry(arm);
}

fn check_credentials(arm: &mut Arm<'_>, wanted: &[&str], authentication: &str) {
    let nothing = Map::new();
    let given = object(arm.fields, "credentials").unwrap_or(&nothing);
    if wanted.is_empty() && !given.is_empty() {
        arm.say("credentials", format!("must not be given with {authentication}"));
        return;
    }
    for name in wanted.iter().filter(|name| !given.contains_key(**name)) {
        let text = format!("'undefined', but {authentication} authentication needs it");
        arm.say(&format!("credentials.{name}"), text);
    }
    for name in given.keys().filter(|name| !wanted.contains(&name.as_str())) {
        let text = format!("does not belong to {authentication} authentication");
        arm.say(&format!("credentials.{name}"), text);
    }
}

fn check_lists(arm: &mut Arm<'_>) {
    for field in ["brokers", "topics"] {
        let mut entries = text(arm.fields, field).unwrap_or_default().split(',');
        if entries.any(|entry| entry.trim().is_empty()) {
            arm.say(field, "has an empty entry between its commas");
        }
    }
}

fn check_offset(arm: &mut Arm<'_>) {
    let Some(offset) = object(arm.fields, "offset") else { return };
    let timestamp = text(offset, "timestamp");
    match (text(offset, "strategy") == Some("from_timestamp"), timestamp) {
        (true, None) => arm.say("offset.timestamp", "is required with from_timestamp"),
        (false, Some(_)) => arm.say("offset.timestamp", "is only allowed with from_timestamp"),
        (true, Some(timestamp)) if !is_minute(timestamp) => {
            arm.say("offset.timestamp", "must be a minute in UTC, as 2021-01-01T00:00");
        }
        _ => {}
    }
}

/// `YYYY-MM-DDTHH:MM`.
fn is_minute(text: &str) -> bool {
    text.len() == 16
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
}

fn check_registry(arm: &mut Arm<'_>) {
    let registry = object(arm.fields, "schemaRegistry");
    let url = registry.and_then(|registry| text(registry, "url"));
    if url.is_some_and(|url| !url.starts_with("https://")) {
        arm.say("schemaRegistry.url", "must be https");
    }
    let protobuf = text(arm.fields, "format") == Some("Protobuf");
    if protobuf && registry.is_none() && !arm.given("protobufSchema") {
        arm.say("schemaRegistry", "is required with Protobuf");
    }
}

/// What a PATCH may not even mention, although the rest of the registry is passed over.
pub(crate) fn check_patch(arm: &mut Arm<'_>, patch: &Map<String, Value>) {
    let registry = object(patch, "schemaRegistry");
    if registry.is_some_and(|registry| registry.contains_key("credentials")) {
        arm.say("schemaRegistry.credentials", "cannot be changed");
    }
}
