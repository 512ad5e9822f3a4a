//! Starting a paused pipe after the deadline of the run, or after an interruption.

use std::time::Duration;

use clickpipes::lifecycle::Progress;
use model::action::{Action, RunState, UpdateVia};
use model::address::Kind;
use model::live::Id;
use sandbox::{EmulatedPipeState, Fault, FaultEffect, FaultTrigger, SandboxOptions};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::bench::{RemoteBench, SERVICE, pipe_address, scope_of_kinds, wait_seconds};
use super::fixtures::{kafka_body, postgres_body, table_mapping};
use super::scripted_transport::{ok_answer, refusal_answer, scripted_remote};
use crate::{Error, RemoteSettings};

async fn running_pipe() -> (RemoteBench, Id) {
    let bench = RemoteBench::without_rate_limit();
    let id = bench.create_for_id("orders", postgres_body("orders")).await;
    wait_seconds(60).await;
    bench.pipe_states().await;
    (bench, id)
}

/// A pipe that this run has paused.
async fn paused_pipe() -> (RemoteBench, Id) {
    let (bench, id) = running_pipe().await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    (bench, id)
}

fn always_fail(bench: &RemoteBench, method: &str, path: &str, effect: FaultEffect) {
    let when = FaultTrigger::Route { method: method.to_owned(), path: path.to_owned() };
    bench.lock_world().fault_script().add(Fault { when, effect, times: 1000 });
}

/// Whether the pipe is running a while later.
fn runs_later(bench: &RemoteBench) -> bool {
    let mut world = bench.lock_world();
    world.advance_clock(Duration::from_secs(120));
    world.list_pipes(SERVICE)[0]["state"] == "Running"
}

#[tokio::test(start_paused = true)]
async fn resume_starts_pipe_after_the_timeout() {
    let (bench, id) = paused_pipe().await;
    wait_seconds(RemoteSettings::default().timeout.as_secs()).await;
    let late = bench.set_state("orders", RunState::Running).await.unwrap_err();
    insta::assert_snapshot!(late, @"not sent, because the time limit of the run has passed");
    assert!(!late.is_outcome_unknown());
    let resumed = bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
    assert_eq!(resumed.progress, Progress::InProgress);
    assert!(runs_later(&bench));
}

#[tokio::test(start_paused = true)]
async fn resume_starts_pipe_after_an_interruption() {
    let (bench, id) = paused_pipe().await;
    bench.remote.cancel_run();
    let began = Instant::now();
    bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert!(runs_later(&bench));
}

#[tokio::test(start_paused = true)]
async fn resume_starts_pipe_although_lists_are_unavailable() {
    let (bench, id) = paused_pipe().await;
    always_fail(&bench, "GET", "*/clickpipes", FaultEffect::Unavailable);
    let began = Instant::now();
    bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert!(runs_later(&bench));
}

// The API may refuse a key by mistake, and then a pipe must not stay stopped.
#[tokio::test(start_paused = true)]
async fn resume_retries_a_rejected_key_once() {
    let paused = json!({"id": "p", "name": "orders", "state": "Paused"});
    let no = || refusal_answer(401, "UNAUTHORIZED: no");
    for (answers, sent) in [(vec![ok_answer(&json!([paused])), ok_answer(&paused)], 4), (vec![no(), no()], 4)] {
        let before = [ok_answer(&json!([paused])), no()];
        let (script, remote) = scripted_remote(before.into_iter().chain(answers));
        remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
        let (at, id) = (pipe_address("orders"), Id::new("p"));
        let start = Action::SetState { address: at.clone(), id: Some(id.clone()), to: RunState::Running };
        for _ in 0..2 {
            assert!(remote.perform_action(&start).await.unwrap_err().is_auth_error());
        }
        let resumed = remote.resume_pipe(&at, &id).await;
        assert_eq!(script.sent.lock().unwrap().len(), sent, "{resumed:?}");
    }
}

// For a moment after the stop, the API shows `Running`, and would answer a start with "already running".
#[tokio::test(start_paused = true)]
async fn resume_wins_over_a_stop_in_progress() {
    for lost in [None, Some(FaultEffect::CutAfterCommit), Some(FaultEffect::GatewayTimeoutAfterCommit)] {
        let (bench, id) = running_pipe().await;
        if let Some(effect) = lost {
            bench.lock_world().fault_script().add_once("PATCH", "*/state", effect);
        }
        let cut = timeout(Duration::from_millis(1), bench.set_state("orders", RunState::Stopped));
        assert!(cut.await.is_err());
        bench.remote.cancel_run();
        bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
        assert!(runs_later(&bench), "{lost:?}");
        assert_eq!(bench.request_statuses("PATCH", "/state").len(), 2, "{lost:?}");
    }
}

