//! The deadline for all waiting and retrying of a run.

use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::rate_limiter::lock_ignoring_poison;

/// The deadline of a run. It restarts with each observation, and with the first action after it.
// So the time in which a person reads the plan does not count.
pub(crate) struct Deadline {
    timeout: Duration,
    /// The time of the actions, if it is not the same.
    action_timeout: OnceLock<Duration>,
    phase: Mutex<Phase>,
}

#[derive(Clone, Copy)]
enum Phase {
    Reading(Instant),
    Writing(Instant),
}

impl Deadline {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, action_timeout: OnceLock::new(), phase: Mutex::new(Phase::Reading(ends_in(timeout))) }
    }

    /// Sets the time of the actions, which depends on the plan. Only the first call counts.
    pub(crate) fn set_action_timeout(&self, timeout: Duration) {
        self.action_timeout.get_or_init(|| timeout);
    }

    pub(crate) fn begin_reading(&self) {
        *lock_ignoring_poison(&self.phase) = Phase::Reading(ends_in(self.timeout));
    }

    /// Starts the time of the actions. All of them share it, so only the first one starts it.
    pub(crate) fn begin_writing(&self) {
        let mut phase = lock_ignoring_poison(&self.phase);
        if let Phase::Reading(_) = *phase {
            *phase = Phase::Writing(ends_in(*self.action_timeout.get().unwrap_or(&self.timeout)));
        }
    }

    pub(crate) fn end_time(&self) -> Instant {
        match *lock_ignoring_poison(&self.phase) {
            Phase::Reading(end) | Phase::Writing(end) => end,
        }
    }
}

/// The time limit of a request or a wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TimeBudget {
    /// Until the deadline of the run, or an interruption.
    Run,
    /// Beyond the deadline, to finish work that would stay half done. An interruption still ends it.
    Extended(Instant),
    /// Beyond the deadline and an interruption, for the second half of a replacement.
    Committed(Instant),
    /// A separate budget after the deadline or an interruption, to start paused pipes. It has priority.
    Reserve(Instant),
}

impl TimeBudget {
    pub(crate) fn reserve_for(length: Duration) -> Self {
        Self::Reserve(ends_in(length))
    }
}

fn ends_in(timeout: Duration) -> Instant {
    // A timeout of `Duration::MAX` overflows the clock. A month is longer than any run.
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
    async fn actions_have_a_time_of_their_own() {
        let deadline = Deadline::new(Duration::from_secs(60));
        deadline.set_action_timeout(Duration::from_secs(90));
        advance(Duration::from_secs(60)).await;
        assert!(has_passed(&deadline));
        deadline.begin_writing();
        advance(Duration::from_secs(89)).await;
        assert!(!has_passed(&deadline));
        advance(Duration::from_secs(1)).await;
        assert!(has_passed(&deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn maximum_timeout_does_not_overflow() {
        assert!(!has_passed(&Deadline::new(Duration::MAX)));
    }
}
