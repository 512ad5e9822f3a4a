//! Starts a pipe that this run paused, after the deadline or an interruption.
//
// Hazard: a pipe that stays stopped ingests nothing, and nobody notices until data is missing. So the start has its own
// time budget, outside `--timeout`.
//
//     PATCH state stop -> 200
//     interrupted                 the pipe may still read Running: a list is older than the stop
//     GET list                    Running within 10 s of the stop: look again, it may be about to stop
//     GET list                    Paused: send the start
//
// If no list can be read in time, the start is sent anyway: a running pipe refuses it with "already running" (seen
// live), which is harmless.

use std::time::Duration;

use clickpipes::lifecycle;
use model::action::RunState;
use model::address::Address;
use model::live::{Id, Object, State};
use serde_json::Value;

use super::start_stop::{can_be_started, send_start};
use super::watch::{ObjectWatch, STOPS_WITHIN};
use crate::deadline::TimeBudget;
use crate::error::Error;
use crate::performed_action::PerformedAction;
use crate::run_context::RunContext;

/// Time budget for looking and starting.
const RESERVED_TIME: Duration = Duration::from_secs(60);

/// Part of the budget for looking. A pipe that no list shows is started unseen.
const MAX_LOOK_TIME: Duration = Duration::from_secs(30);

pub(crate) async fn resume_pipe(run: &RunContext, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
    let budget = TimeBudget::reserve_for(RESERVED_TIME);
    let list_cache = run.list_cache(at)?;
    let was_seen_stopped = list_cache.stop_sent_at(id).is_none();
    if let Some(object) = find_running(run, at, id).await? {
        list_cache.note_pause(id, None);
        let is_noted = was_seen_stopped && !lifecycle::is_finished(&object);
        let mut performed = PerformedAction::from_listed(at, object, RunState::Running);
        performed.notes.extend(is_noted.then(|| RUNS_AGAIN_NOTE.to_owned()));
        return Ok(performed);
    }
    send_start(run, at, id, budget).await?;
    list_cache.clear_pending_write(id);
    list_cache.note_pause(id, None);
    let last = list_cache.last_seen(id).unwrap_or_else(|| unknown_object(id));
    let mut performed = PerformedAction::new(at, &last, RunState::Running);
    performed.notes.push(STARTED_NOTE.to_owned());
    Ok(performed)
}

const STARTED_NOTE: &str = "it was stopped for the edit, and is started again";

// Not noted if no list showed the pipe stopped: it may have run all the time. A completed pipe took no stop.
const RUNS_AGAIN_NOTE: &str = "it was stopped for the edit, and runs again";

/// The object if it needs no start; `None` if it can be started, or no list shows it.
async fn find_running(run: &RunContext, at: &Address, id: &Id) -> Result<Option<Object>, Error> {
    let stopped = run.list_cache(at)?.stop_sent_at(id);
    let stopping = || stopped.is_some_and(|sent| sent.elapsed() < STOPS_WITHIN);
    let mut watch = ObjectWatch::new(run, at, id)?.with_budget(TimeBudget::reserve_for(MAX_LOOK_TIME));
    loop {
        match watch.next_object().await {
            Ok(Some(object)) if !can_be_started(at, &object) && !stopping() => {
                return Ok(Some(object));
            }
            Ok(Some(object)) if !is_ready_to_start(&object) => {}
            Err(error @ Error::Disappeared { .. }) => return Err(error),
            Ok(_) | Err(_) => return Ok(None),
        }
        if watch.check_time().is_err() {
            return Ok(None);
        }
    }
}

fn is_ready_to_start(object: &Object) -> bool {
    // The API may ignore a start while the pipe is still stopping.
    lifecycle::is_stopped(object) || object.state.as_str() == "Failed"
}

fn unknown_object(id: &Id) -> Object {
    Object { id: id.clone(), state: State::default(), body: Value::Null }
}
