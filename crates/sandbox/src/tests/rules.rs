//! Section by section: what belongs together within a source.

use serde_json::{Map, Value, json};

use crate::http_types::{EVIDENCE_HEADER, SandboxResponse};
use crate::options::SandboxOptions;

use super::{
    SandboxBench, assert_refused, bigquery_body, kafka_body, kinesis_body, mongodb_body, mysql_body, postgres_body,
    pubsub_body, s3_body, table_mapping,
};

/// The body with these fields of its source set, or removed where they are null.
pub(super) fn with_source_fields(body: Value, arm: &str, fields: &Value) -> Value {
    let mut body = body;
    let source = body["source"][arm].as_object_mut().unwrap();
    for (name, value) in fields.as_object().unwrap() {
        if value.is_null() {
            source.remove(name);
        } else {
            source.insert(name.clone(), value.clone());
        }
    }
    body
}

/// Each case has fields to set, and a part of the refusal; `None` if the body is accepted.
fn check_cases(body: &Value, arm: &str, cases: &[(Value, Option<&str>)]) {
    for (fields, text) in cases {
        let response = SandboxBench::new().post_pipe(&with_source_fields(body.clone(), arm, fields));
        match text {
            Some(text) => assert_refused(&response, 400, text),
            None => assert_eq!(response.status, 200, "{fields}: {}", response.json_body()),
        }
    }
}

fn credentials_for(broker: &str, authentication: &str) -> Value {
    match (broker, authentication) {
        (_, "IAM_ROLE") => Value::Null,
        (_, "IAM_USER") => json!({"accessKeyId": "a", "secretKey": "b"}),
        (_, "MUTUAL_TLS") => json!({"certificate": "a", "privateKey": "b"}),
        ("azureeventhub", _) => json!({"connectionString": "a"}),
        _ => json!({"username": "a", "password": "b"}),
    }
}

#[test]
fn kafka_authentication_must_fit_the_broker() {
    let matrix: Map<String, Value> = json!({
        "kafka": "PLAIN SCRAM-SHA-256 SCRAM-SHA-512 MUTUAL_TLS",
        "msk": "SCRAM-SHA-512 IAM_ROLE IAM_USER MUTUAL_TLS",
        "gcmk": "PLAIN MUTUAL_TLS",
        "confluent": "PLAIN MUTUAL_TLS",
        "warpstream": "PLAIN",
        "azureeventhub": "PLAIN",
        "redpanda": "SCRAM-SHA-256 SCRAM-SHA-512",
        "dokafka": "SCRAM-SHA-256 MUTUAL_TLS",
    })
    .as_object()
    .unwrap()
    .clone();
    for (broker, allowed) in matrix {
        for authentication in crate::contract::kafka::AUTHENTICATIONS {
            let fits = allowed.as_str().unwrap().split(' ').any(|name| name == *authentication);
            let fields = json!({
                "type": broker,
                "authentication": authentication,
                "credentials": credentials_for(&broker, authentication),
                "iamRole": if *authentication == "IAM_ROLE" { json!("arn:x") } else { Value::Null },
            });
            let text = (!fits).then_some("does not support");
            check_cases(&kafka_body(), "kafka", &[(fields, text)]);
        }
    }
}

#[test]
fn kafka_credentials_must_fit_the_authentication() {
    check_cases(
        &kafka_body(),
        "kafka",
        &[
            (json!({"credentials": null}), Some("credentials.username: 'undefined'")),
            (json!({"credentials": {"username": "a"}}), Some("credentials.password: 'undefined'")),
            (json!({"authentication": "MUTUAL_TLS"}), Some("credentials.certificate")),
            (json!({"type": "azureeventhub"}), None),
            (json!({"type": "azureeventhub", "credentials": null}), Some("credentials.connectionString")),
            (
                json!({"type": "msk", "authentication": "IAM_ROLE", "iamRole": "arn:x"}),
                Some("must not be given with IAM_ROLE"),
            ),
            (json!({"type": "msk", "authentication": "IAM_ROLE", "credentials": null}), Some("iamRole: is required")),
        ],
    );
}

pub(super) fn evidence_header(response: &SandboxResponse) -> Option<&str> {
    let found = response.headers.iter().find(|(name, _)| name == EVIDENCE_HEADER);
    found.map(|(_, words)| words.as_str())
}

