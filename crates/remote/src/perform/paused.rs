//! An edit that the API takes from a paused pipe only, and the pipe runs: more fields want a pause
//! than are marked, or somebody has started the pipe since it was stopped.

use model::action::RunState;
use model::address::Address;
use model::lifecycle;
use model::live::{Id, Object};

use super::watch::Watch;
use super::{Performed, state};
use crate::collection::Pause;
use crate::error::{Error, Rejection};
use crate::remote::Remote;

const PAUSED: &str = "the API wanted a pause for this edit: it was stopped, edited and started";

/// Whether a pause would help. A refusal after a lost try may come from that try.
pub(super) fn wants_pause(error: &Error) -> bool {
    match error {
        Error::Rejected(rejected) => rejected.kind == Rejection::NeedsPause && !rejected.repeated,
        _ => false,
    }
}

/// Stops the pipe and sends the edit once more. What an action has stopped before is left to the
/// actions that follow; any other pipe is started again.
pub(super) async fn paused<E: Future<Output = Result<Performed, Error>>>(
    remote: &Remote,
    at: &Address,
    id: &Id,
    refused: Error,
    edit: impl Fn() -> E,
) -> Result<Performed, Error> {
    if !runs(remote, at, id).await? {
        return Err(refused);
    }
    tracing::warn!(%at, error = %refused, "stopping the pipe for the edit");
    if remote.collection(at)?.pause(id) == Some(Pause::Planned) {
        state::pause(remote, at, id, Pause::Planned).await?;
        return edit().await;
    }
    let _pausing = remote.pausing().await.ok_or(Error::Interrupted)?;
    state::pause(remote, at, id, Pause::Wanted).await?;
    let edited = edit().await?;
    let started = state::start(remote, at, id).await?;
    let notes = [edited.notes, vec![PAUSED.to_owned()], started.notes].concat();
    Ok(Performed { notes, ..started })
}

/// Whether it can be stopped. What was stopped when it was last seen is looked at again.
async fn runs(remote: &Remote, at: &Address, id: &Id) -> Result<bool, Error> {
    let runs = |object: &Object| lifecycle::command(at.kind, object, RunState::Stopped).is_some();
    match remote.collection(at)?.last(id) {
        Some(last) if runs(&last) => Ok(true),
        Some(_) => Ok(Watch::new(remote, at, id)?.look().await?.as_ref().is_some_and(runs)),
        None => Ok(false),
    }
}
