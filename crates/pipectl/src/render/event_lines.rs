//! The events of an apply as JSON lines.

use model::sanitize::escape_json_text;
use std::collections::BTreeMap;

use model::address::Address;
use planner::{Plan, Verdict};
use serde::Serialize;
use serde_json::{Map, Value};

use super::envelope::SCHEMA_VERSION;
use crate::apply::ObjectResult;
use crate::code_help::ExplainedDiagnostic;
use crate::saved_plan::StaleObject;
use crate::unreachable::UnreachableService;

pub fn event_line(environment: Option<&str>, event: &ApplyEvent<'_>) -> String {
    let mut line = Map::new();
    line.insert("schemaVersion".to_owned(), SCHEMA_VERSION.into());
    line.extend(environment.map(|name| ("environment".to_owned(), name.into())));
    // The structs can always be serialized; a missing line would be noticed at once.
    if let Ok(Value::Object(fields)) = serde_json::to_value(event) {
        line.extend(fields);
    }
    escape_json_text(&format!("{}\n", Value::Object(line)))
}

/// The last line of a run that failed early.
pub fn failure_line(environment: Option<&str>, outcome: &'static str, exit_code: u8, errors: &[String]) -> String {
    let summary = RunSummary { outcome, exit_code, errors, ..RunSummary::default() };
    event_line(environment, &ApplyEvent::Summary(summary))
}

/// An event. The last line of every run is a summary.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ApplyEvent<'e> {
    /// The plan, before anything is sent.
    Plan {
        /// The number of objects by verdict.
        counts: BTreeMap<&'static str, usize>,
        /// Objects in sync.
        unchanged: usize,
        /// Unmanaged objects.
        unmanaged: usize,
    },
    /// The work on an object has ended. The last line about an object counts: an object that the API accepted and that
    /// is not live afterwards gets a second line.
    Object {
        /// Objects that have ended.
        done: usize,
        /// All objects.
        of: usize,
        report: &'e ObjectResult,
    },
    /// The run continues.
    Heartbeat {
        /// Objects that have ended.
        done: usize,
        /// All objects.
        of: usize,
    },
    /// A signal arrived. No further action starts.
    Interruption {
        /// Objects that have ended.
        done: usize,
        /// All objects.
        of: usize,
    },
    /// The result of the run.
    Summary(RunSummary<'e>),
}

/// The result of a run.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary<'s> {
    /// The result in one word.
    pub outcome: &'static str,
    pub exit_code: u8,
    /// Objects that were deleted to be created again, and may not exist.
    pub not_recreated: Vec<&'s Address>,
    /// Pipes that lack a table mapping, because it was removed and could not be added in its new form.
    pub missing_mappings: Vec<&'s Address>,
    /// Pipes that should run and may be stopped.
    pub left_stopped: Vec<&'s Address>,
    /// The number of objects by outcome.
    pub counts: BTreeMap<&'static str, usize>,
    /// Changes that the saved plan does not contain.
    #[serde(skip_serializing_if = "<[StaleObject]>::is_empty")]
    pub refused: &'s [StaleObject],
    /// Services that could not be read. Nothing was changed there.
    #[serde(skip_serializing_if = "<[UnreachableService]>::is_empty")]
    pub unreachable: &'s [UnreachableService],
    /// Errors of the run. Errors of an object are in its result.
    pub errors: &'s [String],
    /// The problems in files that ended it before there was a plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<ExplainedDiagnostic>,
}

impl<'s> RunSummary<'s> {
    /// Counts these results.
    pub fn from_reports(reports: &'s [ObjectResult]) -> Self {
        let stopped = reports.iter().filter(|report| report.left_stopped.is_some());
        let missing = reports.iter().filter(|report| report.not_recreated.is_some());
        let unmapped = reports.iter().filter(|report| report.missing_mappings.is_some());
        let words = reports.iter().map(|report| report.outcome.as_str());
        Self {
            not_recreated: missing.map(|report| &report.address).collect(),
            missing_mappings: unmapped.map(|report| &report.address).collect(),
            left_stopped: stopped.map(|report| &report.address).collect(),
            counts: count_words(words),
            ..Self::default()
        }
    }
}

impl ApplyEvent<'_> {
    /// Counts the changes of a plan.
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
