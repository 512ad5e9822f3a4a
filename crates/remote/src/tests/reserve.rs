//! What can still be done when the run can do no more: its time is over, or somebody ended it.

use std::time::Duration;

use model::action::{Action, Endpoint, RunState};
use model::address::Kind;
use model::lifecycle::Standing;
use model::live::Id;
use sandbox::{Effect, Fault, Options, PipeState, When};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::bench::{Bench, SERVICE, pass, pipe, scope};
use super::fixtures::{kafka, mapping, postgres};
use super::script::{ok, refusal, scripted};
use crate::{Error, Settings};

/// A running pipe.
async fn running() -> (Bench, Id) {
    let bench = Bench::unlimited();
    let id = bench.created("orders", postgres("orders")).await;
    pass(60).await;
    bench.states().await;
    (bench, id)
}

/// A pipe that this run has paused.
async fn paused() -> (Bench, Id) {
    let (bench, id) = running().await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    (bench, id)
}

fn always(bench: &Bench, method: &str, path: &str, effect: Effect) {
    let when = When::Route { method: method.to_owned(), path: path.to_owned() };
    bench.world().faults().add(Fault { when, effect, times: 1000 });
}

/// Whether the pipe runs after a while.
fn ends_running(bench: &Bench) -> bool {
    let mut world = bench.world();
    world.advance(Duration::from_secs(120));
    world.pipes(SERVICE)[0]["state"] == "Running"
}

#[tokio::test(start_paused = true)]
async fn a_pipe_is_started_again_after_the_end_of_the_run() {
    let (bench, id) = paused().await;
    pass(Settings::default().timeout.as_secs()).await;
    let late = bench.set_state("orders", RunState::Running).await.unwrap_err();
    insta::assert_snapshot!(late, @"not sent, because the time of the run is over");
    assert!(!late.outcome_unknown());
    let resumed = bench.remote.resume(&pipe("orders"), &id).await.unwrap();
    assert_eq!(resumed.standing, Standing::Moving);
    assert!(ends_running(&bench));
}

#[tokio::test(start_paused = true)]
async fn a_pipe_is_started_again_after_an_interruption() {
    let (bench, id) = paused().await;
    bench.remote.interrupt();
    let began = Instant::now();
    bench.remote.resume(&pipe("orders"), &id).await.unwrap();
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert!(ends_running(&bench));
}

#[tokio::test(start_paused = true)]
async fn a_pipe_that_cannot_be_seen_is_started_all_the_same() {
    let (bench, id) = paused().await;
    always(&bench, "GET", "*/clickpipes", Effect::Unavailable);
    let began = Instant::now();
    bench.remote.resume(&pipe("orders"), &id).await.unwrap();
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert!(ends_running(&bench));
}

/// A key is refused by mistake at times, and then a pipe must not stay stopped.
#[tokio::test(start_paused = true)]
async fn a_key_that_was_refused_is_tried_once_more_for_a_start() {
    let paused = json!({"id": "p", "name": "orders", "state": "Paused"});
    let no = || refusal(401, "UNAUTHORIZED: no");
    for (answers, sent) in [(vec![ok(&json!([paused])), ok(&paused)], 4), (vec![no(), no()], 4)] {
        let before = [ok(&json!([paused])), no()];
        let (script, remote) = scripted(before.into_iter().chain(answers));
        remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
        let (at, id) = (pipe("orders"), Id::new("p"));
        let start =
            Action::SetState { at: at.clone(), id: Some(id.clone()), to: RunState::Running };
        for _ in 0..2 {
            assert!(remote.perform(&start).await.unwrap_err().is_auth());
        }
        let resumed = remote.resume(&at, &id).await;
        assert_eq!(script.sent.lock().unwrap().len(), sent, "{resumed:?}");
    }
}

/// The API shows the old state for a moment, and would say that the pipe runs already.
#[tokio::test(start_paused = true)]
async fn a_stop_that_is_still_under_way_does_not_outlast_the_start() {
    for lost in [None, Some(Effect::CutAfterCommit), Some(Effect::GatewayTimeoutAfterCommit)] {
        let (bench, id) = running().await;
        if let Some(effect) = lost {
            bench.world().faults().once("PATCH", "*/state", effect);
        }
        let cut = timeout(Duration::from_millis(1), bench.set_state("orders", RunState::Stopped));
        assert!(cut.await.is_err());
        bench.remote.interrupt();
        bench.remote.resume(&pipe("orders"), &id).await.unwrap();
        assert!(ends_running(&bench), "{lost:?}");
        assert_eq!(bench.asked("PATCH", "/state").len(), 2, "{lost:?}");
    }
}

