//! The registry for the schemas of messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde_json::Value;

use crate::secrets::host::SecretHost;
use crate::validate::{RuleContext, RuleFinding, RuleSet, forbidden_fields, required_fields_iff, value_is};
use model::annotations;
use model::diagnostic::Evidence;
use model::path::FieldPath;
use model::schema::OneOfTwo;
use model::secret::{Secret, SecretReference, TextOrSecret};
use model::text::{Arn, EncodedSchema, HttpsUrl, NonEmptyText, PemCertificates};

/// A registry for the schemas of messages.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchemaRegistry {
    /// The type of the registry. It determines the required fields.
    #[schemars(transform = annotations::default_is("confluent"))]
    #[schemars(transform = annotations::sometimes_returned_if(CONFLUENT))]
    #[schemars(transform = annotations::newer_schema)]
    pub r#type: Option<RegistryType>,
    /// The registry, or one schema in it. For `type: confluent`.
    #[schemars(transform = annotations::connects_to_url)]
    pub url: Option<HttpsUrl>,
    /// The authentication at the registry. For `type: confluent`.
    pub authentication: Option<RegistryAuthentication>,
    /// The user of the registry. For `type: confluent`.
    #[schemars(transform = annotations::write_only)]
    pub credentials: Option<RegistryCredentials>,
    /// The CA certificates for the registry, in PEM format.
    pub ca_certificate: Option<PemCertificates>,
    /// The AWS region of the registry, for `type: glue`.
    #[schemars(transform = annotations::newer_schema)]
    pub glue_region: Option<NonEmptyText>,
    /// The name of the registry, for `type: glue`.
    #[schemars(transform = annotations::newer_schema)]
    pub glue_registry_name: Option<NonEmptyText>,
    /// The IAM role to assume for the registry, for `type: glue`. Required unless the pipe itself
    /// authenticates with IAM.
    #[schemars(transform = annotations::newer_schema)]
    pub glue_role_arn: Option<Arn>,
}

/// An API that does not know the field yet supports only this type.
const CONFLUENT: &[&str] = &["confluent"];

/// The host of a Glue registry that is read with the credentials of its pipe.
pub(crate) fn glue_hosts(source: &Value) -> Vec<SecretHost> {
    let registry = &source["schemaRegistry"];
    let has_own_role = registry.get("glueRoleArn").is_some_and(|role| !role.is_null());
    match registry["glueRegion"].as_str() {
        Some(region) if !has_own_role => SecretHost::from_list(&format!("glue.{region}.amazonaws.com")),
        _ => Vec::new(),
    }
}

/// The type of a schema registry.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RegistryType {
    /// Confluent Schema Registry, or a compatible one.
    Confluent,
    /// AWS Glue. ClickHouse must enable it for the organization.
    Glue,
}

/// A registry of AWS Glue.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GlueRegistry {
    /// The only value.
    pub r#type: GlueRegistryType,
    /// The AWS region of the registry.
    pub glue_region: NonEmptyText,
    /// The name of the registry.
    pub glue_registry_name: NonEmptyText,
    /// The IAM role to assume for the registry.
    pub glue_role_arn: Option<Arn>,
}

/// The registry type of a source that supports only one.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GlueRegistryType {
    /// AWS Glue. ClickHouse must enable it for the organization.
    Glue,
}

/// An authentication for a schema registry.
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

pub(super) const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.kafka.schemaRegistry"],
    rules: &[
        required_fields_iff(
            "registry-confluent",
            Evidence::Schema,
            &["url", "authentication", "credentials"],
            value_is("type", CONFLUENT),
        )
        .required_by_word("authentication", &["credentials"]),
        forbidden_fields("registry-confluent", Evidence::Schema, &["caCertificate"], value_is("type", &["glue"])),
        required_fields_iff(
            "registry-glue",
            Evidence::Schema,
            &["glueRegion", "glueRegistryName"],
            value_is("type", &["glue"]),
        ),
        forbidden_fields("registry-glue", Evidence::Schema, &["glueRoleArn"], value_is("type", CONFLUENT)),
    ],
};

/// The encoded schema of the messages, or a reference to it.
pub type ProtobufSchema = OneOfTwo<EncodedSchema, SecretReference>;

/// A schema as text in place of its encoding.
pub(crate) fn unencoded_protobuf_schema(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let path = "protobufSchema";
    let found = scope.text_at(path).filter(|text| STANDARD.decode(text).is_err()).map(|_| {
        RuleFinding::new(FieldPath::parse(path), "the schema is not encoded as base64")
            .with_help("write what `base64 -w0 FILE` prints, or refer to the file with `encoding: base64`")
    });
    found.into_iter().collect()
}

/// `format: Protobuf` needs one schema, and every other format none in the pipe itself.
pub(crate) fn mismatched_protobuf_schema(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let (own, registry) = (scope.has_field("protobufSchema"), scope.has_field("schemaRegistry"));
    let finding =
        |path: &str, message: &str, help: &str| vec![RuleFinding::new(FieldPath::parse(path), message).with_help(help)];
    match (scope.text_at("format"), own, registry) {
        (Some("Protobuf"), false, false) => finding(
            "protobufSchema",
            "`format: Protobuf` needs a schema, and none is given",
            "add `schemaRegistry` or `protobufSchema`",
        ),
        (Some("Protobuf"), true, true) => finding(
            "protobufSchema",
            "`protobufSchema` and `schemaRegistry` are both set; set only one",
            "remove `protobufSchema` or `schemaRegistry`",
        ),
        (Some(format), true, _) if format != "Protobuf" => {
            finding("protobufSchema", "`protobufSchema` is only for `format: Protobuf`", "remove `protobufSchema`")
        }
        _ => Vec::new(),
    }
}

/// A registry of AWS Glue needs a format with a schema, and a role to read it with.
pub(super) fn mismatched_glue_registry(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    if scope.text_at("schemaRegistry.type") != Some("glue") {
        return Vec::new();
    }
    let at = |path: &str| FieldPath::parse("schemaRegistry").child(path);
    let has_schema = scope.text_at("format").is_none_or(|format| ["AvroConfluent", "Protobuf"].contains(&format));
    let has_role = scope.has_field("schemaRegistry.glueRoleArn")
        || scope.text_at("authentication").is_none_or(|way| ["IAM_ROLE", "IAM_USER"].contains(&way));
    let format = (!has_schema).then(|| {
        RuleFinding::new(at("type"), "a registry of AWS Glue is only for `format: AvroConfluent` or `Protobuf`")
            .with_help("remove `schemaRegistry`, or change `format`")
    });
    let role = (!has_role).then(|| {
        RuleFinding::new(at("glueRoleArn"), "`glueRoleArn` is needed, as the pipe does not authenticate with IAM")
            .with_help("add `glueRoleArn`")
    });
    format.into_iter().chain(role).collect()
}

pub(crate) fn avro_without_registry(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    if scope.text_at("format") != Some("AvroConfluent") || scope.has_field("schemaRegistry") {
        return Vec::new();
    }
    let message = "`format: AvroConfluent` finds its schemas by their id in a registry, and none is set";
    vec![RuleFinding::new(FieldPath::parse("format"), message).with_help("add `schemaRegistry`")]
}
