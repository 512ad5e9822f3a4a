//! Starts and stops.

use std::time::Duration;

use model::action::RunState;
use model::address::Address;
use model::lifecycle::{self, Standing};
use model::live::{Id, Object, State};
use serde_json::Value;
use tokio::time::Instant;

use super::lost::Lost;
use super::watch::Watch;
use super::{Performed, is_about_the_word};
use crate::answer;
use crate::client::Call;
use crate::collection::Pause;
use crate::deadline::Budget;
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
    let started = started(remote, at, id).await?;
    remote.collection(at)?.note_pause(id, None);
    Ok(started)
}

async fn started(remote: &Remote, at: &Address, id: &Id) -> Result<Performed, Error> {
    if let Some(object) = resumed(remote, at, id).await? {
        return match lifecycle::standing(at.kind, &object, RunState::Running) {
            Standing::Settled | Standing::Impaired => {
                Ok(Performed::seen(at, object, RunState::Running))
            }
            Standing::Moving | Standing::Troubled => {
                Err(Error::Troubled { at: at.clone(), state: object.state })
            }
        };
    }
    let last = remote.collection(at)?.last(id);
    if last.as_ref().is_none_or(|object| rests(at, object)) {
        send_start(remote, at, id, Budget::Run).await?;
    }
    if let (Wait::None, Some(object)) = (remote.settings.wait, &last) {
        let performed = Performed::new(at, object, RunState::Running);
        // What it was before the start is no news of what became of it.
        let state = if rests(at, object) { State::default() } else { performed.state };
        return Ok(Performed { state, ..performed });
    }
    let before = last.map(|last| last.state);
    let object = Watch::new(remote, at, id)?.settled(RunState::Running, before.as_ref()).await?;
    Ok(Performed::seen(at, object, RunState::Running))
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
    let object = pause(remote, at, id, Pause::Planned).await?;
    Ok(Performed::seen(at, object, RunState::Stopped))
}

/// Stops the object and waits for it. Why is noted before anything is sent, for whoever has to
/// start it again when this is dropped halfway.
pub(super) async fn pause(
    remote: &Remote,
    at: &Address,
    id: &Id,
    why: Pause,
) -> Result<Object, Error> {
    let collection = remote.collection(at)?;
    let before = collection.pause(id);
    collection.note_stop(id);
    collection.note_pause(id, Some(why));
    let stops = |object: &Object| lifecycle::command(at.kind, object, RunState::Stopped).is_none();
    if let Err(error) = command(remote, at, id, "stop", Budget::Run, stops).await {
        // What was turned down, or never sent, stopped nothing.
        if !error.outcome_unknown() {
            collection.note_pause(id, before);
        }
        return Err(error);
    }
    let object = Watch::new(remote, at, id)?.settled(RunState::Stopped, None).await?;
    collection.note_calm(id);
    Ok(object)
}

/// Whether the object waits for a start.
pub(super) fn rests(at: &Address, object: &Object) -> bool {
    lifecycle::command(at.kind, object, RunState::Running).is_some()
}

/// Sends the start; a pipe that runs already needs none.
pub(super) async fn send_start(
    remote: &Remote,
    at: &Address,
    id: &Id,
    budget: Budget,
) -> Result<(), Error> {
    let starts = |object: &Object| !rests(at, object);
    match command(remote, at, id, "start", budget, starts).await {
        Err(error) if error.rejection() == Some(Rejection::AlreadyRunning) => Ok(()),
        other => other,
    }
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

/// Has a database pipe read everything again. Two times would cost twice, so that a command
/// without an answer and without an effect is not repeated.
pub(crate) async fn resync(remote: &Remote, at: &Address, id: &Id) -> Result<Performed, Error> {
    let before = remote.collection(at)?.last(id).map(|last| last.state);
    match say(remote, at, id, "resync", Budget::Run).await {
        Err(error) if error.outcome_unknown() => {
            let seen = Watch::new(remote, at, id)?.look().await;
            let moved = |object: Object| before.is_some() && Some(object.state) != before;
            if !seen.ok().flatten().is_some_and(moved) {
                return Err(error);
            }
        }
        other => other?,
    }
    if let (Wait::None, Some(object)) = (remote.settings.wait, remote.collection(at)?.last(id)) {
        return Ok(Performed::new(at, &object, RunState::Running));
    }
    let object = Watch::new(remote, at, id)?.loaded(before.as_ref()).await?;
    Ok(Performed::seen(at, object, RunState::Running))
}

/// Sends a command until it is answered, or its effect is seen.
async fn command(
    remote: &Remote,
    at: &Address,
    id: &Id,
    command: &str,
    budget: Budget,
    took_effect: impl Fn(&Object) -> bool,
) -> Result<(), Error> {
    let mut lost = Lost::new(remote, at, id, budget);
    loop {
        match say(remote, at, id, command, budget).await {
            Err(error) if error.outcome_unknown() => {
                if lost.look(error, &took_effect).await?.is_some() {
                    return Ok(());
                }
            }
            other => return other,
        }
    }
}

/// Says it in either wording. A refusal that the other one does not help against was about
/// something else: then that is told, and nothing is learnt.
async fn say(
    remote: &Remote,
    at: &Address,
    id: &Id,
    command: &str,
    budget: Budget,
) -> Result<(), Error> {
    let (word, other) = remote.wording.to_try();
    let (word, sent) = match (send(remote, at, id, word.body(command), budget).await, other) {
        (Err(error), Some(other)) if is_about_the_word(&error) => {
            match send(remote, at, id, other.body(command), budget).await {
                Err(again) if again.rejection() == Some(Rejection::Invalid) => (word, Err(error)),
                sent => (other, sent),
            }
        }
        (sent, _) => (word, sent),
    };
    if sent.is_ok() {
        remote.wording.keep(word);
    }
    sent
}

/// The answer only acknowledges a command, and may still tell the old state.
async fn send(
    remote: &Remote,
    at: &Address,
    id: &Id,
    body: Value,
    budget: Budget,
) -> Result<(), Error> {
    let collection = remote.collection(at)?;
    let path = routes::state(&routes::object(&collection.path, id));
    let body = secret::plain(&body);
    let call = Call::new(Method::Patch, &path).with(&body).within(budget).at_most_once();
    let result = remote.client.send(call).await?;
    if let Ok(item) = answer::item(at.kind, Method::Patch, &path, result) {
        collection.note(&item.name, &item.object);
    }
    Ok(())
}
