//! The decision to create is as young as the request: somebody else may have created the object meanwhile.

use model::action::Action;
use sandbox::{FaultEffect, SandboxOptions, ServiceState};

use super::bench::{RemoteBench, SERVICE, pipe_address, wait_seconds};
use super::fixtures::kafka_body;
use crate::{Error, RemoteSettings};

/// Somebody else creates a pipe of the name, while the create waits.
async fn create_concurrently(bench: &RemoteBench, seconds: u64) -> Error {
    let other = RemoteBench::sharing_world(bench);
    let meanwhile = async {
        wait_seconds(seconds).await;
        other.create_for_id("orders", kafka_body("orders")).await;
    };
    let (created, ()) = tokio::join!(bench.create_pipe("orders", kafka_body("orders")), meanwhile);
    created.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn create_that_waited_for_a_429_looks_again() {
    let bench = RemoteBench::new();
    bench.pipe_states().await;
    bench.lock_world().fault_script().add_once("POST", "*/clickpipes", FaultEffect::RateLimited(5.0));
    let error = create_concurrently(&bench, 2).await;
    assert!(error.is_stale(), "{error}");
    assert_eq!(bench.lock_world().list_pipes(SERVICE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn create_that_waited_for_a_service_to_wake_looks_again() {
    let options = SandboxOptions { rate_limit: None, ..SandboxOptions::with_observed_quirks() };
    let settings = RemoteSettings { wake_services: true, ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(options, settings);
    bench.pipe_states().await;
    bench.lock_world().set_service_state(SERVICE, ServiceState::Idle);
    // The service runs after 45 s; the looks at it come at 8, 13, 18, ..., 48 s.
    let path = format!("*/services/{}", bench.lock_world().ensure_service(SERVICE));
    bench.lock_world().fault_script().add_once("GET", &path, FaultEffect::SlowAnswer(3));
    let error = create_concurrently(&bench, 46).await;
    assert!(error.is_stale(), "{error}");
    assert_eq!(bench.lock_world().list_pipes(SERVICE).len(), 1);
}

/// Somebody deleted the pipe that is to be replaced, and created another one of the name.
#[tokio::test(start_paused = true)]
async fn replacement_of_a_pipe_that_was_replaced_meanwhile_creates_nothing() {
    let bench = RemoteBench::new();
    let id = bench.create_for_id("orders", kafka_body("orders")).await;
    bench.pipe_states().await;
    let (delete, create) = (
        Action::Delete { address: pipe_address("orders"), id },
        Action::create(pipe_address("orders"), kafka_body("orders")),
    );
    bench.remote.check_ready(&delete, &[&create]).await.unwrap();
    let other = RemoteBench::sharing_world(&bench);
    other.remote.perform_action(&delete).await.unwrap();
    other.create_for_id("orders", kafka_body("orders")).await;
    bench.remote.perform_action(&delete).await.unwrap();
    let error = bench.remote.perform_action(&create).await.unwrap_err();
    assert!(error.is_stale(), "{error}");
    assert_eq!(bench.lock_world().list_pipes(SERVICE).len(), 1);
}
