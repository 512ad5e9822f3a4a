//! Progress of an apply: messages for people, or lines of JSON.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use model::action::Action;
use model::address::Address;
use planner::Plan;
use tokio::time::Instant;

use super::live_progress::{LiveProgress, rounded};
use crate::apply::{ApplyStep, ObjectResult, Outcome};
use crate::context::{CommandContext, OutputFormat};
use crate::interruption::Interruption;
use crate::output::StyledText;
use crate::render::apply_summary;
use crate::render::event_lines::{self, ApplyEvent};

/// Time between two messages of a run that waits.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Time between two drawings on a terminal.
const FRAME: Duration = Duration::from_secs(1);

const INTERRUPTED_TEXT: &str = "interrupted: finishing actions in progress (press Ctrl-C again to abort now)";

pub(super) struct ProgressReporter<'v> {
    context: &'v CommandContext,
    started: Instant,
    /// `of virtual time` in the embedded sandbox, whose clock jumps.
    clock: &'static str,
    done: Cell<usize>,
    total: Cell<usize>,
    /// The objects that are not finished.
    remaining: RefCell<BTreeSet<Address>>,
    /// `None` without a terminal.
    live: OnceCell<Option<LiveProgress>>,
}

impl<'v> ProgressReporter<'v> {
    pub(super) fn new(context: &'v CommandContext, is_virtual: bool) -> Self {
        let clock = if is_virtual { " of virtual time" } else { "" };
        let (done, total, remaining) = (Cell::new(0), Cell::new(0), RefCell::default());
        Self { context, started: Instant::now(), clock, done, total, remaining, live: OnceCell::new() }
    }

    /// Reports the planned actions to programs. People read them in the plan.
    pub(super) fn report_planned(&self, plan: &Plan) {
        let objects: BTreeSet<Address> = plan.actions.iter().map(Action::address).cloned().collect();
        self.total.set(objects.len());
        self.remaining.replace(objects);
        if self.context.format == OutputFormat::Ndjson {
            self.print_event(&ApplyEvent::from_plan(plan));
        }
    }

    /// Something happens to an object.
    pub(super) fn report_step(&self, step: &ApplyStep<'_>) {
        if let Some(live) = self.live() {
            live.record(step);
        }
        if let ApplyStep::Finished(result) = step {
            self.report_object(result);
        }
    }

    /// The work on an object has ended.
    fn report_object(&self, report: &ObjectResult) {
        self.done.set(self.done.get() + 1);
        self.remaining.borrow_mut().remove(&report.address);
        // On a terminal the counts are enough, except for results that need attention at once.
        if self.live().is_none() || report.outcome != Outcome::Applied {
            self.print_result(report);
        }
    }

    /// Corrects an earlier report about an object.
    pub(super) fn report_correction(&self, report: &ObjectResult) {
        self.print_result(report);
    }

    fn print_result(&self, report: &ObjectResult) {
        let (done, of) = (self.done.get(), self.total.get());
        match self.context.format {
            OutputFormat::Ndjson => self.print_event(&ApplyEvent::Object { done, of, report }),
            _ if self.context.output.is_quiet => {}
            _ => self.print_above(&apply_summary::render_progress(report, (done, of))),
        }
    }

    /// Prints a warning that does not stop the run.
    pub(super) fn print_warning(&self, what: &str) {
        self.print_line(format!("warning: {what}"));
    }

    /// Does the work. Prints a sign of life at intervals, because CI systems end silent jobs, and reports a signal at
    /// once.
    pub(super) async fn run_with_progress<T>(
        &self,
        work: impl Future<Output = T>,
        plan: &Plan,
        rate: Option<(usize, f64)>,
        interruption: &Interruption,
    ) -> T {
        let live = self.live.get_or_init(|| match self.context.format {
            OutputFormat::Ndjson => None,
            _ => LiveProgress::open(self.context.output, rate),
        });
        match live {
            Some(live) => {
                live.begin(plan);
                self.draw(live);
            }
            None => self.print_start(),
        }
        let done = tokio::select! {
            biased;
            never = self.report_progress(interruption) => match never {},
            done = work => done,
        };
        if let Some(live) = live {
            live.erase();
        }
        done
    }

