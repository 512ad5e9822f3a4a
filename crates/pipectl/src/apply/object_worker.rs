//! Performs the actions of one object in order.
//
// A CI job that is cancelled gets SIGINT, then SIGTERM after 7.5 seconds, then SIGKILL. So after the first signal no
// new action starts, a request in flight gets 3.5 s to be answered, and a pipe that this run paused is started within
// 6.5 s: before the kill, with a second to print what happened. An object that this run deleted to re-create it is
// created within the same time, although that is a new action: until then nothing reads its source.
//
//     0.0 s   DELETE was answered; SIGINT
//     1.5 s   GET list: no longer listed
//     1.6 s   POST
//     6.5 s   the last moment for its answer; without one: "DELETED, not re-created", first of all

use std::time::Duration;

use clickpipes::blocking_tables::redefined_tables_note;
use clickpipes::lifecycle::{self, Progress};
use model::action::Action;
use model::live::Id;
use planner::ObjectWork;
use remote::{Error, PerformedAction};
use serde_json::Value;

use super::object_result::{ObjectResult, Outcome, action_verb};
use super::{ApplyRun, ApplyStep, removed_mappings};

/// Time for a request in progress to be answered after an interruption.
pub(super) const RESPONSE_GRACE: Duration = Duration::from_millis(3500);

/// Time after an interruption within which paused pipes are started.
const RESUME_GRACE: Duration = Duration::from_millis(6500);

pub(super) enum StopCause {
    Error(Error),
    /// A later action could not be performed, so this one was not begun.
    NotReady(Error),
    /// The API refused the key for another object.
    KeyRefused,
    /// The run was interrupted before the action was begun, or while it waited for its turn.
    Interrupted,
    /// The run was interrupted, and the response did not come in time. The request may have taken effect.
    NoResponse,
}

/// How the work on an object depends on other objects.
#[derive(Clone, Copy)]
pub(super) struct HandingOver<'w> {
    /// Actions of other objects that must be possible before this one changes.
    pub(super) followers: &'w [&'w Action],
    /// What this run did to other objects to make room for this one.
    pub(super) given: Given,
}

/// What other objects did so that this one can take over a source that only one can read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Nothing,
    /// Another object was deleted.
    Deleted,
    /// Another object was changed or stopped.
    Released,
}

impl Given {
    /// For an object that did not get it.
    fn note(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Deleted => Some("an object was deleted for it, and nothing reads its source now: run apply again"),
            Self::Released => {
                Some("another object gave up its name or source for it, and nothing uses that now: run apply again")
            }
        }
    }
}

/// Performs the actions until one fails, and starts the pipe if this run paused it.
pub(super) async fn run_object(
    run: &ApplyRun<'_>,
    work: &ObjectWork<'_>,
    handing_over: HandingOver<'_>,
) -> ObjectResult {
    let mut report = ObjectResult::new(work);
    let actions = &work.actions;
    let mut pausing = None;
    for (index, action) in actions.iter().enumerate() {
        // A permit keeps a place in the rate limit for the start. A pipe that ends stopped needs none.
        if pausing.is_none() && action.is_stop() && !would_end_stopped(actions) {
            pausing = run.remote.acquire_pause_permit().await;
        }
        match perform_action(run, work, index, handing_over).await {
            Ok(performed) => {
                pausing = pausing.filter(|_| !is_running_again(&performed));
                report.record_action(performed);
            }
            Err(stop) => {
                end_early(run, actions, (index, stop), handing_over.given, &mut report).await;
                break;
            }
        }
    }
    if report.outcome == Outcome::Applied {
        report
            .notes
            .extend(run.changes.get(&report.address).and_then(|it| redefined_tables_note(&it.redefined_tables)));
    }
    report
}

/// Undoes what this run did to the object (restarts it, restores its mappings), and reports its state.
async fn end_early(
    run: &ApplyRun<'_>,
    actions: &[&Action],
    (index, stop): (usize, StopCause),
    given: Given,
    report: &mut ObjectResult,
) {
    let action = actions[index];
    // Before the report and before the pipe is started: both depend on whether its tables are complete again.
    let restored = removed_mappings::restore_mappings(run, action, &stop).await;
    report_stop(run, actions, (index, stop), given, report);
    removed_mappings::record_mappings(report, actions, restored);
    // Whatever ended the work: a pipe that stays stopped ingests nothing until somebody notices.
    let stopped = run.remote.paused_by_run(action).filter(|_| !would_end_stopped(actions));
    if let Some(id) = stopped {
        resume_pipe(run, &id, report).await;
    }
}

/// Reports the remaining actions, and what they mean for the object.
fn report_stop(
    run: &ApplyRun<'_>,
    actions: &[&Action],
    (index, stop): (usize, StopCause),
    given: Given,
    report: &mut ObjectResult,
) {
    let rest = if stop.is_begun() { index + 1 } else { index };
    report.not_started = actions[rest..].iter().map(|action| action_verb(action)).collect();
    report.notes.extend(maybe_created_note(actions[index], &stop).map(str::to_owned));
    record_stop(run, report, stop);
    report.notes.extend(given.note().filter(|_| report.done == 0).map(str::to_owned));
    report.not_recreated = not_recreated_reason(actions, index, report, given);
    if let (Some(_), Some(body)) = (&report.not_recreated, create_body(actions)) {
        report.keep_create(body, run.changes.get(&report.address).copied());
    }
}

