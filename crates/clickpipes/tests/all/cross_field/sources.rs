//! What holds for one source.

use serde_json::{Value, json};

use super::Case;
use super::good::{azure, bigquery, gcs, kafka, kinesis, mongodb, mysql, postgres, pubsub, s3};

pub(crate) fn cases() -> Vec<Case> {
    [of_kafka(), of_registries(), of_streams(), of_files(), of_queues(), of_databases(), of_mappings()].concat()
}

fn secret() -> Value {
    json!({"fromEnv": "SECRET"})
}

const ROLE: &str = "arn:aws:iam::123456789012:role/Reader";

fn registry() -> Value {
    json!({"url": "https://r", "authentication": "PLAIN", "credentials": {"username": "u", "password": secret()}})
}

fn glue(role: &str) -> Value {
    let mut registry = json!({"type": "glue", "glueRegion": "us-east-1", "glueRegistryName": "events"});
    if !role.is_empty() {
        registry["glueRoleArn"] = ROLE.into();
    }
    registry
}

fn with(mut object: Value, field: &str, value: &str) -> Value {
    object[field] = value.into();
    object
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

/// A PEM file as tools often write it.
fn certificate_with_key() -> String {
    format!("{CERTIFICATE}-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n")
}

fn of_kafka() -> Vec<Case> {
    let role = "arn:aws:iam::123456789012:role/Reader";
    vec![
        (
            "kafka-authentication",
            kafka(),
            json!({
                "spec.source.kafka.authentication": "IAM_ROLE",
                "spec.source.kafka.iamRole": role,
                "spec.source.kafka.credentials": null,
            }),
        ),
        (
            "kafka-redpanda-mutual-tls",
            kafka(),
            json!({
                "spec.source.kafka.type": "redpanda",
                "spec.source.kafka.authentication": "MUTUAL_TLS",
                "spec.source.kafka.credentials": {"certificate": "PEM", "privateKey": secret()},
            }),
        ),
        ("literal-secret", kafka(), json!({"spec.source.kafka.caCertificate": certificate_with_key()})),
        (
            "literal-secret",
            kafka(),
            json!({
                "spec.source.kafka.authentication": "MUTUAL_TLS",
                "spec.source.kafka.credentials": {"certificate": certificate_with_key(), "privateKey": secret()},
            }),
        ),
        (
            "kafka-iam-role",
            kafka(),
            json!({
                "spec.source.kafka.type": "msk",
                "spec.source.kafka.authentication": "IAM_ROLE",
                "spec.source.kafka.credentials": null,
            }),
        ),
        ("kafka-unused-role", kafka(), json!({"spec.source.kafka.iamRole": role})),
        (
            "kafka-no-credentials",
            kafka(),
            json!({
                "spec.source.kafka.type": "msk",
                "spec.source.kafka.authentication": "IAM_ROLE",
                "spec.source.kafka.iamRole": role,
            }),
        ),
        ("kafka-no-credentials", kafka(), json!({"spec.source.kafka.credentials": null})),
        ("kafka-eventhub-credentials", kafka(), json!({"spec.source.kafka.type": "azureeventhub"})),
        (
            "kafka-credentials",
            kafka(),
            json!({"spec.source.kafka.type": "azureeventhub", "spec.source.kafka.credentials": {"username": "u"}}),
        ),
        ("kafka-credentials", kafka(), json!({"spec.source.kafka.credentials": {"username": "reader"}})),
        (
            "kafka-credentials",
            kafka(),
            json!({
                "spec.source.kafka.type": "msk",
                "spec.source.kafka.authentication": "IAM_USER",
            }),
        ),
        ("kafka-offset-timestamp", kafka(), json!({"spec.source.kafka.offset": {"strategy": "from_timestamp"}})),
        (
            "kafka-offset-timestamp",
            kafka(),
            json!({"spec.source.kafka.offset": {
                "strategy": "from_latest", "timestamp": "2026-01-31T08:00",
            }}),
        ),
    ]
}

fn of_registries() -> Vec<Case> {
    vec![
        (
            "kafka-protobuf-encoding",
            kafka(),
            json!({"spec.source.kafka.format": "Protobuf", "spec.source.kafka.protobufSchema": "syntax = \"proto3\";"}),
        ),
        ("kafka-protobuf-schema", kafka(), json!({"spec.source.kafka.format": "Protobuf"})),
        ("kafka-protobuf-schema", kafka(), json!({"spec.source.kafka.protobufSchema": "bWVzc2FnZQ=="})),
        (
            "kafka-protobuf-schema",
            kafka(),
            json!({
                "spec.source.kafka.format": "Protobuf",
                "spec.source.kafka.protobufSchema": "bWVzc2FnZQ==",
                "spec.source.kafka.schemaRegistry": registry(),
            }),
        ),
        ("kafka-tombstones", kafka(), json!({"spec.source.kafka.tombstoneMode": "delete"})),
        ("kafka-glue-registry", kafka(), json!({"spec.source.kafka.schemaRegistry": glue("role")})),
        (
            "kafka-glue-registry",
            kafka(),
            json!({"spec.source.kafka.format": "Protobuf", "spec.source.kafka.schemaRegistry": glue("")}),
        ),
        ("registry-confluent", kafka(), json!({"spec.source.kafka.schemaRegistry": {"url": "https://r"}})),
        (
            "registry-glue",
            kafka(),
            json!({
                "spec.source.kafka.format": "Protobuf",
                "spec.source.kafka.schemaRegistry": {"type": "glue", "glueRoleArn": ROLE, "glueRegion": "r"},
            }),
        ),
        (
            "registry-confluent",
            kafka(),
            json!({
                "spec.source.kafka.format": "Protobuf",
                "spec.source.kafka.schemaRegistry": with(glue("role"), "url", "https://r"),
            }),
        ),
        (
            "registry-confluent",
            kafka(),
            json!({
                "spec.source.kafka.format": "Protobuf",
                "spec.source.kafka.schemaRegistry": with(glue("role"), "caCertificate", CERTIFICATE),
            }),
        ),
        (
            "registry-glue",
            kafka(),
            json!({"spec.source.kafka.schemaRegistry": with(registry(), "glueRegion", "us-east-1")}),
        ),
        ("registry-glue", kafka(), json!({"spec.source.kafka.schemaRegistry": with(registry(), "glueRoleArn", ROLE)})),
        ("kafka-avro-registry", kafka(), json!({"spec.source.kafka.format": "AvroConfluent"})),
    ]
}

fn of_streams() -> Vec<Case> {
    vec![
        ("kinesis-protobuf-schema", kinesis(), json!({"spec.source.kinesis.format": "Protobuf"})),
        (
            "kinesis-protobuf-encoding",
            kinesis(),
            json!({"spec.source.kinesis.format": "Protobuf", "spec.source.kinesis.protobufSchema": "bWVzc2FnZQ"}),
        ),
        ("kinesis-avro-registry", kinesis(), json!({"spec.source.kinesis.format": "AvroConfluent"})),
        ("pubsub-service-account", pubsub(), json!({"spec.source.pubsub.serviceAccountKey": null})),
        (
            "pubsub-service-account",
            pubsub(),
            json!({"spec.source.pubsub.authentication": "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"}),
        ),
        ("kinesis-timestamp", kinesis(), json!({"spec.source.kinesis.iteratorType": "AT_TIMESTAMP"})),
        ("kinesis-timestamp", kinesis(), json!({"spec.source.kinesis.timestamp": 1})),
        (
            "kinesis-access-key",
            kinesis(),
            json!({
                "spec.source.kinesis.authentication": "IAM_ROLE",
                "spec.source.kinesis.iamRole": "arn:aws:iam::123456789012:role/Reader",
            }),
        ),
        ("kinesis-iam-role", kinesis(), json!({"spec.source.kinesis.iamRole": ROLE})),
        ("kinesis-access-key", kinesis(), json!({"spec.source.kinesis.accessKey": null})),
        (
            "kinesis-iam-role",
            kinesis(),
            json!({
                "spec.source.kinesis.authentication": "IAM_ROLE",
                "spec.source.kinesis.accessKey": null,
            }),
        ),
        ("pubsub-seek-timestamp", pubsub(), json!({"spec.source.pubsub.seekType": "timestamp"})),
        ("pubsub-seek-timestamp", pubsub(), json!({"spec.source.pubsub.seekTimestamp": "2026-01-31T08:00:00Z"})),
    ]
}

fn of_files() -> Vec<Case> {
    const AT: &str = "spec.source.objectStorage";
    let at = |field: &str| format!("{AT}.{field}");
    vec![
        (
            "storage-authentication",
            gcs(),
            json!({
                at("authentication"): "IAM_ROLE",
                at("serviceAccountKey"): null,
                at("iamRole"): "arn:aws:iam::123456789012:role/Reader",
            }),
        ),
        ("storage-url", s3(), json!({at("url"): null})),
        ("storage-url", azure(), json!({at("url"): "https://example.com"})),
        ("storage-azure-path", azure(), json!({at("path"): null})),
        ("storage-azure", azure(), json!({at("azureContainerName"): null})),
        ("storage-azure-only", s3(), json!({at("path"): "*.csv"})),
        ("storage-azure-only", s3(), json!({at("azureContainerName"): "container"})),
        ("storage-azure-only", s3(), json!({at("connectionString"): secret()})),
        ("storage-iam-role", s3(), json!({at("iamRole"): null})),
        ("storage-unused-role", gcs(), json!({at("iamRole"): ROLE})),
        ("storage-access-key", s3(), json!({at("authentication"): "IAM_USER", at("iamRole"): null})),
        ("storage-unused-key", gcs(), json!({at("accessKey"): {"accessKeyId": "AKIA", "secretKey": secret()}})),
        ("storage-service-account", gcs(), json!({at("serviceAccountKey"): null})),
        ("storage-other-account", gcs(), json!({at("authentication"): null})),
        ("skip-initial-load", s3(), json!({at("skipInitialLoad"): true, at("startAfter"): "2026/"})),
        ("skip-initial-load", s3(), json!({at("skipInitialLoad"): true, at("queueUrl"): null})),
    ]
}

fn of_queues() -> Vec<Case> {
    const AT: &str = "spec.source.objectStorage";
    let at = |field: &str| format!("{AT}.{field}");
    vec![
        ("queue-continuous", s3(), json!({at("isContinuous"): null})),
        ("queue-continuous", s3(), json!({at("isContinuous"): false})),
        ("queue-storage", azure(), json!({at("isContinuous"): true, at("queueUrl"): "projects/p/subscriptions/s"})),
        ("queue-authentication", s3(), json!({at("authentication"): null, at("iamRole"): null})),
        ("queue-url", s3(), json!({at("queueUrl"): "projects/p/subscriptions/s"})),
        (
            "queue-url",
            gcs(),
            json!({
                at("isContinuous"): true,
                at("queueUrl"): "https://sqs.us-east-1.amazonaws.com/123456789012/files",
            }),
        ),
    ]
}

fn of_databases() -> Vec<Case> {
    let role = "arn:aws:iam::123456789012:role/Reader";
    vec![
        ("bigquery-service-account", bigquery(), json!({"spec.source.bigquery.credentials": null})),
        (
            "bigquery-service-account",
            bigquery(),
            json!({
                "spec.source.bigquery.authentication": "SERVICE_ACCOUNT_WORKLOAD_IDENTITY",
                "spec.source.bigquery.projectId": "my-project",
            }),
        ),
        (
            "bigquery-project",
            bigquery(),
            json!({
                "spec.source.bigquery.authentication": "SERVICE_ACCOUNT_WORKLOAD_IDENTITY",
                "spec.source.bigquery.credentials": null,
            }),
        ),
        ("preview-field", postgres(), json!({"spec.source.postgres.sshKeyResourceId": "tunnel"})),
        ("preview-field", bigquery(), json!({"spec.source.bigquery.settings.syncDelaySeconds": 5})),
        ("database-password", postgres(), json!({"spec.source.postgres.credentials.password": null})),
        (
            "database-other-login",
            mysql(),
            json!({
                "spec.source.mysql.authentication": "IAM_ROLE",
                "spec.source.mysql.iamRole": role,
                "spec.source.mysql.credentials.version": null,
            }),
        ),
        (
            "login-version",
            postgres(),
            json!({
                "spec.source.postgres.authentication": "IAM_ROLE",
                "spec.source.postgres.iamRole": role,
                "spec.source.postgres.credentials": {"username": "u", "version": 2},
            }),
        ),
        ("database-other-login", postgres(), json!({"spec.source.postgres.iamRole": role})),
        (
            "database-iam-role",
            postgres(),
            json!({
                "spec.source.postgres.authentication": "IAM_ROLE",
                "spec.source.postgres.credentials": {"username": "u"},
            }),
        ),
        ("postgres-slot-name", postgres(), json!({"spec.source.postgres.settings.replicationSlotName": "slot"})),
        (
            "postgres-failover-slots",
            postgres(),
            json!({"spec.source.postgres.settings": {
                "replicationMode": "cdc_only",
                "replicationSlotName": "slot",
                "enableFailoverSlots": true,
            }}),
        ),
        ("mariadb-mechanism", mysql(), json!({"spec.source.mysql.settings.replicationMechanism": "FILE_POS"})),
        (
            "disabled-tls",
            postgres(),
            json!({"spec.source.postgres.disableTls": true, "spec.source.postgres.tlsHost": "db"}),
        ),
        (
            "disabled-tls",
            mysql(),
            json!({"spec.source.mysql.disableTls": true, "spec.source.mysql.caCertificate": CERTIFICATE}),
        ),
        ("literal-secret", mysql(), json!({"spec.source.mysql.caCertificate": certificate_with_key()})),
        ("literal-secret", mongodb(), json!({"spec.source.mongodb.caCertificate": certificate_with_key()})),
        (
            "mongodb-login",
            mongodb(),
            json!({"spec.source.mongodb.credentials": null, "spec.source.mongodb.uri": "mongodb+srv://cluster0.example.net"}),
        ),
        ("mongodb-uri", mongodb(), json!({"spec.source.mongodb.uri": "cluster0.example.net"})),
        ("literal-secret", mongodb(), json!({"spec.source.mongodb.uri": "mongodb://reader:p@ss/word@db.example.com"})),
    ]
}

fn of_mappings() -> Vec<Case> {
    const MAPPING: &str = "spec.source.postgres.tableMappings.0";
    let of_mapping = |field: &str| format!("{MAPPING}.{field}");
    vec![
        ("duplicate-target-table", postgres(), json!({of_mapping("targetTable"): "users"})),
        (
            "shared-target-table",
            mongodb(),
            json!({"spec.source.mongodb.tableMappings": [
                {"sourceDatabaseName": "shop", "sourceCollection": "orders", "targetTable": "orders"},
                {"sourceDatabaseName": "shop", "sourceCollection": "users", "targetTable": "orders"},
            ]}),
        ),
        ("unused-sorting-key", postgres(), json!({of_mapping("sortingKeys"): ["id"]})),
        ("custom-sorting-key", postgres(), json!({of_mapping("useCustomSortingKey"): true})),
        (
            "empty-sorting-key",
            postgres(),
            json!({of_mapping("useCustomSortingKey"): true, of_mapping("sortingKeys"): []}),
        ),
        (
            "excluded-sorting-key",
            postgres(),
            json!({
                of_mapping("useCustomSortingKey"): true,
                of_mapping("sortingKeys"): ["id"],
                of_mapping("excludedColumns"): ["id"],
            }),
        ),
        ("dotted-table", postgres(), json!({of_mapping("targetTable"): "raw.orders"})),
    ]
}
