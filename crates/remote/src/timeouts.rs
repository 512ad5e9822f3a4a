//! Time limits for the answer to one request.

use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Method;

// A create connects to its source before it answers. Answers after three minutes were seen live.
const MAX_WRITE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

// A read that takes longer counts as lost, and is sent again, which changes nothing.
const MAX_READ_TIMEOUT: Duration = Duration::from_secs(60);

// The gateway answers 504 after about 30 s (seen live). A write waits this long even past the end of the run: without
// an answer it is unknown whether it took effect.
const MIN_WRITE_TIMEOUT: Duration = Duration::from_secs(30);

// The last read of a wait is sent when the time of the run is over, and its answer decides how the wait ends.
const MIN_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The deadline for the answer to a request sent now, in a run that ends at `end`.
pub(crate) fn response_deadline(method: Method, end: Instant) -> Instant {
    let now = Instant::now();
    let (most, least) =
        if method.is_write() { (MAX_WRITE_TIMEOUT, MIN_WRITE_TIMEOUT) } else { (MAX_READ_TIMEOUT, MIN_READ_TIMEOUT) };
    end.clamp(now + least, now + most)
}
