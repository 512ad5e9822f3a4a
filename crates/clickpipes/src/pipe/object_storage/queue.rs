//! Queues that announce new files.

use regex_lite::Regex;
use serde_json::Value;

use crate::validate::{RuleContext, RuleFinding};
use model::path::FieldPath;

const SQS: &str = r"^https://sqs\.[a-z0-9-]+\.amazonaws\.com/[0-9]{12}/[^/]+$";
const SUBSCRIPTION: &str = r"^projects/[^/]+/subscriptions/[^/]+$";

fn queue_finding(message: impl Into<String>, help: &str) -> Vec<RuleFinding> {
    vec![RuleFinding::new(FieldPath::parse("queueUrl"), message).with_help(help)]
}

pub(super) fn not_continuous(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let continuous = scope.value_at("isContinuous").is_none_or(|value| value == &Value::Bool(false));
    if !(scope.has_field("queueUrl") && continuous) {
        return Vec::new();
    }
    queue_finding("a queue is only for continuous ingestion", "write `isContinuous: true`")
}

pub(super) fn unsupported_storage(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    match scope.text_at("type") {
        Some("dospaces" | "azureblobstorage" | "cloudflarer2" | "ovhobjectstorage") if scope.has_field("queueUrl") => {
            queue_finding("a queue is only for `type: s3` or `gcs`", "remove `queueUrl`")
        }
        _ => Vec::new(),
    }
}

pub(super) fn missing_authentication(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let public = !scope.has_field("authentication");
    if !(scope.has_field("queueUrl") && public) {
        return Vec::new();
    }
    let help = match scope.text_at("type") {
        Some("s3") => "write `authentication: IAM_ROLE` or `IAM_USER`",
        Some("gcs") => "write `authentication: SERVICE_ACCOUNT`, `SERVICE_ACCOUNT_WORKLOAD_IDENTITY` or `IAM_USER`",
        _ => return Vec::new(),
    };
    queue_finding("a queue is never public: it needs `authentication`", help)
}

pub(super) fn malformed_queue_url(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let Some(queue) = scope.text_at("queueUrl") else { return Vec::new() };
    let (form, example) = match scope.text_at("type") {
        Some("s3") => (SQS, "https://sqs.us-east-1.amazonaws.com/123456789012/NAME"),
        Some("gcs") => (SUBSCRIPTION, "projects/PROJECT/subscriptions/NAME"),
        _ => return Vec::new(),
    };
    let fits = Regex::new(form).is_ok_and(|form| form.is_match(queue));
    if fits {
        return Vec::new();
    }
    queue_finding("not the form of a queue of this storage", &format!("the form is `{example}`"))
}