#[test]
fn refusal_tells_the_evidence_of_each_broken_rule() {
    let slot = json!({"replicationMode": "cdc", "replicationSlotName": "s"});
    for (fields, evidence) in [
        (json!({}), None),
        (json!({"authentication": "IAM_ROLE"}), Some("schema, provider")),
        (json!({"type": "xml"}), Some("schema")),
        (json!({"noSuchField": 1}), Some("ours")),
        (json!({"settings": slot}), Some("live")),
        (json!({"tableMappings": [table_mapping("a"), table_mapping("a")]}), Some("provider")),
        (json!({"settings": slot, "iamRole": "arn:x"}), Some("live, provider")),
    ] {
        let response = SandboxBench::new().post_pipe(&with_source_fields(postgres_body(), "postgres", &fields));
        assert_eq!(evidence_header(&response), evidence, "{fields}: {}", response.json_body());
    }
}

#[test]
fn kafka_offset_and_registry_are_validated() {
    let login = json!({"username": "u", "password": "p"});
    let registry = |url: &str| json!({"url": url, "authentication": "PLAIN", "credentials": login});
    let glue = json!({"type": "glue", "glueRegion": "us-east-1", "glueRegistryName": "events"});
    let timestamp = |at: &str| json!({"strategy": "from_timestamp", "timestamp": at});
    check_cases(
        &kafka_body(),
        "kafka",
        &[
            (json!({"offset": {"strategy": "from_timestamp"}}), Some("offset.timestamp")),
            (json!({"offset": timestamp("2021-01-01T00:00:00Z")}), Some("must be a minute")),
            (json!({"offset": timestamp("2021-01-01T00:00")}), None),
            (
                json!({"offset": {"strategy": "from_latest", "timestamp": "2021-01-01T00:00"}}),
                Some("only allowed with from_timestamp"),
            ),
            (json!({"schemaRegistry": registry("http://x")}), Some("must be https")),
            (json!({"schemaRegistry": registry("https://x")}), None),
            (json!({"schemaRegistry": {"url": "https://x"}}), Some("authentication: 'undefined'")),
            (json!({"format": "Protobuf"}), Some("schemaRegistry: is required with Protobuf")),
            (json!({"format": "Protobuf", "protobufSchema": "bWVzc2FnZQ=="}), None),
            (json!({"protobufSchema": "bWVzc2FnZQ=="}), Some("only allowed with Protobuf")),
            (json!({"schemaRegistry": glue}), Some("glue is only for AvroConfluent and Protobuf")),
            (json!({"format": "Protobuf", "schemaRegistry": glue}), Some("glueRoleArn: is required")),
            (json!({"tombstoneMode": "delete"}), Some("delete needs exactlyOnce")),
            (json!({"tombstoneMode": "delete", "exactlyOnce": true}), None),
            (json!({"tombstoneMode": "soft_delete"}), None),
            (json!({"format": "AvroConfluent"}), None),
        ],
    );
}

#[test]
fn kinesis_conditional_fields_are_validated() {
    check_cases(
        &kinesis_body(),
        "kinesis",
        &[
            (json!({"iteratorType": "AT_TIMESTAMP"}), Some("timestamp: is required")),
            (json!({"iteratorType": "AT_TIMESTAMP", "timestamp": 1_615_766_400}), None),
            (json!({"timestamp": 1}), Some("only allowed with AT_TIMESTAMP")),
            (json!({"iteratorType": "AT_TIMESTAMP", "timestamp": "2021-01-01"}), Some("must be an integer")),
            (json!({"accessKey": null}), Some("accessKey: is required")),
            (json!({"iamRole": "arn:x"}), Some("iamRole: is only allowed")),
            (json!({"authentication": "IAM_ROLE", "accessKey": null, "iamRole": "arn:x"}), None),
            (json!({"format": "AvroConfluent"}), Some("schemaRegistry: is required with AvroConfluent")),
        ],
    );
}

/// It had no field for a registry.
#[test]
fn kinesis_of_july_needs_no_registry() {
    let body = with_source_fields(kinesis_body(), "kinesis", &json!({"format": "AvroConfluent"}));
    let july = SandboxOptions { newer_fields: false, ..SandboxOptions::default() };
    assert_eq!(SandboxBench::with_options(july).post_pipe(&body).status, 200);
}

#[test]
fn pubsub_conditional_fields_are_validated() {
    check_cases(
        &pubsub_body(),
        "pubsub",
        &[
            (json!({"seekType": "timestamp"}), Some("seekTimestamp: is required")),
            (json!({"seekTimestamp": "2026-04-10T12:00:00Z"}), Some("seekTimestamp: is only")),
            (json!({"seekType": "timestamp", "seekTimestamp": "2026-04-10T12:00:00.5+02:00"}), None),
            (json!({"seekType": "timestamp", "seekTimestamp": "yesterday at noon...."}), Some("must be an RFC 3339")),
            (json!({"projectId": "Nope"}), Some("projectId")),
            (json!({"topic": "projects/p/topics/t"}), Some("bare name")),
            (json!({"filter": "x".repeat(257)}), Some("at most 256")),
            (json!({"ackDeadline": 601}), Some("Not between 10 and 600")),
            (json!({"serviceAccountKey": "base64"}), Some("must be an object")),
        ],
    );
}

