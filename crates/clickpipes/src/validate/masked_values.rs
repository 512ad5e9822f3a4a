//! Refuses a mask in place of a value: sent, it would become the value.

use serde_json::Value;

use super::Problem;
use crate::semantics::is_masked;
use model::diagnostic::Severity;
use model::path::{FieldPath, VisitedPath, visit_texts};

pub(super) const CODE: &str = "masked-value";

pub(super) fn find_problems(document: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (spec, path) = (&document["spec"], FieldPath::parse("spec"));
    visit_texts(spec, &VisitedPath::below(&path), &mut |at, text| {
        if is_masked(text) {
            problems.push(masked_value(at.to_field_path()));
        }
    });
    problems
}

fn masked_value(path: FieldPath) -> Problem {
    Problem {
        code: CODE,
        severity: Severity::Error,
        evidence: None,
        path,
        message: "this is what the API shows in place of a secret, and not the value".to_owned(),
        help: Some("write the value, or a reference such as `{fromEnv: NAME}` where the field takes one".to_owned()),
        is_idle: false,
    }
}
