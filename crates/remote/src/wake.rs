//! Wakes an idle service once for all requests that need it.
//
// Many objects of one service are processed at a time, and each gets the refusal "idle". One of them sends the wake
// command, the others wait for its result: a second command counts against the rate limit and wakes nothing. A request
// that was refused before another caller's attempt does not start another attempt (`attempts_so_far`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clickpipes::lifecycle::ServiceState;
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
use crate::wait::{Verdict, Watch, wait_until};

const POLL_INTERVAL: Duration = Duration::from_secs(5);

// A service usually wakes within a minute. The official Terraform provider waits as long as this.
const MAX_WAKE_TIME: Duration = Duration::from_secs(10 * 60);

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.send(RequestSpec::new(Method::Get, path)).await
    }

    /// Returns the `result` of the answer. Repeats the request where that is safe, and wakes an idle service if allowed.
    pub(crate) async fn send(&self, call: RequestSpec<'_>) -> Result<Value, Error> {
        let attempts = self.wake_ups.attempts_so_far(call.path);
        match self.send_with_retries(&call).await {
            Err(error) if self.may_wake && would_waking_help(&error) => {
                // Replayed once, as by the official Terraform provider. A service that is idle again right after it
                // woke has another problem, and a loop would hide it.
                wake_once(self, call.path, attempts, call.budget).await?;
                self.send_with_retries(&call).await
            }
            other => other,
        }
    }
}

/// Wakes the service of the path and waits until it runs. An attempt that began after `tries` were counted is used
/// instead of a new one, failure included.
async fn wake_once(client: &Client, path: &str, tries: u64, budget: TimeBudget) -> Result<(), Error> {
    let Some(service) = routes::containing_service(path) else { return Ok(()) };
    let attempt = client.wake_ups.attempt_for(service);
    let _turn = client.run_interruptible(budget, attempt.in_progress.lock()).await?;
    if attempt.attempts.load(Ordering::Acquire) == tries {
        let failed = match wake_service(client, service, budget).await {
            Ok(()) => None,
            // Not a failed attempt: the service may still wake, only this caller has no time left to see it. So it is
            // not counted, and the next caller tries.
            Err(error @ (Error::Interrupted | Error::OutOfTime)) => return Err(error),
            Err(error) => Some(Arc::new(error)),
        };
        *lock_ignoring_poison(&attempt.last_failure) = failed;
        attempt.attempts.fetch_add(1, Ordering::Release);
        client.wake_ups.note_end();
    }
    match lock_ignoring_poison(&attempt.last_failure).clone() {
        None => Ok(()),
        Some(cause) => {
            let service = service.rsplit('/').next().unwrap_or_default().to_owned();
            Err(Error::WakeFailed { service, cause })
        }
    }
}

/// Checks that the service of the path accepts creates. An idle one is woken if the settings allow it.
pub(crate) async fn ensure_awake(client: &Client, path: &str) -> Result<(), Error> {
    let Some(service) = routes::containing_service(path) else { return Ok(()) };
    let tries = client.wake_ups.attempts_so_far(path);
    let state = service_state(client, service, TimeBudget::Run).await?;
    match ServiceState::from(&state) {
        ServiceState::Idle | ServiceState::Awaking if client.may_wake => {
            wake_once(client, path, tries, TimeBudget::Run).await
        }
        ServiceState::Idle | ServiceState::Awaking | ServiceState::Starting => Err(Error::CannotRecreate { state }),
        // Somebody stopped it on purpose, so it is never woken.
        other if other.is_down_for_good() => Err(Error::CannotRecreate { state }),
        _ => Ok(()),
    }
}

async fn service_state(client: &Client, service: &str, budget: TimeBudget) -> Result<State, Error> {
    let found = client.send_with_retries(&RequestSpec::new(Method::Get, service).with_budget(budget)).await?;
    Ok(State::new(found.get("state").and_then(Value::as_str).unwrap_or_default()))
}

fn would_waking_help(error: &Error) -> bool {
    matches!(error.rejection_kind(), Some(RejectionKind::ServiceIdle | RejectionKind::ServiceWaking))
}

async fn wake_service(client: &Client, service: &str, budget: TimeBudget) -> Result<(), Error> {
    tracing::info!(service, "waking the service");
    // `awake`, because `start` does nothing for an idle service (known from the official CLI).
    let body = secret::literal_body(&json!({"command": "awake"}));
    let path = routes::state_url(service);
    client.send_with_retries(&RequestSpec::new(Method::Patch, &path).with_body(&body).with_budget(budget)).await?;
    let began = Instant::now();
    let end = client.end_time(budget).min(began + MAX_WAKE_TIME);
    let mut watch = ServiceWatch { client, service, budget, began, end, last_state: State::default() };
    // No check at once: the command only starts the wake, and each check uses up a place of the rate limit.
    watch.wait_for_next().await?;
    wait_until(&mut watch, |state| match ServiceState::from(&state) {
        ServiceState::Running => Verdict::Reached(()),
        down if down.is_down_for_good() => {
            Verdict::Hopeless(Error::ServiceNotRunning { state, waited: began.elapsed() })
        }
        _ => Verdict::LookAgain,
    })
    .await
}

struct ServiceWatch<'a> {
    client: &'a Client,
    service: &'a str,
    budget: TimeBudget,
    began: Instant,
    end: Instant,
    last_state: State,
}

impl Watch for ServiceWatch<'_> {
    type Seen = State;

    async fn look(&mut self) -> Result<Option<State>, Error> {
        self.last_state = service_state(self.client, self.service, self.budget).await?;
        tracing::info!(self.service, state = %self.last_state, waited = self.began.elapsed().as_secs(), "waking");
        Ok(Some(self.last_state.clone()))
    }

    async fn wait_for_next(&mut self) -> Result<(), Error> {
        if Instant::now() >= self.end {
            let (state, waited) = (self.last_state.clone(), self.began.elapsed());
            return Err(Error::ServiceNotRunning { state, waited });
        }
        self.client.sleep_until((Instant::now() + POLL_INTERVAL).min(self.end), self.budget).await
    }
}
