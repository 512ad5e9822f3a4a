//! Stores an accepted body without its secrets.

use serde_json::{Map, Value};

use super::field_spec::{FieldSpec, JsonType, PatchSupport, ReadVisibility};
use super::render::MASKED_TEXT;
use crate::options::NullInPatch;
use crate::quirks::Quirk;

// A mask, and not null: the rules check whether a secret is present, never its value.
pub(crate) const MASK: &str = "***";

pub(crate) fn accepted_body(fields: &[FieldSpec], body: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
        let kept_value = match find_field(fields, name) {
            Some(field) => accepted_value(field, value),
            // Validation let an unknown name pass, as a newer API would know it.
            None => value.clone(),
        };
        kept.insert(name.clone(), kept_value);
    }
    kept
}

fn accepted_value(field: &FieldSpec, value: &Value) -> Value {
    match (field.visibility, field.json_type, value) {
        (ReadVisibility::Secret, _, _) => mask_values(value),
        (_, JsonType::Object(fields), Value::Object(object)) => Value::Object(accepted_body(fields, object)),
        (_, JsonType::Objects(fields, _), Value::Array(items)) => {
            items.iter().map(|item| accepted_body(fields, item.as_object().unwrap_or(&Map::new()))).collect()
        }
        _ => value.clone(),
    }
}

pub(crate) fn mask_values(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), mask_values(value))).collect(),
        Value::Array(items) => items.iter().map(mask_values).collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => MASK.into(),
    }
}

/// Applies a PATCH. Returns `true` if it contains a field that is applied, even with the same value.
pub(crate) fn merge_patch(
    fields: &[FieldSpec],
    kept: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    null: NullInPatch,
) -> bool {
    let mut changed = false;
    for (name, value) in patch {
        let Some(field) = find_field(fields, name) else {
            // A field without a row is stored and returned, as by an API that knows more fields than this contract.
            kept.insert(name.clone(), value.clone());
            changed = true;
            continue;
        };
        changed |= field.patch_support == PatchSupport::Applied && merge_field_patch(field, kept, value, null);
    }
    changed
}

fn merge_field_patch(field: &FieldSpec, kept: &mut Map<String, Value>, value: &Value, null: NullInPatch) -> bool {
    match (value, field.json_type) {
        // What a null means in a PATCH is not documented, so a world can be told to ignore it or to unset the field.
        (Value::Null, _) if null == NullInPatch::Ignored => false,
        // A client that sends a mask back must not lose its password: the old value stays, and the edit counts.
        (Value::String(text), _) if field.quirk == Some(Quirk::MaskedUris) && text.contains(MASKED_TEXT) => true,
        (Value::Null, _) => kept.shift_remove(field.name).is_some(),
        // A secret is replaced as a whole: merged, half of an old one would survive.
        (Value::Object(patch), JsonType::Object(fields)) if field.visibility != ReadVisibility::Secret => {
            let inner = kept.entry(field.name).or_insert_with(|| Value::Object(Map::new()));
            inner.as_object_mut().is_some_and(|inner| merge_patch(fields, inner, patch, null))
        }
        _ => {
            kept.insert(field.name.to_owned(), accepted_value(field, value));
            true
        }
    }
}

/// The fields of an accepted body that have no row, as they were sent.
pub(crate) fn unknown_fields(fields: &[FieldSpec], body: &Map<String, Value>) -> Map<String, Value> {
    let unknown = body.iter().filter(|(name, value)| !value.is_null() && find_field(fields, name).is_none());
    unknown.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn find_field<'a>(fields: &'a [FieldSpec], name: &str) -> Option<&'a FieldSpec> {
    fields.iter().find(|field| field.name == name)
}
