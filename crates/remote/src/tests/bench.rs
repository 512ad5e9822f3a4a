//! A remote that speaks to a world in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use model::action::{Action, RunState, UpdateVia};
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::{Id, Live};
use sandbox::{Delivery, KEY_ID, KEY_SECRET, ORGANIZATION, SandboxOptions, World, basic_authorization};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    ApiRequest, ApiResponse, Error, ObserveScope, PerformedAction, Remote, RemoteSettings, ResponseFuture,
    SecretProvider, Transport, TransportError,
};

/// The name of the service that every test is about.
pub(super) const SERVICE: &str = "analytics";

/// The value of the variable `CANARY` in tests.
pub(super) const CANARY: &str = "canary-5ecret";

/// Passes requests on to a world, whose clock follows tokio's.
struct InProcessTransport {
    world: Arc<Mutex<World>>,
    authorization: String,
    last_request: Mutex<Instant>,
}

impl InProcessTransport {
    fn advance_world(&self, world: &mut World) {
        let mut told = self.last_request.lock().unwrap();
        world.advance_clock(told.elapsed());
        *told = Instant::now();
    }
}

impl Transport for InProcessTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        Box::pin(async move {
            let response = {
                let mut world = self.world.lock().unwrap();
                self.advance_world(&mut world);
                world.handle_request(&sandbox::SandboxRequest {
                    method: request.method.as_str().to_owned(),
                    path: request.path,
                    authorization: Some(self.authorization.clone()),
                    body: request.body.map(|body| body.expose_bytes().to_vec()).unwrap_or_default(),
                })
            };
            sleep(response.delay).await;
            match response.delivery {
                Delivery::Answered => {
                    let sandbox::SandboxResponse { status, headers, body, .. } = response;
                    Ok(ApiResponse { status, headers, body })
                }
                Delivery::CutBeforeAnswer => Err(TransportError::AnswerLost("connection reset by peer".to_owned())),
            }
        })
    }
}

/// Knows one variable.
pub(super) struct OneSecret;

impl SecretProvider for OneSecret {
    fn resolve_secret(&self, reference: &Value) -> Result<SecretString, String> {
        match reference["fromEnv"].as_str() {
            Some("CANARY") => Ok(CANARY.into()),
            _ => Err("the variable is not set".to_owned()),
        }
    }
}

pub(super) struct RemoteBench {
    world: Arc<Mutex<World>>,
    transport: Arc<InProcessTransport>,
    pub(super) remote: Remote,
}

impl RemoteBench {
    /// The honest API.
    pub(super) fn new() -> Self {
        Self::with_settings(SandboxOptions::with_observed_quirks(), RemoteSettings::default())
    }

    /// The honest API without its rate limit, and a client that knows of none.
    pub(super) fn without_rate_limit() -> Self {
        let options = SandboxOptions { rate_limit: None, ..SandboxOptions::with_observed_quirks() };
        Self::with_settings(options, RemoteSettings { rate: None, ..RemoteSettings::default() })
    }

    pub(super) fn with_settings(options: SandboxOptions, settings: RemoteSettings) -> Self {
        Self::with_key(KEY_ID, KEY_SECRET, options, settings)
    }

    pub(super) fn with_key(id: &str, secret: &str, options: SandboxOptions, settings: RemoteSettings) -> Self {
        let mut world = World::new(options);
        let service = world.ensure_service(SERVICE);
        let world = Arc::new(Mutex::new(world));
        let transport = InProcessTransport {
            world: Arc::clone(&world),
            authorization: basic_authorization(id, secret),
            last_request: Mutex::new(Instant::now()),
        };
        let transport = Arc::new(transport);
        let remote = remote_with(&transport, service, settings);
        Self { world, transport, remote }
    }

    /// Somebody else at the same API.
    pub(super) fn sharing_world(other: &Self) -> Self {
        let (world, transport) = (Arc::clone(&other.world), Arc::clone(&other.transport));
        let service = other.lock_world().ensure_service(SERVICE);
        let remote = remote_with(&transport, service, RemoteSettings::default());
        Self { world, transport, remote }
    }