#[test]
fn object_storage_location_must_fit_the_type() {
    let azure = json!({
        "type": "azureblobstorage", "url": null, "accessKey": null,
        "authentication": "CONNECTION_STRING", "connectionString": "x",
        "azureContainerName": "box", "path": "*.csv",
    });
    let but = |name: &str, value: Value| {
        let mut fields = azure.clone();
        fields[name] = value;
        fields
    };
    check_cases(
        &s3_body(),
        "objectStorage",
        &[
            (azure.clone(), None),
            (but("url", json!("https://x")), Some("url: must not be given")),
            (but("azureContainerName", Value::Null), Some("azureContainerName: is required")),
            (but("connectionString", Value::Null), Some("connectionString: is required")),
            (but("authentication", json!("IAM_USER")), Some("azureblobstorage does not support")),
            (json!({"url": null}), Some("url: is required")),
        ],
    );
}

#[test]
fn object_storage_authentication_must_fit_the_type() {
    let key = "serviceAccountKey";
    let account = json!({"type": "gcs", "authentication": "SERVICE_ACCOUNT", key: "x"});
    check_cases(
        &s3_body(),
        "objectStorage",
        &[
            (json!({"authentication": null, "accessKey": null}), None),
            (json!({"type": "dospaces"}), None),
            (json!({"accessKey": null}), Some("accessKey: is required")),
            (json!({"authentication": "IAM_ROLE"}), Some("iamRole: is required")),
            (json!({"authentication": "IAM_ROLE", "iamRole": "arn:x"}), None),
            (json!({"type": "gcs", "authentication": "IAM_ROLE", "iamRole": "arn:x"}), Some("gcs does not support")),
            (account, None),
            (json!({"authentication": "SERVICE_ACCOUNT", key: "x"}), Some("s3 does not support")),
            (json!({"type": "gcs", "authentication": "SERVICE_ACCOUNT"}), Some("serviceAccountKey: is required")),
            (json!({key: "x"}), Some("serviceAccountKey: is only allowed")),
        ],
    );
}

#[test]
fn object_storage_queue_must_fit_the_bucket() {
    let sqs = "https://sqs.us-east-1.amazonaws.com/123456789012/MyQueue";
    let subscription = "projects/p/subscriptions/s";
    let queue = |url: &str| json!({"isContinuous": true, "queueUrl": url});
    let google = |url: &str| json!({"type": "gcs", "isContinuous": true, "queueUrl": url});
    let public = json!({
        "isContinuous": true, "queueUrl": sqs, "authentication": null, "accessKey": null,
    });
    let skip = json!({"isContinuous": true, "queueUrl": sqs, "skipInitialLoad": true});
    let both = json!({
        "isContinuous": true, "queueUrl": sqs, "skipInitialLoad": true, "startAfter": "x",
    });
    check_cases(
        &s3_body(),
        "objectStorage",
        &[
            (queue(sqs), None),
            (google(subscription), None),
            (json!({"queueUrl": sqs}), Some("only allowed with isContinuous")),
            (queue(subscription), Some("is not the queue of a s3 bucket")),
            (queue("https://sqs.us-east-1.amazonaws.com/1/Q"), Some("is not the queue")),
            (google(sqs), Some("is not the queue of a gcs bucket")),
            (json!({"type": "dospaces", "isContinuous": true, "queueUrl": sqs}), Some("only allowed with s3 and gcs")),
            (public, Some("a queue needs one of")),
            (skip, None),
            (both, Some("startAfter: is not allowed")),
            (json!({"skipInitialLoad": true}), Some("only allowed with queueUrl")),
            (json!({"skipInitialLoad": false, "startAfter": "x"}), None),
        ],
    );
}

