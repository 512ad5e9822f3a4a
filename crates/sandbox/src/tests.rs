//! Requests to a world, without sockets. A test of a rule is named after the rule.

mod access;
mod conformance;
mod create;
mod destination;
mod discovery;
mod echo;
mod endpoints;
mod faults;
mod patch;
mod provider_requests;
mod quirks;
mod reads;
mod reference_page;
mod robustness;
mod rules;
mod scaling;
#[cfg(feature = "server")]
mod server;
mod services;
mod settings;
mod state;
mod unproven_rules;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    KEY_ID, KEY_SECRET, ORGANIZATION, Quirks, SandboxOptions, SandboxRequest, SandboxResponse, World,
    basic_authorization,
};

/// A world with one service, and short ways to ask it.
struct SandboxBench {
    world: World,
    service: String,
}

impl SandboxBench {
    /// Honest, but for the rate limit, which is tested on its own.
    fn new() -> Self {
        Self::with_options(SandboxOptions { rate_limit: None, ..SandboxOptions::with_observed_quirks() })
    }

    /// The same without quirks, for what can be read off plainly.
    fn without_quirks() -> Self {
        Self::with_options(SandboxOptions { rate_limit: None, quirks: Quirks::none(), ..SandboxOptions::default() })
    }

    fn with_options(options: SandboxOptions) -> Self {
        let mut world = World::new(options);
        let service = world.ensure_service("analytics");
        Self { world, service }
    }

    /// Asks for a path below the service.
    fn send_request(&mut self, method: &str, path: &str, body: &Value) -> SandboxResponse {
        let path = format!("/v1/organizations/{ORGANIZATION}/services/{}{path}", self.service);
        self.send_to_path(method, &path, body)
    }

    fn send_to_path(&mut self, method: &str, path: &str, body: &Value) -> SandboxResponse {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.world.handle_request(&SandboxRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            authorization: Some(basic_authorization(KEY_ID, KEY_SECRET)),
            body,
        })
    }

    fn get_result(&mut self, path: &str) -> Value {
        ok_result(&self.send_request("GET", path, &Value::Null))
    }

    fn post_pipe(&mut self, body: &Value) -> SandboxResponse {
        self.send_request("POST", "/clickpipes", body)
    }

    /// Creates a pipe and returns its id.
    fn create_pipe(&mut self, body: &Value) -> String {
        let created = ok_result(&self.post_pipe(body));
        created["id"].as_str().unwrap().to_owned()
    }

    fn patch_pipe(&mut self, id: &str, body: &Value) -> SandboxResponse {
        self.send_request("PATCH", &format!("/clickpipes/{id}"), body)
    }

    fn send_command(&mut self, id: &str, command: &str) -> SandboxResponse {
        self.send_request("PATCH", &format!("/clickpipes/{id}/state"), &json!({"command": command}))
    }

    fn read_pipe(&mut self, id: &str) -> Value {
        self.get_result(&format!("/clickpipes/{id}"))
    }

    fn pipe_state(&mut self, id: &str) -> String {
        self.read_pipe(id)["state"].as_str().unwrap().to_owned()
    }

    /// The states at these seconds from now.
    fn states_at(&mut self, id: &str, seconds: &[u64]) -> Vec<String> {
        let mut passed = 0;
        let at = |second: &u64| {
            self.wait_seconds(second - passed);
            passed = *second;
            self.pipe_state(id)
        };
        seconds.iter().map(at).collect()
    }

    fn wait_seconds(&mut self, seconds: u64) {
        self.world.advance_clock(Duration::from_secs(seconds));
    }
}

/// The result of a response that went well.
#[track_caller]
fn ok_result(response: &SandboxResponse) -> Value {
    let body = response.json_body();
    assert_eq!(response.status, 200, "{body}");
    assert_eq!(body["status"], 200);
    body["result"].clone()
}

/// The error text of a response with this status.
#[track_caller]
fn error_text(response: &SandboxResponse, status: u16) -> String {
    let body = response.json_body();
    assert_eq!(response.status, status, "{body}");
    assert_eq!(body["status"], status);
    body["error"].as_str().unwrap().to_owned()
}

