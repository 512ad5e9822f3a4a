//! Stops, starts and deletes, with the states in between.

use clickpipes::lifecycle::Progress;
use model::action::{Action, RunState, UpdateVia};
use sandbox::{ApiDialect, EmulatedPipeState, FaultEffect, SandboxOptions};
use serde_json::json;
use tokio::time::Instant;

use super::bench::{RemoteBench, SERVICE, pipe_address, wait_seconds};
use super::fixtures::{kafka_body, postgres_body, table_mapping};
use super::scripted_transport::{ok_answer, raw_answer, refusal_answer, scripted_remote};
use crate::{Error, Hint, RemoteSettings, WaitMode};

#[tokio::test(start_paused = true)]
async fn a_stop_waits_until_the_pipe_is_stopped() {
    let settings = RemoteSettings { wait: WaitMode::None, ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), settings);
    bench.create_for_id("orders", kafka_body("orders")).await;
    wait_seconds(60).await;
    let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
    assert_eq!((stopped.state.as_str(), stopped.progress), ("Stopped", Progress::Ready));
}

#[tokio::test(start_paused = true)]
async fn start_without_wait_reports_no_state() {
    let settings = RemoteSettings { wait: WaitMode::None, ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), settings);
    bench.create_for_id("orders", kafka_body("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!((started.state.as_str(), started.progress), ("", Progress::InProgress));
}

#[tokio::test(start_paused = true)]
async fn starting_a_running_pipe_sends_nothing() {
    let bench = RemoteBench::new();
    bench.create_for_id("orders", kafka_body("orders")).await;
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(started.progress, Progress::Ready);
    assert!(bench.request_statuses("PATCH", "/state").is_empty());
}

#[tokio::test(start_paused = true)]
async fn start_rejected_as_already_running_succeeds() {
    let bench = RemoteBench::new();
    bench.create_for_id("orders", kafka_body("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Running);
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(started.state.as_str(), "Running");
    assert_eq!(bench.request_statuses("PATCH", "/state"), [200, 400]);
}

#[tokio::test(start_paused = true)]
async fn stopping_a_completed_pipe_sends_nothing() {
    let bench = RemoteBench::new();
    bench.create_for_id("orders", kafka_body("orders")).await;
    bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Completed);
    bench.pipe_states().await;
    let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
    assert_eq!(stopped.state.as_str(), "Completed");
    assert!(bench.request_statuses("PATCH", "/state").is_empty());
}

#[tokio::test(start_paused = true)]
async fn stop_outlasts_automatic_resume_after_an_edit() {
    // The last one resumes later than the client watches for it: the stop is sent in any case.
    for resumes_after in [1, 4, 8, 14] {
        let bench = RemoteBench::new();
        bench.create_for_id("orders", postgres_body("orders")).await;
        bench.set_state("orders", RunState::Stopped).await.unwrap();
        let effect = FaultEffect::LateResume(resumes_after);
        bench.lock_world().fault_script().add_once("PATCH", "*/clickpipes/*", effect);
        let edit = json!({"source": {"postgres": {"tableMappingsToAdd": [table_mapping("orders")]}}});
        bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
        let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
        assert_eq!(stopped.state.as_str(), "Paused", "{resumes_after}");
        wait_seconds(60).await;
        assert_eq!(bench.pipe_states().await[0].1, "Paused", "{resumes_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn stop_edit_and_start_work_in_sequence() {
    let bench = RemoteBench::new();
    bench.create_for_id("orders", postgres_body("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let edit = json!({"source": {"postgres": {"tableMappingsToAdd": [table_mapping("orders")]}}});
    bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(started.progress, Progress::Ready);
    wait_seconds(60).await;
    assert_eq!(bench.pipe_states().await[0].1, "Running");
}

#[tokio::test(start_paused = true)]
async fn command_dialect_is_detected_and_reused() {
    let options = SandboxOptions { dialect: ApiDialect::ReferencePage, ..SandboxOptions::with_observed_quirks() };
    let bench = RemoteBench::with_settings(options, RemoteSettings::default());
    bench.create_for_id("orders", kafka_body("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(bench.request_statuses("PATCH", "/state"), [400, 200, 200]);
}

#[tokio::test(start_paused = true)]
async fn wait_ends_when_the_pipe_fails() {
    let bench = RemoteBench::new();
    bench.create_for_id("orders", kafka_body("orders")).await;
    bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Failed);
    let edit = json!({"name": "orders"});
    let error = bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap_err();
    insta::assert_snapshot!(error, @"`analytics/orders` is `Failed`");
    assert_eq!(error.hint(), Some(Hint::ObjectFailed));
}

#[tokio::test(start_paused = true)]
async fn start_of_failed_pipe_ignores_its_old_state() {
    let bench = RemoteBench::new();
    bench.create_for_id("orders", kafka_body("orders")).await;
    bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Failed);
    bench.pipe_states().await;
    let failed = |state: &str| json!([{"id": "p", "name": "orders", "state": state}]);
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(started.state.as_str(), "Running");

    let lists = ["Failed", "Failed", "Provisioning", "Running"].map(|state| ok_answer(&failed(state)));
    let [first, rest @ ..] = lists;
    let answers = [first, ok_answer(&failed("Failed")[0])].into_iter().chain(rest);
    let (_, remote) = scripted_remote(answers);
    remote.observe_live(&super::bench::scope_of_kinds(&[model::address::Kind::ClickPipe])).await.unwrap();
    let start = Action::SetState { address: pipe_address("orders"), id: None, to: RunState::Running };
    assert_eq!(remote.perform_action(&start).await.unwrap().state.as_str(), "Running");
}

#[tokio::test(start_paused = true)]
async fn degraded_pipe_counts_as_running_with_a_note() {
    let bench = RemoteBench::new();
    bench.create_for_id("orders", kafka_body("orders")).await;
    bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Degraded);
    let edit = json!({"name": "orders"});
    let updated = bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
    assert_eq!((updated.state.as_str(), updated.progress), ("Degraded", Progress::Degraded));
    insta::assert_snapshot!(updated.notes.join("\n"), @"it runs, but the platform reports trouble");
}

#[tokio::test(start_paused = true)]
async fn wait_ends_at_timeout_with_the_last_state() {
    let settings = RemoteSettings { timeout: std::time::Duration::from_secs(20), ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), settings);
    let began = Instant::now();
    let error = bench.create_pipe("orders", kafka_body("orders")).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 20);
    insta::assert_snapshot!(error, @"accepted, not settled yet (id 1d0b14e4-db01-4fed-bccd-fd9c96a18897): it is still `Provisioning` after 20 s");
    assert_eq!(error.hint(), Some(Hint::StillInProgress));
}

#[tokio::test(start_paused = true)]
async fn delete_waits_until_the_pipe_disappears() {
    let bench = RemoteBench::new();
    let id = bench.create_for_id("orders", kafka_body("orders")).await;
    bench.lock_world().fault_script().add_once("DELETE", "*", FaultEffect::SlowDelete(25));
    let delete = Action::Delete { address: pipe_address("orders"), id };
    let began = Instant::now();
    bench.remote.perform_action(&delete).await.unwrap();
    assert!(began.elapsed().as_secs() >= 25);
    assert!(bench.pipe_states().await.is_empty());
    bench.remote.perform_action(&delete).await.unwrap();
    assert_eq!(bench.request_statuses("DELETE", ""), [200, 404]);
}

#[tokio::test(start_paused = true)]
async fn delete_with_lost_response_succeeds() {
    let bench = RemoteBench::new();
    let id = bench.create_for_id("orders", kafka_body("orders")).await;
    bench.lock_world().fault_script().add_once("DELETE", "*", FaultEffect::CutAfterCommit);
    bench.remote.perform_action(&Action::Delete { address: pipe_address("orders"), id }).await.unwrap();
    assert!(bench.pipe_states().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn wait_ends_when_somebody_else_deletes_the_pipe() {
    let seen = ok_answer(&json!([{"id": "p", "name": "orders", "state": "Running"}]));
    let accepted = ok_answer(&json!({"id": "p", "name": "orders", "state": "Running"}));
    let stopping = ok_answer(&json!([{"id": "p", "name": "orders", "state": "Stopping"}]));
    let (_, remote) = scripted_remote([seen, accepted, stopping, ok_answer(&json!([]))]);
    remote.observe_live(&super::bench::scope_of_kinds(&[model::address::Kind::ClickPipe])).await.unwrap();
    let stop = Action::SetState { address: pipe_address("orders"), id: None, to: RunState::Stopped };
    let error = remote.perform_action(&stop).await.unwrap_err();
    assert!(matches!(error, Error::Disappeared { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn resync_waits_until_the_pipe_runs_again() {
    let bench = RemoteBench::new();
    let id = bench.create_for_id("orders", postgres_body("orders")).await;
    let began = Instant::now();
    let resynced = bench.remote.resync_pipe(&pipe_address("orders"), &id).await.unwrap();
    assert_eq!((resynced.progress, resynced.state.as_str()), (Progress::Ready, "Running"));
    // Neither the state before the resync nor the load itself ends the wait.
    assert!(began.elapsed().as_secs() >= 16, "{:?}", began.elapsed());
    assert_eq!(bench.request_statuses("PATCH", "/state"), [200]);
}

#[tokio::test(start_paused = true)]
async fn rejected_command_does_not_switch_dialect() {
    let seen = ok_answer(&json!([{"id": "p", "name": "orders", "state": "Stopped"}]));
    let refused = refusal_answer(400, "BAD_REQUEST: the source is unreachable");
    let (script, remote) = scripted_remote([seen, refused, refusal_answer(400, "BAD_REQUEST: no")]);
    remote.observe_live(&super::bench::scope_of_kinds(&[model::address::Kind::ClickPipe])).await.unwrap();
    let start = Action::SetState { address: pipe_address("orders"), id: None, to: RunState::Running };
    let error = remote.perform_action(&start).await.unwrap_err();
    assert!(error.to_string().contains("the source is unreachable"), "{error}");
    assert_eq!(script.sent.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn failed_dialect_is_not_kept() {
    let unknown = refusal_answer(400, "BAD_REQUEST: action: unknown field");
    let refused = refusal_answer(400, "BAD_REQUEST: the command cannot be carried out now");
    let item = json!({"id": "p", "name": "orders", "state": "Stopped"});
    let (script, remote) = scripted_remote([ok_answer(&json!([item])), refused, unknown, ok_answer(&item)]);
    remote.observe_live(&super::bench::scope_of_kinds(&[model::address::Kind::ClickPipe])).await.unwrap();
    let start = Action::SetState { address: pipe_address("orders"), id: None, to: RunState::Running };
    let error = remote.perform_action(&start).await.unwrap_err();
    assert!(error.to_string().contains("cannot be carried out now"), "{error}");
    let _the_script_is_over = remote.perform_action(&start).await.unwrap_err();
    let sent = script.sent.lock().unwrap();
    let said: Vec<_> = sent.iter().map(|(_, body)| body).filter(|body| !body.is_null()).collect();
    let (command, action) = (json!({"command": "start"}), json!({"action": "start"}));
    assert_eq!(said, [&command, &action, &command]);
}

/// A server that does not know `command` says so in its own way; one that may have obeyed it never gets the other key.
#[tokio::test(start_paused = true)]
async fn other_key_is_tried_where_the_command_was_not_understood() {
    let item = |state: &str| json!({"id": "p", "name": "orders", "state": state});
    let statuses = [400, 422, 404, 405, 415, 501, 403, 409, 424, 500, 502, 503];
    for (status, is_page) in statuses.into_iter().flat_map(|status| [(status, false), (status, true)]) {
        // Only the API itself says with 400 and 422 that it does not know a field.
        let is_tried = matches!(status, 404 | 405 | 415 | 501) || !is_page && matches!(status, 400 | 422);
        let page = || raw_answer(status, "text/html", "<html>no</html>");
        let refused = if is_page { page() } else { refusal_answer(status, "no") };
        let answers = [refused, ok_answer(&item("Running")), ok_answer(&json!([item("Running")]))];
        let (script, remote) = scripted_remote([ok_answer(&json!([item("Stopped")]))].into_iter().chain(answers));
        remote.observe_live(&super::bench::scope_of_kinds(&[model::address::Kind::ClickPipe])).await.unwrap();
        let start = Action::SetState { address: pipe_address("orders"), id: None, to: RunState::Running };
        let result = remote.perform_action(&start).await;
        let sent = script.sent.lock().unwrap();
        let action = json!({"action": "start"});
        assert_eq!(sent.iter().filter(|(_, body)| *body == action).count(), usize::from(is_tried), "{status} {sent:?}");
        assert!(!is_tried || result.is_ok(), "{status} {is_page} {result:?}");
    }
}
