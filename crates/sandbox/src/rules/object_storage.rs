//! Buckets and containers: where they are, who may read them, what tells of new files.

use serde_json::{Map, Value};

use super::Arm;
use crate::body::{is_true, text};

pub(crate) fn check(arm: &mut Arm<'_>) {
    let storage = text(arm.fields, "type").unwrap_or_default();
    let authentication = text(arm.fields, "authentication");
    check_location(arm, storage);
    check_authentication(arm, storage, authentication);
    check_queue(arm, storage, authentication);
    check_start(arm);
}

fn check_location(arm: &mut Arm<'_>, storage: &str) {
    let azure = storage == "azureblobstorage";
    if azure && arm.given("url") {
        arm.say("url", "must not be given with azureblobstorage");
    }
    for field in ["azureContainerName", "path", "connectionString"] {
        arm.needed_when(field, azure, "azureblobstorage");
    }
    arm.needed_when("url", !azure, storage);
}

fn check_authentication(arm: &mut Arm<'_>, storage: &str, authentication: Option<&str>) {
    let fits = match authentication {
        None => true,
        Some("IAM_ROLE") => storage == "s3",
        Some("IAM_USER") => storage != "azureblobstorage",
        Some("SERVICE_ACCOUNT") => storage == "gcs",
        Some("CONNECTION_STRING") => storage == "azureblobstorage",
        Some(_) => false,
    };
    if !fits {
        arm.say("authentication", format!("{storage} does not support it"));
    }
    let is = |name: &str| authentication == Some(name);
    arm.needed_when("iamRole", is("IAM_ROLE"), "IAM_ROLE authentication");
    arm.needed_when("accessKey", is("IAM_USER"), "IAM_USER authentication");
    arm.exactly_when("serviceAccountKey", is("SERVICE_ACCOUNT"), "SERVICE_ACCOUNT authentication");
}

fn check_queue(arm: &mut Arm<'_>, storage: &str, authentication: Option<&str>) {
    let Some(queue) = text(arm.fields, "queueUrl") else { return };
    if !is_true(arm.fields, "isContinuous") {
        arm.say("queueUrl", "is only allowed with isContinuous");
    }
    let (form, readers): (bool, &[&str]) = match storage {
        "s3" => (is_sqs(queue), &["IAM_USER", "IAM_ROLE"]),
        "gcs" => (is_subscription(queue), &["IAM_USER", "SERVICE_ACCOUNT"]),
        _ => return arm.say("queueUrl", "is only allowed with s3 and gcs"),
    };
    if !form {
        arm.say("queueUrl", format!("is not the queue of a {storage} bucket"));
    }
    if !authentication.is_some_and(|given| readers.contains(&given)) {
        arm.say("authentication", format!("a queue needs one of {}", readers.join(", ")));
    }
}

/// `https://sqs.<region>.amazonaws.com/<12 digits>/<name>`.
fn is_sqs(queue: &str) -> bool {
    let Some(rest) = queue.strip_prefix("https://sqs.") else { return false };
    let parts: Vec<&str> = rest.split('/').collect();
    let [host, account, name] = parts.as_slice() else { return false };
    host.strip_suffix(".amazonaws.com").is_some_and(|region| !region.is_empty())
        && (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        && !name.is_empty()
}

/// `projects/<project>/subscriptions/<name>`.
fn is_subscription(queue: &str) -> bool {
    let parts: Vec<&str> = queue.split('/').collect();
    matches!(parts.as_slice(), ["projects", project, "subscriptions", name]
        if !project.is_empty() && !name.is_empty())
}

fn check_start(arm: &mut Arm<'_>) {
    if !is_true(arm.fields, "skipInitialLoad") {
        return;
    }
    if !arm.given("queueUrl") {
        arm.say("skipInitialLoad", "is only allowed with queueUrl");
    }
    if arm.given("startAfter") {
        arm.say("startAfter", "is not allowed with skipInitialLoad");
    }
}

/// A bucket of Google's cannot change to or from a service account.
pub(crate) fn check_patch(arm: &mut Arm<'_>, patch: &Map<String, Value>) {
    let Some(wanted) = text(patch, "authentication") else { return };
    let present = text(arm.fields, "authentication").unwrap_or_default();
    let account = "SERVICE_ACCOUNT";
    if wanted != present && (wanted == account || present == account) {
        arm.say("authentication", "cannot change to or from SERVICE_ACCOUNT");
    }
}
