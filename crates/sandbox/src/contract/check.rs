//! Checks a body against the rows: names, types, enums, ranges, what is required.
//!
//! A message names the path and never the value, which may be a secret put in the wrong place.

use serde_json::{Map, Value};

use super::row::{Echo, Field, Patch, Shape};
use crate::options::UnknownFields;
use crate::uuid;

/// What is wrong with a body, one message each.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Vec<String>);

impl Complaints {
    pub(crate) fn say(&mut self, at: &str, text: impl AsRef<str>) {
        self.0.push(format!("{at}: {}", text.as_ref()));
    }

    /// A message of the API that names no path.
    pub(crate) fn quote(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }

    pub(crate) fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn none(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_text(self) -> String {
        self.0.join("; ")
    }
}

/// Which rows count, and what is done with a name that has none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    pub(crate) mode: Mode,
    pub(crate) unknown: UnknownFields,
}

/// The kind of body that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Create,
    Patch,
}

impl Context {
    pub(crate) fn create(unknown: UnknownFields) -> Self {
        Self { mode: Mode::Create, unknown }
    }

    pub(crate) fn patch(unknown: UnknownFields) -> Self {
        Self { mode: Mode::Patch, unknown }
    }

    /// A secret is always given whole, and takes no field that the contract does not know.
    fn within(self, field: &Field) -> Self {
        match (field.echo, field.shape) {
            (Echo::Secret, _) => Self::create(UnknownFields::Refuse),
            (_, Shape::Objects(..)) => Self { mode: Mode::Create, ..self },
            _ => self,
        }
    }
}

pub(crate) fn check_object(
    complaints: &mut Complaints,
    at: &str,
    fields: &[Field],
    object: &Map<String, Value>,
    context: Context,
) {
    for (name, value) in object {
        let path = join(at, name);
        match fields.iter().find(|field| field.name == name) {
            Some(field) => check_given(complaints, &path, field, value, context),
            None if context.unknown == UnknownFields::Accept => {}
            None => complaints.say(&path, "unknown field (the sandbox refuses these)"),
        }
    }
    if context.mode == Mode::Create {
        let missing = |field: &&Field| field.required && object.get(field.name).is_none();
        for field in fields.iter().filter(missing) {
            let path = join(at, field.name);
            complaints.say(&path, "'undefined' is not accepted, a value is required");
        }
    }
}

fn check_given(
    complaints: &mut Complaints,
    path: &str,
    field: &Field,
    value: &Value,
    context: Context,
) {
    match (context.mode, field.patch) {
        (Mode::Create, Patch::Only) => {
            complaints.say(path, "unknown field (it belongs into a PATCH)");
        }
        (Mode::Patch, Patch::Ignored) => {}
        (Mode::Patch, _) if value.is_null() => {}
        (Mode::Create, _) if value.is_null() && field.nullable => {}
        _ => check_value(complaints, path, field.shape, value, context.within(field)),
    }
}

fn check_value(
    complaints: &mut Complaints,
    path: &str,
    shape: Shape,
    value: &Value,
    context: Context,
) {
    match (shape, value) {
        (Shape::Anything, _) | (Shape::Bool, Value::Bool(_)) => {}
        (Shape::Text { min, max }, Value::String(text)) => {
            check_length(complaints, path, text.chars().count(), min, max);
        }
        (Shape::OneOf(names), Value::String(text)) if names.contains(&text.as_str()) => {}
        (Shape::OneOf(names), _) => {
            complaints.say(path, format!("must be one of {}", names.join(", ")));
        }
        (Shape::Integer { min, max }, Value::Number(number)) => {
            check_integer(complaints, path, number.as_i64(), min, max);
        }
        (Shape::Number { min, max }, Value::Number(number)) => {
            check_number(complaints, path, number.as_f64().unwrap_or(f64::NAN), min, max);
        }
        (Shape::Object(fields), Value::Object(object)) => {
            check_object(complaints, path, fields, object, context);
        }
        (Shape::Objects(fields, least), Value::Array(items)) => {
            check_objects(complaints, path, fields, least, items, context);
        }
        (Shape::Texts | Shape::DistinctTexts | Shape::Uuids, Value::Array(items)) => {
            check_texts(complaints, path, shape, items);
        }
        _ => complaints.say(path, format!("must be {}", noun(shape))),
    }
}

fn check_length(complaints: &mut Complaints, path: &str, length: usize, min: usize, max: usize) {
    if length < min {
        complaints.say(path, "'' is empty");
    }
    if length > max {
        complaints.say(path, format!("must have at most {max} characters"));
    }
}

/// Ranges are worded as the API words them.
fn check_integer(complaints: &mut Complaints, path: &str, given: Option<i64>, min: i64, max: i64) {
    match given {
        None => complaints.say(path, "must be an integer"),
        Some(number) if (min..=max).contains(&number) => {}
        Some(_) if max == i64::MAX => complaints.say(path, format!("Value must be >= {min}")),
        Some(_) => complaints.say(path, format!("Not between {min} and {max}")),
    }
}

fn check_number(complaints: &mut Complaints, path: &str, given: f64, min: f64, max: f64) {
    match given {
        number if (min..=max).contains(&number) => {}
        _ if max.is_infinite() => complaints.say(path, format!("Value must be >= {min}")),
        _ => complaints.say(path, format!("Not between {min} and {max}")),
    }
}

fn check_objects(
    complaints: &mut Complaints,
    path: &str,
    fields: &'static [Field],
    least: usize,
    items: &[Value],
    context: Context,
) {
    if items.len() < least {
        let name = path.rsplit('.').next().unwrap_or(path);
        complaints.say(path, format!("{name} array length < minLength {least}"));
    }
    for (index, item) in items.iter().enumerate() {
        check_value(complaints, &format!("{path}[{index}]"), Shape::Object(fields), item, context);
    }
}

fn check_texts(complaints: &mut Complaints, path: &str, shape: Shape, items: &[Value]) {
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match item.as_str() {
            None => complaints.say(&path, "must be a string"),
            Some("") => complaints.say(&path, "'' is empty"),
            Some(text) if matches!(shape, Shape::Uuids) && !uuid::is_uuid(text) => {
                complaints.say(&path, "must be a UUID");
            }
            Some(_) if matches!(shape, Shape::DistinctTexts) && items[..index].contains(item) => {
                complaints.say(&path, "is given twice");
            }
            Some(_) => {}
        }
    }
}

fn noun(shape: Shape) -> &'static str {
    match shape {
        Shape::Text { .. } | Shape::OneOf(_) => "a string",
        Shape::Bool => "a boolean",
        Shape::Integer { .. } => "an integer",
        Shape::Number { .. } => "a number",
        Shape::Texts | Shape::DistinctTexts => "an array of strings",
        Shape::Uuids => "an array of UUIDs",
        Shape::Object(_) => "an object",
        Shape::Objects(..) => "an array of objects",
        Shape::Anything => "present",
    }
}

pub(crate) fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}
