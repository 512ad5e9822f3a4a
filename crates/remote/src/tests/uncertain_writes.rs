//! Writes that must not be repeated blindly when their answer is lost.

use model::action::{Action, RunState, UpdateVia};
use model::address::Kind;
use model::live::Id;
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::{Value, json};

use super::bench::{RemoteBench, SERVICE, pipe_address, scope_of_kinds, wait_seconds};
use super::fixtures::{kafka_body, postgres_body, table_mapping};
use super::scripted_transport::{cut_answer, ok_answer, scripted_remote};

/// The ways to lose an answer.
const LOST_ANSWERS: [FaultEffect; 4] = [
    FaultEffect::CutAfterCommit,
    FaultEffect::GatewayTimeoutAfterCommit,
    FaultEffect::TruncatedJson,
    FaultEffect::HtmlAnswer,
];

const UNCOMMITTED: [FaultEffect; 4] =
    [FaultEffect::CutBeforeCommit, FaultEffect::GatewayTimeout, FaultEffect::InternalError, FaultEffect::Unavailable];

/// A paused pipe, and the number of requests so far.
async fn paused_pipe() -> (RemoteBench, usize) {
    let bench = RemoteBench::without_rate_limit();
    bench.create_for_id("orders", postgres_body("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let from = bench.lock_world().request_log().len();
    (bench, from)
}

fn count_mappings(bench: &RemoteBench) -> usize {
    bench.lock_world().list_pipes(SERVICE)[0]["source"]["postgres"]["tableMappings"].as_array().unwrap().len()
}

fn mapping_edits() -> [Value; 2] {
    let edit = |name: &str, table: &str| json!({"source": {"postgres": {name: [table_mapping(table)]}}});
    [edit("tableMappingsToAdd", "orders"), edit("tableMappingsToRemove", "users")]
}

#[tokio::test(start_paused = true)]
async fn applied_edit_with_lost_response_is_not_resent() {
    for effect in LOST_ANSWERS {
        for edit in mapping_edits() {
            let (bench, from) = paused_pipe().await;
            let before = count_mappings(&bench);
            bench.lock_world().fault_script().add_once("PATCH", "*/clickpipes/*", effect);
            let updated = bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
            assert_eq!(updated.notes.len(), 1, "{effect:?}");
            assert_ne!(count_mappings(&bench), before);
            let running = bench.set_state("orders", RunState::Running).await.unwrap();
            assert!(["Running", "Snapshot"].contains(&running.state.as_str()));
            assert_eq!(bench.write_lines(from).len(), 1, "{effect:?}: {:?}", bench.write_lines(from));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lost_edit_that_was_not_applied_is_resent() {
    for effect in UNCOMMITTED {
        for edit in mapping_edits() {
            let (bench, from) = paused_pipe().await;
            let before = count_mappings(&bench);
            bench.lock_world().fault_script().add_once("PATCH", "*/clickpipes/*", effect);
            let updated = bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
            assert!(updated.notes.is_empty(), "{effect:?}");
            assert_ne!(count_mappings(&bench), before);
            assert_eq!(bench.write_lines(from).len(), 2, "{effect:?}: {:?}", bench.write_lines(from));
        }
    }
}

// Either the late PATCH or its repetition takes effect first. The other one is refused, or finds nothing to change.
#[tokio::test(start_paused = true)]
async fn edit_committed_after_gateway_timeout_is_applied_once() {
    for late in [1, 3, 4, 6, 12] {
        for edit in mapping_edits() {
            let (bench, _) = paused_pipe().await;
            let before = count_mappings(&bench);
            bench.lock_world().fault_script().add_once("PATCH", "*/clickpipes/*", FaultEffect::LateCommit(late));
            bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
            bench.set_state("orders", RunState::Running).await.unwrap();
            wait_seconds(60).await;
            assert_eq!(bench.pipe_states().await[0].1, "Running", "{late}");
            assert_eq!(count_mappings(&bench).abs_diff(before), 1, "{late}");
        }
    }
}

// The API accepts edits of sync settings only from a paused pipe, and the first attempt has resumed it.
#[tokio::test(start_paused = true)]
async fn applied_edit_is_recognized_after_the_pipe_resumed() {
    let (bench, from) = paused_pipe().await;
    bench.lock_world().fault_script().add_once("PATCH", "*/clickpipes/*", FaultEffect::CutAfterCommit);
    let edit = json!({"source": {"postgres": {"settings": {"syncIntervalSeconds": 30}}}});
    bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
    assert_eq!(bench.write_lines(from), ["PATCH settings 200"]);
}

// A write-only field cannot be looked for, and sending it twice is harmless.
#[tokio::test(start_paused = true)]
async fn lost_write_only_edit_is_resent() {
    let (bench, from) = paused_pipe().await;
    bench.lock_world().fault_script().add_once("PATCH", "*/clickpipes/*", FaultEffect::CutAfterCommit);
    let credentials = json!({"username": "user", "password": {"fromEnv": "CANARY"}});
    let edit = json!({"source": {"postgres": {"credentials": credentials}}});
    bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
    assert_eq!(bench.write_lines(from), ["PATCH credentials 200", "PATCH credentials 200"]);
}

// PATCH -> 504, GET shows the old value, then the PATCH takes effect: the second PATCH is refused because of the first.
#[tokio::test(start_paused = true)]
async fn rejection_of_resent_edit_can_mean_it_was_applied() {
    let pipe_in = |state: &str, tables: &[&str]| {
        let mappings: Vec<Value> = tables.iter().map(|table| table_mapping(table)).collect();
        let source = json!({"postgres": {"tableMappings": mappings}});
        ok_answer(&json!([{"id": "p", "name": "orders", "state": state, "source": source}]))
    };
    let refusals = ["targetTable is used by another mapping", "Postgres ClickPipe must be paused to edit"];
    for text in refusals {
        let refused = super::scripted_transport::refusal_answer(400, &format!("BAD_REQUEST: {text}"));
        let (script, remote) = scripted_remote([
            pipe_in("Paused", &["users"]),
            cut_answer(),
            pipe_in("Paused", &["users"]),
            refused,
            pipe_in("Snapshot", &["users", "orders"]),
        ]);
        remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
        let [body, _] = mapping_edits();
        let (at, via) = (pipe_address("orders"), UpdateVia::Resource);
        remote.perform_action(&Action::update(at, None, via, body)).await.unwrap();
        assert_eq!(script.sent.lock().unwrap().len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn effective_command_with_lost_response_is_not_resent() {
    for effect in LOST_ANSWERS {
        let bench = RemoteBench::without_rate_limit();
        bench.create_for_id("orders", kafka_body("orders")).await;
        let from = bench.lock_world().request_log().len();
        bench.lock_world().fault_script().add_once("PATCH", "*/state", effect);
        let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
        assert_eq!(stopped.state.as_str(), "Stopped", "{effect:?}");
        bench.lock_world().fault_script().add_once("PATCH", "*/state", effect);
        let started = bench.set_state("orders", RunState::Running).await.unwrap();
        assert_eq!(started.state.as_str(), "Running", "{effect:?}");
        assert_eq!(
            bench.write_lines(from),
            ["stop 200".replace("200", logged_status(effect)), "start 200".replace("200", logged_status(effect))]
        );
    }
}

fn logged_status(effect: FaultEffect) -> &'static str {
    if effect == FaultEffect::GatewayTimeoutAfterCommit { "504" } else { "200" }
}

#[tokio::test(start_paused = true)]
async fn lost_command_without_effect_is_resent() {
    for effect in UNCOMMITTED {
        let bench = RemoteBench::without_rate_limit();
        bench.create_for_id("orders", kafka_body("orders")).await;
        let from = bench.lock_world().request_log().len();
        bench.lock_world().fault_script().add_once("PATCH", "*/state", effect);
        bench.set_state("orders", RunState::Stopped).await.unwrap();
        assert_eq!(bench.write_lines(from).len(), 2, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resync_is_never_sent_twice() {
    for effect in LOST_ANSWERS.into_iter().chain(UNCOMMITTED) {
        let bench = RemoteBench::without_rate_limit();
        let id = bench.create_for_id("orders", postgres_body("orders")).await;
        wait_seconds(60).await;
        bench.pipe_states().await;
        let from = bench.lock_world().request_log().len();
        bench.lock_world().fault_script().add_once("PATCH", "*/state", effect);
        let resynced = bench.remote.resync_pipe(&pipe_address("orders"), &id).await;
        assert_eq!(bench.write_lines(from).len(), 1, "{effect:?}");
        assert_eq!(resynced.is_ok(), LOST_ANSWERS.contains(&effect), "{effect:?}");
        assert!(resynced.is_ok() || resynced.is_err_and(|error| error.is_outcome_unknown()));
    }
}

#[tokio::test(start_paused = true)]
async fn wait_survives_unavailable_lists() {
    let bench = RemoteBench::without_rate_limit();
    bench.create_for_id("orders", kafka_body("orders")).await;
    let when = FaultTrigger::Route { method: "GET".to_owned(), path: "*/clickpipes".to_owned() };
    bench.lock_world().fault_script().add(Fault { when, effect: FaultEffect::Unavailable, times: 25 });
    let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
    assert_eq!(stopped.state.as_str(), "Stopped");
    let when = FaultTrigger::Route { method: "GET".to_owned(), path: "*/clickpipes".to_owned() };
    bench.lock_world().fault_script().add(Fault { when, effect: FaultEffect::HtmlAnswer, times: 25 });
    let delete = Action::Delete { address: pipe_address("orders"), id: Id::new(stopped.id.as_str()) };
    bench.remote.perform_action(&delete).await.unwrap();
    assert!(bench.lock_world().list_pipes(SERVICE).is_empty());
}