// Shortly after a stop, `Running` may be the old state; and a pipe that is stopping may ignore a start.
#[tokio::test(start_paused = true)]
async fn resume_waits_for_a_stop_that_shows_late() {
    let pipe_in = |state: &str| json!({"id": "p", "name": "orders", "state": state});
    let list = |state: &str| ok_answer(&json!([pipe_in(state)]));
    let (script, remote) = scripted_remote([
        list("Running"),
        ok_answer(&pipe_in("Running")),
        list("Running"),
        list("Pausing"),
        list("Paused"),
        ok_answer(&pipe_in("Paused")),
    ]);
    remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
    let (at, id) = (pipe_address("orders"), Id::new("p"));
    let stop = Action::SetState { address: at.clone(), id: None, to: RunState::Stopped };
    assert!(timeout(Duration::from_millis(1), remote.perform_action(&stop)).await.is_err());
    remote.resume_pipe(&at, &id).await.unwrap();
    let sent = script.sent.lock().unwrap();
    let body = sent.last().map(|(_, body)| body.clone());
    assert_eq!((sent.len(), body), (6, Some(json!({"command": "start"}))));
}

#[tokio::test(start_paused = true)]
async fn resume_sends_nothing_to_a_pipe_that_resumed() {
    let (bench, id) = paused_pipe().await;
    let edit = json!({"source": {"postgres": {"tableMappingsToAdd": [table_mapping("orders")]}}});
    bench.update_pipe("orders", UpdateVia::Resource, edit).await.unwrap();
    bench.remote.cancel_run();
    let resumed = bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
    assert_eq!(resumed.state.as_str(), "Snapshot");
    assert_eq!(bench.request_statuses("PATCH", "/state"), [200]);
}

#[tokio::test(start_paused = true)]
async fn resume_waits_out_short_throttling() {
    let (bench, id) = paused_pipe().await;
    let when = FaultTrigger::Route { method: "*".to_owned(), path: "*".to_owned() };
    bench.lock_world().fault_script().add(Fault { when, effect: FaultEffect::RateLimited(4.0), times: 5 });
    wait_seconds(RemoteSettings::default().timeout.as_secs()).await;
    bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
    assert!(runs_later(&bench));
}

#[tokio::test(start_paused = true)]
async fn resume_ends_within_a_minute() {
    for effect in [FaultEffect::RateLimited(30.0), FaultEffect::Unavailable, FaultEffect::CutBeforeCommit] {
        let (bench, id) = paused_pipe().await;
        always_fail(&bench, "*", "*", effect);
        let began = Instant::now();
        let error = bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap_err();
        assert!(began.elapsed().as_secs() <= 62, "{effect:?}: {:?}", began.elapsed());
        assert!(!error.is_interrupted());
    }
}

