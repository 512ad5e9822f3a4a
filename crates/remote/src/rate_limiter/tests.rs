use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use tokio::time::{advance, timeout};

use super::{Duration, Instant, Priority, RateLimiter, RequestRate};

const PER: Duration = Duration::from_secs(10);

fn pace(requests: usize) -> Arc<RateLimiter> {
    pace_of_keys(requests, 1)
}

fn pace_of_keys(requests: usize, keys: usize) -> Arc<RateLimiter> {
    Arc::new(RateLimiter::new(Some(RequestRate { requests, window: PER }), keys))
}

async fn acquire_slot(pace: &RateLimiter, end: Instant, priority: Priority) -> Option<Duration> {
    let asked = Instant::now();
    let _turn = pace.acquire_turn(priority).await;
    while pace.wait_for_place(end, priority).await {
        if pace.try_take_place(priority).is_some() {
            return Some(asked.elapsed());
        }
    }
    None
}

async fn turn(pace: &RateLimiter) -> Duration {
    let end = Instant::now() + Duration::from_secs(3600);
    acquire_slot(pace, end, Priority::Write).await.unwrap()
}

fn busiest(sent: &[Instant]) -> usize {
    let within = |from: &Instant| sent.iter().filter(|at| *at >= from && at.duration_since(*from) < PER).count();
    sent.iter().map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn rate_limit_is_kept_and_fully_used() {
    let (pace, start) = (pace(10), Instant::now());
    let turns = (0..55_u64).map(|nth| {
        let pace = Arc::clone(&pace);
        async move {
            tokio::time::sleep(Duration::from_millis(nth % 7 * 130)).await;
            turn(&pace).await;
            Instant::now()
        }
    });
    let sent = join_all(turns).await;
    assert_eq!(busiest(&sent), 10);
    let last = sent.iter().max().unwrap().duration_since(start);
    assert!(last < Duration::from_secs(53), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_are_sent_in_order() {
    let pace = pace(1);
    let done = Arc::new(Mutex::new(Vec::new()));
    join_all((0..5).map(|nth| {
        let (pace, done) = (Arc::clone(&pace), Arc::clone(&done));
        async move {
            turn(&pace).await;
            done.lock().unwrap().push(nth);
        }
    }))
    .await;
    assert_eq!(*done.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn back_off_also_delays_waiting_requests() {
    let pace = pace(1);
    turn(&pace).await;
    let waiting = tokio::spawn({
        let pace = Arc::clone(&pace);
        async move { turn(&pace).await }
    });
    tokio::task::yield_now().await;
    advance(Duration::from_secs(5)).await;
    pace.back_off(0, Some(Duration::from_secs(30)));
    let waited = waiting.await.unwrap();
    assert_eq!(waited.as_secs(), 35, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn cancelled_request_uses_no_slot() {
    let pace = pace(1);
    turn(&pace).await;
    assert!(timeout(Duration::from_secs(1), turn(&pace)).await.is_err());
    assert_eq!(turn(&pace).await + Duration::from_secs(1), PER + super::WINDOW_MARGIN);
}

#[tokio::test(start_paused = true)]
async fn back_off_is_capped() {
    let pace = RateLimiter::new(None, 1);
    pace.back_off(0, Some(Duration::from_secs(u64::MAX / 2)));
    assert!(turn(&pace).await < Duration::from_secs(301));
    assert_eq!(turn(&pace).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn slot_after_the_deadline_is_refused_at_once() {
    let pace = pace(1);
    turn(&pace).await;
    let soon = Instant::now() + Duration::from_secs(5);
    let asked = Instant::now();
    assert_eq!(acquire_slot(&pace, soon, Priority::Write).await, None);
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

/// However much is sent, three starts and two looks find their places within five seconds.
#[tokio::test(start_paused = true)]
async fn paused_pipes_can_be_restarted_within_5_seconds() {
    for after in 0..40 {
        let pace = pace(10);
        let end = Instant::now() + 30 * PER;
        let mut pausing = Vec::new();
        let busy = async {
            join_all((0..100).map(|_| turn(&pace))).await;
        };
        let stops = async {
            for _ in 0..4 {
                pausing.push(pace.acquire_pause_permit().await);
                turn(&pace).await;
            }
        };
        let _ = timeout(Duration::from_millis(after * 700), async { tokio::join!(stops, busy) }).await;
        assert!(pausing.len() <= 3);
        let began = Instant::now();
        for _ in 0..pausing.len() + 2 {
            acquire_slot(&pace, end, Priority::High).await.unwrap();
        }
        let took = began.elapsed();
        assert!(pausing.is_empty() || took <= Duration::from_millis(5250), "{after}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn paused_pipes_do_not_reduce_throughput() {
    let (pace, start) = (pace(10), Instant::now());
    let _pausing =
        [pace.acquire_pause_permit().await, pace.acquire_pause_permit().await, pace.acquire_pause_permit().await];
    join_all((0..101).map(|_| turn(&pace))).await;
    assert!(start.elapsed() < Duration::from_secs(110), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn priority_requests_skip_the_queue() {
    let pace = pace(1);
    turn(&pace).await;
    let queue = join_all((0..20).map(|_| turn(&pace)));
    let end = Instant::now() + 3 * PER;
    let front = acquire_slot(&pace, end, Priority::High);
    tokio::select! {
        _ = queue => unreachable!("the queue takes twenty windows"),
        waited = front => assert!(waited.is_some()),
    }
}

/// A list that is waited for does not queue behind every create, nor a create behind every list.
#[tokio::test(start_paused = true)]
async fn reads_and_writes_take_turns() {
    let (pace, order) = (pace(1), Mutex::new(Vec::new()));
    turn(&pace).await;
    let end = Instant::now() + Duration::from_secs(3600);
    let waiting = [Priority::Write, Priority::Read].iter().flat_map(|priority| vec![*priority; 10]);
    join_all(waiting.map(|priority| {
        let (pace, order) = (&pace, &order);
        async move {
            acquire_slot(pace, end, priority).await.unwrap();
            order.lock().unwrap().push(priority);
        }
    }))
    .await;
    assert_eq!(order.into_inner().unwrap(), [Priority::Read, Priority::Write].repeat(10));
}

/// Takes a place at once.
fn take(pace: &RateLimiter) -> Option<usize> {
    pace.try_take_place(Priority::Write)
}

#[tokio::test(start_paused = true)]
async fn requests_are_spread_over_keys() {
    let pace = pace_of_keys(2, 3);
    let taken: Vec<_> = (0..7).map(|_| take(&pace)).collect();
    assert_eq!(taken, [Some(0), Some(1), Some(2), Some(0), Some(1), Some(2), None]);
    assert_eq!(turn(&pace).await, PER + super::WINDOW_MARGIN);
}

#[tokio::test(start_paused = true)]
async fn a_hold_of_one_key_leaves_the_others() {
    let pace = pace_of_keys(10, 2);
    pace.back_off(0, Some(Duration::from_secs(60)));
    assert_eq!((0..3).map(|_| take(&pace)).collect::<Vec<_>>(), [Some(1); 3]);
    assert_eq!((pace.remaining_hold(), pace.last_hold_end()), (Duration::ZERO, None));
    pace.back_off(1, Some(Duration::from_secs(30)));
    assert_eq!(pace.remaining_hold(), Duration::from_secs(30) + super::WINDOW_MARGIN);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_gets_no_requests() {
    let pace = pace_of_keys(1, 2);
    assert!(pace.exclude_key(0), "one is left");
    assert_eq!((take(&pace), take(&pace)), (Some(1), None));
    assert!(!pace.exclude_key(1), "none is left");
}

#[tokio::test(start_paused = true)]
async fn paused_pipes_can_be_restarted_with_several_keys() {
    let (pace, end) = (pace_of_keys(10, 3), Instant::now() + 30 * PER);
    let mut pausing = Vec::new();
    for _ in 0..13 {
        pausing.push(pace.acquire_pause_permit().await);
    }
    assert!(timeout(PER, pace.acquire_pause_permit()).await.is_err(), "half of all windows is reserved at most");
    while take(&pace).is_some() {}
    let began = Instant::now();
    for _ in 0..pausing.len() + 2 {
        acquire_slot(&pace, end, Priority::High).await.unwrap();
    }
    assert!(began.elapsed() <= Duration::from_millis(5250), "{:?}", began.elapsed());
}
