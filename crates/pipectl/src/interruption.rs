//! The request to end a run early: SIGINT or SIGTERM.

mod signals;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

pub(crate) use self::signals::Signals;

/// A flag that is raised once, and stays raised. Clones share it.
#[derive(Clone, Debug)]
pub struct Interruption(Arc<watch::Sender<Option<Instant>>>);

impl Default for Interruption {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Interruption {
    /// Raises the flag. A second call has no effect.
    pub fn raise(&self) {
        // Grace periods count from the first signal, so a later one must not move the moment.
        self.0.send_if_modified(|at| {
            let first = at.is_none();
            at.get_or_insert_with(Instant::now);
            first
        });
    }

    pub fn is_raised(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until the flag is raised, and returns the moment of it.
    pub async fn wait_until_raised(&self) -> Instant {
        let mut seen = self.0.subscribe();
        let raised = seen.wait_for(Option::is_some).await.ok().and_then(|at| *at);
        // The wait only fails when the sender is dropped, and `self` holds it.
        raised.unwrap_or_else(Instant::now)
    }

    /// Waits until `grace` has passed since the flag was raised.
    pub async fn wait_past_grace(&self, grace: Duration) {
        sleep_until(self.wait_until_raised().await + grace).await;
    }

    /// Runs `work`, and drops it when the flag is raised. Only for work without side effects: reads and questions.
    ///
    /// # Errors
    /// Those of the work, and [`RunInterrupted`] if the flag is raised before it is done.
    pub(crate) async fn run_unless_raised<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            _ = self.wait_until_raised() => Err(RunInterrupted.into()),
            done = work => done,
        }
    }

    /// A flag that the first SIGINT or SIGTERM raises. A second signal ends the process at once. The system's own
    /// handling of these signals ends here.
    pub(crate) fn from_signals() -> Result<Self> {
        let mut receiver = signals::signal_receiver().map_err(|why| anyhow!("cannot handle signals: {why}"))?;
        let interruption = Self::default();
        let raised = interruption.clone();
        // The listener's thread has a real clock, and a run against the sandbox a virtual one. The moment has to be one
        // of the run's clock, because its grace periods count from it. So a task of the run raises the flag.
        tokio::spawn(async move {
            if receiver.wait_for(|heard| *heard).await.is_ok() {
                raised.raise();
            }
        });
        Ok(interruption)
    }
}

/// The error of a run that a signal ended before its first action.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; nothing was changed")]
pub(crate) struct RunInterrupted;
