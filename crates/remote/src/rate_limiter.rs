//! Rate limiter with a reserve.
//!
//! It counts requests in a sliding window and waits before the API would answer 429. The API counts per key, and
//! a refused request counts as well, so a client that runs into the limit and retries makes it worse for everybody.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::settings::RequestRate;

/// Widens the window, so that a jittery network cannot squeeze one request too many into it.
const WINDOW_MARGIN: Duration = Duration::from_millis(250);

/// Shortest time to back off after a 429, whatever `Retry-After` says.
const MIN_HOLD: Duration = Duration::from_secs(1);

/// Longest time to back off after a 429, whatever `Retry-After` says.
const MAX_HOLD: Duration = Duration::from_secs(5 * 60);

/// Deadline for restarting every pipe that this run paused.
//
// Hazard: a run is interrupted, or its time is over, while pipes are paused for an edit. Each of them needs a start
// request, and a full window has no place for it. So part of the window stays free for as long as pipes are paused.
//
//     limit 10 per 10 s, 2 pipes paused          places kept free: 2 starts + 2 reads
//     0.0 s   6 normal requests are sent         the next normal request waits, though 4 places are free
//     0.1 s   interrupted                        2 starts are sent at once, 2 reads look at the pipes
//
// Without the reserve the starts would wait for the window to slide: up to 10 s, longer than CI gives a cancelled job.
const RESTART_WITHIN: Duration = Duration::from_secs(5);

/// Extra requests reserved besides one start per paused pipe: two reads.
const RESERVED_READS: usize = 2;

/// How long normal requests step aside for one with high priority.
const YIELD_DELAY: Duration = Duration::from_millis(10);

/// A sliding window: never more than the rate in any window, and no slower than that.
pub(crate) struct RateLimiter {
    rate: Option<RequestRate>,
    /// Its holder is the next to send. tokio hands it out in the order of asking, so nobody starves.
    queue: tokio::sync::Mutex<()>,
    window: Mutex<RateWindow>,
    /// How many more may be stopped.
    pause_permits: Semaphore,
}

/// Where somebody waits for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Behind those who came before.
    Normal,
    /// Before all of them.
    High,
}

/// What is held while waiting.
enum Turn<'a> {
    Queued(#[expect(dead_code, reason = "held, not read")] tokio::sync::MutexGuard<'a, ()>),
    Prioritized(#[expect(dead_code, reason = "held, not read")] PriorityGuard<'a>),
}

/// Somebody at the front, for as long as it waits.
struct PriorityGuard<'a>(&'a RateLimiter);

impl<'a> PriorityGuard<'a> {
    fn new(limiter: &'a RateLimiter) -> Self {
        lock_ignoring_poison(&limiter.window).priority_waiters += 1;
        Self(limiter)
    }
}

impl Drop for PriorityGuard<'_> {
    fn drop(&mut self) {
        lock_ignoring_poison(&self.0.window).priority_waiters -= 1;
    }
}

/// One pipe that is stopped for a while: no more at a time than can be started again soon, whatever
/// else is sent. Dropped when it runs.
pub struct PausePermit<'a> {
    limiter: &'a RateLimiter,
    _permit: SemaphorePermit<'a>,
}

impl Drop for PausePermit<'_> {
    fn drop(&mut self) {
        lock_ignoring_poison(&self.limiter.window).paused_pipes -= 1;
    }
}

#[derive(Default)]
struct RateWindow {
    sent: VecDeque<Instant>,
    held_until: Option<Instant>,
    /// How many wait at the front.
    priority_waiters: usize,
    /// How many pipes are stopped for a while.
    paused_pipes: usize,
}

impl RateLimiter {
    pub(crate) fn new(rate: Option<RequestRate>) -> Self {
        let rate = rate.map(|rate| RequestRate { requests: rate.requests.max(1), ..rate });
        let pause_permits = rate.map_or(Semaphore::MAX_PERMITS, max_paused_pipes);
        let (queue, window) = (tokio::sync::Mutex::default(), Mutex::default());
        Self { rate, queue, window, pause_permits: Semaphore::new(pause_permits) }
    }

