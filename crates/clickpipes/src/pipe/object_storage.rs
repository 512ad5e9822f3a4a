//! Files in an object storage.

use schemars::JsonSchema;
use serde_json::Value;

use super::credentials::AccessKey;
use super::replacement_effects::Replacement;
use super::settings::SettingGroup;
use super::source::{SourceFamily, SourceItems, SourceSpec, text_at};
use crate::exclusive_read::{Sharing, read_named_by};
use crate::network_address::canonical_storage_url;
use crate::secrets::host::SecretHost;
use crate::validate::{
    RuleSet, allowed_values, custom_rule, fields_only_for, flag_is, forbidden_fields, required_fields,
    required_fields_iff, value_is,
};
use model::annotations;
use model::diagnostic::Evidence;
use model::secret::Secret;
use model::text::{Arn, NonEmptyText, QueueAddress, StorageUrl};

mod queue;

/// The connection fields. The API checks the connection with the fields of one request.
const CONNECTION: &[&str] = &[
    "source.objectStorage.authentication",
    "source.objectStorage.iamRole",
    "source.objectStorage.accessKey",
    "source.objectStorage.serviceAccountKey",
    "source.objectStorage.connectionString",
];

/// The fields that identify the files in an Azure container, and the access to them.
const CONTAINER: &[&str] = &[
    "source.objectStorage.authentication",
    "source.objectStorage.connectionString",
    "source.objectStorage.azureContainerName",
    "source.objectStorage.path",
];

/// The API cannot switch a pipe to a service account, or away from it. It can switch between the two kinds of service
/// account.
const FIXED: &[&str] = &["SERVICE_ACCOUNT", "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"];

/// The API does not return the connection to Azure. For every other storage, a missing value means that it is public.
const AZURE_ONLY: &[&str] = &["CONNECTION_STRING"];

/// Files in an object storage such as Amazon S3.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectStorage {
    /// The storage. It determines the possible `authentication`.
    #[schemars(transform = annotations::requires_replace)]
    pub r#type: StorageType,
    /// The format of the files.
    #[schemars(transform = annotations::requires_replace)]
    pub format: FileFormat,
    // One bucket has several spellings (`s3://b/k`, path style, virtual host), and the API has returned another one
    // than it was sent. The type compares their targets.
    /// The URL of the files, with optional wildcards in the path. Not for Azure.
    #[schemars(transform = annotations::requires_replace)]
    pub url: Option<StorageUrl>,
    /// The separator between the values of a line.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is(","))]
    pub delimiter: Option<NonEmptyText>,
    // The default is not documented, and is probably `auto`. So an omitted value is not compared with anything.
    /// The compression of the files.
    #[schemars(transform = annotations::requires_replace)]
    pub compression: Option<Compression>,
    /// Continues to read new files. Without a queue, their names must be in lexical order. If
    /// `false`, the pipe completes after the existing files.
    #[schemars(transform = annotations::requires_replace, transform = annotations::default_is(false))]
    pub is_continuous: Option<bool>,
    /// The queue with notifications of new files, in any order: an SQS URL for S3, a Pub/Sub
    /// subscription (`projects/…/subscriptions/…`) for GCS. Needs `isContinuous: true`.
    #[schemars(transform = annotations::requires_replace)]
    pub queue_url: Option<QueueAddress>,
    // The PATCH schema has this and `startAfter`, although both only matter before the first load.
    /// Skips existing files, and reads only those in the queue.
    #[schemars(transform = annotations::default_is(false))]
    pub skip_initial_load: Option<bool>,
    /// The initial load skips all files up to and including this object key.
    pub start_after: Option<NonEmptyText>,
    /// The authentication of the pipe. If it is omitted, the storage must be public. The API does not
    /// return it for Azure.
    #[schemars(transform = annotations::sometimes_returned_if(AZURE_ONLY), transform = annotations::sent_with(CONNECTION))]
    #[schemars(transform = annotations::replace_across(FIXED))]
    pub authentication: Option<StorageAuthentication>,
    /// The IAM role to assume, with `authentication: IAM_ROLE`.
    #[schemars(transform = annotations::sent_with(CONNECTION))]
    pub iam_role: Option<Arn>,
    // A changed connection is checked with the credentials of the same request, and with none where it has none
    // (provider issue 617). Hence all of CONNECTION goes together, secrets included.
    /// The key of the IAM user, with `authentication: IAM_USER`.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub access_key: Option<AccessKey>,
    /// The JSON key file of the service account, base64-encoded, with `authentication:
    /// SERVICE_ACCOUNT`. A reference to the plain file needs `encoding: base64`.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONNECTION))]
    pub service_account_key: Option<Secret>,
    /// The connection string of the storage account, with `authentication: CONNECTION_STRING`.
    #[schemars(transform = annotations::write_only, transform = annotations::sent_with(CONTAINER))]
    pub connection_string: Option<Secret>,
    // The schema lists both as returned, and the provider found that they are not (it keeps its own copy). A change is
    // detected only with a base.
    /// The container. For Azure only. The API may omit it from responses, so drift may not be
    /// detected.
    #[schemars(transform = annotations::omitted_when_set, transform = annotations::sent_with(CONTAINER))]
    pub azure_container_name: Option<NonEmptyText>,
    /// The path of the files in the container, with optional wildcards. For Azure only. The API may
    /// omit it from responses, so drift may not be detected.
    #[schemars(transform = annotations::omitted_when_set, transform = annotations::sent_with(CONTAINER))]
    pub path: Option<NonEmptyText>,
}

