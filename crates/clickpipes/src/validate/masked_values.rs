//! Refuses a mask in place of a value: sent, it would become the value.

use serde_json::Value;

use super::Problem;
use crate::semantics::is_masked;
use model::diagnostic::Severity;
use model::path::{FieldPath, VisitedPath};

pub(super) const CODE: &str = "masked-value";

pub(super) fn find_problems(document: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(spec) = document.get("spec") {
        visit_value(spec, &VisitedPath::below(&FieldPath::parse("spec")), &mut problems);
    }
    problems
}

fn visit_value(value: &Value, at: &VisitedPath<'_>, problems: &mut Vec<Problem>) {
    match value {
        Value::String(text) if is_masked(text) => problems.push(Problem {
            code: CODE,
            severity: Severity::Error,
            evidence: None,
            path: at.to_field_path(),
            message: "this is what the API shows in place of a secret, and not the value".to_owned(),
            help: Some(
                "write the value, or a reference such as `{fromEnv: NAME}` where the field takes one".to_owned(),
            ),
            is_idle: false,
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| visit_value(item, &at.index(index), problems));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| visit_value(field, &at.key(name), problems));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
