//! From a manifest to the object in the shape of the API.

use serde_json::{Map, Number, Value};

use crate::kinds::manifest_fields;
use model::address::Kind;
use model::annotations;
use model::path::FieldPath;
use model::schema_validator::FieldNode;

/// The object in the API's own shape, from a manifest: the name, and `spec` without what is ours.
/// What stands under `additional` moves to the object around it. A `version` beside a group of
/// credentials moves into its references, where raising it shows as a change.
pub fn build_api_body(kind: Kind, document: &Value) -> Value {
    let spec = manifest_fields(kind).child_field("spec");
    let mut body = Map::new();
    if let (Some(path), Some(name)) = (kind.name_path(), document["metadata"].get("name")) {
        body.insert(path.to_string(), name.clone());
    }
    if let (Some(spec), Value::Object(fields)) = (spec, &document["spec"]) {
        body.extend(strip_object(spec, fields));
    }
    Value::Object(body)
}

/// Where the value at `path` of a manifest stands in the body; `None` for what is ours alone.
pub fn to_body_path(kind: Kind, path: &FieldPath) -> Option<FieldPath> {
    let (first, rest) = path.segments().split_first()?;
    if first == "metadata" {
        return kind.name_path().filter(|_| rest == ["name"]);
    }
    if first != "spec" {
        return None;
    }
    let spec = BodyPlace { node: manifest_fields(kind).child_field("spec"), path: FieldPath::root() };
    rest.iter().try_fold(spec, |place, segment| place.step_into(segment)).map(|place| place.path)
}

/// A place of the `spec` of a manifest, with its path in the body.
#[derive(Clone)]
pub(crate) struct BodyPlace {
    /// Known fields only have one.
    pub(crate) node: Option<&'static FieldNode>,
    pub(crate) path: FieldPath,
}

impl BodyPlace {
    /// One step down; `None` for what is ours alone. What stands under `additional` moves to the object around it.
    pub(crate) fn step_into(&self, segment: &str) -> Option<Self> {
        let node = self.node.and_then(|node| node.child_or_item(segment));
        match node {
            Some(node) if node.has_keyword(annotations::LOCAL_ONLY) => None,
            Some(node) if node.has_keyword(annotations::ADDITIONAL) => {
                Some(Self { node: Some(node), path: self.path.clone() })
            }
            _ => Some(Self { node, path: self.path.child(segment) }),
        }
    }
}

fn strip_value(node: &FieldNode, value: &Value) -> Value {
    match value {
        Value::Object(fields) => strip_object(node, fields).into(),
        Value::Array(items) => match node.list_item() {
            Some(item) => items.iter().map(|value| strip_value(item, value)).collect(),
            None => value.clone(),
        },
        Value::Number(number) => whole_number(number).map_or_else(|| value.clone(), Value::from),
        _ => value.clone(),
    }
}

/// A whole number that is written with a fraction or an exponent, such as `5432.0` or `2e0`: the API refuses it.
fn whole_number(number: &Number) -> Option<i64> {
    let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0)?;
    format!("{float:.0}").parse().ok()
}

pub(crate) fn strip_object(node: &FieldNode, fields: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    let mut extra = None;
    for (name, value) in fields {
        match node.child_field(name) {
            Some(field) if field.has_keyword(annotations::LOCAL_ONLY) => {}
            Some(field) if field.has_keyword(annotations::ADDITIONAL) => extra = value.as_object(),
            Some(field) => drop(kept.insert(name.clone(), strip_value(field, value))),
            None => drop(kept.insert(name.clone(), value.clone())),
        }
    }
    spread_group_version(node, fields, &mut kept);
    if let Some(extra) = extra {
        merge_additional(&mut kept, extra);
    }
    kept
}

/// The version of a group of credentials becomes that of each reference in it.
fn spread_group_version(node: &FieldNode, fields: &Map<String, Value>, kept: &mut Map<String, Value>) {
    let local = |name: &str| node.child_field(name).is_some_and(|field| field.has_keyword(annotations::LOCAL_ONLY));
    let Some(version) = fields.get("version").filter(|_| local("version")) else { return };
    for (name, value) in kept {
        let Value::Object(reference) = value else { continue };
        if node.child_field(name).is_some_and(FieldNode::can_be_secret) {
            reference.entry("version").or_insert_with(|| version.clone());
        }
    }
}

/// What is declared in its own place wins; [`crate::kinds::find_problems`] refuses the other.
fn merge_additional(kept: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (name, value) in extra {
        match (kept.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge_additional(inner, more),
            (Some(_), _) => {}
            (None, value) => drop(kept.insert(name.clone(), value.clone())),
        }
    }
}
