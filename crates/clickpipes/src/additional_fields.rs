//! The way out for fields that are newer than this program: `additional`, in every object that the API gets.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::kinds::manifest_fields;
use model::address::Kind;
use model::annotations;
use model::desired::FieldMarks;
use model::path::FieldPath;
use model::schema_validator::FieldNode;

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
                "Fields under `additional`, here or below, that the API accepts only at creation: a change replaces the object. Entries of lists are `*`.",
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

const CREATE_ONLY: &str = "createOnly";
const NOT_RETURNED: &str = "notReturned";

/// Lets every object below the `spec` of a manifest take fields that no struct declares.
// Here and not in the structs: an object without it would be a dead end for whoever needs a newer field in it.
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

/// A choice is not followed: a reference to a secret or to an endpoint stands for a text.
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

/// What a manifest says about its fields under `additional`. The paths are those of the body.
pub(crate) fn read_field_marks(kind: Kind, document: &Value) -> FieldMarks {
    let mut marks = FieldMarks::default();
    if let Some(spec) = manifest_fields(kind).child_field("spec") {
        collect_marks(spec, &document["spec"], &FieldPath::root(), &mut marks);
    }
    marks
}

fn collect_marks(node: &FieldNode, value: &Value, at: &FieldPath, marks: &mut FieldMarks) {
    match value {
        Value::Object(fields) => {
            for (mark, path) in marked_paths(node, fields) {
                let paths = if mark == CREATE_ONLY { &mut marks.create_only } else { &mut marks.not_returned };
                paths.insert(at.join(&FieldPath::parse(path)));
            }
            for (name, value) in fields {
                if let Some(field) = node.child_field(name).filter(|field| !field.has_keyword(annotations::LOCAL_ONLY))
                {
                    collect_marks(field, value, &at.child(name), marks);
                }
            }
        }
        // What one entry says counts for all of them: the semantics of a list are those of every entry.
        Value::Array(items) => {
            let Some(item) = node.list_item() else { return };
            items.iter().for_each(|value| collect_marks(item, value, &at.child("*"), marks));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The paths that an object marks, each with the mark.
fn marked_paths<'v>(node: &'v FieldNode, fields: &'v Map<String, Value>) -> impl Iterator<Item = (&'v str, &'v str)> {
    let marks = fields.iter().filter_map(|(name, paths)| {
        let mark = node.child_field(name)?.keyword_value(annotations::ADDITIONAL_MARK)?.as_str()?;
        Some((mark, paths.as_array()?))
    });
    marks.flat_map(|(mark, paths)| paths.iter().filter_map(move |path| Some((mark, path.as_str()?))))
}
