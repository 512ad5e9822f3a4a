//! Requests to a world, without sockets. A test of a rule is named after the rule.

mod access;
mod conformance;
mod create;
mod destination;
mod discovery;
mod endpoints;
mod faults;
mod patch;
mod quirks;
mod reading;
mod reference_page;
mod robustness;
mod rules;
mod scaling;
#[cfg(feature = "server")]
mod server;
mod services;
mod settings;
mod state;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    KEY_ID, KEY_SECRET, ORGANIZATION, Options, Quirks, Request, Response, World,
    basic_authorization,
};

/// A world with one service, and short ways to ask it.
struct Bench {
    world: World,
    service: String,
}

impl Bench {
    /// Honest, but for the rate limit, which is tested on its own.
    fn new() -> Self {
        Self::with(Options { rate_limit: None, ..Options::default() })
    }

    /// The same without quirks, for what can be read off plainly.
    fn plain() -> Self {
        Self::with(Options { rate_limit: None, quirks: Quirks::none(), ..Options::default() })
    }

    fn with(options: Options) -> Self {
        let mut world = World::new(options);
        let service = world.ensure_service("analytics");
        Self { world, service }
    }

    /// Asks for a path below the service.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Response {
        let path = format!("/v1/organizations/{ORGANIZATION}/services/{}{path}", self.service);
        self.ask_path(method, &path, body)
    }

    fn ask_path(&mut self, method: &str, path: &str, body: &Value) -> Response {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.world.handle(&Request {
            method: method.to_owned(),
            path: path.to_owned(),
            authorization: Some(basic_authorization(KEY_ID, KEY_SECRET)),
            body,
        })
    }

    fn get(&mut self, path: &str) -> Value {
        ok(&self.ask("GET", path, &Value::Null))
    }

    fn post(&mut self, body: &Value) -> Response {
        self.ask("POST", "/clickpipes", body)
    }

    /// Creates a pipe and returns its id.
    fn create(&mut self, body: &Value) -> String {
        let created = ok(&self.post(body));
        created["id"].as_str().unwrap().to_owned()
    }

    fn patch(&mut self, id: &str, body: &Value) -> Response {
        self.ask("PATCH", &format!("/clickpipes/{id}"), body)
    }

    fn command(&mut self, id: &str, command: &str) -> Response {
        self.ask("PATCH", &format!("/clickpipes/{id}/state"), &json!({"command": command}))
    }

    fn read(&mut self, id: &str) -> Value {
        self.get(&format!("/clickpipes/{id}"))
    }

    fn state(&mut self, id: &str) -> String {
        self.read(id)["state"].as_str().unwrap().to_owned()
    }

    /// The states at these seconds from now.
    fn states(&mut self, id: &str, seconds: &[u64]) -> Vec<String> {
        let mut passed = 0;
        let at = |second: &u64| {
            self.wait(second - passed);
            passed = *second;
            self.state(id)
        };
        seconds.iter().map(at).collect()
    }

    fn wait(&mut self, seconds: u64) {
        self.world.advance(Duration::from_secs(seconds));
    }
}

/// The result of a response that went well.
#[track_caller]
fn ok(response: &Response) -> Value {
    let body = response.json_body();
    assert_eq!(response.status, 200, "{body}");
    assert_eq!(body["status"], 200);
    body["result"].clone()
}

/// The error text of a response with this status.
#[track_caller]
fn error(response: &Response, status: u16) -> String {
    let body = response.json_body();
    assert_eq!(response.status, status, "{body}");
    assert_eq!(body["status"], status);
    body["error"].as_str().unwrap().to_owned()
}

/// Asserts that a response refuses with a text that contains `text`.
#[track_caller]
fn refused(response: &Response, status: u16, text: &str) {
    let error = error(response, status);
    assert!(error.contains(text), "`{error}` does not contain `{text}`");
}

fn table() -> Value {
    json!({
        "database": "default",
        "table": "orders",
        "managedTable": true,
        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": ["id"]},
        "columns": [{"name": "id", "type": "UInt64"}, {"name": "message", "type": "String"}],
    })
}

fn pipe_of(arm: &str, source: &Value) -> Value {
    let database = ["postgres", "mysql", "mongodb", "bigquery"].contains(&arm);
    let destination = if database { json!({"database": "default"}) } else { table() };
    json!({"name": format!("orders-{arm}"), "source": {arm: source}, "destination": destination})
}

fn kafka() -> Value {
    pipe_of(
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

fn s3() -> Value {
    pipe_of(
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

fn kinesis() -> Value {
    pipe_of(
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

fn pubsub() -> Value {
    pipe_of(
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

fn mapping(table: &str) -> Value {
    json!({"sourceSchemaName": "public", "sourceTable": table, "targetTable": format!("t_{table}")})
}

fn postgres() -> Value {
    pipe_of(
        "postgres",
        &json!({
            "host": "postgres.example.com",
            "port": 5432,
            "database": "shop",
            "credentials": {"username": "user", "password": "canary"},
            "settings": {"replicationMode": "cdc"},
            "tableMappings": [mapping("users"), mapping("orders")],
        }),
    )
}

fn mysql() -> Value {
    pipe_of(
        "mysql",
        &json!({
            "host": "mysql.example.com",
            "port": 3306,
            "credentials": {"username": "user", "password": "canary"},
            "settings": {"replicationMode": "cdc"},
            "tableMappings": [mapping("users")],
        }),
    )
}

fn mongodb() -> Value {
    pipe_of(
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

fn bigquery() -> Value {
    pipe_of(
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

fn every_source() -> [Value; 8] {
    [kafka(), s3(), kinesis(), pubsub(), postgres(), mysql(), mongodb(), bigquery()]
}
