//! One request: wait for a turn, send, open the envelope, and again where that is safe.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::deadline::{Budget, Deadline};
use crate::envelope::{self, Opened};
use crate::error::{Error, Rejected, Rejection};
use crate::interrupt::Interrupt;
use crate::pace::{Pace, Pausing, Place, lock};
use crate::patience;
use crate::redact::Redaction;
use crate::retry::{self, Twice};
use crate::secret::Filled;
use crate::settings::Settings;
use crate::transport::{Method, Request, Response, Transport, TransportError};
use crate::wake::{self, Wakes};

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
    /// What every request carries.
    key: Redaction,
    pace: Pace,
    pub(crate) deadline: Deadline,
    pub(crate) interrupt: Interrupt,
    pub(crate) wakes: Wakes,
    pub(crate) may_wake: bool,
    requests: Mutex<Requests>,
    /// What the API said when it did not accept the key: it would say so to every request.
    locked_out: Mutex<Option<Rejected>>,
}

/// A request to be sent, perhaps more than once.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    method: Method,
    path: &'a str,
    body: Option<&'a Filled>,
    twice: Twice,
    budget: Budget,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, path: &'a str) -> Self {
        let twice = match method {
            Method::Post => Twice::Harmful,
            Method::Get | Method::Put | Method::Patch | Method::Delete => Twice::Harmless,
        };
        Self { method, path, body: None, twice, budget: Budget::Run }
    }

    pub(crate) fn with(self, body: &'a Filled) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(crate) fn within(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// May be repeated whatever became of it: it changes nothing.
    pub(crate) fn harmless(self) -> Self {
        Self { twice: Twice::Harmless, ..self }
    }

    /// It went out, and that is all that is known.
    fn unanswered(&self) -> Error {
        let (method, path) = (self.method, self.path.to_owned());
        Error::Transport { method, path, reason: "no answer in time".to_owned(), sent: true }
    }

    /// Is not repeated unless it is certain that it was not carried out.
    pub(crate) fn at_most_once(self) -> Self {
        Self { twice: Twice::Harmful, ..self }
    }
}

