//! What is worth sending again, and how patiently.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::error::{Error, Rejection};

/// The pauses between the tries of one request: about a minute in all, unless the run ends
/// before. A request that was throttled is repeated until the run ends.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(15))
        .with_max_times(7)
        .build()
}

/// What is known about carrying out a request twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// It comes to the same as carrying it out once.
    Harmless,
    /// It makes a twin, is refused, or undoes what happened in between: whoever lost the answer
    /// has to look first.
    Harmful,
}

/// Whether the same request can be sent again: either it was not carried out, or carrying it out
/// twice does no harm.
pub(crate) fn may_repeat(twice: Twice, error: &Error) -> bool {
    let harmless = twice == Twice::Harmless;
    match error {
        Error::Transport { sent, .. } => !sent || harmless,
        Error::Rejected(rejected) => match rejected.kind {
            Rejection::Throttled => true,
            Rejection::Broken => harmless,
            Rejection::Unauthenticated
            | Rejection::Forbidden
            | Rejection::NotFound
            | Rejection::Idle
            | Rejection::Waking
            | Rejection::Stopped
            | Rejection::NeedsPause
            | Rejection::AlreadyRunning
            | Rejection::Invalid => false,
        },
        Error::Unexpected(unexpected) => harmless && !(300..500).contains(&unexpected.status),
        Error::Setup(_)
        | Error::Untrusted { .. }
        | Error::Interrupted
        | Error::OutOfTime
        | Error::TooLate { .. }
        | Error::Appeared { .. }
        | Error::NotWoken { .. }
        | Error::Asleep { .. }
        | Error::UnknownOutcome { .. }
        | Error::Twins { .. }
        | Error::TimedOut { .. }
        | Error::Troubled { .. }
        | Error::Gone { .. }
        | Error::Secret { .. }
        | Error::UnknownEndpointReference { .. }
        | Error::UnknownService(_)
        | Error::UnknownObject { .. }
        | Error::NotRunning { .. }
        | Error::Unsupported { .. } => false,
    }
}
