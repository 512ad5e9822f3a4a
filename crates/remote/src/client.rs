//! One request: wait for a turn, send, open the envelope, and again where that is safe.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backon::Retryable;
use serde_json::Value;
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::envelope::{self, Opened};
use crate::error::{Error, Rejected, Rejection};
use crate::pace::{Pace, lock};
use crate::redact::Redaction;
use crate::retry;
use crate::secret::Filled;
use crate::settings::Settings;
use crate::transport::{Method, Request, Response, Transport, TransportError};

/// How many requests went out, for the cost line of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// All that were sent, repeated ones included.
    pub sent: u64,
    /// Those that were sent because an earlier try failed.
    pub repeated: u64,
    /// Those that the API answered with 429.
    pub throttled: u64,
    /// The same number as `sent`, by method.
    pub by_method: BTreeMap<Method, u64>,
}

/// Everything that leaves goes through here.
pub(crate) struct Client {
    transport: Arc<dyn Transport>,
    pace: Pace,
    pub(crate) deadline: Deadline,
    requests: Mutex<Requests>,
    /// What the API said when it did not accept the key: it would say so to every request.
    locked_out: Mutex<Option<Rejected>>,
}

/// A request to be sent, perhaps more than once.
pub(crate) struct Call<'a> {
    method: Method,
    path: &'a str,
    body: Option<&'a Filled>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, body: None }
    }

    pub(crate) fn with(self, body: &'a Filled) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Client {
    pub(crate) fn new(transport: Arc<dyn Transport>, settings: &Settings) -> Self {
        Self {
            transport,
            pace: Pace::new(settings.rate),
            deadline: Deadline::new(settings.timeout),
            requests: Mutex::default(),
            locked_out: Mutex::default(),
        }
    }

    pub(crate) fn requests(&self) -> Requests {
        lock(&self.requests).clone()
    }

    /// Reads what stands at the path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.send(Call::new(Method::Get, path)).await
    }

    /// The `result` of the answer. What may be repeated is repeated.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Value, Error> {
        let unanswered = AtomicBool::new(false);
        let result = (|| self.once(&call))
            .retry(retry::schedule())
            .when(|error| retry::may_repeat(call.method, error))
            .adjust(|error, pause| self.adjust(error, pause))
            .notify(|error: &Error, pause| {
                unanswered.fetch_or(error.outcome_unknown(), Ordering::Relaxed);
                self.will_repeat(error, pause);
            })
            .await;
        result.map_err(|error| match error {
            Error::Rejected(mut rejected) => {
                rejected.repeated = unanswered.into_inner();
                Error::Rejected(rejected)
            }
            other => other,
        })
    }

    /// A request that was throttled waits in the queue for its turn; others pause by themselves.
    fn adjust(&self, error: &Error, pause: Option<Duration>) -> Option<Duration> {
        let (pause, wait) = match error.rejection() {
            Some(Rejection::Throttled) => (Some(Duration::ZERO), self.pace.held()),
            _ => (pause, pause?),
        };
        pause.filter(|_| Instant::now() + wait < self.deadline.at())
    }

    fn will_repeat(&self, error: &Error, pause: Duration) {
        lock(&self.requests).repeated += 1;
        tracing::warn!(%error, pause_ms = milliseconds(pause), "request will be repeated");
    }

    async fn once(&self, call: &Call<'_>) -> Result<Value, Error> {
        let waited = self.pace.turn().await;
        if let Some(rejected) = lock(&self.locked_out).clone() {
            return Err(Error::Rejected(Box::new(rejected)));
        }
        self.count(call.method);
        let began = Instant::now();
        let response = self.exchange(call).await;
        let status = response.as_ref().ok().map(|response| response.status);
        let opened = response.and_then(|response| self.open(call, &response));
        if let Err(Error::Rejected(rejected)) = &opened
            && rejected.kind == Rejection::Unauthenticated
        {
            *lock(&self.locked_out) = Some((**rejected).clone());
        }
        let request_id = match &opened {
            Ok(opened) => opened.request_id.as_deref(),
            Err(error) => error.request_id(),
        };
        tracing::debug!(
            method = %call.method,
            path = call.path,
            status,
            request_id,
            waited_ms = milliseconds(waited),
            took_ms = milliseconds(began.elapsed()),
            "request"
        );
        Ok(opened?.result)
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Response, Error> {
        let Call { method, path, body } = *call;
        let body = body.map(|filled| filled.body.clone());
        let request = Request { method, path: path.to_owned(), body };
        self.transport.send(request).await.map_err(|error| Error::Transport {
            method,
            path: path.to_owned(),
            reason: error.reason().to_owned(),
            sent: matches!(error, TransportError::Interrupted(_)),
        })
    }

    fn open(&self, call: &Call<'_>, response: &Response) -> Result<Opened, Error> {
        if response.status == 429 {
            lock(&self.requests).throttled += 1;
            self.pace.penalize(envelope::pause(response));
        }
        let nothing = Redaction::default();
        let redaction = call.body.map_or(&nothing, |filled| &filled.redaction);
        envelope::open(call.method, call.path, response, redaction)
    }

    fn count(&self, method: Method) {
        let mut requests = lock(&self.requests);
        requests.sent += 1;
        *requests.by_method.entry(method).or_default() += 1;
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
