//! A request to come to an end soon: a signal of the system.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::exit;

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
    pub async fn raised(&self) -> Instant {
        let mut seen = self.0.subscribe();
        let raised = seen.wait_for(Option::is_some).await.ok().and_then(|at| *at);
        // The sender lives as long as this value, so that there always is a moment.
        raised.unwrap_or_else(Instant::now)
    }

    /// Waits until it was raised so long ago.
    pub async fn past(&self, grace: Duration) {
        sleep_until(self.raised().await + grace).await;
    }

    /// Raises it at the first signal to end (SIGINT, SIGTERM), and calls `told`. A second one ends
    /// the process at once. From here on the system's own answer to these signals is off, so this
    /// belongs after every question that somebody may want to break off.
    ///
    /// # Errors
    /// When the system does not let the process hear its signals.
    pub(crate) fn on_signals(told: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let interruption = Self::default();
        let raised = interruption.clone();
        let mut signals = Signals::new()?;
        tokio::spawn(async move {
            signals.next().await;
            told();
            raised.raise();
            signals.next().await;
            end_at_once();
        });
        Ok(interruption)
    }
}

#[expect(clippy::exit, reason = "whoever asks twice does not want to wait for anything")]
fn end_at_once() -> ! {
    std::process::exit(i32::from(exit::INTERRUPTED))
}

/// The signals to end.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The signal to end.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) {
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
