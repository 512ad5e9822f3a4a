//! Writes that cannot simply be sent again when their answer is lost.

use model::action::{Action, Endpoint, RunState};
use model::address::Kind;
use model::live::Id;
use sandbox::{Effect, Fault, When};
use serde_json::{Value, json};

use super::bench::{Bench, SERVICE, pass, pipe, scope};
use super::fixtures::{kafka, mapping, postgres};
use super::script::{cut, ok, scripted};

/// What becomes of an answer on its way.
const LOST: [Effect; 4] = [
    Effect::CutAfterCommit,
    Effect::GatewayTimeoutAfterCommit,
    Effect::TruncatedJson,
    Effect::HtmlAnswer,
];

const NOT_DONE: [Effect; 4] =
    [Effect::CutBeforeCommit, Effect::GatewayTimeout, Effect::InternalError, Effect::Unavailable];

/// A paused pipe, and how many requests it took to get there.
async fn paused() -> (Bench, usize) {
    let bench = Bench::unlimited();
    bench.created("orders", postgres("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let from = bench.world().journal().len();
    (bench, from)
}

fn targets(bench: &Bench) -> usize {
    bench.world().pipes(SERVICE)[0]["source"]["postgres"]["tableMappings"].as_array().unwrap().len()
}

fn edits() -> [Value; 2] {
    let edit = |name: &str, table: &str| json!({"source": {"postgres": {name: [mapping(table)]}}});
    [edit("tableMappingsToAdd", "orders"), edit("tableMappingsToRemove", "users")]
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_was_carried_out_is_not_sent_again() {
    for effect in LOST {
        for edit in edits() {
            let (bench, from) = paused().await;
            let before = targets(&bench);
            bench.world().faults().once("PATCH", "*/clickpipes/*", effect);
            let updated = bench.update("orders", Endpoint::Resource, edit).await.unwrap();
            assert_eq!(updated.notes.len(), 1, "{effect:?}");
            assert_ne!(targets(&bench), before);
            let running = bench.set_state("orders", RunState::Running).await.unwrap();
            assert!(["Running", "Snapshot"].contains(&running.state.as_str()));
            assert_eq!(bench.writes(from).len(), 1, "{effect:?}: {:?}", bench.writes(from));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_was_not_carried_out_is_sent_again() {
    for effect in NOT_DONE {
        for edit in edits() {
            let (bench, from) = paused().await;
            let before = targets(&bench);
            bench.world().faults().once("PATCH", "*/clickpipes/*", effect);
            let updated = bench.update("orders", Endpoint::Resource, edit).await.unwrap();
            assert!(updated.notes.is_empty(), "{effect:?}");
            assert_ne!(targets(&bench), before);
            assert_eq!(bench.writes(from).len(), 2, "{effect:?}: {:?}", bench.writes(from));
        }
    }
}

/// Whichever of the two comes first, the other is refused or finds nothing to do.
#[tokio::test(start_paused = true)]
async fn an_edit_that_is_carried_out_long_after_the_gateway_gave_up_is_done_once() {
    for late in [1, 3, 4, 6, 12] {
        for edit in edits() {
            let (bench, _) = paused().await;
            let before = targets(&bench);
            bench.world().faults().once("PATCH", "*/clickpipes/*", Effect::LateCommit(late));
            bench.update("orders", Endpoint::Resource, edit).await.unwrap();
            bench.set_state("orders", RunState::Running).await.unwrap();
            pass(60).await;
            assert_eq!(bench.states().await[0].1, "Running", "{late}");
            assert_eq!(targets(&bench).abs_diff(before), 1, "{late}");
        }
    }
}

/// Synchronisation settings can only be edited while the pipe is paused, and it resumes after the
/// first try.
#[tokio::test(start_paused = true)]
async fn an_edit_that_needed_a_pause_is_recognised_after_the_pipe_has_resumed() {
    let (bench, from) = paused().await;
    bench.world().faults().once("PATCH", "*/clickpipes/*", Effect::CutAfterCommit);
    let edit = json!({"source": {"postgres": {"settings": {"syncIntervalSeconds": 30}}}});
    bench.update("orders", Endpoint::Resource, edit).await.unwrap();
    assert_eq!(bench.writes(from), ["PATCH settings 200"]);
}

/// What the API never shows cannot be looked for, and is the same however often it is sent.
#[tokio::test(start_paused = true)]
async fn an_edit_that_cannot_be_seen_is_sent_again() {
    let (bench, from) = paused().await;
    bench.world().faults().once("PATCH", "*/clickpipes/*", Effect::CutAfterCommit);
    let credentials = json!({"username": "user", "password": {"fromEnv": "CANARY"}});
    let edit = json!({"source": {"postgres": {"credentials": credentials}}});
    bench.update("orders", Endpoint::Resource, edit).await.unwrap();
    assert_eq!(bench.writes(from), ["PATCH credentials 200", "PATCH credentials 200"]);
}

/// The gateway gives up, a look shows nothing yet, and the edit is carried out after that: its
/// repetition is refused because of itself.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_edit_may_be_about_its_effect() {
    let pipe_in = |state: &str, tables: &[&str]| {
        let mappings: Vec<Value> = tables.iter().map(|table| mapping(table)).collect();
        let source = json!({"postgres": {"tableMappings": mappings}});
        ok(&json!([{"id": "p", "name": "orders", "state": state, "source": source}]))
    };
    let refusals =
        ["targetTable is used by another mapping", "Postgres ClickPipe must be paused to edit"];
    for text in refusals {
        let refused = super::script::refusal(400, &format!("BAD_REQUEST: {text}"));
        let (script, remote) = scripted([
            pipe_in("Paused", &["users"]),
            cut(),
            pipe_in("Paused", &["users"]),
            refused,
            pipe_in("Snapshot", &["users", "orders"]),
        ]);
        remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
        let [body, _] = edits();
        let (at, via) = (pipe("orders"), Endpoint::Resource);
        remote.perform(&Action::Update { at, id: None, via, body }).await.unwrap();
        assert_eq!(script.sent.lock().unwrap().len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_took_effect_is_not_sent_again() {
    for effect in LOST {
        let bench = Bench::unlimited();
        bench.created("orders", kafka("orders")).await;
        let from = bench.world().journal().len();
        bench.world().faults().once("PATCH", "*/state", effect);
        let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
        assert_eq!(stopped.state.as_str(), "Stopped", "{effect:?}");
        bench.world().faults().once("PATCH", "*/state", effect);
        let started = bench.set_state("orders", RunState::Running).await.unwrap();
        assert_eq!(started.state.as_str(), "Running", "{effect:?}");
        assert_eq!(
            bench.writes(from),
            ["stop 200".replace("200", status(effect)), "start 200".replace("200", status(effect))]
        );
    }
}

/// The journal tells what the client was told.
fn status(effect: Effect) -> &'static str {
    if effect == Effect::GatewayTimeoutAfterCommit { "504" } else { "200" }
}

#[tokio::test(start_paused = true)]
async fn a_command_without_an_effect_is_sent_again() {
    for effect in NOT_DONE {
        let bench = Bench::unlimited();
        bench.created("orders", kafka("orders")).await;
        let from = bench.world().journal().len();
        bench.world().faults().once("PATCH", "*/state", effect);
        bench.set_state("orders", RunState::Stopped).await.unwrap();
        assert_eq!(bench.writes(from).len(), 2, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resync_is_never_sent_twice() {
    for effect in LOST.into_iter().chain(NOT_DONE) {
        let bench = Bench::unlimited();
        let id = bench.created("orders", postgres("orders")).await;
        pass(60).await;
        bench.states().await;
        let from = bench.world().journal().len();
        bench.world().faults().once("PATCH", "*/state", effect);
        let resynced = bench.remote.resync(&pipe("orders"), &id).await;
        assert_eq!(bench.writes(from).len(), 1, "{effect:?}");
        assert_eq!(resynced.is_ok(), LOST.contains(&effect), "{effect:?}");
        assert!(resynced.is_ok() || resynced.is_err_and(|error| error.outcome_unknown()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_survives_lists_that_cannot_be_had() {
    let bench = Bench::unlimited();
    bench.created("orders", kafka("orders")).await;
    let when = When::Route { method: "GET".to_owned(), path: "*/clickpipes".to_owned() };
    bench.world().faults().add(Fault { when, effect: Effect::Unavailable, times: 25 });
    let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
    assert_eq!(stopped.state.as_str(), "Stopped");
    let when = When::Route { method: "GET".to_owned(), path: "*/clickpipes".to_owned() };
    bench.world().faults().add(Fault { when, effect: Effect::HtmlAnswer, times: 25 });
    let delete = Action::Delete { at: pipe("orders"), id: Id::new(stopped.id.as_str()) };
    bench.remote.perform(&delete).await.unwrap();
    assert!(bench.world().pipes(SERVICE).is_empty());
}
