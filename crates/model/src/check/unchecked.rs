//! Fields given under `additional`, which nothing here knows.

use serde_json::{Map, Value};

use super::Problem;
use crate::address::Kind;
use crate::diagnostic::Severity;
use crate::mark;
use crate::path::Path;
use crate::reference::Node;

/// What is said of a field, and how bad it is.
struct Verdict {
    code: &'static str,
    severity: Severity,
}

const FIELD: Verdict = Verdict { code: "unchecked-field", severity: Severity::Warning };
const VALUE: Verdict = Verdict { code: "unchecked-value", severity: Severity::Warning };
const KNOWN: Verdict = Verdict { code: "known-additional-field", severity: Severity::Error };

/// The codes given here.
pub(super) const CODES: [&str; 3] = [FIELD.code, VALUE.code, KNOWN.code];

/// A warning for every field that cannot be checked, an error for every one that could have been.
pub(super) fn problems(kind: Kind, document: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    visit(&Node::document(kind), document, &Path::root(), &mut problems);
    problems
}

fn visit(node: &Node, value: &Value, at: &Path, problems: &mut Vec<Problem>) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        let Some(field) = node.child(name) else { continue };
        let path = at.child(name);
        match value {
            Value::Object(extra) if field.is_marked(mark::ADDITIONAL) => {
                additional(node, extra, fields, &path, problems);
            }
            _ => visit(&field, value, &path, problems),
        }
    }
}

/// `beside` is what is written in the fields' own places.
fn additional(
    node: &Node,
    extra: &Map<String, Value>,
    beside: &Map<String, Value>,
    at: &Path,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in extra {
        let path = at.child(name);
        let own = beside.get(name);
        match (node.child(name), value) {
            (None, _) => problems.push(unchecked_field(name, path)),
            (Some(known), Value::Object(inner)) if !known.children().is_empty() => {
                let nothing = Map::new();
                let beside = own.and_then(Value::as_object).unwrap_or(&nothing);
                additional(&known, inner, beside, &path, problems);
            }
            (Some(known), Value::String(word)) if own.is_none() && known.is_new_word(word) => {
                problems.push(unchecked_value(name, word, path));
            }
            (Some(_), _) => problems.push(known_field(name, path)),
        }
    }
}

fn unchecked_field(name: &str, path: Path) -> Problem {
    FIELD.on(
        path,
        format!("`{name}` is not a field that pipectl knows: it is sent and compared as it stands"),
    )
}

fn unchecked_value(name: &str, word: &str, path: Path) -> Problem {
    VALUE.on(
        path,
        format!(
            "`{word}` is not a value of `{name}` that pipectl knows: it is sent and compared as it \
             stands"
        ),
    )
}

fn known_field(name: &str, path: Path) -> Problem {
    let message = format!("`{name}` is a field that pipectl knows, and checks in its own place");
    let help = Some(format!("move `{name}` out of `additional`"));
    Problem { help, ..KNOWN.on(path, message) }
}

impl Verdict {
    fn on(&self, path: Path, message: String) -> Problem {
        Problem { code: self.code, severity: self.severity, path, message, help: None }
    }
}
