//! Performs an approved plan. It makes no decisions.
//!
//! Independent objects are processed in parallel. A failure ends the work on its object and skips the objects that
//! depend on it; the other objects continue. A pipe that could not be started again after an edit is reported.

mod dependencies;
mod object_result;
mod object_worker;
mod removed_mappings;

use std::cell::Cell;
use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream;
use model::action::Action;
use model::address::Address;
use planner::{ApprovedPlan, Change, ObjectWork};
use remote::Remote;

use self::dependencies::FinishedObjects;
pub(crate) use self::object_result::Alarm;
pub use self::object_result::{ObjectResult, Outcome};
use self::object_worker::HandingOver;
use crate::interruption::Interruption;

/// The default number of objects that are processed at once with one API key.
// An object keeps its place until it has settled. With one request in a second, fewer places would make an apply slower
// than the rate limit as soon as pipes take minutes to start. A waiting object sends nothing: all share one list.
pub const OBJECTS_PER_KEY: usize = 256;

/// A step in the work on an object, for progress output.
pub enum ApplyStep<'s> {
    /// It has a place, and may wait for other objects.
    Waiting(&'s Address),
    /// The next action begins.
    Action(&'s Action),
    /// The work on it has ended.
    Finished(&'s ObjectResult),
}

impl ApplyStep<'_> {
    pub(crate) fn address(&self) -> &Address {
        match self {
            Self::Waiting(address) => address,
            Self::Action(action) => action.address(),
            Self::Finished(result) => &result.address,
        }
    }
}

struct ApplyRun<'r> {
    remote: &'r Remote,
    /// The explanation of each object in the plan.
    changes: BTreeMap<&'r Address, &'r Change>,
    interruption: &'r Interruption,
    /// Whether the API refused the key. It would refuse every other request, so none is sent.
    is_key_refused: Cell<bool>,
    on_step: &'r dyn Fn(&ApplyStep<'_>),
}

/// Performs the plan, with `parallel` objects at a time. `on_step` is called for each step of an object.
/// When `interruption` is raised, no new action starts, and everything ends within seven seconds.
pub async fn apply_plan(
    remote: &Remote,
    approved: &ApprovedPlan,
    parallel: usize,
    interruption: &Interruption,
    on_step: impl Fn(&ApplyStep<'_>),
) -> Vec<ObjectResult> {
    let changes = approved.plan().changes.iter().map(|change| (&change.address, change)).collect();
    let run = ApplyRun { remote, changes, interruption, is_key_refused: Cell::new(false), on_step: &on_step };
    let work = std::pin::pin!(run_all_objects(&run, approved, parallel));
    let raised = std::pin::pin!(interruption.wait_until_raised());
    match select(work, raised).await {
        Either::Left((reports, _)) => reports,
        // The work is not dropped: a request in progress may take effect, and paused pipes have to be started.
        Either::Right((_, work)) => {
            // It ends waits and reads at once. Writes that are out are finished, because without an answer nobody knows
            // what they did.
            remote.cancel_run();
            work.await
        }
    }
}

/// For each object, the actions that depend on it and must be possible before it starts: the update of a pipe that
/// connects by a new DNS name of its endpoint, and the changes of pipes that take over a source that only one pipe can
/// read.
fn find_followers<'p>(work_by_object: &[ObjectWork<'p>]) -> BTreeMap<&'p Address, Vec<&'p Action>> {
    let mut followers: BTreeMap<&Address, Vec<&Action>> = BTreeMap::new();
    for work in work_by_object {
        let updates = work.actions.iter().filter(|action| matches!(action, Action::Update { id: Some(_), .. }));
        for required in &work.requires {
            followers.entry(required).or_default().extend(updates.clone());
        }
        for holder in &work.takes_from {
            followers.entry(holder).or_default().extend(&work.actions);
        }
    }
    followers
}

async fn run_all_objects(run: &ApplyRun<'_>, approved: &ApprovedPlan, parallel: usize) -> Vec<ObjectResult> {
    let work_by_object = approved.work_by_object();
    let finished = FinishedObjects::new(&work_by_object);
    let followers = find_followers(&work_by_object);
    let work = work_by_object.iter().map(|work| async {
        (run.on_step)(&ApplyStep::Waiting(work.address()));
        finished.wait_for_dependencies(work).await;
        let following = followers.get(work.address()).map_or(&[][..], Vec::as_slice);
        let handing_over = HandingOver { followers: following, given: finished.given_to(work) };
        let mut report = match finished.skip_reason(work) {
            Some(unmet) => ObjectResult::skipped_because(work, unmet),
            None => object_worker::run_object(run, work, handing_over).await,
        };
        if let Some(change) = run.changes.get(work.address()) {
            report.describe_object(change);
        }
        finished.record_result(work, &report);
        (run.on_step)(&ApplyStep::Finished(&report));
        report
    });
    // An object comes after those that it waits for. Otherwise all places could be taken by objects that wait for one
    // that never gets a place.
    let mut reports: Vec<ObjectResult> = stream::iter(work).buffer_unordered(parallel.max(1)).collect().await;
    reports.sort_by(|a, b| a.address.cmp(&b.address));
    reports
}
