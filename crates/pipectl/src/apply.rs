//! The interpreter of actions. It performs what an approved plan holds, and decides nothing.
//!
//! Objects that do not depend on each other are worked on side by side. A failure ends the work on
//! its own object and on what refers to it; everything else goes on. No pipe that was stopped for
//! an edit is left stopped in silence.

mod dependencies;
mod object_result;
mod object_worker;

use std::cell::Cell;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream;
use planner::ApprovedPlan;
use remote::Remote;

use self::dependencies::FinishedObjects;
pub use self::object_result::{ObjectResult, Outcome};
use crate::interruption::Interruption;

/// What the lanes of one apply share.
struct ApplyRun<'r> {
    remote: &'r Remote,
    interruption: &'r Interruption,
    /// A refused key is refused for everything: nothing more is sent then.
    is_key_refused: Cell<bool>,
}

/// Performs the plan. `told` hears of every object as it ends. Once `interruption` is raised
/// nothing new is begun, and all is over within seven seconds.
pub async fn apply_plan(
    remote: &Remote,
    approved: &ApprovedPlan,
    parallel: usize,
    interruption: &Interruption,
    on_result: impl Fn(&ObjectResult),
) -> Vec<ObjectResult> {
    let run = ApplyRun { remote, interruption, is_key_refused: Cell::new(false) };
    let work = std::pin::pin!(run_all_objects(&run, approved, parallel, on_result));
    let raised = std::pin::pin!(interruption.wait_until_raised());
    match select(work, raised).await {
        Either::Left((reports, _)) => reports,
        Either::Right((_, work)) => {
            remote.cancel_run();
            work.await
        }
    }
}

async fn run_all_objects(
    run: &ApplyRun<'_>,
    approved: &ApprovedPlan,
    parallel: usize,
    on_result: impl Fn(&ObjectResult),
) -> Vec<ObjectResult> {
    let lanes = approved.work_by_object();
    let finished = FinishedObjects::default();
    let work = lanes.iter().map(|lane| async {
        finished.wait_for_dependencies(lane).await;
        let report = match finished.skip_reason(lane) {
            Some(unmet) => ObjectResult::skipped_because(lane, unmet),
            None => object_worker::run_object(run, lane).await,
        };
        finished.record_result(&report);
        on_result(&report);
        report
    });
    // What a lane waits for comes before it, so that nobody waits for somebody without a turn.
    let mut reports: Vec<ObjectResult> = stream::iter(work).buffer_unordered(parallel.max(1)).collect().await;
    reports.sort_by(|a, b| a.address.cmp(&b.address));
    reports
}
