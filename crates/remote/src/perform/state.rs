//! Starts and stops.

use std::time::Duration;

use model::action::RunState;
use model::address::Address;
use model::lifecycle::{self, Standing};
use model::live::{Id, Object};
use tokio::time::Instant;

use super::Performed;
use super::watch::Watch;
use crate::answer;
use crate::client::Call;
use crate::error::{Error, Rejection};
use crate::remote::Remote;
use crate::routes;
use crate::secret;
use crate::settings::Wait;
use crate::transport::Method;

/// The API resumes a paused database pipe by itself to try an edit out, within this time.
const RESUMES_WITHIN: Duration = Duration::from_secs(10);

/// Starts the object unless it runs already, or does so by itself.
pub(super) async fn start(remote: &Remote, at: &Address, id: &Id) -> Result<Performed, Error> {
    if let Some(object) = resumed(remote, at, id).await? {
        return match lifecycle::standing(at.kind, &object, RunState::Running) {
            Standing::Settled | Standing::Impaired => {
                Ok(Performed::new(at, &object, RunState::Running))
            }
            Standing::Moving | Standing::Troubled => {
                Err(Error::Troubled { at: at.clone(), state: object.state })
            }
        };
    }
    let last = remote.collection(at)?.last(id);
    let runs = |object| lifecycle::command(at.kind, object, RunState::Running).is_none();
    if !last.as_ref().is_some_and(runs) {
        match command(remote, at, id, "start").await {
            Err(error) if error.rejection() == Some(Rejection::AlreadyRunning) => {}
            other => other?,
        }
    }
    if let (Wait::None, Some(object)) = (remote.settings.wait, &last) {
        return Ok(Performed::new(at, object, RunState::Running));
    }
    let before = last.map(|last| last.state);
    let object = Watch::new(remote, at, id)?.settled(RunState::Running, before.as_ref()).await?;
    Ok(Performed::new(at, &object, RunState::Running))
}

/// Stops the object, and always waits for it: an edit may come next.
pub(super) async fn stop(remote: &Remote, at: &Address, id: &Id) -> Result<Performed, Error> {
    let collection = remote.collection(at)?;
    let has_ended = |object: &Object| {
        lifecycle::standing(at.kind, object, RunState::Stopped) == Standing::Settled
            && !lifecycle::is_stopped(object)
    };
    if let Some(object) = collection.last(id).filter(has_ended) {
        return Ok(Performed::new(at, &object, RunState::Stopped));
    }
    // Sent in any case: the API may resume the object later than it was watched for.
    resumed(remote, at, id).await?;
    command(remote, at, id, "stop").await?;
    let object = Watch::new(remote, at, id)?.settled(RunState::Stopped, None).await?;
    Ok(Performed::new(at, &object, RunState::Stopped))
}

/// The object after it has resumed by itself from an edit, and has come to rest. `None` if it was
/// not edited lately, or stays as it is.
async fn resumed(remote: &Remote, at: &Address, id: &Id) -> Result<Option<Object>, Error> {
    let collection = remote.collection(at)?;
    let Some(edited) = collection.edited(id) else { return Ok(None) };
    let calm_at = edited + RESUMES_WITHIN;
    let object = if Instant::now() < calm_at {
        Watch::new(remote, at, id)?.resumed(calm_at).await?
    } else {
        None
    };
    collection.note_calm(id);
    Ok(object)
}

/// Has a database pipe read everything again.
pub(crate) async fn resync(remote: &Remote, at: &Address, id: &Id) -> Result<Performed, Error> {
    let before = remote.collection(at)?.last(id).map(|last| last.state);
    command(remote, at, id, "resync").await?;
    let object = Watch::new(remote, at, id)?.settled(RunState::Running, before.as_ref()).await?;
    Ok(Performed::new(at, &object, RunState::Running))
}

/// The answer only acknowledges a command, and may still tell the old state.
async fn command(remote: &Remote, at: &Address, id: &Id, command: &str) -> Result<(), Error> {
    match send(remote, at, id, command).await {
        Err(error) if remote.wording.learns_from(&error) => send(remote, at, id, command).await,
        other => other,
    }
}

async fn send(remote: &Remote, at: &Address, id: &Id, command: &str) -> Result<(), Error> {
    let collection = remote.collection(at)?;
    let path = routes::state(&routes::object(&collection.path, id));
    let body = secret::plain(&remote.wording.body(command));
    let result = remote.client.send(Call::new(Method::Patch, &path).with(&body)).await?;
    if let Ok(item) = answer::item(at.kind, Method::Patch, &path, result) {
        collection.note(&item.name, &item.object);
    }
    Ok(())
}