#[tokio::test(start_paused = true)]
async fn resume_skips_the_queue() {
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), RemoteSettings::default());
    let id = bench.create_for_id("orders", postgres_body("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let names: Vec<String> = (0..80).map(|nth| format!("pipe-{nth}")).collect();
    let creates = names.iter().map(|name| bench.create_pipe(name, kafka_body(name)));
    let crowd = futures_util::future::join_all(creates);
    let resumed = async {
        wait_seconds(1).await;
        let began = Instant::now();
        bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
        began.elapsed().as_secs()
    };
    tokio::select! {
        _ = crowd => unreachable!("eighty creates take longer"),
        took = resumed => assert!(took < 35, "{took} s"),
    }
}

#[tokio::test(start_paused = true)]
async fn interruption_ends_every_wait_at_once() {
    let bench = RemoteBench::new();
    let (before, after) = (Duration::from_secs(20), Duration::ZERO);
    let create = bench.create_pipe("orders", kafka_body("orders"));
    let clicks = bench.create_pipe("clicks", kafka_body("clicks"));
    let interrupt = async {
        sleep(before).await;
        bench.remote.cancel_run();
        Instant::now()
    };
    let (orders, clicks, at) = tokio::join!(create, clicks, interrupt);
    assert_eq!(at.elapsed(), after);
    let (orders, clicks) = (orders.unwrap_err(), clicks.unwrap_err());
    assert!(orders.is_interrupted() && clicks.is_interrupted(), "{orders} {clicks}");
    assert!(!orders.is_outcome_unknown());
    let sent = bench.remote.request_counts().sent;
    let next = bench.create_pipe("next", kafka_body("next")).await.unwrap_err();
    assert!(next.is_interrupted());
    assert_eq!(bench.remote.request_counts().sent, sent);
}

#[tokio::test(start_paused = true)]
async fn interruption_cancels_queued_and_throttled_requests() {
    let bench = RemoteBench::new();
    bench.pipe_states().await;
    always_fail(&bench, "POST", "*", FaultEffect::RateLimited(200.0));
    let crowd = (0..30).map(|nth| {
        let (bench, name) = (&bench, format!("pipe-{nth}"));
        async move { bench.create_pipe(&name, kafka_body(&name)).await.unwrap_err() }
    });
    let began = Instant::now();
    let crowd = futures_util::future::join_all(crowd);
    let interrupt = async {
        wait_seconds(3).await;
        bench.remote.cancel_run();
    };
    let (errors, ()) = tokio::join!(crowd, interrupt);
    assert_eq!(began.elapsed().as_secs(), 3);
    assert!(errors.iter().all(Error::is_interrupted));
}

#[tokio::test(start_paused = true)]
async fn interruption_keeps_the_outcome_unknown() {
    let bench = RemoteBench::new();
    bench.pipe_states().await;
    always_fail(&bench, "POST", "*", FaultEffect::CutBeforeCommit);
    let create = bench.create_pipe("orders", kafka_body("orders"));
    let interrupt = async {
        wait_seconds(30).await;
        bench.remote.cancel_run();
    };
    let (created, ()) = tokio::join!(create, interrupt);
    assert!(created.unwrap_err().is_outcome_unknown());

    let bench = RemoteBench::without_rate_limit();
    bench.create_for_id("orders", kafka_body("orders")).await;
    always_fail(&bench, "PUT", "*", FaultEffect::Unavailable);
    let body = json!({"streaming_max_insert_wait_ms": 5000});
    let update = bench.update_pipe("orders", UpdateVia::Settings, body);
    let interrupt = async {
        wait_seconds(2).await;
        bench.remote.cancel_run();
    };
    let (updated, ()) = tokio::join!(update, interrupt);
    assert!(updated.unwrap_err().is_outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn hanging_read_delays_neither_interruption_nor_resume() {
    let (bench, id) = paused_pipe().await;
    always_fail(&bench, "GET", "*/clickpipes", FaultEffect::SlowAnswer(280));
    let began = Instant::now();
    let start = bench.set_state("orders", RunState::Running);
    let interrupt = async {
        wait_seconds(20).await;
        bench.remote.cancel_run();
    };
    let (started, ()) = tokio::join!(start, interrupt);
    assert!(started.unwrap_err().is_interrupted());
    assert_eq!(began.elapsed().as_secs(), 20);
    bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Paused);
    bench.remote.resume_pipe(&pipe_address("orders"), &id).await.unwrap();
    assert!(began.elapsed().as_secs() < 80, "{:?}", began.elapsed());
    assert!(runs_later(&bench));
}

#[tokio::test(start_paused = true)]
async fn interruption_lets_a_running_write_finish() {
    let (bench, _) = running_pipe().await;
    bench.lock_world().fault_script().add_once("POST", "*", FaultEffect::SlowAnswer(40));
    let create = bench.create_pipe("clicks", kafka_body("clicks"));
    let interrupt = async {
        wait_seconds(5).await;
        bench.remote.cancel_run();
        Instant::now()
    };
    let (created, at) = tokio::join!(create, interrupt);
    assert!(created.unwrap_err().is_interrupted(), "it waits for nothing more");
    assert_eq!(at.elapsed().as_secs(), 35);
    assert_eq!(bench.lock_world().list_pipes(SERVICE).len(), 2);
}

// Work can be dropped at any await. The next run must go on from there.
#[tokio::test(start_paused = true)]
async fn dropped_work_leaves_nothing_locked() {
    for dropped_after in (0..45_000).step_by(500) {
        let bench = RemoteBench::without_rate_limit();
        let dropped_after = Duration::from_millis(dropped_after + 1);
        let work = async {
            let id = bench.create_for_id("orders", kafka_body("orders")).await;
            bench.set_state("orders", RunState::Stopped).await.unwrap();
            let delete = Action::Delete { address: pipe_address("orders"), id };
            bench.remote.perform_action(&delete).await.unwrap();
        };
        let _ = timeout(dropped_after, work).await;
        if bench.pipe_states().await.is_empty() {
            bench.create_for_id("orders", kafka_body("orders")).await;
        }
        bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Running);
        bench.pipe_states().await;
        let began = Instant::now();
        let stopped = bench.set_state("orders", RunState::Stopped).await;
        // A pipe that was deleted just before may disappear only now.
        assert!(matches!(stopped, Ok(_) | Err(Error::Disappeared { .. } | Error::Rejected(_))));
        assert!(began.elapsed().as_secs() < 30, "{dropped_after:?}: {:?}", began.elapsed());
        assert!(bench.lock_world().list_pipes(SERVICE).len() <= 1, "{dropped_after:?}");
    }
}
