//! One schema for editors, for documents of every kind.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use crate::additional_fields::allow_additional_fields;
use crate::cdc_scaling::CdcScalingManifest;
use crate::pipe::PipeManifest;
use crate::reverse_private_endpoint::EndpointManifest;
use crate::template_schema::{SharedManifest, TemplateManifest};
use model::address::Kind;
use model::schema::{schema_generator, simplify_schema};

/// The JSON Schema of manifests of every kind, plain or shared, and of templates.
pub fn editor_schema() -> Value {
    let mut generator = schema_generator();
    let plain = Kind::ALL.map(|kind| manifest_subschema(kind, &mut generator));
    let specs = plain.iter().map(|manifest| spec_subschema(manifest, &generator)).collect();
    let mut documents = vec![template_subschema(specs, &mut generator)];
    for (kind, manifest) in Kind::ALL.into_iter().zip(plain) {
        documents.push(shared_subschema(kind, &manifest, &mut generator));
        documents.push(manifest);
    }
    let mut schema = Schema::default();
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), "pipectl manifest".into());
    schema.insert("oneOf".to_owned(), json!(documents));
    schema.insert("$defs".to_owned(), generator.take_definitions(true).into());
    simplify_schema(&mut schema);
    let mut schema = schema.to_value();
    allow_additional_fields(&mut schema);
    schema
}

/// A template. Its `spec` is a part of that of any kind.
fn template_subschema(specs: Vec<Value>, generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.subschema_for::<TemplateManifest>();
    schema.insert("properties".to_owned(), json!({"spec": suggestions_from(specs)}));
    schema
}

/// A manifest with `forEach` or a template. Documents of other forms do not match it.
fn shared_subschema(kind: Kind, plain: &Schema, generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.subschema_for::<SharedManifest>();
    schema.insert("allOf".to_owned(), json!([suggestions_from(vec![plain.clone().to_value()])]));
    schema.insert("properties".to_owned(), json!({"kind": {"enum": [kind.name()]}}));
    let uses_template = json!({"properties": {"spec": {"required": ["template"]}}});
    schema.insert("anyOf".to_owned(), json!([{"required": ["forEach"]}, uses_template]));
    schema
}

/// A schema that accepts every value. Editors complete and describe the fields of a value by these schemas.
// A part of a manifest lacks required fields, and has `${with.NAME}` in place of numbers, so it is valid in none of
// them. A second set of definitions without their rules would be as large as the first. `not` of `not` exposes the
// fields to editors (the YAML language server collects them from every branch that is not negated), and the `false`
// next to it removes the verdict. Branches of `anyOf` and `if` do not work: completion reads only the valid ones.
fn suggestions_from(schemas: Vec<Value>) -> Value {
    let negated = schemas.into_iter().map(|schema| json!({"not": schema}));
    json!({"not": {"allOf": negated.chain([json!(false)]).collect::<Vec<_>>()}})
}

fn manifest_subschema(kind: Kind, generator: &mut SchemaGenerator) -> Schema {
    fn subschema_for_type<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
    match kind {
        Kind::ClickPipe => subschema_for_type::<PipeManifest>(generator),
        Kind::CdcScaling => subschema_for_type::<CdcScalingManifest>(generator),
        Kind::ReversePrivateEndpoint => subschema_for_type::<EndpointManifest>(generator),
    }
}

/// The reference to the `spec` of a manifest that is a definition itself.
fn spec_subschema(manifest: &Schema, generator: &SchemaGenerator) -> Value {
    let name = manifest.get("$ref").and_then(Value::as_str).and_then(|pointer| pointer.rsplit('/').next());
    let definition = name.and_then(|name| generator.definitions().get(name));
    json!({"$ref": definition.map(|definition| &definition["properties"]["spec"]["$ref"])})
}
