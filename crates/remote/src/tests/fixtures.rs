//! Valid bodies.

use serde_json::{Value, json};

pub(super) fn kafka_body(name: &str) -> Value {
    json!({
        "name": name,
        "source": {"kafka": {
            "type": "confluent",
            "format": "JSONEachRow",
            "brokers": "broker.example.com:9092",
            "topics": "orders",
            "authentication": "PLAIN",
            "credentials": {"username": "user", "password": {"fromEnv": "CANARY"}},
        }},
        "destination": managed_table(),
    })
}

pub(super) fn postgres_body(name: &str) -> Value {
    json!({
        "name": name,
        "source": {"postgres": {
            "host": "postgres.example.com",
            "port": 5432,
            "database": "shop",
            "credentials": {"username": "user", "password": {"fromEnv": "CANARY"}},
            "settings": {"replicationMode": "cdc"},
            "tableMappings": [table_mapping("users"), table_mapping("kept")],
        }},
        "destination": {"database": "default"},
    })
}

pub(super) fn mysql_body(name: &str) -> Value {
    json!({
        "name": name,
        "source": {"mysql": {
            "host": "mysql.example.com",
            "port": 3306,
            "credentials": {"username": "user", "password": {"fromEnv": "CANARY"}},
            "settings": {"replicationMode": "cdc"},
            "tableMappings": [table_mapping("users"), table_mapping("kept")],
        }},
        "destination": {"database": "default"},
    })
}

pub(super) fn mongodb_body(name: &str) -> Value {
    json!({
        "name": name,
        "source": {"mongodb": {
            "uri": "mongodb+srv://cluster0.example.mongodb.net",
            "readPreference": "secondaryPreferred",
            "credentials": {"username": "user", "password": {"fromEnv": "CANARY"}},
            "settings": {"replicationMode": "cdc"},
            "tableMappings": [collection_mapping("users"), collection_mapping("kept")],
        }},
        "destination": {"database": "default"},
    })
}

/// A mapping of a MongoDB collection.
pub(super) fn collection_mapping(name: &str) -> Value {
    json!({
        "sourceDatabaseName": "shop",
        "sourceCollection": name,
        "targetTable": format!("t_{name}"),
    })
}

pub(super) fn table_mapping(table: &str) -> Value {
    json!({
        "sourceSchemaName": "public",
        "sourceTable": table,
        "targetTable": format!("t_{table}"),
    })
}

pub(super) fn endpoint_body(name: &str) -> Value {
    json!({
        "description": name,
        "type": "VPC_ENDPOINT_SERVICE",
        "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
    })
}

fn managed_table() -> Value {
    json!({
        "database": "default",
        "table": "orders",
        "managedTable": true,
        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": ["id"]},
        "columns": [{"name": "id", "type": "UInt64"}],
    })
}