async fn perform_action(
    run: &ApplyRun<'_>,
    work: &ObjectWork<'_>,
    index: usize,
    handing_over: HandingOver<'_>,
) -> Result<PerformedAction, StopCause> {
    let (actions, action) = (&work.actions, work.actions[index]);
    let gives_way = !work.gives_to.is_empty() && matches!(action, Action::Delete { .. });
    // Until then no object uses the released name or source.
    let follows =
        handing_over.given != Given::Nothing && matches!(action, Action::Create { .. } | Action::Update { .. });
    if run.is_key_refused.get() {
        return Err(StopCause::KeyRefused);
    }
    if run.interruption.is_raised() && !ends_replacement(actions, index) && !follows {
        return Err(StopCause::Interrupted);
    }
    // Check first: an object must not be deleted if it cannot be re-created, and a pipe must not be stopped if its edit
    // cannot be sent.
    run.remote.check_secrets(handing_over.followers).map_err(StopCause::NotReady)?;
    if !work.gives_to.is_empty() {
        run.remote.check_successors(action, handing_over.followers).await.map_err(StopCause::NotReady)?;
    }
    run.remote.check_ready(action, &actions[index + 1..]).await.map_err(StopCause::NotReady)?;
    (run.on_step)(&ApplyStep::Action(action));
    // Between the delete and the create nothing reads the source, so these requests get the longer time.
    let is_replacement = begins_replacement(actions, index) || ends_replacement(actions, index) || gives_way || follows;
    send_action(run, action, if is_replacement { RESUME_GRACE } else { RESPONSE_GRACE }).await
}

pub(super) async fn send_action(
    run: &ApplyRun<'_>,
    action: &Action,
    grace: Duration,
) -> Result<PerformedAction, StopCause> {
    tracing::info!(at = %action.address(), action = action_verb(action), "perform");
    tokio::select! {
        biased;
        performed = run.remote.perform_action(action) => performed.map_err(StopCause::Error),
        () = run.interruption.wait_past_grace(grace) => Err(if run.remote.may_have_taken_effect(action) {
            StopCause::NoResponse
        } else {
            StopCause::Interrupted
        }),
    }
}

/// Whether the action deletes an object that a later action re-creates.
fn begins_replacement(actions: &[&Action], index: usize) -> bool {
    matches!(actions[index..], [Action::Delete { .. }, Action::Create { .. }, ..])
}

/// Whether the action re-creates an object that this run deleted.
fn ends_replacement(actions: &[&Action], index: usize) -> bool {
    index.checked_sub(1).is_some_and(|before| begins_replacement(actions, before))
}

impl StopCause {
    /// Whether the action may have been sent.
    fn is_begun(&self) -> bool {
        // Out of time means that it still waited for its turn.
        matches!(self, Self::Error(error) if !matches!(error, Error::OutOfTime)) || matches!(self, Self::NoResponse)
    }
}

fn record_stop(run: &ApplyRun<'_>, report: &mut ObjectResult, stop: StopCause) {
    let begun = report.done > 0;
    match stop {
        StopCause::Error(error) | StopCause::NotReady(error) => {
            // Every other request would be refused as well, and each refusal counts against the rate limit.
            run.is_key_refused.set(run.is_key_refused.get() || error.is_auth_error());
            report.record_error(&error);
        }
        StopCause::NoResponse => report.end_with(Outcome::Unknown, "interrupted before the API answered"),
        StopCause::KeyRefused if begun => {
            report.end_with(Outcome::Failed, "nothing more is sent: the API refused the key");
        }
        StopCause::KeyRefused => report.notes.push("the API refused the key".to_owned()),
        StopCause::Interrupted if begun => report.end_with(Outcome::Interrupted, "interrupted"),
        StopCause::Interrupted => report.notes.push("interrupted before it started".to_owned()),
    }
}

/// The note for a create that was sent and got no response.
fn maybe_created_note(action: &Action, stop: &StopCause) -> Option<&'static str> {
    let lost = matches!((action, stop), (Action::Create { .. }, StopCause::NoResponse));
    lost.then_some("the API may still create it: wait a minute before the next apply, or there may be two")
}

/// The reason why an object that this run deleted, or may have deleted, was not re-created: under its own name, or
/// under that of the object that takes over from it.
fn not_recreated_reason(actions: &[&Action], index: usize, report: &ObjectResult, given: Given) -> Option<String> {
    let was_accepted = report.done > index;
    let may_be_deleted = begins_replacement(actions, index) && (was_accepted || report.outcome == Outcome::Unknown);
    let takes_over = given == Given::Deleted && matches!(actions[index], Action::Create { .. });
    let may_be_missing = may_be_deleted || (ends_replacement(actions, index) || takes_over) && !was_accepted;
    let reason = || report.error.as_ref().map_or_else(|| "nothing more was sent".to_owned(), |it| it.message.clone());
    may_be_missing.then(reason)
}

fn create_body<'p>(actions: &[&'p Action]) -> Option<&'p Value> {
    let mut creates = actions.iter().filter(|action| matches!(action, Action::Create { .. }));
    creates.next().and_then(|create| create.request_body())
}

fn is_running_again(performed: &PerformedAction) -> bool {
    // Without a list after the action, the pipe may be stopped: the permit stays.
    performed.live.as_ref().is_some_and(|live| !lifecycle::is_stopped(live))
}

fn would_end_stopped(actions: &[&Action]) -> bool {
    let mut commands = actions.iter().rev().filter(|it| matches!(it, Action::SetState { .. }));
    commands.next().is_some_and(|last| last.is_stop())
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
            report.notes.extend(performed.notes);
        }
        Err(error) => report.left_stopped = Some(error),
    }
}
