//! The size of database pipes: one object per service, or per organization as the reference page
//! has it, without an id, and there only once the first database pipe is.

use std::collections::BTreeMap;
use std::sync::Mutex;

use model::address::{Address, Kind, ServiceRef};
use model::lifecycle::Standing;
use model::live::{Id, Object, State};
use model::rules::Rules;
use serde_json::Value;
use tokio::time::Instant;

use crate::client::Call;
use crate::deadline::Budget;
use crate::error::{Error, Rejection};
use crate::pace::lock;
use crate::perform::Performed;
use crate::remote::Remote;
use crate::routes;
use crate::secret::{self, Filled};
use crate::settings::Wait;
use crate::transport::Method;

/// Which path has answered for a service in this run.
#[derive(Default)]
pub(crate) struct Levels(Mutex<BTreeMap<ServiceRef, String>>);

/// What is live, if anything is.
pub(crate) async fn observe(
    remote: &Remote,
    service: &ServiceRef,
) -> Result<Option<Object>, Error> {
    let found = send(remote, service, Method::Get, None).await?;
    Ok(found.map(|body| Object { id: owner(remote, service), state: State::default(), body }))
}

/// Sends the size, as soon as there is something that has one, and waits until it is in force.
pub(crate) async fn update(
    remote: &Remote,
    service: &ServiceRef,
    body: &Value,
) -> Result<Performed, Error> {
    let filled = secret::plain(body);
    let mut wait = Polls::new(remote, service);
    loop {
        match send(remote, service, Method::Patch, Some(&filled)).await {
            Ok(Some(_)) => break,
            Ok(None) => wait.pause(None).await?,
            // At the very end nothing is sent any more.
            Err(Error::OutOfTime) => return Err(wait.timed_out(None)),
            Err(error) => return Err(error),
        }
    }
    if remote.settings.wait == Wait::None {
        return Ok(performed(remote, service, Standing::Moving, None));
    }
    let mut wait = Polls::new(remote, service);
    let in_force = |live: &Value| Rules::of(Kind::CdcScaling).agrees(body, Some(live));
    loop {
        let live = send(remote, service, Method::Get, None).await?;
        if let Some(live) = live.filter(in_force) {
            return Ok(performed(remote, service, Standing::Settled, Some(live)));
        }
        wait.pause(Some(State::new("Modifying"))).await?;
    }
}

fn performed(
    remote: &Remote,
    service: &ServiceRef,
    standing: Standing,
    live: Option<Value>,
) -> Performed {
    let (id, state) = (owner(remote, service), State::default());
    let object = |body| Object { id: id.clone(), state: state.clone(), body };
    let live = live.map(object);
    Performed { id, state, standing, notes: Vec::new(), live }
}

fn owner(remote: &Remote, service: &ServiceRef) -> Id {
    Id::new(remote.services.get(service).unwrap_or(&remote.organization))
}

/// Tries the paths that may answer; `None` if none is there.
async fn send(
    remote: &Remote,
    service: &ServiceRef,
    method: Method,
    body: Option<&Filled>,
) -> Result<Option<Value>, Error> {
    for path in paths(remote, service)? {
        let call = Call::new(method, &path);
        let call = if let Some(body) = body { call.with(body) } else { call };
        match remote.client.send(call).await {
            Ok(result) => {
                lock(&remote.levels.0).insert(service.clone(), path);
                return Ok(Some(result));
            }
            Err(error) if error.rejection() == Some(Rejection::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The path that has answered before; else the service's own, then the organization's.
fn paths(remote: &Remote, service: &ServiceRef) -> Result<Vec<String>, Error> {
    let organization = routes::organization_cdc_scaling(&remote.organization);
    if service.is_organization() {
        return Ok(vec![organization]);
    }
    if let Some(path) = lock(&remote.levels.0).get(service) {
        return Ok(vec![path.clone()]);
    }
    let unknown = || Error::UnknownService(service.clone());
    let id = remote.services.get(service).ok_or_else(unknown)?;
    Ok(vec![routes::service_cdc_scaling(&remote.organization, id), organization])
}

/// A wait with a list of its own, which nobody shares.
struct Polls<'a> {
    remote: &'a Remote,
    service: &'a ServiceRef,
    began: Instant,
    pause: std::time::Duration,
}

impl<'a> Polls<'a> {
    fn new(remote: &'a Remote, service: &'a ServiceRef) -> Self {
        Self { remote, service, began: Instant::now(), pause: remote.settings.polling.first }
    }

    async fn pause(&mut self, last: Option<State>) -> Result<(), Error> {
        let client = &self.remote.client;
        let end = client.end(Budget::Run);
        if Instant::now() >= end {
            return Err(self.timed_out(last));
        }
        tracing::info!(at = %self.at(), waited = self.began.elapsed().as_secs(), "waiting");
        client.wait_until((Instant::now() + self.pause).min(end), Budget::Run).await?;
        self.pause = self.remote.settings.polling.after(self.pause);
        Ok(())
    }

    fn timed_out(&self, last: Option<State>) -> Error {
        Error::TimedOut { at: self.at(), last, waited: self.began.elapsed() }
    }

    fn at(&self) -> Address {
        Address::singleton(self.service.clone(), Kind::CdcScaling)
    }
}
