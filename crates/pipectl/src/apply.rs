//! The interpreter of actions. It performs what an approved plan holds, and decides nothing.
//!
//! Objects that do not depend on each other are worked on side by side. A failure ends the work on
//! its own object and on what refers to it; everything else goes on. No pipe that was stopped for
//! an edit is left stopped in silence.

mod ended;
mod lane;
mod report;

use std::cell::Cell;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream;
use planner::Approved;
use remote::Remote;

use self::ended::Ended;
pub use self::report::{Failure, Outcome, Report};
use crate::interruption::Interruption;

/// What the lanes of one apply share.
struct Run<'r> {
    remote: &'r Remote,
    interruption: &'r Interruption,
    /// A refused key is refused for everything: nothing more is sent then.
    refused: Cell<bool>,
}

/// Performs the plan. `told` hears of every object as it ends. Once `interruption` is raised
/// nothing new is begun, and all is over within seven seconds.
pub async fn apply(
    remote: &Remote,
    approved: &Approved,
    parallel: usize,
    interruption: &Interruption,
    told: impl Fn(&Report),
) -> Vec<Report> {
    let run = Run { remote, interruption, refused: Cell::new(false) };
    let work = std::pin::pin!(all_lanes(&run, approved, parallel, told));
    let raised = std::pin::pin!(interruption.raised());
    match select(work, raised).await {
        Either::Left((reports, _)) => reports,
        Either::Right((_, work)) => {
            remote.interrupt();
            work.await
        }
    }
}

async fn all_lanes(
    run: &Run<'_>,
    approved: &Approved,
    parallel: usize,
    told: impl Fn(&Report),
) -> Vec<Report> {
    let lanes = approved.lanes();
    let ended = Ended::default();
    let work = lanes.iter().map(|lane| async {
        ended.wait(lane).await;
        let report = match ended.unmet(lane) {
            Some(unmet) => Report::skipped(lane, unmet),
            None => lane::work(run, lane).await,
        };
        ended.note(&report);
        told(&report);
        report
    });
    // What a lane waits for comes before it, so that nobody waits for somebody without a turn.
    let mut reports: Vec<Report> =
        stream::iter(work).buffer_unordered(parallel.max(1)).collect().await;
    reports.sort_by(|a, b| a.at.cmp(&b.at));
    reports
}
