//! Decides which requests to retry, and when.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::error::{Error, RequestFate};

/// The delays between the attempts of one request: about a minute in all.
// With jitter: requests that failed together would otherwise all be repeated together. A 429 does not count as an
// attempt; see `Client::retry_delay`.
pub(crate) fn retry_delays() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(15))
        .with_max_times(7)
        .build()
}

/// Whether a request may take effect twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// Twice is the same as once.
    Safe,
    /// The second request creates a duplicate, is refused, or undoes a change in between. After a lost response, the
    /// live object decides.
    Unsafe,
}

/// Whether to send the same request again: it did not take effect, or may take effect twice.
pub(crate) fn can_retry(idempotency: Idempotency, error: &Error) -> bool {
    match error.fate() {
        RequestFate::NotCarriedOut => true,
        RequestFate::Unanswered => idempotency == Idempotency::Safe,
        RequestFate::Refused => false,
    }
}
