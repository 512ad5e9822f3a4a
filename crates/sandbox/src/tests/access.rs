use super::{SandboxBench, assert_refused, error_text, kafka_body, ok_result};
use crate::{
    KEY_ID, KEY_SECRET, ORGANIZATION, READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET, SandboxOptions, SandboxRequest,
    basic_authorization,
};
use serde_json::{Value, json};

fn request_status_as(bench: &mut SandboxBench, authorization: Option<String>, method: &str, body: &Value) -> u16 {
    let path = format!("/v1/organizations/{ORGANIZATION}/services/{}/clickpipes", bench.service);
    let body = body.to_string().into_bytes();
    let method = method.to_owned();
    bench.world.handle_request(&SandboxRequest { method, path, authorization, body }).status
}

#[test]
fn missing_or_wrong_key_is_401() {
    let mut bench = SandboxBench::new();
    assert_eq!(request_status_as(&mut bench, None, "GET", &Value::Null), 401);
    let wrong = basic_authorization(KEY_ID, "guess");
    assert_eq!(request_status_as(&mut bench, Some(wrong), "GET", &Value::Null), 401);
    let right = basic_authorization(KEY_ID, KEY_SECRET);
    assert_eq!(request_status_as(&mut bench, Some(right), "GET", &Value::Null), 200);
}

#[test]
fn read_only_key_is_403_on_writes() {
    let mut bench = SandboxBench::new();
    let key = basic_authorization(READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET);
    assert_eq!(request_status_as(&mut bench, Some(key.clone()), "GET", &Value::Null), 200);
    assert_eq!(request_status_as(&mut bench, Some(key), "POST", &kafka_body()), 403);
    assert_eq!(bench.get_result("/clickpipes"), json!([]));
}

#[test]
fn envelope_has_a_fresh_request_id_and_delete_has_no_result() {
    let mut bench = SandboxBench::new();
    let first = bench.post_pipe(&kafka_body()).json_body();
    let id = first["result"]["id"].as_str().unwrap().to_owned();
    let deleted = bench.send_request("DELETE", &format!("/clickpipes/{id}"), &Value::Null).json_body();
    let keys: Vec<_> = deleted.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["status", "requestId"]);
    assert_ne!(first["requestId"], deleted["requestId"]);
}

#[test]
fn error_envelope_has_code_and_text() {
    let mut bench = SandboxBench::new();
    let body = bench.post_pipe(&json!({})).json_body();
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["status", "requestId", "error"]);
    assert!(body["error"].as_str().unwrap().starts_with("BAD_REQUEST: "));
}

#[test]
fn trailing_slash_and_query_do_not_matter() {
    let mut bench = SandboxBench::new();
    let created = ok_result(&bench.send_request("POST", "/clickpipes/", &kafka_body()));
    let id = created["id"].as_str().unwrap();
    assert_eq!(bench.get_result("/clickpipes/?x=1").as_array().unwrap().len(), 1);
    assert_eq!(bench.get_result(&format!("/clickpipes/{id}/"))["id"], created["id"]);
}

#[test]
fn malformed_id_is_400_and_unknown_id_is_404() {
    let mut bench = SandboxBench::new();
    let unknown = "11111111-1111-4111-8111-111111111111";
    assert_refused(&bench.send_request("GET", "/clickpipes/nope", &Value::Null), 400, "clickPipeId");
    assert_refused(&bench.send_request("GET", &format!("/clickpipes/{unknown}"), &Value::Null), 404, "NOT_FOUND");
    assert_refused(&bench.send_request("DELETE", &format!("/clickpipes/{unknown}"), &Value::Null), 404, unknown);
    let organization = format!("/v1/organizations/{unknown}/services");
    assert_refused(&bench.send_to_path("GET", &organization, &Value::Null), 404, "organization");
    let service = format!("/v1/organizations/{ORGANIZATION}/services/{unknown}/clickpipes");
    assert_refused(&bench.send_to_path("GET", &service, &Value::Null), 404, "service");
    assert_refused(&bench.send_to_path("GET", "/v2", &Value::Null), 404, "no such path");
    assert_refused(&bench.send_request("PUT", "/clickpipes", &Value::Null), 404, "PUT");
}

#[test]
fn eleventh_request_within_ten_seconds_is_429_with_the_reset() {
    let mut bench = SandboxBench::with_options(SandboxOptions::default());
    for _ in 0..10 {
        bench.get_result("/clickpipes");
    }
    bench.world.advance_clock(std::time::Duration::from_millis(2500));
    let limited = bench.send_request("GET", "/clickpipes", &Value::Null);
    error_text(&limited, 429);
    let reset = limited.headers.iter().find(|(name, _)| name == "x-ratelimit-reset");
    assert_eq!(reset.unwrap().1, "7.5");
    bench.wait_seconds(8);
    bench.get_result("/clickpipes");
}

#[test]
fn body_that_is_not_a_json_object_is_400() {
    let mut bench = SandboxBench::new();
    assert_refused(&bench.post_pipe(&json!([])), 400, "must be a JSON object");
    assert_refused(&bench.post_pipe(&Value::Null), 400, "not JSON");
    let deep = "[".repeat(100_000);
    let path = format!("/v1/organizations/{ORGANIZATION}/services/{}/clickpipes", bench.service);
    let response = bench.world.handle_request(&SandboxRequest {
        method: "POST".to_owned(),
        path,
        authorization: Some(basic_authorization(KEY_ID, KEY_SECRET)),
        body: deep.into_bytes(),
    });
    assert_eq!(response.status, 400);
}
