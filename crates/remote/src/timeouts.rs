//! How long an answer is waited for.

use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Method;

/// A create checks its source before it answers, which takes minutes at times.
const MAX_WRITE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// A read that takes longer than this is lost: better to ask again.
const MAX_READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Gateways answer by then if the API does not. So long a write is waited for even past the end of
/// the run: without its answer nobody knows what became of it.
const MIN_WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The same for a read, of which the last begins at the very end.
const MIN_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// When to give up on the answer to a request that goes out now, in a run that ends then.
pub(crate) fn response_deadline(method: Method, end: Instant) -> Instant {
    let now = Instant::now();
    let (most, least) =
        if method.is_write() { (MAX_WRITE_TIMEOUT, MIN_WRITE_TIMEOUT) } else { (MAX_READ_TIMEOUT, MIN_READ_TIMEOUT) };
    end.clamp(now + least, now + most)
}
