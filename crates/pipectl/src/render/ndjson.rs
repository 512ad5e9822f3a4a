//! What apply tells while it happens, for machines: one JSON object on each line.

use std::collections::BTreeMap;

use model::address::Address;
use planner::{Plan, Verdict};
use serde::Serialize;

use super::json::SCHEMA_VERSION;
use super::results;
use super::unread::Unread;
use crate::apply::Report;
use crate::reviewed::Moved;

/// One line, of a run for an environment or for none in particular.
pub fn line(environment: Option<&str>, event: &Event<'_>) -> String {
    let line = Line { schema_version: SCHEMA_VERSION, environment, event };
    // Nothing in the structs can fail to be written; an empty line would be seen at once.
    let mut json = serde_json::to_string(&line).unwrap_or_default();
    json.push('\n');
    json
}

/// The last line of a run that has nothing else to tell.
pub fn failure(
    environment: Option<&str>,
    outcome: &'static str,
    exit_code: u8,
    errors: &[String],
) -> String {
    let summary = Summary { outcome, exit_code, errors, ..Summary::default() };
    line(environment, &Event::Summary(summary))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'l> {
    schema_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'l str>,
    #[serde(flatten)]
    event: &'l Event<'l>,
}

/// What happens. The last line of a run is a summary, however it ends.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event<'e> {
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
        report: &'e Report,
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
    Summary(Summary<'e>),
}

/// How a run went.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'s> {
    /// In one word how it went.
    pub outcome: &'static str,
    /// The exit code.
    pub exit_code: u8,
    /// Pipes that should run and may be stopped.
    pub left_stopped: Vec<&'s Address>,
    /// How many objects there are of each outcome.
    pub counts: BTreeMap<&'static str, usize>,
    /// What was not done because nobody reviewed it.
    #[serde(skip_serializing_if = "<[Moved]>::is_empty")]
    pub refused: &'s [Moved],
    /// Services that could not be read, and of which nothing was done.
    #[serde(skip_serializing_if = "<[Unread]>::is_empty")]
    pub unread: &'s [Unread],
    /// What went wrong, apart from what went wrong with one object.
    pub errors: &'s [String],
}

impl<'s> Summary<'s> {
    /// Of these objects.
    pub fn of(reports: &'s [Report]) -> Self {
        let stopped = reports.iter().filter(|report| report.left_stopped.is_some());
        let words = reports.iter().map(|report| results::word(report.outcome));
        Self {
            left_stopped: stopped.map(|report| &report.at).collect(),
            counts: counted(words),
            ..Self::default()
        }
    }
}

impl Event<'_> {
    /// What a plan holds.
    pub fn planned(plan: &Plan) -> Self {
        let verdicts = plan.changes.iter().map(|change| &change.verdict).map(Verdict::word);
        Self::Plan {
            counts: counted(verdicts),
            unchanged: plan.in_sync.len(),
            unmanaged: plan.unmanaged.len(),
        }
    }
}

fn counted(words: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}
