//! Texts and numbers that must have a form, as types: the schema says the form wherever one is
//! used, and nothing else is kept of them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::mark;

/// Declares a type by its JSON Schema, which is put in place of every use.
macro_rules! form {
    ($(#[$doc:meta])* $name:ident, $($schema:tt)+) => {
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
    };
}

form!(
    /// A text that says something: the API wants an optional text left out, never empty.
    Text,
    "type": "string",
    "minLength": 1
);

form!(
    /// Names with commas between them.
    Names,
    "type": "string",
    "pattern": "^[^,]*[^, ][^,]*(,[^,]*[^, ][^,]*)*$",
    (mark::PATTERN_SAYS): "one or more names with a comma between them"
);

form!(
    /// A text with more in it than blanks.
    Expression,
    "type": "string",
    "pattern": r"[^ \t\r\n]",
    (mark::PATTERN_SAYS): "a text with more in it than blanks"
);

form!(
    /// The name of a live object.
    ObjectName,
    "type": "string",
    "minLength": 1,
    "maxLength": 255
);

form!(
    /// An id of the API.
    Uuid,
    "type": "string",
    "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    (mark::PATTERN_SAYS): "a UUID"
);

form!(
    /// A host name or an address, without a scheme and a port.
    Host,
    "type": "string",
    "pattern": "^[A-Za-z0-9._-]+$",
    (mark::PATTERN_SAYS): "a host name or an address, without scheme and port"
);

form!(
    /// A TCP port.
    Port,
    "type": "integer",
    "minimum": 1,
    "maximum": 65535
);

form!(
    /// One or more certificates in PEM form.
    Certificates,
    "type": "string",
    "pattern": "-----BEGIN [A-Z0-9 ]*CERTIFICATE-----",
    (mark::PATTERN_SAYS): "certificates in PEM form"
);

form!(
    /// The name of a resource of Amazon Web Services.
    Arn,
    "type": "string",
    "pattern": "^arn:[a-z-]+:[a-z0-9-]+:",
    (mark::PATTERN_SAYS): "an ARN, `arn:aws:…`"
);

form!(
    /// A point in time, exact to the minute and in UTC.
    Minute,
    "type": "string",
    "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]$",
    (mark::PATTERN_SAYS): "a minute in UTC, such as `2026-01-31T08:00`"
);

form!(
    /// A point in time in the form of RFC 3339.
    Timestamp,
    "type": "string",
    "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
    (mark::PATTERN_SAYS): "a time with its zone, such as `2026-01-31T08:00:00Z`"
);

form!(
    /// An address of the web that is reached with TLS.
    HttpsUrl,
    "type": "string",
    "pattern": "^https://[^ ]+$",
    (mark::PATTERN_SAYS): "a URL that begins with `https://`"
);

form!(
    /// A folder of Google Cloud Storage.
    GcsPath,
    "type": "string",
    "pattern": "^gs://[^/ ]+",
    (mark::PATTERN_SAYS): "a folder of Google Cloud Storage, `gs://bucket/folder/`"
);

form!(
    /// The id of a Google Cloud project.
    GcpProject,
    "type": "string",
    "pattern": "^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
    (mark::PATTERN_SAYS): "the id of a Google Cloud project: 6 to 30 lower-case letters, digits and hyphens"
);

form!(
    /// A name without its path.
    BareName,
    "type": "string",
    "pattern": "^[^/]+$",
    (mark::PATTERN_SAYS): "a bare name, without slashes"
);

form!(
    /// A service attachment of Google Private Service Connect.
    ServiceAttachment,
    "type": "string",
    "pattern": "^projects/[^/]+/regions/[^/]+/serviceAttachments/[^/]+$",
    (mark::PATTERN_SAYS): "`projects/…/regions/…/serviceAttachments/…`"
);

form!(
    /// An exact DNS name, or one with a leading wildcard.
    DnsName,
    "type": "string",
    "pattern": r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
    (mark::PATTERN_SAYS): "a DNS name, exact or with a leading `*.`"
);
