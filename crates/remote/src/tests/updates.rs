//! Changing fields: the right part of the API, and the right object.

use model::action::{Action, Endpoint, RunState};
use model::address::Name;
use model::lifecycle::Standing;
use sandbox::Effect;
use serde_json::json;

use super::bench::{Bench, CANARY, SERVICE, pipe, scope};
use super::fixtures::{kafka, mapping, postgres};
use super::script::{cut, ok, refusal, scripted};
use crate::Error;

#[tokio::test(start_paused = true)]
async fn each_part_of_a_pipe_has_its_own_request() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    let settings = json!({"streaming_max_insert_wait_ms": 5000});
    bench.update("orders", Endpoint::Settings, settings).await.unwrap();
    bench.update("orders", Endpoint::Scaling, json!({"replicas": 2})).await.unwrap();
    let credentials = json!({"username": "user", "password": {"fromEnv": "CANARY"}});
    let body =
        json!({"source": {"kafka": {"authentication": "PLAIN", "credentials": credentials}}});
    let updated = bench.update("orders", Endpoint::Resource, body).await.unwrap();
    assert_eq!(updated.standing, Standing::Settled);
    assert_eq!(bench.asked("PUT", "/settings"), [200]);
    assert_eq!(bench.asked("PATCH", "/scaling"), [200]);
    assert_eq!(bench.asked("PATCH", updated.id.as_str()), [200]);
    let live = bench.world().pipes(SERVICE);
    assert_eq!(live[0]["settings"]["streaming_max_insert_wait_ms"], 5000);
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_stopped_pipe_waits_for_nothing() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let before = bench.remote.requests().sent;
    bench.update("orders", Endpoint::Resource, json!({"name": "orders"})).await.unwrap();
    assert_eq!(bench.remote.requests().sent, before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_pipe_is_known_by_its_new_name() {
    let bench = Bench::new();
    let id = bench.created("orders", kafka("orders")).await;
    let at = pipe("orders").renamed(Name::new("orders-v2"));
    let rename = Action::Update {
        at,
        id: Some(id.clone()),
        via: Endpoint::Resource,
        body: json!({"name": "orders-v2"}),
    };
    bench.remote.perform(&rename).await.unwrap();
    let stopped = bench.set_state("orders-v2", RunState::Stopped).await.unwrap();
    assert_eq!(stopped.id, id);
}

#[tokio::test(start_paused = true)]
async fn an_update_without_an_answer_is_repeated() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    bench.world().faults().once("PATCH", "*", Effect::CutAfterCommit);
    bench.world().faults().once("PUT", "*", Effect::GatewayTimeout);
    bench.update("orders", Endpoint::Scaling, json!({"replicas": 2})).await.unwrap();
    let settings = json!({"streaming_max_insert_wait_ms": 5000});
    bench.update("orders", Endpoint::Settings, settings).await.unwrap();
    assert_eq!(bench.remote.requests().repeated, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_repeated_update_does_not_say_that_nothing_was_done() {
    let list = ok(&json!([{"id": "p", "name": "orders", "state": "Paused"}]));
    let unchanged = || ok(&json!([{"id": "p", "name": "orders", "state": "Paused"}]));
    let refused = refusal(400, "BAD_REQUEST: already mapped");
    let (_, remote) = scripted([list, cut(), unchanged(), refused, unchanged()]);
    remote.observe(&scope(&[model::address::Kind::ClickPipe])).await.unwrap();
    let body = json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("orders")]}}});
    let via = Endpoint::Resource;
    let update = Action::Update { at: pipe("orders"), id: None, via, body };
    let error = remote.perform(&update).await.unwrap_err();
    assert!(error.outcome_unknown());
    insta::assert_snapshot!(error.hint().unwrap_or_default(), @"an earlier try of this request got no answer and may have been carried out; plan again");
}

#[tokio::test(start_paused = true)]
async fn an_update_tells_what_is_live_afterwards_without_asking_for_it() {
    let bench = Bench::unlimited();
    bench.created("orders", kafka("orders")).await;
    let before = bench.remote.requests().sent;
    let settings = json!({"streaming_max_insert_wait_ms": 5000});
    let updated = bench.update("orders", Endpoint::Settings, settings.clone()).await.unwrap();
    let live = updated.live.unwrap();
    assert_eq!(live.body["settings"], settings);
    assert_eq!(
        bench.remote.requests().sent,
        before + 2,
        "the update and the list that it waits for"
    );

    // The API takes settings here and does nothing with them: only a read tells.
    let ignored = json!({"settings": {"streaming_max_insert_wait_ms": 700}});
    let updated = bench.update("orders", Endpoint::Resource, ignored).await.unwrap();
    assert_eq!(updated.live.unwrap().body["settings"], settings);
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_paused_pipe_is_told_by_what_follows_it() {
    let bench = Bench::unlimited();
    bench.created("orders", postgres("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let body = json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("orders")]}}});
    let updated = bench.update("orders", Endpoint::Resource, body).await.unwrap();
    assert_eq!(updated.live, None, "nobody looked");
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    let live = started.live.unwrap();
    assert_eq!(live.body["source"]["postgres"]["tableMappings"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_of_several_pipes_of_a_name_is_not_guessed() {
    let bench = Bench::new();
    let error = bench.update("orders", Endpoint::Resource, json!({})).await.unwrap_err();
    assert!(matches!(error, Error::UnknownObject { found: 0, .. }));
    let twin = |id| json!({"id": id, "name": "orders", "state": "Running"});
    let (_, remote) = scripted([ok(&json!([twin("a"), twin("b")]))]);
    remote.observe(&scope(&[model::address::Kind::ClickPipe])).await.unwrap();
    let stop = Action::SetState { at: pipe("orders"), id: None, to: RunState::Stopped };
    let error = remote.perform(&stop).await.unwrap_err();
    insta::assert_snapshot!(error, @"2 live objects are called `analytics/orders`");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_the_api_repeats_goes_no_further() {
    let list = ok(&json!([{"id": "p", "name": "orders", "state": "Running"}]));
    let echo = format!("BAD_REQUEST: cannot log in as user with password {CANARY}");
    let (_, remote) = scripted([list, refusal(400, &echo)]);
    remote.observe(&scope(&[model::address::Kind::ClickPipe])).await.unwrap();
    let body = json!({"source": {"kafka": {"credentials": {"password": {"fromEnv": "CANARY"}}}}});
    let via = Endpoint::Resource;
    let update = Action::Update { at: pipe("orders"), id: None, via, body };
    let error = remote.perform(&update).await.unwrap_err();
    insta::assert_snapshot!(error, @"PATCH /v1/organizations/org/services/svc/clickpipes/p: 400 BAD_REQUEST: cannot log in as user with password [redacted] (request r-2)");
    assert!(!format!("{error:?}").contains(CANARY));
}
