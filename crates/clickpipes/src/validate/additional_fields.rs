//! Checks the fields under `additional`.

use serde_json::{Map, Value};

use super::Problem;
use model::annotations;
use model::diagnostic::Severity;
use model::path::FieldPath;
use model::schema_validator::FieldNode;

struct AdditionalFieldIssue {
    code: &'static str,
    severity: Severity,
}

const UNCHECKED_FIELD: AdditionalFieldIssue =
    AdditionalFieldIssue { code: "unchecked-field", severity: Severity::Warning };
const UNCHECKED_VALUE: AdditionalFieldIssue =
    AdditionalFieldIssue { code: "unchecked-value", severity: Severity::Warning };
const KNOWN_FIELD: AdditionalFieldIssue =
    AdditionalFieldIssue { code: "known-additional-field", severity: Severity::Error };

pub(super) const CODES: [&str; 3] = [UNCHECKED_FIELD.code, UNCHECKED_VALUE.code, KNOWN_FIELD.code];

/// A warning for each unknown field, and an error for each known one.
// A known field under `additional` would bypass its checks, and its rules for comparing and replacing. A
// new word of a known field is allowed: the API gets new words faster than pipectl.
pub(super) fn find_problems(fields: &FieldNode, document: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    visit_fields(fields, document, &FieldPath::root(), &mut problems);
    problems
}

fn visit_fields(node: &FieldNode, value: &Value, at: &FieldPath, problems: &mut Vec<Problem>) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        let Some(field) = node.child_field(name) else { continue };
        let path = at.child(name);
        match value {
            Value::Object(extra) if field.has_keyword(annotations::ADDITIONAL) => {
                check_additional(node, extra, fields, &path, problems);
            }
            _ => visit_fields(field, value, &path, problems),
        }
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

fn unchecked_field_problem(name: &str, path: FieldPath) -> Problem {
    UNCHECKED_FIELD
        .problem_at(path, format!("`{name}` is not a field that pipectl knows: it is sent and compared as it stands"))
}

fn unchecked_value_problem(name: &str, word: &str, path: FieldPath) -> Problem {
    UNCHECKED_VALUE.problem_at(
        path,
        format!(
            "`{word}` is not a value of `{name}` that pipectl knows: it is sent and compared as it \
             stands"
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
        Problem { code: self.code, severity: self.severity, path, message, help: None }
    }
}
