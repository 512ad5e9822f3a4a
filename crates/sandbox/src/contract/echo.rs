//! Shows what is kept, as a read of the API does: without secrets, with defaults, with quirks.

use serde_json::{Map, Value, json};

use super::row::{Echo, Field, Patch, Shape, Unset};
use crate::options::{Quirk, Quirks};
use crate::uuid;

/// One read of one object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) quirks: &'a Quirks,
    /// Differs from read to read.
    pub(crate) seed: u64,
    /// The id of what is read.
    pub(crate) id: &'a str,
}

impl Reading<'_> {
    /// Whether the quirk is on, and strikes this read at this place.
    pub(crate) fn strikes(&self, quirk: Quirk, place: &str) -> bool {
        self.quirks.has(quirk) && uuid::mix(self.seed ^ uuid::hash(place)) & 1 == 1
    }
}

pub(crate) fn show(
    fields: &[Field],
    kept: &Map<String, Value>,
    reading: Reading<'_>,
) -> Map<String, Value> {
    let mut shown = Map::new();
    for field in fields.iter().filter(|field| is_shown(field, kept, reading)) {
        let value = match kept.get(field.name) {
            Some(value) if !value.is_null() => Some(show_value(field, value, reading)),
            _ => show_unset(field, reading),
        };
        shown.extend(value.map(|value| (field.name.to_owned(), value)));
    }
    let unknown = kept.iter().filter(|(name, _)| fields.iter().all(|field| field.name != *name));
    shown.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
    shown
}

fn is_shown(field: &Field, kept: &Map<String, Value>, reading: Reading<'_>) -> bool {
    let omitted =
        field.quirk == Some(Quirk::OmittedBooleans) && reading.quirks.has(Quirk::OmittedBooleans);
    let hidden = match field.echo {
        Echo::Shown => false,
        Echo::Secret | Echo::Hidden => true,
        Echo::HiddenWhen(other, value) => kept.get(other).is_some_and(|given| given == value),
    };
    field.patch != Patch::Only && !omitted && !hidden
}

fn show_value(field: &Field, value: &Value, reading: Reading<'_>) -> Value {
    let mut value = match (field.shape, value) {
        (Shape::Object(fields), Value::Object(object)) => {
            Value::Object(show(fields, object, reading))
        }
        (Shape::Objects(fields, _), Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_object)
            .map(|item| show(fields, item, reading))
            .collect(),
        _ => value.clone(),
    };
    if let Some(quirk) = field.quirk {
        distort(quirk, field.name, &mut value, reading);
    }
    value
}

fn distort(quirk: Quirk, place: &str, value: &mut Value, reading: Reading<'_>) {
    match (quirk, value) {
        (Quirk::ShuffledLists, Value::Array(items)) if reading.quirks.has(quirk) => {
            shuffle(items, reading.seed);
        }
        (Quirk::EngineParentheses, Value::String(engine)) if reading.strikes(quirk, place) => {
            engine.push_str("()");
        }
        (Quirk::BaseTypes, Value::String(flavour)) if reading.quirks.has(quirk) => {
            *flavour = base_type(flavour).to_owned();
        }
        (Quirk::NullLists, value) if *value == json!([]) => {
            *value = if reading.quirks.has(quirk) { Value::Null } else { json!([]) };
        }
        _ => {}
    }
}

/// A shuffle that depends on the seed alone.
fn shuffle(items: &mut [Value], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = uuid::mix(state);
        let other = state % (last as u64 + 1);
        items.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

fn base_type(flavour: &str) -> &str {
    match flavour {
        "mariadb" | "rdsmariadb" => "mariadb",
        "mysql" | "rdsmysql" | "auroramysql" => "mysql",
        _ => "postgres",
    }
}

fn show_unset(field: &Field, reading: Reading<'_>) -> Option<Value> {
    let value = match field.unset {
        Unset::Absent => return None,
        Unset::Null => Value::Null,
        Unset::EmptyText => json!(""),
        Unset::EmptyList => json!([]),
        Unset::False => json!(false),
        Unset::True => json!(true),
        Unset::Integer(number) => json!(number),
        Unset::Text(text) => json!(text),
        Unset::ConsumerGroup => json!(format!("clickpipes-{}", reading.id)),
        Unset::ServerId => json!(uuid::hash(reading.id) % 4_294_967_295 + 1),
    };
    Some(match field.quirk {
        Some(Quirk::NullLists) if reading.quirks.has(Quirk::NullLists) => Value::Null,
        Some(Quirk::NullLists) => json!([]),
        _ => value,
    })
}