    /// Waits until one more pipe may be stopped; `None` when nothing is begun any more.
    pub(crate) async fn acquire_pause_permit(&self) -> Option<PausePermit<'_>> {
        let permit = self.pause_permits.acquire().await.ok()?;
        lock_ignoring_poison(&self.window).paused_pipes += 1;
        Some(PausePermit { limiter: self, _permit: permit })
    }

    /// Waits until one request may be sent, and counts it; `None` if that is not before `end`.
    /// Whoever gives up waiting uses nothing.
    pub(crate) async fn acquire_slot(&self, end: Instant, priority: Priority) -> Option<Duration> {
        let asked = Instant::now();
        let _turn = match priority {
            Priority::Normal => Turn::Queued(self.queue.lock().await),
            Priority::High => Turn::Prioritized(PriorityGuard::new(self)),
        };
        while let Some(free) = self.try_take_slot(priority) {
            if free > end {
                return None;
            }
            sleep_until(free).await;
        }
        Some(asked.elapsed())
    }

    /// The API asked for a pause: nobody sends before it is over.
    pub(crate) fn back_off(&self, retry_after: Option<Duration>) {
        let default = self.rate.unwrap_or_default().window;
        let hold = retry_after.unwrap_or(default).clamp(MIN_HOLD, MAX_HOLD);
        let until = Instant::now() + hold + WINDOW_MARGIN;
        let mut window = lock_ignoring_poison(&self.window);
        window.held_until = window.held_until.max(Some(until));
    }

    /// How long the API still wants to be left alone.
    pub(crate) fn remaining_hold(&self) -> Duration {
        let until = lock_ignoring_poison(&self.window).held_until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Takes a place in the window, or says when to ask again.
    fn try_take_slot(&self, priority: Priority) -> Option<Instant> {
        let now = Instant::now();
        let mut window = lock_ignoring_poison(&self.window);
        let held = window.held_until.filter(|until| *until > now);
        let gives_way = priority == Priority::Normal && window.priority_waiters > 0;
        let yield_until = gives_way.then(|| now + YIELD_DELAY);
        let full = window.full_until(self.rate, now);
        let spent = (priority == Priority::Normal).then(|| window.reserved_until(self.rate, now)).flatten();
        let busy = held.max(full).max(spent).max(yield_until);
        if busy.is_none() {
            window.sent.push_back(now);
        }
        busy
    }
}

impl RateWindow {
    /// When the first place becomes free, if none is.
    fn full_until(&mut self, rate: Option<RequestRate>, now: Instant) -> Option<Instant> {
        let Some(rate) = rate else {
            self.sent.clear();
            return None;
        };
        let length = rate.window + WINDOW_MARGIN;
        while self.sent.front().is_some_and(|sent| *sent + length <= now) {
            self.sent.pop_front();
        }
        self.sent.front().filter(|_| self.sent.len() >= rate.requests).map(|sent| *sent + length)
    }

    /// Next time a normal request may be sent without using up slots reserved for restarts.
    fn reserved_until(&self, rate: Option<RequestRate>, now: Instant) -> Option<Instant> {
        let rate = rate.filter(|_| self.paused_pipes > 0)?;
        let most = rate.requests - (self.paused_pipes + RESERVED_READS).min(rate.requests / 2);
        let counts = rate.window.saturating_sub(RESTART_WITHIN).max(rate.window / 2) + WINDOW_MARGIN;
        // A request sent longer ago than `counts` leaves the window before `RESTART_WITHIN` is over, so it does not
        // use up a reserved place. Only the newest `most` requests matter.
        let late = *self.sent.iter().rev().nth(most - 1)?;
        Some(late + counts).filter(|free| *free > now)
    }
}

/// No more than half of the window is ever held back.
fn max_paused_pipes(rate: RequestRate) -> usize {
    (rate.requests / 2).saturating_sub(RESERVED_READS).max(1)
}

/// A panic elsewhere leaves the counts as good as they were.
pub(crate) fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;
    use tokio::time::{advance, timeout};

    use super::{Duration, Instant, Priority, RateLimiter, RequestRate};

    const PER: Duration = Duration::from_secs(10);

    fn pace(requests: usize) -> Arc<RateLimiter> {
        Arc::new(RateLimiter::new(Some(RequestRate { requests, window: PER })))
    }

    async fn turn(pace: &RateLimiter) -> Duration {
        let end = Instant::now() + Duration::from_secs(3600);
        pace.acquire_slot(end, Priority::Normal).await.unwrap()
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
        let done = Arc::new(std::sync::Mutex::new(Vec::new()));
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
        pace.back_off(Some(Duration::from_secs(30)));
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
        let pace = RateLimiter::new(None);
        pace.back_off(Some(Duration::from_secs(u64::MAX / 2)));
        assert!(turn(&pace).await < Duration::from_secs(301));
        assert_eq!(turn(&pace).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn slot_after_the_deadline_is_refused_at_once() {
        let pace = pace(1);
        turn(&pace).await;
        let soon = Instant::now() + Duration::from_secs(5);
        let asked = Instant::now();
        assert_eq!(pace.acquire_slot(soon, Priority::Normal).await, None);
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
                pace.acquire_slot(end, Priority::High).await.unwrap();
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
        let front = pace.acquire_slot(end, Priority::High);
        tokio::select! {
            _ = queue => unreachable!("the queue takes twenty windows"),
            waited = front => assert!(waited.is_some()),
        }
    }
}
