//! Changes fields of an object.

use model::action::{Endpoint, RunState};
use model::address::Address;
use model::lifecycle;
use model::live::{Id, Object, State};
use model::path::Path;
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
    if before.as_ref().is_some_and(|before| will_resume(at, before, via, body)) {
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

/// The API tries an edit of a paused database pipe out by resuming it. Only database pipes are ever
/// paused, and a new name needs no trial.
fn will_resume(at: &Address, before: &Object, via: Endpoint, body: &Value) -> bool {
    let name = at.kind.name_path();
    let edits = |field: &String| name.as_ref().and_then(Path::last) != Some(field);
    let fields = body.as_object().into_iter().flatten();
    via == Endpoint::Resource
        && before.state.as_str() == "Paused"
        && fields.map(|(field, _)| field).any(edits)
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
