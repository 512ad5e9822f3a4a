//! Rate limiter with a reserve.
//!
//! It counts requests in a sliding window and waits before the API would answer 429. The API counts per key, and
//! a refused request counts as well, so a client that runs into the limit and retries makes it worse for everybody.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::settings::RequestRate;

// The server counts when requests arrive, and the network delays each by another time. So the window is a little wider.
const WINDOW_MARGIN: Duration = Duration::from_millis(250);

// A hold of 0 s would repeat the refused request at once.
const MIN_HOLD: Duration = Duration::from_secs(1);

// A header that is wrong by orders of magnitude must not stop the run for hours.
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

/// The delay of a request that lets another one go first.
const YIELD_DELAY: Duration = Duration::from_millis(10);

/// A rate limiter with a sliding window: never more requests than the rate in any window, and no slower than that.
pub(crate) struct RateLimiter {
    rate: Option<RequestRate>,
    /// Its holder is the next to read. tokio's mutex is fair: it goes to the waiters in their order.
    reads: tokio::sync::Mutex<()>,
    /// Its holder is the next to write.
    //
    // Hazard: two hundred creates wait for their turn, and the list that would show the first of them running waits
    // behind all of them, so that each wait ends late or not at all. Reads and writes each have a queue, and take the
    // free places in turn while both wait.
    writes: tokio::sync::Mutex<()>,
    window: Mutex<RateWindow>,
    /// The number of pipes that may still be stopped.
    pause_permits: Semaphore,
}

/// The queue of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Behind earlier reads.
    Read,
    /// Behind earlier writes.
    Write,
    /// Before all others.
    High,
}

/// A place in a queue, held while waiting.
pub(crate) enum Turn<'a> {
    Queued(#[expect(dead_code, reason = "held, not read")] tokio::sync::MutexGuard<'a, ()>),
    Prioritized(#[expect(dead_code, reason = "held, not read")] PriorityGuard<'a>),
}

/// A waiting request with high priority.
pub(crate) struct PriorityGuard<'a>(&'a RateLimiter);

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

/// The first request of a queue while it waits for a place.
struct WaitingGuard<'a>(&'a RateLimiter, Priority);

impl<'a> WaitingGuard<'a> {
    fn new(limiter: &'a RateLimiter, priority: Priority) -> Self {
        lock_ignoring_poison(&limiter.window).waiting.insert(priority);
        Self(limiter, priority)
    }
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        lock_ignoring_poison(&self.0.window).waiting.remove(&self.1);
    }
}

/// The permit to stop one pipe for a while. Drop it when the pipe runs again.
// There are only as many as pipes can be started again within `RESTART_WITHIN`.
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
    priority_waiters: usize,
    /// The queues whose first request waits for a place.
    waiting: BTreeSet<Priority>,
    /// The queue of the last request.
    last: Option<Priority>,
    /// Permits in use.
    paused_pipes: usize,
}

impl RateLimiter {
    pub(crate) fn new(rate: Option<RequestRate>) -> Self {
        let rate = rate.map(|rate| RequestRate { requests: rate.requests.max(1), ..rate });
        let pause_permits = rate.map_or(Semaphore::MAX_PERMITS, max_paused_pipes);
        let (reads, writes) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        Self { rate, reads, writes, window: Mutex::default(), pause_permits: Semaphore::new(pause_permits) }
    }

    pub(crate) async fn acquire_pause_permit(&self) -> Option<PausePermit<'_>> {
        let permit = self.pause_permits.acquire().await.ok()?;
        lock_ignoring_poison(&self.window).paused_pipes += 1;
        Some(PausePermit { limiter: self, _permit: permit })
    }

    /// Waits until the caller is the next to send.
    pub(crate) async fn acquire_turn(&self, priority: Priority) -> Turn<'_> {
        match priority {
            Priority::Read => Turn::Queued(self.reads.lock().await),
            Priority::Write => Turn::Queued(self.writes.lock().await),
            Priority::High => Turn::Prioritized(PriorityGuard::new(self)),
        }
    }

    /// Waits until a place is free; `false` if none is before `end`. A dropped wait takes no place.
    pub(crate) async fn wait_for_place(&self, end: Instant, priority: Priority) -> bool {
        let _waiting = WaitingGuard::new(self, priority);
        while let Some(free) = self.busy_until(priority, false) {
            if free > end {
                return false;
            }
            sleep_until(free).await;
        }
        true
    }

    pub(crate) fn try_take_place(&self, priority: Priority) -> bool {
        self.busy_until(priority, true).is_none()
    }

    /// Holds all requests after a 429.
    pub(crate) fn back_off(&self, retry_after: Option<Duration>) {
        // Without a header, a whole window has to pass until the server's count is surely empty.
        let default = self.rate.unwrap_or_default().window;
        let hold = retry_after.unwrap_or(default).clamp(MIN_HOLD, MAX_HOLD);
        let until = Instant::now() + hold + WINDOW_MARGIN;
        let mut window = lock_ignoring_poison(&self.window);
        window.held_until = window.held_until.max(Some(until));
    }

    /// The rest of the hold after a 429.
    pub(crate) fn remaining_hold(&self) -> Duration {
        let until = lock_ignoring_poison(&self.window).held_until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// The end of the last hold, also when it has passed.
    pub(crate) fn last_hold_end(&self) -> Option<Instant> {
        lock_ignoring_poison(&self.window).held_until
    }

    /// The time to ask again; `None` if a place is free. `take` takes it.
    fn busy_until(&self, priority: Priority, take: bool) -> Option<Instant> {
        let now = Instant::now();
        let mut window = lock_ignoring_poison(&self.window);
        let is_normal = priority != Priority::High;
        let held = window.held_until.filter(|until| *until > now);
        let is_others_turn = window.priority_waiters > 0 || window.is_turn_of_other_queue(priority);
        let yield_until = (is_normal && is_others_turn).then(|| now + YIELD_DELAY);
        let full = window.full_until(self.rate, now);
        let spent = is_normal.then(|| window.reserved_until(self.rate, now)).flatten();
        let busy = held.max(full).max(spent).max(yield_until);
        if busy.is_none() && take {
            window.sent.push_back(now);
            window.last = Some(priority);
        }
        busy
    }
}

impl RateWindow {
    fn is_turn_of_other_queue(&self, own: Priority) -> bool {
        self.last == Some(own) && self.waiting.iter().any(|other| *other != own)
    }

    /// The time when the first place becomes free; `None` if one is.
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

fn max_paused_pipes(rate: RequestRate) -> usize {
    // At most half of the window is reserved, so that the other work of the run goes on.
    (rate.requests / 2).saturating_sub(RESERVED_READS).max(1)
}

pub(crate) fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The values behind these locks are counts and maps that stay consistent when another task panics.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
