//! Keeps a body that was accepted: what the contract knows, and no secret.

use serde_json::{Map, Value};

use super::row::{Echo, Field, Patch, Shape};
use crate::options::NullInPatch;

/// Stands where a secret was: that it was given matters to the rules, its value does not.
pub(crate) const MASK: &str = "***";

/// What is kept of a body that creates something. Names without a row are kept as they are:
/// the check let them pass because a newer API might know them.
pub(crate) fn keep(fields: &[Field], body: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
        let kept_value = match field(fields, name) {
            Some(field) => keep_value(field, value),
            None => value.clone(),
        };
        kept.insert(name.clone(), kept_value);
    }
    kept
}

fn keep_value(field: &Field, value: &Value) -> Value {
    match (field.echo, field.shape, value) {
        (Echo::Secret, _, _) => mask(value),
        (_, Shape::Object(fields), Value::Object(object)) => Value::Object(keep(fields, object)),
        (_, Shape::Objects(fields, _), Value::Array(items)) => {
            items.iter().map(|item| keep(fields, item.as_object().unwrap_or(&Map::new()))).collect()
        }
        _ => value.clone(),
    }
}

/// The same shape with every value hidden.
pub(crate) fn mask(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.clone(), mask(value))).collect()
        }
        Value::Array(items) => items.iter().map(mask).collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => MASK.into(),
    }
}

/// Applies a PATCH to what is kept. Returns whether it said anything that is applied.
pub(crate) fn merge(
    fields: &[Field],
    kept: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    null: NullInPatch,
) -> bool {
    let mut said = false;
    for (name, value) in patch {
        let Some(field) = field(fields, name) else {
            kept.insert(name.clone(), value.clone());
            said = true;
            continue;
        };
        said |= field.patch == Patch::Applied && merge_field(field, kept, value, null);
    }
    said
}

fn merge_field(
    field: &Field,
    kept: &mut Map<String, Value>,
    value: &Value,
    null: NullInPatch,
) -> bool {
    match (value, field.shape) {
        (Value::Null, _) if null == NullInPatch::Ignored => false,
        (Value::Null, _) => kept.shift_remove(field.name).is_some(),
        (Value::Object(patch), Shape::Object(fields)) if field.echo != Echo::Secret => {
            let inner = kept.entry(field.name).or_insert_with(|| Value::Object(Map::new()));
            inner.as_object_mut().is_some_and(|inner| merge(fields, inner, patch, null))
        }
        _ => {
            kept.insert(field.name.to_owned(), keep_value(field, value));
            true
        }
    }
}

fn field<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field.name == name)
}
