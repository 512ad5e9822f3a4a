//! Every example body of the reference page, with its placeholders as they stand.

use super::{SandboxBench, ok_result};
use serde_json::{Value, json};

fn table_with_columns(columns: &Value) -> Value {
    json!({
        "table": "my_table",
        "managedTable": true,
        "tableDefinition": {"engine": {"type": "MergeTree"}},
        "columns": columns,
    })
}

fn two_columns() -> Value {
    table_with_columns(&json!([{"name": "id", "type": "UInt64"}, {"name": "message", "type": "String"}]))
}

fn three_columns() -> Value {
    table_with_columns(&json!([
        {"name": "id", "type": "UInt64"},
        {"name": "message", "type": "String"},
        {"name": "timestamp", "type": "DateTime"},
    ]))
}

fn aws_access_key() -> Value {
    json!({"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretKey": "<secret_key>"})
}

fn page_examples() -> [Value; 9] {
    [
        json!({"name": "My Kafka ClickPipe", "destination": three_columns(), "source": {"kafka": {
            "type": "confluent",
            "format": "JSONEachRow",
            "brokers": "broker.example.com:9092",
            "topics": "my_topic",
            "consumerGroup": "clickpipes-consumer-group",
            "authentication": "PLAIN",
            "credentials": {"username": "my_user", "password": "my_password"},
        }}}),
        json!({"name": "My Kinesis ClickPipe", "destination": two_columns(), "source": {"kinesis": {
            "format": "JSONEachRow",
            "streamName": "my-stream",
            "region": "us-east-1",
            "iteratorType": "TRIM_HORIZON",
            "authentication": "IAM_USER",
            "accessKey": aws_access_key(),
        }}}),
        json!({"name": "My S3 ClickPipe", "destination": two_columns(), "source": {"objectStorage": {
            "type": "s3",
            "url": "https://my-bucket.s3.amazonaws.com/data/*.json",
            "format": "JSONEachRow",
            "authentication": "IAM_USER",
            "accessKey": aws_access_key(),
        }}}),
        json!({"name": "My GCS ClickPipe", "destination": two_columns(), "source": {"objectStorage": {
            "type": "gcs",
            "url": "gs://my-bucket/data/*.json",
            "format": "JSONEachRow",
            "authentication": "SERVICE_ACCOUNT",
            "serviceAccountKey": "<base64_encoded_service_account_json>",
        }}}),
        json!({"name": "My Azure Blob ClickPipe", "destination": two_columns(), "source": {
            "objectStorage": {
                "type": "azureblobstorage",
                "azureContainerName": "my-container",
                "path": "data/*.json",
                "format": "JSONEachRow",
                "authentication": "CONNECTION_STRING",
                "connectionString": "DefaultEndpointsProtocol=https;AccountName=myaccount;AccountKey=mykey;EndpointSuffix=core.windows.net",
            },
        }}),
        json!({"name": "My Postgres CDC ClickPipe", "destination": {"database": "default"},
            "source": {"postgres": {
                "host": "postgres.example.com",
                "port": 5432,
                "database": "mydb",
                "credentials": {"username": "postgres_user", "password": "<password>"},
                "settings": {"replicationMode": "cdc"},
                "tableMappings": [{
                    "sourceSchemaName": "public",
                    "sourceTable": "users",
                    "targetTable": "public_users",
                }],
            }},
        }),
        json!({"name": "My MySQL CDC ClickPipe", "destination": {"database": "default"},
            "source": {"mysql": {
                "host": "mysql.example.com",
                "port": 3306,
                "credentials": {"username": "mysql_user", "password": "<password>"},
                "settings": {"replicationMode": "cdc"},
                "tableMappings": [{
                    "sourceSchemaName": "mydb",
                    "sourceTable": "orders",
                    "targetTable": "mydb_orders",
                }],
            }},
        }),
        json!({"name": "My MongoDB CDC ClickPipe", "destination": {"database": "default"},
            "source": {"mongodb": {
                "uri": "mongodb+srv://cluster0.example.mongodb.net",
                "readPreference": "secondaryPreferred",
                "credentials": {"username": "mongo_user", "password": "<password>"},
                "settings": {"replicationMode": "cdc"},
                "tableMappings": [{
                    "sourceDatabaseName": "mydb",
                    "sourceCollection": "users",
                    "targetTable": "mydb_users",
                }],
            }},
        }),
        json!({"name": "My BigQuery ClickPipe", "destination": {"database": "default"},
            "source": {"bigquery": {
                "snapshotStagingPath": "gs://my-staging-bucket/staging/",
                "credentials": {"serviceAccountFile": "<base64_encoded_service_account_json>"},
                "settings": {"replicationMode": "snapshot"},
                "tableMappings": [{
                    "sourceDatasetName": "my_dataset",
                    "sourceTable": "my_table",
                    "targetTable": "my_bigquery_table",
                }],
            }},
        }),
    ]
}

#[test]
fn every_example_of_the_reference_page_is_accepted() {
    let mut bench = SandboxBench::new();
    for body in page_examples() {
        let created = ok_result(&bench.post_pipe(&body));
        assert_eq!(created["name"], body["name"]);
        assert_eq!(created["destination"]["database"], "default");
    }
}
