//! What is worth sending again, and how patiently.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::error::{Error, RequestFate};

/// The pauses between the tries of one request: about a minute in all, unless the run ends
/// before. A request that was throttled is repeated until the run ends.
pub(crate) fn retry_delays() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(15))
        .with_max_times(7)
        .build()
}

/// What is known about carrying out a request twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// It comes to the same as carrying it out once.
    Safe,
    /// It makes a twin, is refused, or undoes what happened in between: whoever lost the answer
    /// has to look first.
    Unsafe,
}

/// Whether the same request can be sent again: either it was not carried out, or carrying it out
/// twice does no harm.
pub(crate) fn can_retry(idempotency: Idempotency, error: &Error) -> bool {
    match error.fate() {
        RequestFate::NotCarriedOut => true,
        RequestFate::Unanswered => idempotency == Idempotency::Safe,
        RequestFate::Refused => false,
    }
}
