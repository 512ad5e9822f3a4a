//! Checks the fields under `additional`, and those in preview.

use serde_json::{Map, Value};

use super::Problem;
use super::literal_secrets::secret_in_key;
use crate::additional_fields::CREATE_ONLY;
use crate::local_fields::strip_object;
use crate::secrets::names::has_secret_name;
use model::annotations;
use model::diagnostic::Severity;
use model::path::{FieldPath, VisitedPath};
use model::schema_validator::FieldNode;

/// A known field is under `additional`.
pub(crate) const KNOWN_ADDITIONAL_FIELD: &str = "known-additional-field";

struct AdditionalFieldIssue {
    code: &'static str,
    severity: Severity,
}

const UNCHECKED_FIELD: AdditionalFieldIssue =
    AdditionalFieldIssue { code: "unchecked-field", severity: Severity::Warning };
const UNCHECKED_VALUE: AdditionalFieldIssue =
    AdditionalFieldIssue { code: "unchecked-value", severity: Severity::Warning };
const KNOWN_FIELD: AdditionalFieldIssue =
    AdditionalFieldIssue { code: KNOWN_ADDITIONAL_FIELD, severity: Severity::Error };
const PREVIEW_FIELD: AdditionalFieldIssue = AdditionalFieldIssue { code: "preview-field", severity: Severity::Warning };

const UNKNOWN_MARK: AdditionalFieldIssue = AdditionalFieldIssue { code: "additional-mark", severity: Severity::Error };

pub(super) const CODES: [&str; 5] =
    [UNCHECKED_FIELD.code, UNCHECKED_VALUE.code, KNOWN_FIELD.code, UNKNOWN_MARK.code, PREVIEW_FIELD.code];

/// A warning for each unknown field, and an error for each known one.
// A known field under `additional` would bypass its checks, and its rules for comparing and replacing. A
// new word of a known field is allowed: the API gets new words faster than pipectl.
pub(super) fn find_problems(fields: &FieldNode, document: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    visit_fields(fields, document, &VisitedPath::root(), &mut problems);
    problems
}

fn visit_fields(node: &FieldNode, value: &Value, at: &VisitedPath<'_>, problems: &mut Vec<Problem>) {
    match (value, node.list_item()) {
        (Value::Object(fields), _) => visit_object(node, fields, at, problems),
        (Value::Array(items), Some(item)) => {
            for (index, value) in items.iter().enumerate() {
                visit_fields(item, value, &at.index(index), problems);
            }
        }
        _ => {}
    }
}

