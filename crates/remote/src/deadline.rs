//! One deadline for all the waiting and retrying of a run.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::rate_limiter::lock_ignoring_poison;

/// Starts again with each observation and with the first action after it: the time in which a person reads the plan
/// does not count.
pub(crate) struct Deadline {
    timeout: Duration,
    phase: Mutex<Phase>,
}

#[derive(Clone, Copy)]
enum Phase {
    Reading(Instant),
    Writing(Instant),
}

impl Deadline {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, phase: Mutex::new(Phase::Reading(ends_in(timeout))) }
    }

    /// An observation begins.
    pub(crate) fn begin_reading(&self) {
        *lock_ignoring_poison(&self.phase) = Phase::Reading(ends_in(self.timeout));
    }

    /// An action begins; it shares its time with the other actions of the run.
    pub(crate) fn begin_writing(&self) {
        let mut phase = lock_ignoring_poison(&self.phase);
        if let Phase::Reading(_) = *phase {
            *phase = Phase::Writing(ends_in(self.timeout));
        }
    }

    pub(crate) fn end_time(&self) -> Instant {
        match *lock_ignoring_poison(&self.phase) {
            Phase::Reading(end) | Phase::Writing(end) => end,
        }
    }
}

/// Whose time a request or a wait uses up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TimeBudget {
    /// The run's, until its deadline or until somebody interrupts it.
    Run,
    /// Beyond the run's deadline, for the end of what must not stay half done; an interruption ends
    /// it all the same.
    Extended(Instant),
    /// The same, for what must be finished once it was begun: an interruption does not end it.
    Committed(Instant),
    /// Time of its own, kept in reserve for what must still be sent after either.
    Reserve(Instant),
}

impl TimeBudget {
    /// A reserve that begins now.
    pub(crate) fn reserve_for(length: Duration) -> Self {
        Self::Reserve(ends_in(length))
    }
}

/// A timeout beyond what the clock can say is a month.
fn ends_in(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(30 * 24 * 60 * 60))
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::{Deadline, Duration, Instant};

    fn has_passed(deadline: &Deadline) -> bool {
        Instant::now() >= deadline.end_time()
    }

    #[tokio::test(start_paused = true)]
    async fn time_for_approval_does_not_use_up_the_deadline() {
        let deadline = Deadline::new(Duration::from_secs(60));
        advance(Duration::from_secs(50)).await;
        deadline.begin_writing();
        advance(Duration::from_secs(50)).await;
        deadline.begin_writing();
        assert!(!has_passed(&deadline));
        advance(Duration::from_secs(10)).await;
        assert!(has_passed(&deadline));
        deadline.begin_reading();
        assert!(!has_passed(&deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn maximum_timeout_does_not_overflow() {
        assert!(!has_passed(&Deadline::new(Duration::MAX)));
    }
}
