//! The whole emulated API as one value.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::discovery::Field;
use crate::api::{Call, pipes};
use crate::auth::authenticate;
use crate::clock::Timestamp;
use crate::control;
use crate::dispatch::dispatch;
use crate::endpoint::EndpointStatus;
use crate::faults::{Effect, Faults, Tweaks};
use crate::journal::{Entry, Journal, redact};
use crate::lifecycle::PipeState;
use crate::limiter::Limiter;
use crate::message::{Answer, Fate, Refusal, Request, Response, envelope};
use crate::options::Options;
use crate::pipe::Pipe;
use crate::routes::{Place, Route, route};
use crate::service::{Service, ServiceState};
use crate::spoil::{refused_outright, spoil};
use crate::timeline::Timeline;
use crate::uuid::{self, Ids};

/// An organization with its services, pipes and endpoints; a clock; and a memory of what was
/// asked. Serialise it to keep it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    options: Options,
    now: Timestamp,
    ids: Ids,
    /// Moves with every request, and makes reads differ.
    seed: u64,
    pub(crate) services: BTreeMap<String, Service>,
    limiter: Limiter,
    faults: Faults,
    /// What somebody said the sources hold.
    #[serde(default)]
    fields: BTreeMap<String, Vec<Field>>,
    journal: Journal,
    /// Given up by a gateway, and still to be carried out. Not kept: they may hold secrets.
    #[serde(skip)]
    late: Vec<(Timestamp, Request)>,
}

