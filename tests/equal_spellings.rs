//! Another spelling of a value is no change: it is neither planned nor sent, and never replaces a pipe.

#![cfg(unix)]

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::pipes::sorted_kafka_manifest;
use crate::support::seeds::SEED_SECRET;
use serde_json::{Value, json};

const BROKERS: &str = "b1.example.com:9092,b2.example.com:9092";

fn clicks(brokers: &str, topics: &str) -> String {
    sorted_kafka_manifest(brokers, topics, "", "")
}

fn run(desk: &WorkDir, command: &str, more: &[&str]) -> RunOutput {
    desk.run_with_env(&[&[command, "pipes.yaml", "--sandbox"], more].concat(), &SEED_SECRET)
}

/// A folder in which these documents are applied.
fn applied_dir(yaml: &str) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", yaml);
    let applied = run(&desk, "apply", &["--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.all_output());
    desk
}

fn assert_no_changes(desk: &WorkDir) {
    let plan = run(desk, "plan", &["-o", "json"]).stdout_json();
    assert_eq!(plan["result"]["changes"], json!([]), "{plan:#}");
}

fn count_requests(desk: &WorkDir, method: &str) -> usize {
    desk.request_log().iter().filter(|(used, path, _)| used == method && path.contains("/clickpipes")).count()
}

#[test]
fn topics_with_blanks_or_in_another_order_are_equal() {
    let desk = applied_dir(&clicks(BROKERS, "a,b"));
    for topics in ["a, b", "b,a", " b , a "] {
        desk.write_file("pipes.yaml", clicks(BROKERS, topics));
        assert_no_changes(&desk);
    }
    desk.write_file("pipes.yaml", clicks("B2.example.com:9092, b1.example.com:9092", "a,b"));
    assert_no_changes(&desk);
    desk.write_file("pipes.yaml", clicks(BROKERS, "a,c"));
    let plan = run(&desk, "plan", &["-o", "json"]).stdout_json();
    assert_eq!(plan["result"]["changes"][0]["verdict"], "replace", "{plan:#}");
}

#[test]
fn api_that_stores_topics_without_blanks_gets_one_create() {
    let desk = applied_dir(&clicks(BROKERS, "a, b"));
    for _ in 0..2 {
        let respell = |pipe: &mut Value| pipe["source"]["kafka"]["topics"] = json!("a,b");
        assert!(desk.edit_world(|world| world.edit_pipe("service-1", "clicks", respell)));
        assert_eq!(run(&desk, "apply", &["--yes"]).code, 0);
    }
    assert_eq!((count_requests(&desk, "POST"), count_requests(&desk, "DELETE")), (1, 0));
}

#[test]
fn respelled_live_values_are_no_change() {
    for (seed, field, declared, live) in [
        ("kafka-scram", "/source/kafka/format", json!("JSONEachRow"), json!("jsoneachrow")),
        (
            "kafka-scram",
            "/source/kafka/schemaRegistry/url",
            json!("https://r.example.com"),
            json!("https://R.example.com/"),
        ),
        (
            "kafka-scram",
            "/source/kafka/schemaRegistry/url",
            json!("https://r.example.com/Sub/~a"),
            json!("https://R.example.com.:443/Sub/%7ea"),
        ),
        (
            "mongodb-cdc",
            "/source/mongodb/uri",
            json!("mongodb://db1.example.com,db2.example.com/Shop"),
            json!("mongodb://DB2.example.com:27017,db1.example.com./Shop"),
        ),
        (
            "s3-role",
            "/source/objectStorage/url",
            json!("https://h.example.com/X"),
            json!("https://H.example.com:443/X"),
        ),
        (
            "kafka-scram",
            "/destination/tableDefinition/sortingKey",
            json!(["id", "toDate(at)"]),
            json!(["id", "toDate( at )"]),
        ),
        ("kafka-scram", "/destination/columns/1/type", json!("Decimal(18,2)"), json!("Decimal(18, 2)")),
        ("gcs-key", "/source/objectStorage/url", json!("gs://b/x"), json!("https://storage.googleapis.com/b/x")),
        ("s3-role", "/source/objectStorage/url", json!("s3://b/x"), json!("https://b.s3.eu-west-3.amazonaws.com/x")),
        ("pubsub", "/source/pubsub/seekTimestamp", json!("2026-01-31T08:00:00Z"), json!("2026-01-31T10:00:00+02:00")),
        ("postgres-cdc", "/source/postgres/port", json!(5432), json!("5432")),
        ("postgres-cdc", "/source/postgres/host", json!("db.example.com"), json!("DB.EXAMPLE.COM")),
    ] {
        let mut document = seed_named(seed);
        if let Some(kafka) = document.pointer_mut("/spec/source/kafka").and_then(Value::as_object_mut) {
            kafka.shift_remove("reversePrivateEndpointIds");
        }
        let Some(value) = document["spec"].pointer_mut(field) else { panic!("{seed} has no {field}") };
        *value = declared;
        let desk = applied_dir(&documents_to_yaml([&document]));
        let respell = |pipe: &mut Value| *pipe.pointer_mut(field).unwrap() = live;
        assert!(desk.edit_world(|world| world.edit_pipe("analytics", seed, respell)), "{seed}");
        assert_no_changes(&desk);
    }
}

/// The API shows null for a list that was left out, and an empty one as it was sent.
#[test]
fn empty_list_of_endpoints_equals_none() {
    let without = clicks(BROKERS, "a,b");
    let empty = sorted_kafka_manifest(BROKERS, "a,b", "      reversePrivateEndpointIds: []", "");
    for (applied, planned) in [(&without, &empty), (&empty, &without), (&empty, &empty)] {
        let desk = applied_dir(applied);
        desk.write_file("pipes.yaml", planned);
        assert_no_changes(&desk);
    }
}

#[test]
fn whole_numbers_are_sent_whole() {
    let text = documents_to_yaml([&seed_named("postgres-cdc")]);
    let port = seed_named("postgres-cdc")["spec"]["source"]["postgres"]["port"].to_string();
    for spelling in [format!("{port}.0"), format!("{port}e0")] {
        let desk = applied_dir(&text.replace(&format!("port: {port}"), &format!("port: {spelling}")));
        let sent = desk.edit_world(|world| {
            let mut requests = world.request_log().iter();
            requests.find(|it| it.method == "POST").map(|it| it.body["source"]["postgres"]["port"].to_string())
        });
        assert_eq!(sent.as_deref(), Some(port.as_str()), "{spelling}");
    }
}

/// A live `null` here means that the bucket is public.
#[test]
fn authentication_added_to_public_files_is_a_change() {
    let mut document = seed_named("s3-public-once");
    let desk = applied_dir(&documents_to_yaml([&document]));
    let source = &mut document["spec"]["source"]["objectStorage"];
    source["authentication"] = json!("IAM_ROLE");
    source["iamRole"] = json!("arn:aws:iam::123456789012:role/reader");
    desk.write_file("pipes.yaml", documents_to_yaml([&document]));
    let plan = run(&desk, "plan", &["-o", "json"]).stdout_json();
    let changed: Vec<&str> = plan["result"]["changes"][0]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["path"].as_str())
        .collect();
    assert!(changed.contains(&"source.objectStorage.authentication"), "{plan:#}");
}
