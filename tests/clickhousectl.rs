//! ClickHouse's own command line against `pipectl sandbox`: its requests, sent over the socket.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::server::SandboxServer;

/// As the source of the tool builds them.
const REQUESTS: &str = include_str!("../crates/sandbox/src/tests/provider_requests/clickhousectl.jsonl");

/// Seconds in which everything settles.
const REST: u32 = 600;

fn recorded_requests() -> impl Iterator<Item = Value> {
    REQUESTS.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// The path or the body with the ids that this sandbox gave.
fn with_ids(text: &str, ids: &BTreeMap<String, String>) -> String {
    ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
}

#[test]
fn requests_of_clickhousectl_are_answered_over_the_socket() {
    let server = SandboxServer::start(1);
    let services = format!("/v1/organizations/{}/services", sandbox::ORGANIZATION);
    let (_, listed) = server.exchange("GET", &services, &Value::Null);
    let service = listed["result"][0]["id"].as_str().unwrap().to_owned();
    let mut ids = BTreeMap::from([
        ("{org}".to_owned(), sandbox::ORGANIZATION.to_owned()),
        ("{service}".to_owned(), service.clone()),
    ]);
    let mut live = BTreeSet::new();
    for request in recorded_requests() {
        let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
        let body = serde_json::from_str(&with_ids(&request["body"].to_string(), &ids)).unwrap();
        let (status, answer) = server.exchange(method, &format!("/v1{}", with_ids(path, &ids)), &body);
        assert_eq!(json!(status), request["status"], "{request}: {answer}");
        if let Some(name) = request["creates"].as_str() {
            let id = answer["result"]["id"].as_str().unwrap().to_owned();
            live.extend(path.ends_with("/clickpipes").then(|| id.clone()));
            ids.insert(name.to_owned(), id);
        }
        if method == "DELETE" {
            live.remove(with_ids(path, &ids).rsplit('/').next().unwrap());
        }
        server.advance_time(REST);
    }
    let (_, listed) = server.exchange("GET", &format!("{services}/{service}/clickpipes"), &Value::Null);
    let pipes = listed["result"].as_array().unwrap();
    let listed: BTreeSet<String> = pipes.iter().map(|pipe| pipe["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, live);
}

#[test]
fn recorded_requests_create_every_source() {
    let kind = |request: &Value| {
        let (source, fields) = request["body"]["source"].as_object()?.iter().find(|(_, fields)| fields.is_object())?;
        let storage = fields["type"].as_str().filter(|_| source == "objectStorage").unwrap_or_default();
        Some(format!("{source} {storage}").trim_end().to_owned())
    };
    let is_create = |request: &Value| request["method"] == "POST" && request.get("creates").is_some();
    let created: BTreeSet<String> = recorded_requests().filter(is_create).filter_map(|it| kind(&it)).collect();
    let every = [
        "bigquery",
        "kafka",
        "kinesis",
        "mongodb",
        "mysql",
        "objectStorage azureblobstorage",
        "objectStorage gcs",
        "objectStorage s3",
        "postgres",
        "pubsub",
    ];
    assert_eq!(created, every.map(str::to_owned).into());
}
