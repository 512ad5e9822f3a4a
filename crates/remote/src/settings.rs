//! Settings of a run: rate limit, time limit, polling, waiting, waking.

use std::time::Duration;

use crate::redact::RunRedaction;

/// The settings of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteSettings {
    /// The rate limit; `None` for none.
    pub rate: Option<RequestRate>,
    /// The time limit for waiting and retrying. It starts with an observation, and again with the first action after
    /// it: the time that a person takes to approve does not count.
    pub timeout: Duration,
    /// The intervals between two lists during a wait.
    pub polling: Polling,
    /// The end of an action: the settled object, or the answer.
    pub wait: WaitMode,
    /// The time to look for the object of an unanswered create before the create is sent again.
    // Hazard: a create that takes longer than this to show in a list is sent twice. The duplicate is reported.
    pub adoption_window: Duration,
    /// Whether to wake an idle service for a request that needs it. A stopped service is never woken.
    pub wake_services: bool,
    /// The secrets to redact, shared by all runs of the process.
    pub redaction: RunRedaction,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            rate: Some(RequestRate::default()),
            timeout: Duration::from_secs(15 * 60),
            polling: Polling::default(),
            wait: WaitMode::default(),
            adoption_window: Duration::from_secs(60),
            wake_services: false,
            redaction: RunRedaction::default(),
        }
    }
}

/// At most this many requests in any window of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRate {
    /// Requests within the window; zero counts as one.
    pub requests: usize,
    /// The length of the window.
    pub window: Duration,
}

// The published limit of the API, per key.
impl Default for RequestRate {
    fn default() -> Self {
        Self { requests: 10, window: Duration::from_secs(10) }
    }
}

/// The interval between two lists. It grows by half each time, and starts over on a change. In a service with many
/// objects it is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// The first interval.
    pub initial_interval: Duration,
    /// The longest interval.
    pub max_interval: Duration,
}

impl Default for Polling {
    fn default() -> Self {
        Self { initial_interval: Duration::from_secs(2), max_interval: Duration::from_secs(15) }
    }
}

impl Polling {
    /// The interval after a change, in a service with this number of objects.
    // A list costs a request, and contains all objects. At two seconds, a tenth of the requests of an apply of
    // thousands of new pipes were lists, and its cost grew with the square.
    pub(crate) fn first_interval(self, objects: usize) -> Duration {
        const OBJECTS_PER_SECOND: usize = 50;
        let seconds = u64::try_from(objects / OBJECTS_PER_SECOND).unwrap_or(u64::MAX);
        let fair = Duration::from_secs(seconds);
        fair.min(self.max_interval).max(self.initial_interval)
    }

    pub(crate) fn next_interval(self, pause: Duration) -> Duration {
        (pause + pause / 2).min(self.max_interval)
    }
}

/// The end of an action that the API accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitMode {
    /// The object has settled in its desired state.
    #[default]
    Settled,
    /// The response. Deletes, stops and reverse private endpoints are still waited for, because later actions of the
    /// plan need them.
    None,
}

#[cfg(test)]
mod tests {
    use super::Polling;

    #[test]
    fn large_services_are_listed_less_often() {
        let polling = Polling::default();
        let seconds = [0, 99, 500, 100_000].map(|objects| polling.first_interval(objects).as_secs());
        assert_eq!(seconds, [2, 2, 10, 15]);
    }
}
