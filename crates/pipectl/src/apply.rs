//! The interpreter of actions. It performs what an approved plan holds, and decides nothing.
//!
//! Objects that do not depend on each other are worked on side by side. A failure ends the work on
//! its own object and on what refers to it; everything else goes on. No pipe that was stopped for
//! an edit is left stopped in silence.

mod lane;
mod report;

use std::cell::Cell;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream;
use planner::{Approved, Lane, references, stages};
use remote::Remote;

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
    let work = std::pin::pin!(all_stages(&run, approved, parallel, told));
    let raised = std::pin::pin!(interruption.raised());
    match select(work, raised).await {
        Either::Left((reports, _)) => reports,
        Either::Right((_, work)) => {
            remote.interrupt();
            work.await
        }
    }
}

async fn all_stages(
    run: &Run<'_>,
    approved: &Approved,
    parallel: usize,
    told: impl Fn(&Report),
) -> Vec<Report> {
    let mut reports: Vec<Report> = Vec::new();
    for stage in stages(approved.actions()) {
        let lanes = stage.into_iter().map(|lane| {
            let (unmet, told) = (unmet(&lane, &reports), &told);
            async move {
                let report = match unmet {
                    Some(reason) => Report::skipped(&lane, &reason),
                    None => lane::work(run, &lane).await,
                };
                told(&report);
                report
            }
        });
        // Built before the stage begins: they look at the stages before it.
        let lanes: Vec<_> = lanes.collect();
        let done: Vec<Report> =
            stream::iter(lanes).buffer_unordered(parallel.max(1)).collect().await;
        reports.extend(done);
    }
    reports.sort_by(|a, b| a.at.cmp(&b.at));
    reports
}

/// Why there is no point in beginning: something that the lane refers to was to be changed before
/// it, and was not.
fn unmet(lane: &Lane<'_>, before: &[Report]) -> Option<String> {
    let needed: Vec<_> = lane.iter().flat_map(|action| references(action)).collect();
    let missing = before
        .iter()
        .find(|report| report.outcome != Outcome::Applied && needed.contains(&report.at))?;
    let word = match missing.outcome {
        Outcome::Failed => "failed",
        Outcome::Unknown => "has an unknown outcome",
        Outcome::Interrupted | Outcome::Skipped | Outcome::Applied => "was not done",
    };
    Some(format!("it refers to `{}`, which {word}", missing.at))
}
