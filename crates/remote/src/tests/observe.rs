//! What is read, and with how many requests.

use model::address::{Kind, ServiceRef};
use serde_json::json;

use super::bench::{Bench, pipe, scope};
use super::fixtures::kafka;
use super::script::{answer, cut, ok, refusal, scripted};

#[tokio::test(start_paused = true)]
async fn one_list_shows_all_pipes_of_a_service() {
    let bench = Bench::unlimited();
    for name in ["orders", "clicks", "orders"] {
        bench.created(name, kafka(name)).await;
    }
    let before = bench.remote.requests().sent;
    let live = bench.observe(&[Kind::ClickPipe]).await;
    assert_eq!(bench.remote.requests().sent, before + 1);
    let names: Vec<String> = live.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["analytics/clicks", "analytics/orders"]);
    let twins = &live[&pipe("orders")].objects;
    assert_eq!(twins.len(), 2);
    assert!(twins[0].id < twins[1].id);
    assert_eq!(twins[0].state.as_str(), "Running");
}

#[tokio::test(start_paused = true)]
async fn only_a_declared_block_that_is_missing_is_asked_for() {
    let list = json!([
        {"id": "a", "name": "a", "state": "Running", "scaling": {"replicas": 1}, "settings": {}},
        {"id": "b", "name": "b", "state": "Running"},
        {"id": "c", "name": "c", "state": "Running", "scaling": {"replicas": 1}},
    ]);
    let whole = json!({"id": "a", "name": "a", "state": "Running", "settings": null});
    let (script, remote) =
        scripted([ok(&list), ok(&whole), ok(&json!({"streaming_max_insert_wait_ms": 500}))]);
    let mut scope = scope(&[Kind::ClickPipe]);
    scope.detail.insert(pipe("a"), vec!["scaling".to_owned(), "settings".to_owned()]);
    scope.detail.insert(pipe("c"), vec!["scaling".to_owned()]);
    let live = remote.observe(&scope).await.unwrap();
    let asked: Vec<String> =
        script.sent.lock().unwrap().iter().map(|(line, _)| line.clone()).collect();
    insta::assert_snapshot!(asked.join("\n"), @"
    GET /v1/organizations/org/services/svc/clickpipes
    GET /v1/organizations/org/services/svc/clickpipes/a
    GET /v1/organizations/org/services/svc/clickpipes/a/settings
    ");
    let settings = &live[&pipe("a")].objects[0].body["settings"];
    assert_eq!(*settings, json!({"streaming_max_insert_wait_ms": 500}));
}

#[tokio::test(start_paused = true)]
async fn a_pipe_without_settings_or_gone_meanwhile_is_no_error() {
    let list = json!([{"id": "a", "name": "a", "state": "Running"}]);
    let missing = || refusal(404, "NOT_FOUND: ingestion for pipe \"a\" not found");
    let (_, remote) = scripted([ok(&list), missing(), missing()]);
    let mut scope = scope(&[Kind::ClickPipe]);
    scope.detail.insert(pipe("a"), vec!["settings".to_owned()]);
    let live = remote.observe(&scope).await.unwrap();
    assert_eq!(live[&pipe("a")].objects[0].body, list[0]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_missing_is_not_an_empty_one() {
    for odd in [json!(null), json!({}), json!([{"name": "no id"}])] {
        let (_, remote) = scripted((0..9).map(|_| ok(&odd)));
        let error = remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap_err();
        assert!(error.to_string().contains("holds"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_are_repeated_until_they_make_sense() {
    let page = answer(504, "text/html", "<html>Gateway Time-out</html>");
    let half = answer(200, "application/json", "{\"status\": 200, \"result\": [{\"id\"");
    let broken = refusal(500, "Internal error");
    let good = ok(&json!([{"id": "a", "name": "a", "state": "Running"}]));
    let (_, remote) = scripted([cut(), page, half, broken, good]);
    let live = remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
    assert_eq!(live.len(), 1);
    let requests = remote.requests();
    assert_eq!((requests.sent, requests.repeated, requests.throttled), (5, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_never_makes_sense_ends() {
    let (_, remote) = scripted(std::iter::empty());
    let error = remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap_err();
    insta::assert_snapshot!(error, @"GET /v1/organizations/org/services/svc/clickpipes: the script is over");
    insta::assert_snapshot!(error.hint().unwrap_or_default(), @"nothing was sent; check the API's URL, the network and the proxy");
    assert!(!error.outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_is_not_tried_again() {
    let (script, remote) = scripted([refusal(401, "UNAUTHORIZED: no")]);
    for _ in 0..3 {
        let error = remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap_err();
        assert!(error.is_auth());
    }
    assert_eq!(script.sent.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_service_is_named() {
    let (_, remote) = scripted(std::iter::empty());
    let mut scope = scope(&[]);
    scope.kinds.insert(ServiceRef::new("elsewhere"), [Kind::ClickPipe].into());
    let error = remote.observe(&scope).await.unwrap_err();
    insta::assert_snapshot!(error, @"no id is known for the service `elsewhere`");
}

#[tokio::test(start_paused = true)]
async fn a_pipe_without_a_name_might_be_any() {
    for nameless in [json!({"id": "a", "state": "Running"}), json!({"id": "a", "name": null})] {
        let (_, remote) = scripted([ok(&json!([nameless]))]);
        let error = remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap_err();
        let told = "clickpipes: 200 holds an object without a name (application/json)";
        assert!(error.to_string().ends_with(told), "{error}");
    }
}
