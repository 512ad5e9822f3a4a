//! The data of all reports of a run.

use model::address::Address;
use model::desired::Document;
use model::diagnostic::Diagnostic;
use planner::Plan;

use super::drifted_objects::{DriftedObject, drifted_objects};
use crate::apply::{Alarm, ObjectResult};
use crate::diagnostics::{pluralize, severity_counts};
use crate::merged_report::MergedReport;
use crate::plan_view::object::{ObjectView, display_name};
use crate::plan_view::review_notes::{self, ReviewNote};
use crate::plan_view::{self, Context, PlanView};
use crate::render::apply_summary;
use crate::render::drift::DriftReport;
use crate::saved_plan::StaleObject;
use crate::shard::Shard;

/// The result of a command.
#[derive(Debug, Default)]
pub struct RunReport {
    /// The word on the command line: `plan`, `apply`, `drift`, `validate`.
    pub command: &'static str,
    /// The environment, if one is selected.
    pub environment: Option<String>,
    /// The part of the services that the run is about.
    pub shard: Option<Shard>,
    /// The outcome of JSON.
    pub outcome: &'static str,
    /// What `-o json` prints.
    pub json: String,
    /// The runs that were joined, for `report merge`.
    pub merged: Option<MergedReport>,
    /// The plan, if the run has one.
    pub plan: Option<Plan>,
    /// The result of `drift`.
    pub drift: Option<DriftReport>,
    /// Other facts about the plan.
    pub context: Context,
    /// The result of each object, after an apply.
    pub results: Vec<ObjectResult>,
    /// The declared objects.
    pub declared: Vec<(Address, Document)>,
    /// Changes that the saved plan does not contain.
    pub refused: Vec<StaleObject>,
    /// The digest of the plan.
    pub digest: Option<String>,
    /// Problems in files.
    pub diagnostics: Vec<Diagnostic>,
    /// The number of files.
    pub files: usize,
    /// Why the run ended early.
    pub errors: Vec<String>,
}

/// The data that every format lays out, computed once.
pub(super) struct ReportView<'r> {
    pub(super) run: &'r RunReport,
    /// The objects that change or are blocked, the most severe first.
    pub(super) objects: Vec<ObjectView<'r>>,
    pub(super) drifted: Vec<DriftedObject<'r>>,
}

impl<'r> ReportView<'r> {
    pub(super) fn new(run: &'r RunReport) -> Self {
        let view = run.plan.as_ref().map(|plan| PlanView::new(plan, &run.results, &run.context.refusals));
        let drifted = drifted_objects(run, view.as_ref());
        Self { run, objects: view.map(PlanView::into_changes_by_severity).unwrap_or_default(), drifted }
    }
}

/// Counts of removed manifests and fields that are still live, and of unusable live objects.
fn removal_suffix(plan: &Plan) -> String {
    let counts = plan_view::removal_counts(plan).into_iter().chain(plan_view::unusable_counts(plan));
    counts.map(|counts| format!(", {counts}")).collect::<Vec<_>>().concat()
}

/// The number of drifted fields that are not reverted.
fn drift_suffix(plan: &Plan) -> String {
    match plan.drifted_fields().count() {
        0 => String::new(),
        fields => format!(", drift in {}", pluralize(fields, "field")),
    }
}

impl RunReport {
    /// `pipectl plan`, the environment and the commits, to distinguish several comments.
    pub(super) fn title(&self) -> String {
        let environment = self.environment.as_ref().map(|name| format!(" of `{name}`")).unwrap_or_default();
        let shard = self.shard.map(|shard| format!(", shard {shard}")).unwrap_or_default();
        let hash = |commit: &String| commit.split(' ').next().unwrap_or_default().to_owned();
        let [base, commit] = [&self.context.base, &self.context.commit].map(|commit| commit.as_ref().map(hash));
        let commits = match (base, commit) {
            (Some(base), Some(commit)) if self.drift.is_none() => format!(", `{commit}` on base `{base}`"),
            (Some(base), _) => format!(", base `{base}`"),
            (None, _) => String::new(),
        };
        format!("pipectl {}{environment}{shard}{commits}", self.command)
    }

    /// The run in a few words: unreachable services, then the counts.
    pub(super) fn headline(&self) -> String {
        match self.context.unreachable.len() {
            0 => self.summary_counts(),
            unread => {
                format!("{} could not be read; {}", pluralize(unread, "service"), self.summary_counts())
            }
        }
    }

