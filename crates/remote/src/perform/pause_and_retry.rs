//! Retries an edit that the API accepts only while the pipe is paused.
//
// There are two causes. The API requires a pause for a field that is not marked so, or somebody started the pipe after
// the plan's own stop. In both cases the edit was refused, so nothing has changed yet.
//
//     PATCH -> 400 must be paused
//     stop, wait until Paused
//     PATCH
//     start, wait until Running        skipped if a planned action paused the pipe: its own start follows
//
// A permit is taken before the stop: the rate limiter keeps places free to start every paused pipe again.

use clickpipes::lifecycle;
use model::action::RunState;
use model::address::Address;
use model::live::{Id, Object};

use super::start_stop;
use super::watch::ObjectWatch;
use crate::error::{Error, RejectedRequest, RejectionKind};
use crate::list_cache::PauseReason;
use crate::performed_action::PerformedAction;
use crate::run_context::RunContext;

const PAUSED_NOTE: &str = "the API required a pause for this edit: pipectl stopped, edited and started the pipe";

pub(super) fn needs_pause(error: &Error) -> bool {
    // After a lost attempt, the first edit may have taken effect and resumed the pipe: then a pause would repeat it.
    match error {
        Error::Rejected(rejected) => rejected.kind == RejectionKind::NeedsPause && !rejected.had_lost_attempt,
        _ => false,
    }
}

/// Stops the pipe, sends the edit again and starts the pipe, unless a planned action paused it.
pub(super) async fn pause_and_retry<E: Future<Output = Result<PerformedAction, Error>>>(
    run: &RunContext,
    at: &Address,
    id: &Id,
    refused: Error,
    edit: impl Fn() -> E,
) -> Result<PerformedAction, Error> {
    let can_stop = |object: &Object| lifecycle::state_command(at.kind, object, RunState::Stopped).is_some();
    match latest_object(run, at, id, can_stop).await? {
        Some(object) if can_stop(&object) => {}
        Some(object) if lifecycle::is_finished(&object) => return Err(of_finished_pipe(refused)),
        _ => return Err(refused),
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

/// The object that is known, if it is as expected; else from a list.
async fn latest_object(
    run: &RunContext,
    at: &Address,
    id: &Id,
    is_expected: impl Fn(&Object) -> bool,
) -> Result<Option<Object>, Error> {
    // The refusal means that the pipe runs. If its last known state differs, that state is old, and a list is read.
    match run.list_cache(at)?.last_seen(id) {
        Some(last) if !is_expected(&last) => ObjectWatch::new(run, at, id)?.next_object().await,
        last => Ok(last),
    }
}

/// The refusal of an edit for which the pipe cannot be paused any more.
fn of_finished_pipe(refused: Error) -> Error {
    match refused {
        Error::Rejected(rejected) => {
            Error::Rejected(Box::new(RejectedRequest { kind: RejectionKind::FinishedPipe, ..*rejected }))
        }
        other => other,
    }
}
