use std::time::Duration;

use serde_json::{Value, json};

use super::{SandboxBench, assert_refused, error_text, kafka_body, ok_result, postgres_body, table_mapping};
use crate::{Delivery, FaultEffect, SandboxResponse};

const PIPES_PATH: &str = "*/clickpipes";

/// A create that meets the fault, and how many pipes there are afterwards.
fn create_with_fault(effect: FaultEffect) -> (SandboxResponse, usize) {
    let mut bench = SandboxBench::new();
    bench.world.fault_script().add_once("POST", PIPES_PATH, effect);
    let response = bench.post_pipe(&kafka_body());
    let pipes = bench.get_result("/clickpipes").as_array().unwrap().len();
    assert_eq!(bench.post_pipe(&kafka_body()).status, 200, "the fault strikes once");
    (response, pipes)
}

#[test]
fn connection_is_cut_before_or_after_the_commit() {
    let (response, pipes) = create_with_fault(FaultEffect::CutBeforeCommit);
    assert_eq!((response.delivery, pipes), (Delivery::CutBeforeAnswer, 0));
    let (response, pipes) = create_with_fault(FaultEffect::CutAfterCommit);
    assert_eq!((response.delivery, pipes), (Delivery::CutBeforeAnswer, 1));
}

#[test]
fn gateway_timeout_is_html_with_or_without_the_effect() {
    for (effect, left) in [(FaultEffect::GatewayTimeout, 0), (FaultEffect::GatewayTimeoutAfterCommit, 1)] {
        let (response, pipes) = create_with_fault(effect);
        assert_eq!((response.status, pipes), (504, left));
        assert_eq!(response.headers[0].1, "text/html");
        assert_eq!(response.json_body(), Value::Null);
    }
}

#[test]
fn late_commit_takes_effect_after_the_gateway_timeout() {
    let mut bench = SandboxBench::new();
    bench.world.fault_script().add_once("POST", PIPES_PATH, FaultEffect::LateCommit(40));
    assert_eq!(bench.post_pipe(&kafka_body()).status, 504);
    bench.world.advance_clock(Duration::from_secs(39));
    assert_eq!(bench.get_result("/clickpipes"), json!([]));
    bench.world.advance_clock(Duration::from_secs(25));
    let pipes = bench.get_result("/clickpipes");
    assert_eq!(pipes.as_array().map(Vec::len), Some(1));
    assert_eq!(pipes[0]["createdAt"], "2026-01-01T00:00:40.000000Z");
    bench.world.advance_clock(Duration::from_secs(25));
    assert_eq!(bench.get_result("/clickpipes").as_array().map(Vec::len), Some(1));
}

#[test]
fn error_may_repeat_the_body_but_request_log_does_not() {
    let mut bench = SandboxBench::new();
    bench.world.fault_script().add_once("POST", PIPES_PATH, FaultEffect::Repeated);
    let response = bench.post_pipe(&kafka_body());
    assert!(error_text(&response, 400).contains("canary"), "{:?}", response.json_body());
    let journal = serde_json::to_string(bench.world.request_log()).unwrap();
    assert!(!journal.contains("canary"), "{journal}");
}

#[test]
fn server_errors_change_nothing() {
    let (response, pipes) = create_with_fault(FaultEffect::InternalError);
    assert_eq!((error_text(&response, 500).as_str(), pipes), ("Internal error", 0));
    let (response, pipes) = create_with_fault(FaultEffect::Unavailable);
    assert_eq!((response.status, pipes), (503, 0));
}

#[test]
fn rate_limit_error_may_omit_the_reset_header() {
    let reset = |response: &SandboxResponse| {
        let header = response.headers.iter().find(|(name, _)| name == "x-ratelimit-reset");
        header.map(|(_, value)| value.clone())
    };
    let (response, pipes) = create_with_fault(FaultEffect::RateLimited(1.5));
    assert_eq!((response.status, pipes, reset(&response)), (429, 0, Some("1.5".to_owned())));
    let (response, pipes) = create_with_fault(FaultEffect::RateLimitedWithoutReset);
    assert_eq!((response.status, pipes, reset(&response)), (429, 0, None));
}

