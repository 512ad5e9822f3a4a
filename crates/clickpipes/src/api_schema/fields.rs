//! The fields of a schema as a flat list: each path with its facts.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds;
use model::address::Kind;
use serde_json::Value;

/// Fields by path; the entries of lists are `*`.
pub type Fields = BTreeMap<String, Facts>;

/// The allowed values of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The JSON types.
    pub kinds: BTreeSet<String>,
    /// The words of an enum.
    pub words: BTreeSet<String>,
    /// The limits, by their keyword.
    pub limits: BTreeMap<&'static str, String>,
    /// Whether it is required in every object that may contain it.
    pub is_required: bool,
}

const LIMITS: [&str; 6] = ["minimum", "maximum", "multipleOf", "maxLength", "uniqueItems", "maxItems"];

pub(super) fn official(document: &Value, name: &str) -> Fields {
    let mut fields = Fields::new();
    visit(document, &document["components"]["schemas"][name], "", &mut fields);
    fields.remove("");
    fields
}

/// The fields of a part of our bodies.
pub fn ours(kind: Kind, at: &str) -> Fields {
    let root = kinds::manifest_schema(kind);
    let mut fields = Fields::new();
    visit(root, &root["properties"]["spec"], "", &mut fields);
    let name = layers(root, &root["properties"]["metadata"]).into_iter().find_map(|it| it["properties"].get("name"));
    if let (Some(path), Some(name)) = (kind.name_path(), name) {
        visit(root, name, &path.to_string(), &mut fields);
    }
    let below = |path: &str| match at {
        "" => Some(path.to_owned()),
        at => path.strip_prefix(at)?.strip_prefix('.').map(str::to_owned),
    };
    let mut part: Fields = fields.into_iter().filter_map(|(path, facts)| Some((below(&path)?, facts))).collect();
    part.remove("");
    part
}

/// A reference to a secret counts as text, and so does the name of an endpoint.
fn is_reference(schema: &Value) -> bool {
    ["#/$defs/SecretReference", "#/$defs/DeclaredEndpoint", "#/$defs/BrokersOfEndpoint"]
        .iter()
        .any(|it| schema["$ref"] == *it)
}

fn visit(root: &Value, schema: &Value, at: &str, fields: &mut Fields) {
    if schema.get("x-local").is_some() || schema.get("x-additional").is_some() {
        return;
    }
    let facts = fields.entry(at.to_owned()).or_default();
    if is_reference(schema) {
        facts.kinds.insert("string".to_owned());
        return;
    }
    note(schema, facts);
    for layer in layers(root, schema) {
        visit(root, layer, at, fields);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let is_required = schema["required"].as_array().is_some_and(|it| it.iter().any(|it| it == name));
        let is_required = is_required && fields.get(&path).is_none_or(|before| before.is_required);
        visit(root, field, &path, fields);
        if let Some(facts) = fields.get_mut(&path) {
            facts.is_required = is_required;
        }
    }
    if let Some(items) = schema.get("items") {
        visit(root, items, &format!("{at}.*"), fields);
    }
}

/// The targets of a schema's references, and the branches of a choice.
fn layers<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let pointer = schema["$ref"].as_str().and_then(|at| at.strip_prefix('#'));
    let branches = ["oneOf", "anyOf"].iter().filter_map(|choice| schema[choice].as_array());
    pointer.and_then(|at| root.pointer(at)).into_iter().chain(branches.flatten()).collect()
}

fn note(schema: &Value, facts: &mut Facts) {
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        Value::String(kind) => vec![kind.as_str()],
        _ => Vec::new(),
    };
    facts.kinds.extend(kinds.into_iter().filter(|kind| *kind != "null").map(str::to_owned));
    if schema.get("properties").is_some() {
        facts.kinds.insert("object".to_owned());
    }
    let words = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    facts.words.extend(words.filter_map(Value::as_str).map(str::to_owned));
    for limit in LIMITS {
        if let Some(value) = schema.get(limit) {
            let value = value.as_f64().map_or_else(|| value.to_string(), |it| it.to_string());
            facts.limits.insert(limit, value);
        }
    }
}
