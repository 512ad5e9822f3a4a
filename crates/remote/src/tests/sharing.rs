//! Everybody who waits for pipes of one service shares one list.

use futures_util::future::join_all;
use model::action::RunState;
use sandbox::PipeState;
use tokio::time::Instant;

use super::bench::{Bench, SERVICE, pass};
use super::fixtures::kafka;

/// Creates so many pipes at once, and stops them at once.
async fn create_and_stop(count: usize) -> Bench {
    let bench = Bench::unlimited();
    let names: Vec<String> = (0..count).map(|nth| format!("pipe-{nth}")).collect();
    let creates = names.iter().map(|name| bench.create(name, kafka(name)));
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
async fn waiting_for_fifty_pipes_costs_as_many_lists_as_waiting_for_one() {
    let one = create_and_stop(1).await;
    let fifty = create_and_stop(50).await;
    let lists = |bench: &Bench| bench.asked("GET", "/clickpipes").len();
    assert_eq!(lists(&fifty), lists(&one));
    assert!(lists(&one) < 12, "{}", lists(&one));
    assert_eq!(usize::try_from(fifty.remote.requests().sent), Ok(100 + lists(&fifty)));
}

#[tokio::test(start_paused = true)]
async fn fifty_creates_keep_to_the_rate_limit_by_themselves() {
    let bench = Bench::new();
    let names: Vec<String> = (0..50).map(|nth| format!("pipe-{nth}")).collect();
    let creates = names.iter().map(|name| bench.create(name, kafka(name)));
    assert!(join_all(creates).await.iter().all(Result::is_ok));
    let requests = bench.remote.requests();
    assert_eq!((requests.throttled, requests.repeated), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_write_is_looked_after_soon_although_others_wait_for_long() {
    let bench = Bench::unlimited();
    bench.created("orders", kafka("orders")).await;
    let stuck = bench.create("stuck", kafka("stuck"));
    let stopped = async {
        pass(1).await;
        bench.world().set_pipe_state(SERVICE, "stuck", PipeState::Provisioning);
        pass(120).await;
        let began = Instant::now();
        bench.set_state("orders", RunState::Stopped).await.unwrap();
        began.elapsed().as_secs()
    };
    tokio::select! {
        _ = stuck => unreachable!("it is stuck"),
        took = stopped => assert!(took < 10, "{took} s"),
    }
}