#[test]
fn truncated_or_html_response_still_creates_the_pipe() {
    let (response, pipes) = create_with_fault(FaultEffect::TruncatedJson);
    assert_eq!((response.status, pipes), (200, 1));
    assert!(!response.body.is_empty());
    assert_eq!(response.json_body(), Value::Null);
    let (response, pipes) = create_with_fault(FaultEffect::HtmlAnswer);
    assert_eq!((response.status, pipes), (200, 1));
    assert_eq!(response.headers[0].1, "text/html");
}

#[test]
fn slow_answer_reports_its_duration() {
    let (response, pipes) = create_with_fault(FaultEffect::SlowAnswer(35));
    assert_eq!((response.status, pipes), (200, 1));
    assert_eq!(response.delay, Duration::from_secs(35));
}

#[test]
fn unreachable_source_creates_no_pipe() {
    let (response, pipes) = create_with_fault(FaultEffect::SourceUnreachable);
    assert_refused(&response, 400, "failed to establish connection");
    assert_eq!(pipes, 0);
}

#[test]
fn list_lag_hides_a_new_pipe() {
    let mut bench = SandboxBench::new();
    bench.world.fault_script().add_once("POST", PIPES_PATH, FaultEffect::ListLag(20));
    let id = bench.create_pipe(&kafka_body());
    bench.wait_seconds(19);
    assert_eq!(bench.get_result("/clickpipes"), json!([]));
    bench.read_pipe(&id);
    bench.wait_seconds(1);
    assert_eq!(bench.get_result("/clickpipes").as_array().unwrap().len(), 1);
}

#[test]
fn slow_delete_keeps_the_pipe_visible() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    bench.world.fault_script().add_once("DELETE", "*", FaultEffect::SlowDelete(60));
    bench.send_request("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
    bench.wait_seconds(59);
    bench.read_pipe(&id);
    bench.wait_seconds(1);
    assert_eq!(bench.send_request("GET", &format!("/clickpipes/{id}"), &Value::Null).status, 404);
}

#[test]
fn late_resume_delays_the_resumption() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    bench.wait_seconds(300);
    ok_result(&bench.send_command(&id, "stop"));
    bench.wait_seconds(10);
    bench.world.fault_script().add_once("PATCH", "*/clickpipes/*", FaultEffect::LateResume(30));
    let body = json!({"source": {"postgres": {"tableMappingsToAdd": [table_mapping("new")]}}});
    ok_result(&bench.patch_pipe(&id, &body));
    assert_eq!(bench.states_at(&id, &[29, 30, 40]), ["Paused", "Snapshot", "Running"]);
}

#[test]
fn zero_scaling_is_shown_for_the_given_time() {
    let mut bench = SandboxBench::new();
    bench.world.fault_script().add_once("POST", PIPES_PATH, FaultEffect::ZeroScaling(60));
    let id = bench.create_pipe(&kafka_body());
    bench.wait_seconds(59);
    assert_eq!(bench.read_pipe(&id)["scaling"]["replicas"], 0);
    bench.wait_seconds(1);
    assert_eq!(bench.read_pipe(&id)["scaling"]["replicas"], 1);
}

#[test]
fn fault_can_match_the_request_number() {
    let mut bench = SandboxBench::new();
    bench.world.fault_script().add_at_request(2, FaultEffect::Unavailable);
    let statuses = [(); 3].map(|()| bench.send_request("GET", "/clickpipes", &Value::Null).status);
    assert_eq!(statuses, [200, 503, 200]);
}

#[test]
fn request_log_marks_unanswered_requests() {
    let mut bench = SandboxBench::new();
    bench.world.fault_script().add_once("POST", PIPES_PATH, FaultEffect::CutAfterCommit);
    bench.post_pipe(&kafka_body());
    let entry = &bench.world.request_log()[0];
    assert_eq!((entry.status, entry.answered), (200, false));
}

