//! Secrets in manifests: references, never values.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};

use crate::desired::{Document, Place};
use crate::diagnostic::{Diagnostic, Severity};
use crate::manifest::code::UNRESOLVED_SECRET;
use crate::mark;
use crate::path::Path;
use crate::text::Text;

/// Where a secret is kept. It is read when it is sent, and at no other time.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = exactly_one)]
pub struct SecretReference {
    /// The environment variable that holds it.
    pub from_env: Option<Text>,
    /// The file that holds it. A newline at its end is not part of the secret.
    pub from_file: Option<Text>,
    /// The program that prints it, with its arguments. Works only where the project file allows
    /// commands.
    #[schemars(length(min = 1))]
    pub from_command: Option<Vec<String>>,
    /// Encodes what was read before it is sent. The API wants Google key files so.
    pub encoding: Option<Encoding>,
    /// Raised by one to send a secret again that was changed where it is kept.
    #[schemars(range(min = 1))]
    pub version: Option<i64>,
}

/// How a secret is encoded before it is sent.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the word says it")]
pub enum Encoding {
    Base64,
}

fn exactly_one(schema: &mut Schema) {
    let ways = WAYS.map(|way| json!({"required": [way]}));
    schema.insert("oneOf".to_owned(), json!(ways));
}

/// The keys of which one makes a mapping a reference to a secret.
const WAYS: [&str; 3] = ["fromEnv", "fromFile", "fromCommand"];

/// Where a reference leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way<'r> {
    /// To an environment variable.
    Env(&'r str),
    /// To a file.
    File(&'r str),
    /// To a program and its arguments.
    Command(Vec<&'r str>),
}

impl<'r> Way<'r> {
    /// Reads a reference; `None` where it is none, or not a sound one.
    pub fn of(reference: &'r Value) -> Option<Self> {
        let found = WAYS.iter().find_map(|way| Some((*way, reference.get(way)?)));
        Some(match found? {
            ("fromEnv", name) => Self::Env(name.as_str()?),
            ("fromFile", path) => Self::File(path.as_str()?),
            (_, words) => {
                Self::Command(words.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?)
            }
        })
    }
}

/// As in a manifest.
impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "fromEnv: {name}"),
            Self::File(path) => write!(f, "fromFile: {path}"),
            Self::Command(words) => write!(f, "fromCommand: {}", json!(words)),
        }
    }
}

/// A secret that a body refers to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Referred {
    /// The field that it goes into.
    pub path: Path,
    /// The reference as it is declared.
    pub from: Value,
}

impl fmt::Display for Referred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from ", self.path)?;
        match Way::of(&self.from) {
            Some(Way::Env(name)) => write!(f, "env {name}"),
            Some(Way::File(path)) => write!(f, "file {path}"),
            Some(Way::Command(words)) => write!(f, "command {}", json!(words)),
            None => write!(f, "nowhere"),
        }
    }
}

/// Every secret that `body` refers to, in the order of its fields.
pub fn references(body: &Value) -> Vec<Referred> {
    let mut found = Vec::new();
    gather(body, &Path::root(), &mut found);
    found
}

/// Says that a reference of `document` leads nowhere from here. `text` is that of the file.
pub fn unresolved(document: &Document, referred: &Referred, why: &str, text: &str) -> Diagnostic {
    let place = document.origin.at(&referred.path);
    let way = Way::of(&referred.from).map(|way| format!(" `{way}`")).unwrap_or_default();
    Diagnostic {
        code: UNRESOLVED_SECRET,
        severity: Severity::Error,
        message: format!("the secret{way} cannot be resolved here: {why}"),
        span: rest_of_line(text, &place),
        place,
        path: Path::parse("spec").join(&referred.path),
        also: None,
        help: None,
        replacement: None,
    }
}

fn rest_of_line(text: &str, place: &Place) -> Range<usize> {
    let before = |count: u32| usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(before(place.line)).map(str::len).sum();
    let line = text[start..].lines().next().unwrap_or_default();
    let column = line.char_indices().nth(before(place.column)).map_or(line.len(), |(at, _)| at);
    start + column..start + line.trim_end().len().max(column)
}

fn gather(value: &Value, path: &Path, found: &mut Vec<Referred>) {
    match value {
        Value::Object(_) if is_reference(value) => {
            found.push(Referred { path: path.clone(), from: value.clone() });
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| gather(value, &path.child(name), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| gather(value, &path.child(at), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a value out of a manifest is a reference to a secret.
pub fn is_reference(value: &Value) -> bool {
    WAYS.iter().any(|way| value.get(way).is_some())
}

/// Whether a reference asks for nothing that it did not ask for before. Only a version that is
/// raised does; none is the lowest.
pub(crate) fn asks_same(was: &Value, is: &Value) -> bool {
    let version = |reference: &Value| reference.get(VERSION).and_then(Value::as_i64).unwrap_or(0);
    unversioned(was) == unversioned(is) && version(is) <= version(was)
}

/// The key that is raised to send a secret again.
const VERSION: &str = "version";

fn unversioned(reference: &Value) -> Value {
    let mut rest = reference.clone();
    if let Value::Object(fields) = &mut rest {
        fields.shift_remove(VERSION);
    }
    rest
}

/// A value that is never written into a manifest, shown or logged.
pub struct Secret;

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<SecretReference>();
        schema.insert(mark::SECRET.to_owned(), true.into());
        schema.insert("writeOnly".to_owned(), true.into());
        schema
    }
}

/// A text that may be written down, or kept where secrets are.
pub struct TextOrSecret;

impl JsonSchema for TextOrSecret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TextOrSecret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            generator.subschema_for::<Text>(),
            generator.subschema_for::<SecretReference>(),
        ]})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{asks_same, references};

    #[test]
    fn only_a_raised_version_or_another_way_asks_for_something_new() {
        let versioned = |version: i64| json!({"fromEnv": "P", "version": version});
        let none = json!({"fromEnv": "P"});
        for (was, is, same) in [
            (versioned(2), versioned(3), false),
            (versioned(2), versioned(2), true),
            (versioned(2), versioned(1), true),
            (versioned(2), none.clone(), true),
            (none.clone(), versioned(1), false),
            (none, json!({"fromEnv": "Q"}), false),
            (versioned(2), json!({"fromEnv": "Q", "version": 1}), false),
        ] {
            assert_eq!(asks_same(&was, &is), same, "{was} {is}");
        }
    }

    #[test]
    fn every_reference_is_found_and_told_without_a_value() {
        let body = json!({
            "source": {"kafka": {
                "topics": "t",
                "credentials": {"username": "u", "password": {"fromEnv": "P", "version": 2}},
            }},
            "keys": [{"fromFile": "a.json", "encoding": "base64"}, {"fromCommand": ["pass", "x"]}],
        });
        let told: Vec<String> = references(&body).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "source.kafka.credentials.password from env P",
                "keys.0 from file a.json",
                "keys.1 from command [\"pass\",\"x\"]",
            ]
        );
    }
}
