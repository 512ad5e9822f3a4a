//! Services that sleep, and services that were stopped.

use futures_util::future::join_all;
use sandbox::{Effect, Fault, Options, ServiceState, When};
use tokio::time::Instant;

use super::bench::{Bench, SERVICE};
use super::fixtures::kafka;
use crate::{Error, Rejection, Settings};

/// A service in this state.
fn asleep(wake: bool, state: ServiceState) -> Bench {
    let options = Options { rate_limit: None, ..Options::default() };
    let bench = Bench::with(options, Settings { rate: None, wake, ..Settings::default() });
    bench.world().set_service_state(SERVICE, state);
    bench
}

/// The commands that the service itself was sent.
fn commands(bench: &Bench) -> Vec<String> {
    let world = bench.world();
    let to_service = world
        .journal()
        .iter()
        .filter(|entry| entry.path.ends_with("/state") && !entry.path.contains("/clickpipes/"));
    to_service.map(|entry| entry.body["command"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_sleeps_is_woken_once_for_everybody() {
    let bench = asleep(true, ServiceState::Idle);
    let names: Vec<String> = (0..12).map(|nth| format!("pipe-{nth}")).collect();
    let creates = names.iter().map(|name| bench.create(name, kafka(name)));
    for created in join_all(creates).await {
        assert_eq!(created.unwrap().state.as_str(), "Running");
    }
    assert_eq!(commands(&bench), ["awake"]);
    let posts = bench.asked("POST", "/clickpipes");
    let (refused, taken) = posts.split_at(12);
    assert!(refused.iter().all(|status| *status == 424), "{posts:?}");
    assert_eq!(taken, [200; 12]);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_left_asleep_unless_waking_is_allowed() {
    let bench = asleep(false, ServiceState::Idle);
    let error = bench.create("orders", kafka("orders")).await.unwrap_err();
    assert_eq!(error.rejection(), Some(Rejection::Idle));
    insta::assert_snapshot!(error.hint().unwrap(), @"the service sleeps; apply with `--wake` to have it woken first");
    assert!(commands(&bench).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_stopped_is_never_woken() {
    let bench = asleep(true, ServiceState::Stopped);
    let error = bench.create("orders", kafka("orders")).await.unwrap_err();
    assert_eq!(error.rejection(), Some(Rejection::Stopped));
    insta::assert_snapshot!(error.hint().unwrap(), @"the service was stopped on purpose and is not started from here; start it, then apply again");
    assert!(commands(&bench).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_may_not_be_woken_fails_everybody_with_one_request() {
    let bench = asleep(true, ServiceState::Idle);
    let path = format!("*/services/{}/state", bench.world().ensure_service(SERVICE));
    let when = When::Route { method: "PATCH".to_owned(), path };
    bench.world().faults().add(Fault { when, effect: Effect::InternalError, times: 8 });
    let creates = ["a", "b", "c"].map(|name| (name, kafka(name)));
    let creates = creates.into_iter().map(|(name, body)| bench.create(name, body));
    for created in join_all(creates).await {
        let error = created.unwrap_err();
        assert!(matches!(error, Error::NotWoken { .. }), "{error}");
        assert!(!error.outcome_unknown(), "nothing was created");
    }
    assert_eq!(bench.asked("POST", "/clickpipes"), [424; 3]);
    assert_eq!(commands(&bench).len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_wake_is_given_up_after_ten_minutes() {
    let bench = asleep(true, ServiceState::Idle);
    let keep_down = async {
        loop {
            super::bench::pass(10).await;
            bench.world().set_service_state(SERVICE, ServiceState::PartiallyRunning);
        }
    };
    let began = Instant::now();
    let both = join_all([bench.create("a", kafka("a")), bench.create("b", kafka("b"))]);
    let errors = tokio::select! {
        errors = both => errors,
        () = keep_down => unreachable!("it goes on for ever"),
    };
    for error in errors {
        let error = error.unwrap_err();
        assert!(matches!(error, Error::NotWoken { .. }), "{error}");
        let service = bench.world().ensure_service(SERVICE);
        let told = error.to_string().replace(&service, "SERVICE");
        assert_eq!(
            told,
            "service `SERVICE` could not be woken: it is still `partially_running` after 600 s"
        );
    }
    assert!((600..610).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(commands(&bench), ["awake"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_stopped_while_it_wakes_is_given_up_at_once() {
    let bench = asleep(true, ServiceState::Idle);
    let stop = async {
        super::bench::pass(7).await;
        bench.world().set_service_state(SERVICE, ServiceState::Stopped);
    };
    let began = Instant::now();
    let (created, ()) = tokio::join!(bench.create("orders", kafka("orders")), stop);
    let error = created.unwrap_err();
    assert!(matches!(error, Error::NotWoken { .. }), "{error}");
    insta::assert_snapshot!(error.hint().unwrap(), @"the service was stopped on purpose and is not started from here; start it, then apply again");
    assert!(began.elapsed().as_secs() < 15);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_somebody_else_wakes_is_waited_for() {
    let bench = asleep(true, ServiceState::Awaking);
    let wakes = async {
        super::bench::pass(30).await;
        bench.world().set_service_state(SERVICE, ServiceState::Running);
    };
    let (created, ()) = tokio::join!(bench.create("orders", kafka("orders")), wakes);
    assert_eq!(created.unwrap().state.as_str(), "Running");
}

#[tokio::test(start_paused = true)]
async fn a_wake_can_be_interrupted_and_taken_over() {
    let bench = asleep(true, ServiceState::Idle);
    let first = bench.create("a", kafka("a"));
    let second = bench.create("b", kafka("b"));
    let first = tokio::time::timeout(std::time::Duration::from_secs(12), first);
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err(), "dropped while it waited for the service");
    assert_eq!(second.unwrap().state.as_str(), "Running");
    assert_eq!(commands(&bench), ["awake", "awake"]);
}
