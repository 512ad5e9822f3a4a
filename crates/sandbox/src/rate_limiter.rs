//! The rate limit: a sliding window for each key.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::options::KeyRateLimit;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct KeyRateLimiter {
    windows: BTreeMap<String, VecDeque<Timestamp>>,
}

impl KeyRateLimiter {
    /// Counts a request of `key`, or fails with the seconds until the next one is allowed.
    pub(crate) fn admit_request(&mut self, key: &str, now: Timestamp, limit: KeyRateLimit) -> Result<(), f64> {
        let window = self.windows.entry(key.to_owned()).or_default();
        while window.front().is_some_and(|first| first.after(limit.per) <= now) {
            window.pop_front();
        }
        if window.len() < limit.requests {
            window.push_back(now);
            return Ok(());
        }
        // A refused request is not counted (a choice of ours): a client that retries too early does not lock
        // itself out.
        let room = window.front().map_or(now, |first| first.after(limit.per));
        Err(to_seconds(room.0 - now.0))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a window is far below 2^52 milliseconds")]
fn to_seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn rate_limit_window_slides_per_key() {
        let limit = KeyRateLimit { requests: 2, per: Duration::from_secs(10) };
        let mut limiter = KeyRateLimiter::default();
        let at = |ms| Timestamp(Timestamp::START.0 + ms);
        assert_eq!(limiter.admit_request("a", at(0), limit), Ok(()));
        assert_eq!(limiter.admit_request("a", at(4000), limit), Ok(()));
        assert_eq!(limiter.admit_request("a", at(4500), limit), Err(5.5));
        assert_eq!(limiter.admit_request("b", at(4500), limit), Ok(()));
        assert_eq!(limiter.admit_request("a", at(10_000), limit), Ok(()));
        assert_eq!(limiter.admit_request("a", at(10_000), limit), Err(4.0));
    }
}
