//! Tests with idle and with stopped services.

use futures_util::future::join_all;
use sandbox::{Fault, FaultEffect, FaultTrigger, SandboxOptions, ServiceState};
use tokio::time::Instant;

use super::bench::{RemoteBench, SERVICE};
use super::fixtures::kafka_body;
use crate::{Error, Hint, RejectionKind, RemoteSettings};

/// A service in this state.
fn sleeping_service(wake: bool, state: ServiceState) -> RemoteBench {
    let options = SandboxOptions { rate_limit: None, ..SandboxOptions::with_observed_quirks() };
    let bench = RemoteBench::with_settings(
        options,
        RemoteSettings { rate: None, wake_services: wake, ..RemoteSettings::default() },
    );
    bench.lock_world().set_service_state(SERVICE, state);
    bench
}

/// The state commands sent to the service.
fn service_commands(bench: &RemoteBench) -> Vec<String> {
    let world = bench.lock_world();
    let to_service = world
        .request_log()
        .iter()
        .filter(|entry| entry.path.ends_with("/state") && !entry.path.contains("/clickpipes/"));
    to_service.map(|entry| entry.body["command"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn idle_service_is_woken_once_for_all_creates() {
    let bench = sleeping_service(true, ServiceState::Idle);
    let names: Vec<String> = (0..12).map(|nth| format!("pipe-{nth}")).collect();
    let creates = names.iter().map(|name| bench.create_pipe(name, kafka_body(name)));
    for created in join_all(creates).await {
        assert_eq!(created.unwrap().state.as_str(), "Running");
    }
    assert_eq!(service_commands(&bench), ["awake"]);
    let posts = bench.request_statuses("POST", "/clickpipes");
    let (refused, taken) = posts.split_at(12);
    assert!(refused.iter().all(|status| *status == 424), "{posts:?}");
    assert_eq!(taken, [200; 12]);
}

#[tokio::test(start_paused = true)]
async fn idle_service_is_only_woken_if_allowed() {
    let bench = sleeping_service(false, ServiceState::Idle);
    let error = bench.create_pipe("orders", kafka_body("orders")).await.unwrap_err();
    assert_eq!(error.rejection_kind(), Some(RejectionKind::ServiceIdle));
    assert_eq!(error.hint(), Some(Hint::ServiceIdle));
    assert!(service_commands(&bench).is_empty());
}

#[tokio::test(start_paused = true)]
async fn stopped_service_is_never_woken() {
    let bench = sleeping_service(true, ServiceState::Stopped);
    let error = bench.create_pipe("orders", kafka_body("orders")).await.unwrap_err();
    assert_eq!(error.rejection_kind(), Some(RejectionKind::ServiceStopped));
    assert_eq!(error.hint(), Some(Hint::ServiceStopped));
    assert!(service_commands(&bench).is_empty());
}

#[tokio::test(start_paused = true)]
async fn failed_wake_up_fails_every_waiting_create() {
    let bench = sleeping_service(true, ServiceState::Idle);
    let path = format!("*/services/{}/state", bench.lock_world().ensure_service(SERVICE));
    let when = FaultTrigger::Route { method: "PATCH".to_owned(), path };
    bench.lock_world().fault_script().add(Fault { when, effect: FaultEffect::InternalError, times: 8 });
    let creates = ["a", "b", "c"].map(|name| (name, kafka_body(name)));
    let creates = creates.into_iter().map(|(name, body)| bench.create_pipe(name, body));
    for created in join_all(creates).await {
        let error = created.unwrap_err();
        assert!(matches!(error, Error::WakeFailed { .. }), "{error}");
        assert!(!error.is_outcome_unknown(), "nothing was created");
    }
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [424; 3]);
    assert_eq!(service_commands(&bench).len(), 8);
}

#[tokio::test(start_paused = true)]
async fn wake_up_is_given_up_after_ten_minutes() {
    let bench = sleeping_service(true, ServiceState::Idle);
    let keep_down = async {
        loop {
            super::bench::wait_seconds(10).await;
            bench.lock_world().set_service_state(SERVICE, ServiceState::PartiallyRunning);
        }
    };
    let began = Instant::now();
    let both = join_all([bench.create_pipe("a", kafka_body("a")), bench.create_pipe("b", kafka_body("b"))]);
    let errors = tokio::select! {
        errors = both => errors,
        () = keep_down => unreachable!("it goes on for ever"),
    };
    for error in errors {
        let error = error.unwrap_err();
        assert!(matches!(error, Error::WakeFailed { .. }), "{error}");
        let service = bench.lock_world().ensure_service(SERVICE);
        let told = error.to_string().replace(&service, "SERVICE");
        assert_eq!(told, "service `SERVICE` could not be woken: it is still `partially_running` after 600 s");
    }
    assert!((600..610).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(service_commands(&bench), ["awake"]);
}

#[tokio::test(start_paused = true)]
async fn wake_up_is_given_up_when_the_service_is_stopped() {
    let bench = sleeping_service(true, ServiceState::Idle);
    let stop = async {
        super::bench::wait_seconds(7).await;
        bench.lock_world().set_service_state(SERVICE, ServiceState::Stopped);
    };
    let began = Instant::now();
    let (created, ()) = tokio::join!(bench.create_pipe("orders", kafka_body("orders")), stop);
    let error = created.unwrap_err();
    assert!(matches!(error, Error::WakeFailed { .. }), "{error}");
    assert_eq!(error.hint(), Some(Hint::ServiceStopped));
    assert!(began.elapsed().as_secs() < 15);
}

#[tokio::test(start_paused = true)]
async fn service_woken_by_somebody_else_is_waited_for() {
    let bench = sleeping_service(true, ServiceState::Awaking);
    let wakes = async {
        super::bench::wait_seconds(30).await;
        bench.lock_world().set_service_state(SERVICE, ServiceState::Running);
    };
    let (created, ()) = tokio::join!(bench.create_pipe("orders", kafka_body("orders")), wakes);
    assert_eq!(created.unwrap().state.as_str(), "Running");
}

#[tokio::test(start_paused = true)]
async fn interrupted_wake_up_is_taken_over() {
    let bench = sleeping_service(true, ServiceState::Idle);
    let first = bench.create_pipe("a", kafka_body("a"));
    let second = bench.create_pipe("b", kafka_body("b"));
    let first = tokio::time::timeout(std::time::Duration::from_secs(12), first);
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err(), "dropped while it waited for the service");
    assert_eq!(second.unwrap().state.as_str(), "Running");
    assert_eq!(service_commands(&bench), ["awake", "awake"]);
}
