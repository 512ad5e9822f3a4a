//! The registry that holds the schemas of messages.

use schemars::JsonSchema;

use crate::validate::{RuleContext, RuleFinding};
use model::annotations;
use model::path::FieldPath;
use model::secret::{Secret, TextOrSecret};
use model::text::{HttpsUrl, PemCertificates};

/// A registry that holds the schemas of messages.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchemaRegistry {
    /// The registry, or one schema in it.
    pub url: HttpsUrl,
    /// The authentication at the registry.
    pub authentication: RegistryAuthentication,
    /// The user of the registry.
    #[schemars(transform = annotations::write_only)]
    pub credentials: Option<RegistryCredentials>,
    /// The CA certificates for the registry, in PEM format.
    pub ca_certificate: Option<PemCertificates>,
}

/// A way to prove who one is to a schema registry.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegistryAuthentication {
    /// User and password.
    Plain,
}

/// A user of a schema registry. The API cannot change it in place.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistryCredentials {
    /// The user.
    pub username: TextOrSecret,
    /// The user's password.
    pub password: Secret,
    /// Increase it after you rotate the password. The API accepts registry credentials only at
    /// creation, so a new version replaces the pipe.
    #[schemars(range(min = 1), transform = annotations::local_only)]
    pub version: Option<i64>,
}

pub(super) fn protobuf_without_schema(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let schema = scope.has_field("schemaRegistry") || scope.has_field("additional.protobufSchema");
    if scope.text_at("format") != Some("Protobuf") || schema {
        return Vec::new();
    }
    let message = "`format: Protobuf` needs a schema, and none is given";
    vec![RuleFinding::new(FieldPath::parse("format"), message).with_help("add `schemaRegistry`")]
}

pub(super) fn avro_without_registry(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    if scope.text_at("format") != Some("AvroConfluent") || scope.has_field("schemaRegistry") {
        return Vec::new();
    }
    let message = "`format: AvroConfluent` names its schemas by their id in a registry, and none is given";
    vec![RuleFinding::new(FieldPath::parse("format"), message).with_help("add `schemaRegistry`")]
}