    fn plan_counts(&self, plan: &Plan) -> String {
        plan_view::plan_counts(plan, &self.context.refusals)
    }

    fn summary_counts(&self) -> String {
        let problems = severity_counts(&self.diagnostics);
        match (&self.plan, &self.drift) {
            (Some(plan), _) if !self.errors.is_empty() => {
                format!("{}: {}", self.outcome, self.plan_counts(plan))
            }
            _ if !self.errors.is_empty() && problems.is_empty() => "failed".to_owned(),
            _ if !self.errors.is_empty() => format!("failed: {problems}"),
            (Some(plan), _) if !self.results.is_empty() => {
                apply_summary::outcome_counts(&self.results, plan.blocked_changes().count())
            }
            (Some(plan), _) if plan.has_no_changes() => {
                format!("no changes{}{}", removal_suffix(plan), drift_suffix(plan))
            }
            (Some(plan), _) => {
                format!("{}{}{}", self.plan_counts(plan), removal_suffix(plan), drift_suffix(plan))
            }
            (None, Some(drift)) => drift.counts_text(),
            (None, None) if problems.is_empty() => {
                let manifests = pluralize(self.declared.len(), "manifest");
                format!("{manifests} in {}, valid", pluralize(self.files, "file"))
            }
            (None, None) => format!("{problems} in {}", pluralize(self.files, "file")),
        }
    }

    /// Errors of the run itself, and its skipped work.
    pub(super) fn run_errors(&self) -> Vec<String> {
        let refused =
            self.refused.iter().map(|object| format!("refused: {}: {}", object.address, object.reasons.join("; ")));
        let unread = self.context.unreachable.iter().map(ToString::to_string);
        self.errors.iter().cloned().chain(unread).chain(refused).collect()
    }

    /// The unmanaged live objects. Those that git removed, or that the target branch added, have a row.
    pub(super) fn unmanaged_names(&self) -> Vec<String> {
        let all = self
            .plan
            .iter()
            .flat_map(|plan| &plan.unmanaged)
            .filter(|other| !other.manifest_removed && !other.added_by_target);
        all.map(|other| display_name(&other.address)).collect()
    }

    /// Alarms that need attention now.
    pub(super) fn alarm_lines(&self) -> Vec<String> {
        let lines = |result: &ObjectResult| {
            let address = result.address.clone();
            let line = move |alarm: Alarm| format!("{}: `{address}`: {}: {}", alarm.what, alarm.next, alarm.reason);
            result.alarms().map(line).collect::<Vec<_>>()
        };
        self.results.iter().flat_map(lines).collect()
    }

    /// The notes for a reviewer.
    pub(super) fn review_notes(&self) -> Vec<ReviewNote> {
        self.plan.as_ref().map(|plan| review_notes::review_notes(plan, &self.context)).unwrap_or_default()
    }

    /// The notes as a limited number of lines.
    pub(super) fn review_lines(&self) -> Vec<String> {
        self.plan.as_ref().map(|plan| review_notes::review_lines(plan, &self.context)).unwrap_or_default()
    }

    /// Facts that the headline does not contain: remaining objects, unchecked fields, cost and digest.
    pub(super) fn footnotes(&self) -> Vec<String> {
        let partial = plan_view::partial_note(self.context.partial);
        let Some(plan) = &self.plan else {
            let against = self.drift.as_ref().map(|drift| format!("Compared with {}.", drift.against));
            return partial.into_iter().chain(against).collect();
        };
        let mut parts = Vec::new();
        if !self.results.is_empty() {
            parts.push(format!("Planned: {}.", self.plan_counts(plan)));
        }
        parts.extend(plan_view::commits_note(self.context.base.as_deref(), self.context.commit.as_deref()));
        parts.extend(plan_view::unapplied_note(&self.context));
        parts.extend(partial);
        parts.push(plan_view::remaining_counts(plan.in_sync.len(), plan.unmanaged.len()));
        parts.extend(plan_view::moved_note(plan, &self.context));
        parts.extend(plan_view::unchecked_note(plan));
        if self.results.is_empty() {
            parts.extend(plan_view::cost_note(plan, &self.context.refusals, self.context.rate));
        }
        parts.extend(plan_view::target_note(self.context.target.as_ref()));
        parts.extend(self.digest.as_deref().map(plan_view::digest_note));
        parts
    }
}
