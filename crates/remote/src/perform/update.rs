//! Changes fields of an object.

use model::action::{Endpoint, RunState};
use model::address::Address;
use model::lifecycle;
use model::live::{Id, Object, State};
use serde_json::Value;

use super::Performed;
use super::watch::Watch;
use crate::answer;
use crate::client::Call;
use crate::error::Error;
use crate::remote::Remote;
use crate::routes;
use crate::settings::Wait;
use crate::transport::Method;

pub(super) async fn update(
    remote: &Remote,
    at: &Address,
    id: &Id,
    via: Endpoint,
    body: &Value,
) -> Result<Performed, Error> {
    let collection = remote.collection(at)?;
    let before = collection.last(id);
    let object = send(remote, at, id, via, body).await?;
    let object = object.or_else(|| before.clone()).unwrap_or_else(|| nameless(id));
    collection.note(&at.name, &object);
    let rests = before.as_ref().is_some_and(|before| rests(at, before));
    if rests {
        collection.note_edit(id);
    }
    if rests || remote.settings.wait == Wait::None {
        return Ok(Performed::new(at, &object, RunState::Running));
    }
    let watch = Watch::new(remote, at, id)?;
    let object =
        watch.settled(RunState::Running, before.map(|before| before.state).as_ref()).await?;
    Ok(Performed::new(at, &object, RunState::Running))
}

/// Whether the object stays as it is until somebody starts it, so that there is nothing to wait
/// for.
fn rests(at: &Address, object: &Object) -> bool {
    lifecycle::command(at.kind, object, RunState::Running).is_some()
}

/// The object as the API answers it; settings are answered alone.
async fn send(
    remote: &Remote,
    at: &Address,
    id: &Id,
    via: Endpoint,
    body: &Value,
) -> Result<Option<Object>, Error> {
    let collection = remote.collection(at)?;
    let filled = remote.fill(at, body).await?;
    let path = routes::part(&routes::object(&collection.path, id), via);
    let method = match via {
        Endpoint::Settings => Method::Put,
        Endpoint::Resource | Endpoint::Scaling => Method::Patch,
    };
    let result = remote.client.send(Call::new(method, &path).with(&filled)).await?;
    let item = answer::item(at.kind, method, &path, result).ok();
    Ok(item.map(|item| item.object).filter(|object| &object.id == id))
}

fn nameless(id: &Id) -> Object {
    Object { id: id.clone(), state: State::default(), body: Value::Null }
}
