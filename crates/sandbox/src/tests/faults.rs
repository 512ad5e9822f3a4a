use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, error, kafka, mapping, ok, postgres, refused};
use crate::{Effect, Fate, Response};

const PIPES: &str = "*/clickpipes";

/// A create that meets the fault, and how many pipes there are afterwards.
fn create_with(effect: Effect) -> (Response, usize) {
    let mut bench = Bench::new();
    bench.world.faults().once("POST", PIPES, effect);
    let response = bench.post(&kafka());
    let pipes = bench.get("/clickpipes").as_array().unwrap().len();
    assert_eq!(bench.post(&kafka()).status, 200, "the fault strikes once");
    (response, pipes)
}

#[test]
fn connection_is_cut_before_or_after_the_commit() {
    let (response, pipes) = create_with(Effect::CutBeforeCommit);
    assert_eq!((response.fate, pipes), (Fate::CutBeforeAnswer, 0));
    let (response, pipes) = create_with(Effect::CutAfterCommit);
    assert_eq!((response.fate, pipes), (Fate::CutBeforeAnswer, 1));
}

#[test]
fn gateway_times_out_in_html_with_or_without_the_effect() {
    for (effect, left) in [(Effect::GatewayTimeout, 0), (Effect::GatewayTimeoutAfterCommit, 1)] {
        let (response, pipes) = create_with(effect);
        assert_eq!((response.status, pipes), (504, left));
        assert_eq!(response.headers[0].1, "text/html");
        assert_eq!(response.json_body(), Value::Null);
    }
}

#[test]
fn gateway_times_out_long_before_the_effect() {
    let mut bench = Bench::new();
    bench.world.faults().once("POST", PIPES, Effect::LateCommit(40));
    assert_eq!(bench.post(&kafka()).status, 504);
    bench.world.advance(Duration::from_secs(39));
    assert_eq!(bench.get("/clickpipes"), json!([]));
    bench.world.advance(Duration::from_secs(25));
    let pipes = bench.get("/clickpipes");
    assert_eq!(pipes.as_array().map(Vec::len), Some(1));
    assert_eq!(pipes[0]["createdAt"], "2026-01-01T00:00:40.000000Z");
    bench.world.advance(Duration::from_secs(25));
    assert_eq!(bench.get("/clickpipes").as_array().map(Vec::len), Some(1));
}

#[test]
fn a_careless_refusal_repeats_the_body_but_the_journal_does_not() {
    let mut bench = Bench::new();
    bench.world.faults().once("POST", PIPES, Effect::Repeated);
    let response = bench.post(&kafka());
    assert!(error(&response, 400).contains("canary"), "{:?}", response.json_body());
    let journal = serde_json::to_string(bench.world.journal()).unwrap();
    assert!(!journal.contains("canary"), "{journal}");
}

#[test]
fn server_errors_do_nothing() {
    let (response, pipes) = create_with(Effect::InternalError);
    assert_eq!((error(&response, 500).as_str(), pipes), ("Internal error", 0));
    let (response, pipes) = create_with(Effect::Unavailable);
    assert_eq!((response.status, pipes), (503, 0));
}

#[test]
fn rate_limit_comes_with_or_without_the_reset() {
    let reset = |response: &Response| {
        let header = response.headers.iter().find(|(name, _)| name == "x-ratelimit-reset");
        header.map(|(_, value)| value.clone())
    };
    let (response, pipes) = create_with(Effect::RateLimited(1.5));
    assert_eq!((response.status, pipes, reset(&response)), (429, 0, Some("1.5".to_owned())));
    let (response, pipes) = create_with(Effect::RateLimitedWithoutReset);
    assert_eq!((response.status, pipes, reset(&response)), (429, 0, None));
}

#[test]
fn answer_is_truncated_or_html_and_the_pipe_is_there() {
    let (response, pipes) = create_with(Effect::TruncatedJson);
    assert_eq!((response.status, pipes), (200, 1));
    assert!(!response.body.is_empty());
    assert_eq!(response.json_body(), Value::Null);
    let (response, pipes) = create_with(Effect::HtmlAnswer);
    assert_eq!((response.status, pipes), (200, 1));
    assert_eq!(response.headers[0].1, "text/html");
}

#[test]
fn answer_takes_its_time() {
    let (response, pipes) = create_with(Effect::SlowAnswer(35));
    assert_eq!((response.status, pipes), (200, 1));
    assert_eq!(response.took, Duration::from_secs(35));
}

#[test]
fn source_is_unreachable() {
    let (response, pipes) = create_with(Effect::SourceUnreachable);
    refused(&response, 400, "failed to establish connection");
    assert_eq!(pipes, 0);
}

#[test]
fn list_lags_behind_a_create() {
    let mut bench = Bench::new();
    bench.world.faults().once("POST", PIPES, Effect::ListLag(20));
    let id = bench.create(&kafka());
    bench.wait(19);
    assert_eq!(bench.get("/clickpipes"), json!([]));
    bench.read(&id);
    bench.wait(1);
    assert_eq!(bench.get("/clickpipes").as_array().unwrap().len(), 1);
}

