//! Secrets in manifests: references, never values.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::annotations;
use crate::desired::{Document, Place};
use crate::diagnostic::{Diagnostic, RelatedPlace, Severity};
use crate::path::{FieldPath, VisitedPath};
use crate::schema::OneOfTwo;
use crate::text::NonEmptyText;

/// The place of a secret. It is read only when it is sent.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = exactly_one)]
pub struct SecretReference {
    /// The environment variable that contains it.
    pub from_env: Option<NonEmptyText>,
    /// The file that contains it. A newline at its end is not part of the secret.
    pub from_file: Option<NonEmptyText>,
    /// The program that prints it, with its arguments. Works only where the project file allows
    /// commands.
    #[schemars(length(min = 1))]
    pub from_command: Option<Vec<String>>,
    /// The encoding to apply before it is sent. The API wants Google key files so.
    pub encoding: Option<Encoding>,
    /// Increase it to re-send the secret after a rotation.
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
    // In this form the validator lists the fields of which one is required, instead of guessing a branch.
    let alternatives = SOURCE_KEYS.map(|way| json!({"required": [way]}));
    schema.insert("oneOf".to_owned(), json!(alternatives));
}

/// The reference of a schema to the schema of a reference to a secret.
pub(crate) const REFERENCE_DEFINITION: &str = "#/$defs/SecretReference";

/// Each of these keys makes a mapping a reference to a secret.
const SOURCE_KEYS: [&str; 3] = ["fromEnv", "fromFile", "fromCommand"];

/// A secret that a manifest refers to cannot be resolved.
pub const UNRESOLVED_SECRET: &str = "unresolved-secret";

/// The source of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource<'r> {
    /// The name of an environment variable.
    Env(&'r str),
    /// The path of a file.
    File(&'r str),
    /// A program and its arguments.
    Command(Vec<&'r str>),
}

impl<'r> SecretSource<'r> {
    /// Reads a reference; `None` if the value is not a valid one.
    pub fn from_reference(reference: &'r Value) -> Option<Self> {
        let found = SOURCE_KEYS.iter().find_map(|way| Some((*way, reference.get(way)?)));
        Some(match found? {
            ("fromEnv", name) => Self::Env(name.as_str()?),
            ("fromFile", path) => Self::File(path.as_str()?),
            (_, words) => Self::Command(words.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?),
        })
    }
}

impl SecretSource<'_> {
    /// The secret in a sentence: `PASSWORD`, `file key.json`, `command vault read x`.
    pub fn short_name(&self) -> String {
        match self {
            Self::Env(name) => (*name).to_owned(),
            Self::File(_) => format!("file {}", self.policy_name()),
            Self::Command(_) => format!("command {}", self.policy_name()),
        }
    }

    /// The name that the patterns of `policy.secrets` match.
    pub fn policy_name(&self) -> String {
        match self {
            Self::Env(name) => (*name).to_owned(),
            Self::File(path) => normal_path(path),
            Self::Command(words) => words.join(" "),
        }
    }
}

/// The normalized path of a file: `./a`, `b/../a` and `a` are one secret.
// Hazard: another spelling of a path would bypass a pattern of `policy.secrets`. Links are not resolved here: the
// reader of the file compares them.
pub fn normal_path(path: &str) -> String {
    let mut folded = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(folded.components().next_back(), Some(Component::Normal(_))) => {
                folded.pop();
            }
            // Nothing is above the root.
            Component::ParentDir if folded.has_root() => {}
            _ => folded.push(part),
        }
    }
    folded.display().to_string()
}

/// Prints as in a manifest: `fromEnv: NAME`.
impl fmt::Display for SecretSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "fromEnv: {name}"),
            Self::File(path) => write!(f, "fromFile: {path}"),
            Self::Command(words) => write!(f, "fromCommand: {}", json!(words)),
        }
    }
}

/// A reference to a secret in a body.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReferencedSecret {
    /// The field that receives the secret.
    pub path: FieldPath,
    /// The reference as declared, with its encoding and version.
    pub from: Value,
}

impl fmt::Display for ReferencedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from ", self.path)?;
        match SecretSource::from_reference(&self.from) {
            Some(SecretSource::Env(name)) => write!(f, "env {name}"),
            Some(SecretSource::File(path)) => write!(f, "file {path}"),
            Some(SecretSource::Command(words)) => write!(f, "command {}", json!(words)),
            None => write!(f, "nowhere"),
        }
    }
}

/// All references to secrets in `body`, in the order of its fields.
pub fn find_secret_references(body: &Value) -> Vec<ReferencedSecret> {
    let mut found = Vec::new();
    collect_references(body, &VisitedPath::root(), &mut found);
    found
}