fn visit_object(node: &FieldNode, fields: &Map<String, Value>, at: &VisitedPath<'_>, problems: &mut Vec<Problem>) {
    for (name, value) in fields {
        let Some(field) = node.child_field(name) else { continue };
        if field.has_keyword(annotations::PREVIEW) {
            problems.push(preview_field_problem(name, at.key(name).to_field_path()));
        }
        match value {
            Value::Object(extra) if field.has_keyword(annotations::ADDITIONAL) => {
                check_additional(node, extra, fields, &at.key(name).to_field_path(), problems);
            }
            Value::Array(marked) if field.has_keyword(annotations::ADDITIONAL_MARK) => {
                let mark = field.keyword_value(annotations::ADDITIONAL_MARK).and_then(Value::as_str);
                let at = at.key(name).to_field_path();
                check_marks(node, fields, marked, mark == Some(CREATE_ONLY), &at, problems);
            }
            Value::Object(_) | Value::Array(_) => visit_fields(field, value, &at.key(name), problems),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A mark on a known field would be ignored, and one without a field is a misspelt name.
fn check_marks(
    node: &FieldNode,
    fields: &Map<String, Value>,
    marked: &[Value],
    is_create_only: bool,
    at: &FieldPath,
    problems: &mut Vec<Problem>,
) {
    let mut body = fields.clone();
    strip_object(node, &mut body);
    let body = Value::Object(body);
    for (index, mark) in marked.iter().enumerate() {
        let Some(text) = mark.as_str() else { continue };
        let path = FieldPath::parse(text);
        let (message, help) = if node.node_at(&path).is_some() || !leads_somewhere(&body, path.segments()) {
            let help = "write its path from the object around `additional`, with `*` for the entries of a list";
            (format!("`{text}` is not a field under `additional`"), help)
        } else if is_create_only && is_in_list_entry(at, &path) {
            let message =
                format!("`{text}` is in an entry of a list, and a change of an entry never replaces the object");
            (message, "mark the whole list if it is under `additional`, or remove the mark")
        } else {
            continue;
        };
        problems.push(Problem { help: Some(help.to_owned()), ..UNKNOWN_MARK.problem_at(at.child(index), message) });
    }
}

/// Whether `path`, from the object at `at`, goes through a list. Most lists are compared as a whole, and their entries
/// have no identity: an entry with another value cannot be distinguished from a new entry.
fn is_in_list_entry(at: &FieldPath, path: &FieldPath) -> bool {
    path.segments().iter().any(|it| it == "*") || at.segments().iter().any(|it| it.parse::<usize>().is_ok())
}

fn leads_somewhere(value: &Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match value {
        Value::Array(items) if first == "*" => items.iter().any(|item| leads_somewhere(item, rest)),
        _ => value.get(first).is_some_and(|below| leads_somewhere(below, rest)),
    }
}

/// `beside` contains the fields in their own places.
fn check_additional(
    node: &FieldNode,
    extra: &Map<String, Value>,
    beside: &Map<String, Value>,
    at: &FieldPath,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in extra {
        let path = at.child(name);
        let own = beside.get(name);
        match (node.child_field(name), value) {
            // Many readers of JSON take a key in any case, so a host or a switch would hide under another one.
            (None, _) if node.child_fields().any(|(known, _)| known.eq_ignore_ascii_case(name)) => {
                problems.push(known_field_problem(name, path));
            }
            (None, _) if has_secret_name(name) && !name.chars().all(is_name_character) => {
                problems.push(secret_in_key(path));
            }
            (None, _) => problems.push(unchecked_field_problem(name, path)),
            (Some(known), Value::Object(inner)) if known.has_child_fields() => {
                let nothing = Map::new();
                let beside = own.and_then(Value::as_object).unwrap_or(&nothing);
                check_additional(known, inner, beside, &path, problems);
            }
            (Some(known), Value::String(word)) if own.is_none() && known.is_unknown_value(word) => {
                problems.push(unchecked_value_problem(name, word, path));
            }
            (Some(_), _) => problems.push(known_field_problem(name, path)),
        }
    }
}

pub(super) fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$')
}

fn unchecked_field_problem(name: &str, path: FieldPath) -> Problem {
    UNCHECKED_FIELD
        .problem_at(path, format!("`{name}` is not a field that pipectl knows: it is sent and compared as written"))
}

fn preview_field_problem(name: &str, path: FieldPath) -> Problem {
    let message = format!("`{name}` is in preview: it is known from the official Terraform provider only");
    let help = "the API may refuse it, unless ClickHouse has enabled it for the organization";
    Problem { help: Some(help.to_owned()), ..PREVIEW_FIELD.problem_at(path, message) }
}

fn unchecked_value_problem(name: &str, word: &str, path: FieldPath) -> Problem {
    UNCHECKED_VALUE.problem_at(
        path,
        format!(
            "`{word}` is not a value of `{name}` that pipectl knows: it is sent and compared as \
             written"
        ),
    )
}

fn known_field_problem(name: &str, path: FieldPath) -> Problem {
    let message = format!("`{name}` is a field that pipectl knows, and checks in its own place");
    let help = Some(format!("move `{name}` out of `additional`"));
    Problem { help, ..KNOWN_FIELD.problem_at(path, message) }
}

impl AdditionalFieldIssue {
    fn problem_at(&self, path: FieldPath, message: String) -> Problem {
        Problem { code: self.code, severity: self.severity, evidence: None, path, message, help: None, is_idle: false }
    }
}