#[test]
fn delete_is_slow() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    bench.world.faults().once("DELETE", "*", Effect::SlowDelete(60));
    bench.ask("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
    bench.wait(59);
    bench.read(&id);
    bench.wait(1);
    assert_eq!(bench.ask("GET", &format!("/clickpipes/{id}"), &Value::Null).status, 404);
}

#[test]
fn resumption_is_late() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    bench.wait(300);
    ok(&bench.command(&id, "stop"));
    bench.wait(10);
    bench.world.faults().once("PATCH", "*/clickpipes/*", Effect::LateResume(30));
    let body = json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("new")]}}});
    ok(&bench.patch(&id, &body));
    assert_eq!(bench.states(&id, &[29, 30, 40]), ["Paused", "Snapshot", "Running"]);
}

#[test]
fn scaling_reads_zero_for_long() {
    let mut bench = Bench::new();
    bench.world.faults().once("POST", PIPES, Effect::ZeroScaling(60));
    let id = bench.create(&kafka());
    bench.wait(59);
    assert_eq!(bench.read(&id)["scaling"]["replicas"], 0);
    bench.wait(1);
    assert_eq!(bench.read(&id)["scaling"]["replicas"], 1);
}

#[test]
fn fault_strikes_by_the_number_of_the_request() {
    let mut bench = Bench::new();
    bench.world.faults().at_request(2, Effect::Unavailable);
    let statuses = [(); 3].map(|()| bench.ask("GET", "/clickpipes", &Value::Null).status);
    assert_eq!(statuses, [200, 503, 200]);
}

#[test]
fn journal_tells_what_the_client_did_not_learn() {
    let mut bench = Bench::new();
    bench.world.faults().once("POST", PIPES, Effect::CutAfterCommit);
    bench.post(&kafka());
    let entry = &bench.world.journal()[0];
    assert_eq!((entry.status, entry.answered), (200, false));
}

#[test]
fn control_paths_script_faults_and_move_the_clock() {
    let mut bench = Bench::new();
    let route = json!({"route": {"method": "*", "path": PIPES}});
    let fault = json!({"when": route, "effect": "internalError", "times": 2});
    assert_eq!(bench.ask_path("POST", "/_sandbox/faults", &fault).status, 200);
    let statuses = [(); 3].map(|()| bench.ask("GET", "/clickpipes", &Value::Null).status);
    assert_eq!(statuses, [500, 500, 200]);
    let faults = json!([{"when": {"request": 1}, "effect": {"rateLimited": 2.0}}]);
    assert_eq!(bench.ask_path("POST", "/_sandbox/faults", &faults).status, 200);
    assert_eq!(bench.ask_path("DELETE", "/_sandbox/faults", &Value::Null).status, 200);
    assert_eq!(bench.ask("GET", "/clickpipes", &Value::Null).status, 200);
    let moved = bench.ask_path("POST", "/_sandbox/advance", &json!({"seconds": 90.5}));
    assert_eq!(moved.json_body()["now"], "2026-01-01T00:01:30.500000Z");
    for bad in [json!({"seconds": -1}), json!({"seconds": 1e300}), json!({"days": 1})] {
        assert_eq!(bench.ask_path("POST", "/_sandbox/advance", &bad).status, 400);
    }
    assert_eq!(bench.ask_path("GET", "/_sandbox/nope", &Value::Null).status, 404);
}

#[test]
fn control_paths_play_the_people_around_the_api() {
    let mut bench = Bench::new();
    let mut body = kafka();
    body["source"]["kafka"]["consumerGroup"] = json!("group");
    let id = bench.create(&body);
    let ask = |bench: &mut Bench, what: &str, body: Value| {
        bench.ask_path("POST", &format!("/_sandbox/{what}"), &body).status
    };
    let failed = json!({"service": "analytics", "pipe": id, "state": "Failed"});
    assert_eq!(ask(&mut bench, "pipe-state", failed), 200);
    assert_eq!(bench.state(&id), "Failed");
    let edit = json!({"service": "analytics", "pipe": id, "merge": {
        "name": "renamed", "source": {"kafka": {"topics": "other", "consumerGroup": null}},
    }});
    assert_eq!(ask(&mut bench, "edit", edit), 200);
    let source = bench.read(&id)["source"]["kafka"].clone();
    assert_eq!(source["topics"], "other");
    assert_eq!(source["consumerGroup"], format!("clickpipes-{id}"));
    let idle = json!({"service": "analytics", "state": "idle"});
    assert_eq!(ask(&mut bench, "service-state", idle), 200);
    assert_eq!(bench.get("")["state"], "idle");
    assert_eq!(ask(&mut bench, "drop-tables", json!({"service": "analytics"})), 200);
    let unknown = json!({"service": "analytics", "pipe": "x", "state": "Failed"});
    assert_eq!(ask(&mut bench, "pipe-state", unknown), 400);
}
