//! What is told while it happens: talk for people, lines of JSON for machines.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use model::action::Action;
use model::address::Address;
use planner::Plan;
use tokio::time::Instant;

use crate::apply::Report;
use crate::cli::Format;
use crate::interruption::Interruption;
use crate::output::{Output, Text};
use crate::render::ndjson::{self, Event};
use crate::render::results;

/// Between two signs of life of a run that waits.
const HEARTBEAT: Duration = Duration::from_secs(30);

const ENDING: &str =
    "interrupted: what is under way is finished, nothing else is begun; once more ends at once";

/// Tells how the work gets on.
pub(super) struct Voice<'v> {
    output: Output,
    format: Format,
    environment: Option<&'v str>,
    began: Instant,
    done: Cell<usize>,
    of: Cell<usize>,
    /// What has not ended yet.
    left: RefCell<BTreeSet<Address>>,
}

impl<'v> Voice<'v> {
    /// For a run of this environment, or of none in particular.
    pub(super) fn new(output: Output, format: Format, environment: Option<&'v str>) -> Self {
        let (done, of, left) = (Cell::new(0), Cell::new(0), RefCell::default());
        Self { output, format, environment, began: Instant::now(), done, of, left }
    }

    /// What is to be done. People read it in the plan.
    pub(super) fn planned(&self, plan: &Plan) {
        let objects: BTreeSet<Address> = plan.actions.iter().map(Action::at).cloned().collect();
        self.of.set(objects.len());
        self.left.replace(objects);
        if self.format == Format::Ndjson {
            self.line(&Event::planned(plan));
        }
    }

    /// The work on an object has ended.
    pub(super) fn ended(&self, report: &Report) {
        self.done.set(self.done.get() + 1);
        self.left.borrow_mut().remove(&report.at);
        let (done, of) = (self.done.get(), self.of.get());
        match self.format {
            Format::Ndjson => self.line(&Event::Object { done, of, report }),
            _ => self.output.talk(&results::progress(report, (done, of))),
        }
    }

    /// What was told of an object has turned out to be wrong. People read the table.
    pub(super) fn corrected(&self, report: &Report) {
        if self.format == Format::Ndjson {
            self.line(&Event::Object { done: self.done.get(), of: self.of.get(), report });
        }
    }

    /// Something is doubtful, though it stops nothing.
    pub(super) fn warn(&self, what: &str) {
        self.output.say(format!("warning: {what}"));
    }

    /// Does the work. Says every now and then that it goes on, as CI systems end what is silent for
    /// long; and says at once that a signal was heard.
    pub(super) async fn during<T>(
        &self,
        work: impl Future<Output = T>,
        interruption: &Interruption,
    ) -> T {
        tokio::select! {
            biased;
            never = self.go_on(interruption) => match never {},
            done = work => done,
        }
    }

    async fn go_on(&self, interruption: &Interruption) -> Infallible {
        let mut told = false;
        loop {
            tokio::select! {
                biased;
                _ = interruption.raised(), if !told => {
                    told = true;
                    self.interrupted();
                }
                () = tokio::time::sleep(HEARTBEAT) => self.alive(),
            }
        }
    }

    fn alive(&self) {
        let (done, of) = (self.done.get(), self.of.get());
        if self.format == Format::Ndjson {
            return self.line(&Event::Heartbeat { done, of });
        }
        let passed =
            humantime::format_duration(Duration::from_secs(self.began.elapsed().as_secs()));
        let awaited = awaited(&self.left.borrow());
        self.output.say(format!("  {done} of {of} done after {passed}, {awaited}"));
    }

    fn interrupted(&self) {
        self.output.say(ENDING);
        if self.format == Format::Ndjson {
            self.line(&Event::Interruption { done: self.done.get(), of: self.of.get() });
        }
    }

    fn line(&self, event: &Event<'_>) {
        let mut text = Text::new();
        text.plain(ndjson::line(self.environment, event));
        // The summary fails on a stream that takes nothing.
        let _ = self.output.data(&text);
    }
}

/// So many objects are named.
const NAMED: usize = 2;

/// What a run waits for.
fn awaited(left: &BTreeSet<Address>) -> String {
    let named: Vec<String> = left.iter().take(NAMED).map(Address::to_string).collect();
    match left.len() - named.len() {
        _ if left.is_empty() => "reading back what was applied".to_owned(),
        0 => format!("waiting for {}", named.join(" and ")),
        others => format!("waiting for {} and {others} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::address::{Address, Kind, Name, ServiceRef};

    use super::awaited;

    #[test]
    fn a_run_names_what_it_waits_for() {
        let address =
            |name: &str| Address::new(ServiceRef::new("a"), Kind::ClickPipe, Name::new(name));
        let of = |names: &[&str]| awaited(&names.iter().copied().map(address).collect());
        insta::assert_snapshot!(of(&["one"]), @"waiting for a/one");
        insta::assert_snapshot!(of(&["one", "two"]), @"waiting for a/one and a/two");
        insta::assert_snapshot!(of(&["one", "two", "x", "y"]), @"waiting for a/one, a/two and 2 more");
        insta::assert_snapshot!(awaited(&BTreeSet::new()), @"reading back what was applied");
    }
}
