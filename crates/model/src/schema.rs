//! JSON Schema from the structs that declare fields.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// A generator of the dialect that manifests are described in.
pub fn schema_generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// The simplified schema of a type.
pub fn generate_schema<T: JsonSchema>() -> Value {
    let mut schema = schema_generator().root_schema_for::<T>();
    simplify_schema(&mut schema);
    schema.to_value()
}

/// Leaves out what Rust's types say and manifests do not: a field is left out rather than null,
/// how many bits a number has is nobody's business, nor where a line of a comment ends.
pub fn simplify_schema(schema: &mut Schema) {
    use schemars::transform::Transform;
    RecursiveTransform(|schema: &mut Schema| {
        schema.remove("format");
        let Some(map) = schema.as_object_mut() else { return };
        if let Some(Value::String(text)) = map.get_mut("description") {
            *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
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

/// `T | null` without the null is `T`; what the field says beside it wins.
fn lift_only_choice(map: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = map.get_mut("anyOf") else { return };
    choices.retain(|choice| choice != &json!({"type": "null"}));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        map.remove("anyOf");
        for (word, value) in only {
            map.entry(word).or_insert(value);
        }
    }
}
