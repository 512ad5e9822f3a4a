use serde_json::{Value, json};

use super::{Bench, kafka, ok, postgres, refused, s3};

fn put(bench: &mut Bench, id: &str, body: &Value) -> crate::Response {
    bench.ask("PUT", &format!("/clickpipes/{id}/settings"), body)
}

#[test]
fn put_merges_and_returns_the_full_map() {
    let mut bench = Bench::new();
    let mut body = s3();
    body["settings"] = json!({"object_storage_concurrency": 2, "clickhouse_max_threads": 4});
    let id = bench.create(&body);
    let merged = ok(&put(&mut bench, &id, &json!({"clickhouse_max_threads": 0})));
    let full = json!({"object_storage_concurrency": 2, "clickhouse_max_threads": 0});
    assert_eq!(merged, full);
    assert_eq!(bench.get(&format!("/clickpipes/{id}/settings")), full);
    assert_eq!(bench.read(&id)["settings"], full);
}

#[test]
fn explicit_false_is_stored() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    let stored = ok(&put(&mut bench, &id, &json!({"kafka_read_committed": false})));
    assert_eq!(stored, json!({"kafka_read_committed": false}));
}

#[test]
fn empty_settings_are_400() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    refused(&put(&mut bench, &id, &json!({})), 400, "must not be empty");
    let null = json!({"streaming_max_insert_wait_ms": null});
    refused(&put(&mut bench, &id, &null), 400, "must not be empty");
    let mut body = kafka();
    body["settings"] = json!({});
    refused(&bench.post(&body), 400, "settings: must not be empty");
}

#[test]
fn settings_of_another_source_are_400_even_when_false() {
    let mut bench = Bench::new();
    let known = "Setting 'kafka_read_committed' is only supported for Kafka ClickPipes";
    let mut body = s3();
    body["settings"] = json!({"kafka_read_committed": false});
    refused(&bench.post(&body), 400, known);
    let id = bench.create(&s3());
    refused(&put(&mut bench, &id, &json!({"kafka_read_committed": false})), 400, known);
    let streaming = json!({"streaming_max_insert_wait_ms": 1000});
    refused(&put(&mut bench, &id, &streaming), 400, "streaming_max_insert_wait_ms");
    let id = bench.create(&kafka());
    let files = json!({"object_storage_concurrency": 1});
    refused(&put(&mut bench, &id, &files), 400, "object_storage_concurrency");
}

#[test]
fn settings_out_of_range_are_400() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    let wait = |ms: Value| json!({"streaming_max_insert_wait_ms": ms});
    refused(&put(&mut bench, &id, &wait(json!(499))), 400, "Not between 500 and 60000");
    refused(&put(&mut bench, &id, &wait(json!("5000"))), 400, "must be an integer");
    refused(&put(&mut bench, &id, &json!({"x": 1})), 400, "settings.x: unknown field");
    assert_eq!(bench.read(&id)["settings"], json!({}));
}

#[test]
fn settings_of_a_database_pipe_are_404() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    let text = format!("NOT_FOUND: ingestion for pipe \"{id}\" not found");
    let path = format!("/clickpipes/{id}/settings");
    refused(&bench.ask("GET", &path, &Value::Null), 404, &text);
    refused(&put(&mut bench, &id, &json!({"clickhouse_max_threads": 1})), 404, &text);
    let mut body = postgres();
    body["settings"] = json!({"clickhouse_parallel_view_processing": true});
    refused(&bench.post(&body), 400, "settings: is not for database pipes");
}
