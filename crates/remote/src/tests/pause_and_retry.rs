//! Edits of a running pipe that the API accepts only while it is paused.

use std::time::Duration;

use model::action::{Action, RunState, UpdateVia};
use model::address::Kind;
use model::live::Id;
use sandbox::{EmulatedPipeState, Fault, FaultEffect, FaultTrigger, Quirk, Quirks, SandboxOptions};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::bench::{RemoteBench, SERVICE, pipe_address, scope_of_kinds, wait_seconds};
use super::fixtures::{postgres_body, table_mapping};
use super::scripted_transport::{ScriptedAnswer, ok_answer, refusal_answer, scripted_remote};
use crate::{Error, Hint, RejectionKind, RemoteSettings};

const REFUSAL: &str = "BAD_REQUEST: Postgres ClickPipe must be paused to edit";

fn add_table_body() -> Value {
    json!({"source": {"postgres": {"tableMappingsToAdd": [table_mapping("orders")]}}})
}

fn add_table_action() -> Action {
    Action::update(pipe_address("orders"), None, UpdateVia::Resource, add_table_body())
}

async fn running_pipe(quirks: Quirks) -> RemoteBench {
    let options = SandboxOptions { rate_limit: None, quirks, ..SandboxOptions::with_observed_quirks() };
    let bench = RemoteBench::with_settings(options, RemoteSettings { rate: None, ..RemoteSettings::default() });
    bench.create_for_id("orders", postgres_body("orders")).await;
    wait_seconds(60).await;
    bench.pipe_states().await;
    bench
}

fn runs_later(bench: &RemoteBench) -> bool {
    let mut world = bench.lock_world();
    world.advance_clock(Duration::from_secs(120));
    world.list_pipes(SERVICE)[0]["state"] == "Running"
}

