//! The whole emulated API as one value.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::discovery::SourceField;
use crate::api::{RequestContext, pipes};
use crate::apply_faults::{distort_response, fault_response};
use crate::auth::authenticate_header;
use crate::clock::Timestamp;
use crate::dispatch::dispatch_request;
use crate::endpoint::EndpointStatus;
use crate::faults::{FaultEffect, FaultParameters, FaultScript};
use crate::http_types::{ApiRefusal, ApiResult, Delivery, SandboxRequest, SandboxResponse, wrap_in_envelope};
use crate::lifecycle::EmulatedPipeState;
use crate::options::SandboxOptions;
use crate::pipe::EmulatedPipe;
use crate::rate_limiter::KeyRateLimiter;
use crate::request_log::{LoggedRequest, RequestLog, redact_body};
use crate::routes::{Route, ServiceRoute, parse_route};
use crate::service::{EmulatedService, ServiceState};
use crate::timeline::Timeline;
use crate::uuid::{self, IdGenerator};

/// An organization with its services, pipes and endpoints, the clock and the log of requests. It can be
/// serialized and restored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    options: SandboxOptions,
    now: Timestamp,
    ids: IdGenerator,
    /// Changes with every request, so that the oddities of reads differ.
    seed: u64,
    pub(crate) services: BTreeMap<String, EmulatedService>,
    limiter: KeyRateLimiter,
    faults: FaultScript,
    /// The fields that schema discovery finds, by topic, stream or path.
    #[serde(default)]
    fields: BTreeMap<String, Vec<SourceField>>,
    request_log: RequestLog,
    /// Requests that were answered with 504 and will take effect later.
    // Not saved: their bodies contain secrets.
    #[serde(skip)]
    delayed_requests: Vec<(Timestamp, SandboxRequest)>,
}

impl World {
    /// A world without services.
    pub fn new(options: SandboxOptions) -> Self {
        Self {
            options,
            now: Timestamp::START,
            ids: IdGenerator::default(),
            seed: 0,
            services: BTreeMap::new(),
            limiter: KeyRateLimiter::default(),
            faults: FaultScript::default(),
            fields: BTreeMap::new(),
            request_log: RequestLog::default(),
            delayed_requests: Vec::new(),
        }
    }

    /// The options of the world.
    pub fn options(&self) -> &SandboxOptions {
        &self.options
    }

    /// Replaces the options, such as those of a restored world.
    pub fn set_options(&mut self, options: SandboxOptions) {
        self.options = options;
    }

    /// Creates the service if it is missing, and returns its id. A name in the form of a UUID is the id.
    pub fn ensure_service(&mut self, name: &str) -> String {
        let id = service_id(name);
        let now = self.now;
        let missing = || EmulatedService::new(id.clone(), name, now);
        self.services.entry(id.clone()).or_insert_with(missing);
        id
    }

    /// The names of the services by id.
    pub fn service_names(&self) -> BTreeMap<String, String> {
        self.services.iter().map(|(id, service)| (id.clone(), service.name.clone())).collect()
    }

    /// Moves the virtual clock. In the process, it moves only by this call.
    pub fn advance_clock(&mut self, by: Duration) {
        self.now = self.now.after(by);
    }

    /// The time of the virtual clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The last requests, at most two thousand.
    pub fn request_log(&self) -> &[LoggedRequest] {
        self.request_log.entries()
    }

    /// The faults to come.
    pub fn fault_script(&mut self) -> &mut FaultScript {
        &mut self.faults
    }

    /// The states of the services by id, in the words of the API.
    pub fn service_states(&self) -> BTreeMap<String, String> {
        let state = |service: &EmulatedService| service.state.value_at(self.now).api_name();
        self.services.iter().map(|(id, service)| (id.clone(), state(service))).collect()
    }

    /// Sets the state of a service (by name or id) and cancels scheduled changes of it.
    pub fn set_service_state(&mut self, service: &str, state: ServiceState) {
        if let Some(service) = self.services.get_mut(&service_id(service)) {
            service.state = Timeline::new(state);
        }
    }

    /// Sets the state of a pipe (by name or id) and cancels scheduled changes of it. Returns `false` if
    /// there is no such pipe.
    pub fn set_pipe_state(&mut self, service: &str, pipe: &str, state: EmulatedPipeState) -> bool {
        let pipe = self.find_pipe_mut(service, pipe);
        pipe.map(|pipe| pipe.states = Timeline::new(state)).is_some()
    }

    /// Sets the status of a reverse private endpoint (by description or id), as the owner of the source
    /// does by accepting the connection. Returns `false` if there is no such endpoint.
    pub fn set_endpoint_status(&mut self, service: &str, endpoint: &str, status: EndpointStatus) -> bool {
        let service = self.services.get_mut(&service_id(service));
        let mut endpoints = service.into_iter().flat_map(|service| &mut service.endpoints);
        let named = endpoints.find(|each| each.id == endpoint || each.body["description"] == endpoint);
        named.map(|endpoint| endpoint.status = Timeline::new(status)).is_some()
    }

    /// The pipes of a service (by name or id) as the API lists them.
    pub fn list_pipes(&self, service: &str) -> Vec<Value> {
        let service = self.services.get(&service_id(service));
        let listed = |service| pipes::visible_pipes(service, self.now, &self.options, self.seed);
        service.map(listed).unwrap_or_default()
    }

