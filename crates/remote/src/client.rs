//! Sends one request: waits for its turn, decodes the answer, and retries where that is safe.

mod request_spec;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::address::Address;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

pub(crate) use self::request_spec::{Precondition, RequestSpec};
use crate::deadline::{Deadline, TimeBudget};
use crate::envelope::{self, DecodedAnswer};
use crate::error::{Error, RejectedRequest, RejectionKind};
use crate::rate_limiter::{PausePermit, Priority, RateLimiter, lock_ignoring_poison};
use crate::redact::{Redaction, RunRedaction};
use crate::retry;
use crate::settings::RemoteSettings;
use crate::timeouts;
use crate::transport::{ApiRequest, ApiResponse, Method, Transport, TransportError};
use crate::wake_ups::WakeUps;

/// The number of requests of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// All requests, retries included.
    pub sent: u64,
    /// The retries.
    pub repeated: u64,
    /// The requests that the API answered with 429.
    pub throttled: u64,
    /// The same number as `sent`, by method.
    pub by_method: BTreeMap<Method, u64>,
}

/// The only sender of requests in this crate.
pub(crate) struct Client {
    /// One for each API key.
    transports: Vec<Arc<dyn Transport>>,
    /// The API keys: an answer may repeat them.
    key_redaction: Redaction,
    /// The secrets that the process resolved so far.
    pub(crate) run_redaction: RunRedaction,
    rate_limiter: RateLimiter,
    pub(crate) deadline: Deadline,
    pub(crate) cancellation: CancellationToken,
    pub(crate) wake_ups: WakeUps,
    pub(crate) may_wake: bool,
    counts: Mutex<RequestCounts>,
    /// The creates and deletes that were sent and not refused: they took effect, or may have.
    possible_writes: Mutex<BTreeSet<(Method, Address)>>,
    /// The refusal of the last key, if there was one. Every other request would get the same.
    key_rejection: Mutex<Option<RejectedRequest>>,
}

impl Client {
    /// A client that spreads its requests over transports with different keys, at least one.
    pub(crate) fn new(transports: Vec<Arc<dyn Transport>>, settings: &RemoteSettings) -> Self {
        let mut key_redaction = Redaction::default();
        for secret in transports.iter().flat_map(|transport| transport.carried_secrets()) {
            key_redaction.add_secret(secret.expose_secret(), "");
        }
        settings.redaction.add_request(&key_redaction);
        Self {
            rate_limiter: RateLimiter::new(settings.rate, transports.len()),
            transports,
            key_redaction,
            run_redaction: settings.redaction.clone(),
            deadline: Deadline::new(settings.timeout),
            cancellation: CancellationToken::default(),
            wake_ups: WakeUps::default(),
            may_wake: settings.wake_services,
            counts: Mutex::default(),
            possible_writes: Mutex::default(),
            key_rejection: Mutex::default(),
        }
    }

    pub(crate) fn request_counts(&self) -> RequestCounts {
        lock_ignoring_poison(&self.counts).clone()
    }

    /// Whether a create or delete of the object took effect, or may have.
    pub(crate) fn may_have_written(&self, method: Method, object: &Address) -> bool {
        lock_ignoring_poison(&self.possible_writes).contains(&(method, object.clone()))
    }

    pub(crate) fn by_key(&self, settings: &RemoteSettings) -> Vec<Self> {
        self.transports.iter().map(|transport| Self::new(vec![Arc::clone(transport)], settings)).collect()
    }

    pub(crate) fn key_name(&self, key: usize) -> &str {
        self.transports[key].key_name().unwrap_or_default()
    }

    pub(crate) fn count_requests_of(&self, key: usize, alone: &Self) {
        let counts = alone.request_counts();
        // The API counts per key, whichever client sent the requests.
        (0..counts.sent).for_each(|_| self.rate_limiter.count_request(key));
        let mut sum = lock_ignoring_poison(&self.counts);
        sum.sent += counts.sent;
        sum.repeated += counts.repeated;
        sum.throttled += counts.throttled;
        for (method, count) in counts.by_method {
            *sum.by_method.entry(method).or_default() += count;
        }
    }

    /// Sends the request, with retries, until there is a final answer or its time is over.
    pub(crate) async fn send_with_retries(&self, call: &RequestSpec<'_>) -> Result<Value, Error> {
        let mut delays = retry::retry_delays();
        let mut unanswered = None;
        loop {
            let error = match self.send_once(call).await {
                Ok(result) => return Ok(result),
                Err(error) => error,
            };
            let Some(delay) = self.retry_delay(call, &error, &mut delays) else {
                return Err(final_error(error, unanswered));
            };
            lock_ignoring_poison(&self.counts).repeated += 1;
            tracing::warn!(%error, pause_ms = to_milliseconds(delay), "request will be repeated");
            if error.is_outcome_unknown() {
                unanswered = Some(error);
            }
            if let Err(error) = self.sleep_until(Instant::now() + delay, call.budget).await {
                return Err(final_error(error, unanswered));
            }
        }
    }

