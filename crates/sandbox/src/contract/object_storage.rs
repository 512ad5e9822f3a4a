//! Buckets and containers: S3 and compatible stores, GCS and Azure.

use super::field_spec::{FieldSpec, JsonType, MAYBE_EMPTY, TEXT, optional, required};
use super::kinesis::ACCESS_KEY;
use super::respell::Respelling;

const AZURE: (&str, &str) = ("type", "azureblobstorage");

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    required("type", JsonType::OneOf(&[
        "s3", "gcs", "dospaces", "azureblobstorage", "cloudflarer2", "ovhobjectstorage",
    ])),
    required("format", JsonType::OneOf(&[
        "JSONEachRow", "JSONAsObject", "CSV", "CSVWithNames", "TabSeparated",
        "TabSeparatedWithNames", "Parquet", "Avro",
    ])),
    // The command line of ClickHouse sends an empty one for Azure.
    optional("url", MAYBE_EMPTY).nullable().respelled(Respelling::BucketUrl),
    optional("delimiter", TEXT).nullable(),
    optional("compression", JsonType::OneOf(&[
        "none", "gzip", "gz", "brotli", "br", "xz", "LZMA", "zstd", "auto",
    ])).nullable(),
    optional("isContinuous", JsonType::Bool).nullable(),
    optional("queueUrl", TEXT).nullable(),
    optional("skipInitialLoad", JsonType::Bool).nullable().patchable(),
    optional("startAfter", TEXT).nullable().patchable(),
    // Answers for Azure contain neither this nor the location, though the schema shows both (comments in the
    // provider): drift there cannot be seen.
    optional("authentication", JsonType::OneOf(&[
        "IAM_ROLE", "IAM_USER", "CONNECTION_STRING", "SERVICE_ACCOUNT",
    ])).later_type(JsonType::OneOf(&[
        "IAM_ROLE", "IAM_USER", "CONNECTION_STRING", "SERVICE_ACCOUNT", "SERVICE_ACCOUNT_WORKLOAD_IDENTITY",
    ])).nullable().patchable().hidden_when(AZURE.0, AZURE.1),
    optional("iamRole", TEXT).nullable().patchable(),
    optional("connectionString", TEXT).nullable().patchable().secret(),
    optional("path", TEXT).nullable().patchable().hidden(),
    optional("azureContainerName", TEXT).nullable().patchable().hidden(),
    optional("accessKey", JsonType::Object(ACCESS_KEY)).nullable().patchable().secret(),
    optional("serviceAccountKey", TEXT).nullable().patchable().secret(),
];
