//! The live side, as one run sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::action::Action;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, Live};
use serde_json::Value;
use tokio::time::Instant;

use crate::cdc_scaling::ScalingPaths;
use crate::client::{Client, RequestCounts, RequestSpec};
use crate::deadline::TimeBudget;
use crate::error::Error;
use crate::list_cache::ListCache;
use crate::observe::{self, ObserveScope};
use crate::perform::{self, CommandDialect, PerformedAction};
use crate::rate_limiter::{PausePermit, lock_ignoring_poison};
use crate::routes;
use crate::secret::{self, FilledBody, SecretProvider};
use crate::settings::RemoteSettings;
use crate::transport::{Method, Transport};
use crate::wake;

/// One organization's services through one key. Within a run it remembers which ids bear which
/// names, and shares its rate limit and its lists among everybody who asks at the same time.
pub struct Remote {
    pub(crate) client: Client,
    pub(crate) settings: RemoteSettings,
    pub(crate) organization: String,
    pub(crate) services: BTreeMap<ServiceRef, String>,
    pub(crate) command_dialect: CommandDialect,
    pub(crate) scaling_paths: ScalingPaths,
    secrets: Arc<dyn SecretProvider>,
    list_caches: BTreeMap<(ServiceRef, Kind), ListCache>,
    created_ids: Mutex<BTreeMap<Address, Id>>,
    /// What is deleted to be made again: once begun, it is finished.
    replacing: Mutex<BTreeSet<Address>>,
}

/// A replacement is not begun when less of the run's time is left.
const MIN_TIME_TO_REPLACE: Duration = Duration::from_secs(60);

/// The time of its own that each half of a replacement has: a create is answered in half a minute
/// if at all, and a minute goes into looking for one that was not.
const REPLACE_STEP_TIME: Duration = Duration::from_secs(2 * 60);

