//! How long an answer is waited for.

use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Method;

/// A create checks its source before it answers, which takes minutes at times.
const WRITE: Duration = Duration::from_secs(5 * 60);

/// A read that takes longer than this is lost: better to ask again.
const READ: Duration = Duration::from_secs(60);

/// Gateways answer by then if the API does not. So long a write is waited for even past the end of
/// the run: without its answer nobody knows what became of it.
const LATE_WRITE: Duration = Duration::from_secs(30);

/// The same for a read, of which the last begins at the very end.
const LATE_READ: Duration = Duration::from_secs(5);

/// When to give up on the answer to a request that goes out now, in a run that ends then.
pub(crate) fn answer_due(method: Method, end: Instant) -> Instant {
    let now = Instant::now();
    let (most, least) = if method.writes() { (WRITE, LATE_WRITE) } else { (READ, LATE_READ) };
    end.clamp(now + least, now + most)
}
