//! Refuses secrets that are written where the schema expects none: under `additional`, in an address, in the place of a
//! variable's name.

use serde_json::Value;

use super::Problem;
use super::additional_fields::is_name_character;
use crate::secrets::forms::SecretForm;
use crate::secrets::literal_reference::{is_place_of_secret, is_secret_reference_literal, secret_arguments};
use crate::secrets::names::{
    is_about_secret, is_made_of_words, is_secret_group_name, is_secret_number_name, is_secret_part_name,
    is_secret_value_name,
};
use model::diagnostic::Severity;
use model::path::{FieldPath, VisitedPath};
use model::schema_validator::{FieldNode, code};
use model::secret::{SecretSource, is_secret_reference, is_secret_source_key};

pub(super) const CODE: &str = code::LITERAL_SECRET;

/// The literal secrets of a document with known values, except those in secret fields: the schema validation reports
/// these.
pub(super) fn find_problems(fields: &FieldNode, document: &Value) -> Vec<Problem> {
    let mut search = SecretSearch { is_shared: false, problems: Vec::new() };
    search.visit_value(Surroundings::Known(fields), document, &VisitedPath::root());
    search.problems
}

/// The literal secrets of a part that manifests share, such as the `spec` of a template. A text with `${…}` is judged in
/// each manifest.
pub(crate) fn find_in_shared_part(fields: &FieldNode, part: &Value) -> Vec<Problem> {
    let mut search = SecretSearch { is_shared: true, problems: Vec::new() };
    search.visit_value(Surroundings::Known(fields), part, &VisitedPath::root());
    search.problems
}

/// The literal secrets among values without a schema, such as those under `with`. Values whose names are in
/// `references` are the names of variables and files.
pub(crate) fn find_in_named_values(values: &Value, at: &FieldPath, references: &dyn Fn(&str) -> bool) -> Vec<Problem> {
    let mut search = SecretSearch { is_shared: true, problems: Vec::new() };
    let start = VisitedPath::below(at);
    for (name, value) in values.as_object().into_iter().flatten().filter(|(name, _)| !references(name)) {
        search.visit_value(Surroundings::PLAIN.of_unknown(name, value), value, &start.key(name));
    }
    search.problems
}

/// The known context of a value.
#[derive(Clone, Copy)]
enum Surroundings<'n> {
    Known(&'n FieldNode),
    /// A field that the schema does not have, or a key of the user's.
    Unknown {
        holds_secret: bool,
        /// Its name is that of a number or a text: `pin: 1234` is not a secret, `password: 1234` is one.
        holds_number: bool,
        /// It is among secrets, and is one unless it looks like a name.
        is_in_group: bool,
    },
}

impl Surroundings<'_> {
    const PLAIN: Self = Self::Unknown { holds_secret: false, holds_number: false, is_in_group: false };

    /// The context of an unknown field in such an object.
    fn of_unknown(self, name: &str, value: &Value) -> Self {
        let (is_in_secret, is_in_group) = match self {
            Self::Known(_) => (false, false),
            Self::Unknown { holds_secret, is_in_group, .. } => (holds_secret, is_in_group),
        };
        // Each entry of `passwords: […]` is one. `tokens: 100` is a count.
        let each = if value.is_array() { name.trim_end_matches('s') } else { name };
        Self::Unknown {
            holds_secret: is_secret_value_name(each) || is_in_secret && is_secret_part_name(each),
            holds_number: is_secret_number_name(each),
            is_in_group: !is_about_secret(name) && (is_in_group || is_secret_group_name(name)),
        }
    }

    fn of_field(self, name: &str, value: &Value) -> Self {
        match self {
            Self::Known(node) => node.child_field(name).or(node.map_value()).map_or(Self::PLAIN, Self::Known),
            Self::Unknown { .. } => self.of_unknown(name, value),
        }
    }

    fn of_item(self) -> Self {
        match self {
            Self::Known(node) => node.list_item().map_or(Self::PLAIN, Self::Known),
            Self::Unknown { .. } => self,
        }
    }
}

struct SecretSearch {
    /// Whether texts may still contain `${…}`.
    is_shared: bool,
    problems: Vec<Problem>,
}

