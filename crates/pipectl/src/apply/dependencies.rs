//! Dependencies between the objects of one apply.
//
// Objects that do not depend on each other are worked on side by side. The hazard is order:
//
//     create endpoint  ->  create the pipe that uses it        `requires`: if the endpoint fails, the pipe is skipped
//     update the pipe  ->  delete the endpoint that it left    `released_by`: if the update fails, the delete is skipped
//     create a pipe    ->  delete the one whose place it takes `released_by`: if the create fails, the delete is skipped
//     move into a table -> delete the pipe that fills it      `released_by`: if the move fails, the delete is skipped
//     delete a pipe    ->  create the one that takes its slot `takes_from`: if the delete fails, the create is skipped; and the
//                                                             delete waits for what the create refers to
//     everything       ->  delete, scaling                     `waits_for_lower_ranks`: for the end, whatever it is
//
// A delete whose referrer could not be changed would cut a running pipe off from its source.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use clickpipes::lifecycle;
use model::action::Action;
use model::address::{Address, ServiceRef};
use model::live::State;
use planner::{ObjectWork, WorkRank};
use tokio::sync::Notify;

use super::object_result::{ObjectResult, Outcome};
use super::object_worker::Given;

/// The finished objects, and the number of unfinished ones.
pub(super) struct FinishedObjects<'p> {
    ranks: BTreeMap<&'p Address, WorkRank>,
    finished: RefCell<BTreeMap<Address, ObjectEnd>>,
    /// How many objects of a service are not finished, by rank. There are few ranks, so a look costs the same however
    /// many objects there are.
    unfinished: RefCell<BTreeMap<(&'p ServiceRef, WorkRank), usize>>,
    on_finish: Notify,
}

