//! The CDC scaling: the size of all database pipes of a service.
//
// It has no id, and exists only together with a database pipe: the API creates it with the first one. The schema and
// the released clients have it below the service. Only the reference page has it below the organization, so that path
// comes second.

use clickpipes::lifecycle::Progress;
use clickpipes::semantics::FieldSemantics;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, Object, State};
use serde_json::Value;
use tokio::time::Instant;

use crate::client::RequestSpec;
use crate::deadline::TimeBudget;
use crate::error::{Error, RejectionKind, Unsettled};
use crate::performed_action::PerformedAction;
use crate::rate_limiter::lock_ignoring_poison;
use crate::routes;
use crate::run_context::RunContext;
use crate::secret::{self, FilledBody};
use crate::settings::WaitMode;
use crate::transport::Method;
use crate::wait::{Verdict, Watch, wait_until};

/// The live scaling; `None` before the first database pipe.
pub(crate) async fn observe_scaling(run: &RunContext, service: &ServiceRef) -> Result<Option<Object>, Error> {
    let found = send_to_any_path(run, service, Method::Get, None).await?;
    Ok(found.map(|body| Object { id: owner_id(run, service), state: State::default(), body }))
}

/// Sends the size once the object exists, and waits until a read shows it.
// After the PATCH, reads show the old size for two to five minutes.
pub(crate) async fn update_scaling(
    run: &RunContext,
    service: &ServiceRef,
    body: &Value,
) -> Result<PerformedAction, Error> {
    let filled = secret::literal_body(body);
    let mut patch = ScalingPoll::new(run, service, Method::Patch, Some(&filled));
    wait_until(&mut patch, Verdict::Reached).await?;
    if run.settings.wait == WaitMode::None {
        return Ok(performed_action(run, service, Progress::InProgress, None));
    }
    let mut read = ScalingPoll::new(run, service, Method::Get, None);
    let rules = FieldSemantics::for_kind(Kind::CdcScaling);
    let live = wait_until(&mut read, |live| {
        if rules.matches_live(body, Some(&live)) { Verdict::Reached(live) } else { Verdict::LookAgain }
    });
    Ok(performed_action(run, service, Progress::Ready, Some(live.await?)))
}

fn performed_action(
    run: &RunContext,
    service: &ServiceRef,
    standing: Progress,
    live: Option<Value>,
) -> PerformedAction {
    let (id, state) = (owner_id(run, service), State::default());
    let object = |body| Object { id: id.clone(), state: state.clone(), body };
    let live = live.map(object);
    PerformedAction { id, state, progress: standing, notes: Vec::new(), live }
}

/// The service, or the organization if its path answered: then all services have the one object.
fn owner_id(run: &RunContext, service: &ServiceRef) -> Id {
    let organization = routes::organization_scaling_url(&run.organization);
    let is_shared = lock_ignoring_poison(&run.scaling_paths).get(service) == Some(&organization);
    let service = run.services.get(service).filter(|_| !is_shared);
    Id::new(service.unwrap_or(&run.organization))
}

/// Sends the request to each candidate path until one answers; `None` if all answer 404.
async fn send_to_any_path(
    run: &RunContext,
    service: &ServiceRef,
    method: Method,
    body: Option<&FilledBody>,
) -> Result<Option<Value>, Error> {
    for path in candidate_paths(run, service)? {
        let call = RequestSpec::new(method, &path);
        let call = if let Some(body) = body { call.with_body(body) } else { call };
        match run.client.send(call).await {
            Ok(result) => {
                lock_ignoring_poison(&run.scaling_paths).insert(service.clone(), path);
                return Ok(Some(result));
            }
            Err(error) if error.rejection_kind() == Some(RejectionKind::NotFound) => {}
            Err(error) if method == Method::Get && error.is_not_offered() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The path that was answered before, or else the paths of the service and of the organization.
fn candidate_paths(run: &RunContext, service: &ServiceRef) -> Result<Vec<String>, Error> {
    let organization = routes::organization_scaling_url(&run.organization);
    if service.is_organization() {
        return Ok(vec![organization]);
    }
    if let Some(path) = lock_ignoring_poison(&run.scaling_paths).get(service) {
        // Asking both again would cost a 404 for each look, at ten requests in ten seconds.
        return Ok(vec![path.clone()]);
    }
    let unknown = || Error::UnknownService(service.clone());
    let id = run.services.get(service).ok_or_else(unknown)?;
    Ok(vec![routes::service_scaling_url(&run.organization, id), organization])
}

/// A request that is repeated while the object does not exist.
struct ScalingPoll<'a> {
    run: &'a RunContext,
    service: &'a ServiceRef,
    method: Method,
    body: Option<&'a FilledBody>,
    began: Instant,
    interval: std::time::Duration,
    /// Whether one of its requests was answered.
    was_answered: bool,
}

impl<'a> ScalingPoll<'a> {
    fn new(run: &'a RunContext, service: &'a ServiceRef, method: Method, body: Option<&'a FilledBody>) -> Self {
        let interval = run.settings.polling.initial_interval;
        Self { run, service, method, body, began: Instant::now(), interval, was_answered: false }
    }

    fn timeout_error(&self) -> Error {
        let (address, waited) = (self.address(), self.began.elapsed());
        match self.method {
            Method::Get => {
                // This object has no state. The error shows the word that the API has for an update in progress.
                let (id, last_state) = (owner_id(self.run, self.service), Some(State::new("Modifying")));
                Error::NotSettled { address, id, last_state, waited, why: Unsettled::TimedOut }
            }
            _ => Error::TimedOut { address, last_state: None, waited },
        }
    }

    fn address(&self) -> Address {
        Address::for_singleton(self.service.clone(), Kind::CdcScaling)
    }
}

impl Watch for ScalingPoll<'_> {
    type Seen = Value;

    async fn look(&mut self) -> Result<Option<Value>, Error> {
        match send_to_any_path(self.run, self.service, self.method, self.body).await {
            // The deadline passed before the request was sent. If no request was sent, nothing has happened to the
            // object.
            Err(Error::OutOfTime) if self.was_answered || self.method == Method::Get => Err(self.timeout_error()),
            answer => {
                self.was_answered |= answer.is_ok();
                answer
            }
        }
    }

    async fn wait_for_next(&mut self) -> Result<(), Error> {
        let client = &self.run.client;
        let end = client.end_time(TimeBudget::Run);
        if Instant::now() >= end {
            return Err(self.timeout_error());
        }
        tracing::info!(at = %self.address(), waited = self.began.elapsed().as_secs(), "waiting");
        client.sleep_until((Instant::now() + self.interval).min(end), TimeBudget::Run).await?;
        self.interval = self.run.settings.polling.next_interval(self.interval);
        Ok(())
    }
}