#[test]
fn basic_authentication_needs_a_password_and_a_role_forbids_it() {
    let user = json!({"username": "u"});
    let role = json!({"authentication": "IAM_ROLE", "iamRole": "arn:x", "credentials": user});
    let cases = [
        (json!({"credentials": null}), Some("credentials.username: 'undefined'")),
        (json!({"credentials": user}), Some("password is required for basic authentication")),
        (json!({"credentials": {"password": "p"}}), Some("credentials.username: 'undefined'")),
        (json!({"iamRole": "arn:x"}), Some("iamRole: is only allowed")),
        (json!({"authentication": "IAM_ROLE"}), Some("iamRole: is required")),
        (json!({"authentication": "IAM_ROLE", "iamRole": "arn:x"}), Some("password: must not")),
        (json!({"authentication": "Basic"}), Some("must be one of basic, IAM_ROLE")),
        (role, None),
    ];
    check_cases(&postgres_body(), "postgres", &cases);
    check_cases(&mysql_body(), "mysql", &cases);
}

#[test]
fn replication_slot_is_only_for_cdc_only() {
    let settings = |settings: Value| json!({"settings": settings});
    check_cases(
        &postgres_body(),
        "postgres",
        &[
            (
                settings(json!({"replicationMode": "cdc", "replicationSlotName": "s"})),
                Some("only valid for cdc_only mode"),
            ),
            (
                settings(json!({"replicationMode": "cdc_only", "replicationSlotName": ""})),
                Some("replicationSlotName: ''"),
            ),
            (settings(json!({"replicationMode": "cdc_only", "replicationSlotName": "s"})), None),
            (
                settings(json!({
                    "replicationMode": "cdc_only", "replicationSlotName": "s",
                    "enableFailoverSlots": true,
                })),
                Some("enableFailoverSlots"),
            ),
            (settings(json!({})), Some("replicationMode: 'undefined'")),
        ],
    );
}

#[test]
fn table_mappings_are_validated() {
    let one = |name: &str, value: Value| {
        let mut one = table_mapping("users");
        one[name] = value;
        json!({"tableMappings": [one]})
    };
    let mut twin = table_mapping("orders");
    twin["targetTable"] = json!("t_users");
    let mut keyed = table_mapping("users");
    keyed["useCustomSortingKey"] = json!(true);
    keyed["sortingKeys"] = json!(["a", "b"]);
    check_cases(
        &postgres_body(),
        "postgres",
        &[
            (json!({"tableMappings": [table_mapping("users"), twin]}), Some("used by another mapping")),
            (one("useCustomSortingKey", json!(true)), Some("sortingKeys: is required")),
            (one("sortingKeys", json!(["a"])), None),
            (json!({"tableMappings": [keyed]}), None),
            (one("excludedColumns", json!(["a", "a"])), Some("is given twice")),
            (one("partitionByExpr", json!("  ")), Some("must not be blank")),
            (one("tableEngine", json!("SummingMergeTree")), Some("must be one of MergeTree")),
            (json!({"tableMappingsToAdd": []}), Some("it belongs into a PATCH")),
        ],
    );
    let mut expression = table_mapping("users");
    expression["partitionByExpr"] = json!("toYYYYMM(x)");
    let fields = json!({"tableMappings": [expression]});
    check_cases(&mysql_body(), "mysql", &[(fields, None)]);
}

#[test]
fn mariadb_only_supports_gtid() {
    let settings = json!({"replicationMode": "cdc", "replicationMechanism": "FILE_POS"});
    check_cases(
        &mysql_body(),
        "mysql",
        &[
            (json!({"type": "rdsmariadb", "settings": settings}), Some("GTID only")),
            (json!({"type": "mysql", "settings": settings}), None),
            (json!({"serverId": 0}), Some("Not between 1 and 4294967295")),
        ],
    );
}

#[test]
fn mongodb_and_bigquery_urls_need_their_scheme() {
    let uri = |uri: &str| json!({"uri": uri});
    check_cases(
        &mongodb_body(),
        "mongodb",
        &[
            (uri("https://x"), Some("uri: must begin with mongodb://")),
            (uri("mongodb://x"), None),
            (json!({"credentials": null, "uri": "mongodb://u:p@x"}), None),
            (json!({"credentials": {"password": "p"}}), Some("credentials.username: 'undefined'")),
        ],
    );
    let path = json!({"snapshotStagingPath": "s3://x"});
    check_cases(&bigquery_body(), "bigquery", &[(path, Some("must begin with gs://"))]);
    let settings = json!({"settings": {"replicationMode": "other"}});
    check_cases(&bigquery_body(), "bigquery", &[(settings, Some("must be one of cdc, snapshot, cdc_only"))]);
    let identity = json!({"authentication": "SERVICE_ACCOUNT_WORKLOAD_IDENTITY", "credentials": null});
    check_cases(&bigquery_body(), "bigquery", &[(identity, Some("projectId: is required"))]);
}
