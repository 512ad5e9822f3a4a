//! Changes fields of an object.

use model::action::{Endpoint, RunState};
use model::address::Address;
use model::live::{Id, Object, State};
use model::path::Path;
use model::rules::Rules;
use serde_json::Value;

use super::Performed;
use super::lost::Lost;
use super::paused::{paused, wants_pause};
use super::shown::{Shown, shown};
use super::state::rests;
use super::watch::Watch;
use crate::answer;
use crate::client::Call;
use crate::deadline::Budget;
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
    let edit = || edit(remote, at, id, via, body);
    match edit().await {
        Err(refused) if wants_pause(&refused) => paused(remote, at, id, refused, edit).await,
        other => other,
    }
}

async fn edit(
    remote: &Remote,
    at: &Address,
    id: &Id,
    via: Endpoint,
    body: &Value,
) -> Result<Performed, Error> {
    let collection = remote.collection(at)?;
    let before = collection.last(id);
    let may_resume = before.as_ref().is_some_and(|before| will_resume(at, before, via, body));
    let sent = send(remote, at, id, via, body).await;
    if may_resume && sent.as_ref().err().is_none_or(Error::outcome_unknown) {
        collection.note_edit(id);
    }
    let Sent { object, note } = sent?;
    let object = object.or_else(|| before.clone()).unwrap_or_else(|| nameless(id));
    collection.note(&at.name, &object);
    // What waits for a start stays as it is: there is nothing to wait for.
    let stays = before.as_ref().is_some_and(|before| rests(at, before));
    let mut performed = if stays || remote.settings.wait == Wait::None {
        Performed::new(at, &object, RunState::Running)
    } else {
        let before = before.map(|before| before.state);
        let watch = Watch::new(remote, at, id)?;
        let object = watch.settled(RunState::Running, before.as_ref()).await?;
        Performed::seen(at, object, RunState::Running)
    };
    performed.notes.extend(note.map(str::to_owned));
    Ok(performed)
}

/// What became of the request.
struct Sent {
    /// The object as the API answered it; settings are answered alone.
    object: Option<Object>,
    note: Option<&'static str>,
}

const FOUND: &str = "the update was not answered; it was found to be in force";

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

/// Sends the update. Settings and sizes are the same however often they are sent. An edit of the
/// object itself is not: the API refuses to add what is there and to edit what has resumed. So
/// when its answer is lost, the object is looked at before anything is sent again.
async fn send(
    remote: &Remote,
    at: &Address,
    id: &Id,
    via: Endpoint,
    body: &Value,
) -> Result<Sent, Error> {
    let mut lost = Lost::new(remote, at, id, Budget::Run);
    loop {
        let error = match request(remote, at, id, via, body).await {
            Ok(object) => return Ok(Sent { object, note: None }),
            Err(error) => error,
        };
        if !lost.is_worth_a_look(&error) || via != Endpoint::Resource {
            return Err(error);
        }
        let rules = Rules::of(at.kind);
        let in_force = |live: &Object| shown(rules, body, &live.body) == Shown::Yes;
        if let Some(object) = lost.look(error, in_force).await? {
            return Ok(Sent { object: Some(object), note: Some(FOUND) });
        }
    }
}

async fn request(
    remote: &Remote,
    at: &Address,
    id: &Id,
    via: Endpoint,
    body: &Value,
) -> Result<Option<Object>, Error> {
    let collection = remote.collection(at)?;
    let filled = remote.fill(at, body).await?;
    let path = routes::part(&routes::object(&collection.path, id), via);
    let (method, call) = match via {
        Endpoint::Settings => (Method::Put, Call::new(Method::Put, &path)),
        Endpoint::Scaling => (Method::Patch, Call::new(Method::Patch, &path)),
        Endpoint::Resource => (Method::Patch, Call::new(Method::Patch, &path).at_most_once()),
    };
    let result = remote.client.send(call.with(&filled)).await?;
    let item = answer::item(at.kind, method, &path, result).ok();
    Ok(item.map(|item| item.object).filter(|object| &object.id == id))
}

fn nameless(id: &Id) -> Object {
    Object { id: id.clone(), state: State::default(), body: Value::Null }
}
