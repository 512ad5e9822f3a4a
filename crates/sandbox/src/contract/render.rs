//! Renders a stored object as a read of the API shows it: without secrets, with defaults and quirks.

use serde_json::{Map, Value, json};

use super::field_spec::{FieldSpec, JsonType, KnownSchema, PatchSupport, ReadVisibility, UnsetValue};
use super::respell::respell_value;
use crate::options::SandboxOptions;
use crate::quirks::{Quirk, Quirks};
use crate::uuid;

/// The API's placeholder for a secret.
pub(crate) const MASKED_TEXT: &str = "[REDACTED]";

#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadContext<'a> {
    pub(crate) quirks: &'a Quirks,
    pub(crate) has_newer_fields: bool,
    // Another one for each read: a client that sees two spellings of one value must call them equal.
    pub(crate) read_seed: u64,
    pub(crate) id: &'a str,
}

impl<'a> ReadContext<'a> {
    pub(crate) fn new(options: &'a SandboxOptions, read_seed: u64, id: &'a str) -> Self {
        Self { quirks: &options.quirks, has_newer_fields: options.newer_fields, read_seed, id }
    }

    /// `true` for half of the reads and fields, if the quirk is on.
    pub(crate) fn should_apply_quirk(&self, quirk: Quirk, field_name: &str) -> bool {
        self.quirks.has_quirk(quirk) && uuid::mix_bits(self.read_seed ^ uuid::hash_text(field_name)) & 1 == 1
    }
}

pub(crate) fn render_fields(
    fields: &[FieldSpec],
    kept: &Map<String, Value>,
    reading: ReadContext<'_>,
) -> Map<String, Value> {
    let mut rendered = Map::new();
    for field in fields.iter().filter(|field| is_visible(field, kept, reading)) {
        let value = match kept.get(field.name) {
            Some(value) if !value.is_null() => Some(render_value(field, value, reading)),
            _ => render_unset(field, reading),
        };
        rendered.extend(value.map(|value| (field.name.to_owned(), value)));
    }
    // Fields without a row are returned, as a newer API returns the fields that it knows.
    let unknown = kept.iter().filter(|(name, _)| fields.iter().all(|field| field.name != *name));
    rendered.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
    rendered
}

fn is_visible(field: &FieldSpec, kept: &Map<String, Value>, reading: ReadContext<'_>) -> bool {
    // Some answers omit these fields even if they were set (tests of the official provider).
    let omitted = field.quirk == Some(Quirk::OmittedBooleans) && reading.quirks.has_quirk(Quirk::OmittedBooleans);
    let hidden = match field.visibility {
        ReadVisibility::Visible => false,
        ReadVisibility::Secret | ReadVisibility::Hidden => true,
        ReadVisibility::HiddenWhen(other, value) => kept.get(other).is_some_and(|given| given == value),
    };
    let is_known = reading.has_newer_fields || field.schema == KnownSchema::July2026;
    is_known && field.patch_support != PatchSupport::PatchOnly && !omitted && !hidden
}

fn render_value(field: &FieldSpec, value: &Value, reading: ReadContext<'_>) -> Value {
    let mut value = match (field.json_type, value) {
        (JsonType::Object(fields), Value::Object(object)) => Value::Object(render_fields(fields, object, reading)),
        (JsonType::Objects(fields, _), Value::Array(items)) => {
            items.iter().filter_map(Value::as_object).map(|item| render_fields(fields, item, reading)).collect()
        }
        _ => value.clone(),
    };
    if let Some(quirk) = field.quirk {
        apply_quirk(quirk, field.name, &mut value, reading);
    }
    if let Some(spelling) = field.respelling.filter(|_| reading.quirks.has_quirk(Quirk::RespelledValues)) {
        respell_value(spelling, &mut value);
    }
    value
}

fn apply_quirk(quirk: Quirk, field_name: &str, value: &mut Value, reading: ReadContext<'_>) {
    match (quirk, value) {
        (Quirk::ShuffledLists, Value::Array(items)) if reading.quirks.has_quirk(quirk) => {
            shuffle_items(items, reading.read_seed);
        }
        (Quirk::EngineParentheses, Value::String(engine)) if reading.should_apply_quirk(quirk, field_name) => {
            engine.push_str("()");
        }
        (Quirk::BaseTypes, Value::String(flavour)) if reading.quirks.has_quirk(quirk) => {
            *flavour = base_type(flavour).to_owned();
        }
        (Quirk::MaskedUris, Value::String(uri)) if reading.quirks.has_quirk(quirk) => {
            *uri = masked_uri(uri, reading.read_seed);
        }
        // The schema says a list, and an unset one came back as null (seen live). A client that takes the two for
        // different values plans a change for ever.
        (Quirk::NullLists, value) if *value == json!([]) => {
            *value = if reading.quirks.has_quirk(quirk) { Value::Null } else { json!([]) };
        }
        _ => {}
    }
}

fn shuffle_items(items: &mut [Value], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = uuid::mix_bits(state);
        let other = state % (last as u64 + 1);
        items.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

fn masked_uri(uri: &str, seed: u64) -> String {
    // The newer schema says that a login is masked, and not how. So a read may show any of three forms.
    let form = uuid::mix_bits(seed) % 3;
    let login = uri.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    match login {
        Some((scheme, (_, host))) if form == 0 => format!("{scheme}://{MASKED_TEXT}@{host}"),
        Some((scheme, (user, host))) if form == 1 => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:{MASKED_TEXT}@{host}")
        }
        _ => MASKED_TEXT.to_owned(),
    }
}

fn base_type(flavour: &str) -> &str {
    match flavour {
        "mariadb" | "rdsmariadb" => "mariadb",
        "mysql" | "rdsmysql" | "auroramysql" | "cloudsqlmysql" | "planetscalevitess" => "mysql",
        _ => "postgres",
    }
}

fn render_unset(field: &FieldSpec, reading: ReadContext<'_>) -> Option<Value> {
    let value = match field.unset {
        UnsetValue::Absent => return None,
        UnsetValue::Null => Value::Null,
        UnsetValue::EmptyText => json!(""),
        UnsetValue::EmptyList => json!([]),
        UnsetValue::False => json!(false),
        UnsetValue::True => json!(true),
        UnsetValue::Integer(number) => json!(number),
        UnsetValue::Text(text) => json!(text),
        UnsetValue::ConsumerGroup => json!(format!("clickpipes-{}", reading.id)),
        // From the id of the pipe, so that all reads show the same number.
        UnsetValue::ServerId => json!(uuid::hash_text(reading.id) % 4_294_967_295 + 1),
    };
    Some(match field.quirk {
        Some(Quirk::NullLists) if reading.quirks.has_quirk(Quirk::NullLists) => Value::Null,
        Some(Quirk::NullLists) => json!([]),
        _ => value,
    })
}
