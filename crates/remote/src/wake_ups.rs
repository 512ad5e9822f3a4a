//! Shared state of the wake-ups of a run: one for each idle service.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::error::Error;
use crate::rate_limiter::lock_ignoring_poison;
use crate::routes;

/// Wake-ups of idle services, by the path of the service.
#[derive(Default)]
pub(crate) struct WakeUps {
    attempts: Mutex<BTreeMap<String, Arc<WakeAttempt>>>,
    last_end: Mutex<Option<Instant>>,
}

#[derive(Default)]
pub(crate) struct WakeAttempt {
    /// The number of finished attempts.
    pub(crate) attempts: AtomicU64,
    /// Lock: one caller wakes the service, the others wait for its result.
    pub(crate) in_progress: tokio::sync::Mutex<()>,
    /// The error of the last attempt, shared by all callers that waited for it.
    pub(crate) last_failure: Mutex<Option<Arc<Error>>>,
}

impl WakeUps {
    pub(crate) fn attempt_for(&self, service: &str) -> Arc<WakeAttempt> {
        Arc::clone(lock_ignoring_poison(&self.attempts).entry(service.to_owned()).or_default())
    }

    pub(crate) fn attempts_so_far(&self, path: &str) -> u64 {
        let service = routes::containing_service(path).unwrap_or_default();
        lock_ignoring_poison(&self.attempts).get(service).map_or(0, |attempt| attempt.attempts.load(Ordering::Acquire))
    }

    pub(crate) fn note_end(&self) {
        *lock_ignoring_poison(&self.last_end) = Some(Instant::now());
    }

    pub(crate) fn last_end(&self) -> Option<Instant> {
        *lock_ignoring_poison(&self.last_end)
    }
}