#[test]
fn admin_api_adds_faults_and_advances_the_clock() {
    let mut bench = SandboxBench::new();
    let route = json!({"route": {"method": "*", "path": PIPES_PATH}});
    let fault = json!({"when": route, "effect": "internalError", "times": 2});
    assert_eq!(bench.send_to_path("POST", "/_sandbox/faults", &fault).status, 200);
    let statuses = [(); 3].map(|()| bench.send_request("GET", "/clickpipes", &Value::Null).status);
    assert_eq!(statuses, [500, 500, 200]);
    let faults = json!([{"when": {"request": 1}, "effect": {"rateLimited": 2.0}}]);
    assert_eq!(bench.send_to_path("POST", "/_sandbox/faults", &faults).status, 200);
    assert_eq!(bench.send_to_path("DELETE", "/_sandbox/faults", &Value::Null).status, 200);
    assert_eq!(bench.send_request("GET", "/clickpipes", &Value::Null).status, 200);
    let moved = bench.send_to_path("POST", "/_sandbox/advance", &json!({"seconds": 90.5}));
    assert_eq!(moved.json_body()["now"], "2026-01-01T00:01:30.500000Z");
    for bad in [json!({"seconds": -1}), json!({"seconds": 1e300}), json!({"days": 1})] {
        assert_eq!(bench.send_to_path("POST", "/_sandbox/advance", &bad).status, 400);
    }
    assert_eq!(bench.send_to_path("GET", "/_sandbox/nope", &Value::Null).status, 404);
}

#[test]
fn admin_api_edits_pipes_services_and_tables() {
    let mut bench = SandboxBench::new();
    let mut body = kafka_body();
    body["source"]["kafka"]["consumerGroup"] = json!("group");
    let id = bench.create_pipe(&body);
    let ask = |bench: &mut SandboxBench, what: &str, body: Value| {
        bench.send_to_path("POST", &format!("/_sandbox/{what}"), &body).status
    };
    let failed = json!({"service": "analytics", "pipe": id, "state": "Failed"});
    assert_eq!(ask(&mut bench, "pipe-state", failed), 200);
    assert_eq!(bench.pipe_state(&id), "Failed");
    let edit = json!({"service": "analytics", "pipe": id, "merge": {
        "name": "renamed", "source": {"kafka": {"topics": "other", "consumerGroup": null}},
    }});
    assert_eq!(ask(&mut bench, "edit", edit), 200);
    let source = bench.read_pipe(&id)["source"]["kafka"].clone();
    assert_eq!(source["topics"], "other");
    assert_eq!(source["consumerGroup"], format!("clickpipes-{id}"));
    let edit = |merge: Value| json!({"service": "analytics", "pipe": id, "merge": merge});
    let sized = edit(json!({"scaling": {"replicas": 7}, "settings": {"streaming_max_insert_wait_ms": 900}}));
    assert_eq!(ask(&mut bench, "edit", sized), 200);
    let read = bench.read_pipe(&id);
    assert_eq!(
        (&read["scaling"]["replicas"], &read["settings"]["streaming_max_insert_wait_ms"]),
        (&json!(7), &json!(900))
    );
    for unknown in [
        json!({"replicas": 7}),
        json!({"scaling": {"replica": 7}}),
        json!({"settings": {"object_storage_concurrency": 7}}),
        json!({"source": {"kafka": {"topic": "t"}}}),
        json!({"source": {"kinesis": {"streamName": "s"}}}),
        json!({"destination": {"tables": "t"}}),
    ] {
        assert_eq!(ask(&mut bench, "edit", edit(unknown.clone())), 400, "{unknown}");
    }
    let idle = json!({"service": "analytics", "state": "idle"});
    assert_eq!(ask(&mut bench, "service-state", idle), 200);
    assert_eq!(bench.get_result("")["state"], "idle");
    assert_eq!(ask(&mut bench, "drop-tables", json!({"service": "analytics"})), 200);
    let unknown = json!({"service": "analytics", "pipe": "x", "state": "Failed"});
    assert_eq!(ask(&mut bench, "pipe-state", unknown), 400);
}