fn count_tables(bench: &RemoteBench) -> usize {
    bench.lock_world().list_pipes(SERVICE)[0]["source"]["postgres"]["tableMappings"].as_array().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn rejected_edit_is_resent_after_a_stop() {
    let edit = ["PATCH tableMappingsToAdd 400", "stop 200", "PATCH tableMappingsToAdd 200"];
    let started = [&edit[..], &["start 200"]].concat();
    let resumes = Quirks::all_observed();
    for (quirks, writes) in [(resumes, edit.to_vec()), (Quirks::none(), started)] {
        let bench = running_pipe(quirks).await;
        let from = bench.lock_world().request_log().len();
        let updated = bench.remote.perform_action(&add_table_action()).await.unwrap();
        assert_eq!(bench.write_lines(from), writes);
        assert!(updated.notes.iter().any(|note| note.contains("required a pause")), "{updated:?}");
        assert!(updated.live.is_some(), "it was looked at");
        assert_eq!(bench.remote.paused_by_run(&add_table_action()), None);
        assert_eq!(count_tables(&bench), 3);
        assert!(runs_later(&bench));
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_edit_may_need_a_pause() {
    let bench = running_pipe(Quirks::all_observed().with_quirk(Quirk::EditsNeedPause)).await;
    let body = json!({"source": {"postgres": {"credentials":
        {"username": "user", "password": {"fromEnv": "CANARY"}}}}});
    let from = bench.lock_world().request_log().len();
    bench.update_pipe("orders", UpdateVia::Resource, body).await.unwrap();
    assert_eq!(bench.write_lines(from), ["PATCH credentials 400", "stop 200", "PATCH credentials 200"]);
    assert!(runs_later(&bench));
}

// A planned action paused the pipe, so its own start follows: the edit itself starts nothing.
#[tokio::test(start_paused = true)]
async fn pipe_started_by_others_is_stopped_again() {
    let bench = running_pipe(Quirks::none()).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Running);
    let from = bench.lock_world().request_log().len();
    bench.remote.perform_action(&add_table_action()).await.unwrap();
    let edit = ["PATCH tableMappingsToAdd 400", "stop 200", "PATCH tableMappingsToAdd 200"];
    assert_eq!(bench.write_lines(from), edit);
    assert!(bench.remote.paused_by_run(&add_table_action()).is_some());
    bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(bench.remote.paused_by_run(&add_table_action()), None);
    assert!(runs_later(&bench));
}

async fn run_refused_edit(answers: Vec<ScriptedAnswer>) -> (usize, Error, Option<Id>) {
    let list = |state: &str| ok_answer(&json!([{"id": "p", "name": "orders", "state": state}]));
    let before = [list("Running"), refusal_answer(400, REFUSAL)];
    let (script, remote) = scripted_remote(before.into_iter().chain(answers));
    remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
    let error = remote.perform_action(&add_table_action()).await.unwrap_err();
    let sent = script.sent.lock().unwrap().len();
    (sent, error, remote.paused_by_run(&add_table_action()))
}

#[tokio::test(start_paused = true)]
async fn edit_is_sent_at_most_twice_and_stop_is_remembered() {
    let paused = json!({"id": "p", "name": "orders", "state": "Paused"});
    let stopped = || [ok_answer(&paused), ok_answer(&json!([paused]))];
    let known = Some(Id::new("p"));
    let again = stopped().into_iter().chain([refusal_answer(400, REFUSAL)]).collect();
    let (sent, error, left) = run_refused_edit(again).await;
    assert_eq!((sent, error.rejection_kind(), left), (5, Some(RejectionKind::NeedsPause), known.clone()));
    let lost_key = vec![ok_answer(&paused), refusal_answer(401, "UNAUTHORIZED: no")];
    let (sent, error, left) = run_refused_edit(lost_key).await;
    assert_eq!((sent, error.is_auth_error(), left), (4, true, known));
}

#[tokio::test(start_paused = true)]
async fn rejected_stop_is_not_remembered() {
    let (sent, error, left) = run_refused_edit(vec![refusal_answer(403, "FORBIDDEN: no")]).await;
    assert_eq!((sent, error.is_auth_error(), left), (3, true, None));
}

#[tokio::test(start_paused = true)]
async fn pipe_is_restarted_after_dropping_edit_at_any_time() {
    let mut stopped = 0;
    for after in (0..24_000).step_by(250) {
        let bench = running_pipe(Quirks::none()).await;
        let when = FaultTrigger::Route { method: "PATCH".to_owned(), path: "*".to_owned() };
        bench.lock_world().fault_script().add(Fault { when, effect: FaultEffect::SlowAnswer(1), times: 9 });
        let _dropped = timeout(Duration::from_millis(after), bench.remote.perform_action(&add_table_action())).await;
        bench.remote.cancel_run();
        if let Some(id) = bench.remote.paused_by_run(&add_table_action()) {
            stopped += 1;
            bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
            assert_eq!(bench.remote.paused_by_run(&add_table_action()), None);
        }
        assert!(runs_later(&bench), "{after}");
    }
    assert!(stopped > 20, "{stopped}");
}

#[tokio::test(start_paused = true)]
async fn pipe_already_paused_is_not_stopped_again() {
    let list = ok_answer(&json!([{"id": "p", "name": "orders", "state": "Paused"}]));
    let again = ok_answer(&json!([{"id": "p", "name": "orders", "state": "Paused"}]));
    let (script, remote) = scripted_remote([list, refusal_answer(400, REFUSAL), again]);
    remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
    let error = remote.perform_action(&add_table_action()).await.unwrap_err();
    assert_eq!(error.rejection_kind(), Some(RejectionKind::NeedsPause));
    assert_eq!((script.sent.lock().unwrap().len(), remote.paused_by_run(&add_table_action())), (3, None));
}

/// A stop does nothing to a completed pipe, so to advise one would not help.
#[tokio::test(start_paused = true)]
async fn edit_of_a_completed_pipe_is_not_told_to_stop_it() {
    let bench = RemoteBench::new();
    let mut body = postgres_body("orders");
    body["source"]["postgres"]["settings"]["replicationMode"] = json!("snapshot");
    bench.create_for_id("orders", body).await;
    wait_seconds(600).await;
    assert_eq!(bench.pipe_states().await[0].1, "Completed");
    let error = bench.remote.perform_action(&add_table_action()).await.unwrap_err();
    assert_eq!(error.rejection_kind(), Some(RejectionKind::FinishedPipe), "{error}");
    assert_eq!(error.hint(), Some(Hint::EditOfFinishedPipe));
}
