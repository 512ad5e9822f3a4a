//! Keeps to the rate limit before the API has to say so.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::settings::Rate;

/// Widens the window, so that a jittery network cannot squeeze one request too many into it.
const MARGIN: Duration = Duration::from_millis(250);

/// A pause that the API asks for is not taken for shorter than this.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);

/// No answer of the API holds requests back for longer than this.
const LONGEST_HOLD: Duration = Duration::from_secs(5 * 60);

/// Within this time whatever this run has stopped must be on its way to run again.
const UNDONE_WITHIN: Duration = Duration::from_secs(5);

/// Beside a start for each of them that takes a look, and another one.
const LOOKS: usize = 2;

/// How long the queue steps aside for the front.
const COURTESY: Duration = Duration::from_millis(10);

/// A sliding window: never more than the rate in any window, and no slower than that.
pub(crate) struct Pace {
    rate: Option<Rate>,
    /// Who holds it is the next to send; tokio hands it out in the order of asking.
    queue: tokio::sync::Mutex<()>,
    window: Mutex<Window>,
    /// How many more may be stopped.
    stoppable: Semaphore,
}

/// Where somebody waits for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind those who came before.
    Queue,
    /// Before all of them.
    Front,
}

/// What is held while waiting.
enum Next<'a> {
    Queued(#[expect(dead_code, reason = "held, not read")] tokio::sync::MutexGuard<'a, ()>),
    Pushed(#[expect(dead_code, reason = "held, not read")] Push<'a>),
}

/// Somebody at the front, for as long as it waits.
struct Push<'a>(&'a Pace);

impl<'a> Push<'a> {
    fn new(pace: &'a Pace) -> Self {
        lock(&pace.window).pushed += 1;
        Self(pace)
    }
}

impl Drop for Push<'_> {
    fn drop(&mut self) {
        lock(&self.0.window).pushed -= 1;
    }
}

/// One pipe that is stopped for a while: no more at a time than can be started again soon, whatever
/// else is sent. Dropped when it runs.
pub struct Pausing<'a> {
    pace: &'a Pace,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Pausing<'_> {
    fn drop(&mut self) {
        lock(&self.pace.window).paused -= 1;
    }
}

#[derive(Default)]
struct Window {
    sent: VecDeque<Instant>,
    held_until: Option<Instant>,
    /// How many wait at the front.
    pushed: usize,
    /// How many pipes are stopped for a while.
    paused: usize,
}

impl Pace {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let rate = rate.map(|rate| Rate { requests: rate.requests.max(1), ..rate });
        let stoppable = rate.map_or(Semaphore::MAX_PERMITS, most_paused);
        let (queue, window) = (tokio::sync::Mutex::default(), Mutex::default());
        Self { rate, queue, window, stoppable: Semaphore::new(stoppable) }
    }

    /// Waits until one more pipe may be stopped; `None` when nothing is begun any more.
    pub(crate) async fn pausing(&self) -> Option<Pausing<'_>> {
        let permit = self.stoppable.acquire().await.ok()?;
        lock(&self.window).paused += 1;
        Some(Pausing { pace: self, _permit: permit })
    }

    /// Waits until one request may be sent, and counts it; `None` if that is not before `end`.
    /// Whoever gives up waiting uses nothing.
    pub(crate) async fn turn(&self, end: Instant, place: Place) -> Option<Duration> {
        let asked = Instant::now();
        let _next = match place {
            Place::Queue => Next::Queued(self.queue.lock().await),
            Place::Front => Next::Pushed(Push::new(self)),
        };
        while let Some(free) = self.try_take(place) {
            if free > end {
                return None;
            }
            sleep_until(free).await;
        }
        Some(asked.elapsed())
    }

    /// The API asked for a pause: nobody sends before it is over.
    pub(crate) fn penalize(&self, pause: Option<Duration>) {
        let default = self.rate.unwrap_or_default().per;
        let pause = pause.unwrap_or(default).clamp(SHORTEST_HOLD, LONGEST_HOLD);
        let until = Instant::now() + pause + MARGIN;
        let mut window = lock(&self.window);
        window.held_until = window.held_until.max(Some(until));
    }

    /// How long the API still wants to be left alone.
    pub(crate) fn held(&self) -> Duration {
        let until = lock(&self.window).held_until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Takes a place in the window, or says when to ask again.
    fn try_take(&self, place: Place) -> Option<Instant> {
        let now = Instant::now();
        let mut window = lock(&self.window);
        let held = window.held_until.filter(|until| *until > now);
        let gives_way = place == Place::Queue && window.pushed > 0;
        let way = gives_way.then(|| now + COURTESY);
        let full = window.full(self.rate, now);
        let spent = (place == Place::Queue).then(|| window.spent(self.rate, now)).flatten();
        let busy = held.max(full).max(spent).max(way);
        if busy.is_none() {
            window.sent.push_back(now);
        }
        busy
    }
}