    pub(super) fn lock_world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(super) async fn observe_kinds(&self, kinds: &[Kind]) -> Live {
        self.remote.observe_live(&scope_of_kinds(kinds)).await.unwrap()
    }

    pub(super) async fn create_pipe(&self, name: &str, body: Value) -> Result<PerformedAction, Error> {
        self.remote.perform_action(&Action::create(pipe_address(name), body)).await
    }

    /// Creates a pipe and returns its id.
    pub(super) async fn create_for_id(&self, name: &str, body: Value) -> Id {
        self.create_pipe(name, body).await.unwrap().id
    }

    pub(super) async fn set_state(&self, name: &str, to: RunState) -> Result<PerformedAction, Error> {
        self.remote.perform_action(&Action::SetState { address: pipe_address(name), id: None, to }).await
    }

    pub(super) async fn update_pipe(&self, name: &str, via: UpdateVia, body: Value) -> Result<PerformedAction, Error> {
        self.remote.perform_action(&Action::update(pipe_address(name), None, via, body)).await
    }

    /// The requests of this method so far whose path ends so, with their statuses.
    pub(super) fn request_statuses(&self, method: &str, end: &str) -> Vec<u16> {
        let world = self.lock_world();
        let fits = world.request_log().iter().filter(|entry| entry.method == method && entry.path.ends_with(end));
        fits.map(|entry| entry.status).collect()
    }

    /// Every write since the `from`th request that the API took: the command, or the method and
    /// the fields that were edited.
    pub(super) fn write_lines(&self, from: usize) -> Vec<String> {
        let world = self.lock_world();
        let taken = world.request_log().iter().skip(from).filter(|entry| entry.method != "GET");
        let told = taken.map(|entry| match entry.body["command"].as_str() {
            Some(command) => format!("{command} {}", entry.status),
            None => format!("{} {} {}", entry.method, edited_fields(&entry.body), entry.status),
        });
        told.collect()
    }

    /// The states of the service's pipes at this moment, by name.
    pub(super) async fn pipe_states(&self) -> Vec<(String, String)> {
        let live = self.observe_kinds(&[Kind::ClickPipe]).await;
        let objects = |(at, observed): (&Address, &model::live::LiveObjects)| {
            let name = at.name.to_string();
            let states = observed.objects.iter().map(|object| object.state.to_string());
            states.map(|state| (name.clone(), state)).collect::<Vec<_>>()
        };
        live.iter().flat_map(objects).collect()
    }
}

fn remote_with(transport: &Arc<InProcessTransport>, service: String, settings: RemoteSettings) -> Remote {
    let services = BTreeMap::from([(ServiceRef::new(SERVICE), service)]);
    let transport = Arc::clone(transport);
    Remote::new(transport, ORGANIZATION.to_owned(), services, Arc::new(OneSecret), settings)
}

fn edited_fields(body: &Value) -> String {
    let arms = body["source"].as_object().into_iter().flatten().map(|(_, arm)| arm);
    let fields = arms.filter_map(Value::as_object).flat_map(|arm| arm.keys());
    fields.cloned().collect::<Vec<_>>().join(",")
}

/// Lets time pass.
pub(super) async fn wait_seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

pub(super) fn pipe_address(name: &str) -> Address {
    Address::new(ServiceRef::new(SERVICE), Kind::ClickPipe, Name::new(name))
}

pub(super) fn endpoint_address(name: &str) -> Address {
    Address::new(ServiceRef::new(SERVICE), Kind::ReversePrivateEndpoint, Name::new(name))
}

pub(super) fn scope_of_kinds(kinds: &[Kind]) -> ObserveScope {
    let kinds: BTreeSet<Kind> = kinds.iter().copied().collect();
    ObserveScope { kinds: BTreeMap::from([(ServiceRef::new(SERVICE), kinds)]), detail_blocks: BTreeMap::new() }
}
