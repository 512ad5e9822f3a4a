//! Buckets and containers: S3, its likes, GCS and Azure.

use super::kinesis::ACCESS_KEY;
use super::row::{Field, Shape, TEXT, may, need};

const AZURE: (&str, &str) = ("type", "azureblobstorage");

#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    need("type", Shape::OneOf(&[
        "s3", "gcs", "dospaces", "azureblobstorage", "cloudflarer2", "ovhobjectstorage",
    ])),
    need("format", Shape::OneOf(&[
        "JSONEachRow", "JSONAsObject", "CSV", "CSVWithNames", "TabSeparated",
        "TabSeparatedWithNames", "Parquet", "Avro",
    ])),
    may("url", TEXT).nullable(),
    may("delimiter", TEXT).nullable(),
    may("compression", Shape::OneOf(&[
        "none", "gzip", "gz", "brotli", "br", "xz", "LZMA", "zstd", "auto",
    ])).nullable(),
    may("isContinuous", Shape::Bool).nullable(),
    may("queueUrl", TEXT).nullable(),
    may("skipInitialLoad", Shape::Bool).nullable().patchable(),
    may("startAfter", TEXT).nullable().patchable(),
    may("authentication", Shape::OneOf(&[
        "IAM_ROLE", "IAM_USER", "CONNECTION_STRING", "SERVICE_ACCOUNT",
    ])).nullable().patchable().hidden_when(AZURE.0, AZURE.1),
    may("iamRole", TEXT).nullable().patchable(),
    may("connectionString", TEXT).nullable().patchable().secret(),
    may("path", TEXT).nullable().patchable().hidden(),
    may("azureContainerName", TEXT).nullable().patchable().hidden(),
    may("accessKey", Shape::Object(ACCESS_KEY)).nullable().patchable().secret(),
    may("serviceAccountKey", TEXT).nullable().patchable().secret(),
];
