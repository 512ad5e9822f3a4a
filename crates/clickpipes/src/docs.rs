//! What every field is: the JSON Schema that the structs generate, and what is read from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use model::address::Kind;
use model::annotations;
use model::schema::{generate_schema, schema_generator, simplify_schema};

mod explain;
mod markdown;
mod schema_node;

pub use explain::{AllowedValue, ChangeEffect, FieldExplanation, FieldSummary, UnknownField, explain_field};
pub use markdown::render_reference_page;
pub use schema_node::SchemaNode;

/// Every field that can be explained, of all kinds, without the `spec.` that may be left out.
pub fn explainable_fields() -> Vec<String> {
    let all = Kind::ALL.into_iter().flat_map(explain::field_paths);
    let short = all.map(|path| path.strip_prefix("spec.").map_or(path.clone(), str::to_owned));
    short.collect::<BTreeSet<String>>().into_iter().collect()
}

/// The JSON Schema of a whole manifest of this kind.
pub fn manifest_schema(kind: Kind) -> &'static Value {
    static SCHEMAS: OnceLock<BTreeMap<Kind, Value>> = OnceLock::new();
    let all = SCHEMAS.get_or_init(|| Kind::ALL.map(|kind| (kind, generate_manifest_schema(kind))).into());
    &all[&kind]
}

/// The JSON Schema of the body of this kind, as the API takes it.
pub fn body_schema(kind: Kind) -> Value {
    let manifest = SchemaNode::for_kind(kind);
    let mut body = manifest.child_field("spec").map(|spec| spec.referenced_schema().clone()).unwrap_or_default();
    remove_annotated(&mut body, annotations::LOCAL_ONLY);
    if let (Some(path), Some(name)) = (kind.name_path(), manifest.node_at("metadata.name")) {
        body["properties"][path.to_string()] = name.referenced_schema().clone();
    }
    body["$defs"] = manifest_schema(kind)["$defs"].clone();
    for definition in body["$defs"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        remove_annotated(definition, annotations::ADDITIONAL);
    }
    body
}

/// Takes the properties with this mark away.
fn remove_annotated(definition: &mut Value, mark: &str) {
    let properties = definition.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties {
        properties.retain(|_, property| property.get(mark).is_none());
    }
}

/// One schema for editors, which takes a manifest of any kind.
pub fn editor_schema() -> Value {
    let mut generator = schema_generator();
    let kinds = Kind::ALL.map(|kind| manifest_subschema(kind, &mut generator));
    let mut schema = Schema::default();
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), "pipectl manifest".into());
    schema.insert("oneOf".to_owned(), json!(kinds));
    schema.insert("$defs".to_owned(), generator.take_definitions(true).into());
    simplify_schema(&mut schema);
    schema.to_value()
}

/// The names of the properties that hold secrets, in any kind.
pub fn secret_field_names() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        Kind::ALL
            .into_iter()
            .flat_map(|kind| std::iter::once(manifest_schema(kind)).chain(schema_definitions(kind)))
            .filter_map(|definition| definition["properties"].as_object())
            .flatten()
            .filter(|(_, property)| property.get(annotations::SECRET).is_some())
            .map(|(name, _)| name.clone())
            .collect()
    })
}

fn schema_definitions(kind: Kind) -> impl Iterator<Item = &'static Value> {
    manifest_schema(kind)["$defs"].as_object().into_iter().flat_map(Map::values)
}

fn generate_manifest_schema(kind: Kind) -> Value {
    match kind {
        Kind::ClickPipe => generate_schema::<crate::pipe::PipeManifest>(),
        Kind::CdcScaling => generate_schema::<crate::cdc_scaling::CdcScalingManifest>(),
        Kind::ReversePrivateEndpoint => generate_schema::<crate::reverse_private_endpoint::EndpointManifest>(),
    }
}

fn manifest_subschema(kind: Kind, generator: &mut SchemaGenerator) -> Schema {
    fn subschema_for_type<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
    match kind {
        Kind::ClickPipe => subschema_for_type::<crate::pipe::PipeManifest>(generator),
        Kind::CdcScaling => subschema_for_type::<crate::cdc_scaling::CdcScalingManifest>(generator),
        Kind::ReversePrivateEndpoint => {
            subschema_for_type::<crate::reverse_private_endpoint::EndpointManifest>(generator)
        }
    }
}
