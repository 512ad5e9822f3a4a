//! The live side, as one run sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::action::Action;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, Live};
use serde_json::Value;
use tokio::time::Instant;

use crate::cdc_scaling::Levels;
use crate::client::{Call, Client, Requests};
use crate::collection::Collection;
use crate::deadline::Budget;
use crate::error::Error;
use crate::observe::{self, Scope};
use crate::pace::{Pausing, lock};
use crate::perform::{self, Performed, Wording};
use crate::routes;
use crate::secret::{self, Filled, Secrets};
use crate::settings::Settings;
use crate::transport::{Method, Transport};
use crate::wake;

/// One organization's services through one key. Within a run it remembers which ids bear which
/// names, and shares its rate limit and its lists among everybody who asks at the same time.
pub struct Remote {
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    pub(crate) organization: String,
    pub(crate) services: BTreeMap<ServiceRef, String>,
    pub(crate) wording: Wording,
    pub(crate) levels: Levels,
    secrets: Arc<dyn Secrets>,
    collections: BTreeMap<(ServiceRef, Kind), Collection>,
    made: Mutex<BTreeMap<Address, Id>>,
    /// What is deleted to be made again: once begun, it is finished.
    replaced: Mutex<BTreeSet<Address>>,
}

/// A replacement is not begun when less of the run's time is left.
const REPLACES_WITHIN: Duration = Duration::from_secs(60);

/// The time of its own that each half of a replacement has: a create is answered in half a minute
/// if at all, and a minute goes into looking for one that was not.
const HALF_A_REPLACEMENT: Duration = Duration::from_secs(2 * 60);

/// The kinds of which a service has a list.
const LISTED: [Kind; 2] = [Kind::ReversePrivateEndpoint, Kind::ClickPipe];

impl Remote {
    /// Speaks for `organization` about its `services`, whose ids are given by the names that
    /// manifests use.
    pub fn new(
        transport: Arc<dyn Transport>,
        organization: String,
        services: BTreeMap<ServiceRef, String>,
        secrets: Arc<dyn Secrets>,
        settings: Settings,
    ) -> Self {
        let client = Client::new(transport, &settings);
        Self::with(client, organization, services, secrets, settings)
    }

    pub(crate) fn with(
        client: Client,
        organization: String,
        services: BTreeMap<ServiceRef, String>,
        secrets: Arc<dyn Secrets>,
        settings: Settings,
    ) -> Self {
        let collection = |service: &ServiceRef, id: &str, kind| {
            let path = routes::list(kind, &organization, id);
            ((service.clone(), kind), Collection::new(kind, path, settings.polling))
        };
        let collections = services
            .iter()
            .flat_map(|(service, id)| LISTED.map(|kind| collection(service, id, kind)))
            .collect();
        Self {
            client,
            settings,
            organization,
            services,
            wording: Wording::default(),
            levels: Levels::default(),
            secrets,
            collections,
            made: Mutex::default(),
            replaced: Mutex::default(),
        }
    }

    /// Reads what is live, all services at the same time.
    pub async fn observe(&self, scope: &Scope) -> Result<Live, Error> {
        self.client.deadline.reading();
        observe::observe(self, scope).await
    }

