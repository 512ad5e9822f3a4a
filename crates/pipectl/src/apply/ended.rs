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
    lanes: RefCell<BTreeMap<Address, End>>,
    more: Notify,
}

/// How a lane has ended.
struct End {
    outcome: Outcome,
    held_by: Option<Address>,
}

/// Why a lane is not begun.
pub(super) struct Unmet {
    /// In words.
    pub(super) reason: String,
    /// The object that it comes down to, if the plan does nothing to that one.
    pub(super) held_by: Option<Address>,
}

impl Ended {
    /// Waits until everything has ended that comes before the lane.
    pub(super) async fn wait(&self, lane: &Lane<'_>) {
        loop {
            let more = self.more.notified();
            let have_ended = {
                let lanes = self.lanes.borrow();
                lane.needs.iter().chain(&lane.after).all(|at| lanes.contains_key(*at))
            };
            if have_ended {
                return;
            }
            more.await;
        }
    }

    /// A lane has ended.
    pub(super) fn note(&self, report: &Report) {
        let end = End { outcome: report.outcome, held_by: report.held_by.clone() };
        self.lanes.borrow_mut().insert(report.at.clone(), end);
        self.more.notify_waiters();
    }

    /// Why the lane must not be begun.
    pub(super) fn unmet(&self, lane: &Lane<'_>) -> Option<Unmet> {
        let lanes = self.lanes.borrow();
        let unmade = lane.needs.iter().find_map(|at| {
            let end = lanes.get(*at)?;
            let reason = format!("it refers to `{at}`, which {}", word(end.outcome)?);
            Some(Unmet { reason, held_by: end.held_by.clone() })
        });
        let in_use = || lane.until.iter().find_map(|at| in_use(at, lanes.get(*at)));
        unmade.or_else(in_use)
    }
}

/// Why something is not deleted that the object at this address uses in live.
fn in_use(at: &Address, end: Option<&End>) -> Option<Unmet> {
    let (word, held_by) = match end {
        Some(end) => (word(end.outcome)?, end.held_by.clone()),
        // What nothing is done to does not let go either.
        None => ("is left as it is", Some(at.clone())),
    };
    Some(Unmet { reason: format!("`{at}` still uses it, and {word}"), held_by })
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
