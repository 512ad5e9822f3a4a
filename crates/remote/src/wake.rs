//! Wakes a service that sleeps: once, for everybody who needs it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::live::State;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{Call, Client};
use crate::deadline::Budget;
use crate::error::{Error, Rejection};
use crate::pace::lock;
use crate::routes;
use crate::secret;
use crate::transport::Method;

/// The pause between two looks at a service that is waking.
const PAUSE: Duration = Duration::from_secs(5);

/// A service takes a minute as a rule.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// The services that somebody found asleep, by their paths.
#[derive(Default)]
pub(crate) struct Wakes(Mutex<BTreeMap<String, Arc<Nap>>>);

/// One service.
#[derive(Default)]
pub(crate) struct Nap {
    /// How many times it was tried.
    tries: AtomicU64,
    /// Held by the one who tries; the others wait for what comes of it.
    turn: tokio::sync::Mutex<()>,
    /// Why the last try came to nothing: the same for everybody who waited for it.
    failed: Mutex<Option<Arc<Error>>>,
}

impl Wakes {
    fn nap(&self, service: &str) -> Arc<Nap> {
        Arc::clone(lock(&self.0).entry(service.to_owned()).or_default())
    }

    /// How often the service of the path was tried so far.
    pub(crate) fn tries(&self, path: &str) -> u64 {
        let service = routes::service_of(path).unwrap_or_default();
        lock(&self.0).get(service).map_or(0, |nap| nap.tries.load(Ordering::Acquire))
    }
}

/// Wakes the service of the path and waits until it runs; if somebody else has tried since
/// `tries`, theirs counts.
pub(crate) async fn wake(
    client: &Client,
    path: &str,
    tries: u64,
    budget: Budget,
) -> Result<(), Error> {
    let Some(service) = routes::service_of(path) else { return Ok(()) };
    let nap = client.wakes.nap(service);
    let _turn = client.guard(budget, nap.turn.lock()).await?;
    if nap.tries.load(Ordering::Acquire) == tries {
        let failed = match rouse(client, service, budget).await {
            Ok(()) => None,
            Err(error @ (Error::Interrupted | Error::OutOfTime)) => return Err(error),
            Err(error) => Some(Arc::new(error)),
        };
        *lock(&nap.failed) = failed;
        nap.tries.fetch_add(1, Ordering::Release);
    }
    match lock(&nap.failed).clone() {
        None => Ok(()),
        Some(cause) => {
            let service = service.rsplit('/').next().unwrap_or_default().to_owned();
            Err(Error::NotWoken { service, cause })
        }
    }
}

/// Whether a pipe could be made in the service of the path; one that sleeps is woken if that is
/// allowed.
pub(crate) async fn awake(client: &Client, path: &str) -> Result<(), Error> {
    let Some(service) = routes::service_of(path) else { return Ok(()) };
    let tries = client.wakes.tries(path);
    let state = look(client, service, Budget::Run).await?;
    match state.as_str() {
        "idle" | "awaking" if client.may_wake => wake(client, path, tries, Budget::Run).await,
        "idle" | "awaking" | "starting" => Err(Error::NotRunning { state }),
        other if stays_down(other) => Err(Error::NotRunning { state }),
        _ => Ok(()),
    }
}

async fn look(client: &Client, service: &str, budget: Budget) -> Result<State, Error> {
    let found = client.repeat(&Call::new(Method::Get, service).within(budget)).await?;
    Ok(State::new(found.get("state").and_then(Value::as_str).unwrap_or_default()))
}

/// Whether the request was turned down because the service sleeps, or has not quite woken.
pub(crate) fn would_help(error: &Error) -> bool {
    matches!(error.rejection(), Some(Rejection::Idle | Rejection::Waking))
}

async fn rouse(client: &Client, service: &str, budget: Budget) -> Result<(), Error> {
    tracing::info!(service, "waking the service");
    let body = secret::plain(&json!({"command": "awake"}));
    let path = routes::state(service);
    client.repeat(&Call::new(Method::Patch, &path).with(&body).within(budget)).await?;
    let began = Instant::now();
    let end = client.end(budget).min(began + LONGEST);
    loop {
        client.wait_until((Instant::now() + PAUSE).min(end), budget).await?;
        let state = look(client, service, budget).await?;
        if state.as_str() == "running" {
            return Ok(());
        }
        if stays_down(state.as_str()) || Instant::now() >= end {
            return Err(Error::Asleep { state, waited: began.elapsed() });
        }
        tracing::info!(service, %state, waited = began.elapsed().as_secs(), "waking");
    }
}

/// States that no waiting leads out of.
fn stays_down(state: &str) -> bool {
    matches!(
        state,
        "stopping"
            | "stopped"
            | "terminating"
            | "terminated"
            | "softdeleting"
            | "softdeleted"
            | "failed"
    )
}
