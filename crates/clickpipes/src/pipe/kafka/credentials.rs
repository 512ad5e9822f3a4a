//! The credentials of a Kafka reader.

use schemars::JsonSchema;
use serde_json::Value;

use crate::validate::{RuleContext, RuleFinding};
use model::annotations;
use model::path::FieldPath;
use model::secret::{Secret, TextOrSecret};

/// Credentials. `authentication` decides which fields are required.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KafkaCredentials {
    /// The user, for `PLAIN` and `SCRAM-…`.
    pub username: Option<TextOrSecret>,
    /// The password, for `PLAIN` and `SCRAM-…`.
    pub password: Option<Secret>,
    /// The connection string, for Azure Event Hubs.
    pub connection_string: Option<Secret>,
    /// The id of the access key, for `IAM_USER`.
    pub access_key_id: Option<TextOrSecret>,
    /// The secret half of the access key, for `IAM_USER`.
    pub secret_key: Option<Secret>,
    /// The client certificate in PEM format, for `MUTUAL_TLS`.
    pub certificate: Option<TextOrSecret>,
    /// The private key of the client certificate in PEM format, for `MUTUAL_TLS`.
    pub private_key: Option<Secret>,
    /// Increase it to re-send the credentials after a rotation.
    #[schemars(range(min = 1), transform = annotations::local_only)]
    pub version: Option<i64>,
}

const LOGIN: &[&str] = &["username", "password"];
const CONNECTION_STRING: &[&str] = &["connectionString"];
const ACCESS_KEY: &[&str] = &["accessKeyId", "secretKey"];
const CLIENT_CERTIFICATE: &[&str] = &["certificate", "privateKey"];

fn required_members(authentication: &str, broker: &str) -> Option<&'static [&'static str]> {
    match (authentication, broker) {
        ("PLAIN", "azureeventhub") => Some(CONNECTION_STRING),
        ("PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512", _) => Some(LOGIN),
        ("IAM_USER", _) => Some(ACCESS_KEY),
        ("MUTUAL_TLS", _) => Some(CLIENT_CERTIFICATE),
        _ => None,
    }
}

/// The fields for the authentication must be present, and no others.
pub(super) fn mismatched_credentials(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let (Some(authentication), Some(broker)) = (scope.text_at("authentication"), scope.text_at("type")) else {
        return Vec::new();
    };
    let given = scope.value_at("credentials").and_then(Value::as_object);
    let (Some(members), Some(given)) = (required_members(authentication, broker), given) else {
        return Vec::new();
    };
    if broker == "azureeventhub" && LOGIN.iter().all(|member| given.contains_key(*member)) {
        return Vec::new();
    }
    let at = |member: &str| FieldPath::parse("credentials").child(member);
    let way = format!("`authentication: {authentication}` of `type: {broker}`");
    let missing = members.iter().filter(|member| !given.contains_key(**member)).map(|member| {
        RuleFinding::new(at(member), format!("`{member}` is needed for {way}")).with_help(format!("add `{member}`"))
    });
    let all = [LOGIN, CONNECTION_STRING, ACCESS_KEY, CLIENT_CERTIFICATE].concat();
    let others = all.iter().filter(|member| !members.contains(member));
    let extra = others.filter(|member| given.contains_key(**member)).map(|member| {
        RuleFinding::new(at(member), format!("`{member}` is not for {way}")).with_help(format!("remove `{member}`"))
    });
    missing.chain(extra).collect()
}

/// The schema says "one that the authentication method supports", and the provider sends a user and a password.
pub(super) fn login_at_event_hubs(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let has_login = LOGIN.iter().all(|member| scope.has_field(&format!("credentials.{member}")));
    if scope.text_at("type") != Some("azureeventhub") || !has_login {
        return Vec::new();
    }
    let message = "the documentation of Azure Event Hubs has a connection string, and no user and password";
    vec![
        RuleFinding::new(FieldPath::parse("credentials"), message)
            .with_help("write `connectionString`, if the API refuses it"),
    ]
}
