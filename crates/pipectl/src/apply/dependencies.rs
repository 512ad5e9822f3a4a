//! Dependencies between the objects of one apply.
//
// Objects that do not depend on each other are worked on side by side. The hazard is order:
//
//     create endpoint  ->  create the pipe that uses it        `requires`: if the endpoint fails, the pipe is skipped
//     update the pipe  ->  delete the endpoint that it left    `released_by`: if the update fails, the delete is skipped
//     create a pipe    ->  delete the one whose place it takes `released_by`: if the create fails, the delete is skipped
//     everything       ->  delete, scaling                     `waits_for_lower_ranks`: for the end, whatever it is
//
// A delete whose referrer could not be changed would cut a running pipe off from its source.

use std::cell::RefCell;
use std::collections::BTreeMap;

use model::address::{Address, ServiceRef};
use planner::ObjectWork;
use tokio::sync::Notify;

use super::object_result::{ObjectResult, Outcome};

/// The objects whose work has ended, and how much is left.
pub(super) struct FinishedObjects<'p> {
    /// The rank of the work on each object.
    ranks: BTreeMap<&'p Address, usize>,
    finished: RefCell<BTreeMap<Address, ObjectEnd>>,
    /// How many objects of a service are not finished, by rank. There are few ranks, so a look costs the same however
    /// many objects there are.
    unfinished: RefCell<BTreeMap<(&'p ServiceRef, usize), usize>>,
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

impl<'p> FinishedObjects<'p> {
    pub(super) fn new(all: &[ObjectWork<'p>]) -> Self {
        let mut unfinished: BTreeMap<(&ServiceRef, usize), usize> = BTreeMap::new();
        for work in all {
            *unfinished.entry((&work.address().service, work.rank)).or_default() += 1;
        }
        Self {
            ranks: all.iter().map(|work| (work.address(), work.rank)).collect(),
            finished: RefCell::default(),
            unfinished: RefCell::new(unfinished),
            on_finish: Notify::new(),
        }
    }

    /// Waits until the work on every object that this one depends on has ended.
    pub(super) async fn wait_for_dependencies(&self, work: &ObjectWork<'_>) {
        loop {
            let more = self.on_finish.notified();
            if self.may_begin(work) {
                return;
            }
            more.await;
        }
    }

    fn may_begin(&self, work: &ObjectWork<'_>) -> bool {
        let finished = self.finished.borrow();
        // An object that the plan does not change never finishes.
        let has_ended = |at: &&Address| finished.contains_key(*at) || !self.ranks.contains_key(*at);
        work.requires.iter().chain(&work.released_by).all(has_ended)
            && !(work.waits_for_lower_ranks && self.has_unfinished_below(work))
    }

    fn has_unfinished_below(&self, work: &ObjectWork<'_>) -> bool {
        let service = &work.address().service;
        let unfinished = self.unfinished.borrow();
        if service.is_organization() {
            unfinished.iter().any(|((_, rank), count)| *rank < work.rank && *count > 0)
        } else {
            unfinished.range((service, 0)..(service, work.rank)).any(|(_, count)| *count > 0)
        }
    }

    pub(super) fn record_result(&self, report: &ObjectResult) {
        let at = &report.address;
        let end = ObjectEnd { outcome: report.outcome, unmet_dependency: report.unmet_dependency.clone() };
        self.finished.borrow_mut().insert(at.clone(), end);
        if let Some((at, rank)) = self.ranks.get_key_value(at)
            && let Some(count) = self.unfinished.borrow_mut().get_mut(&(&at.service, *rank))
        {
            *count -= 1;
        }
        self.on_finish.notify_waiters();
    }

    /// The reason why the work on the object must not begin; `None` if it may.
    pub(super) fn skip_reason(&self, work: &ObjectWork<'_>) -> Option<SkipReason> {
        let finished = self.finished.borrow();
        let missing = work.requires.iter().find_map(|at| {
            let end = finished.get(*at)?;
            let reason = format!("it refers to `{at}`, which {}", not_applied_text(end.outcome)?);
            Some(SkipReason { reason, unmet_dependency: end.unmet_dependency.clone() })
        });
        let in_use = || work.released_by.iter().find_map(|at| still_needed(work.address(), at, finished.get(*at)));
        missing.or_else(in_use)
    }
}

/// The reason to keep an object that `other` uses, or whose place it takes.
fn still_needed(kept: &Address, other: &Address, end: Option<&ObjectEnd>) -> Option<SkipReason> {
    let (explanation, unmet_dependency) = match end {
        Some(end) => (not_applied_text(end.outcome)?, end.unmet_dependency.clone()),
        // The plan does not change it, so it goes on using the object.
        None => ("is left as it is", Some(other.clone())),
    };
    // Objects use only objects of other kinds.
    let relation = if kept.kind == other.kind { "takes its place" } else { "still uses it" };
    Some(SkipReason { reason: format!("`{other}` {relation}, and {explanation}"), unmet_dependency })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::action::Action;
    use model::address::{Address, Kind, Name, ServiceRef};
    use model::live::Id;
    use planner::ObjectWork;

    use super::FinishedObjects;
    use crate::apply::object_result::ObjectResult;

    fn delete(service: &str, name: &str) -> Action {
        let address = Address::new(ServiceRef::new(service), Kind::ClickPipe, Name::new(name));
        Action::Delete { address, id: Id::new(name) }
    }

    fn work(action: &Action, rank: usize) -> ObjectWork<'_> {
        let (requires, released_by) = (BTreeSet::new(), BTreeSet::new());
        ObjectWork { actions: vec![action], requires, released_by, rank, waits_for_lower_ranks: rank > 0 }
    }

    #[test]
    fn last_work_waits_for_lower_ranks_of_its_service() {
        let actions = [delete("a", "early"), delete("a", "late"), delete("b", "other"), delete("a", "same")];
        let all: Vec<_> = [0, 1, 1, 1].iter().zip(&actions).map(|(rank, action)| work(action, *rank)).collect();
        let finished = FinishedObjects::new(&all);
        let may_begin: Vec<bool> = all.iter().map(|work| finished.may_begin(work)).collect();
        assert_eq!(may_begin, [true, false, true, false]);
        finished.record_result(&ObjectResult::new(&all[0]));
        assert!(all.iter().all(|work| finished.may_begin(work)));
    }
}