struct ObjectEnd {
    outcome: Outcome,
    was_deleted: bool,
    /// Its state, and the reason why other objects cannot use it, if they cannot.
    unusable: Option<(State, &'static str)>,
    unmet_dependency: Option<Address>,
}

/// The reason why the work on an object does not begin.
pub(super) struct SkipReason {
    pub(super) reason: String,
    /// The object that caused it, if the plan does nothing to that object.
    pub(super) unmet_dependency: Option<Address>,
}

impl<'p> FinishedObjects<'p> {
    pub(super) fn new(all: &[ObjectWork<'p>]) -> Self {
        let mut unfinished: BTreeMap<(&ServiceRef, WorkRank), usize> = BTreeMap::new();
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
            // Created before the check: an object that finishes between the check and the wait would otherwise be
            // missed.
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
        let before = [&work.requires, &work.released_by, &work.takes_from, &work.claimants_require];
        before.into_iter().flatten().all(has_ended) && !(work.waits_for_lower_ranks && self.has_unfinished_below(work))
    }

    fn has_unfinished_below(&self, work: &ObjectWork<'_>) -> bool {
        let service = &work.address().service;
        let unfinished = self.unfinished.borrow();
        // An object of the organization belongs to all services, so it waits for the work on each of them.
        if service.is_organization() {
            unfinished.iter().any(|((_, rank), count)| *rank < work.rank && *count > 0)
        } else {
            unfinished.range((service, (0, 0))..(service, work.rank)).any(|(_, count)| *count > 0)
        }
    }

    pub(super) fn record_result(&self, work: &ObjectWork<'_>, report: &ObjectResult) {
        let at = &report.address;
        // Only actions that were answered count: a replacement that failed at its create did delete.
        let was_deleted = work.actions[..report.done].iter().any(|action| matches!(action, Action::Delete { .. }));
        let unmet_dependency = report.unmet_dependency.clone();
        let state = report.state.as_deref().map(State::new);
        let unusable = state.and_then(|state| Some((state.clone(), lifecycle::unusable_note(at.kind, &state)?)));
        let end = ObjectEnd { outcome: report.outcome, was_deleted, unusable, unmet_dependency };
        self.finished.borrow_mut().insert(at.clone(), end);
        if let Some((at, rank)) = self.ranks.get_key_value(at)
            && let Some(count) = self.unfinished.borrow_mut().get_mut(&(&at.service, *rank))
        {
            *count -= 1;
        }
        self.on_finish.notify_waiters();
    }

    /// The resources that other objects of this run gave up for this object.
    pub(super) fn given_to(&self, work: &ObjectWork<'_>) -> Given {
        let finished = self.finished.borrow();
        let holders: Vec<&ObjectEnd> = work.takes_from.iter().filter_map(|at| finished.get(*at)).collect();
        // The worst case first: after a deletion nothing reads the source; after a release the old reader may still
        // exist.
        if holders.iter().any(|end| end.was_deleted) {
            Given::Deleted
        } else if holders.iter().any(|end| end.outcome == Outcome::Applied) {
            Given::Released
        } else {
            Given::Nothing
        }
    }

    /// The reason why the work on the object must not begin; `None` if it may.
    pub(super) fn skip_reason(&self, work: &ObjectWork<'_>) -> Option<SkipReason> {
        let finished = self.finished.borrow();
        let waited_for = |others: &BTreeSet<&Address>, relation: &str| {
            others.iter().find_map(|at| {
                let end = finished.get(*at)?;
                let reason = format!("{relation} `{at}`, which {}", not_applied_text(end.outcome)?);
                Some(SkipReason { reason, unmet_dependency: end.unmet_dependency.clone() })
            })
        };
        let missing = waited_for(&work.requires, "it refers to");
        // The API would refuse it, or take it and leave it without its source.
        let unusable = || work.requires.iter().find_map(|at| unusable_reason(at, finished.get(*at)?));
        let not_free = || waited_for(&work.takes_from, "it takes over what only one can read from");
        let no_claimant = || waited_for(&work.claimants_require, "what takes over from it refers to");
        let in_use = || work.released_by.iter().find_map(|at| still_needed(work.address(), at, finished.get(*at)));
        missing.or_else(unusable).or_else(not_free).or_else(no_claimant).or_else(in_use)
    }
}

/// The reason to skip an object that needs an object in an unusable state.
fn unusable_reason(at: &Address, end: &ObjectEnd) -> Option<SkipReason> {
    let (state, note) = end.unusable.as_ref()?;
    let reason = format!("it uses `{at}`, which is `{state}`, not `Ready`: {note}");
    Some(SkipReason { reason, unmet_dependency: None })
}

/// The reason to keep an object that `other` uses, or that `other` replaces.
fn still_needed(kept: &Address, other: &Address, end: Option<&ObjectEnd>) -> Option<SkipReason> {
    let (explanation, unmet_dependency) = match end {
        Some(end) => (not_applied_text(end.outcome)?, end.unmet_dependency.clone()),
        // The plan does not change it, so it continues to use the object.
        None => ("is left as it is", Some(other.clone())),
    };
    // Objects use only objects of other kinds.
    let relation = if kept.kind == other.kind { "takes its place" } else { "still uses it" };
    Some(SkipReason { reason: format!("`{other}` {relation}, and {explanation}"), unmet_dependency })
}

fn not_applied_text(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Applied => None,
        // Accepted is not enough for a dependent: the API refuses a pipe whose endpoint is still being created.
        Outcome::Accepted => Some("has not settled yet"),
        Outcome::Failed => Some("failed"),
        Outcome::Unknown => Some("has an unknown outcome"),
        Outcome::Interrupted | Outcome::Skipped => Some("was not done"),
    }
}

#[cfg(test)]
mod tests {
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
        ObjectWork { rank: (rank, 0), waits_for_lower_ranks: rank > 0, ..ObjectWork::new(vec![action]) }
    }

    #[test]
    fn last_work_waits_for_lower_ranks_of_its_service() {
        let actions = [delete("a", "early"), delete("a", "late"), delete("b", "other"), delete("a", "same")];
        let all: Vec<_> = [0, 1, 1, 1].iter().zip(&actions).map(|(rank, action)| work(action, *rank)).collect();
        let finished = FinishedObjects::new(&all);
        let may_begin: Vec<bool> = all.iter().map(|work| finished.may_begin(work)).collect();
        assert_eq!(may_begin, [true, false, true, false]);
        finished.record_result(&all[0], &ObjectResult::new(&all[0]));
        assert!(all.iter().all(|work| finished.may_begin(work)));
    }
}
