//! Texts that must have a form.

use clickpipes::kinds;
use model::address::Kind;
use serde_json::{Value, json};

/// Whether the schema takes the value at a pointer below the definitions.
fn takes(definition: &str, field: &str, value: &Value) -> bool {
    let schema = kinds::manifest_schema(Kind::ClickPipe);
    let endpoints = kinds::manifest_schema(Kind::ReversePrivateEndpoint);
    let mut field_schema = [schema, endpoints]
        .iter()
        .find_map(|schema| schema["$defs"][definition]["properties"].get(field))
        .unwrap_or_else(|| panic!("{definition}.{field}"))
        .clone();
    field_schema["$defs"] = schema["$defs"].clone();
    jsonschema::validator_for(&field_schema).expect("a good schema").is_valid(value)
}

#[test]
fn string_formats_accept_valid_and_reject_invalid() {
    for (definition, field, good, bad) in [
        ("Kafka", "topics", &["a", "a,b", "a, b"][..], &["", "a,", ",a", "a,,b", " ", "a, ,b"][..]),
        ("KafkaOffset", "timestamp", &["2026-01-31T08:00"], &["2026-13-31T08:00", "2026-01-31"]),
        (
            "Pubsub",
            "seekTimestamp",
            &["2026-01-31T08:00:00Z", "2026-01-31T08:00:00.5+02:00"],
            &["2026-01-31T08:00Z", "2026-01-31T08:00:00", "2026-01-31 08:00:00Z"],
        ),
        ("Pubsub", "projectId", &["my-project", "abcdef"], &["abc", "My-Project", "abcde-", "1abcdef"]),
        ("Pubsub", "topic", &["orders"], &["projects/p/topics/orders", ""]),
        ("SchemaRegistry", "url", &["https://r.example.com/x"], &["http://r.example.com", ""]),
        ("Postgres", "host", &["db.example.com", "10.0.0.1"], &["db:5432", "https://db", ""]),
        ("Postgres", "iamRole", &["arn:aws:iam::123456789012:role/R"], &["R", ""]),
        (
            "Postgres",
            "caCertificate",
            &["-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"],
            &["MIIC", "/etc/ca.pem"],
        ),
        ("PostgresTableMapping", "partitionByExpr", &["toYYYYMM(at)"], &["", "  "]),
        ("Bigquery", "snapshotStagingPath", &["gs://bucket/folder/"], &["s3://bucket", "gs://"]),
        ("PrivateDnsMapping", "privateDnsName", &["a.b", "*.a.b"], &["a.*", "*a.b", "a b", ""]),
        (
            "ReversePrivateEndpointSpec",
            "gcpServiceAttachment",
            &["projects/p/regions/r/serviceAttachments/s"],
            &["s", "projects/p/serviceAttachments/s"],
        ),
    ] {
        for text in good {
            assert!(takes(definition, field, &json!(text)), "{field}: `{text}` is good");
        }
        for text in bad {
            assert!(!takes(definition, field, &json!(text)), "{field}: `{text}` is bad");
        }
    }
}

#[test]
fn secret_must_be_a_single_reference() {
    let good = [
        json!({"fromEnv": "A"}),
        json!({"fromFile": "key.json", "encoding": "base64", "version": 2}),
        json!({"fromCommand": ["op", "read", "x"]}),
    ];
    let bad = [
        json!("hunter2"),
        json!({}),
        json!({"fromEnv": "A", "fromFile": "b"}),
        json!({"fromEnv": ""}),
        json!({"fromCommand": []}),
        json!({"fromEnv": "A", "encoding": "hex"}),
        json!({"fromEnv": "A", "version": 0}),
    ];
    for value in good {
        assert!(takes("Login", "password", &value), "{value}");
        assert!(takes("Login", "username", &value), "{value}");
    }
    for value in bad {
        assert!(!takes("Login", "password", &value), "{value}");
        assert!(value.is_string() || !takes("Login", "username", &value), "{value}");
    }
    assert!(takes("Login", "username", &json!("reader")));
}
