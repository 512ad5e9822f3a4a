//! Checks a body against the rows: names, types, enums, ranges and required fields.
//!
//! A message contains the path and never the value, which may be a secret in the wrong field.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::field_spec::{FieldSpec, JsonType, KnownSchema, PatchSupport, ReadVisibility};
use crate::api_rule::{ApiRule, RuleEvidence};
use crate::http_types::ApiRefusal;
use crate::options::{SandboxOptions, UnknownFields};
use crate::uuid;

#[derive(Debug)]
pub(crate) struct Complaints {
    messages: Vec<String>,
    evidence: BTreeSet<RuleEvidence>,
    options: SandboxOptions,
    /// Whether the source at hand logs in by a word that the contract does not know.
    pub(crate) has_newer_login: bool,
}

impl Complaints {
    pub(crate) fn new(options: &SandboxOptions) -> Self {
        Self { messages: Vec::new(), evidence: BTreeSet::new(), options: options.clone(), has_newer_login: false }
    }

    /// A broken rule between fields.
    pub(crate) fn refuse(&mut self, rule: ApiRule, path: &str, text: impl AsRef<str>) {
        self.refuse_in_words(rule, &format!("{path}: {}", text.as_ref()));
    }

    /// A name, a type, a word or a range that the schema does not have.
    pub(crate) fn add(&mut self, path: &str, text: impl AsRef<str>) {
        self.add_message(RuleEvidence::Schema, &format!("{path}: {}", text.as_ref()));
    }

    pub(crate) fn add_unknown_field(&mut self, path: &str) {
        self.add_message(RuleEvidence::Ours, &format!("{path}: unknown field (the sandbox refuses these)"));
    }

    /// A broken rule, in words of the API that name no path.
    pub(crate) fn refuse_in_words(&mut self, rule: ApiRule, text: &str) {
        if rule.applies(&self.options) && !(self.has_newer_login && rule.depends_on_login()) {
            self.add_message(rule.evidence(), text);
        }
    }

