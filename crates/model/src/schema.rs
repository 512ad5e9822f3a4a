//! JSON Schema, generated from the structs that declare fields.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// The type of a field that takes either of two types.
pub struct OneOfTwo<A, B>(PhantomData<(A, B)>);

impl<A: JsonSchema, B: JsonSchema> JsonSchema for OneOfTwo<A, B> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", A::schema_name(), B::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [generator.subschema_for::<A>(), generator.subschema_for::<B>()]})
    }
}

/// A generator for the dialect of the manifest schemas, draft 2020-12.
pub fn schema_generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// The simplified schema of a type.
pub fn generate_schema<T: JsonSchema>() -> Value {
    let mut schema = schema_generator().root_schema_for::<T>();
    simplify_schema(&mut schema);
    schema.to_value()
}

/// Removes parts that come from Rust's types and have no meaning for manifests: `null`, the bits of a number, line
/// breaks of doc comments.
pub fn simplify_schema(schema: &mut Schema) {
    use schemars::transform::Transform;
    RecursiveTransform(|schema: &mut Schema| {
        schema.remove("format");
        let Some(map) = schema.as_object_mut() else { return };
        if let Some(Value::String(text)) = map.get_mut("description") {
            *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        // `Option<T>` generates `T | null`, but a manifest omits a field instead of setting it to null.
        for word in ["type", "enum"] {
            if let Some(Value::Array(values)) = map.get_mut(word) {
                values.retain(|value| !value.is_null() && value != "null");
            }
        }
        if let Some(only) = map.get("type").and_then(Value::as_array).filter(|all| all.len() == 1) {
            let only = only[0].clone();
            map.insert("type".to_owned(), only);
        }
        lift_only_choice(map);
    })
    .transform(schema);
}

/// Replaces `anyOf` of `T` and null by `T`.
fn lift_only_choice(map: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = map.get_mut("anyOf") else { return };
    choices.retain(|choice| choice != &json!({"type": "null"}));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        map.remove("anyOf");
        // Keywords of the field override those of its type: the description is about this field.
        for (word, value) in only {
            map.entry(word).or_insert(value);
        }
    }
}
