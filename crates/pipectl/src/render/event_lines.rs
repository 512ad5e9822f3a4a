//! What apply tells while it happens, for machines: one JSON object on each line.

use std::collections::BTreeMap;

use model::address::Address;
use planner::{Plan, Verdict};
use serde::Serialize;

use super::envelope::SCHEMA_VERSION;
use crate::apply::ObjectResult;
use crate::saved_plan::StaleObject;
use crate::unreachable::UnreachableService;

/// One line, of a run for an environment or for none in particular.
pub fn event_line(environment: Option<&str>, event: &ApplyEvent<'_>) -> String {
    let line = EventLine { schema_version: SCHEMA_VERSION, environment, event };
    // Nothing in the structs can fail to be written; an empty line would be seen at once.
    let mut json = serde_json::to_string(&line).unwrap_or_default();
    json.push('\n');
    json
}

/// The last line of a run that has nothing else to tell.
pub fn failure_line(environment: Option<&str>, outcome: &'static str, exit_code: u8, errors: &[String]) -> String {
    let summary = RunSummary { outcome, exit_code, errors, ..RunSummary::default() };
    event_line(environment, &ApplyEvent::Summary(summary))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventLine<'l> {
    schema_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'l str>,
    #[serde(flatten)]
    event: &'l ApplyEvent<'l>,
}

/// What happens. The last line of a run is a summary, however it ends.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ApplyEvent<'e> {
    /// What is to be done.
    Plan {
        /// How many objects there are of each verdict.
        counts: BTreeMap<&'static str, usize>,
        /// How many are live as declared.
        unchanged: usize,
        /// How many are live and not declared.
        unmanaged: usize,
    },
    /// The work on an object has ended. The last line about an object is the one that counts: what
    /// is not live though the API accepted it is told a second time.
    Object {
        /// How many objects have ended.
        done: usize,
        /// How many there are.
        of: usize,
        /// What became of it.
        report: &'e ObjectResult,
    },
    /// The run goes on.
    Heartbeat {
        /// How many objects have ended.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// A signal came: nothing else is begun.
    Interruption {
        /// How many objects have ended.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// How the run went.
    Summary(RunSummary<'e>),
}

/// How a run went.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary<'s> {
    /// In one word how it went.
    pub outcome: &'static str,
    /// The exit code.
    pub exit_code: u8,
    /// Objects that were deleted to be created again, and may not exist.
    pub not_recreated: Vec<&'s Address>,
    /// Pipes that should run and may be stopped.
    pub left_stopped: Vec<&'s Address>,
    /// How many objects there are of each outcome.
    pub counts: BTreeMap<&'static str, usize>,
    /// What was not done because nobody reviewed it.
    #[serde(skip_serializing_if = "<[StaleObject]>::is_empty")]
    pub refused: &'s [StaleObject],
    /// Services that could not be read, and of which nothing was done.
    #[serde(skip_serializing_if = "<[UnreachableService]>::is_empty")]
    pub unreachable: &'s [UnreachableService],
    /// What went wrong, apart from what went wrong with one object.
    pub errors: &'s [String],
}

impl<'s> RunSummary<'s> {
    /// Of these objects.
    pub fn from_reports(reports: &'s [ObjectResult]) -> Self {
        let stopped = reports.iter().filter(|report| report.left_stopped.is_some());
        let missing = reports.iter().filter(|report| report.not_recreated.is_some());
        let words = reports.iter().map(|report| report.outcome.as_str());
        Self {
            not_recreated: missing.map(|report| &report.address).collect(),
            left_stopped: stopped.map(|report| &report.address).collect(),
            counts: count_words(words),
            ..Self::default()
        }
    }
}

impl ApplyEvent<'_> {
    /// What a plan holds.
    pub fn from_plan(plan: &Plan) -> Self {
        let verdicts = plan.changes.iter().map(|change| &change.verdict).map(Verdict::as_str);
        Self::Plan { counts: count_words(verdicts), unchanged: plan.in_sync.len(), unmanaged: plan.unmanaged.len() }
    }
}

fn count_words(words: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}