/// Asserts that a response refuses with a text that contains `text`.
#[track_caller]
fn assert_refused(response: &SandboxResponse, status: u16, text: &str) {
    let error = error_text(response, status);
    assert!(error.contains(text), "`{error}` does not contain `{text}`");
}

fn managed_table() -> Value {
    json!({
        "database": "default",
        "table": "orders",
        "managedTable": true,
        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": ["id"]},
        "columns": [{"name": "id", "type": "UInt64"}, {"name": "message", "type": "String"}],
    })
}

fn pipe_body(arm: &str, source: &Value) -> Value {
    let database = ["postgres", "mysql", "mongodb", "bigquery"].contains(&arm);
    let destination = if database { json!({"database": "default"}) } else { managed_table() };
    json!({"name": format!("orders-{arm}"), "source": {arm: source}, "destination": destination})
}

fn kafka_body() -> Value {
    pipe_body(
        "kafka",
        &json!({
            "type": "confluent",
            "format": "JSONEachRow",
            "brokers": "broker.example.com:9092",
            "topics": "orders",
            "authentication": "PLAIN",
            "credentials": {"username": "user", "password": "canary"},
        }),
    )
}

fn s3_body() -> Value {
    pipe_body(
        "objectStorage",
        &json!({
            "type": "s3",
            "format": "JSONEachRow",
            "url": "https://bucket.s3.amazonaws.com/data/*.json",
            "authentication": "IAM_USER",
            "accessKey": {"accessKeyId": "AKIA", "secretKey": "canary"},
        }),
    )
}

fn kinesis_body() -> Value {
    pipe_body(
        "kinesis",
        &json!({
            "format": "JSONEachRow",
            "streamName": "orders",
            "region": "us-east-1",
            "iteratorType": "TRIM_HORIZON",
            "authentication": "IAM_USER",
            "accessKey": {"accessKeyId": "AKIA", "secretKey": "canary"},
        }),
    )
}

fn pubsub_body() -> Value {
    pipe_body(
        "pubsub",
        &json!({
            "format": "JSONEachRow",
            "projectId": "my-gcp-project",
            "topic": "orders",
            "authentication": "SERVICE_ACCOUNT",
            "seekType": "earliest",
            "serviceAccountKey": {"serviceAccountFile": "canary"},
        }),
    )
}

fn table_mapping(table: &str) -> Value {
    json!({"sourceSchemaName": "public", "sourceTable": table, "targetTable": format!("t_{table}")})
}

fn postgres_body() -> Value {
    pipe_body(
        "postgres",
        &json!({
            "host": "postgres.example.com",
            "port": 5432,
            "database": "shop",
            "credentials": {"username": "user", "password": "canary"},
            "settings": {"replicationMode": "cdc"},
            "tableMappings": [table_mapping("users"), table_mapping("orders")],
        }),
    )
}

fn mysql_body() -> Value {
    pipe_body(
        "mysql",
        &json!({
            "host": "mysql.example.com",
            "port": 3306,
            "credentials": {"username": "user", "password": "canary"},
            "settings": {"replicationMode": "cdc"},
            "tableMappings": [table_mapping("users")],
        }),
    )
}

fn mongodb_body() -> Value {
    pipe_body(
        "mongodb",
        &json!({
            "uri": "mongodb+srv://cluster0.example.mongodb.net",
            "readPreference": "secondaryPreferred",
            "credentials": {"username": "user", "password": "canary"},
            "settings": {"replicationMode": "cdc"},
            "tableMappings": [
                {"sourceDatabaseName": "shop", "sourceCollection": "users", "targetTable": "users"},
            ],
        }),
    )
}

fn bigquery_body() -> Value {
    pipe_body(
        "bigquery",
        &json!({
            "snapshotStagingPath": "gs://staging/path/",
            "credentials": {"serviceAccountFile": "canary"},
            "settings": {"replicationMode": "snapshot"},
            "tableMappings": [
                {"sourceDatasetName": "set", "sourceTable": "users", "targetTable": "users"},
            ],
        }),
    )
}

fn all_source_bodies() -> [Value; 8] {
    [
        kafka_body(),
        s3_body(),
        kinesis_body(),
        pubsub_body(),
        postgres_body(),
        mysql_body(),
        mongodb_body(),
        bigquery_body(),
    ]
}
