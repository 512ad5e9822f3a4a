//! The actions of one object, one after the other.

use std::time::Duration;

use model::action::{Action, RunState};
use model::lifecycle::{self, Standing};
use model::live::Id;
use planner::Lane;
use remote::{Error, Performed};

use super::Run;
use super::report::{Outcome, Report, verb};

/// After an interruption a request that is on its way has so long to be answered.
const LAST_ANSWERS: Duration = Duration::from_millis(3500);

/// After an interruption everything is over after so long.
const LAST_MOMENT: Duration = Duration::from_millis(6500);

/// Why the work on an object ended early.
enum Stop {
    Error(Error),
    /// A later action could not be performed, so that this one is not begun.
    Unready(Error),
    /// Another object found out that the key is refused.
    Refused,
    /// Nothing more was sent.
    Interrupted,
    /// An answer did not come in time after an interruption.
    Lost,
}

/// Does what can be done, and starts a pipe again that was stopped for an edit.
pub(super) async fn work(run: &Run<'_>, lane: &Lane<'_>) -> Report {
    let mut report = Report::new(lane);
    let lane = &lane.actions;
    let mut pausing = None;
    for (index, action) in lane.iter().enumerate() {
        if pausing.is_none() && is_stop(action) && !ends_stopped(lane) {
            pausing = run.remote.pausing().await;
        }
        let stop = match perform(run, action, &lane[index + 1..]).await {
            Ok(performed) => {
                pausing = pausing.filter(|_| !runs_again(&performed));
                report.add(performed);
                continue;
            }
            Err(stop) => stop,
        };
        let begun = matches!(stop, Stop::Error(_) | Stop::Lost);
        let rest = if begun { index + 1 } else { index };
        report.not_begun = lane[rest..].iter().map(|action| verb(action)).collect();
        report.notes.extend(under_way(action, &stop).map(str::to_owned));
        note(run, &mut report, stop);
        report.notes.extend(unmade(&lane[..index]).map(str::to_owned));
        let stopped = run.remote.stopped(action).filter(|_| !ends_stopped(lane));
        if let Some(id) = stopped {
            resume(run, &id, &mut report).await;
        }
        break;
    }
    report
}

async fn perform(run: &Run<'_>, action: &Action, then: &[&Action]) -> Result<Performed, Stop> {
    if run.refused.get() {
        return Err(Stop::Refused);
    }
    if run.interruption.is_raised() {
        return Err(Stop::Interrupted);
    }
    // Nothing is deleted that could not be made again, nor stopped that could not be changed.
    run.remote.ready(action, then).await.map_err(Stop::Unready)?;
    tracing::info!(at = %action.at(), action = verb(action), "perform");
    tokio::select! {
        biased;
        performed = run.remote.perform(action) => performed.map_err(Stop::Error),
        () = run.interruption.past(LAST_ANSWERS) => Err(Stop::Lost),
    }
}

fn note(run: &Run<'_>, report: &mut Report, stop: Stop) {
    let begun = report.done > 0;
    match stop {
        Stop::Error(error) | Stop::Unready(error) => {
            run.refused.set(run.refused.get() || error.is_auth());
            report.fail(&error);
        }
        Stop::Lost => report.end(Outcome::Unknown, "interrupted before the API answered"),
        Stop::Refused if begun => {
            report.end(Outcome::Failed, "nothing more is sent: the API refused the key");
        }
        Stop::Refused => report.notes.push("the API refused the key".to_owned()),
        Stop::Interrupted if begun => report.end(Outcome::Interrupted, "interrupted"),
        Stop::Interrupted => report.notes.push("interrupted before it was begun".to_owned()),
    }
}

/// What to know of an object that the API may be making just now.
fn under_way(action: &Action, stop: &Stop) -> Option<&'static str> {
    let lost = matches!((action, stop), (Action::Create { .. }, Stop::Lost));
    lost.then_some(
        "the API may still be making it: wait a minute before the next apply, or there may be two",
    )
}

/// What to know of an object that was deleted to be made again, and is not made.
fn unmade(done: &[&Action]) -> Option<&'static str> {
    let deleted = matches!(done, [Action::Delete { .. }]);
    deleted.then_some("it is deleted and not made again yet: the next apply makes it")
}

fn is_stop(action: &Action) -> bool {
    matches!(action, Action::SetState { to: RunState::Stopped, .. })
}

/// Whether nothing is left to be started again. What was not looked at may be stopped.
fn runs_again(performed: &Performed) -> bool {
    performed.live.as_ref().is_some_and(|live| !lifecycle::is_stopped(live))
}

/// Whether the lane would have left the object stopped.
fn ends_stopped(lane: &[&Action]) -> bool {
    let mut commands = lane.iter().rev().filter(|it| matches!(it, Action::SetState { .. }));
    commands.next().is_some_and(|last| is_stop(last))
}

async fn resume(run: &Run<'_>, id: &Id, report: &mut Report) {
    let resumed = tokio::select! {
        biased;
        resumed = run.remote.resume(&report.at, id) => resumed.map_err(|e| e.to_string()),
        () = run.interruption.past(LAST_MOMENT) => Err("the API did not answer in time".to_owned()),
    };
    match resumed {
        Ok(performed) => {
            let arrived = performed.standing != Standing::Moving;
            report.state = arrived.then(|| performed.state.to_string());
            report.notes.push("it was stopped for the edit, and is started again".to_owned());
        }
        Err(error) => report.left_stopped = Some(error),
    }
}