    /// The delay before a retry; `None` if there is none.
    fn retry_delay(
        &self,
        call: &RequestSpec<'_>,
        error: &Error,
        delays: &mut impl Iterator<Item = Duration>,
    ) -> Option<Duration> {
        // Another key sends it: the API does nothing for a key that it does not know.
        if error.rejection_kind() == Some(RejectionKind::Unauthenticated) && self.key_rejection().is_none() {
            return Some(Duration::ZERO);
        }
        if !retry::can_retry(call.idempotency, error) {
            return None;
        }
        // After a 429 the rate limiter holds every request, so the retry needs no delay of its own.
        let (delay, wait) = match error.rejection_kind() {
            Some(RejectionKind::RateLimited) => (Duration::ZERO, self.rate_limiter.remaining_hold()),
            _ => delays.next().map(|delay| (delay, delay))?,
        };
        // A retry after the end would never be sent, and "out of time" would hide why the request failed.
        (Instant::now() + wait < self.end_time(call.budget)).then_some(delay)
    }

    /// Waits until one more pipe may be stopped; `None` if the run is cancelled.
    pub(crate) async fn acquire_pause_permit(&self) -> Option<PausePermit<'_>> {
        self.run_interruptible(TimeBudget::Run, self.rate_limiter.acquire_pause_permit()).await.ok().flatten()
    }

    pub(crate) fn end_time(&self, budget: TimeBudget) -> Instant {
        match budget {
            TimeBudget::Run => self.deadline.end_time(),
            TimeBudget::Extended(end) | TimeBudget::Committed(end) | TimeBudget::Reserve(end) => end,
        }
    }

    /// Sleeps, unless the run is cancelled.
    pub(crate) async fn sleep_until(&self, until: Instant, budget: TimeBudget) -> Result<(), Error> {
        self.run_interruptible(budget, tokio::time::sleep_until(until)).await
    }

    /// Waits for `work`, and drops it when the run is cancelled. A reserve ends only with its own time.
    pub(crate) async fn run_interruptible<T>(
        &self,
        budget: TimeBudget,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        match budget {
            TimeBudget::Run | TimeBudget::Extended(_) => tokio::select! {
                // Cancellation first: if both are ready, the work must not begin one more request.
                biased;
                () = self.cancellation.cancelled() => Err(Error::Interrupted),
                done = work => Ok(done),
            },
            TimeBudget::Committed(end) | TimeBudget::Reserve(end) => {
                timeout_at(end, work).await.map_err(|_| Error::OutOfTime)
            }
        }
    }

    /// Waits for the turn of a request; returns the waiting time and the index of its key.
    async fn acquire_slot(&self, call: &RequestSpec<'_>) -> Result<(Duration, usize), Error> {
        let (asked, end) = (Instant::now(), self.end_time(call.budget));
        let priority = match call.budget {
            TimeBudget::Reserve(_) => Priority::High,
            _ if call.method.is_write() => Priority::Write,
            _ => Priority::Read,
        };
        let key = self.run_interruptible(call.budget, self.acquire_place(call, end, priority)).await??;
        // A wait ends with a read at its very end. A write at that moment would start something that is not waited for.
        let is_late = call.method.is_write() && Instant::now() >= end;
        if is_late { Err(Error::OutOfTime) } else { Ok((asked.elapsed(), key)) }
    }

    async fn acquire_place(&self, call: &RequestSpec<'_>, end: Instant, priority: Priority) -> Result<usize, Error> {
        let _turn = self.rate_limiter.acquire_turn(priority).await;
        while self.rate_limiter.wait_for_place(end, priority).await {
            // The place is taken after the check, because the check may read a list and needs a place itself. Then it
            // returns `false`, and the next round finds the list fresh:
            //
            //     wait for a place -> check reads a list -> wait again -> check sends nothing -> take the place
            let holds = match call.precondition {
                Some(precondition) => precondition.check(self).await?,
                None => true,
            };
            if holds && let Some(key) = self.rate_limiter.try_take_place(priority) {
                return Ok(key);
            }
        }
        Err(Error::OutOfTime)
    }

    /// The end of the last wait that all requests shared: a 429, or a service that woke.
    pub(crate) fn last_wait_end(&self) -> Option<Instant> {
        self.rate_limiter.last_hold_end().max(self.wake_ups.last_end())
    }

    async fn send_once(&self, call: &RequestSpec<'_>) -> Result<Value, Error> {
        // The key is checked after the wait: the API may have refused it for another request meanwhile.
        let (waited, key) = self.acquire_slot(call).await?;
        self.check_key(call.budget)?;
        self.count_request(call.method);
        let began = Instant::now();
        let write = call.object.map(|object| (call.method, object.clone()));
        // An earlier attempt without a response may have taken effect, whatever the result of this one.
        let is_first = write.clone().is_some_and(|write| lock_ignoring_poison(&self.possible_writes).insert(write));
        let response = self.exchange_with_timeout(call, key).await;
        let status = response.as_ref().ok().map(|response| response.status);
        let opened = response.and_then(|response| self.decode_response(call, key, &response));
        if let (Some(write), true, Err(error)) = (&write, is_first, &opened)
            && !error.is_outcome_unknown()
        {
            lock_ignoring_poison(&self.possible_writes).remove(write);
        }
        if let Err(Error::Rejected(rejected)) = &opened
            && rejected.kind == RejectionKind::Unauthenticated
        {
            self.exclude_key(key, rejected);
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
            waited_ms = to_milliseconds(waited),
            took_ms = to_milliseconds(began.elapsed()),
            "request"
        );
        Ok(opened?.result)
    }

    /// Continues without a key that the API refuses, unless it is the last one.
    fn exclude_key(&self, key: usize, rejected: &RejectedRequest) {
        if self.rate_limiter.exclude_key(key) {
            tracing::warn!(key = self.key_name(key), "the API refuses this key; the others are used");
        } else {
            *lock_ignoring_poison(&self.key_rejection) = Some(rejected.clone());
        }
    }

    fn key_rejection(&self) -> Option<RejectedRequest> {
        lock_ignoring_poison(&self.key_rejection).clone()
    }

    /// Refuses the request if the API refused all keys before.
    fn check_key(&self, budget: TimeBudget) -> Result<(), Error> {
        // A reserve tries even so: it starts a paused pipe, and the refusal of a key may be a passing fault.
        match (budget, self.key_rejection()) {
            (TimeBudget::Reserve(_), _) | (_, None) => Ok(()),
            (_, Some(rejected)) => Err(Error::Rejected(Box::new(rejected))),
        }
    }

    async fn exchange_with_timeout(&self, call: &RequestSpec<'_>, key: usize) -> Result<ApiResponse, Error> {
        // A write in progress is not dropped by an interruption: without its response, it is unknown whether it took
        // effect. A read changes nothing.
        let end = timeouts::response_deadline(call.method, self.end_time(call.budget));
        let exchange = async {
            let answered = timeout_at(end, self.call_transport(call, key)).await;
            answered.unwrap_or_else(|_| Err(call.no_answer_error()))
        };
        if call.method.is_write() { exchange.await } else { self.run_interruptible(call.budget, exchange).await? }
    }

    async fn call_transport(&self, call: &RequestSpec<'_>, key: usize) -> Result<ApiResponse, Error> {
        let RequestSpec { method, path, body, .. } = *call;
        let body = body.map(|filled| filled.body.clone());
        let request = ApiRequest { method, path: path.to_owned(), body };
        let path = path.to_owned();
        self.transports[key].send(request).await.map_err(|error| match error {
            TransportError::Untrusted(reason) => Error::Untrusted { method, path, reason },
            TransportError::NotSent(reason) => Error::Transport { method, path, reason, may_have_arrived: false },
            TransportError::AnswerLost(reason) => Error::Transport { method, path, reason, may_have_arrived: true },
        })
    }

    fn decode_response(
        &self,
        call: &RequestSpec<'_>,
        key: usize,
        response: &ApiResponse,
    ) -> Result<DecodedAnswer, Error> {
        if response.status == 429 {
            lock_ignoring_poison(&self.counts).throttled += 1;
            self.rate_limiter.back_off(key, envelope::retry_after(response));
        }
        let sent = call.body.map(|filled| &filled.redaction);
        let of_run = self.run_redaction.lock();
        let redactions: Vec<&Redaction> = sent.into_iter().chain([&self.key_redaction, &*of_run]).collect();
        envelope::decode_envelope(call.method, call.path, response, &redactions)
    }

    fn count_request(&self, method: Method) {
        let mut requests = lock_ignoring_poison(&self.counts);
        requests.sent += 1;
        *requests.by_method.entry(method).or_default() += 1;
    }
}

fn final_error(error: Error, unanswered: Option<Error>) -> Error {
    // A request whose earlier attempt got no answer may have taken effect. "Interrupted" or a refusal must not hide
    // that.
    match (error, unanswered) {
        (Error::Interrupted | Error::OutOfTime, Some(unanswered)) => unanswered,
        (error, Some(_)) => error.after_lost_attempt(),
        (error, None) => error,
    }
}

fn to_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
