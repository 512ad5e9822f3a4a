//! Takes out of a `spec` what is ours alone, and puts newer fields where the API has them.

use serde_json::{Map, Number, Value};

use model::annotations;
use model::schema_validator::FieldNode;

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
    let mut kept = Map::with_capacity(fields.len());
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

/// What is declared in its own place wins; validation reports the other.
fn merge_additional(kept: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (name, value) in extra {
        match (kept.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge_additional(inner, more),
            (Some(_), _) => {}
            (None, value) => drop(kept.insert(name.clone(), value.clone())),
        }
    }
}