    /// The number of pipes in all services.
    pub fn pipe_count(&self) -> usize {
        self.services.values().map(|service| service.pipes.len()).sum()
    }

    /// Changes a live pipe (by name or id) as the console would. `change` gets its stored name, source,
    /// destination, field mappings and settings, with masked secrets. Returns `false` if there is no
    /// such pipe.
    pub fn edit_pipe(&mut self, service: &str, pipe: &str, change: impl FnOnce(&mut Value)) -> bool {
        let now = self.now;
        let pipe = self.find_pipe_mut(service, pipe);
        pipe.map(|pipe| pipe.edit_unchecked(now, change)).is_some()
    }

    /// The first field of a merge patch that the pipe cannot have.
    pub(crate) fn find_unknown_edit(&mut self, service: &str, pipe: &str, merge: &Value) -> Option<String> {
        let unknown = self.options.unknown_fields;
        self.find_pipe_mut(service, pipe)?.find_unknown_edit(merge, unknown)
    }

    fn find_pipe_mut(&mut self, service: &str, pipe: &str) -> Option<&mut EmulatedPipe> {
        let now = self.now;
        let pipes = &mut self.services.get_mut(&service_id(service))?.pipes;
        pipes.iter_mut().find(|each| (each.id == pipe || each.name == pipe) && !each.is_deleted(now))
    }

    /// Sets the fields that schema discovery finds in the topic, stream or path of that name.
    pub fn set_source_fields(&mut self, of: &str, fields: Vec<SourceField>) {
        self.fields.insert(of.to_owned(), fields);
    }

    /// Drops the tables of database pipes that are deleted, paused, completed or failed.
    pub fn drop_tables(&mut self, service: &str) {
        let now = self.now;
        if let Some(service) = self.services.get_mut(&service_id(service)) {
            service.leftover_tables.clear();
            service.pipes.iter_mut().for_each(|pipe| pipe.drop_tables(now));
        }
    }

    pub(crate) fn handle_api_request(&mut self, request: &SandboxRequest) -> SandboxResponse {
        self.run_delayed_requests();
        self.remove_deleted();
        self.seed = uuid::mix_bits(self.seed);
        let request_id = self.ids.next_id();
        let effects = self.faults.take_matching(&request.method, &request.path);
        self.delay_request(request, &effects);
        let mut response = match fault_response(&effects, &request_id) {
            Some(response) => response,
            None => {
                wrap_in_envelope(self.answer_request(request, FaultParameters::from_effects(&effects)), &request_id)
            }
        };
        let error = response.json_body()["error"].as_str().map(str::to_owned);
        // After the error text is taken: a distorted answer may repeat the secrets of the body.
        distort_response(&mut response, &request.body, &effects);
        self.request_log.record_request(LoggedRequest {
            received_at: self.now,
            method: request.method.clone(),
            path: request.path.clone(),
            status: response.status,
            answered: response.delivery == Delivery::Answered,
            request_id,
            body: redact_body(&request.body),
            error,
        });
        response
    }

    fn remove_deleted(&mut self) {
        for service in self.services.values_mut() {
            service.remove_deleted(self.now);
        }
    }

    fn delay_request(&mut self, request: &SandboxRequest, effects: &[FaultEffect]) {
        for effect in effects {
            if let FaultEffect::LateCommit(seconds) = effect {
                self.delayed_requests.push((self.now.after_seconds(*seconds), request.clone()));
            }
        }
    }

    fn run_delayed_requests(&mut self) {
        // Each request takes effect at its own time, before the current request. Its response is not delivered.
        let now = self.now;
        let (due, rest) = std::mem::take(&mut self.delayed_requests).into_iter().partition(|(at, _)| *at <= now);
        self.delayed_requests = rest;
        let due: Vec<(Timestamp, SandboxRequest)> = due;
        for (at, request) in due {
            self.now = at;
            self.remove_deleted();
            let _ = self.run_request(&request, FaultParameters::from_effects(&[]));
        }
        self.now = now;
    }

    // The key is checked before the limit: requests without a valid key do not count.
    fn answer_request(&mut self, request: &SandboxRequest, fault_parameters: FaultParameters) -> ApiResult {
        let key = authenticate_header(request.authorization.as_deref())?;
        if let Some(limit) = self.options.rate_limit {
            let admitted = self.limiter.admit_request(&key.id, self.now, limit);
            admitted.map_err(|reset| ApiRefusal::rate_limited(Some(reset)))?;
        }
        self.run_request(request, fault_parameters)
    }

    fn run_request(&mut self, request: &SandboxRequest, fault_parameters: FaultParameters) -> ApiResult {
        let key = authenticate_header(request.authorization.as_deref())?;
        let route = parse_route(&request.path)?;
        let method = request.method.as_str();
        // Schema discovery is a POST without effect, so the read-only key may use it.
        let reads = method == "GET" || matches!(route, Route::Service(_, ServiceRoute::SchemaDiscovery));
        key.authorize_request(!reads)?;
        let mut call = RequestContext {
            now: self.now,
            options: &self.options,
            ids: &mut self.ids,
            fault_parameters,
            read_seed: self.seed,
            body: &request.body,
            discoverable_fields: &self.fields,
        };
        dispatch_request(&mut self.services, method, route, &mut call)
    }
}

pub(crate) fn service_id(name: &str) -> String {
    if uuid::is_uuid(name) { name.to_owned() } else { uuid::uuid_from_name(name) }
}