/// An object storage.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StorageType {
    /// Amazon S3, and storages that speak its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// DigitalOcean Spaces.
    Dospaces,
    /// Azure Blob Storage.
    Azureblobstorage,
    /// Cloudflare R2.
    Cloudflarer2,
    /// OVH Object Storage.
    Ovhobjectstorage,
}

/// A format of files.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words say it")]
pub enum FileFormat {
    #[serde(rename = "JSONEachRow")]
    JsonEachRow,
    #[serde(rename = "JSONAsObject")]
    JsonAsObject,
    #[serde(rename = "CSV")]
    Csv,
    #[serde(rename = "CSVWithNames")]
    CsvWithNames,
    TabSeparated,
    TabSeparatedWithNames,
    Parquet,
    Avro,
}

/// A compression of files.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Compression {
    None,
    Gzip,
    Gz,
    Brotli,
    Br,
    Xz,
    #[serde(rename = "LZMA")]
    Lzma,
    Zstd,
    Auto,
}

/// An authentication for object storage.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StorageAuthentication {
    /// An IAM role to assume. For S3.
    IamRole,
    /// An access key. Not for Azure.
    IamUser,
    /// A connection string. For Azure.
    ConnectionString,
    /// The key of a service account. For GCS.
    ServiceAccount,
    /// The identity of the ClickHouse service at Google Cloud. For GCS, in private preview.
    ServiceAccountWorkloadIdentity,
}

const ALLOWED: &[(&str, &[&str])] = &[
    ("s3", &["IAM_ROLE", "IAM_USER"]),
    ("gcs", &["IAM_USER", "SERVICE_ACCOUNT", "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"]),
    ("dospaces", &["IAM_USER"]),
    ("cloudflarer2", &["IAM_USER"]),
    ("ovhobjectstorage", &["IAM_USER"]),
    ("azureblobstorage", &["CONNECTION_STRING"]),
];

const URL_STORAGES: &[&str] = &["s3", "gcs", "dospaces", "cloudflarer2", "ovhobjectstorage"];

/// The spec of object storage.
pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "objectStorage",
    title: "Object storage",
    family: SourceFamily::Files,
    discoverable: true,
    resync_refusal: Some("files have no initial load to repeat; to read them again, delete the pipe and re-create it"),
    settings: Some(&[SettingGroup::Files]),
    // Files are read once unless the pipe is declared continuous.
    is_finite_load: |source| source["isContinuous"] != true,
    describe_start,
    describe_replacement,
    location: |source| bucket_and_path(source).0,
    secret_hosts,
    items: SourceItems::Single(|source| bucket_and_path(source).1),
    exclusive_reads: |source, _| {
        read_named_by(source, "queue", "queueUrl", String::new(), Sharing::Broken).into_iter().collect()
    },
    rules: &[RULES],
};

fn secret_hosts(source: &Value, field: &str) -> Vec<SecretHost> {
    let url = text_at(source, "url");
    match url.split_once("://") {
        _ if field == "connectionString" => vec![SecretHost::InSecret],
        // The host of such a URL is the bucket.
        Some(("s3", _)) => SecretHost::from_list("s3.amazonaws.com"),
        Some(("gs" | "gcs", _)) => SecretHost::from_list("storage.googleapis.com"),
        _ => SecretHost::from_url(&url),
    }
}

