//! A request to come to an end soon: a signal of the system.

mod signals;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

pub(crate) use self::signals::Signals;

/// Raised once, and for good. Clones are about the same thing.
#[derive(Clone, Debug)]
pub struct Interruption(Arc<watch::Sender<Option<Instant>>>);

impl Default for Interruption {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Interruption {
    /// Asks everybody who looks to come to an end.
    pub fn raise(&self) {
        self.0.send_if_modified(|at| {
            let first = at.is_none();
            at.get_or_insert_with(Instant::now);
            first
        });
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until it is raised, and says when that was.
    pub async fn wait_until_raised(&self) -> Instant {
        let mut seen = self.0.subscribe();
        let raised = seen.wait_for(Option::is_some).await.ok().and_then(|at| *at);
        // The sender lives as long as this value, so that there always is a moment.
        raised.unwrap_or_else(Instant::now)
    }

    /// Waits until it was raised so long ago.
    pub async fn wait_past_grace(&self, grace: Duration) {
        sleep_until(self.wait_until_raised().await + grace).await;
    }

    /// Does work that may be dropped wherever it is: that looks, or asks somebody.
    ///
    /// # Errors
    /// Those of the work, and [`RunInterrupted`] when this is raised before it is done.
    pub(crate) async fn run_unless_raised<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            _ = self.wait_until_raised() => Err(RunInterrupted.into()),
            done = work => done,
        }
    }

    /// Raises it at the first signal to end (SIGINT, SIGTERM); a second one ends the process at
    /// once, whatever it is busy with. From here on the system's own answer to these signals is off.
    ///
    /// # Errors
    /// When the system does not let the process hear its signals.
    pub(crate) fn from_signals() -> Result<Self> {
        let mut receiver = signals::signal_receiver().map_err(|why| anyhow!("cannot hear signals: {why}"))?;
        let interruption = Self::default();
        let raised = interruption.clone();
        // Raised by a task of its own, so that the moment is one of the clock that the run waits by.
        tokio::spawn(async move {
            if receiver.wait_for(|heard| *heard).await.is_ok() {
                raised.raise();
            }
        });
        Ok(interruption)
    }
}

/// A signal came before anything was begun.
#[derive(Debug)]
pub(crate) struct RunInterrupted;

impl fmt::Display for RunInterrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted; nothing was changed")
    }
}

impl std::error::Error for RunInterrupted {}
