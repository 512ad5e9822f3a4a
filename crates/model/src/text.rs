//! Types for texts and numbers of a certain form. They exist for their JSON Schema only: the form, and
//! which spellings are equal.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::annotations;

/// Names with commas between them, none of them blank.
pub(crate) const NAMES_WITH_COMMAS: &str = "^[^,]*[^, ][^,]*(,[^,]*[^, ][^,]*)*$";

/// Declares each type by its JSON Schema, which is inlined at every use.
macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident { $($schema:tt)+ })*) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ $($schema)+ })
                }
            }
        )*
    };
}

forms! {
    /// A text that is not empty.
    // The API wants an optional text absent, not empty: an empty replication slot name was refused (seen live).
    NonEmptyText { "type": "string", "minLength": 1 }

    /// The schema of messages, encoded. The API takes a mebibyte of it at most.
    EncodedSchema { "type": "string", "minLength": 1, "maxLength": 1_048_576 }

    /// Comma-separated names in any order.
    // The API takes brokers and topics as one text, not as a list. A gap, as in `a,,b`, is a mistake.
    CommaSeparatedNames {
        "type": "string",
        (annotations::EQUAL): "commaList",
        "pattern": NAMES_WITH_COMMAS,
        (annotations::PATTERN_DESCRIPTION): "one or more names with a comma between them",
    }

    /// Addresses of brokers with commas between them, in no order.
    BrokerAddresses {
        "type": "string",
        (annotations::EQUAL): "hostList",
        "pattern": NAMES_WITH_COMMAS,
        (annotations::PATTERN_DESCRIPTION): "one or more names with a comma between them",
    }

    /// A type or an expression of ClickHouse.
    SqlText { "type": "string", (annotations::EQUAL): "sql", "minLength": 1 }

    /// A ClickHouse expression that is not blank.
    // The API stores a blank partition expression as unset (a comment in the provider says so), and returns null: the
    // difference would never go away.
    NonBlankSqlText {
        "type": "string",
        (annotations::EQUAL): "sql",
        "pattern": r"[^ \t\r\n]",
        (annotations::PATTERN_DESCRIPTION): "a text with more in it than blanks",
    }

    /// The name of a live object.
    ObjectName { "type": "string", "minLength": 1, "maxLength": 255 }

    /// An id of the API.
    Uuid {
        "type": "string",
        (annotations::EQUAL): "caseless",
        "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        (annotations::PATTERN_DESCRIPTION): "a UUID",
    }

    /// A host name or an address, without a scheme and a port.
    // A single colon is a mistake: `host:port` and `https://host`. An IPv6 address has two at least.
    HostAddress {
        "type": "string",
        (annotations::EQUAL): "host",
        "pattern": "^([A-Za-z0-9._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$",
        (annotations::PATTERN_DESCRIPTION): "a host name or an address, without scheme and port",
    }

    /// The name in the certificate of a server.
    CertificateHost { "type": "string", (annotations::EQUAL): "host", "minLength": 1 }

    /// The queue of a storage: a URL, or a subscription.
    QueueAddress { "type": "string", (annotations::EQUAL): "url", "minLength": 1 }

    /// A TCP port.
    TcpPort { "type": "integer", "minimum": 1, "maximum": 65535 }

    /// One or more certificates in PEM form.
    // Checks the header only. The API validates the rest (`not in valid PEM format`, seen live).
    PemCertificates {
        "type": "string",
        (annotations::EQUAL): "pem",
        "pattern": "-----BEGIN [A-Z0-9 ]*CERTIFICATE-----",
        (annotations::PATTERN_DESCRIPTION): "certificates in PEM form",
    }

    /// The name of a resource of Amazon Web Services.
    // The partition is not always `aws`: China and GovCloud have their own.
    Arn {
        "type": "string",
        "pattern": "^arn:[a-z-]+:[a-z0-9-]+:",
        (annotations::PATTERN_DESCRIPTION): "an ARN, `arn:aws:…`",
    }

    /// A point in time, exact to the minute and in UTC.
    // The form of a Kafka offset in the official schema: no seconds, no zone.
    UtcMinute {
        "type": "string",
        (annotations::EQUAL): "minute",
        "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]$",
        (annotations::PATTERN_DESCRIPTION): "a minute in UTC, such as `2026-01-31T08:00`",
    }

    /// A point in time in the form of RFC 3339.
    Rfc3339Timestamp {
        "type": "string",
        (annotations::EQUAL): "instant",
        "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
        (annotations::PATTERN_DESCRIPTION): "a time with its zone, such as `2026-01-31T08:00:00Z`",
    }

    /// An address of the web that is reached with TLS.
    HttpsUrl {
        "type": "string",
        (annotations::EQUAL): "url",
        "pattern": "^https://[^ ]+$",
        (annotations::PATTERN_DESCRIPTION): "a URL that begins with `https://`",
    }

    /// The URL of files in an object storage: `https://…`, `s3://…` or `gs://…`.
    StorageUrl { "type": "string", (annotations::EQUAL): "storageUrl", "minLength": 1 }

    /// A folder of Google Cloud Storage.
    GcsPath {
        "type": "string",
        (annotations::EQUAL): "storageUrl",
        "pattern": "^gs://[^/ ]+",
        (annotations::PATTERN_DESCRIPTION): "a folder of Google Cloud Storage, `gs://bucket/folder/`",
    }

    /// The id of a Google Cloud project.
    // The same form as in the official Terraform provider, which refuses ids with a domain as well.
    GcpProjectId {
        "type": "string",
        "pattern": "^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
        (annotations::PATTERN_DESCRIPTION): "the id of a Google Cloud project: 6 to 30 lower-case letters, digits and hyphens",
    }

    /// A name without its path.
    // A Pub/Sub topic is the name alone, not `projects/…/topics/…`; the provider refuses slashes too.
    NameWithoutSlash {
        "type": "string",
        "pattern": "^[^/]+$",
        (annotations::PATTERN_DESCRIPTION): "a bare name, without slashes",
    }

    /// A service attachment of Google Private Service Connect.
    ServiceAttachment {
        "type": "string",
        "pattern": "^projects/[^/]+/regions/[^/]+/serviceAttachments/[^/]+$",
        (annotations::PATTERN_DESCRIPTION): "`projects/…/regions/…/serviceAttachments/…`",
    }

    /// An exact DNS name, or one with a leading wildcard.
    DnsName {
        "type": "string",
        (annotations::EQUAL): "host",
        "pattern": r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        (annotations::PATTERN_DESCRIPTION): "a DNS name, exact or with a leading `*.`",
    }
}
