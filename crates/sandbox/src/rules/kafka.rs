//! Kafka: the authentications of each broker, and the credentials of each authentication.

use serde_json::{Map, Value};

use super::SourceCheck;
use crate::json_body::{object_field, text_field};

fn supported_authentications(broker: &str) -> &'static [&'static str] {
    match broker {
        "kafka" => &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "MUTUAL_TLS"],
        "msk" => &["SCRAM-SHA-512", "IAM_ROLE", "IAM_USER", "MUTUAL_TLS"],
        "gcmk" | "confluent" => &["PLAIN", "MUTUAL_TLS"],
        "warpstream" | "azureeventhub" => &["PLAIN"],
        // The schema allows `MUTUAL_TLS` here. The API refused it (seen live).
        "redpanda" => &["SCRAM-SHA-256", "SCRAM-SHA-512"],
        "dokafka" => &["SCRAM-SHA-256", "MUTUAL_TLS"],
        _ => &[],
    }
}

fn credential_keys(broker: &str, authentication: &str) -> &'static [&'static str] {
    match (broker, authentication) {
        (_, "IAM_ROLE") => &[],
        (_, "IAM_USER") => &["accessKeyId", "secretKey"],
        (_, "MUTUAL_TLS") => &["certificate", "privateKey"],
        ("azureeventhub", _) => &["connectionString"],
        _ => &["username", "password"],
    }
}

pub(crate) fn validate_kafka(check: &mut SourceCheck<'_>) {
    let broker = text_field(check.fields, "type").unwrap_or_default();
    let authentication = text_field(check.fields, "authentication").unwrap_or_default();
    if !supported_authentications(broker).contains(&authentication) {
        let text = format!("{broker} does not support {authentication}");
        check.add_complaint("authentication", text);
    }
    check.require_when("iamRole", authentication == "IAM_ROLE", "IAM_ROLE authentication");
    validate_credentials(check, credential_keys(broker, authentication), authentication);
    validate_lists(check);
    validate_offset(check);
    validate_registry(check);
}

fn validate_credentials(check: &mut SourceCheck<'_>, needed: &[&str], authentication: &str) {
    let nothing = Map::new();
    let given = object_field(check.fields, "credentials").unwrap_or(&nothing);
    if needed.is_empty() && !given.is_empty() {
        check.add_complaint("credentials", format!("must not be given with {authentication}"));
        return;
    }
    for name in needed.iter().filter(|name| !given.contains_key(**name)) {
        let text = format!("'undefined', but {authentication} authentication needs it");
        check.add_complaint(&format!("credentials.{name}"), text);
    }
    for name in given.keys().filter(|name| !needed.contains(&name.as_str())) {
        let text = format!("does not belong to {authentication} authentication");
        check.add_complaint(&format!("credentials.{name}"), text);
    }
}

fn validate_lists(check: &mut SourceCheck<'_>) {
    for field in ["brokers", "topics"] {
        let mut entries = text_field(check.fields, field).unwrap_or_default().split(',');
        if entries.any(|entry| entry.trim().is_empty()) {
            check.add_complaint(field, "has an empty entry between its commas");
        }
    }
}

fn validate_offset(check: &mut SourceCheck<'_>) {
    let Some(offset) = object_field(check.fields, "offset") else { return };
    let timestamp = text_field(offset, "timestamp");
    match (text_field(offset, "strategy") == Some("from_timestamp"), timestamp) {
        (true, None) => check.add_complaint("offset.timestamp", "is required with from_timestamp"),
        (false, Some(_)) => check.add_complaint("offset.timestamp", "is only allowed with from_timestamp"),
        (true, Some(timestamp)) if !is_utc_minute(timestamp) => {
            check.add_complaint("offset.timestamp", "must be a minute in UTC, as 2021-01-01T00:00");
        }
        _ => {}
    }
}

/// `YYYY-MM-DDTHH:MM`.
fn is_utc_minute(text: &str) -> bool {
    text.len() == 16
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
}

fn validate_registry(check: &mut SourceCheck<'_>) {
    let registry = object_field(check.fields, "schemaRegistry");
    let url = registry.and_then(|registry| text_field(registry, "url"));
    if url.is_some_and(|url| !url.starts_with("https://")) {
        check.add_complaint("schemaRegistry.url", "must be https");
    }
    let protobuf = text_field(check.fields, "format") == Some("Protobuf");
    if protobuf && registry.is_none() && !check.has_field("protobufSchema") {
        check.add_complaint("schemaRegistry", "is required with Protobuf");
    }
}

pub(crate) fn validate_kafka_patch(check: &mut SourceCheck<'_>, patch: &Map<String, Value>) {
    // The rest of a registry is ignored in a PATCH; its credentials are refused (schema text of August 2026).
    let registry = object_field(patch, "schemaRegistry");
    if registry.is_some_and(|registry| registry.contains_key("credentials")) {
        check.add_complaint("schemaRegistry.credentials", "cannot be changed");
    }
}
