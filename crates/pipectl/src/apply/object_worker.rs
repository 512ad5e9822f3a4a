//! Performs the actions of one object in order.
//
// A CI job that is cancelled gets SIGINT, then SIGTERM after 7.5 seconds, then SIGKILL. So after the first signal no
// new action begins, a request that is out gets 3.5 s to be answered, and a pipe that this run paused is started
// within 6.5 s: before the kill, with a second to print what happened.

use std::time::Duration;

use clickpipes::lifecycle::{self, Progress};
use model::action::{Action, RunState};
use model::live::Id;
use planner::ObjectWork;
use remote::{Error, PerformedAction};

use super::ApplyRun;
use super::object_result::{ObjectResult, Outcome, action_verb};

/// Time for a request in progress to be answered after an interruption.
const RESPONSE_GRACE: Duration = Duration::from_millis(3500);

/// Time after an interruption within which paused pipes are started.
const RESUME_GRACE: Duration = Duration::from_millis(6500);

/// Why the work on an object ended early.
enum StopCause {
    Error(Error),
    /// A later action could not be performed, so that this one is not begun.
    NotReady(Error),
    /// Another object found out that the key is refused.
    KeyRefused,
    /// Nothing more was sent.
    Interrupted,
    /// An answer did not come in time after an interruption.
    NoResponse,
}

/// Performs the actions until one fails, and starts the pipe if this run paused it.
pub(super) async fn run_object(run: &ApplyRun<'_>, lane: &ObjectWork<'_>) -> ObjectResult {
    let mut report = ObjectResult::new(lane);
    let lane = &lane.actions;
    let mut pausing = None;
    for (index, action) in lane.iter().enumerate() {
        if pausing.is_none() && is_stop_action(action) && !would_end_stopped(lane) {
            pausing = run.remote.acquire_pause_permit().await;
        }
        let stop = match perform_action(run, action, &lane[index + 1..]).await {
            Ok(performed) => {
                pausing = pausing.filter(|_| !is_running_again(&performed));
                report.record_action(performed);
                continue;
            }
            Err(stop) => stop,
        };
        let begun = matches!(stop, StopCause::Error(_) | StopCause::NoResponse);
        let rest = if begun { index + 1 } else { index };
        report.not_started = lane[rest..].iter().map(|action| action_verb(action)).collect();
        report.notes.extend(maybe_created_note(action, &stop).map(str::to_owned));
        record_stop(run, &mut report, stop);
        report.notes.extend(deleted_only_note(&lane[..index]).map(str::to_owned));
        let stopped = run.remote.paused_by_run(action).filter(|_| !would_end_stopped(lane));
        if let Some(id) = stopped {
            resume_pipe(run, &id, &mut report).await;
        }
        break;
    }
    report
}

async fn perform_action(run: &ApplyRun<'_>, action: &Action, then: &[&Action]) -> Result<PerformedAction, StopCause> {
    if run.is_key_refused.get() {
        return Err(StopCause::KeyRefused);
    }
    if run.interruption.is_raised() {
        return Err(StopCause::Interrupted);
    }
    // Nothing is deleted that could not be made again, nor stopped that could not be changed.
    run.remote.check_ready(action, then).await.map_err(StopCause::NotReady)?;
    tracing::info!(at = %action.address(), action = action_verb(action), "perform");
    tokio::select! {
        biased;
        performed = run.remote.perform_action(action) => performed.map_err(StopCause::Error),
        () = run.interruption.wait_past_grace(RESPONSE_GRACE) => Err(StopCause::NoResponse),
    }
}

fn record_stop(run: &ApplyRun<'_>, report: &mut ObjectResult, stop: StopCause) {
    let begun = report.done > 0;
    match stop {
        StopCause::Error(error) | StopCause::NotReady(error) => {
            run.is_key_refused.set(run.is_key_refused.get() || error.is_auth_error());
            report.record_error(&error);
        }
        StopCause::NoResponse => report.end_with(Outcome::Unknown, "interrupted before the API answered"),
        StopCause::KeyRefused if begun => {
            report.end_with(Outcome::Failed, "nothing more is sent: the API refused the key");
        }
        StopCause::KeyRefused => report.notes.push("the API refused the key".to_owned()),
        StopCause::Interrupted if begun => report.end_with(Outcome::Interrupted, "interrupted"),
        StopCause::Interrupted => report.notes.push("interrupted before it was begun".to_owned()),
    }
}

/// What to know of an object that the API may be making just now.
fn maybe_created_note(action: &Action, stop: &StopCause) -> Option<&'static str> {
    let lost = matches!((action, stop), (Action::Create { .. }, StopCause::NoResponse));
    lost.then_some("the API may still be making it: wait a minute before the next apply, or there may be two")
}

/// What to know of an object that was deleted to be made again, and is not made.
fn deleted_only_note(done: &[&Action]) -> Option<&'static str> {
    let deleted = matches!(done, [Action::Delete { .. }]);
    deleted.then_some("it is deleted and not made again yet: the next apply makes it")
}

fn is_stop_action(action: &Action) -> bool {
    matches!(action, Action::SetState { to: RunState::Stopped, .. })
}

/// Whether nothing is left to be started again. What was not looked at may be stopped.
fn is_running_again(performed: &PerformedAction) -> bool {
    performed.live.as_ref().is_some_and(|live| !lifecycle::is_stopped(live))
}

/// Whether the lane would have left the object stopped.
fn would_end_stopped(lane: &[&Action]) -> bool {
    let mut commands = lane.iter().rev().filter(|it| matches!(it, Action::SetState { .. }));
    commands.next().is_some_and(|last| is_stop_action(last))
}

async fn resume_pipe(run: &ApplyRun<'_>, id: &Id, report: &mut ObjectResult) {
    let resumed = tokio::select! {
        biased;
        resumed = run.remote.resume_pipe(&report.address, id) => resumed.map_err(|e| e.to_string()),
        () = run.interruption.wait_past_grace(RESUME_GRACE) => Err("the API did not answer in time".to_owned()),
    };
    match resumed {
        Ok(performed) => {
            let arrived = performed.progress != Progress::InProgress;
            report.state = arrived.then(|| performed.state.to_string());
            report.notes.push("it was stopped for the edit, and is started again".to_owned());
        }
        Err(error) => report.left_stopped = Some(error),
    }
}
