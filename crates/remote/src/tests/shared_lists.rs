//! All waits for pipes of one service share one list.

use futures_util::future::join_all;
use model::action::RunState;
use sandbox::EmulatedPipeState;
use tokio::time::Instant;

use super::bench::{RemoteBench, SERVICE, wait_seconds};
use super::fixtures::kafka_body;

/// Creates `count` pipes in parallel, then stops them in parallel.
async fn create_and_stop(count: usize) -> RemoteBench {
    let bench = RemoteBench::without_rate_limit();
    let names: Vec<String> = (0..count).map(|nth| format!("pipe-{nth}")).collect();
    let creates = names.iter().map(|name| bench.create_pipe(name, kafka_body(name)));
    for performed in join_all(creates).await {
        assert_eq!(performed.unwrap().state.as_str(), "Running");
    }
    let stops = names.iter().map(|name| bench.set_state(name, RunState::Stopped));
    for performed in join_all(stops).await {
        assert_eq!(performed.unwrap().state.as_str(), "Stopped");
    }
    bench
}

#[tokio::test(start_paused = true)]
async fn waiting_for_many_pipes_shares_list_requests() {
    let one = create_and_stop(1).await;
    let fifty = create_and_stop(50).await;
    let lists = |bench: &RemoteBench| bench.request_statuses("GET", "/clickpipes").len();
    assert_eq!(lists(&fifty), lists(&one));
    assert!(lists(&one) < 12, "{}", lists(&one));
    assert_eq!(usize::try_from(fifty.remote.request_counts().sent), Ok(100 + lists(&fifty)));
}

#[tokio::test(start_paused = true)]
async fn fifty_creates_stay_within_the_rate_limit() {
    let bench = RemoteBench::new();
    let names: Vec<String> = (0..50).map(|nth| format!("pipe-{nth}")).collect();
    let creates = names.iter().map(|name| bench.create_pipe(name, kafka_body(name)));
    assert!(join_all(creates).await.iter().all(Result::is_ok));
    let requests = bench.remote.request_counts();
    assert_eq!((requests.throttled, requests.repeated), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn new_write_is_polled_soon_despite_long_waits() {
    let bench = RemoteBench::without_rate_limit();
    bench.create_for_id("orders", kafka_body("orders")).await;
    let stuck = bench.create_pipe("stuck", kafka_body("stuck"));
    let stopped = async {
        wait_seconds(1).await;
        bench.lock_world().set_pipe_state(SERVICE, "stuck", EmulatedPipeState::Provisioning);
        wait_seconds(120).await;
        let began = Instant::now();
        bench.set_state("orders", RunState::Stopped).await.unwrap();
        began.elapsed().as_secs()
    };
    tokio::select! {
        _ = stuck => unreachable!("it is stuck"),
        took = stopped => assert!(took < 10, "{took} s"),
    }
}
