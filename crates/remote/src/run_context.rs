//! State that all operations of a run share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, Object, State};
use serde_json::Value;
use tokio::time::Instant;

use crate::client::Client;
use crate::command_dialect::CommandDialect;
use crate::deadline::TimeBudget;
use crate::error::Error;
use crate::list_cache::ListCache;
use crate::rate_limiter::lock_ignoring_poison;
use crate::routes;
use crate::secret::{EndpointReference, SecretProvider};
use crate::settings::RemoteSettings;

pub(crate) struct RunContext {
    pub(crate) client: Client,
    pub(crate) settings: RemoteSettings,
    pub(crate) organization: String,
    pub(crate) services: BTreeMap<ServiceRef, String>,
    pub(crate) command_dialect: CommandDialect,
    /// The path of the CDC scaling that answered, by service.
    pub(crate) scaling_paths: Mutex<BTreeMap<ServiceRef, String>>,
    pub(crate) secrets: Arc<dyn SecretProvider>,
    /// Objects that this run deletes to create them again.
    pub(crate) replacing: Mutex<BTreeSet<Address>>,
    list_caches: BTreeMap<(ServiceRef, Kind), ListCache>,
    /// The lists for which the API has no path.
    pub(crate) missing_lists: Mutex<BTreeSet<(ServiceRef, Kind)>>,
    created_ids: Mutex<BTreeMap<Address, Id>>,
    /// Pipes that this run asked the API to create paused.
    created_paused: Mutex<BTreeSet<Id>>,
}

// The time for each half of a replacement beyond the deadline: half a minute for the response to a create, and a minute
// to find the object of a create without one.
const REPLACE_STEP_TIME: Duration = Duration::from_secs(2 * 60);

const LISTED_KINDS: [Kind; 2] = [Kind::ReversePrivateEndpoint, Kind::ClickPipe];

impl RunContext {
    pub(crate) fn new(
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
            scaling_paths: Mutex::default(),
            secrets,
            list_caches,
            missing_lists: Mutex::default(),
            created_ids: Mutex::default(),
            created_paused: Mutex::default(),
            replacing: Mutex::default(),
        }
    }

    /// The budget of a request that creates or deletes an object.
    //
    // Between the DELETE and the POST of a replacement nothing reads the source. So neither the end of the run nor an
    // interruption ends it there:
    //
    //     DELETE -> 200
    //     interrupted                 other work ends here
    //     GET list   no longer listed
    //     POST   -> 200               the new object exists: only now the work ends
    pub(crate) fn budget_for(&self, at: &Address) -> TimeBudget {
        self.replacement_end(at).map_or(TimeBudget::Run, TimeBudget::Committed)
    }

    /// The budget of the wait after it.
    pub(crate) fn settle_budget_for(&self, at: &Address) -> TimeBudget {
        self.replacement_end(at).map_or(TimeBudget::Run, TimeBudget::Extended)
    }

    fn replacement_end(&self, at: &Address) -> Option<Instant> {
        let own = Instant::now() + REPLACE_STEP_TIME;
        let is_replaced = lock_ignoring_poison(&self.replacing).contains(at);
        is_replaced.then(|| self.client.deadline.end_time().max(own))
    }

    pub(crate) fn list_cache(&self, at: &Address) -> Result<&ListCache, Error> {
        let key = (at.service.clone(), at.kind);
        self.list_caches.get(&key).ok_or_else(|| Error::UnknownService(at.service.clone()))
    }

    /// The id to act on: the given one, that of the object created in this run, or the only one with the name.
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

    pub(crate) fn note_created_paused(&self, id: &Id) {
        lock_ignoring_poison(&self.created_paused).insert(id.clone());
    }

    pub(crate) fn was_created_paused(&self, id: &Id) -> bool {
        lock_ignoring_poison(&self.created_paused).contains(id)
    }

    pub(crate) fn note_deleted(&self, at: &Address, id: &Id) {
        lock_ignoring_poison(&self.created_ids).retain(|made, made_id| made != at || made_id != id);
    }

    pub(crate) fn endpoint_id(&self, at: &Address) -> Result<Id, Error> {
        self.resolve_id(at, None).map_err(|error| match error {
            Error::UnknownObject { address: at, found } => Error::UnknownEndpointReference { address: at, found },
            other => other,
        })
    }

    /// The live value of a reference, as far as the lists show it.
    pub(crate) fn resolve_reference(&self, reference: &EndpointReference<'_>) -> Result<Value, Error> {
        let at = &reference.address;
        let id = self.endpoint_id(at)?;
        // The id is enough for a reference by id.
        let unseen = || Object { id: id.clone(), state: State::default(), body: Value::Null };
        let endpoint = self.list_cache(at)?.last_seen(&id).unwrap_or_else(unseen);
        reference.resolved_value(&endpoint).ok_or_else(|| Error::EndpointWithoutDnsName { address: at.clone() })
    }
}
