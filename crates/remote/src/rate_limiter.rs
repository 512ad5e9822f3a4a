//! Rate limiter with a reserve.
//!
//! It counts requests in a sliding window and waits before the API would answer 429. The API counts per key, and a
//! refused request counts as well, so a client that hits the limit and retries makes it worse for all users of the key.
//! With several keys, each has its own window, and a request goes to the key with the most free places.

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
// request, and a full window has no place for it. So part of the window stays free while pipes are paused.
//
//     limit 10 per 10 s, 2 pipes paused          places kept free: 2 starts + 2 reads
//     0.0 s   6 normal requests are sent         the next normal request waits, though 4 places are free
//     0.1 s   interrupted                        2 starts are sent at once, 2 reads check the pipes
//
// Without the reserve the starts would wait for the window to slide: up to 10 s, longer than CI gives a cancelled job.
const RESTART_WITHIN: Duration = Duration::from_secs(5);

/// Extra requests reserved besides one start per paused pipe: two reads.
const RESERVED_READS: usize = 2;

/// The delay of a request that lets another one go first.
const YIELD_DELAY: Duration = Duration::from_millis(10);

/// A rate limiter with a sliding window for each key: never more requests than the rate in any window, and no slower
/// than that.
pub(crate) struct RateLimiter {
    rate: Option<RequestRate>,
    /// Its holder is the next to read. tokio's mutex is fair: it serves the waiters in order.
    reads: tokio::sync::Mutex<()>,
    /// Its holder is the next to write.
    //
    // Hazard: two hundred creates wait for their turn, and the list that would show that the first of them runs waits
    // behind all of them, so that each wait ends late or never. Reads and writes have separate queues, and alternate
    // while both wait.
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
    keys: Vec<KeyWindow>,
    priority_waiters: usize,
    /// The queues whose first request waits for a place.
    waiting: BTreeSet<Priority>,
    /// The queue of the last request.
    last: Option<Priority>,
    /// Permits in use.
    paused_pipes: usize,
}

/// The requests of one key.
#[derive(Clone, Default)]
struct KeyWindow {
    sent: VecDeque<Instant>,
    held_until: Option<Instant>,
    /// The API refused the key.
    is_refused: bool,
}

impl RateLimiter {
    /// A limiter of this rate for each of the keys.
    pub(crate) fn new(rate: Option<RequestRate>, keys: usize) -> Self {
        let rate = rate.map(|rate| RequestRate { requests: rate.requests.max(1), ..rate });
        let pause_permits = rate.map_or(Semaphore::MAX_PERMITS, |rate| max_paused_pipes(rate, keys));
        let (reads, writes) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        let window = RateWindow { keys: vec![KeyWindow::default(); keys], ..RateWindow::default() };
        Self { rate, reads, writes, window: Mutex::new(window), pause_permits: Semaphore::new(pause_permits) }
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
        while let Err(free) = self.find_free_key(priority, false) {
            // No place is expected before `end`, so waiting until then would only delay the error.
            if free > end {
                return false;
            }
            sleep_until(free).await;
        }
        true
    }

    /// Takes a place, and returns the index of its key; `None` if no place is free.
    pub(crate) fn try_take_place(&self, priority: Priority) -> Option<usize> {
        self.find_free_key(priority, true).ok()
    }

    /// Counts a request of a key that did not wait for its place.
    pub(crate) fn count_request(&self, key: usize) {
        lock_ignoring_poison(&self.window).keys[key].sent.push_back(Instant::now());
    }

    /// Stops using this key. `false` if it is the last one.
    pub(crate) fn exclude_key(&self, key: usize) -> bool {
        let mut window = lock_ignoring_poison(&self.window);
        window.keys[key].is_refused = true;
        window.keys.iter().any(|key| !key.is_refused)
    }

    /// Holds all requests of a key after a 429.
    pub(crate) fn back_off(&self, key: usize, retry_after: Option<Duration>) {
        // Without a header, a whole window has to pass until the server's count is surely empty.
        let default = self.rate.unwrap_or_default().window;
        let hold = retry_after.unwrap_or(default).clamp(MIN_HOLD, MAX_HOLD);
        let until = Instant::now() + hold + WINDOW_MARGIN;
        let mut window = lock_ignoring_poison(&self.window);
        let held_until = &mut window.keys[key].held_until;
        *held_until = (*held_until).max(Some(until));
    }