    /// Whether an action may be begun: every secret of those after it can be had, and what it
    /// deletes can be made again, in the time that is left. A service that sleeps is woken if that
    /// is allowed.
    pub async fn ready(&self, action: &Action, then: &[&Action]) -> Result<(), Error> {
        self.client.deadline.writing();
        for later in then {
            if let Some(body) = later.body() {
                secret::prove(later.at(), body, self.secrets.as_ref())?;
            }
        }
        let made_again = then.iter().any(|later| matches!(later, Action::Create { .. }));
        match (action, self.services.get(&action.at().service)) {
            (Action::Delete { at, .. }, Some(service)) if made_again => {
                let path = routes::list(at.kind, &self.organization, service);
                self.has_time_to_replace(at)?;
                wake::awake(&self.client, &path).await?;
                self.has_time_to_replace(at)?;
                lock(&self.replaced).insert(at.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn has_time_to_replace(&self, at: &Address) -> Result<(), Error> {
        let left = self.client.deadline.at().saturating_duration_since(Instant::now());
        if left < REPLACES_WITHIN { Err(Error::TooLate { at: at.clone() }) } else { Ok(()) }
    }

    /// Whose time the work on an object uses up that is made or deleted.
    pub(crate) fn budget(&self, at: &Address) -> Budget {
        if lock(&self.replaced).contains(at) {
            let own = Instant::now() + HALF_A_REPLACEMENT;
            Budget::Late(self.client.deadline.at().max(own))
        } else {
            Budget::Run
        }
    }

    /// Sends one action, and waits until it is accepted and has settled.
    pub async fn perform(&self, action: &Action) -> Result<Performed, Error> {
        self.client.deadline.writing();
        perform::perform(self, action).await
    }

    /// Has the API look into the source of a pipe that need not exist. Nothing is made or changed,
    /// but the secrets of the source are sent.
    pub async fn discover(&self, at: &Address, body: &Value) -> Result<Value, Error> {
        self.client.deadline.reading();
        let unknown = || Error::UnknownService(at.service.clone());
        let service = self.services.get(&at.service).ok_or_else(unknown)?;
        let path = routes::schema_discovery(&self.organization, service);
        let filled = self.fill(at, body).await?;
        self.client.send(Call::new(Method::Post, &path).with(&filled).harmless()).await
    }

    /// Has a database pipe read everything again. No plan asks for this.
    pub async fn resync(&self, at: &Address, id: &Id) -> Result<Performed, Error> {
        self.client.deadline.writing();
        perform::resync(self, at, id).await
    }

    /// To be held while a pipe is stopped that is to run again, so that there always are requests
    /// left to start it. Waits for its turn; `None` if somebody ends the run meanwhile.
    pub async fn pausing(&self) -> Option<Pausing<'_>> {
        self.client.pausing().await
    }

    /// The pipe of an action, if this run has stopped it, or may have, and has not started it since:
    /// for an action, or because the API wanted it for an edit.
    pub fn stopped(&self, action: &Action) -> Option<Id> {
        let at = action.at();
        let id = match action {
            Action::Update { id, .. } | Action::SetState { id, .. } => self.id(at, id.as_ref()),
            Action::Create { .. } | Action::Delete { .. } => return None,
        };
        id.ok().filter(|id| self.collection(at).is_ok_and(|known| known.pause(id).is_some()))
    }

    /// Starts a pipe again that this run has stopped, in a minute of its own: also after the run's
    /// time is over, and after an interruption. Nothing is sent if the pipe runs, and nobody
    /// waits until it does.
    pub async fn resume(&self, at: &Address, id: &Id) -> Result<Performed, Error> {
        perform::resume(self, at, id).await
    }

    /// Ends the run: every wait and every read ends at once with [`Error::Interrupted`], writes
    /// under way are finished, and only [`Remote::resume`] still sends any.
    pub fn interrupt(&self) {
        self.client.interrupt.raise();
    }

    /// What was sent so far.
    pub fn requests(&self) -> Requests {
        self.client.requests()
    }

    pub(crate) fn collection(&self, at: &Address) -> Result<&Collection, Error> {
        let key = (at.service.clone(), at.kind);
        self.collections.get(&key).ok_or_else(|| Error::UnknownService(at.service.clone()))
    }

    /// The object to act on: the one given, the one made in this run, or the only one that bears
    /// the name.
    pub(crate) fn id(&self, at: &Address, given: Option<&Id>) -> Result<Id, Error> {
        let made = || lock(&self.made).get(at).cloned();
        if let Some(id) = given.cloned().or_else(made) {
            return Ok(id);
        }
        let ids = self.collection(at)?.ids(&at.name);
        match ids.first() {
            Some(id) if ids.len() == 1 => Ok(id.clone()),
            _ => Err(Error::UnknownObject { at: at.clone(), found: ids.len() }),
        }
    }

    pub(crate) fn note_made(&self, at: &Address, id: &Id) {
        lock(&self.made).insert(at.clone(), id.clone());
    }

    pub(crate) fn note_gone(&self, at: &Address, id: &Id) {
        lock(&self.made).retain(|made, made_id| made != at || made_id != id);
    }

    /// Fills the references of a body, looking up the endpoints that it names. The API refuses a
    /// pipe that uses one which is still being made.
    pub(crate) async fn fill(&self, at: &Address, body: &Value) -> Result<Filled, Error> {
        for endpoint in secret::endpoints(at, body) {
            let collection = self.collection(&endpoint)?;
            collection.list_once(&self.client).await?;
            // What is missing, or there twice, is told below.
            if let Ok(id) = self.id(&endpoint, None) {
                perform::made(self, &endpoint, &id).await?;
            }
        }
        secret::fill(at, body, self.secrets.as_ref(), |endpoint| self.endpoint(endpoint))
    }

    fn endpoint(&self, at: &Address) -> Result<String, Error> {
        let id = self.id(at, None).map_err(|error| match error {
            Error::UnknownObject { at, found } => Error::UnknownEndpointReference { at, found },
            other => other,
        })?;
        Ok(id.as_str().to_owned())
    }
}