impl SecretSearch {
    fn visit_value(&mut self, around: Surroundings<'_>, value: &Value, at: &VisitedPath<'_>) {
        match value {
            Value::Object(fields) if is_secret_reference(value) => {
                let open = |field: &Value| field.as_str().is_some_and(|text| text.contains("${"));
                let is_open = self.is_shared && fields.values().any(open);
                if !is_open && is_secret_reference_literal(value) {
                    let key = fields.keys().find(|key| is_secret_source_key(key)).map_or("", String::as_str);
                    let at = at.key(key);
                    match SecretSource::from_reference(value) {
                        // Each of them is hidden where its line is quoted.
                        Some(SecretSource::Command(words)) => {
                            let places = secret_arguments(&words).into_iter();
                            let problems = places.map(|index| secret_argument(at.index(index).to_field_path()));
                            self.problems.extend(problems);
                        }
                        _ => self.problems.push(misplaced_in_reference(at.to_field_path())),
                    }
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    match around {
                        Surroundings::Known(node) if node.additional_field() == Some(name) => {
                            self.visit_additional(node, value, &at.key(name));
                        }
                        Surroundings::Known(node) if node.map_value().is_some() && is_secret_label(name, value) => {
                            self.problems.push(secret_label(at.key(name).to_field_path()));
                        }
                        Surroundings::Unknown { is_in_group, .. } if name == "value" && is_secret_pair(fields) => {
                            let pair = Surroundings::Unknown { holds_secret: true, holds_number: false, is_in_group };
                            self.visit_value(pair, value, &at.key(name));
                        }
                        Surroundings::Unknown { holds_secret, is_in_group, .. }
                            if (holds_secret || is_in_group) && is_key_a_secret(name, value) =>
                        {
                            self.problems.push(secret_as_key(at.key(name).to_field_path()));
                        }
                        _ => self.visit_value(around.of_field(name, value), value, &at.key(name)),
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit_value(around.of_item(), item, &at.index(index));
                }
            }
            Value::String(text) => self.visit_text(around, text, at),
            Value::Number(_) => {
                if let Surroundings::Unknown { holds_secret: true, holds_number: true, .. } = around {
                    self.problems.push(unexpected_secret(at.to_field_path()));
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The fields of an object under `additional`. A known one among them may contain unknown ones.
    fn visit_additional(&mut self, node: &FieldNode, extra: &Value, at: &VisitedPath<'_>) {
        for (name, value) in extra.as_object().into_iter().flatten() {
            match node.child_field(name) {
                Some(known) if known.has_child_fields() => self.visit_additional(known, value, &at.key(name)),
                _ => self.visit_value(Surroundings::PLAIN.of_unknown(name, value), value, &at.key(name)),
            }
        }
    }

    fn visit_text(&mut self, around: Surroundings<'_>, text: &str, at: &VisitedPath<'_>) {
        if text.is_empty() || self.is_shared && text.contains("${") {
            return;
        }
        match around {
            // The schema reports it.
            Surroundings::Known(node) if node.is_secret() => {}
            Surroundings::Unknown { holds_secret: true, .. } => {
                self.problems.push(unexpected_secret(at.to_field_path()));
            }
            Surroundings::Unknown { is_in_group: true, .. } if !is_name(text, LONGEST_MIXED_ENTRY) => {
                self.problems.push(unexpected_secret(at.to_field_path()));
            }
            // `sasl.password=…`
            Surroundings::Unknown { .. } if is_secret_setting(text) => {
                self.problems.push(secret_in_text(SecretForm::ConnectionString, at.to_field_path()));
            }
            _ => {
                let found = SecretForm::of_text(text).map(|form| secret_in_text(form, at.to_field_path()));
                self.problems.extend(found);
            }
        }
    }
}

// The longest parts of digits and letters that are still names: `kafka2024` is one in a label, `hunter2` is none where
// only secrets are expected.
const LONGEST_MIXED_ENTRY: usize = 5;
const LONGEST_MIXED_LABEL: usize = 11;

/// Whether a text is a name, such as that of the place of a secret, and not a secret itself.
fn is_name(text: &str, longest_mixed: usize) -> bool {
    is_place_of_secret(text) || is_made_of_words(text, longest_mixed)
}

/// Whether a label or an annotation is a secret: its name alone is not enough, because of `token: kafka`.
fn is_secret_label(name: &str, value: &Value) -> bool {
    is_secret_value_name(name) && value.as_str().is_some_and(|text| !is_name(text, LONGEST_MIXED_LABEL))
}

/// Whether a text is a single setting with a secret as its value.
fn is_secret_setting(text: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = |name: &str| name.bytes().all(is_name_byte) && is_secret_value_name(name);
    text.trim().split_once('=').is_some_and(|(name, value)| is_name(name.trim_end()) && !value.trim().is_empty())
}

/// Whether a key among secrets may itself be one: `token: {hunter2}`, `token: {fromEnv hunter2}`.
fn is_key_a_secret(name: &str, value: &Value) -> bool {
    let has_value = !value.is_null() || is_about_secret(name) || is_secret_part_name(name);
    !has_value || !name.chars().all(is_name_character)
}

/// Whether an object is a pair of a secret's name and its value: `{name: password, value: …}`.
fn is_secret_pair(fields: &serde_json::Map<String, Value>) -> bool {
    let name = ["name", "key"].iter().find_map(|key| fields.get(*key)?.as_str());
    name.is_some_and(is_secret_value_name)
}

fn unexpected_secret(path: FieldPath) -> Problem {
    let message = "by its name this is a secret, which is written as a reference, never as its value";
    let help =
        "write `{fromEnv: NAME}`, even for a value that is not a secret; a parameter of your own can have another name";
    literal_secret(path, message, help)
}

fn secret_label(path: FieldPath) -> Problem {
    let message = "by its name and its form this is a secret, and labels and annotations are shown";
    literal_secret(path, message, "take it out, or write the name of the secret")
}

fn secret_in_text(form: SecretForm, path: FieldPath) -> Problem {
    let apart = "take it out: the fields for signing in take references such as `{fromEnv: NAME}`";
    let (message, help) = match form {
        SecretForm::PrivateKey => (
            "the text contains a private key",
            "keep the `CERTIFICATE` blocks only; a key goes into a field that takes a reference such as `{fromEnv: NAME}`",
        ),
        SecretForm::Login => ("the address contains the password or the token of a login", apart),
        SecretForm::Signature => ("the address contains a signature or a token", apart),
        SecretForm::ConnectionString => ("the text contains the key of a connection string", apart),
        SecretForm::Token => ("the text contains a token", apart),
    };
    literal_secret(path, message, help)
}

fn secret_argument(path: FieldPath) -> Problem {
    let message = "an argument of the program is a secret itself, and plans show the arguments";
    let help = "let the program take it from a file, or from a variable that `policy.secretCommandVariables` of \
                pipectl.yaml lists";
    literal_secret(path, message, help)
}

fn misplaced_in_reference(path: FieldPath) -> Problem {
    let message = "this is not the name of a place that holds a secret, so it may be the secret itself";
    let help = "write the name of a variable (letters, digits, `_`, `-` and `.`), the path of a file, or a list of a \
                program and its arguments";
    literal_secret(path, message, help)
}

/// A key such as `password hunter2`, whose author forgot the colon.
pub(super) fn secret_in_key(path: FieldPath) -> Problem {
    let message = "the key is the name of a secret and more, which may be the secret itself";
    literal_secret(path, message, REFERENCE_WITH_COLON)
}

const REFERENCE_WITH_COLON: &str = "write the name, a colon, and a reference such as `{fromEnv: NAME}`";

fn secret_as_key(path: FieldPath) -> Problem {
    let message = "a key that is not a name or has no value, below the name of a secret, may be the secret itself";
    literal_secret(path, message, REFERENCE_WITH_COLON)
}

fn literal_secret(path: FieldPath, message: &str, help: &str) -> Problem {
    Problem {
        code: CODE,
        severity: Severity::Error,
        evidence: None,
        path,
        message: message.to_owned(),
        help: Some(format!("{help}; if the file left this machine, change the secret")),
        is_idle: false,
    }
}
