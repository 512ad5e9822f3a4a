//! The operations of one run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::action::Action;
use model::address::{Address, ServiceRef};
use model::live::{Id, Live};
use serde_json::Value;
use tokio::time::Instant;

use crate::client::{Client, RequestCounts, RequestSpec};
use crate::error::Error;
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

/// One organization's services through one key. Within a run it remembers which ids have which names, and shares its rate
/// limit and its lists among all callers.
pub struct Remote {
    run: RunContext,
}

/// A replacement is not begun when less of the run's time is left.
const MIN_TIME_TO_REPLACE: Duration = Duration::from_secs(60);

impl Remote {
    /// Speaks for `organization` about its `services`, whose ids are given by the names that
    /// manifests use.
    pub fn new(
        transport: Arc<dyn Transport>,
        organization: String,
        services: BTreeMap<ServiceRef, String>,
        secrets: Arc<dyn SecretProvider>,
        settings: RemoteSettings,
    ) -> Self {
        let client = Client::new(transport, &settings);
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

    /// Reads what is live, all services at the same time.
    pub async fn observe_live(&self, scope: &ObserveScope) -> Result<Live, Error> {
        self.run.client.deadline.begin_reading();
        observe::observe_scope(&self.run, scope).await
    }

    /// Whether an action may be begun: every secret of those after it can be had, and what it
    /// deletes can be made again, in the time that is left. A service that sleeps is woken if that
    /// is allowed.
    pub async fn check_ready(&self, action: &Action, then: &[&Action]) -> Result<(), Error> {
        self.run.client.deadline.begin_writing();
        for later in then {
            if let Some(body) = later.request_body() {
                secret::check_resolvable(later.address(), body, self.run.secrets.as_ref())?;
            }
        }
        let is_recreated = then.iter().any(|later| matches!(later, Action::Create { .. }));
        match (action, self.run.services.get(&action.address().service)) {
            (Action::Delete { address: at, .. }, Some(service)) if is_recreated => {
                let path = routes::list_url(at.kind, &self.run.organization, service);
                self.check_time_to_replace(at)?;
                wake::ensure_awake(&self.run.client, &path).await?;
                self.check_time_to_replace(at)?;
                lock_ignoring_poison(&self.run.replacing).insert(at.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_time_to_replace(&self, at: &Address) -> Result<(), Error> {
        let left = self.run.client.deadline.end_time().saturating_duration_since(Instant::now());
        if left < MIN_TIME_TO_REPLACE { Err(Error::NotEnoughTime { address: at.clone() }) } else { Ok(()) }
    }

    /// Sends one action, and waits until it is accepted and has settled.
    pub async fn perform_action(&self, action: &Action) -> Result<PerformedAction, Error> {
        self.run.client.deadline.begin_writing();
        perform::perform_action(&self.run, action).await
    }

    /// Has the API look into the source of a pipe that need not exist. Nothing is made or changed,
    /// but the secrets of the source are sent.
    pub async fn discover_source(&self, at: &Address, body: &Value) -> Result<Value, Error> {
        self.run.client.deadline.begin_reading();
        let unknown = || Error::UnknownService(at.service.clone());
        let service = self.run.services.get(&at.service).ok_or_else(unknown)?;
        let path = routes::schema_discovery_url(&self.run.organization, service);
        let filled = perform::fill_references(&self.run, at, body).await?;
        self.run.client.send(RequestSpec::new(Method::Post, &path).with_body(&filled).as_idempotent()).await
    }

    /// Has a database pipe read everything again. No plan asks for this.
    pub async fn resync_pipe(&self, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
        self.run.client.deadline.begin_writing();
        perform::resync_pipe(&self.run, at, id).await
    }

    /// To be held while a pipe is stopped that is to run again, so that there always are requests
    /// left to start it. Waits for its turn; `None` if somebody ends the run meanwhile.
    pub async fn acquire_pause_permit(&self) -> Option<PausePermit<'_>> {
        self.run.client.acquire_pause_permit().await
    }

    /// The pipe of an action, if this run has stopped it, or may have, and has not started it since:
    /// for an action, or because the API wanted it for an edit.
    pub fn paused_by_run(&self, action: &Action) -> Option<Id> {
        let at = action.address();
        let id = match action {
            Action::Update { id, .. } | Action::SetState { id, .. } => self.run.resolve_id(at, id.as_ref()),
            Action::Create { .. } | Action::Delete { .. } => return None,
        };
        id.ok().filter(|id| self.run.list_cache(at).is_ok_and(|known| known.pause_reason(id).is_some()))
    }

    /// Starts a pipe again that this run has stopped, in a minute of its own: also after the run's
    /// time is over, and after an interruption. Nothing is sent if the pipe runs, and nobody
    /// waits until it does.
    pub async fn resume_pipe(&self, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
        perform::resume_pipe(&self.run, at, id).await
    }

    /// Ends the run: every wait and every read ends at once with [`Error::Interrupted`], writes
    /// under way are finished, and only [`Remote::resume_pipe`] still sends any.
    pub fn cancel_run(&self) {
        self.run.client.cancellation.cancel();
    }

    /// What was sent so far.
    pub fn request_counts(&self) -> RequestCounts {
        self.run.client.request_counts()
    }
}