/// The bucket or container, and the path in it.
fn bucket_and_path(source: &Value) -> (String, String) {
    let url = canonical_storage_url(&text_at(source, "url"));
    let Some((_, rest)) = url.split_once("://") else {
        return (text_at(source, "azureContainerName"), text_at(source, "path"));
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (host.to_owned(), path.to_owned())
}

const RULES: RuleSet = RuleSet {
    object_paths: &["spec.source.objectStorage"],
    rules: &[
        allowed_values("storage-authentication", Evidence::Schema, "authentication", "type", ALLOWED),
        required_fields_iff("storage-url", Evidence::Provider, &["url"], value_is("type", URL_STORAGES)),
        required_fields(
            "storage-azure",
            Evidence::Provider,
            &["azureContainerName", "connectionString"],
            value_is("type", &["azureblobstorage"]),
        )
        .required_by_word("authentication", &["azureContainerName", "connectionString"]),
        fields_only_for(
            "storage-azure-only",
            Evidence::Ours,
            &["azureContainerName", "connectionString", "path"],
            value_is("type", &["azureblobstorage"]),
        ),
        // Both schemas leave it optional, and the provider does not require it.
        required_fields("storage-azure-path", Evidence::Ours, &["path"], value_is("type", &["azureblobstorage"]))
            .with_reason("the API is not known to read a whole container"),
        required_fields("storage-iam-role", Evidence::Schema, &["iamRole"], value_is("authentication", &["IAM_ROLE"])),
        fields_only_for("storage-unused-role", Evidence::Ours, &["iamRole"], value_is("authentication", &["IAM_ROLE"]))
            .with_reason("no role is assumed"),
        required_fields(
            "storage-access-key",
            Evidence::Schema,
            &["accessKey"],
            value_is("authentication", &["IAM_USER"]),
        ),
        fields_only_for(
            "storage-unused-key",
            Evidence::Ours,
            &["accessKey"],
            value_is("authentication", &["IAM_USER"]),
        )
        .with_reason("the key is not used"),
        required_fields(
            "storage-service-account",
            Evidence::Schema,
            &["serviceAccountKey"],
            value_is("authentication", &["SERVICE_ACCOUNT"]),
        ),
        fields_only_for(
            "storage-other-account",
            Evidence::Provider,
            &["serviceAccountKey"],
            value_is("authentication", &["SERVICE_ACCOUNT"]),
        ),
        custom_rule("queue-continuous", Evidence::Provider, &["queueUrl", "isContinuous"], queue::not_continuous),
        custom_rule("queue-storage", Evidence::Provider, &["queueUrl", "type"], queue::unsupported_storage),
        custom_rule(
            "queue-authentication",
            Evidence::Provider,
            &["queueUrl", "type", "authentication"],
            queue::missing_authentication,
        ),
        custom_rule("queue-url", Evidence::Provider, &["queueUrl", "type"], queue::malformed_queue_url),
        required_fields("skip-initial-load", Evidence::Schema, &["queueUrl"], flag_is("skipInitialLoad", true))
            .with_reason("only the queue announces files"),
        forbidden_fields("skip-initial-load", Evidence::Schema, &["startAfter"], flag_is("skipInitialLoad", true))
            .with_reason("it is about the initial load"),
    ],
};

/// The first files that a new pipe reads.
fn describe_start(source: &Value) -> String {
    if source["skipInitialLoad"] == true {
        return "reads only the files that the queue names: files that exist are not loaded".to_owned();
    }
    let after = text_at(source, "startAfter");
    let after = if after.is_empty() { String::new() } else { format!(" after `{after}`") };
    let then = if source["isContinuous"] == true { "then new ones" } else { "then completes" };
    format!("reads every matching file{after}, {then}")
}

/// The effects of replacing a pipe of files on the data.
fn describe_replacement(it: &Replacement<'_>) -> Vec<String> {
    if it.is_set("skipInitialLoad") {
        let sentence = "the new pipe continues with the messages in the queue: files that were read are not \
            read again";
        return vec![sentence.to_owned()];
    }
    match it.text_at("startAfter") {
        Some(key) => it.describe_repeated_rows(&format!("the new pipe reads every file after `{key}`"), "rows"),
        None => it.describe_repeated_rows("the new pipe reads every matching file from the start", "rows"),
    }
}
