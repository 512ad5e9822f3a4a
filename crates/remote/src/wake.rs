//! Wakes a service that sleeps: once, for everybody who needs it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::live::State;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{Client, RequestSpec};
use crate::deadline::TimeBudget;
use crate::error::{Error, RejectionKind};
use crate::rate_limiter::lock_ignoring_poison;
use crate::routes;
use crate::secret;
use crate::transport::Method;

/// The pause between two looks at a service that is waking.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// A service takes a minute as a rule.
const MAX_WAKE_TIME: Duration = Duration::from_secs(10 * 60);

/// The services that somebody found asleep, by their paths.
#[derive(Default)]
pub(crate) struct WakeUps(Mutex<BTreeMap<String, Arc<WakeAttempt>>>);

/// One service.
#[derive(Default)]
pub(crate) struct WakeAttempt {
    /// How many times it was tried.
    attempts: AtomicU64,
    /// Held by the one who tries; the others wait for what comes of it.
    in_progress: tokio::sync::Mutex<()>,
    /// Why the last try came to nothing: the same for everybody who waited for it.
    last_failure: Mutex<Option<Arc<Error>>>,
}

impl WakeUps {
    fn attempt_for(&self, service: &str) -> Arc<WakeAttempt> {
        Arc::clone(lock_ignoring_poison(&self.0).entry(service.to_owned()).or_default())
    }

    /// How often the service of the path was tried so far.
    pub(crate) fn attempts_so_far(&self, path: &str) -> u64 {
        let service = routes::containing_service(path).unwrap_or_default();
        lock_ignoring_poison(&self.0).get(service).map_or(0, |attempt| attempt.attempts.load(Ordering::Acquire))
    }
}

/// Wakes the service of the path and waits until it runs; if somebody else has tried since
/// `tries`, theirs counts.
pub(crate) async fn wake_once(client: &Client, path: &str, tries: u64, budget: TimeBudget) -> Result<(), Error> {
    let Some(service) = routes::containing_service(path) else { return Ok(()) };
    let attempt = client.wake_ups.attempt_for(service);
    let _turn = client.run_interruptible(budget, attempt.in_progress.lock()).await?;
    if attempt.attempts.load(Ordering::Acquire) == tries {
        let failed = match wake_service(client, service, budget).await {
            Ok(()) => None,
            Err(error @ (Error::Interrupted | Error::OutOfTime)) => return Err(error),
            Err(error) => Some(Arc::new(error)),
        };
        *lock_ignoring_poison(&attempt.last_failure) = failed;
        attempt.attempts.fetch_add(1, Ordering::Release);
    }
    match lock_ignoring_poison(&attempt.last_failure).clone() {
        None => Ok(()),
        Some(cause) => {
            let service = service.rsplit('/').next().unwrap_or_default().to_owned();
            Err(Error::WakeFailed { service, cause })
        }
    }
}

/// Whether a pipe could be made in the service of the path; one that sleeps is woken if that is
/// allowed.
pub(crate) async fn ensure_awake(client: &Client, path: &str) -> Result<(), Error> {
    let Some(service) = routes::containing_service(path) else { return Ok(()) };
    let tries = client.wake_ups.attempts_so_far(path);
    let state = service_state(client, service, TimeBudget::Run).await?;
    match state.as_str() {
        "idle" | "awaking" if client.may_wake => wake_once(client, path, tries, TimeBudget::Run).await,
        "idle" | "awaking" | "starting" => Err(Error::CannotRecreate { state }),
        other if is_down_for_good(other) => Err(Error::CannotRecreate { state }),
        _ => Ok(()),
    }
}

async fn service_state(client: &Client, service: &str, budget: TimeBudget) -> Result<State, Error> {
    let found = client.send_with_retries(&RequestSpec::new(Method::Get, service).with_budget(budget)).await?;
    Ok(State::new(found.get("state").and_then(Value::as_str).unwrap_or_default()))
}

/// Whether the request was turned down because the service sleeps, or has not quite woken.
pub(crate) fn would_waking_help(error: &Error) -> bool {
    matches!(error.rejection_kind(), Some(RejectionKind::ServiceIdle | RejectionKind::ServiceWaking))
}

async fn wake_service(client: &Client, service: &str, budget: TimeBudget) -> Result<(), Error> {
    tracing::info!(service, "waking the service");
    let body = secret::literal_body(&json!({"command": "awake"}));
    let path = routes::state_url(service);
    client.send_with_retries(&RequestSpec::new(Method::Patch, &path).with_body(&body).with_budget(budget)).await?;
    let began = Instant::now();
    let end = client.end_time(budget).min(began + MAX_WAKE_TIME);
    loop {
        client.wait_until((Instant::now() + POLL_INTERVAL).min(end), budget).await?;
        let state = service_state(client, service, budget).await?;
        if state.as_str() == "running" {
            return Ok(());
        }
        if is_down_for_good(state.as_str()) || Instant::now() >= end {
            return Err(Error::ServiceNotRunning { state, waited: began.elapsed() });
        }
        tracing::info!(service, %state, waited = began.elapsed().as_secs(), "waking");
    }
}

/// States that no waiting leads out of.
fn is_down_for_good(state: &str) -> bool {
    matches!(state, "stopping" | "stopped" | "terminating" | "terminated" | "softdeleting" | "softdeleted" | "failed")
}
