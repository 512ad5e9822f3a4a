//! Removes local fields from a `spec`, and moves newer fields to their place in the API.

use serde_json::{Map, Number, Value};

use model::annotations;
use model::schema_validator::FieldNode;

fn strip_value(node: &FieldNode, value: &mut Value) {
    match value {
        Value::Object(fields) => strip_object(node, fields),
        Value::Array(items) => {
            if let Some(item) = node.list_item() {
                for value in items {
                    strip_value(item, value);
                }
            }
        }
        Value::Number(number) => {
            if let Some(whole) = whole_number(number) {
                *number = whole.into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A whole number that is written with a fraction or an exponent, such as `5432.0` or `2e0`: the API refuses it.
pub(crate) fn whole_number(number: &Number) -> Option<i64> {
    let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0)?;
    format!("{float:.0}").parse().ok()
}

pub(crate) fn strip_object(node: &FieldNode, fields: &mut Map<String, Value>) {
    let is_local = |name: &str| node.child_field(name).is_some_and(|it| it.has_keyword(annotations::LOCAL_ONLY));
    let (mut has_local, mut extra) = (false, None);
    for (name, value) in fields.iter_mut() {
        match node.child_field(name) {
            Some(field) if field.has_keyword(annotations::LOCAL_ONLY) => has_local = true,
            Some(field) if field.has_keyword(annotations::ADDITIONAL) => extra = Some(value.take()),
            Some(field) => strip_value(field, value),
            None => {}
        }
    }
    if has_local {
        spread_group_version(node, fields);
        fields.retain(|name, _| !is_local(name));
    }
    if let (Some(extra), Some(additional)) = (extra, node.additional_field()) {
        fields.shift_remove(additional);
        if let Value::Object(extra) = extra {
            merge_additional(fields, extra);
        }
    }
}

/// Copies the version of a group of credentials into each of its references.
fn spread_group_version(node: &FieldNode, fields: &mut Map<String, Value>) {
    let is_local = |name| node.child_field(name).is_some_and(|field| field.has_keyword(annotations::LOCAL_ONLY));
    let Some(version) = fields.get("version").filter(|_| is_local("version")).cloned() else { return };
    for (name, value) in fields {
        let Value::Object(reference) = value else { continue };
        if node.child_field(name).is_some_and(FieldNode::can_be_secret) {
            reference.entry("version").or_insert_with(|| version.clone());
        }
    }
}

/// A field in its own place wins; validation reports the other.
fn merge_additional(kept: &mut Map<String, Value>, extra: Map<String, Value>) {
    for (name, value) in extra {
        match (kept.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge_additional(inner, more),
            (Some(_), _) => {}
            (None, value) => drop(kept.insert(name, value)),
        }
    }
}
