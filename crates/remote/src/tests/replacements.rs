//! A replacement that has begun is finished, also after the end of the run.

use std::time::Duration;

use model::action::Action;
use model::live::Id;
use sandbox::{EndpointStatus, FaultEffect, SandboxOptions};
use serde_json::json;
use tokio::time::Instant;

use super::bench::{RemoteBench, SERVICE, endpoint_address, pipe_address, wait_seconds};
use super::fixtures::{endpoint_body, kafka_body};
use crate::{Error, Hint, RemoteSettings};

const TIMEOUT: u64 = 300;

/// The two actions on a pipe that is there already.
async fn pipe_to_replace() -> (RemoteBench, [Action; 2]) {
    let options = SandboxOptions { rate_limit: None, ..SandboxOptions::with_observed_quirks() };
    let timeout = Duration::from_secs(TIMEOUT);
    let bench =
        RemoteBench::with_settings(options, RemoteSettings { rate: None, timeout, ..RemoteSettings::default() });
    let id = bench.create_for_id("orders", kafka_body("orders")).await;
    // The next run begins.
    bench.pipe_states().await;
    let at = pipe_address("orders");
    let create = Action::create(at.clone(), kafka_body("orders"));
    (bench, [Action::Delete { address: at, id }, create])
}

async fn replace_pipe(bench: &RemoteBench, [delete, create]: &[Action; 2]) -> Result<(), Error> {
    bench.remote.check_ready(delete, &[create]).await?;
    bench.remote.perform_action(delete).await?;
    bench.remote.check_ready(create, &[]).await?;
    bench.remote.perform_action(create).await.map(drop)
}

/// Lets the run go on until so much of its time is left.
async fn wait_until_left(bench: &RemoteBench, actions: &[Action; 2], left: u64) {
    bench.remote.check_ready(&actions[1], &[]).await.unwrap();
    wait_seconds(TIMEOUT - left).await;
}

#[tokio::test(start_paused = true)]
async fn replacement_is_not_begun_in_the_last_minute() {
    let (bench, actions) = pipe_to_replace().await;
    wait_until_left(&bench, &actions, 59).await;
    let late = replace_pipe(&bench, &actions).await.unwrap_err();
    insta::assert_snapshot!(late, @"less than a minute of the run is left, which is too little to re-create `analytics/orders`");
    assert!(!late.is_outcome_unknown());
    assert_eq!(late.hint(), Some(Hint::NoTimeToReplace));
    assert!(bench.request_statuses("DELETE", "").is_empty());
    assert_eq!(bench.lock_world().list_pipes(SERVICE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn replacement_is_not_begun_without_its_endpoint() {
    let (bench, [delete, _]) = pipe_to_replace().await;
    let mut body = kafka_body("orders");
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "link"}]);
    let actions = [delete, Action::create(pipe_address("orders"), body)];
    let missing = replace_pipe(&bench, &actions).await.unwrap_err();
    assert!(matches!(missing, Error::UnknownEndpointReference { .. }), "{missing}");
    let link = Action::create(endpoint_address("link"), endpoint_body("link"));
    bench.remote.perform_action(&link).await.unwrap();
    let unready = replace_pipe(&bench, &actions).await.unwrap_err();
    insta::assert_snapshot!(unready, @"an endpoint that `analytics/orders` uses is not `Ready`: nothing was sent");
    assert!(matches!(unready.hint(), Some(Hint::EndpointsNotReady(_))));
    assert!(bench.request_statuses("DELETE", "").is_empty());
    assert_eq!(bench.lock_world().list_pipes(SERVICE).len(), 1);
}

/// No manifest of the run declares the endpoint, so the plan did not list it.
#[tokio::test(start_paused = true)]
async fn replacement_is_not_begun_behind_a_host_whose_endpoint_is_not_ready() {
    for (status, is_begun) in
        [(EndpointStatus::PendingAcceptance, false), (EndpointStatus::Failed, false), (EndpointStatus::Ready, true)]
    {
        let (bench, [delete, _]) = pipe_to_replace().await;
        let mut link = endpoint_body("link");
        link["customPrivateDnsMappings"] = json!([{"privateDnsName": "*.kafka.example.com"}]);
        bench.remote.perform_action(&Action::create(endpoint_address("link"), link)).await.unwrap();
        assert!(bench.lock_world().set_endpoint_status(SERVICE, "link", status));
        let mut body = kafka_body("orders");
        body["source"]["kafka"]["brokers"] = json!("a.example.com:9092,B1.Kafka.example.com:9092");
        let next_run = RemoteBench::sharing_world(&bench);
        next_run.pipe_states().await;
        let replaced = replace_pipe(&next_run, &[delete, Action::create(pipe_address("orders"), body)]).await;
        assert_eq!(!bench.request_statuses("DELETE", "").is_empty(), is_begun, "{status:?} {replaced:?}");
        let refused = replaced.is_err_and(|error| matches!(error.hint(), Some(Hint::EndpointsNotReady(_))));
        assert!(is_begun || refused, "{status:?}");
    }
}

/// A delete on its own has no such need.
#[tokio::test(start_paused = true)]
async fn delete_alone_may_run_in_the_last_minute() {
    let (bench, actions) = pipe_to_replace().await;
    wait_until_left(&bench, &actions, 20).await;
    bench.remote.check_ready(&actions[0], &[]).await.unwrap();
    bench.remote.perform_action(&actions[0]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn slow_delete_leaves_time_for_the_create() {
    for (slow, lost) in [(70, None), (100, Some(FaultEffect::GatewayTimeout)), (20, None)] {
        let (bench, actions) = pipe_to_replace().await;
        bench.lock_world().fault_script().add_once("DELETE", "*", FaultEffect::SlowDelete(slow));
        if let Some(effect) = lost {
            bench.lock_world().fault_script().add_once("POST", "*/clickpipes", effect);
        }
        wait_until_left(&bench, &actions, 65).await;
        let began = Instant::now();
        replace_pipe(&bench, &actions).await.unwrap();
        assert_eq!(bench.lock_world().list_pipes(SERVICE).len(), 1, "{slow}");
        assert!(began.elapsed().as_secs() < 240, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn interrupted_replacement_still_creates_its_object() {
    let (bench, actions) = pipe_to_replace().await;
    wait_until_left(&bench, &actions, 65).await;
    bench.lock_world().fault_script().add_once("DELETE", "*", FaultEffect::SlowDelete(90));
    let interrupt = async {
        wait_seconds(80).await;
        bench.remote.cancel_run();
        Instant::now()
    };
    let (replaced, at) = tokio::join!(replace_pipe(&bench, &actions), interrupt);
    let error = replaced.unwrap_err();
    assert!(error.is_interrupted());
    let live = bench.lock_world().list_pipes(SERVICE);
    let accepted = error.accepted_id(&pipe_address("orders")).map(Id::as_str);
    assert_eq!((live.len(), live[0]["id"].as_str()), (1, accepted));
    // Nobody waits for it to run.
    assert!(at.elapsed() < Duration::from_secs(30), "{:?}", at.elapsed());
}