/// What looks as if it ran is not believed shortly after a stop, and what is stopping is not
/// started before it has stopped.
#[tokio::test(start_paused = true)]
async fn a_stop_that_shows_late_is_waited_for_before_the_start() {
    let pipe_in = |state: &str| json!({"id": "p", "name": "orders", "state": state});
    let list = |state: &str| ok(&json!([pipe_in(state)]));
    let (script, remote) = scripted([
        list("Running"),
        ok(&pipe_in("Running")),
        list("Running"),
        list("Pausing"),
        list("Paused"),
        ok(&pipe_in("Paused")),
    ]);
    remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
    let (at, id) = (pipe("orders"), Id::new("p"));
    let stop = Action::SetState { at: at.clone(), id: None, to: RunState::Stopped };
    assert!(timeout(Duration::from_millis(1), remote.perform(&stop)).await.is_err());
    remote.resume(&at, &id).await.unwrap();
    let sent = script.sent.lock().unwrap();
    let body = sent.last().map(|(_, body)| body.clone());
    assert_eq!((sent.len(), body), (6, Some(json!({"command": "start"}))));
}

#[tokio::test(start_paused = true)]
async fn a_pipe_that_resumed_by_itself_is_sent_nothing() {
    let (bench, id) = paused().await;
    let edit = json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("orders")]}}});
    bench.update("orders", Endpoint::Resource, edit).await.unwrap();
    bench.remote.interrupt();
    let resumed = bench.remote.resume(&pipe("orders"), &id).await.unwrap();
    assert_eq!(resumed.state.as_str(), "Snapshot");
    assert_eq!(bench.asked("PATCH", "/state"), [200]);
}

#[tokio::test(start_paused = true)]
async fn a_start_in_reserve_waits_out_a_short_throttling() {
    let (bench, id) = paused().await;
    let when = When::Route { method: "*".to_owned(), path: "*".to_owned() };
    bench.world().faults().add(Fault { when, effect: Effect::RateLimited(4.0), times: 5 });
    pass(Settings::default().timeout.as_secs()).await;
    bench.remote.resume(&pipe("orders"), &id).await.unwrap();
    assert!(ends_running(&bench));
}

