//! Kafka: the authentications of each broker, and the credentials of each authentication.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::SourceCheck;
use crate::api_rule::ApiRule;
use crate::json_body::{has_value, is_true, object_field, text_field};

/// Some brokers need no authentication.
const NO_AUTHENTICATION: &str = "";

fn supported_authentications(broker: &str) -> &'static [&'static str] {
    match broker {
        "kafka" => &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "MUTUAL_TLS"],
        "msk" => &["SCRAM-SHA-512", "IAM_ROLE", "IAM_USER", "MUTUAL_TLS"],
        "gcmk" => &["PLAIN", "MUTUAL_TLS", "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"],
        "confluent" => &["PLAIN", "MUTUAL_TLS"],
        "warpstream" | "azureeventhub" => &["PLAIN"],
        // The live API refused the last one, so it is a separate rule.
        "redpanda" => &["SCRAM-SHA-256", "SCRAM-SHA-512", "MUTUAL_TLS"],
        "dokafka" => &["SCRAM-SHA-256", "MUTUAL_TLS"],
        _ => &[],
    }
}

fn credential_keys(broker: &str, authentication: &str) -> &'static [&'static str] {
    match (broker, authentication) {
        (_, "IAM_ROLE" | "SERVICE_ACCOUNT_WORKLOAD_IDENTITY" | NO_AUTHENTICATION) => &[],
        (_, "IAM_USER") => &["accessKeyId", "secretKey"],
        (_, "MUTUAL_TLS") => &["certificate", "privateKey"],
        ("azureeventhub", _) => &["connectionString"],
        _ => &["username", "password"],
    }
}

pub(crate) fn validate_kafka(check: &mut SourceCheck<'_>) {
    let broker = text_field(check.fields, "type").unwrap_or_default();
    let authentication = text_field(check.fields, "authentication").unwrap_or(NO_AUTHENTICATION);
    if authentication != NO_AUTHENTICATION && !supported_authentications(broker).contains(&authentication) {
        let text = format!("{broker} does not support {authentication}");
        check.refuse(ApiRule::KafkaAuthentication, "authentication", text);
    }
    if (broker, authentication) == ("redpanda", "MUTUAL_TLS") {
        check.refuse(ApiRule::RedpandaCertificate, "authentication", "redpanda does not support MUTUAL_TLS");
    }
    let is_role = authentication == "IAM_ROLE";
    check.require_when(ApiRule::KafkaRole, "iamRole", is_role, "IAM_ROLE authentication");
    check.refuse_unless(ApiRule::KafkaUnusedRole, "iamRole", is_role, "IAM_ROLE authentication");
    let is_login = object_field(check.fields, "credentials")
        .is_some_and(|given| ["username", "password"].iter().all(|name| given.contains_key(*name)));
    // No schema refuses a user and a password here, so it is a separate rule, which a world can switch off.
    let needed = if broker == "azureeventhub" && is_login {
        check.refuse(ApiRule::EventHubLogin, "credentials.connectionString", "is required with azureeventhub");
        credential_keys("kafka", authentication)
    } else {
        credential_keys(broker, authentication)
    };
    validate_credentials(check, needed, authentication);
    validate_lists(check);
    validate_offset(check);
    validate_registry(check);
    validate_tombstones(check);
}

fn validate_credentials(check: &mut SourceCheck<'_>, needed: &[&str], authentication: &str) {
    let nothing = Map::new();
    let given = object_field(check.fields, "credentials").unwrap_or(&nothing);
    if needed.is_empty() && !given.is_empty() {
        check.refuse(ApiRule::KafkaCredentials, "credentials", format!("must not be given with {authentication}"));
        return;
    }
    for name in needed.iter().filter(|name| !given.contains_key(**name)) {
        let text = format!("'undefined', but {authentication} authentication needs it");
        check.refuse(ApiRule::KafkaCredentials, &format!("credentials.{name}"), text);
    }
    for name in given.keys().filter(|name| !needed.contains(&name.as_str())) {
        let text = format!("does not belong to {authentication} authentication");
        check.refuse(ApiRule::KafkaCredentials, &format!("credentials.{name}"), text);
    }
}

fn validate_lists(check: &mut SourceCheck<'_>) {
    for field in ["brokers", "topics"] {
        let mut entries = text_field(check.fields, field).unwrap_or_default().split(',');
        if entries.any(|entry| entry.trim().is_empty()) {
            check.refuse(ApiRule::KafkaListEntry, field, "has an empty entry between its commas");
        }
    }
}