/// The error for a reference that cannot be resolved on this machine. `text` is the text of the
/// manifest file.
pub fn unresolved_secret(document: &Document, secret: &ReferencedSecret, why: &str, text: &str) -> Diagnostic {
    let place = document.origin.field_place(&secret.path);
    let way = SecretSource::from_reference(&secret.from).map(|way| format!(" `{way}`")).unwrap_or_default();
    Diagnostic {
        code: UNRESOLVED_SECRET,
        rule: None,
        address: None,
        severity: Severity::Error,
        evidence: None,
        message: format!("the secret{way} cannot be resolved here: {why}"),
        also: RelatedPlace::of_user(&document.origin, &place),
        span: span_to_line_end(text, &place),
        place,
        path: FieldPath::parse("spec").join(&secret.path),
        help: None,
        replacement: None,
    }
}

/// The bytes from a place to the end of its line.
pub fn span_to_line_end(text: &str, place: &Place) -> Range<usize> {
    let before = |count: u32| usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(before(place.line)).map(str::len).sum();
    let line = text[start..].lines().next().unwrap_or_default();
    let column = line.char_indices().nth(before(place.column)).map_or(line.len(), |(at, _)| at);
    start + column..start + line.trim_end().len().max(column)
}

fn collect_references(value: &Value, path: &VisitedPath<'_>, found: &mut Vec<ReferencedSecret>) {
    match value {
        Value::Object(_) if is_secret_reference(value) => {
            found.push(ReferencedSecret { path: path.to_field_path(), from: value.clone() });
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| collect_references(value, &path.key(name), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| collect_references(value, &path.index(at), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `true` if a value of a manifest is a reference to a secret.
pub fn is_secret_reference(value: &Value) -> bool {
    // Called for every object of every body. It has few keys, and comparing them costs less than four hashes.
    value.as_object().is_some_and(|fields| fields.keys().any(|key| is_secret_source_key(key)))
}

/// `true` for a key that makes its mapping a reference to a secret, such as `fromEnv`.
pub fn is_secret_source_key(key: &str) -> bool {
    SOURCE_KEYS.contains(&key)
}

/// `false` if `is` has another source than `was`, or a higher version. No version is the lowest.
pub fn requests_same_secret(was: &Value, is: &Value) -> bool {
    // The API returns no secret, so only git can say that one changed. A revert in git lowers the version;
    // that is not a rotation, and sends nothing.
    let version = |reference: &Value| reference.get(VERSION_KEY).and_then(Value::as_i64).unwrap_or(0);
    without_version(was) == without_version(is) && version(is) <= version(was)
}

const VERSION_KEY: &str = "version";

fn without_version(reference: &Value) -> Value {
    let mut rest = reference.clone();
    if let Value::Object(fields) = &mut rest {
        fields.shift_remove(VERSION_KEY);
    }
    rest
}

/// The type of a secret field: a manifest contains a reference, never the value.
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
        schema.insert(annotations::SECRET.to_owned(), true.into());
        schema.insert("writeOnly".to_owned(), true.into());
        schema
    }
}

/// The type of a field that takes a text or a reference to a secret, such as a user name.
pub type TextOrSecret = OneOfTwo<NonEmptyText, SecretReference>;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{find_secret_references, normal_path, requests_same_secret};

    #[test]
    fn secret_is_resent_on_raised_version_or_new_source() {
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
            assert_eq!(requests_same_secret(&was, &is), same, "{was} {is}");
        }
    }

    #[test]
    fn every_spelling_of_a_path_is_one_secret() {
        for (path, spellings) in [
            ("rel.key", &["./rel.key", "sub/../rel.key", "a/b/../../rel.key", ".//rel.key", "a/./../rel.key"][..]),
            ("/run/secrets/k", &["/run/x/../secrets/k", "/../run//secrets/./k", "/run/secrets/k/"]),
            ("../rel.key", &["./../rel.key", "a/../../rel.key"]),
        ] {
            for spelling in spellings {
                assert_eq!(normal_path(spelling), path, "{spelling}");
            }
        }
    }

    #[test]
    fn secret_references_are_listed_without_values() {
        let body = json!({
            "source": {"kafka": {
                "topics": "t",
                "credentials": {"username": "u", "password": {"fromEnv": "P", "version": 2}},
            }},
            "keys": [{"fromFile": "a.json", "encoding": "base64"}, {"fromCommand": ["pass", "x"]}],
        });
        let rendered: Vec<String> = find_secret_references(&body).iter().map(ToString::to_string).collect();
        assert_eq!(
            rendered,
            [
                "source.kafka.credentials.password from env P",
                "keys.0 from file a.json",
                "keys.1 from command [\"pass\",\"x\"]",
            ]
        );
    }
}
