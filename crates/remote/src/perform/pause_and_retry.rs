//! An edit that the API takes from a paused pipe only, and the pipe runs: more fields want a pause
//! than are marked, or somebody has started the pipe since it was stopped.

use clickpipes::lifecycle;
use model::action::RunState;
use model::address::Address;
use model::live::{Id, Object};

use super::start_stop;
use super::watch::ObjectWatch;
use crate::error::{Error, RejectionKind};
use crate::list_cache::PauseReason;
use crate::performed_action::PerformedAction;
use crate::run_context::RunContext;

const PAUSED_NOTE: &str = "the API required a pause for this edit: pipectl stopped, edited and started the pipe";

/// Whether a pause would help. A refusal after a lost try may come from that try.
pub(super) fn needs_pause(error: &Error) -> bool {
    match error {
        Error::Rejected(rejected) => rejected.kind == RejectionKind::NeedsPause && !rejected.had_lost_attempt,
        _ => false,
    }
}

/// Stops the pipe and sends the edit once more. What an action has stopped before is left to the
/// actions that follow; any other pipe is started again.
pub(super) async fn pause_and_retry<E: Future<Output = Result<PerformedAction, Error>>>(
    run: &RunContext,
    at: &Address,
    id: &Id,
    refused: Error,
    edit: impl Fn() -> E,
) -> Result<PerformedAction, Error> {
    if !can_be_stopped(run, at, id).await? {
        return Err(refused);
    }
    tracing::warn!(%at, error = %refused, "stopping the pipe for the edit");
    if run.list_cache(at)?.pause_reason(id) == Some(PauseReason::PlannedAction) {
        start_stop::pause_object(run, at, id, PauseReason::PlannedAction).await?;
        return edit().await;
    }
    let _permit = run.client.acquire_pause_permit().await.ok_or(Error::Interrupted)?;
    start_stop::pause_object(run, at, id, PauseReason::NeededForEdit).await?;
    let edited = edit().await?;
    let started = start_stop::start_object(run, at, id).await?;
    let notes = [edited.notes, vec![PAUSED_NOTE.to_owned()], started.notes].concat();
    Ok(PerformedAction { notes, ..started })
}

/// Whether it can be stopped. What was stopped when it was last seen is looked at again.
async fn can_be_stopped(run: &RunContext, at: &Address, id: &Id) -> Result<bool, Error> {
    let can_stop = |object: &Object| lifecycle::state_command(at.kind, object, RunState::Stopped).is_some();
    match run.list_cache(at)?.last_seen(id) {
        Some(last) if can_stop(&last) => Ok(true),
        Some(_) => Ok(ObjectWatch::new(run, at, id)?.next_object().await?.as_ref().is_some_and(can_stop)),
        None => Ok(false),
    }
}
