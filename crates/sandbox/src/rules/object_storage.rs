//! Buckets and containers: location, authentication and the queue that announces new files.

use serde_json::{Map, Value};

use super::SourceCheck;
use crate::api_rule::ApiRule;
use crate::json_body::{is_true, text_field};

pub(crate) fn validate_object_storage(check: &mut SourceCheck<'_>) {
    let storage = text_field(check.fields, "type").unwrap_or_default();
    let authentication = text_field(check.fields, "authentication");
    validate_location(check, storage);
    validate_authentication(check, storage, authentication);
    validate_queue(check, storage, authentication);
    validate_start(check);
}

fn validate_location(check: &mut SourceCheck<'_>, storage: &str) {
    let azure = storage == "azureblobstorage";
    let url = check.fields.get("url").and_then(Value::as_str);
    match url {
        Some("") if azure => check.refuse(ApiRule::AzureEmptyUrl, "url", "'' is empty"),
        Some("") => check.refuse(ApiRule::StorageLocation, "url", "'' is empty"),
        Some(_) if azure => {
            check.refuse(ApiRule::StorageLocation, "url", "must not be given with azureblobstorage");
        }
        _ => {}
    }
    for field in ["azureContainerName", "connectionString"] {
        check.require_when(ApiRule::StorageLocation, field, azure, "azureblobstorage");
    }
    check.require_when(ApiRule::AzurePath, "path", azure, "azureblobstorage");
    for field in ["azureContainerName", "connectionString", "path"] {
        check.refuse_unless(ApiRule::AzureOnly, field, azure, "azureblobstorage");
    }
    check.require_when(ApiRule::StorageLocation, "url", !azure, storage);
}

fn validate_authentication(check: &mut SourceCheck<'_>, storage: &str, authentication: Option<&str>) {
    let fits = match authentication {
        None => true,
        Some("IAM_ROLE") => storage == "s3",
        Some("IAM_USER") => storage != "azureblobstorage",
        Some("SERVICE_ACCOUNT" | "SERVICE_ACCOUNT_WORKLOAD_IDENTITY") => storage == "gcs",
        Some("CONNECTION_STRING") => storage == "azureblobstorage",
        Some(_) => false,
    };
    if !fits {
        check.refuse(ApiRule::StorageAuthentication, "authentication", format!("{storage} does not support it"));
    }
    let is = |name: &str| authentication == Some(name);
    for (field, way, otherwise) in [
        ("iamRole", "IAM_ROLE", ApiRule::StorageUnusedLogin),
        ("accessKey", "IAM_USER", ApiRule::StorageUnusedLogin),
        ("serviceAccountKey", "SERVICE_ACCOUNT", ApiRule::StorageOtherAccount),
    ] {
        let case = format!("{way} authentication");
        check.require_when(ApiRule::StorageCredentials, field, is(way), &case);
        check.refuse_unless(otherwise, field, is(way), &case);
    }
}

fn validate_queue(check: &mut SourceCheck<'_>, storage: &str, authentication: Option<&str>) {
    let Some(queue) = text_field(check.fields, "queueUrl") else { return };
    if !is_true(check.fields, "isContinuous") {
        check.refuse(ApiRule::StorageQueue, "queueUrl", "is only allowed with isContinuous");
    }
    let (form, readers): (bool, &[&str]) = match storage {
        "s3" => (is_sqs_queue(queue), &["IAM_USER", "IAM_ROLE"]),
        "gcs" => (is_pubsub_subscription(queue), &["IAM_USER", "SERVICE_ACCOUNT", "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"]),
        _ => return check.refuse(ApiRule::StorageQueue, "queueUrl", "is only allowed with s3 and gcs"),
    };
    if !form {
        check.refuse(ApiRule::StorageQueue, "queueUrl", format!("is not the queue of a {storage} bucket"));
    }
    if !authentication.is_some_and(|given| readers.contains(&given)) {
        check.refuse(ApiRule::StorageQueue, "authentication", format!("a queue needs one of {}", readers.join(", ")));
    }
}

/// `https://sqs.<region>.amazonaws.com/<12 digits>/<name>`, the only form that the provider accepts.
fn is_sqs_queue(queue: &str) -> bool {
    let Some(rest) = queue.strip_prefix("https://sqs.") else { return false };
    let parts: Vec<&str> = rest.split('/').collect();
    let [host, account, name] = parts.as_slice() else { return false };
    host.strip_suffix(".amazonaws.com").is_some_and(|region| !region.is_empty())
        && (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        && !name.is_empty()
}

/// `projects/<project>/subscriptions/<name>`.
fn is_pubsub_subscription(queue: &str) -> bool {
    let parts: Vec<&str> = queue.split('/').collect();
    matches!(parts.as_slice(), ["projects", project, "subscriptions", name]
        if !project.is_empty() && !name.is_empty())
}

fn validate_start(check: &mut SourceCheck<'_>) {
    if !is_true(check.fields, "skipInitialLoad") {
        return;
    }
    if !check.has_field("queueUrl") {
        check.refuse(ApiRule::SkipInitialLoad, "skipInitialLoad", "is only allowed with queueUrl");
    }
    if check.has_field("startAfter") {
        check.refuse(ApiRule::SkipInitialLoad, "startAfter", "is not allowed with skipInitialLoad");
    }
}

pub(crate) fn validate_storage_patch(check: &mut SourceCheck<'_>, patch: &Map<String, Value>) {
    // From the official provider, which refuses this change for GCS. It changes a key to an identity in place.
    let Some(desired) = text_field(patch, "authentication") else { return };
    let present = text_field(check.fields, "authentication").unwrap_or_default();
    let is_account = |way: &str| matches!(way, "SERVICE_ACCOUNT" | "SERVICE_ACCOUNT_WORKLOAD_IDENTITY");
    if is_account(desired) != is_account(present) {
        check.refuse(ApiRule::ServiceAccountSwitch, "authentication", "cannot change to or from SERVICE_ACCOUNT");
    }
}
