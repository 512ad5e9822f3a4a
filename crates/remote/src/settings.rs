//! How a run behaves towards the API.

use std::time::Duration;

/// How often to ask, how long to wait and for what.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteSettings {
    /// How many requests to send at most; `None` sends as fast as it can.
    pub rate: Option<RequestRate>,
    /// For how long a run waits and retries. It starts with an observation and again with the
    /// first action after it, so the time that a person takes to approve does not count.
    pub timeout: Duration,
    /// How often objects that are waited for are looked at.
    pub polling: Polling,
    /// What an action waits for.
    pub wait: WaitMode,
    /// For how long to look for an object whose create was not answered before it is taken for
    /// not made, and sent again. A create that takes longer than this behind its lost answer
    /// makes a twin, which is then reported.
    pub adoption_window: Duration,
    /// Whether a service that sleeps is woken for a request that needs it. One that was stopped
    /// never is.
    pub wake_services: bool,
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
        }
    }
}

/// So many requests in any stretch of time of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRate {
    /// Requests within the window; zero counts as one.
    pub requests: usize,
    /// The length of the window.
    pub window: Duration,
}

/// What the API grants to each key.
impl Default for RequestRate {
    fn default() -> Self {
        Self { requests: 10, window: Duration::from_secs(10) }
    }
}

/// The pause between two looks. It grows by half each time and starts over on a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// The pause at first.
    pub initial_interval: Duration,
    /// The longest pause.
    pub max_interval: Duration,
}

impl Default for Polling {
    fn default() -> Self {
        Self { initial_interval: Duration::from_secs(2), max_interval: Duration::from_secs(15) }
    }
}

impl Polling {
    /// The pause after `pause`.
    pub(crate) fn next_interval(self, pause: Duration) -> Duration {
        (pause + pause / 2).min(self.max_interval)
    }
}

/// What an action waits for once it is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitMode {
    /// That the object has arrived at its state.
    #[default]
    Settled,
    /// Nothing, unless a later action of the same plan needs it: deletes, stops and reverse
    /// private endpoints are waited for in any case.
    None,
}