    fn live(&self) -> Option<&LiveProgress> {
        self.live.get()?.as_ref()
    }

    fn draw(&self, live: &LiveProgress) {
        live.draw(&self.done_text());
    }

    /// `3 of 12 done after 1m 5s`
    fn done_text(&self) -> String {
        let (done, of, passed) = (self.done.get(), self.total.get(), rounded(self.started.elapsed()));
        format!("  {done} of {of} done after {passed}{}", self.clock)
    }

    /// Prints a message above what is drawn.
    fn print_above(&self, text: &StyledText) {
        if let Some(live) = self.live() {
            live.erase();
        }
        self.context.output.print_message(text);
        if let Some(live) = self.live() {
            self.draw(live);
        }
    }

    fn print_line(&self, line: impl AsRef<str>) {
        let mut text = StyledText::new();
        text.push_plain(line).end_line();
        self.print_above(&text);
    }

    async fn report_progress(&self, interruption: &Interruption) -> Infallible {
        let mut was_reported = false;
        loop {
            tokio::select! {
                biased;
                _ = interruption.wait_until_raised(), if !was_reported => {
                    was_reported = true;
                    self.print_interrupted();
                }
                () = tokio::time::sleep(if self.live().is_some() { FRAME } else { HEARTBEAT }) => self.print_heartbeat(),
            }
        }
    }

    /// A log shows at once that the work has started: half a minute of silence looks like a hanging run.
    fn print_start(&self) {
        let objects = self.remaining.borrow();
        if self.context.format != OutputFormat::Ndjson && !self.context.output.is_quiet && !objects.is_empty() {
            self.print_line(format!("  applying {}", names_text(&objects)));
        }
    }

    fn print_heartbeat(&self) {
        if self.context.format == OutputFormat::Ndjson {
            return self.print_event(&ApplyEvent::Heartbeat { done: self.done.get(), of: self.total.get() });
        }
        match self.live() {
            Some(live) => self.draw(live),
            None if self.context.output.is_quiet => {}
            None => self.print_line(format!("{}, {}", self.done_text(), waiting_text(&self.remaining.borrow()))),
        }
    }

    fn print_interrupted(&self) {
        self.print_line(INTERRUPTED_TEXT);
        if self.context.format == OutputFormat::Ndjson {
            self.print_event(&ApplyEvent::Interruption { done: self.done.get(), of: self.total.get() });
        }
    }

    fn print_event(&self, event: &ApplyEvent<'_>) {
        let mut text = StyledText::new();
        text.push_plain(event_lines::event_line(self.context.environment.name.as_deref(), event));
        // If the stream is closed, the summary reports the error.
        let _ = self.context.output.print_data(&text);
    }
}

/// The maximum number of objects that are named.
const MAX_NAMED: usize = 2;

fn waiting_text(left: &BTreeSet<Address>) -> String {
    if left.is_empty() {
        "reading back what was applied".to_owned()
    } else {
        format!("waiting for {}", names_text(left))
    }
}

/// `analytics/a, analytics/b and 3 more`
fn names_text(objects: &BTreeSet<Address>) -> String {
    let named: Vec<String> = objects.iter().take(MAX_NAMED).map(Address::to_string).collect();
    match objects.len() - named.len() {
        0 => named.join(" and "),
        others => format!("{} and {others} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::address::{Address, Kind, Name, ServiceRef};

    use super::waiting_text;

    #[test]
    fn a_run_names_what_it_waits_for() {
        let address = |name: &str| Address::new(ServiceRef::new("a"), Kind::ClickPipe, Name::new(name));
        let of = |names: &[&str]| waiting_text(&names.iter().copied().map(address).collect());
        insta::assert_snapshot!(of(&["one"]), @"waiting for a/one");
        insta::assert_snapshot!(of(&["one", "two"]), @"waiting for a/one and a/two");
        insta::assert_snapshot!(of(&["one", "two", "x", "y"]), @"waiting for a/one, a/two and 2 more");
        insta::assert_snapshot!(waiting_text(&BTreeSet::new()), @"reading back what was applied");
    }
}
