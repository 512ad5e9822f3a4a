//! A remote that speaks to a world in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use model::action::{Action, Endpoint, RunState};
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::{Id, Live};
use sandbox::{Fate, KEY_ID, KEY_SECRET, ORGANIZATION, Options, World, basic_authorization};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    Error, Performed, Remote, Request, Response, Scope, Secrets, Sending, Settings, Transport,
    TransportError,
};

/// The name of the service that every test is about.
pub(super) const SERVICE: &str = "analytics";

/// What the variable `CANARY` of the tests holds.
pub(super) const CANARY: &str = "canary-5ecret";

/// Passes requests on to a world, whose clock follows tokio's.
struct InProcess {
    world: Arc<Mutex<World>>,
    authorization: String,
    told: Mutex<Instant>,
}

impl InProcess {
    fn catch_up(&self, world: &mut World) {
        let mut told = self.told.lock().unwrap();
        world.advance(told.elapsed());
        *told = Instant::now();
    }
}

impl Transport for InProcess {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let response = {
                let mut world = self.world.lock().unwrap();
                self.catch_up(&mut world);
                world.handle(&sandbox::Request {
                    method: request.method.as_str().to_owned(),
                    path: request.path,
                    authorization: Some(self.authorization.clone()),
                    body: request.body.map(|body| body.expose().to_vec()).unwrap_or_default(),
                })
            };
            sleep(response.took).await;
            match response.fate {
                Fate::Answered => {
                    let sandbox::Response { status, headers, body, .. } = response;
                    Ok(Response { status, headers, body })
                }
                Fate::CutBeforeAnswer => {
                    Err(TransportError::Interrupted("connection reset by peer".to_owned()))
                }
            }
        })
    }
}

/// Knows one variable.
pub(super) struct OneSecret;

impl Secrets for OneSecret {
    fn resolve(&self, reference: &Value) -> Result<SecretString, String> {
        match reference["fromEnv"].as_str() {
            Some("CANARY") => Ok(CANARY.into()),
            _ => Err("the variable is not set".to_owned()),
        }
    }
}

pub(super) struct Bench {
    world: Arc<Mutex<World>>,
    pub(super) remote: Remote,
}

impl Bench {
    /// The honest API.
    pub(super) fn new() -> Self {
        Self::with(Options::default(), Settings::default())
    }

    /// The honest API without its rate limit, and a client that knows of none.
    pub(super) fn unlimited() -> Self {
        let options = Options { rate_limit: None, ..Options::default() };
        Self::with(options, Settings { rate: None, ..Settings::default() })
    }

    pub(super) fn with(options: Options, settings: Settings) -> Self {
        Self::as_key(KEY_ID, KEY_SECRET, options, settings)
    }

    pub(super) fn as_key(id: &str, secret: &str, options: Options, settings: Settings) -> Self {
        let mut world = World::new(options);
        let service = world.ensure_service(SERVICE);
        let world = Arc::new(Mutex::new(world));
        let transport = InProcess {
            world: Arc::clone(&world),
            authorization: basic_authorization(id, secret),
            told: Mutex::new(Instant::now()),
        };
        let services = BTreeMap::from([(ServiceRef::new(SERVICE), service)]);
        let organization = ORGANIZATION.to_owned();
        let remote =
            Remote::new(Arc::new(transport), organization, services, Arc::new(OneSecret), settings);
        Self { world, remote }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(super) async fn observe(&self, kinds: &[Kind]) -> Live {
        self.remote.observe(&scope(kinds)).await.unwrap()
    }

    pub(super) async fn create(&self, name: &str, body: Value) -> Result<Performed, Error> {
        self.remote.perform(&Action::Create { at: pipe(name), body }).await
    }

    /// Creates a pipe and returns its id.
    pub(super) async fn created(&self, name: &str, body: Value) -> Id {
        self.create(name, body).await.unwrap().id
    }

    pub(super) async fn set_state(&self, name: &str, to: RunState) -> Result<Performed, Error> {
        self.remote.perform(&Action::SetState { at: pipe(name), id: None, to }).await
    }

    pub(super) async fn update(
        &self,
        name: &str,
        via: Endpoint,
        body: Value,
    ) -> Result<Performed, Error> {
        self.remote.perform(&Action::Update { at: pipe(name), id: None, via, body }).await
    }

    /// The requests of this method so far whose path ends so, with their statuses.
    pub(super) fn asked(&self, method: &str, end: &str) -> Vec<u16> {
        let world = self.world();
        let fits = world
            .journal()
            .iter()
            .filter(|entry| entry.method == method && entry.path.ends_with(end));
        fits.map(|entry| entry.status).collect()
    }

    /// Every write since the `from`th request that the API took: the command, or the method and
    /// the fields that were edited.
    pub(super) fn writes(&self, from: usize) -> Vec<String> {
        let world = self.world();
        let taken = world.journal().iter().skip(from).filter(|entry| entry.method != "GET");
        let told = taken.map(|entry| match entry.body["command"].as_str() {
            Some(command) => format!("{command} {}", entry.status),
            None => format!("{} {} {}", entry.method, edited(&entry.body), entry.status),
        });
        told.collect()
    }

    /// The states of the service's pipes at this moment, by name.
    pub(super) async fn states(&self) -> Vec<(String, String)> {
        let live = self.observe(&[Kind::ClickPipe]).await;
        let objects = |(at, observed): (&Address, &model::live::Observed)| {
            let name = at.name.to_string();
            let states = observed.objects.iter().map(|object| object.state.to_string());
            states.map(|state| (name.clone(), state)).collect::<Vec<_>>()
        };
        live.iter().flat_map(objects).collect()
    }
}

fn edited(body: &Value) -> String {
    let arms = body["source"].as_object().into_iter().flatten().map(|(_, arm)| arm);
    let fields = arms.filter_map(Value::as_object).flat_map(|arm| arm.keys());
    fields.cloned().collect::<Vec<_>>().join(",")
}

/// Lets time pass.
pub(super) async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

pub(super) fn pipe(name: &str) -> Address {
    Address::new(ServiceRef::new(SERVICE), Kind::ClickPipe, Name::new(name))
}

pub(super) fn scope(kinds: &[Kind]) -> Scope {
    let kinds: BTreeSet<Kind> = kinds.iter().copied().collect();
    Scope { kinds: BTreeMap::from([(ServiceRef::new(SERVICE), kinds)]), detail: BTreeMap::new() }
}
