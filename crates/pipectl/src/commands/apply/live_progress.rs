//! Live progress of an apply on a terminal: the objects that take longest, and a line with counts.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use model::action::{Action, RunState};
use model::address::Address;
use planner::Plan;
use tokio::time::Instant;

use crate::apply::{ApplyStep, Outcome};
use crate::diagnostics::pluralize;
use crate::output::{LiveArea, Output};

/// More objects are counted.
const MAX_ROWS: usize = 8;

pub(super) struct LiveProgress {
    area: LiveArea,
    counts: ProgressCounts,
}

impl LiveProgress {
    /// `None` if there is no terminal.
    pub(super) fn open(output: Output, rate: Option<(usize, f64)>) -> Option<Self> {
        let counts = ProgressCounts { rate, ..ProgressCounts::default() };
        LiveArea::open(output).map(|area| Self { area, counts })
    }

    pub(super) fn begin(&self, plan: &Plan) {
        self.counts.requests.set(plan.actions.len());
    }

    pub(super) fn record(&self, step: &ApplyStep<'_>) {
        self.counts.record(step);
    }

    /// `done_text` contains the progress and the elapsed time.
    pub(super) fn draw(&self, done_text: &str) {
        self.area.draw(&self.counts.lines(done_text));
    }

    pub(super) fn erase(&self) {
        self.area.erase();
    }
}

/// Counts for the progress output. Its size depends on the number of parallel objects, not on their total.
#[derive(Default)]
struct ProgressCounts {
    /// The objects at work, the first one first.
    active: RefCell<Vec<ActiveObject>>,
    not_applied: Cell<usize>,
    /// The number of requests that are still to be sent.
    requests: Cell<usize>,
    /// Requests per window, and the window in seconds.
    rate: Option<(usize, f64)>,
}

struct ActiveObject {
    address: Address,
    doing: &'static str,
    since: Instant,
}

impl ProgressCounts {
    fn record(&self, step: &ApplyStep<'_>) {
        let mut active = self.active.borrow_mut();
        active.retain(|object| object.address != *step.address());
        let doing = match step {
            ApplyStep::Waiting(_) => "waiting for objects that come first",
            ApplyStep::Action(action) => {
                self.requests.set(self.requests.get().saturating_sub(1));
                doing_word(action)
            }
            ApplyStep::Finished(result) => {
                let is_applied = result.outcome == Outcome::Applied;
                self.not_applied.set(self.not_applied.get() + usize::from(!is_applied));
                self.requests.set(self.requests.get().saturating_sub(result.not_started.len()));
                return;
            }
        };
        active.push(ActiveObject { address: step.address().clone(), doing, since: Instant::now() });
    }

    fn lines(&self, done_text: &str) -> Vec<String> {
        let active = self.active.borrow();
        let width = active.iter().take(MAX_ROWS).map(|object| object.address.to_string().chars().count()).max();
        let width = width.unwrap_or_default();
        let mut lines: Vec<String> = Vec::new();
        for ActiveObject { address, doing, since } in active.iter().take(MAX_ROWS) {
            lines.push(format!("  {:width$}  {doing}, {}", address.to_string(), rounded(since.elapsed())));
        }
        if active.len() > MAX_ROWS {
            lines.push(format!("  and {} more", active.len() - MAX_ROWS));
        }
        if active.is_empty() && self.requests.get() == 0 {
            lines.push("  reading back what was applied".to_owned());
        }
        let failed = match self.not_applied.get() {
            0 => String::new(),
            count => format!(", {count} not applied"),
        };
        lines.push(format!("{done_text}{failed}{}", self.time_left()));
        lines
    }

    /// The minimum time for the remaining requests.
    fn time_left(&self) -> String {
        let (requests, Some((per_window, window))) = (self.requests.get(), self.rate) else { return String::new() };
        if requests == 0 {
            return String::new();
        }
        #[expect(clippy::cast_precision_loss, reason = "a rough number of seconds for people")]
        let seconds = requests as f64 * window / per_window as f64;
        let left = rounded(Duration::from_secs_f64(seconds));
        format!("; {} left, about {left} at {per_window} requests / {window} s", pluralize(requests, "request"))
    }
}

fn doing_word(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "creating",
        Action::Update { .. } => "changing",
        Action::SetState { to: RunState::Running, .. } => "starting",
        Action::SetState { to: RunState::Stopped, .. } => "stopping",
        Action::Delete { .. } => "deleting",
    }
}

/// In whole seconds, and in whole minutes from ten minutes on.
pub(super) fn rounded(time: Duration) -> String {
    let seconds = time.as_secs();
    let seconds = if seconds < 600 { seconds } else { seconds.div_ceil(60) * 60 };
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::action::Action;
    use model::address::{Address, Kind, Name, ServiceRef};
    use model::live::Id;

    use super::ProgressCounts;
    use crate::apply::ApplyStep;

    fn delete(number: usize) -> Action {
        let name = format!("pipe-{number:04}");
        let address = Address::new(ServiceRef::new("a"), Kind::ClickPipe, Name::new(&*name));
        Action::Delete { address, id: Id::new(name) }
    }

    #[tokio::test(start_paused = true)]
    async fn thousands_of_objects_are_a_handful_of_lines() {
        let counts = ProgressCounts { rate: Some((10, 10.0)), ..ProgressCounts::default() };
        let actions: Vec<Action> = (0..1000).map(delete).collect();
        counts.requests.set(actions.len());
        for action in &actions[..10] {
            counts.record(&ApplyStep::Waiting(action.address()));
            counts.record(&ApplyStep::Action(action));
            tokio::time::advance(Duration::from_secs(7)).await;
        }
        counts.record(&ApplyStep::Waiting(actions[10].address()));
        insta::assert_snapshot!(counts.lines("0 of 1000 done after 1m 10s").join("\n"), @"
          a/pipe-0000  deleting, 1m 10s
          a/pipe-0001  deleting, 1m 3s
          a/pipe-0002  deleting, 56s
          a/pipe-0003  deleting, 49s
          a/pipe-0004  deleting, 42s
          a/pipe-0005  deleting, 35s
          a/pipe-0006  deleting, 28s
          a/pipe-0007  deleting, 21s
          and 3 more
        0 of 1000 done after 1m 10s; 990 requests left, about 17m at 10 requests / 10 s
        ");
    }
}
