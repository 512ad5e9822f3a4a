//! Stopping, starting, deleting, and what the API does in between.

use model::action::{Action, Endpoint, RunState};
use model::lifecycle::Standing;
use sandbox::{Dialect, Effect, Options, PipeState};
use serde_json::json;
use tokio::time::Instant;

use super::bench::{Bench, SERVICE, pass, pipe};
use super::fixtures::{kafka, mapping, postgres};
use super::script::{ok, refusal, scripted};
use crate::{Error, Settings, Wait};

#[tokio::test(start_paused = true)]
async fn a_stop_waits_until_the_pipe_is_stopped() {
    let settings = Settings { wait: Wait::None, ..Settings::default() };
    let bench = Bench::with(Options::default(), settings);
    bench.created("orders", kafka("orders")).await;
    pass(60).await;
    let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
    assert_eq!((stopped.state.as_str(), stopped.standing), ("Stopped", Standing::Settled));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_waits_for_does_not_tell_what_was_before() {
    let settings = Settings { wait: Wait::None, ..Settings::default() };
    let bench = Bench::with(Options::default(), settings);
    bench.created("orders", kafka("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!((started.state.as_str(), started.standing), ("", Standing::Moving));
}

#[tokio::test(start_paused = true)]
async fn a_start_of_what_runs_sends_nothing() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(started.standing, Standing::Settled);
    assert!(bench.asked("PATCH", "/state").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_finds_the_pipe_running_is_done() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    bench.world().set_pipe_state(SERVICE, "orders", PipeState::Running);
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(started.state.as_str(), "Running");
    assert_eq!(bench.asked("PATCH", "/state"), [200, 400]);
}

#[tokio::test(start_paused = true)]
async fn a_finished_pipe_needs_no_stop() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    bench.world().set_pipe_state(SERVICE, "orders", PipeState::Completed);
    bench.states().await;
    let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
    assert_eq!(stopped.state.as_str(), "Completed");
    assert!(bench.asked("PATCH", "/state").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pipe_stays_stopped_although_the_api_resumes_it_after_an_edit() {
    // The last is later than it is watched for: the stop is sent in any case.
    for resumes_after in [1, 4, 8, 14] {
        let bench = Bench::new();
        bench.created("orders", postgres("orders")).await;
        bench.set_state("orders", RunState::Stopped).await.unwrap();
        let effect = Effect::LateResume(resumes_after);
        bench.world().faults().once("PATCH", "*/clickpipes/*", effect);
        let edit = json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("orders")]}}});
        bench.update("orders", Endpoint::Resource, edit).await.unwrap();
        let stopped = bench.set_state("orders", RunState::Stopped).await.unwrap();
        assert_eq!(stopped.state.as_str(), "Paused", "{resumes_after}");
        pass(60).await;
        assert_eq!(bench.states().await[0].1, "Paused", "{resumes_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn stop_edit_and_start_work_one_after_the_other() {
    let bench = Bench::new();
    bench.created("orders", postgres("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let edit = json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("orders")]}}});
    bench.update("orders", Endpoint::Resource, edit).await.unwrap();
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(started.standing, Standing::Settled);
    pass(60).await;
    assert_eq!(bench.states().await[0].1, "Running");
}

#[tokio::test(start_paused = true)]
async fn either_wording_of_a_command_is_found_and_kept() {
    let options = Options { dialect: Dialect::ReferencePage, ..Options::default() };
    let bench = Bench::with(options, Settings::default());
    bench.created("orders", kafka("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(bench.asked("PATCH", "/state"), [400, 200, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_pipe_ends_the_wait_with_its_state() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    bench.world().set_pipe_state(SERVICE, "orders", PipeState::Failed);
    let edit = json!({"name": "orders"});
    let error = bench.update("orders", Endpoint::Resource, edit).await.unwrap_err();
    insta::assert_snapshot!(error, @"`analytics/orders` is `Failed`");
    insta::assert_snapshot!(error.hint().unwrap_or_default(), @"the console shows why; correct the manifest and apply again");
}

#[tokio::test(start_paused = true)]
async fn a_failed_pipe_that_is_started_is_not_given_up_for_its_old_state() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    bench.world().set_pipe_state(SERVICE, "orders", PipeState::Failed);
    bench.states().await;
    let failed = |state: &str| json!([{"id": "p", "name": "orders", "state": state}]);
    let started = bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(started.state.as_str(), "Running");

    let lists = ["Failed", "Failed", "Provisioning", "Running"].map(|state| ok(&failed(state)));
    let [first, rest @ ..] = lists;
    let answers = [first, ok(&failed("Failed")[0])].into_iter().chain(rest);
    let (_, remote) = scripted(answers);
    remote.observe(&super::bench::scope(&[model::address::Kind::ClickPipe])).await.unwrap();
    let start = Action::SetState { at: pipe("orders"), id: None, to: RunState::Running };
    assert_eq!(remote.perform(&start).await.unwrap().state.as_str(), "Running");
}

#[tokio::test(start_paused = true)]
async fn a_degraded_pipe_runs_and_is_noted() {
    let bench = Bench::new();
    bench.created("orders", kafka("orders")).await;
    bench.world().set_pipe_state(SERVICE, "orders", PipeState::Degraded);
    let edit = json!({"name": "orders"});
    let updated = bench.update("orders", Endpoint::Resource, edit).await.unwrap();
    assert_eq!((updated.state.as_str(), updated.standing), ("Degraded", Standing::Impaired));
    insta::assert_snapshot!(updated.notes.join("\n"), @"it runs, but the platform reports trouble");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_run_and_tells_the_last_state() {
    let settings = Settings { timeout: std::time::Duration::from_secs(20), ..Settings::default() };
    let bench = Bench::with(Options::default(), settings);
    let began = Instant::now();
    let error = bench.create("orders", kafka("orders")).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 20);
    insta::assert_snapshot!(error, @"`analytics/orders` is still `Provisioning` after 20 s");
    insta::assert_snapshot!(error.hint().unwrap_or_default(), @"it may still arrive; plan again later, or allow more time with `--timeout`");
}

#[tokio::test(start_paused = true)]
async fn a_delete_waits_until_the_pipe_is_gone() {
    let bench = Bench::new();
    let id = bench.created("orders", kafka("orders")).await;
    bench.world().faults().once("DELETE", "*", Effect::SlowDelete(25));
    let delete = Action::Delete { at: pipe("orders"), id };
    let began = Instant::now();
    bench.remote.perform(&delete).await.unwrap();
    assert!(began.elapsed().as_secs() >= 25);
    assert!(bench.states().await.is_empty());
    bench.remote.perform(&delete).await.unwrap();
    assert_eq!(bench.asked("DELETE", ""), [200, 404]);
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_is_lost_is_repeated() {
    let bench = Bench::new();
    let id = bench.created("orders", kafka("orders")).await;
    bench.world().faults().once("DELETE", "*", Effect::CutAfterCommit);
    bench.remote.perform(&Action::Delete { at: pipe("orders"), id }).await.unwrap();
    assert!(bench.states().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pipe_that_somebody_else_deletes_is_not_waited_for() {
    let seen = ok(&json!([{"id": "p", "name": "orders", "state": "Running"}]));
    let accepted = ok(&json!({"id": "p", "name": "orders", "state": "Running"}));
    let stopping = ok(&json!([{"id": "p", "name": "orders", "state": "Stopping"}]));
    let (_, remote) = scripted([seen, accepted, stopping, ok(&json!([]))]);
    remote.observe(&super::bench::scope(&[model::address::Kind::ClickPipe])).await.unwrap();
    let stop = Action::SetState { at: pipe("orders"), id: None, to: RunState::Stopped };
    let error = remote.perform(&stop).await.unwrap_err();
    assert!(matches!(error, Error::Gone { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_resync_is_a_command_of_its_own() {
    let bench = Bench::new();
    let id = bench.created("orders", postgres("orders")).await;
    let began = Instant::now();
    let resynced = bench.remote.resync(&pipe("orders"), &id).await.unwrap();
    assert_eq!((resynced.standing, resynced.state.as_str()), (Standing::Settled, "Running"));
    // Neither what it was before nor the load itself is the end.
    assert!(began.elapsed().as_secs() >= 16, "{:?}", began.elapsed());
    assert_eq!(bench.asked("PATCH", "/state"), [200]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_command_is_not_taken_for_the_wrong_wording() {
    let seen = ok(&json!([{"id": "p", "name": "orders", "state": "Stopped"}]));
    let (script, remote) = scripted([seen, refusal(400, "BAD_REQUEST: the source is unreachable")]);
    remote.observe(&super::bench::scope(&[model::address::Kind::ClickPipe])).await.unwrap();
    let start = Action::SetState { at: pipe("orders"), id: None, to: RunState::Running };
    remote.perform(&start).await.unwrap_err();
    assert_eq!(script.sent.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wording_that_helps_nothing_is_not_kept() {
    let unknown = refusal(400, "BAD_REQUEST: action: unknown field");
    let refused = refusal(400, "BAD_REQUEST: the command cannot be carried out now");
    let item = json!({"id": "p", "name": "orders", "state": "Stopped"});
    let (script, remote) = scripted([ok(&json!([item])), refused, unknown, ok(&item)]);
    remote.observe(&super::bench::scope(&[model::address::Kind::ClickPipe])).await.unwrap();
    let start = Action::SetState { at: pipe("orders"), id: None, to: RunState::Running };
    let error = remote.perform(&start).await.unwrap_err();
    assert!(error.to_string().contains("cannot be carried out now"), "{error}");
    let _the_script_is_over = remote.perform(&start).await.unwrap_err();
    let sent = script.sent.lock().unwrap();
    let said: Vec<_> = sent.iter().map(|(_, body)| body).filter(|body| !body.is_null()).collect();
    let (command, action) = (json!({"command": "start"}), json!({"action": "start"}));
    assert_eq!(said, [&command, &action, &command]);
}
