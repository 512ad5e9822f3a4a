//! Queues that tell of new files.

use regex_lite::Regex;
use serde_json::Value;

use crate::check::{Finding, Scope};
use crate::path::Path;

const SQS: &str = r"^https://sqs\.[a-z0-9-]+\.amazonaws\.com/[0-9]{12}/[^/]+$";
const SUBSCRIPTION: &str = r"^projects/[^/]+/subscriptions/[^/]+$";

fn at_queue(message: impl Into<String>, help: &str) -> Vec<Finding> {
    vec![Finding::new(Path::parse("queueUrl"), message).help(help)]
}

pub(super) fn without_end(scope: &Scope<'_>) -> Vec<Finding> {
    let continuous = scope.value("isContinuous").is_none_or(|value| value == &Value::Bool(false));
    if !(scope.has("queueUrl") && continuous) {
        return Vec::new();
    }
    at_queue("a queue is only for continuous ingestion", "write `isContinuous: true`")
}

pub(super) fn storage(scope: &Scope<'_>) -> Vec<Finding> {
    match scope.text("type") {
        Some("dospaces" | "azureblobstorage" | "cloudflarer2" | "ovhobjectstorage")
            if scope.has("queueUrl") =>
        {
            at_queue("a queue is only for `type: s3` or `gcs`", "remove `queueUrl`")
        }
        _ => Vec::new(),
    }
}

pub(super) fn public(scope: &Scope<'_>) -> Vec<Finding> {
    let public = !scope.has("authentication");
    if !(scope.has("queueUrl") && public) {
        return Vec::new();
    }
    let help = match scope.text("type") {
        Some("s3") => "write `authentication: IAM_ROLE` or `IAM_USER`",
        Some("gcs") => "write `authentication: SERVICE_ACCOUNT` or `IAM_USER`",
        _ => return Vec::new(),
    };
    at_queue("a queue is never public: it needs `authentication`", help)
}

pub(super) fn form(scope: &Scope<'_>) -> Vec<Finding> {
    let Some(queue) = scope.text("queueUrl") else { return Vec::new() };
    let (form, example) = match scope.text("type") {
        Some("s3") => (SQS, "https://sqs.us-east-1.amazonaws.com/123456789012/NAME"),
        Some("gcs") => (SUBSCRIPTION, "projects/PROJECT/subscriptions/NAME"),
        _ => return Vec::new(),
    };
    let fits = Regex::new(form).is_ok_and(|form| form.is_match(queue));
    if fits {
        return Vec::new();
    }
    at_queue("not the form of a queue of this storage", &format!("the form is `{example}`"))
}
