//! Ends every wait of a run at once.

use tokio::sync::watch;

/// Raised once and for good. Nothing that waits for it holds anything back.
pub(crate) struct CancellationToken(watch::Sender<bool>);

impl Default for CancellationToken {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl CancellationToken {
    /// Ends the waits under way, and every one to come.
    pub(crate) fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Returns as soon as it is raised.
    pub(crate) async fn cancelled(&self) {
        // The sender is here, so the channel cannot close.
        let _ = self.0.subscribe().wait_for(|raised| *raised).await;
    }
}
