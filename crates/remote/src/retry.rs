//! What is worth sending again, and how patiently.

use std::time::Duration;

use backon::ExponentialBuilder;

use crate::error::{Error, Rejection};
use crate::transport::Method;

/// About a minute of tries in all, unless the run ends before. A request that was throttled is
/// repeated until the run ends.
pub(crate) fn schedule() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(15))
        .with_max_times(7)
}

/// Whether the same request can be sent again: either it was not carried out, or carrying it out
/// twice does no harm.
pub(crate) fn may_repeat(method: Method, error: &Error) -> bool {
    match error {
        Error::Transport { sent, .. } => !sent || method.is_idempotent(),
        Error::Rejected(rejected) => match rejected.kind {
            Rejection::Throttled => true,
            Rejection::Broken => method.is_idempotent(),
            Rejection::Unauthenticated
            | Rejection::Forbidden
            | Rejection::NotFound
            | Rejection::Idle
            | Rejection::Stopped
            | Rejection::NeedsPause
            | Rejection::AlreadyRunning
            | Rejection::Invalid => false,
        },
        Error::Unexpected(unexpected) => {
            method.is_idempotent() && !(300..500).contains(&unexpected.status)
        }
        Error::Setup(_)
        | Error::UnknownOutcome { .. }
        | Error::Twins { .. }
        | Error::TimedOut { .. }
        | Error::Troubled { .. }
        | Error::Gone { .. }
        | Error::Secret { .. }
        | Error::UnknownEndpointReference { .. }
        | Error::UnknownService(_)
        | Error::UnknownObject { .. }
        | Error::Unsupported { .. } => false,
    }
}