/// The kinds of which a service has a list.
const LISTED_KINDS: [Kind; 2] = [Kind::ReversePrivateEndpoint, Kind::ClickPipe];

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
        let list_cache = |service: &ServiceRef, id: &str, kind| {
            let path = routes::list_url(kind, &organization, id);
            ((service.clone(), kind), ListCache::new(kind, path, settings.polling))
        };
        let list_caches =
            services.iter().flat_map(|(service, id)| LISTED_KINDS.map(|kind| list_cache(service, id, kind))).collect();
        Self {
            client,
            settings,
            organization,
            services,
            command_dialect: CommandDialect::default(),
            scaling_paths: ScalingPaths::default(),
            secrets,
            list_caches,
            created_ids: Mutex::default(),
            replacing: Mutex::default(),
        }
    }

    /// Reads what is live, all services at the same time.
    pub async fn observe_live(&self, scope: &ObserveScope) -> Result<Live, Error> {
        self.client.deadline.begin_reading();
        observe::observe_scope(self, scope).await
    }

    /// Whether an action may be begun: every secret of those after it can be had, and what it
    /// deletes can be made again, in the time that is left. A service that sleeps is woken if that
    /// is allowed.
    pub async fn check_ready(&self, action: &Action, then: &[&Action]) -> Result<(), Error> {
        self.client.deadline.begin_writing();
        for later in then {
            if let Some(body) = later.request_body() {
                secret::check_resolvable(later.address(), body, self.secrets.as_ref())?;
            }
        }
        let is_recreated = then.iter().any(|later| matches!(later, Action::Create { .. }));
        match (action, self.services.get(&action.address().service)) {
            (Action::Delete { address: at, .. }, Some(service)) if is_recreated => {
                let path = routes::list_url(at.kind, &self.organization, service);
                self.check_time_to_replace(at)?;
                wake::ensure_awake(&self.client, &path).await?;
                self.check_time_to_replace(at)?;
                lock_ignoring_poison(&self.replacing).insert(at.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_time_to_replace(&self, at: &Address) -> Result<(), Error> {
        let left = self.client.deadline.end_time().saturating_duration_since(Instant::now());
        if left < MIN_TIME_TO_REPLACE { Err(Error::NotEnoughTime { address: at.clone() }) } else { Ok(()) }
    }

    /// Whose time the work on an object uses up that is made or deleted.
    pub(crate) fn budget_for(&self, at: &Address) -> TimeBudget {
        if lock_ignoring_poison(&self.replacing).contains(at) {
            let own = Instant::now() + REPLACE_STEP_TIME;
            TimeBudget::Extended(self.client.deadline.end_time().max(own))
        } else {
            TimeBudget::Run
        }
    }

    /// Sends one action, and waits until it is accepted and has settled.
    pub async fn perform_action(&self, action: &Action) -> Result<PerformedAction, Error> {
        self.client.deadline.begin_writing();
        perform::perform_action(self, action).await
    }

    /// Has the API look into the source of a pipe that need not exist. Nothing is made or changed,
    /// but the secrets of the source are sent.
    pub async fn discover_source(&self, at: &Address, body: &Value) -> Result<Value, Error> {
        self.client.deadline.begin_reading();
        let unknown = || Error::UnknownService(at.service.clone());
        let service = self.services.get(&at.service).ok_or_else(unknown)?;
        let path = routes::schema_discovery_url(&self.organization, service);
        let filled = self.fill_references(at, body).await?;
        self.client.send(RequestSpec::new(Method::Post, &path).with_body(&filled).as_idempotent()).await
    }

    /// Has a database pipe read everything again. No plan asks for this.
    pub async fn resync_pipe(&self, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
        self.client.deadline.begin_writing();
        perform::resync_pipe(self, at, id).await
    }

    /// To be held while a pipe is stopped that is to run again, so that there always are requests
    /// left to start it. Waits for its turn; `None` if somebody ends the run meanwhile.
    pub async fn acquire_pause_permit(&self) -> Option<PausePermit<'_>> {
        self.client.acquire_pause_permit().await
    }

    /// The pipe of an action, if this run has stopped it, or may have, and has not started it since:
    /// for an action, or because the API wanted it for an edit.
    pub fn paused_by_run(&self, action: &Action) -> Option<Id> {
        let at = action.address();
        let id = match action {
            Action::Update { id, .. } | Action::SetState { id, .. } => self.resolve_id(at, id.as_ref()),
            Action::Create { .. } | Action::Delete { .. } => return None,
        };
        id.ok().filter(|id| self.list_cache(at).is_ok_and(|known| known.pause_reason(id).is_some()))
    }

    /// Starts a pipe again that this run has stopped, in a minute of its own: also after the run's
    /// time is over, and after an interruption. Nothing is sent if the pipe runs, and nobody
    /// waits until it does.
    pub async fn resume_pipe(&self, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
        perform::resume_pipe(self, at, id).await
    }

    /// Ends the run: every wait and every read ends at once with [`Error::Interrupted`], writes
    /// under way are finished, and only [`Remote::resume_pipe`] still sends any.
    pub fn cancel_run(&self) {
        self.client.cancellation.cancel();
    }

    /// What was sent so far.
    pub fn request_counts(&self) -> RequestCounts {
        self.client.request_counts()
    }

    pub(crate) fn list_cache(&self, at: &Address) -> Result<&ListCache, Error> {
        let key = (at.service.clone(), at.kind);
        self.list_caches.get(&key).ok_or_else(|| Error::UnknownService(at.service.clone()))
    }

    /// The object to act on: the one given, the one made in this run, or the only one that bears
    /// the name.
    pub(crate) fn resolve_id(&self, at: &Address, given: Option<&Id>) -> Result<Id, Error> {
        let created = || lock_ignoring_poison(&self.created_ids).get(at).cloned();
        if let Some(id) = given.cloned().or_else(created) {
            return Ok(id);
        }
        let ids = self.list_cache(at)?.ids_named(&at.name);
        match ids.first() {
            Some(id) if ids.len() == 1 => Ok(id.clone()),
            _ => Err(Error::UnknownObject { address: at.clone(), found: ids.len() }),
        }
    }

    pub(crate) fn note_created(&self, at: &Address, id: &Id) {
        lock_ignoring_poison(&self.created_ids).insert(at.clone(), id.clone());
    }

    pub(crate) fn note_deleted(&self, at: &Address, id: &Id) {
        lock_ignoring_poison(&self.created_ids).retain(|made, made_id| made != at || made_id != id);
    }

    /// Fills the references of a body, looking up the endpoints that it names. The API refuses a
    /// pipe that uses one which is still being made.
    pub(crate) async fn fill_references(&self, at: &Address, body: &Value) -> Result<FilledBody, Error> {
        for endpoint in secret::referenced_endpoints(at, body) {
            let list_cache = self.list_cache(&endpoint)?;
            list_cache.ensure_listed(&self.client).await?;
            // What is missing, or there twice, is told below.
            if let Ok(id) = self.resolve_id(&endpoint, None) {
                perform::wait_until_created(self, &endpoint, &id).await?;
            }
        }
        secret::fill_body(at, body, self.secrets.as_ref(), |endpoint| self.endpoint_id(endpoint))
    }

    fn endpoint_id(&self, at: &Address) -> Result<String, Error> {
        let id = self.resolve_id(at, None).map_err(|error| match error {
            Error::UnknownObject { address: at, found } => Error::UnknownEndpointReference { address: at, found },
            other => other,
        })?;
        Ok(id.as_str().to_owned())
    }
}
