//! Walks the published JSON Schema, so that tests cover a field from the day it is added.

use model::path::FieldPath;
use serde_json::{Value, json};

/// A place in a manifest where the schema expects a value that is no object.
#[derive(Clone, Debug)]
pub(crate) struct SchemaLeaf {
    pub(crate) path: FieldPath,
    pub(crate) schema: Value,
}

/// Every leaf of the schema that `document` reaches: all fields of the objects that it has, and of
/// the first entry of each of its lists.
pub(crate) fn schema_leaves(root: &Value, document: &Value) -> Vec<SchemaLeaf> {
    let mut found = Vec::new();
    collect_leaves(root, root, document, &FieldPath::root(), &mut found);
    found
}

fn collect_leaves(root: &Value, schema: &Value, value: &Value, path: &FieldPath, found: &mut Vec<SchemaLeaf>) {
    let secret = |schema: &Value| schema["x-secret"] == json!(true);
    let (outer, schema) = (schema, matching_branch(root, schema, value));
    if secret(outer) || secret(schema) || value.get("fromEnv").is_some() {
        return;
    }
    if let Value::Object(fields) = value {
        for (name, below) in schema["properties"].as_object().into_iter().flatten() {
            let path = path.child(name);
            match fields.get(name) {
                Some(value) => collect_leaves(root, below, value, &path, found),
                None => collect_missing_leaf(root, below, &path, found),
            }
        }
        return;
    }
    found.push(SchemaLeaf { path: path.clone(), schema: with_marks_of(outer, schema) });
    if let Some(first) = value.as_array().and_then(|items| items.first()) {
        let item = matching_branch(root, &schema["items"], first);
        if first.is_object() {
            collect_leaves(root, item, first, &path.child(0), found);
        }
    }
}

/// The schema of a branch, with the marks of the field that has the branches.
fn with_marks_of(field: &Value, branch: &Value) -> Value {
    let mut schema = branch.clone();
    let marks = field.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("x-"));
    schema
        .as_object_mut()
        .into_iter()
        .for_each(|it| it.extend(marks.clone().map(|(key, mark)| (key.clone(), mark.clone()))));
    schema
}

/// A field that the document leaves out is a leaf if a simple value could stand there.
fn collect_missing_leaf(root: &Value, schema: &Value, path: &FieldPath, found: &mut Vec<SchemaLeaf>) {
    let outer = schema;
    let schema = resolve_reference(root, schema);
    let simple = outer["x-secret"] != json!(true)
        && !schema["properties"].is_object()
        && schema["additionalProperties"].is_null()
        && schema["type"] != "object"
        && schema["x-secret"] != json!(true);
    if simple {
        found.push(SchemaLeaf { path: path.clone(), schema: schema.clone() });
    }
}

fn resolve_reference<'s>(root: &'s Value, mut schema: &'s Value) -> &'s Value {
    while let Some(pointer) = schema["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
        schema = root.pointer(pointer).expect("a reference that leads somewhere");
    }
    schema
}

/// Of several branches the one that the value has the form of.
fn matching_branch<'s>(root: &'s Value, schema: &'s Value, value: &Value) -> &'s Value {
    let schema = resolve_reference(root, schema);
    let branches = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    let Some(branches) = branches else { return schema };
    if branches.iter().all(|branch| branch.get("const").is_some()) {
        return schema;
    }
    let fits = |branch: &&Value| {
        let branch = resolve_reference(root, branch);
        let has = |key: &String| branch["properties"].get(key).is_some();
        match value {
            Value::Object(fields) => fields.keys().all(has),
            _ => branch["type"] != "object",
        }
    };
    branches.iter().find(fits).map_or(schema, |branch| matching_branch(root, branch, value))
}

/// Values that could stand at the leaf instead of `now`, the likeliest first.
pub(crate) fn other_values(leaf: &SchemaLeaf, now: Option<&Value>) -> Vec<Value> {
    let schema = &leaf.schema;
    let mut values: Vec<Value> = enum_values(schema);
    if values.is_empty() {
        values = match schema["type"].as_str() {
            Some("boolean") => vec![json!(true), json!(false)],
            Some("integer") => number_values(schema, now, 1.0).into_iter().map(to_integer).collect(),
            Some("number") => number_values(schema, now, 0.5).into_iter().map(|number| json!(number)).collect(),
            Some("array") => list_values(schema, now),
            _ => text_values(now),
        };
    }
    values.retain(|value| Some(value) != now);
    values
}

fn enum_values(schema: &Value) -> Vec<Value> {
    let listed = schema["enum"].as_array().cloned().unwrap_or_default();
    let consts = schema["oneOf"].as_array().into_iter().flatten();
    listed.into_iter().chain(consts.filter_map(|branch| branch.get("const").cloned())).collect()
}

fn number_values(schema: &Value, now: Option<&Value>, step: f64) -> Vec<f64> {
    let step = schema["multipleOf"].as_f64().unwrap_or(step);
    let least = schema["minimum"].as_f64().unwrap_or(1.0);
    let most = schema["maximum"].as_f64().unwrap_or(1_000_000.0);
    let now = now.and_then(Value::as_f64).unwrap_or(least);
    let near = [now + step, now - step, least, most, least + step];
    near.into_iter().filter(|number| (least..=most).contains(number)).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "the ranges of the schema are small")]
fn to_integer(number: f64) -> Value {
    json!(number as i64)
}

fn text_values(now: Option<&Value>) -> Vec<Value> {
    let now = now.and_then(Value::as_str).unwrap_or("other");
    let mut texts = Vec::new();
    for (old, new) in [
        ("link-a", "link-b"),
        ("example", "sample"),
        ("2026", "2025"),
        ("1767225600", "1767225601"),
        ("bucket", "pail"),
        ("toYYYYMM", "toYYYYMMDD"),
        ("0001", "0002"),
        ("data/", "files/"),
        ("id", "n"),
        ("version", "id"),
    ] {
        if now.contains(old) {
            texts.push(now.replace(old, new));
        }
    }
    texts.extend([format!("{now}x"), format!("x{now}")]);
    texts.extend(["UInt32", "id", "2026-01-01T00:01", "id2"].map(str::to_owned));
    texts.into_iter().map(Value::from).collect()
}

fn list_values(schema: &Value, now: Option<&Value>) -> Vec<Value> {
    let now = now.and_then(Value::as_array).cloned().unwrap_or_default();
    let with = |extra: Value| [now.clone(), vec![extra]].concat();
    let mut lists = Vec::new();
    if let Some(first) = now.first().filter(|first| first.is_object()) {
        lists.push(with(vary_entry(first)));
    }
    if !schema["items"]["properties"].is_object() {
        lists.extend([json!("extra"), json!("id"), json!({"endpoint": "link-b"})].map(with));
    }
    if now.len() > 1 {
        lists.push(now[..now.len() - 1].to_vec());
        lists.push(now[1..].to_vec());
    }
    lists.push(now.iter().rev().cloned().collect());
    lists.into_iter().map(Value::from).collect()
}

/// The entry with every text in it changed, so that it is another one.
fn vary_entry(entry: &Value) -> Value {
    let fields = entry.as_object().into_iter().flatten().map(|(name, value)| {
        let value = match value.as_str() {
            Some(text) if name == "type" || name == "tableEngine" => json!(text),
            Some(_) if name == "endpoint" => json!("link-b"),
            Some(text) if text.contains('.') => {
                json!(format!("other-{}", text.trim_start_matches("*.")))
            }
            Some(text) => json!(format!("{text}_more")),
            None => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(fields.collect())
}
