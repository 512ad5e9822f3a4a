//! From a manifest to the object in the shape of the API.

use serde_json::{Map, Value};

use crate::kinds::manifest_fields;
use crate::local_fields::strip_object;
use model::address::Kind;
use model::annotations;
use model::path::FieldPath;
use model::schema_validator::FieldNode;

/// Converts a manifest to the object in the API's shape: the name, and `spec` without local fields. Fields under
/// `additional` move to the object around it. A `version` next to a group of credentials moves into its references,
/// where a higher version shows as a change.
pub fn build_api_body(kind: Kind, mut document: Value) -> Value {
    let spec = manifest_fields(kind).child_field("spec");
    let mut body = Map::new();
    if let (Some(path), Some(name)) = (kind.name_path(), document["metadata"].get("name")) {
        body.insert(path.to_string(), name.clone());
    }
    if let (Some(spec), Some(Value::Object(fields))) = (spec, document.get_mut("spec")) {
        strip_object(spec, fields);
        body.append(fields);
    }
    Value::Object(body)
}

/// The part of a manifest's `spec` for a part of a body: unknown fields go under `additional`, and a `$` that begins a
/// variable is escaped.
pub fn build_spec(kind: Kind, body: &Value) -> Value {
    to_manifest_form(manifest_fields(kind).child_field("spec"), body)
}

fn to_manifest_form(node: Option<&FieldNode>, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let additional = node.and_then(FieldNode::additional_field);
            let (mut known, mut unknown) = (Map::new(), Map::new());
            for (name, value) in fields {
                let field = node.and_then(|node| node.child_field(name));
                let part = if field.is_some() || additional.is_none() { &mut known } else { &mut unknown };
                part.insert(name.clone(), to_manifest_form(field, value));
            }
            if let (Some(additional), false) = (additional, unknown.is_empty()) {
                known.insert(additional.to_owned(), unknown.into());
            }
            known.into()
        }
        Value::Array(items) => {
            let item = node.and_then(FieldNode::list_item);
            items.iter().map(|value| to_manifest_form(item, value)).collect()
        }
        Value::String(text) => text.replace("${", "$${").into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The path in the body for the value at `path` of a manifest; `None` for a local field.
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
struct BodyPlace {
    /// Known fields only have one.
    node: Option<&'static FieldNode>,
    path: FieldPath,
}

impl BodyPlace {
    /// One step down; `None` for a local field.
    fn step_into(&self, segment: &str) -> Option<Self> {
        let node = self.node.and_then(|node| node.child_or_item(segment));
        match BodyStep::into_field(node) {
            BodyStep::Omitted => None,
            BodyStep::Same => Some(Self { node, path: self.path.clone() }),
            BodyStep::Below => Some(Self { node, path: self.path.child(segment) }),
        }
    }
}

/// The position of a manifest field in the body.
pub(crate) enum BodyStep {
    /// Nowhere: it is ours alone.
    Omitted,
    /// In the object around it: fields under `additional` move there.
    Same,
    /// One step further down.
    Below,
}

impl BodyStep {
    pub(crate) fn into_field(node: Option<&FieldNode>) -> Self {
        match node {
            Some(node) if node.has_keyword(annotations::LOCAL_ONLY) => Self::Omitted,
            Some(node) if node.has_keyword(annotations::ADDITIONAL) => Self::Same,
            _ => Self::Below,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{build_api_body, build_spec};
    use model::address::Kind;

    #[test]
    fn part_of_a_body_is_written_as_a_manifest_takes_it() {
        let body = json!({
            "source": {"kafka": {"topics": "a${b}", "newer": {"a": 1}, "credentials": {"password": {"fromEnv": "P"}}}},
            "scaling": {"replicas": 2, "newer": "x"},
            "destination": {"columns": [{"name": "id", "newer": [1]}]},
        });
        let spec = build_spec(Kind::ClickPipe, &body);
        assert_eq!(spec["source"]["kafka"]["additional"], json!({"newer": {"a": 1}}));
        assert_eq!(spec["source"]["kafka"]["credentials"], body["source"]["kafka"]["credentials"]);
        assert_eq!(spec["destination"]["columns"][0]["additional"], json!({"newer": [1]}));
        let unescaped: Value = serde_json::from_str(&spec.to_string().replace("$$", "$")).unwrap();
        assert_eq!(build_api_body(Kind::ClickPipe, json!({"spec": unescaped})), body);
    }
}