impl World {
    /// A world with no service in it.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            now: Timestamp::START,
            ids: Ids::default(),
            seed: 0,
            services: BTreeMap::new(),
            limiter: Limiter::default(),
            faults: Faults::default(),
            fields: BTreeMap::new(),
            journal: Journal::default(),
            late: Vec::new(),
        }
    }

    /// How the world behaves.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Lets the world behave otherwise from now on, as when a kept one is asked to.
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// The id of the service of that name, made if it is missing. A name in the form of a UUID
    /// is the id.
    pub fn ensure_service(&mut self, name: &str) -> String {
        let id = service_id(name);
        let now = self.now;
        let missing = || Service::new(id.clone(), name, now);
        self.services.entry(id.clone()).or_insert_with(missing);
        id
    }

    /// Moves the clock. Nothing else does, in process.
    pub fn advance(&mut self, by: Duration) {
        self.now = self.now.after(by);
    }

    /// The time of the virtual clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The requests so far; the oldest are dropped when there are more than two thousand.
    pub fn journal(&self) -> &[Entry] {
        self.journal.entries()
    }

    /// The script of things to go wrong.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Puts a service (by name or id) into a state at once, where it stays.
    pub fn set_service_state(&mut self, service: &str, state: ServiceState) {
        if let Some(service) = self.services.get_mut(&service_id(service)) {
            service.state = Timeline::new(state);
        }
    }

    /// Puts a pipe (by name or id) into a state at once, where it stays. Says whether there is
    /// such a pipe.
    pub fn set_pipe_state(&mut self, service: &str, pipe: &str, state: PipeState) -> bool {
        let pipe = self.pipe_mut(service, pipe);
        pipe.map(|pipe| pipe.life = Timeline::new(state)).is_some()
    }

    /// Gives a reverse private endpoint (by description or id) a status at once, as its owner
    /// does who accepts the connection. Says whether there is such an endpoint.
    pub fn set_endpoint_status(
        &mut self,
        service: &str,
        endpoint: &str,
        status: EndpointStatus,
    ) -> bool {
        let service = self.services.get_mut(&service_id(service));
        let mut endpoints = service.into_iter().flat_map(|service| &mut service.endpoints);
        let named =
            endpoints.find(|each| each.id == endpoint || each.body["description"] == endpoint);
        named.map(|endpoint| endpoint.status = Timeline::new(status)).is_some()
    }

    /// The pipes of a service (by name or id) as a list of the API shows them.
    pub fn pipes(&self, service: &str) -> Vec<Value> {
        let service = self.services.get(&service_id(service));
        let listed = |service| pipes::listed(service, self.now, &self.options, self.seed);
        service.map(listed).unwrap_or_default()
    }

    /// Changes a live pipe (by name or id) behind every client's back, as the console would:
    /// `change` gets its name, source, destination, field mappings and settings as they are kept,
    /// with secrets masked. Says whether there is such a pipe.
    pub fn edit_pipe(
        &mut self,
        service: &str,
        pipe: &str,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        let now = self.now;
        let pipe = self.pipe_mut(service, pipe);
        pipe.map(|pipe| pipe.edit(now, change)).is_some()
    }

    fn pipe_mut(&mut self, service: &str, pipe: &str) -> Option<&mut Pipe> {
        let now = self.now;
        let pipes = &mut self.services.get_mut(&service_id(service))?.pipes;
        pipes.iter_mut().find(|each| (each.id == pipe || each.name == pipe) && !each.is_gone(now))
    }

    /// Says which fields a schema discovery finds in the topic, stream or path of that name.
    pub fn set_fields(&mut self, of: &str, fields: Vec<Field>) {
        self.fields.insert(of.to_owned(), fields);
    }

    /// Drops the tables of database pipes that are deleted or at rest, as one does by hand before
    /// creating them anew.
    pub fn drop_tables(&mut self, service: &str) {
        let now = self.now;
        if let Some(service) = self.services.get_mut(&service_id(service)) {
            service.tables.clear();
            service.pipes.iter_mut().for_each(|pipe| pipe.sweep(now));
        }
    }

    /// Answers one request.
    pub fn handle(&mut self, request: &Request) -> Response {
        if let Some(response) = control::handle(self, request) {
            return response;
        }
        self.carry_out_late();
        self.settle();
        self.seed = uuid::mix(self.seed);
        let request_id = self.ids.issue();
        let effects = self.faults.strike(&request.method, &request.path);
        self.put_off(request, &effects);
        let mut response = match refused_outright(&effects, &request_id) {
            Some(response) => response,
            None => envelope(self.answer(request, Tweaks::of(&effects)), &request_id),
        };
        let error = response.json_body()["error"].as_str().map(str::to_owned);
        spoil(&mut response, &request.body, &effects);
        self.journal.note(Entry {
            at: self.now,
            method: request.method.clone(),
            path: request.path.clone(),
            status: response.status,
            answered: response.fate == Fate::Answered,
            request_id,
            body: redact(&request.body),
            error,
        });
        response
    }

    fn settle(&mut self) {
        for service in self.services.values_mut() {
            service.settle(self.now);
        }
    }

    fn put_off(&mut self, request: &Request, effects: &[Effect]) {
        for effect in effects {
            if let Effect::LateCommit(seconds) = effect {
                self.late.push((self.now.after_seconds(*seconds), request.clone()));
            }
        }
    }

    /// Does what is due of what a gateway gave up, each at its own time. Nobody hears the answers.
    fn carry_out_late(&mut self) {
        let now = self.now;
        let (due, rest) =
            std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = rest;
        let due: Vec<(Timestamp, Request)> = due;
        for (at, request) in due {
            self.now = at;
            self.settle();
            let _ = self.carry_out(&request, Tweaks::of(&[]));
        }
        self.now = now;
    }

    fn answer(&mut self, request: &Request, tweaks: Tweaks) -> Answer {
        let key = authenticate(request.authorization.as_deref())?;
        if let Some(limit) = self.options.rate_limit {
            let admitted = self.limiter.admit(key.id(), self.now, limit);
            admitted.map_err(|reset| Refusal::rate_limited(Some(reset)))?;
        }
        self.carry_out(request, tweaks)
    }

    fn carry_out(&mut self, request: &Request, tweaks: Tweaks) -> Answer {
        let key = authenticate(request.authorization.as_deref())?;
        let route = route(&request.path)?;
        let method = request.method.as_str();
        let reads = method == "GET" || matches!(route, Route::Service(_, Place::SchemaDiscovery));
        key.allow(!reads)?;
        let mut call = Call {
            now: self.now,
            options: &self.options,
            ids: &mut self.ids,
            tweaks,
            seed: self.seed,
            body: &request.body,
            fields: &self.fields,
        };
        dispatch(&mut self.services, method, route, &mut call)
    }
}

/// The id of a service that is given by its name or its id.
pub(crate) fn service_id(name: &str) -> String {
    if uuid::is_uuid(name) { name.to_owned() } else { uuid::from_name(name) }
}
