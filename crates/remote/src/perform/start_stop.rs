//! Starts, stops and resyncs pipes.

use std::time::Duration;

use clickpipes::lifecycle::{self, Progress};
use model::action::RunState;
use model::address::Address;
use model::live::{Id, Object, State};
use serde_json::Value;
use tokio::time::Instant;

use super::uncertain_write::UncertainWrite;
use super::watch::{ObjectWatch, is_loading};
use crate::client::RequestSpec;
use crate::command_dialect::may_be_about_command_key;
use crate::deadline::TimeBudget;
use crate::decode;
use crate::error::{Error, RejectionKind, Unsettled};
use crate::list_cache::PauseReason;
use crate::performed_action::PerformedAction;
use crate::routes;
use crate::run_context::RunContext;
use crate::secret;
use crate::settings::WaitMode;
use crate::transport::Method;

/// Time within which the API resumes a paused database pipe after an edit.
//
// The API tests an edit by running the pipe, and a command in between is one write too many:
//
//     PATCH (paused) -> 200     a start now may be refused with "already running"
//     a moment later            the pipe runs by itself: only now a stop stops it
const AUTO_RESUME_WITHIN: Duration = Duration::from_secs(10);

/// Starts the object unless it runs already, or resumes by itself after an edit.
pub(super) async fn start_object(run: &RunContext, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
    let started = ensure_started(run, at, id).await?;
    run.list_cache(at)?.note_pause(id, None);
    Ok(started)
}

async fn ensure_started(run: &RunContext, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
    if let Some(object) = wait_for_auto_resume(run, at, id).await? {
        return match lifecycle::progress_toward(at.kind, &object, RunState::Running) {
            Progress::Ready | Progress::Degraded => Ok(PerformedAction::from_listed(at, object, RunState::Running)),
            Progress::InProgress | Progress::Failed => {
                Err(Error::BadState { address: at.clone(), state: object.state })
            }
        };
    }
    let last = run.list_cache(at)?.last_seen(id);
    // Sent in doubt: a needless start is refused with "already running", but a missing one leaves the pipe stopped.
    if last.as_ref().is_none_or(|object| can_be_started(at, object)) {
        send_start(run, at, id, TimeBudget::Run).await?;
    }
    if let (WaitMode::None, Some(object)) = (run.settings.wait, &last) {
        let performed = PerformedAction::new(at, object, RunState::Running);
        // The last known state is older than the start, so it does not show its effect.
        let state = if can_be_started(at, object) { State::default() } else { performed.state };
        return Ok(PerformedAction { state, ..performed });
    }
    let before = last.map(|last| last.state);
    let object = ObjectWatch::new(run, at, id)?.until_settled(RunState::Running, before.as_ref()).await?;
    Ok(PerformedAction::from_listed(at, object, RunState::Running))
}

/// Stops the object, and waits until it is stopped, also with [`WaitMode::None`]: an edit may come next.
pub(super) async fn stop_object(run: &RunContext, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
    let list_cache = run.list_cache(at)?;
    let has_ended = |object: &Object| {
        lifecycle::progress_toward(at.kind, object, RunState::Stopped) == Progress::Ready
            && !lifecycle::is_stopped(object)
    };
    // A completed pipe reads nothing any more, and the API's response to a stop of it is unknown.
    if let Some(object) = list_cache.last_seen(id).filter(has_ended) {
        return Ok(PerformedAction::new(at, &object, RunState::Stopped));
    }
    // The new pipe may need a moment to show that it is paused. If it runs instead, the API ignored the switch, and the
    // stop below is sent.
    if run.was_created_paused(id)
        && let Some(object) = ObjectWatch::new(run, at, id)?.until_stopped().await?
    {
        return Ok(PerformedAction::from_listed(at, object, RunState::Stopped));
    }
    // The stop is sent even if the pipe looks stopped: the API may resume it later than `AUTO_RESUME_WITHIN`.
    wait_for_auto_resume(run, at, id).await?;
    let object = pause_object(run, at, id, PauseReason::PlannedAction).await?;
    Ok(PerformedAction::from_listed(at, object, RunState::Stopped))
}

