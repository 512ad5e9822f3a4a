//! The operations of one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::action::Action;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, Live, State};
use serde_json::Value;
use tokio::time::Instant;

use crate::client::{Client, RequestCounts, RequestSpec};
use crate::error::{Error, RejectionKind};
use crate::named_entries;
use crate::observe::{self, ObserveScope};
use crate::perform;
use crate::performed_action::PerformedAction;
use crate::rate_limiter::{PausePermit, lock_ignoring_poison};
use crate::routes;
use crate::run_context::RunContext;
use crate::secret::{self, SecretProvider};
use crate::settings::RemoteSettings;
use crate::transport::{Method, Transport};
use crate::wake;

/// The services of one organization, through one key. All callers share its rate limit, its lists, and the ids of the
/// objects that it created.
pub struct Remote {
    run: RunContext,
}

// A create is answered within half a minute, if at all, and then its object is searched. With less time than this, the
// delete could be the last action of the run.
const MIN_TIME_TO_REPLACE: Duration = Duration::from_secs(60);

impl Remote {
    /// Creates the client of a run. `services` maps the names in manifests to ids. Nothing is sent yet.
    pub fn new(
        transport: Arc<dyn Transport>,
        organization: String,
        services: BTreeMap<ServiceRef, String>,
        secrets: Arc<dyn SecretProvider>,
        settings: RemoteSettings,
    ) -> Self {
        let client = Client::new(vec![transport], &settings);
        Self::with_client(client, organization, services, secrets, settings)
    }

    pub(crate) fn with_client(
        client: Client,
        organization: String,
        services: BTreeMap<ServiceRef, String>,
        secrets: Arc<dyn SecretProvider>,
        settings: RemoteSettings,
    ) -> Self {
        Self { run: RunContext::new(client, organization, services, secrets, settings) }
    }

    /// Reads the live objects of all services concurrently. If one service cannot be read, all of it fails.
    pub async fn observe_live(&self, scope: &ObserveScope) -> Result<Live, Error> {
        self.run.client.deadline.begin_reading();
        observe::observe_scope(&self.run, scope).await
    }

    /// The kinds that the API has no path for, in each service, as far as they were to be read.
    pub fn kinds_not_offered(&self) -> BTreeSet<(ServiceRef, Kind)> {
        lock_ignoring_poison(&self.run.missing_lists).clone()
    }

    /// Sets the time limit of all actions together, instead of [`RemoteSettings::timeout`]. Only the first call counts.
    pub fn set_action_timeout(&self, timeout: Duration) {
        self.run.client.deadline.set_action_timeout(timeout);
    }

    /// The states of the organization's services, by id.
    pub async fn list_service_states(&self) -> Result<BTreeMap<String, State>, Error> {
        let path = routes::services_url(&self.run.organization);
        let entries = named_entries::fetch_entries(&self.run.client, &path).await?;
        Ok(entries.into_iter().map(|entry| (entry.id, entry.state)).collect())
    }

    /// Checks that an action can begin: the secrets of the actions `then` resolve, and an object to re-create can be
    /// created in the time left, with the endpoints that it uses. Wakes an idle service if the settings allow it.
    ///
    /// # Errors
    ///
    /// The first reason against it. Nothing was changed.
    pub async fn check_ready(&self, action: &Action, then: &[&Action]) -> Result<(), Error> {
        self.run.client.deadline.begin_writing();
        // A create whose secret is missing would fail after its delete, and an edit after its stop.
        self.check_secrets(then)?;
        let is_recreated = then.iter().any(|later| matches!(later, Action::Create { .. }));
        match action {
            Action::Delete { address: at, .. } if is_recreated => self.ensure_creatable(at, then).await,
            _ => Ok(()),
        }
    }

    /// The same for an action after which other objects are created that cannot exist before it.
    ///
    /// # Errors
    ///
    /// The first reason against it. Nothing was changed.
    pub async fn check_successors(&self, action: &Action, claimants: &[&Action]) -> Result<(), Error> {
        self.run.client.deadline.begin_writing();
        let is_create = |claimant: &&&Action| matches!(claimant, Action::Create { .. });
        for claimant in claimants.iter().filter(is_create) {
            self.ensure_creatable(claimant.address(), &[claimant]).await?;
            // The delete and the creates that follow are one replacement: neither the deadline nor an interruption may
            // fall between them.
            lock_ignoring_poison(&self.run.replacing).insert(action.address().clone());
        }
        Ok(())
    }

    async fn ensure_creatable(&self, at: &Address, actions: &[&Action]) -> Result<(), Error> {
        let Some(service) = self.run.services.get(&at.service) else { return Ok(()) };
        let path = routes::list_url(at.kind, &self.run.organization, service);
        // An idle service refuses the POST (seen live), perhaps only after it accepted the DELETE. Waking takes about a
        // minute, so the time that is left is checked before and after.
        self.check_time_to_replace(at)?;
        wake::ensure_awake(&self.run.client, &path).await?;
        for body in actions.iter().filter_map(|later| later.request_body()) {
            perform::ensure_endpoints_ready(&self.run, at, body).await?;
        }
        self.check_time_to_replace(at)?;
        lock_ignoring_poison(&self.run.replacing).insert(at.clone());
        Ok(())
    }

