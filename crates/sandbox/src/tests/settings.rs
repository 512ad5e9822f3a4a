use serde_json::{Value, json};

use super::{SandboxBench, assert_refused, kafka_body, ok_result, postgres_body, s3_body};

fn put_settings(bench: &mut SandboxBench, id: &str, body: &Value) -> crate::SandboxResponse {
    bench.send_request("PUT", &format!("/clickpipes/{id}/settings"), body)
}

#[test]
fn put_settings_merges_and_returns_all() {
    let mut bench = SandboxBench::new();
    let mut body = s3_body();
    body["settings"] = json!({"object_storage_concurrency": 2, "clickhouse_max_threads": 4});
    let id = bench.create_pipe(&body);
    let merged = ok_result(&put_settings(&mut bench, &id, &json!({"clickhouse_max_threads": 0})));
    let full = json!({"object_storage_concurrency": 2, "clickhouse_max_threads": 0});
    assert_eq!(merged, full);
    assert_eq!(bench.get_result(&format!("/clickpipes/{id}/settings")), full);
    assert_eq!(bench.read_pipe(&id)["settings"], full);
}

#[test]
fn explicit_false_is_stored() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    let stored = ok_result(&put_settings(&mut bench, &id, &json!({"kafka_read_committed": false})));
    assert_eq!(stored, json!({"kafka_read_committed": false}));
}

#[test]
fn empty_settings_are_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    assert_refused(&put_settings(&mut bench, &id, &json!({})), 400, "must not be empty");
    let null = json!({"streaming_max_insert_wait_ms": null});
    assert_refused(&put_settings(&mut bench, &id, &null), 400, "must not be empty");
    let mut body = kafka_body();
    body["settings"] = json!({});
    assert_refused(&bench.post_pipe(&body), 400, "settings: must not be empty");
}

#[test]
fn settings_of_another_source_are_400_even_when_false() {
    let mut bench = SandboxBench::new();
    let known = "Setting 'kafka_read_committed' is only supported for Kafka ClickPipes";
    let mut body = s3_body();
    body["settings"] = json!({"kafka_read_committed": false});
    assert_refused(&bench.post_pipe(&body), 400, known);
    let id = bench.create_pipe(&s3_body());
    assert_refused(&put_settings(&mut bench, &id, &json!({"kafka_read_committed": false})), 400, known);
    let streaming = json!({"streaming_max_insert_wait_ms": 1000});
    assert_refused(&put_settings(&mut bench, &id, &streaming), 400, "streaming_max_insert_wait_ms");
    let id = bench.create_pipe(&kafka_body());
    let files = json!({"object_storage_concurrency": 1});
    assert_refused(&put_settings(&mut bench, &id, &files), 400, "object_storage_concurrency");
}

#[test]
fn settings_out_of_range_are_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    let wait = |ms: Value| json!({"streaming_max_insert_wait_ms": ms});
    assert_refused(&put_settings(&mut bench, &id, &wait(json!(499))), 400, "Not between 500 and 60000");
    assert_refused(&put_settings(&mut bench, &id, &wait(json!("5000"))), 400, "must be an integer");
    assert_refused(&put_settings(&mut bench, &id, &json!({"x": 1})), 400, "settings.x: unknown field");
    assert_eq!(bench.read_pipe(&id)["settings"], json!({}));
}

#[test]
fn settings_of_a_database_pipe_are_404() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    let text = format!("NOT_FOUND: ingestion for pipe \"{id}\" not found");
    let path = format!("/clickpipes/{id}/settings");
    assert_refused(&bench.send_request("GET", &path, &Value::Null), 404, &text);
    assert_refused(&put_settings(&mut bench, &id, &json!({"clickhouse_max_threads": 1})), 404, &text);
    let mut body = postgres_body();
    body["settings"] = json!({"clickhouse_parallel_view_processing": true});
    assert_refused(&bench.post_pipe(&body), 400, "settings: is not for database pipes");
}
