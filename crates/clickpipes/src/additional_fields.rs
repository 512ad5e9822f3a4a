//! Support for fields that are newer than this program: `additional`, in every object that the API gets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use model::annotations;

/// The fields that every object gets, each with its schema.
fn extra_fields() -> [(&'static str, Value); 3] {
    let mark = |mark: &str, description: &str| {
        json!({
            "description": description,
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "uniqueItems": true,
            (annotations::LOCAL_ONLY): true,
            (annotations::ADDITIONAL_MARK): mark,
        })
    };
    [
        (
            "additional",
            json!({
                "description": "Fields that are newer than this version. They are sent and compared unchecked.",
                "type": "object",
                "additionalProperties": true,
                (annotations::ADDITIONAL): true,
            }),
        ),
        (
            "additionalCreateOnly",
            mark(
                CREATE_ONLY,
                "Fields under `additional`, here or below, that the API accepts only at creation: a change replaces the object. Not for fields in entries of lists.",
            ),
        ),
        (
            "additionalNotReturned",
            mark(
                NOT_RETURNED,
                "Fields under `additional`, here or below, that the API never returns: drift is not detected. Entries of lists are `*`.",
            ),
        ),
    ]
}

pub(crate) const CREATE_ONLY: &str = "createOnly";
pub(crate) const NOT_RETURNED: &str = "notReturned";

/// Allows every object below the `spec` of a manifest to contain fields that no struct declares.
// Here and not in the structs: an object without it could never contain a newer field.
pub(crate) fn allow_additional_fields(schema: &mut Value) {
    let mut names = BTreeSet::new();
    let definitions = schema["$defs"].as_object().into_iter().flatten().map(|(_, definition)| definition);
    for manifest in definitions.chain([&*schema]).filter(|manifest| manifest["properties"]["apiVersion"].is_object()) {
        collect_objects(schema, &manifest["properties"]["spec"], &mut names);
    }
    for name in names {
        let Some(Value::Object(fields)) = schema.pointer_mut(&format!("/$defs/{name}/properties")) else { continue };
        fields.extend(extra_fields().map(|(name, field)| (name.to_owned(), field)));
    }
}

/// A choice is not followed: a reference to a secret or to an endpoint counts as text.
fn collect_objects(root: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    if schema.get(annotations::SECRET).is_some() {
        return;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|pointer| pointer.strip_prefix("#/$defs/"))
        && names.insert(name.to_owned())
    {
        collect_objects(root, &root["$defs"][name], names);
    }
    for field in schema["properties"].as_object().into_iter().flatten().map(|(_, field)| field) {
        collect_objects(root, field, names);
    }
    if let Some(item) = schema.get("items") {
        collect_objects(root, item, names);
    }
}
