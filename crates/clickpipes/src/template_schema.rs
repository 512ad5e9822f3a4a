//! The fields of a template's document.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use model::project::ApiVersion;
use model::schema::generate_schema;
use model::schema_validator::{FieldNode, SchemaValidator};
use model::text::NonEmptyText;

/// A part of manifests that many share. A manifest uses it with `spec: {template: NAME, with: {topic: orders}}`, and the
/// template says `spec: {source: {kafka: {topics: "${with.topic}"}}}`.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Template")]
pub struct TemplateManifest {
    /// The version of the manifest's form.
    pub api_version: ApiVersion,
    /// `Template`.
    pub kind: TemplateKind,
    /// The name of the template.
    pub metadata: TemplateMetadata,
    /// The values that each manifest sets under `with`. The template uses them as `${with.NAME}`. For example `{topic:
    /// {}, replicas: {type: integer, default: 1}}`: `topic` is required.
    pub parameters: Option<BTreeMap<String, TemplateParameter>>,
    /// A part of the `spec` of manifests, with their fields. The fields of a manifest override those of its template:
    /// mappings are merged, other values are replaced, and `null` removes a field. For example `{source: {kafka:
    /// {topics: "${with.topic}"}}, scaling: {replicas: "${with.replicas}"}}`.
    pub spec: Map<String, Value>,
}

/// The word in a template's `kind`.
#[derive(JsonSchema)]
#[schemars(inline)]
pub enum TemplateKind {
    /// A template.
    Template,
}

/// The `metadata` of a template.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateMetadata {
    /// The name that manifests use under `spec.template`. It is unique in the project.
    pub name: NonEmptyText,
}

/// One parameter of a template.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateParameter {
    /// The type of the values. By default `string`.
    pub r#type: Option<ParameterType>,
    /// The value for manifests that do not set it. A parameter without a default is required.
    pub default: Option<Value>,
    /// A description for people. pipectl does not use it.
    pub description: Option<String>,
}

/// The type of a parameter, in the words of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum ParameterType {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// A mapping.
    Object,
}

/// A manifest that uses a template, or declares several objects. Some of its fields are elsewhere, and numbers may be
/// texts with `${…}`, so an editor checks only the frame.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SharedManifest")]
pub struct SharedManifest {
    /// The version of the manifest's form.
    pub api_version: ApiVersion,
    /// The kind of the object.
    pub kind: String,
    /// The name and the service of the object. Texts may contain `${each.NAME}`.
    pub metadata: Map<String, Value>,
    /// One manifest for each entry: a mapping whose fields the manifest uses as `${each.NAME}`, or a name
    /// (`${each.name}`). For example `forEach: [{topic: orders}, {topic: clicks}]` and
    /// `metadata: {name: "${each.topic}"}`.
    pub for_each: Option<Vec<Value>>,
    /// The desired state of the object.
    pub spec: SharedSpec,
}

/// The `spec` of a manifest with a template. Its other fields override those of the template.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SharedSpec {
    /// The name of a document with `kind: Template`, in any file of the project. The manifest has its fields, except
    /// for those that it sets itself. For example `{template: kafka-prod, with: {topic: orders}}`.
    pub template: Option<String>,
    /// The values of the template's parameters. For example `{topic: orders, replicas: 2}`.
    pub with: Option<Map<String, Value>>,
}

/// The fields of a template.
pub fn template_fields() -> &'static FieldNode {
    static FIELDS: LazyLock<FieldNode> = LazyLock::new(|| template_validator().field_tree());
    &FIELDS
}

/// The fields that only a manifest with a template or `forEach` has, and those around them.
pub fn shared_manifest_fields() -> &'static FieldNode {
    static FIELDS: LazyLock<FieldNode> = LazyLock::new(|| {
        let validator = SchemaValidator::new(&generate_schema::<SharedManifest>());
        validator.expect("the structs generate what can be walked").field_tree()
    });
    &FIELDS
}

pub(crate) fn template_validator() -> &'static SchemaValidator {
    static VALIDATOR: LazyLock<SchemaValidator> = LazyLock::new(|| {
        let validator = SchemaValidator::new(&generate_schema::<TemplateManifest>());
        validator.expect("the structs generate what can be walked")
    });
    &VALIDATOR
}