fn validate_offset(check: &mut SourceCheck<'_>) {
    let Some(offset) = object_field(check.fields, "offset") else { return };
    let timestamp = text_field(offset, "timestamp");
    match (text_field(offset, "strategy") == Some("from_timestamp"), timestamp) {
        (true, None) => check.refuse(ApiRule::KafkaOffset, "offset.timestamp", "is required with from_timestamp"),
        (false, Some(_)) => {
            check.refuse(ApiRule::KafkaOffset, "offset.timestamp", "is only allowed with from_timestamp");
        }
        // The schema has minutes in UTC, without seconds and without a zone.
        (true, Some(timestamp)) if !is_utc_minute(timestamp) => {
            check.refuse(ApiRule::KafkaOffset, "offset.timestamp", "must be a minute in UTC, as 2021-01-01T00:00");
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
    validate_protobuf_schema(check);
    validate_avro_registry(check, ApiRule::KafkaAvroRegistry);
    let Some(registry) = object_field(check.fields, "schemaRegistry") else { return };
    let is_glue = text_field(registry, "type") == Some("glue");
    let (needed, foreign): (&[&str], &[&str]) = if is_glue {
        (&["glueRegion", "glueRegistryName"], &["url", "authentication", "credentials", "caCertificate"])
    } else {
        (&["url", "authentication", "credentials"], &["glueRegion", "glueRegistryName", "glueRoleArn"])
    };
    for name in needed.iter().filter(|name| !has_value(registry, name)) {
        check.refuse(
            ApiRule::RegistryFields,
            &format!("schemaRegistry.{name}"),
            "'undefined' is not accepted, a value is required",
        );
    }
    for name in foreign.iter().filter(|name| has_value(registry, name)) {
        check.refuse(
            ApiRule::RegistryFields,
            &format!("schemaRegistry.{name}"),
            "does not belong to this type of registry",
        );
    }
    if text_field(registry, "url").is_some_and(|url| !url.starts_with("https://")) {
        check.refuse(ApiRule::RegistryFields, "schemaRegistry.url", "must be https");
    }
    if is_glue {
        validate_glue(check, has_value(registry, "glueRoleArn"));
    }
}

fn validate_glue(check: &mut SourceCheck<'_>, has_role: bool) {
    if !matches!(text_field(check.fields, "format"), Some("AvroConfluent" | "Protobuf")) {
        check.refuse(ApiRule::GlueRegistry, "schemaRegistry.type", "glue is only for AvroConfluent and Protobuf");
    }
    let is_iam = matches!(text_field(check.fields, "authentication"), Some("IAM_ROLE" | "IAM_USER"));
    if !has_role && !is_iam {
        check.refuse(ApiRule::GlueRegistry, "schemaRegistry.glueRoleArn", "is required without IAM authentication");
    }
}

/// Also for Kinesis, with a separate rule, because its evidence is better.
pub(crate) fn validate_avro_registry(check: &mut SourceCheck<'_>, rule: ApiRule) {
    let is_avro = text_field(check.fields, "format") == Some("AvroConfluent");
    check.require_when(rule, "schemaRegistry", is_avro, "AvroConfluent");
}

/// Also for Kinesis.
pub(crate) fn validate_protobuf_schema(check: &mut SourceCheck<'_>) {
    let protobuf = text_field(check.fields, "format") == Some("Protobuf");
    match (protobuf, check.has_field("schemaRegistry"), check.has_field("protobufSchema")) {
        (true, false, false) => check.refuse(ApiRule::ProtobufSchema, "schemaRegistry", "is required with Protobuf"),
        (true, true, true) => {
            check.refuse(ApiRule::ProtobufSchema, "protobufSchema", "is not allowed with schemaRegistry");
        }
        (false, _, true) => check.refuse(ApiRule::ProtobufSchema, "protobufSchema", "is only allowed with Protobuf"),
        _ => {}
    }
    if text_field(check.fields, "protobufSchema").is_some_and(|text| STANDARD.decode(text).is_err()) {
        check.refuse(ApiRule::ProtobufEncoding, "protobufSchema", "must be base64");
    }
}

fn validate_tombstones(check: &mut SourceCheck<'_>) {
    if text_field(check.fields, "tombstoneMode") == Some("delete") && !is_true(check.fields, "exactlyOnce") {
        check.refuse(ApiRule::Tombstones, "tombstoneMode", "delete needs exactlyOnce");
    }
}

pub(crate) fn validate_kafka_patch(check: &mut SourceCheck<'_>, patch: &Map<String, Value>) {
    // The rest of a registry is ignored in a PATCH; its credentials are refused (schema text of August 2026).
    let registry = object_field(patch, "schemaRegistry");
    if registry.is_some_and(|registry| registry.contains_key("credentials")) {
        check.refuse(ApiRule::RegistryCredentials, "schemaRegistry.credentials", "cannot be changed");
    }
}
