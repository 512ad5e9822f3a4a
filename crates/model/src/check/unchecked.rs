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

const UNCHECKED: Verdict = Verdict { code: "unchecked-field", severity: Severity::Warning };
const KNOWN: Verdict = Verdict { code: "known-additional-field", severity: Severity::Error };

/// The codes given here.
pub(super) const CODES: [&str; 2] = [UNCHECKED.code, KNOWN.code];

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
                additional(node, extra, &path, problems);
            }
            _ => visit(&field, value, &path, problems),
        }
    }
}

fn additional(node: &Node, extra: &Map<String, Value>, at: &Path, problems: &mut Vec<Problem>) {
    for (name, value) in extra {
        let path = at.child(name);
        match (node.child(name), value) {
            (None, _) => problems.push(unchecked(name, path)),
            (Some(known), Value::Object(inner)) if !known.children().is_empty() => {
                additional(&known, inner, &path, problems);
            }
            (Some(_), _) => problems.push(known_field(name, path)),
        }
    }
}

fn unchecked(name: &str, path: Path) -> Problem {
    Problem {
        code: UNCHECKED.code,
        severity: UNCHECKED.severity,
        path,
        message: format!(
            "`{name}` is not a field that pipectl knows: it is sent and compared as it stands"
        ),
        help: None,
    }
}

fn known_field(name: &str, path: Path) -> Problem {
    Problem {
        code: KNOWN.code,
        severity: KNOWN.severity,
        path,
        message: format!("`{name}` is a field that pipectl knows, and checks in its own place"),
        help: Some(format!("move `{name}` out of `additional`")),
    }
}
