//! How the lanes of one apply hear of each other.

use std::cell::RefCell;
use std::collections::BTreeMap;

use model::address::Address;
use planner::Lane;
use tokio::sync::Notify;

use super::report::{Outcome, Report};

/// The lanes that have ended, and how.
#[derive(Default)]
pub(super) struct Ended {
    outcomes: RefCell<BTreeMap<Address, Outcome>>,
    more: Notify,
}

impl Ended {
    /// Waits until everything has ended that comes before the lane.
    pub(super) async fn wait(&self, lane: &Lane<'_>) {
        loop {
            let more = self.more.notified();
            let have_ended = {
                let outcomes = self.outcomes.borrow();
                lane.needs.iter().chain(&lane.after).all(|at| outcomes.contains_key(*at))
            };
            if have_ended {
                return;
            }
            more.await;
        }
    }

    /// A lane has ended.
    pub(super) fn note(&self, report: &Report) {
        self.outcomes.borrow_mut().insert(report.at.clone(), report.outcome);
        self.more.notify_waiters();
    }

    /// Why there is no point in beginning the lane.
    pub(super) fn unmet(&self, lane: &Lane<'_>) -> Option<String> {
        let outcomes = self.outcomes.borrow();
        lane.needs.iter().find_map(|at| {
            let word = match outcomes.get(*at)? {
                Outcome::Applied => return None,
                Outcome::Failed => "failed",
                Outcome::Unknown => "has an unknown outcome",
                Outcome::Interrupted | Outcome::Skipped => "was not done",
            };
            Some(format!("it refers to `{at}`, which {word}"))
        })
    }
}
