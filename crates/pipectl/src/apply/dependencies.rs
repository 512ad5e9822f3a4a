//! Dependencies between the objects of one apply.
//
// Objects that do not depend on each other are worked on side by side. The hazard is order:
//
//     create endpoint  ->  create the pipe that uses it        `requires`: if the endpoint fails, the pipe is skipped
//     update the pipe  ->  delete the endpoint that it left    `released_by`: if the update fails, the delete is skipped
//     everything       ->  delete, scaling                     `after`: waits for the end, whatever it is
//
// A delete whose referrer could not be changed would cut a running pipe off from its source.

use std::cell::RefCell;
use std::collections::BTreeMap;

use model::address::Address;
use planner::ObjectWork;
use tokio::sync::Notify;

use super::object_result::{ObjectResult, Outcome};

/// The objects whose work has ended.
#[derive(Default)]
pub(super) struct FinishedObjects {
    finished: RefCell<BTreeMap<Address, ObjectEnd>>,
    on_finish: Notify,
}

struct ObjectEnd {
    outcome: Outcome,
    unmet_dependency: Option<Address>,
}

/// The reason why the work on an object does not begin.
pub(super) struct SkipReason {
    pub(super) reason: String,
    /// The object at the root of it, if the plan does nothing to that one.
    pub(super) unmet_dependency: Option<Address>,
}

impl FinishedObjects {
    /// Waits until the work on every object that this one depends on has ended.
    pub(super) async fn wait_for_dependencies(&self, lane: &ObjectWork<'_>) {
        loop {
            let more = self.on_finish.notified();
            let have_ended = {
                let lanes = self.finished.borrow();
                lane.requires.iter().chain(&lane.after).all(|at| lanes.contains_key(*at))
            };
            if have_ended {
                return;
            }
            more.await;
        }
    }

    pub(super) fn record_result(&self, report: &ObjectResult) {
        let end = ObjectEnd { outcome: report.outcome, unmet_dependency: report.unmet_dependency.clone() };
        self.finished.borrow_mut().insert(report.address.clone(), end);
        self.on_finish.notify_waiters();
    }

    /// The reason why the work on the object must not begin; `None` if it may.
    pub(super) fn skip_reason(&self, lane: &ObjectWork<'_>) -> Option<SkipReason> {
        let lanes = self.finished.borrow();
        let missing = lane.requires.iter().find_map(|at| {
            let end = lanes.get(*at)?;
            let reason = format!("it refers to `{at}`, which {}", not_applied_text(end.outcome)?);
            Some(SkipReason { reason, unmet_dependency: end.unmet_dependency.clone() })
        });
        let in_use = || lane.released_by.iter().find_map(|at| still_in_use(at, lanes.get(*at)));
        missing.or_else(in_use)
    }
}

/// The reason to keep an object that the live object `at` uses.
fn still_in_use(at: &Address, end: Option<&ObjectEnd>) -> Option<SkipReason> {
    let (explanation, unmet_dependency) = match end {
        Some(end) => (not_applied_text(end.outcome)?, end.unmet_dependency.clone()),
        // The plan does not change `at`, so it goes on using the object.
        None => ("is left as it is", Some(at.clone())),
    };
    Some(SkipReason { reason: format!("`{at}` still uses it, and {explanation}"), unmet_dependency })
}

fn not_applied_text(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Applied => None,
        Outcome::Accepted => Some("has not settled yet"),
        Outcome::Failed => Some("failed"),
        Outcome::Unknown => Some("has an unknown outcome"),
        Outcome::Interrupted | Outcome::Skipped => Some("was not done"),
    }
}
