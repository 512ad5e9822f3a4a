//! What a run has to tell, whatever the command was.

use model::address::Address;
use model::desired::Document;
use model::diagnostic::Diagnostic;
use planner::Plan;

use crate::apply::ObjectResult;
use crate::diagnostics::{pluralize, severity_counts};
use crate::render::apply_summary;
use crate::render::drift::DriftReport;
use crate::render::plan::{self, Context};
use crate::saved_plan::StaleObject;

/// Everything that reports are made of, taken from the command.
#[derive(Debug, Default)]
pub struct RunReport {
    /// The word on the command line: `plan`, `apply`, `drift`, `validate`.
    pub command: &'static str,
    /// How it went, in the word that JSON has for it.
    pub outcome: &'static str,
    /// What `-o json` prints.
    pub json: String,
    /// The plan, if it came to one.
    pub plan: Option<Plan>,
    /// What `drift` found.
    pub drift: Option<DriftReport>,
    /// What else is said about the plan.
    pub context: Context,
    /// What became of each object, once something was performed.
    pub results: Vec<ObjectResult>,
    /// The declared objects.
    pub declared: Vec<(Address, Document)>,
    /// What was refused because nobody reviewed it.
    pub refused: Vec<StaleObject>,
    /// What the plan is recognised by.
    pub digest: Option<String>,
    /// What is wrong with files.
    pub diagnostics: Vec<Diagnostic>,
    /// How many files were read.
    pub files: usize,
    /// Why the run ended early.
    pub errors: Vec<String>,
}

/// How much somebody changed outside git, if that is left alone.
fn drift_suffix(plan: &Plan) -> String {
    match plan.drifted_fields().count() {
        0 => String::new(),
        fields => format!(", drift in {}", pluralize(fields, "field")),
    }
}

impl RunReport {
    /// The run in a few words: what is missing of it, then the counts.
    pub(super) fn headline(&self) -> String {
        match self.context.unreachable.len() {
            0 => self.summary_counts(),
            unread => {
                format!("{} could not be read; {}", pluralize(unread, "service"), self.summary_counts())
            }
        }
    }

    fn summary_counts(&self) -> String {
        let problems = severity_counts(&self.diagnostics);
        match (&self.plan, &self.drift) {
            (Some(plan), _) if !self.errors.is_empty() => {
                format!("{}: {}", self.outcome, plan::plan_counts(plan))
            }
            _ if !self.errors.is_empty() && problems.is_empty() => "failed".to_owned(),
            _ if !self.errors.is_empty() => format!("failed: {problems}"),
            (Some(_), _) if !self.results.is_empty() => apply_summary::outcome_counts(&self.results),
            (Some(plan), _) if plan.has_no_changes() => format!("no changes{}", drift_suffix(plan)),
            (Some(plan), _) => format!("{}{}", plan::plan_counts(plan), drift_suffix(plan)),
            (None, Some(drift)) => drift.counts_text(),
            (None, None) if problems.is_empty() => {
                let manifests = pluralize(self.declared.len(), "manifest");
                format!("{manifests} in {}, valid", pluralize(self.files, "file"))
            }
            (None, None) => format!("{problems} in {}", pluralize(self.files, "file")),
        }
    }

    /// Why the run did not do all that it was to do, apart from what went wrong with one object.
    pub(super) fn run_errors(&self) -> Vec<String> {
        let refused =
            self.refused.iter().map(|object| format!("refused: {}: {}", object.address, object.reasons.join("; ")));
        let unread = self.context.unreachable.iter().map(ToString::to_string);
        self.errors.iter().cloned().chain(unread).chain(refused).collect()
    }

    /// What is not in the headline: what stays, and how it was read.
    pub(super) fn footnotes(&self) -> Vec<String> {
        let partial = self
            .context
            .partial
            .map(|(considered, declared)| format!("Partial: {considered} of {declared} objects included."));
        let Some(plan) = &self.plan else {
            let against = self.drift.as_ref().map(|drift| format!("Compared with {}.", drift.against));
            return partial.into_iter().chain(against).collect();
        };
        let mut parts = Vec::new();
        if !self.results.is_empty() {
            parts.push(format!("Planned: {}.", plan::plan_counts(plan)));
        }
        parts.extend(partial);
        parts.push(format!("{} unchanged, {} unmanaged.", plan.in_sync.len(), plan.unmanaged.len()));
        parts.extend(plan::unchecked::unchecked_sentence(plan));
        if self.results.is_empty() {
            parts.extend(plan::cost_estimate(plan, &self.context));
        }
        parts.extend(self.digest.as_ref().map(|digest| format!("Digest: `{digest}`")));
        parts
    }
}
