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

    /// Why the lane must not be begun.
    pub(super) fn unmet(&self, lane: &Lane<'_>) -> Option<String> {
        let outcomes = self.outcomes.borrow();
        let unmade = lane.needs.iter().find_map(|at| {
            let word = word(*outcomes.get(*at)?)?;
            Some(format!("it refers to `{at}`, which {word}"))
        });
        unmade.or_else(|| {
            lane.until.iter().find_map(|at| {
                // What nothing is done to does not let go either.
                let word = outcomes.get(*at).map_or(Some("is left as it is"), |it| word(*it))?;
                Some(format!("`{at}` still uses it, and {word}"))
            })
        })
    }
}

/// How something ended, if not well.
fn word(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Applied => None,
        Outcome::Failed => Some("failed"),
        Outcome::Unknown => Some("has an unknown outcome"),
        Outcome::Interrupted | Outcome::Skipped => Some("was not done"),
    }
}
