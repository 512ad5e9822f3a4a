//! The API's values for undeclared fields.

use model::address::Kind;
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use serde_json::Value;

use crate::kinds;
use crate::pipe::scaling;

/// The default of a field; `None` if it is not known.
pub fn default_value(kind: Kind, path: &FieldPath) -> Option<Value> {
    if kind == Kind::ClickPipe && path.is_within(&FieldPath::parse(scaling::PATH)) {
        let size = scaling::smallest_size();
        let member = path.to_string();
        let member = member.strip_prefix(scaling::PATH).unwrap_or_default().trim_start_matches('.');
        return if member.is_empty() { Some(size) } else { size.get(member).cloned() };
    }
    kinds::body_fields(kind)?.node_at(path)?.keyword_value("default").cloned()
}

/// Whether a live value means the same as an omitted field: it is empty, off, or the default.
pub fn is_default_value(kind: Kind, path: &FieldPath, value: &Value) -> bool {
    let node = kinds::body_fields(kind).and_then(|fields| fields.node_at(path));
    match (value, default_value(kind, path)) {
        (Value::Object(members), Some(Value::Object(defaults))) => {
            members.iter().all(|(name, value)| defaults.get(name).is_some_and(|default| same_value(default, value)))
        }
        (_, Some(default)) if same_value(&default, value) => true,
        _ => is_empty_or_default(node, value),
    }
}

fn is_empty_or_default(node: Option<&FieldNode>, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => {
            members.iter().all(|(name, value)| is_empty_or_default(node.and_then(|node| node.child_field(name)), value))
        }
        Value::String(text) if text.is_empty() => true,
        _ => node.and_then(|node| node.keyword_value("default")).is_some_and(|default| same_value(default, value)),
    }
}

/// `1` and `1.0` are the same number.
fn same_value(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() < f64::EPSILON,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use model::address::Kind;
    use model::path::FieldPath;
    use serde_json::json;

    use super::{default_value, is_default_value};

    #[test]
    fn defaults_are_known_at_every_depth() {
        let is_default = |path: &str, value| is_default_value(Kind::ClickPipe, &FieldPath::parse(path), &value);
        assert!(is_default("scaling.replicas", json!(1)) && !is_default("scaling.replicas", json!(8)));
        assert!(is_default("scaling", json!({"replicas": 1, "replicaMemoryGb": 0.5})));
        assert!(!is_default("scaling", json!({"replicas": 2})));
        assert!(is_default("source.mysql.settings", json!({"syncIntervalSeconds": 60, "useCompression": false})));
        assert!(!is_default("source.mysql.settings", json!({"syncIntervalSeconds": 10})));
        assert!(is_default("fieldMappings", json!([])) && !is_default("fieldMappings", json!([1])));
        let path = FieldPath::parse("scaling.replicaCpuMillicores");
        assert_eq!(default_value(Kind::ClickPipe, &path), Some(json!(125)));
    }
}