    pub(crate) fn add_message(&mut self, evidence: RuleEvidence, text: &str) {
        self.messages.push(text.to_owned());
        self.evidence.insert(evidence);
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.messages.extend(other.messages);
        self.evidence.extend(other.evidence);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    // One refusal for all complaints: a client shows every mistake after one request.
    pub(crate) fn into_refusal(self) -> ApiRefusal {
        ApiRefusal { evidence: self.evidence, ..ApiRefusal::bad_request(self.messages.join("; ")) }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyContext {
    pub(crate) kind: BodyKind,
    unknown: UnknownFields,
    is_secret: bool,
    has_newer_fields: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Create,
    Patch,
}

impl BodyContext {
    pub(crate) fn for_create(options: &SandboxOptions) -> Self {
        let (unknown, has_newer_fields) = (options.unknown_fields, options.newer_fields);
        Self { kind: BodyKind::Create, unknown, is_secret: false, has_newer_fields }
    }

    pub(crate) fn for_patch(options: &SandboxOptions) -> Self {
        Self { kind: BodyKind::Patch, ..Self::for_create(options) }
    }

    fn nested_in(self, field: &FieldSpec) -> Self {
        match (field.visibility, field.json_type) {
            // Complete also in a PATCH: half of a credential was refused (seen live).
            (ReadVisibility::Secret, _) => Self { kind: BodyKind::Create, is_secret: true, ..self },
            // A PATCH replaces a list as a whole, so its entries are complete.
            (_, JsonType::Objects(..)) => Self { kind: BodyKind::Create, ..self },
            _ => self,
        }
    }

    fn accepts_unknown_field(self, name: &str) -> bool {
        // In a secret, `fromEnv` and its kin are a reference that a client forgot to resolve, and `version` is for git.
        let is_of_manifest = self.is_secret && (name == "version" || name.starts_with("from"));
        self.unknown == UnknownFields::Accept && !is_of_manifest
    }
}

pub(crate) fn validate_object(
    complaints: &mut Complaints,
    parent: &str,
    fields: &[FieldSpec],
    object: &Map<String, Value>,
    context: BodyContext,
) {
    for (name, value) in object {
        let path = join_path(parent, name);
        let is_known = |field: &&FieldSpec| {
            field.name == name && (context.has_newer_fields || field.schema == KnownSchema::July2026)
        };
        match fields.iter().find(is_known) {
            Some(field) => validate_field(complaints, &path, field, value, context),
            // Whether the API refuses unknown fields is not proven. By default the sandbox does, so that a typo shows.
            None if context.accepts_unknown_field(name) => {}
            None => complaints.add_unknown_field(&path),
        }
    }
    if context.kind == BodyKind::Create {
        let missing = |field: &&FieldSpec| field.required && object.get(field.name).is_none();
        for field in fields.iter().filter(missing) {
            let path = join_path(parent, field.name);
            complaints.add(&path, "'undefined' is not accepted, a value is required");
        }
    }
}

fn validate_field(complaints: &mut Complaints, path: &str, field: &FieldSpec, value: &Value, context: BodyContext) {
    match (context.kind, field.patch_support) {
        (BodyKind::Create, PatchSupport::PatchOnly) => {
            complaints.add(path, "unknown field (it belongs into a PATCH)");
        }
        // Not checked, because it has no effect.
        (BodyKind::Patch, PatchSupport::Ignored) => {}
        // The PATCH schema marks fields as nullable that a create requires, so null is not a wrong type here.
        (BodyKind::Patch, _) if value.is_null() => {}
        (BodyKind::Create, _) if value.is_null() && field.nullable => {}
        _ => {
            let shape = field.type_in(context.has_newer_fields);
            validate_value(complaints, path, shape, value, context.nested_in(field));
        }
    }
}

fn validate_value(complaints: &mut Complaints, path: &str, shape: JsonType, value: &Value, context: BodyContext) {
    match (shape, value) {
        (JsonType::Anything, _) | (JsonType::Bool, Value::Bool(_)) => {}
        (JsonType::Text { min, max }, Value::String(text)) => {
            validate_length(complaints, path, text.chars().count(), min, max);
        }
        (JsonType::OneOf(names), Value::String(text)) if names.contains(&text.as_str()) => {}
        (JsonType::OneOf(_), Value::String(_)) if context.unknown == UnknownFields::Accept => {}
        (JsonType::OneOf(names), _) => {
            complaints.add(path, format!("must be one of {}", names.join(", ")));
        }
        (JsonType::Integer { min, max }, Value::Number(number)) => {
            validate_integer(complaints, path, number.as_i64(), min, max);
        }
        (JsonType::Number { min, max }, Value::Number(number)) => {
            validate_number(complaints, path, number.as_f64().unwrap_or(f64::NAN), min, max);
        }
        (JsonType::Object(fields), Value::Object(object)) => {
            validate_object(complaints, path, fields, object, context);
        }
        (JsonType::Objects(fields, least), Value::Array(items)) => {
            validate_object_list(complaints, path, fields, least, items, context);
        }
        (JsonType::Texts | JsonType::DistinctTexts | JsonType::Uuids, Value::Array(items)) => {
            validate_text_list(complaints, path, shape, items);
        }
        _ => complaints.add(path, format!("must be {}", describe_type(shape))),
    }
}

fn validate_length(complaints: &mut Complaints, path: &str, length: usize, min: usize, max: usize) {
    if length < min {
        complaints.add(path, "'' is empty");
    }
    if length > max {
        complaints.add(path, format!("must have at most {max} characters"));
    }
}

fn validate_integer(complaints: &mut Complaints, path: &str, given: Option<i64>, min: i64, max: i64) {
    match given {
        None => complaints.add(path, "must be an integer"),
        Some(number) if (min..=max).contains(&number) => {}
        // Both texts are the API's (seen live), and so are `'undefined'` and `array length < minLength`.
        Some(_) if max == i64::MAX => complaints.add(path, format!("Value must be >= {min}")),
        Some(_) => complaints.add(path, format!("Not between {min} and {max}")),
    }
}

fn validate_number(complaints: &mut Complaints, path: &str, given: f64, min: f64, max: f64) {
    match given {
        number if (min..=max).contains(&number) => {}
        _ if max.is_infinite() => complaints.add(path, format!("Value must be >= {min}")),
        _ => complaints.add(path, format!("Not between {min} and {max}")),
    }
}

fn validate_object_list(
    complaints: &mut Complaints,
    path: &str,
    fields: &'static [FieldSpec],
    least: usize,
    items: &[Value],
    context: BodyContext,
) {
    if items.len() < least {
        let name = path.rsplit('.').next().unwrap_or(path);
        complaints.add(path, format!("{name} array length < minLength {least}"));
    }
    for (index, item) in items.iter().enumerate() {
        validate_value(complaints, &format!("{path}[{index}]"), JsonType::Object(fields), item, context);
    }
}

fn validate_text_list(complaints: &mut Complaints, path: &str, shape: JsonType, items: &[Value]) {
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match item.as_str() {
            None => complaints.add(&path, "must be a string"),
            Some("") => complaints.add(&path, "'' is empty"),
            Some(text) if matches!(shape, JsonType::Uuids) && !uuid::is_uuid(text) => {
                complaints.add(&path, "must be a UUID");
            }
            Some(_) if matches!(shape, JsonType::DistinctTexts) && items[..index].contains(item) => {
                complaints.add(&path, "is given twice");
            }
            Some(_) => {}
        }
    }
}

fn describe_type(shape: JsonType) -> &'static str {
    match shape {
        JsonType::Text { .. } | JsonType::OneOf(_) => "a string",
        JsonType::Bool => "a boolean",
        JsonType::Integer { .. } => "an integer",
        JsonType::Number { .. } => "a number",
        JsonType::Texts | JsonType::DistinctTexts => "an array of strings",
        JsonType::Uuids => "an array of UUIDs",
        JsonType::Object(_) => "an object",
        JsonType::Objects(..) => "an array of objects",
        JsonType::Anything => "present",
    }
}

pub(crate) fn join_path(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}
