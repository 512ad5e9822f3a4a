//! One end for all the waiting and retrying of a run.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::pace::lock;

/// Starts with every observation, and with the first action after one: how long a person thinks
/// about a plan is not waiting.
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
    pub(crate) fn reading(&self) {
        *lock(&self.phase) = Phase::Reading(ends_in(self.timeout));
    }

    /// An action begins; it shares its time with the other actions of the run.
    pub(crate) fn writing(&self) {
        let mut phase = lock(&self.phase);
        if let Phase::Reading(_) = *phase {
            *phase = Phase::Writing(ends_in(self.timeout));
        }
    }

    pub(crate) fn at(&self) -> Instant {
        match *lock(&self.phase) {
            Phase::Reading(end) | Phase::Writing(end) => end,
        }
    }
}

/// Whose time a request or a wait uses up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Budget {
    /// The run's, until its deadline or until somebody interrupts it.
    Run,
    /// Beyond the run's deadline, for the end of what must not stay half done; an interruption ends
    /// it all the same.
    Late(Instant),
    /// Time of its own, kept in reserve for what must still be sent after either.
    Reserve(Instant),
}

impl Budget {
    /// A reserve that begins now.
    pub(crate) fn reserve(length: Duration) -> Self {
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
        Instant::now() >= deadline.at()
    }

    #[tokio::test(start_paused = true)]
    async fn actions_share_one_end_that_approval_does_not_eat() {
        let deadline = Deadline::new(Duration::from_secs(60));
        advance(Duration::from_secs(50)).await;
        deadline.writing();
        advance(Duration::from_secs(50)).await;
        deadline.writing();
        assert!(!has_passed(&deadline));
        advance(Duration::from_secs(10)).await;
        assert!(has_passed(&deadline));
        deadline.reading();
        assert!(!has_passed(&deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_timeout_does_not_overflow() {
        assert!(!has_passed(&Deadline::new(Duration::MAX)));
    }
}
