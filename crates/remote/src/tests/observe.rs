//! Tests of observing: the objects read, and the number of requests.

use model::address::{Kind, ServiceRef};
use serde_json::json;

use super::bench::{RemoteBench, pipe_address, scope_of_kinds};
use super::fixtures::kafka_body;
use super::scripted_transport::{cut_answer, ok_answer, raw_answer, refusal_answer, scripted_remote};
use crate::Hint;

#[tokio::test(start_paused = true)]
async fn one_list_request_shows_all_pipes_of_a_service() {
    let bench = RemoteBench::without_rate_limit();
    for name in ["orders", "clicks", "orders"] {
        bench.create_for_id(name, kafka_body(name)).await;
    }
    let before = bench.remote.request_counts().sent;
    let live = bench.observe_kinds(&[Kind::ClickPipe]).await;
    assert_eq!(bench.remote.request_counts().sent, before + 1);
    let names: Vec<String> = live.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["analytics/clicks", "analytics/orders"]);
    let twins = &live[&pipe_address("orders")].objects;
    assert_eq!(twins.len(), 2);
    assert!(twins[0].id < twins[1].id);
    assert_eq!(twins[0].state.as_str(), "Running");
}

#[tokio::test(start_paused = true)]
async fn only_missing_declared_blocks_are_requested() {
    let list = json!([
        {"id": "a", "name": "a", "state": "Running", "scaling": {"replicas": 1}, "settings": {}},
        {"id": "b", "name": "b", "state": "Running"},
        {"id": "c", "name": "c", "state": "Running", "scaling": {"replicas": 1}},
    ]);
    let whole = json!({"id": "a", "name": "a", "state": "Running", "settings": null});
    let (script, remote) = scripted_remote([
        ok_answer(&list),
        ok_answer(&whole),
        ok_answer(&json!({"streaming_max_insert_wait_ms": 500})),
    ]);
    let mut scope = scope_of_kinds(&[Kind::ClickPipe]);
    scope.detail_blocks.insert(pipe_address("a"), vec!["scaling".to_owned(), "settings".to_owned()]);
    scope.detail_blocks.insert(pipe_address("c"), vec!["scaling".to_owned()]);
    let live = remote.observe_live(&scope).await.unwrap();
    let asked: Vec<String> = script.sent.lock().unwrap().iter().map(|(line, _)| line.clone()).collect();
    insta::assert_snapshot!(asked.join("\n"), @"
    GET /v1/organizations/org/services/svc/clickpipes
    GET /v1/organizations/org/services/svc/clickpipes/a
    GET /v1/organizations/org/services/svc/clickpipes/a/settings
    ");
    let settings = &live[&pipe_address("a")].objects[0].body["settings"];
    assert_eq!(*settings, json!({"streaming_max_insert_wait_ms": 500}));
}

#[tokio::test(start_paused = true)]
async fn pipe_without_settings_or_deleted_is_no_error() {
    let list = json!([{"id": "a", "name": "a", "state": "Running"}]);
    let missing = || refusal_answer(404, "NOT_FOUND: ingestion for pipe \"a\" not found");
    let (_, remote) = scripted_remote([ok_answer(&list), missing(), missing()]);
    let mut scope = scope_of_kinds(&[Kind::ClickPipe]);
    scope.detail_blocks.insert(pipe_address("a"), vec!["settings".to_owned()]);
    let live = remote.observe_live(&scope).await.unwrap();
    assert_eq!(live[&pipe_address("a")].objects[0].body, list[0]);
}

#[tokio::test(start_paused = true)]
async fn invalid_list_response_is_not_an_empty_list() {
    for odd in [json!(null), json!({}), json!([{"name": "no id"}])] {
        let (_, remote) = scripted_remote((0..9).map(|_| ok_answer(&odd)));
        let error = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap_err();
        assert!(error.to_string().contains("holds"), "{error}");
    }
}

/// An API without the paths of endpoints and of the shared size. It is asked once for each.
#[tokio::test(start_paused = true)]
async fn what_the_api_does_not_offer_is_not_live() {
    let kinds = scope_of_kinds(&[Kind::ReversePrivateEndpoint, Kind::CdcScaling]);
    for (status, is_page) in [(404, false), (404, true), (405, false), (501, false)] {
        let page = || raw_answer(status, "text/html", "<html>no such path</html>");
        let refusal = || if is_page { page() } else { refusal_answer(status, "no such path") };
        let (_, remote) = scripted_remote([refusal(), refusal(), refusal()]);
        assert_eq!(remote.observe_live(&kinds).await.unwrap().len(), 0, "{status}");
        let (_, remote) = scripted_remote([refusal(), refusal()]);
        let error = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap_err();
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(remote.request_counts().sent, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_read_responses_are_retried() {
    let page = raw_answer(504, "text/html", "<html>Gateway Time-out</html>");
    let half = raw_answer(200, "application/json", "{\"status\": 200, \"result\": [{\"id\"");
    let broken = refusal_answer(500, "Internal error");
    let good = ok_answer(&json!([{"id": "a", "name": "a", "state": "Running"}]));
    let (_, remote) = scripted_remote([cut_answer(), page, half, broken, good]);
    let live = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
    assert_eq!(live.len(), 1);
    let requests = remote.request_counts();
    assert_eq!((requests.sent, requests.repeated, requests.throttled), (5, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn unsendable_read_ends_with_an_error() {
    let (_, remote) = scripted_remote(std::iter::empty());
    let error = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap_err();
    insta::assert_snapshot!(error, @"GET /v1/organizations/org/services/svc/clickpipes: the script is over");
    assert_eq!(error.hint(), Some(Hint::ApiUnreachable));
    assert!(!error.is_outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn rejected_key_is_not_retried() {
    let (script, remote) = scripted_remote([refusal_answer(401, "UNAUTHORIZED: no")]);
    for _ in 0..3 {
        let error = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap_err();
        assert!(error.is_auth_error());
    }
    assert_eq!(script.sent.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_service_is_named_in_the_error() {
    let (_, remote) = scripted_remote(std::iter::empty());
    let mut scope = scope_of_kinds(&[]);
    scope.kinds.insert(ServiceRef::new("elsewhere"), [Kind::ClickPipe].into());
    let error = remote.observe_live(&scope).await.unwrap_err();
    insta::assert_snapshot!(error, @"no id is known for the service `elsewhere`");
}

#[tokio::test(start_paused = true)]
async fn pipe_without_a_name_fails_the_read() {
    for nameless in [json!({"id": "a", "state": "Running"}), json!({"id": "a", "name": null})] {
        let (_, remote) = scripted_remote([ok_answer(&json!([nameless]))]);
        let error = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap_err();
        let told = "clickpipes: 200 holds an object without a name (application/json)";
        assert!(error.to_string().ends_with(told), "{error}");
    }
}