    /// Checks that the secrets of these actions can be resolved.
    pub fn check_secrets(&self, actions: &[&Action]) -> Result<(), Error> {
        for action in actions {
            if let Some(body) = action.request_body() {
                let found = secret::check_resolvable(action.address(), body, self.run.secrets.as_ref())?;
                self.run.client.run_redaction.add_request(&found);
            }
        }
        Ok(())
    }

    fn check_time_to_replace(&self, at: &Address) -> Result<(), Error> {
        let left = self.run.client.deadline.end_time().saturating_duration_since(Instant::now());
        if left < MIN_TIME_TO_REPLACE { Err(Error::NotEnoughTime { address: at.clone() }) } else { Ok(()) }
    }

    /// Sends one action, and waits until the object has settled, or only for the answer (see [`RemoteSettings::wait`]).
    pub async fn perform_action(&self, action: &Action) -> Result<PerformedAction, Error> {
        self.run.client.deadline.begin_writing();
        perform::perform_action(&self.run, action).await
    }

    /// Whether an action that is no longer waited for took effect, or may have. An action that only waited for its turn
    /// did not.
    pub fn may_have_taken_effect(&self, action: &Action) -> bool {
        match action {
            Action::Create { address, .. } => self.run.client.may_have_written(Method::Post, address),
            Action::Delete { address, .. } => self.run.client.may_have_written(Method::Delete, address),
            // Only creates and deletes are recorded by object. For these, "perhaps" is the safe answer.
            Action::Update { .. } | Action::SetState { .. } => true,
        }
    }

    /// Asks the API for the fields of a source. The pipe need not exist, and nothing is changed, but the secrets of the
    /// source are sent.
    pub async fn discover_source(&self, at: &Address, body: &Value) -> Result<Value, Error> {
        self.run.client.deadline.begin_reading();
        let unknown = || Error::UnknownService(at.service.clone());
        let service = self.run.services.get(&at.service).ok_or_else(unknown)?;
        let path = routes::schema_discovery_url(&self.run.organization, service);
        let filled = perform::fill_references(&self.run, at, body).await?;
        self.run.client.send(RequestSpec::new(Method::Post, &path).with_body(&filled).as_idempotent()).await
    }

    /// The identities of a service at other clouds; `None` if the API does not return them.
    ///
    /// # Errors
    ///
    /// When there is no response, or the key may not read it.
    pub async fn read_service_context(&self, service: &ServiceRef) -> Result<Option<Value>, Error> {
        self.run.client.deadline.begin_reading();
        let id = self.run.services.get(service).ok_or_else(|| Error::UnknownService(service.clone()))?;
        match self.run.client.get(&routes::context_url(&self.run.organization, id)).await {
            // To an API without this path, `context` is a pipe that does not exist, or no id at all.
            Err(error) if error.is_not_offered() || error.rejection_kind() == Some(RejectionKind::InvalidRequest) => {
                Ok(None)
            }
            answer => answer.map(Some),
        }
    }

    /// Reloads all tables of a database pipe. No plan contains this.
    pub async fn resync_pipe(&self, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
        self.run.client.deadline.begin_writing();
        perform::resync_pipe(&self.run, at, id).await
    }

    /// Waits until one more pipe may be stopped; `None` if the run is cancelled. The caller holds the permit until the
    /// pipe runs again: the rate limiter keeps a request free to start it.
    pub async fn acquire_pause_permit(&self) -> Option<PausePermit<'_>> {
        self.run.client.acquire_pause_permit().await
    }

    /// The pipe of an action, if this run stopped it, or may have, and has not started it since.
    pub fn paused_by_run(&self, action: &Action) -> Option<Id> {
        let at = action.address();
        let id = match action {
            Action::Update { id, .. } | Action::SetState { id, .. } => self.run.resolve_id(at, id.as_ref()),
            Action::Create { .. } | Action::Delete { .. } => return None,
        };
        id.ok().filter(|id| self.run.list_cache(at).is_ok_and(|known| known.pause_reason(id).is_some()))
    }

    /// Starts a pipe that this run stopped, even after the deadline or a cancellation: it has its own minute. Sends
    /// nothing if the pipe runs, and does not wait until it does.
    pub async fn resume_pipe(&self, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
        perform::resume_pipe(&self.run, at, id).await
    }

    /// Ends the run: every wait and every read fails at once with [`Error::Interrupted`]. Writes in progress are
    /// finished; only [`Remote::resume_pipe`] sends another one.
    pub fn cancel_run(&self) {
        self.run.client.cancellation.cancel();
    }

    /// The number of requests so far.
    pub fn request_counts(&self) -> RequestCounts {
        self.run.client.request_counts()
    }
}