#[tokio::test(start_paused = true)]
async fn a_start_in_reserve_ends_within_its_minute() {
    for effect in [Effect::RateLimited(30.0), Effect::Unavailable, Effect::CutBeforeCommit] {
        let (bench, id) = paused().await;
        always(&bench, "*", "*", effect);
        let began = Instant::now();
        let error = bench.remote.resume(&pipe("orders"), &id).await.unwrap_err();
        assert!(began.elapsed().as_secs() <= 62, "{effect:?}: {:?}", began.elapsed());
        assert!(!error.is_interrupted());
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_in_reserve_overtakes_the_queue() {
    let bench = Bench::with(Options::default(), Settings::default());
    let id = bench.created("orders", postgres("orders")).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    let names: Vec<String> = (0..80).map(|nth| format!("pipe-{nth}")).collect();
    let creates = names.iter().map(|name| bench.create(name, kafka(name)));
    let crowd = futures_util::future::join_all(creates);
    let resumed = async {
        pass(1).await;
        let began = Instant::now();
        bench.remote.resume(&pipe("orders"), &id).await.unwrap();
        began.elapsed().as_secs()
    };
    tokio::select! {
        _ = crowd => unreachable!("eighty creates take longer"),
        took = resumed => assert!(took < 35, "{took} s"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_wait_ends_at_once_when_the_run_is_interrupted() {
    let bench = Bench::new();
    let (before, after) = (Duration::from_secs(20), Duration::ZERO);
    let create = bench.create("orders", kafka("orders"));
    let clicks = bench.create("clicks", kafka("clicks"));
    let interrupt = async {
        sleep(before).await;
        bench.remote.interrupt();
        Instant::now()
    };
    let (orders, clicks, at) = tokio::join!(create, clicks, interrupt);
    assert_eq!(at.elapsed(), after);
    let (orders, clicks) = (orders.unwrap_err(), clicks.unwrap_err());
    assert!(orders.is_interrupted() && clicks.is_interrupted(), "{orders} {clicks}");
    assert!(!orders.outcome_unknown());
    let sent = bench.remote.requests().sent;
    let next = bench.create("next", kafka("next")).await.unwrap_err();
    assert!(next.is_interrupted());
    assert_eq!(bench.remote.requests().sent, sent);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_or_for_another_try_is_not_sent_after_an_interruption() {
    let bench = Bench::new();
    bench.states().await;
    always(&bench, "POST", "*", Effect::RateLimited(200.0));
    let crowd = (0..30).map(|nth| {
        let (bench, name) = (&bench, format!("pipe-{nth}"));
        async move { bench.create(&name, kafka(&name)).await.unwrap_err() }
    });
    let began = Instant::now();
    let crowd = futures_util::future::join_all(crowd);
    let interrupt = async {
        pass(3).await;
        bench.remote.interrupt();
    };
    let (errors, ()) = tokio::join!(crowd, interrupt);
    assert_eq!(began.elapsed().as_secs(), 3);
    assert!(errors.iter().all(Error::is_interrupted));
}

#[tokio::test(start_paused = true)]
async fn an_interruption_does_not_hide_that_an_answer_was_lost() {
    let bench = Bench::new();
    bench.states().await;
    always(&bench, "POST", "*", Effect::CutBeforeCommit);
    let create = bench.create("orders", kafka("orders"));
    let interrupt = async {
        pass(30).await;
        bench.remote.interrupt();
    };
    let (created, ()) = tokio::join!(create, interrupt);
    assert!(created.unwrap_err().outcome_unknown());

    let bench = Bench::unlimited();
    bench.created("orders", kafka("orders")).await;
    always(&bench, "PUT", "*", Effect::Unavailable);
    let body = json!({"streaming_max_insert_wait_ms": 5000});
    let update = bench.update("orders", Endpoint::Settings, body);
    let interrupt = async {
        pass(2).await;
        bench.remote.interrupt();
    };
    let (updated, ()) = tokio::join!(update, interrupt);
    assert!(updated.unwrap_err().outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_holds_nobody_up() {
    let (bench, id) = paused().await;
    always(&bench, "GET", "*/clickpipes", Effect::SlowAnswer(280));
    let began = Instant::now();
    let start = bench.set_state("orders", RunState::Running);
    let interrupt = async {
        pass(20).await;
        bench.remote.interrupt();
    };
    let (started, ()) = tokio::join!(start, interrupt);
    assert!(started.unwrap_err().is_interrupted());
    assert_eq!(began.elapsed().as_secs(), 20);
    bench.world().set_pipe_state(SERVICE, "orders", PipeState::Paused);
    bench.remote.resume(&pipe("orders"), &id).await.unwrap();
    assert!(began.elapsed().as_secs() < 80, "{:?}", began.elapsed());
    assert!(ends_running(&bench));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_under_way_is_finished() {
    let (bench, _) = running().await;
    bench.world().faults().once("POST", "*", Effect::SlowAnswer(40));
    let create = bench.create("clicks", kafka("clicks"));
    let interrupt = async {
        pass(5).await;
        bench.remote.interrupt();
        Instant::now()
    };
    let (created, at) = tokio::join!(create, interrupt);
    assert!(created.unwrap_err().is_interrupted(), "it waits for nothing more");
    assert_eq!(at.elapsed().as_secs(), 35);
    assert_eq!(bench.world().pipes(SERVICE).len(), 2);
}

/// Work that is dropped anywhere leaves nothing locked, and the next run goes on from there.
#[tokio::test(start_paused = true)]
async fn work_can_be_dropped_at_any_moment() {
    for dropped_after in (0..45_000).step_by(500) {
        let bench = Bench::unlimited();
        let dropped_after = Duration::from_millis(dropped_after + 1);
        let work = async {
            let id = bench.created("orders", kafka("orders")).await;
            bench.set_state("orders", RunState::Stopped).await.unwrap();
            let delete = Action::Delete { at: pipe("orders"), id };
            bench.remote.perform(&delete).await.unwrap();
        };
        let _ = timeout(dropped_after, work).await;
        if bench.states().await.is_empty() {
            bench.created("orders", kafka("orders")).await;
        }
        bench.world().set_pipe_state(SERVICE, "orders", PipeState::Running);
        bench.states().await;
        let began = Instant::now();
        let stopped = bench.set_state("orders", RunState::Stopped).await;
        // What was deleted just before may disappear only now.
        assert!(matches!(stopped, Ok(_) | Err(Error::Gone { .. } | Error::Rejected(_))));
        assert!(began.elapsed().as_secs() < 30, "{dropped_after:?}: {:?}", began.elapsed());
        assert!(bench.world().pipes(SERVICE).len() <= 1, "{dropped_after:?}");
    }
}