impl Window {
    /// When the first place becomes free, if none is.
    fn full(&mut self, rate: Option<Rate>, now: Instant) -> Option<Instant> {
        let Some(rate) = rate else {
            self.sent.clear();
            return None;
        };
        let length = rate.per + MARGIN;
        while self.sent.front().is_some_and(|sent| *sent + length <= now) {
            self.sent.pop_front();
        }
        self.sent.front().filter(|_| self.sent.len() >= rate.requests).map(|sent| *sent + length)
    }

    /// When the queue may go on, if there would be too few free places soon for what is stopped.
    fn spent(&self, rate: Option<Rate>, now: Instant) -> Option<Instant> {
        let rate = rate.filter(|_| self.paused > 0)?;
        let most = rate.requests - (self.paused + LOOKS).min(rate.requests / 2);
        let counts = rate.per.saturating_sub(UNDONE_WITHIN).max(rate.per / 2) + MARGIN;
        // What was sent before leaves the window in time.
        let late = *self.sent.iter().rev().nth(most - 1)?;
        Some(late + counts).filter(|free| *free > now)
    }
}

/// No more than half of the window is ever held back.
fn most_paused(rate: Rate) -> usize {
    (rate.requests / 2).saturating_sub(LOOKS).max(1)
}

/// A panic elsewhere leaves the counts as good as they were.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;
    use tokio::time::{advance, timeout};

    use super::{Duration, Instant, Pace, Place, Rate};

    const PER: Duration = Duration::from_secs(10);

    fn pace(requests: usize) -> Arc<Pace> {
        Arc::new(Pace::new(Some(Rate { requests, per: PER })))
    }

    async fn turn(pace: &Pace) -> Duration {
        let end = Instant::now() + Duration::from_secs(3600);
        pace.turn(end, Place::Queue).await.unwrap()
    }

    fn busiest(sent: &[Instant]) -> usize {
        let within = |from: &Instant| {
            sent.iter().filter(|at| *at >= from && at.duration_since(*from) < PER).count()
        };
        sent.iter().map(within).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_holds_more_than_the_rate_and_none_is_wasted() {
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
    async fn turns_come_in_the_order_of_asking() {
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
    async fn a_penalty_holds_also_those_who_wait_already() {
        let pace = pace(1);
        turn(&pace).await;
        let waiting = tokio::spawn({
            let pace = Arc::clone(&pace);
            async move { turn(&pace).await }
        });
        tokio::task::yield_now().await;
        advance(Duration::from_secs(5)).await;
        pace.penalize(Some(Duration::from_secs(30)));
        let waited = waiting.await.unwrap();
        assert_eq!(waited.as_secs(), 35, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_uses_nothing() {
        let pace = pace(1);
        turn(&pace).await;
        assert!(timeout(Duration::from_secs(1), turn(&pace)).await.is_err());
        assert_eq!(turn(&pace).await + Duration::from_secs(1), PER + super::MARGIN);
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_can_stop_everything_for_good() {
        let pace = Pace::new(None);
        pace.penalize(Some(Duration::from_secs(u64::MAX / 2)));
        assert!(turn(&pace).await < Duration::from_secs(301));
        assert_eq!(turn(&pace).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_would_come_too_late_is_given_up_at_once() {
        let pace = pace(1);
        turn(&pace).await;
        let soon = Instant::now() + Duration::from_secs(5);
        let asked = Instant::now();
        assert_eq!(pace.turn(soon, Place::Queue).await, None);
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }

    /// However much is sent, three starts and two looks find their places within five seconds.
    #[tokio::test(start_paused = true)]
    async fn what_is_stopped_can_be_started_again_soon() {
        for after in 0..40 {
            let pace = pace(10);
            let end = Instant::now() + 30 * PER;
            let mut pausing = Vec::new();
            let busy = async {
                join_all((0..100).map(|_| turn(&pace))).await;
            };
            let stops = async {
                for _ in 0..4 {
                    pausing.push(pace.pausing().await);
                    turn(&pace).await;
                }
            };
            let _ =
                timeout(Duration::from_millis(after * 700), async { tokio::join!(stops, busy) })
                    .await;
            assert!(pausing.len() <= 3);
            let began = Instant::now();
            for _ in 0..pausing.len() + 2 {
                pace.turn(end, Place::Front).await.unwrap();
            }
            let took = began.elapsed();
            assert!(pausing.is_empty() || took <= Duration::from_millis(5250), "{after}: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stopped_makes_nothing_slower() {
        let (pace, start) = (pace(10), Instant::now());
        let _pausing = [pace.pausing().await, pace.pausing().await, pace.pausing().await];
        join_all((0..101).map(|_| turn(&pace))).await;
        assert!(start.elapsed() < Duration::from_secs(110), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn the_front_does_not_wait_behind_the_queue() {
        let pace = pace(1);
        turn(&pace).await;
        let queue = join_all((0..20).map(|_| turn(&pace)));
        let end = Instant::now() + 3 * PER;
        let front = pace.turn(end, Place::Front);
        tokio::select! {
            _ = queue => unreachable!("the queue takes twenty windows"),
            waited = front => assert!(waited.is_some()),
        }
    }
}
