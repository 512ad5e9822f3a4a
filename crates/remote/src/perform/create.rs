//! Makes an object, at most once.

use std::collections::BTreeSet;

use model::action::RunState;
use model::address::{Address, Kind};
use model::live::{Id, Object};
use serde_json::Value;
use tokio::time::Instant;

use super::Performed;
use super::watch::Watch;
use crate::answer;
use crate::client::Call;
use crate::collection::Collection;
use crate::error::Error;
use crate::remote::Remote;
use crate::settings::Wait;
use crate::transport::Method;

pub(super) async fn create(
    remote: &Remote,
    at: &Address,
    body: &Value,
) -> Result<Performed, Error> {
    let collection = remote.collection(at)?;
    collection.list_once(&remote.client).await?;
    let before = collection.ids(&at.name);
    let (object, note) = match post(remote, collection, at, body).await {
        Ok(object) => (object, None),
        Err(error) if error.outcome_unknown() => {
            (adopt(remote, collection, at, &before, error).await?, Some(ADOPTED.to_owned()))
        }
        Err(error) => return Err(error),
    };
    collection.note(&at.name, &object);
    remote.note_made(at, &object.id);
    let object = settle(remote, at, object).await?;
    let mut performed = Performed::new(at, &object, RunState::Running);
    performed.notes.extend(note);
    Ok(performed)
}

const ADOPTED: &str =
    "the create was not answered; the new object of this name was found and taken for it";

async fn post(
    remote: &Remote,
    collection: &Collection,
    at: &Address,
    body: &Value,
) -> Result<Object, Error> {
    let filled = remote.fill(at, body).await?;
    let path = &collection.path;
    let result = remote.client.send(Call::new(Method::Post, path).with(&filled)).await?;
    Ok(answer::item(at.kind, Method::Post, path, result)?.object)
}

/// The API has no way to make sure that a create is carried out once. So a create of which the
/// outcome is not known is not repeated: what bears its name now, and did not before, is it.
async fn adopt(
    remote: &Remote,
    collection: &Collection,
    at: &Address,
    before: &BTreeSet<Id>,
    cause: Error,
) -> Result<Object, Error> {
    tracing::warn!(%at, error = %cause, "create was not answered; looking for its object");
    let (began, mut ticket) = (Instant::now(), collection.ticket());
    loop {
        let end = remote.client.deadline.at();
        let Ok(snapshot) = collection.next(&remote.client, &mut ticket, end).await else {
            return Err(unknown(at, cause));
        };
        let bears_the_name = snapshot.objects.values().filter(|item| item.name == at.name);
        let mut new = bears_the_name.filter(|item| !before.contains(&item.object.id));
        match (new.next(), new.next()) {
            (Some(item), None) => return Ok(item.object.clone()),
            (Some(first), Some(second)) => {
                let rest = new.map(|item| item.object.id.clone());
                let two = [first.object.id.clone(), second.object.id.clone()];
                return Err(Error::Twins {
                    at: at.clone(),
                    ids: two.into_iter().chain(rest).collect(),
                });
            }
            (None, _) => {
                let over = began.elapsed() >= remote.settings.adoption;
                if over || remote.client.deadline.has_passed() {
                    return Err(unknown(at, cause));
                }
            }
        }
    }
}

fn unknown(at: &Address, cause: Error) -> Error {
    Error::UnknownOutcome { at: at.clone(), cause: Box::new(cause) }
}

/// Endpoints are waited for in any case, because the pipes that a plan makes next refer to them.
async fn settle(remote: &Remote, at: &Address, object: Object) -> Result<Object, Error> {
    if remote.settings.wait == Wait::None && at.kind == Kind::ClickPipe {
        return Ok(object);
    }
    Watch::new(remote, at, &object.id)?.settled(RunState::Running, None).await
}
