//! Starts what this run has stopped, when the run itself can do no more.

use std::time::Duration;

use model::action::RunState;
use model::address::Address;
use model::lifecycle;
use model::live::{Id, Object, State};
use serde_json::Value;

use super::Performed;
use super::state::{rests, send_start};
use super::watch::Watch;
use crate::deadline::Budget;
use crate::error::Error;
use crate::remote::Remote;

/// The time that is kept in reserve.
const RESERVE: Duration = Duration::from_secs(60);

/// How much of it goes into looking. What cannot be seen is started all the same.
const LOOKS_FOR: Duration = Duration::from_secs(30);

/// A stop shows within this time. Before, a pipe that seems to run may be about to stop.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

pub(crate) async fn resume(remote: &Remote, at: &Address, id: &Id) -> Result<Performed, Error> {
    let budget = Budget::reserve(RESERVE);
    if let Some(object) = runs(remote, at, id).await? {
        remote.collection(at)?.note_pause(id, None);
        return Ok(Performed::seen(at, object, RunState::Running));
    }
    send_start(remote, at, id, budget).await?;
    let collection = remote.collection(at)?;
    collection.note_calm(id);
    collection.note_pause(id, None);
    let last = collection.last(id).unwrap_or_else(|| unseen(id));
    Ok(Performed::new(at, &last, RunState::Running))
}

/// The object if it needs no start; `None` when it can be started, or cannot be seen.
async fn runs(remote: &Remote, at: &Address, id: &Id) -> Result<Option<Object>, Error> {
    let stopped = remote.collection(at)?.stopped(id);
    let stopping = || stopped.is_some_and(|sent| sent.elapsed() < STOPS_WITHIN);
    let mut watch = Watch::new(remote, at, id)?.within(Budget::reserve(LOOKS_FOR));
    loop {
        match watch.look().await {
            Ok(Some(object)) if !rests(at, &object) && !stopping() => return Ok(Some(object)),
            Ok(Some(object)) if !is_ready(&object) => {}
            Err(error @ Error::Gone { .. }) => return Err(error),
            Ok(_) | Err(_) => return Ok(None),
        }
        if watch.check_time().is_err() {
            return Ok(None);
        }
    }
}

/// Whether a start would be taken: the API may pass over one while it is still stopping.
fn is_ready(object: &Object) -> bool {
    lifecycle::is_stopped(object) || object.state.as_str() == "Failed"
}

fn unseen(id: &Id) -> Object {
    Object { id: id.clone(), state: State::default(), body: Value::Null }
}
