//! One good manifest of every kind and source.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use serde_json::{Value, json};

fn pipe(source: Value, destination: Value) -> Value {
    json!({
        "apiVersion": "pipectl/v1",
        "kind": "ClickPipe",
        "metadata": {"name": "orders", "service": "analytics"},
        "spec": {"source": source, "destination": destination},
    })
}

fn table() -> Value {
    json!({
        "database": "default",
        "table": "orders",
        "managedTable": true,
        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": ["id"]},
        "columns": [{"name": "id", "type": "UInt64"}, {"name": "note", "type": "String"}],
    })
}

fn secret() -> Value {
    json!({"fromEnv": "SECRET"})
}

fn login() -> Value {
    json!({"username": "reader", "password": secret(), "version": 2})
}

pub(crate) fn kafka() -> Value {
    let source = json!({"kafka": {
        "type": "kafka",
        "format": "JSONEachRow",
        "brokers": "broker:9092",
        "topics": "orders",
        "authentication": "PLAIN",
        "credentials": login(),
        "offset": {"strategy": "from_beginning"},
    }});
    pipe(source, table())
}

pub(crate) fn kinesis() -> Value {
    let source = json!({"kinesis": {
        "format": "JSONEachRow",
        "streamName": "orders",
        "region": "us-east-1",
        "iteratorType": "TRIM_HORIZON",
        "authentication": "IAM_USER",
        "accessKey": {"accessKeyId": "AKIA", "secretKey": secret()},
    }});
    pipe(source, table())
}

pub(crate) fn s3() -> Value {
    let source = json!({"objectStorage": {
        "type": "s3",
        "format": "JSONEachRow",
        "url": "https://bucket.s3.amazonaws.com/*.json",
        "authentication": "IAM_ROLE",
        "iamRole": "arn:aws:iam::123456789012:role/Reader",
        "isContinuous": true,
        "queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/files",
    }});
    pipe(source, table())
}

pub(crate) fn azure() -> Value {
    let source = json!({"objectStorage": {
        "type": "azureblobstorage",
        "format": "CSV",
        "azureContainerName": "container",
        "path": "*.csv",
        "authentication": "CONNECTION_STRING",
        "connectionString": secret(),
    }});
    pipe(source, table())
}

pub(crate) fn gcs() -> Value {
    let source = json!({"objectStorage": {
        "type": "gcs",
        "format": "Parquet",
        "url": "gs://bucket/*.parquet",
        "authentication": "SERVICE_ACCOUNT",
        "serviceAccountKey": {"fromFile": "key.json", "encoding": "base64"},
    }});
    pipe(source, table())
}

pub(crate) fn pubsub() -> Value {
    let source = json!({"pubsub": {
        "format": "JSONEachRow",
        "projectId": "my-project",
        "topic": "orders",
        "authentication": "SERVICE_ACCOUNT",
        "serviceAccountKey": {"serviceAccountFile": secret()},
        "seekType": "earliest",
    }});
    pipe(source, table())
}

pub(crate) fn postgres() -> Value {
    let source = json!({"postgres": {
        "host": "db.example.com",
        "port": 5432,
        "database": "shop",
        "credentials": login(),
        "settings": {"replicationMode": "cdc"},
        "tableMappings": [
            {"sourceSchemaName": "public", "sourceTable": "orders", "targetTable": "orders"},
            {"sourceSchemaName": "public", "sourceTable": "users", "targetTable": "users"},
        ],
    }});
    pipe(source, json!({"database": "default"}))
}

pub(crate) fn mysql() -> Value {
    let source = json!({"mysql": {
        "type": "mariadb",
        "host": "db.example.com",
        "port": 3306,
        "credentials": login(),
        "settings": {"replicationMode": "cdc"},
        "tableMappings": [
            {"sourceSchemaName": "shop", "sourceTable": "orders", "targetTable": "orders"},
        ],
    }});
    pipe(source, json!({"database": "default"}))
}

pub(crate) fn mongodb() -> Value {
    let source = json!({"mongodb": {
        "uri": "mongodb+srv://reader@cluster0.example.net/shop",
        "readPreference": "secondaryPreferred",
        "credentials": login(),
        "settings": {"replicationMode": "cdc"},
        "tableMappings": [
            {"sourceDatabaseName": "shop", "sourceCollection": "orders", "targetTable": "orders"},
        ],
    }});
    pipe(source, json!({"database": "default"}))
}

pub(crate) fn bigquery() -> Value {
    let source = json!({"bigquery": {
        "snapshotStagingPath": "gs://bucket/staging/",
        "credentials": {"serviceAccountFile": secret()},
        "settings": {"replicationMode": "snapshot"},
        "tableMappings": [
            {"sourceDatasetName": "shop", "sourceTable": "orders", "targetTable": "orders"},
        ],
    }});
    pipe(source, json!({"database": "default"}))
}

pub(crate) fn cdc_scaling() -> Value {
    json!({
        "apiVersion": "pipectl/v1",
        "kind": "CdcScaling",
        "metadata": {"service": "analytics"},
        "spec": {"replicaCpuMillicores": 4000, "replicaMemoryGb": 16},
    })
}

pub(crate) fn endpoint() -> Value {
    json!({
        "apiVersion": "pipectl/v1",
        "kind": "ReversePrivateEndpoint",
        "metadata": {"name": "warehouse", "service": "analytics"},
        "spec": {
            "type": "MSK_MULTI_VPC",
            "mskClusterArn": "arn:aws:kafka:us-east-1:123456789012:cluster/orders",
            "mskAuthentication": "SASL_IAM",
        },
    })
}

pub(crate) fn tombstone() -> Value {
    json!({
        "apiVersion": "pipectl/v1",
        "kind": "ClickPipe",
        "metadata": {"name": "orders"},
        "spec": {"state": "absent"},
    })
}

pub(crate) fn all() -> Vec<Value> {
    vec![
        kafka(),
        kinesis(),
        s3(),
        azure(),
        gcs(),
        pubsub(),
        postgres(),
        mysql(),
        mongodb(),
        bigquery(),
        cdc_scaling(),
        endpoint(),
        tombstone(),
    ]
}
