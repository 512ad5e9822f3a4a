//! A replacement deletes first: what is begun is finished, also beyond the end of the run.

use std::time::Duration;

use model::action::Action;
use sandbox::{Effect, Options};
use tokio::time::Instant;

use super::bench::{Bench, SERVICE, pass, pipe};
use super::fixtures::kafka;
use crate::{Error, Settings};

const TIMEOUT: u64 = 300;

/// The two actions on a pipe that is there already.
async fn replacement() -> (Bench, [Action; 2]) {
    let options = Options { rate_limit: None, ..Options::default() };
    let timeout = Duration::from_secs(TIMEOUT);
    let bench = Bench::with(options, Settings { rate: None, timeout, ..Settings::default() });
    let id = bench.created("orders", kafka("orders")).await;
    // The next run begins.
    bench.states().await;
    let at = pipe("orders");
    let create = Action::Create { at: at.clone(), body: kafka("orders") };
    (bench, [Action::Delete { at, id }, create])
}

async fn replace(bench: &Bench, [delete, create]: &[Action; 2]) -> Result<(), Error> {
    bench.remote.ready(delete, &[create]).await?;
    bench.remote.perform(delete).await?;
    bench.remote.ready(create, &[]).await?;
    bench.remote.perform(create).await.map(drop)
}

/// Lets the run go on until so much of its time is left.
async fn run_until_left(bench: &Bench, actions: &[Action; 2], left: u64) {
    bench.remote.ready(&actions[1], &[]).await.unwrap();
    pass(TIMEOUT - left).await;
}

#[tokio::test(start_paused = true)]
async fn none_is_begun_in_the_last_minute_of_the_run() {
    let (bench, actions) = replacement().await;
    run_until_left(&bench, &actions, 59).await;
    let late = replace(&bench, &actions).await.unwrap_err();
    insta::assert_snapshot!(late, @"less than a minute of the run is left, too little to make `analytics/orders` again");
    assert!(!late.outcome_unknown());
    assert!(late.hint().unwrap().contains("--timeout"));
    assert!(bench.asked("DELETE", "").is_empty());
    assert_eq!(bench.world().pipes(SERVICE).len(), 1);
}

/// A delete on its own has no such need.
#[tokio::test(start_paused = true)]
async fn what_is_not_made_again_is_deleted_to_the_end() {
    let (bench, actions) = replacement().await;
    run_until_left(&bench, &actions, 20).await;
    bench.remote.ready(&actions[0], &[]).await.unwrap();
    bench.remote.perform(&actions[0]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_delete_leaves_time_for_the_create() {
    for (slow, lost) in [(70, None), (100, Some(Effect::GatewayTimeout)), (20, None)] {
        let (bench, actions) = replacement().await;
        bench.world().faults().once("DELETE", "*", Effect::SlowDelete(slow));
        if let Some(effect) = lost {
            bench.world().faults().once("POST", "*/clickpipes", effect);
        }
        run_until_left(&bench, &actions, 65).await;
        let began = Instant::now();
        replace(&bench, &actions).await.unwrap();
        assert_eq!(bench.world().pipes(SERVICE).len(), 1, "{slow}");
        assert!(began.elapsed().as_secs() < 240, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_its_waits_at_once() {
    let (bench, actions) = replacement().await;
    run_until_left(&bench, &actions, 65).await;
    bench.world().faults().once("DELETE", "*", Effect::SlowDelete(90));
    let interrupt = async {
        pass(80).await;
        bench.remote.interrupt();
        Instant::now()
    };
    let (replaced, at) = tokio::join!(replace(&bench, &actions), interrupt);
    assert!(replaced.unwrap_err().is_interrupted());
    assert_eq!(at.elapsed(), Duration::ZERO);
}