    /// The rest of the hold after a 429, if it holds every key.
    pub(crate) fn remaining_hold(&self) -> Duration {
        self.last_hold_end().map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// The end of the last hold of every key, also when it has passed.
    pub(crate) fn last_hold_end(&self) -> Option<Instant> {
        // `None` is the least: a key that was never held makes no request wait.
        lock_ignoring_poison(&self.window).usable_keys().map(|(_, key)| key.held_until).min().flatten()
    }

    /// The index of the key with the most free places, or an error with the time of the next try. `take` takes the
    /// place.
    fn find_free_key(&self, priority: Priority, take: bool) -> Result<usize, Instant> {
        let now = Instant::now();
        let mut window = lock_ignoring_poison(&self.window);
        let is_normal = priority != Priority::High;
        // A normal request yields to a waiting restart, and to the other queue if its own queue had the last place. So
        // reads and writes alternate while both wait, and neither starves.
        let is_others_turn = window.priority_waiters > 0 || window.is_turn_of_other_queue(priority);
        let yield_until = (is_normal && is_others_turn).then(|| now + YIELD_DELAY);
        let reserved = if is_normal { window.reserved_places() } else { 0 };
        for key in &mut window.keys {
            key.forget_past(self.rate, now);
        }
        let busy_until = |key: &KeyWindow| key.busy_until(self.rate, reserved, now);
        // `None` sorts before every time, so a free key wins, and among free keys the one that sent the least.
        let first = window.usable_keys().min_by_key(|(_, key)| (busy_until(key), key.sent.len()));
        let (index, busy) = first.map_or((0, None), |(index, key)| (index, busy_until(key)));
        let busy = busy.max(yield_until);
        if busy.is_none() && take {
            window.keys[index].sent.push_back(now);
            window.last = Some(priority);
        }
        busy.map_or(Ok(index), Err)
    }
}

impl RateWindow {
    fn is_turn_of_other_queue(&self, own: Priority) -> bool {
        self.last == Some(own) && self.waiting.iter().any(|other| *other != own)
    }

    /// The keys that the API did not refuse, with their indexes; all if it refused them all.
    fn usable_keys(&self) -> impl Iterator<Item = (usize, &KeyWindow)> {
        let all_refused = self.keys.iter().all(|key| key.is_refused);
        self.keys.iter().enumerate().filter(move |(_, key)| all_refused || !key.is_refused)
    }

    /// The places that each key keeps free for restarts.
    fn reserved_places(&self) -> usize {
        match self.paused_pipes {
            0 => 0,
            // Any key may send a restart, so each keeps its share, rounded up.
            paused => (paused + RESERVED_READS).div_ceil(self.usable_keys().count()),
        }
    }
}

impl KeyWindow {
    fn forget_past(&mut self, rate: Option<RequestRate>, now: Instant) {
        let Some(rate) = rate else {
            // Without a limit this list is not read, and in a long run it would only grow.
            self.sent.clear();
            return;
        };
        while self.sent.front().is_some_and(|sent| *sent + rate.window + WINDOW_MARGIN <= now) {
            self.sent.pop_front();
        }
    }

    /// The time to ask again; `None` if a place is free.
    fn busy_until(&self, rate: Option<RequestRate>, reserved: usize, now: Instant) -> Option<Instant> {
        let held = self.held_until.filter(|until| *until > now);
        let full = rate.and_then(|rate| {
            self.sent
                .front()
                .filter(|_| self.sent.len() >= rate.requests)
                .map(|sent| *sent + rate.window + WINDOW_MARGIN)
        });
        held.max(full).max(self.reserved_until(rate, reserved, now))
    }

    /// Next time a normal request may be sent without using up slots reserved for restarts.
    fn reserved_until(&self, rate: Option<RequestRate>, reserved: usize, now: Instant) -> Option<Instant> {
        let rate = rate.filter(|_| reserved > 0)?;
        let most = rate.requests - reserved.min(rate.requests / 2);
        let counts = rate.window.saturating_sub(RESTART_WITHIN).max(rate.window / 2) + WINDOW_MARGIN;
        // A request sent longer ago than `counts` leaves the window before `RESTART_WITHIN` is over, so it does not
        // use up a reserved place. Only the newest `most` requests matter.
        let late = *self.sent.iter().rev().nth(most - 1)?;
        Some(late + counts).filter(|free| *free > now)
    }
}

fn max_paused_pipes(rate: RequestRate, keys: usize) -> usize {
    // At most half of each window is reserved, so that the other work of the run continues.
    (rate.requests / 2 * keys).saturating_sub(RESERVED_READS).max(1)
}

pub(crate) fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The values behind these locks are counts and maps that stay consistent when another task panics.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