/// Stops the object, and waits until it is stopped.
// The reason is noted before the stop is sent: an interruption can drop this at any await, and then the pipe has to be
// started.
pub(super) async fn pause_object(run: &RunContext, at: &Address, id: &Id, why: PauseReason) -> Result<Object, Error> {
    let list_cache = run.list_cache(at)?;
    let before = list_cache.pause_reason(id);
    list_cache.note_pause(id, Some(why));
    match stop_until_stopped(run, at, id).await {
        Ok(object) => {
            list_cache.clear_pending_write(id);
            Ok(object)
        }
        Err(StopFailure { error, may_have_stopped }) => {
            if !may_have_stopped {
                list_cache.note_pause(id, before);
            }
            Err(error)
        }
    }
}

struct StopFailure {
    error: Error,
    /// Whether the pipe may be stopped despite the error, so that it has to be started.
    may_have_stopped: bool,
}

impl From<Error> for StopFailure {
    fn from(error: Error) -> Self {
        Self { error, may_have_stopped: true }
    }
}

/// Sends the stop, and sends it again if the pipe runs afterwards.
//
// A database pipe obeys a stop only while it follows its source. During a load, and while tables come and go, the API
// answers 200 and drops the command (documentation of the lifecycle; source of the engine behind it).
//
//     PATCH state stop -> 200     the pipe is in Snapshot: the stop is dropped
//     GET list   Snapshot         wait
//     GET list   Running          the load is done: send the stop again
//     GET list   Paused           done
async fn stop_until_stopped(run: &RunContext, at: &Address, id: &Id) -> Result<Object, StopFailure> {
    let stops = |object: &Object| lifecycle::state_command(at.kind, object, RunState::Stopped).is_none();
    let mut was_answered = false;
    loop {
        run.list_cache(at)?.note_stop(id);
        if let Err(error) = send_until_effective(run, at, id, "stop", TimeBudget::Run, stops).await {
            // A stop that was refused, or not sent, stopped nothing.
            let may_have_stopped = was_answered || error.is_outcome_unknown();
            return Err(StopFailure { error, may_have_stopped });
        }
        was_answered = true;
        match ObjectWatch::new(run, at, id)?.until_stopped().await {
            Ok(Some(object)) => return Ok(object),
            Ok(None) => tracing::warn!(%at, "the pipe runs although a stop was answered: sending it again"),
            Err(Error::NotSettled { last_state: Some(state), waited, why: Unsettled::TimedOut, .. })
                if is_loading(&state) =>
            {
                // The load continues, so the API dropped the stop. The pipe need not be started again.
                let error = Error::StopIgnored { address: at.clone(), state, waited };
                return Err(StopFailure { error, may_have_stopped: false });
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether a start would change the object's state.
pub(super) fn can_be_started(at: &Address, object: &Object) -> bool {
    lifecycle::state_command(at.kind, object, RunState::Running).is_some()
}

pub(super) async fn send_start(run: &RunContext, at: &Address, id: &Id, budget: TimeBudget) -> Result<(), Error> {
    // A start is not idempotent: a pipe that runs already answers 400 (seen live), which is a success here.
    let starts = |object: &Object| !can_be_started(at, object);
    match send_until_effective(run, at, id, "start", budget, starts).await {
        Err(error) if error.rejection_kind() == Some(RejectionKind::AlreadyRunning) => Ok(()),
        other => other,
    }
}

/// The object after it resumed by itself and settled; `None` if it was not edited lately, or does not resume.
async fn wait_for_auto_resume(run: &RunContext, at: &Address, id: &Id) -> Result<Option<Object>, Error> {
    let list_cache = run.list_cache(at)?;
    let Some(edited) = list_cache.edited_at(id) else { return Ok(None) };
    let resume_deadline = edited + AUTO_RESUME_WITHIN;
    let object = if Instant::now() < resume_deadline {
        ObjectWatch::new(run, at, id)?.until_resumed(resume_deadline).await?
    } else {
        None
    };
    list_cache.clear_pending_write(id);
    Ok(object)
}

/// Reloads all tables of a database pipe.
// A resync costs a whole load, so an unanswered one without a visible effect is not repeated: the user decides.
pub(crate) async fn resync_pipe(run: &RunContext, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
    let before = run.list_cache(at)?.last_seen(id).map(|last| last.state);
    match send_command(run, at, id, "resync", TimeBudget::Run).await {
        Err(error) if error.is_outcome_unknown() => {
            let seen = ObjectWatch::new(run, at, id)?.next_object().await;
            let moved = |object: Object| before.is_some() && Some(object.state) != before;
            if !seen.ok().flatten().is_some_and(moved) {
                return Err(error);
            }
        }
        other => other?,
    }
    if let (WaitMode::None, Some(object)) = (run.settings.wait, run.list_cache(at)?.last_seen(id)) {
        return Ok(PerformedAction::new(at, &object, RunState::Running));
    }
    let object = ObjectWatch::new(run, at, id)?.until_loaded(before.as_ref()).await?;
    Ok(PerformedAction::from_listed(at, object, RunState::Running))
}

/// Sends a command until it is answered, or a list shows its effect.
async fn send_until_effective(
    run: &RunContext,
    at: &Address,
    id: &Id,
    command: &str,
    budget: TimeBudget,
    took_effect: impl Fn(&Object) -> bool,
) -> Result<(), Error> {
    let mut uncertain_write = UncertainWrite::new(run, at, id, budget);
    loop {
        match send_command(run, at, id, command, budget).await {
            Err(error) if error.is_outcome_unknown() => {
                if uncertain_write.check_effect(error, &took_effect).await?.is_some() {
                    return Ok(());
                }
            }
            other => return other,
        }
    }
}

/// Sends a command under the known key, or under both until one is accepted.
// If the second key is refused as well, the refusal is about something else: the first error is returned, and no key is
// remembered.
async fn send_command(run: &RunContext, at: &Address, id: &Id, command: &str, budget: TimeBudget) -> Result<(), Error> {
    let (key, other) = run.command_dialect.keys_to_try();
    let (key, sent) = match (patch_state(run, at, id, key.command_body(command), budget).await, other) {
        (Err(error), Some(other)) if may_be_about_command_key(&error) => {
            match patch_state(run, at, id, other.command_body(command), budget).await {
                Err(again) if is_refusal_again(&again) => (key, Err(error)),
                sent => (other, sent),
            }
        }
        (sent, _) => (key, sent),
    };
    if sent.is_ok() {
        run.command_dialect.remember_key(key);
    }
    sent
}

fn is_refusal_again(error: &Error) -> bool {
    error.rejection_kind() == Some(RejectionKind::InvalidRequest) || may_be_about_command_key(error)
}

// The answer only acknowledges the command, and may still contain the old state.
async fn patch_state(run: &RunContext, at: &Address, id: &Id, body: Value, budget: TimeBudget) -> Result<(), Error> {
    let list_cache = run.list_cache(at)?;
    let path = routes::state_url(&routes::object_url(&list_cache.path, id));
    let body = secret::literal_body(&body);
    // The client does not retry it: after a lost answer, `send_until_effective` looks at the pipe first.
    let call = RequestSpec::new(Method::Patch, &path).with_body(&body).with_budget(budget).at_most_once();
    let result = run.client.send(call).await?;
    if let Ok(mut item) = decode::decode_object(at.kind, Method::Patch, &path, result) {
        run.client.run_redaction.redact_object(at.kind, &mut item.object);
        list_cache.note_object(&item.name, &item.object);
    }
    Ok(())
}