impl Client {
    pub(crate) fn new(transport: Arc<dyn Transport>, settings: &Settings) -> Self {
        let mut key = Redaction::default();
        transport.carried().iter().for_each(|it| key.hide(it.expose_secret(), ""));
        Self {
            transport,
            key,
            pace: Pace::new(settings.rate),
            deadline: Deadline::new(settings.timeout),
            interrupt: Interrupt::default(),
            wakes: Wakes::default(),
            may_wake: settings.wake,
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

    /// The `result` of the answer. What may be repeated is repeated, and a service that sleeps is
    /// woken if that is allowed.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Value, Error> {
        let tries = self.wakes.tries(call.path);
        match self.repeat(&call).await {
            Err(error) if self.may_wake && wake::would_help(&error) => {
                wake::wake(self, call.path, tries, call.budget).await?;
                self.repeat(&call).await
            }
            other => other,
        }
    }

    /// Sends the request until it is answered for good, or its time is over.
    pub(crate) async fn repeat(&self, call: &Call<'_>) -> Result<Value, Error> {
        let mut pauses = retry::pauses();
        let mut unanswered = None;
        loop {
            let error = match self.once(call).await {
                Ok(result) => return Ok(result),
                Err(error) => error,
            };
            let Some(pause) = self.pause(call, &error, &mut pauses) else {
                return Err(outcome(error, unanswered));
            };
            lock(&self.requests).repeated += 1;
            tracing::warn!(%error, pause_ms = milliseconds(pause), "request will be repeated");
            if error.outcome_unknown() {
                unanswered = Some(error);
            }
            if let Err(error) = self.wait_until(Instant::now() + pause, call.budget).await {
                return Err(outcome(error, unanswered));
            }
        }
    }

    /// How long to wait before the same request is sent again; `None` if it is not. One that was
    /// throttled waits in the queue for its turn.
    fn pause(
        &self,
        call: &Call<'_>,
        error: &Error,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Option<Duration> {
        if !retry::may_repeat(call.twice, error) {
            return None;
        }
        let (pause, wait) = match error.rejection() {
            Some(Rejection::Throttled) => (Duration::ZERO, self.pace.held()),
            _ => pauses.next().map(|pause| (pause, pause))?,
        };
        (Instant::now() + wait < self.end(call.budget)).then_some(pause)
    }

    /// Waits until one more pipe may be stopped for a while, unless somebody ends the run.
    pub(crate) async fn pausing(&self) -> Option<Pausing<'_>> {
        self.guard(Budget::Run, self.pace.pausing()).await.ok().flatten()
    }

    /// When the time is over.
    pub(crate) fn end(&self, budget: Budget) -> Instant {
        match budget {
            Budget::Run => self.deadline.at(),
            Budget::Late(end) | Budget::Reserve(end) => end,
        }
    }

    /// Sleeps, unless somebody ends the run.
    pub(crate) async fn wait_until(&self, until: Instant, budget: Budget) -> Result<(), Error> {
        self.guard(budget, sleep_until(until)).await
    }

    /// Waits for `work`, which is dropped when somebody ends the run. A reserve only ends by its
    /// own time.
    pub(crate) async fn guard<T>(
        &self,
        budget: Budget,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        match budget {
            Budget::Run | Budget::Late(_) => tokio::select! {
                biased;
                () = self.interrupt.raised() => Err(Error::Interrupted),
                done = work => Ok(done),
            },
            Budget::Reserve(end) => timeout_at(end, work).await.map_err(|_| Error::OutOfTime),
        }
    }

    /// Waits until the request may go out.
    async fn turn(&self, call: &Call<'_>) -> Result<Duration, Error> {
        let end = self.end(call.budget);
        let place = match call.budget {
            Budget::Run | Budget::Late(_) => Place::Queue,
            Budget::Reserve(_) => Place::Front,
        };
        let waited = self.guard(call.budget, self.pace.turn(end, place)).await?;
        // The last look is at the very end, but nothing is begun that late.
        let late = call.method.writes() && Instant::now() >= end;
        waited.filter(|_| !late).ok_or(Error::OutOfTime)
    }

    async fn once(&self, call: &Call<'_>) -> Result<Value, Error> {
        let waited = self.turn(call).await?;
        self.check_key(call.budget)?;
        self.count(call.method);
        let began = Instant::now();
        let response = self.exchange_in_time(call).await;
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

    /// What would be refused is not even sent. No pipe is left stopped for one refusal, though.
    fn check_key(&self, budget: Budget) -> Result<(), Error> {
        match (budget, lock(&self.locked_out).clone()) {
            (Budget::Run | Budget::Late(_), Some(rejected)) => {
                Err(Error::Rejected(Box::new(rejected)))
            }
            (Budget::Run | Budget::Late(_), None) | (Budget::Reserve(_), _) => Ok(()),
        }
    }

    /// A write that is under way is finished, as far as the time allows. Nothing is lost with a
    /// read.
    async fn exchange_in_time(&self, call: &Call<'_>) -> Result<Response, Error> {
        let end = patience::answer_due(call.method, self.end(call.budget));
        let exchange = async {
            let answered = timeout_at(end, self.exchange(call)).await;
            answered.unwrap_or_else(|_| Err(call.unanswered()))
        };
        if call.method.writes() {
            exchange.await
        } else {
            self.guard(call.budget, exchange).await?
        }
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Response, Error> {
        let Call { method, path, body, .. } = *call;
        let body = body.map(|filled| filled.body.clone());
        let request = Request { method, path: path.to_owned(), body };
        let path = path.to_owned();
        self.transport.send(request).await.map_err(|error| match error {
            TransportError::Untrusted(reason) => Error::Untrusted { method, path, reason },
            TransportError::Unsent(reason) => {
                Error::Transport { method, path, reason, sent: false }
            }
            TransportError::Interrupted(reason) => {
                Error::Transport { method, path, reason, sent: true }
            }
        })
    }

    fn open(&self, call: &Call<'_>, response: &Response) -> Result<Opened, Error> {
        if response.status == 429 {
            lock(&self.requests).throttled += 1;
            self.pace.penalize(envelope::pause(response));
        }
        let sent = call.body.map(|filled| &filled.redaction);
        let redactions: Vec<&Redaction> = sent.into_iter().chain([&self.key]).collect();
        envelope::open(call.method, call.path, response, &redactions)
    }

    fn count(&self, method: Method) {
        let mut requests = lock(&self.requests);
        requests.sent += 1;
        *requests.by_method.entry(method).or_default() += 1;
    }
}

/// What is told of a request in the end, if an earlier try of it went unanswered.
fn outcome(error: Error, unanswered: Option<Error>) -> Error {
    match (error, unanswered) {
        (Error::Interrupted | Error::OutOfTime, Some(unanswered)) => unanswered,
        (error, Some(_)) => error.after_a_lost_try(),
        (error, None) => error,
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
