//! Findings: one sentence about one place.

use std::collections::BTreeMap;

use model::address::Address;
use model::desired::Place;
use model::diagnostic::{Diagnostic, Severity};

use super::drifted_objects::{DriftKind, DriftedObject};
use super::run_report::{ReportView, RunReport};
use crate::plan_view::object::{ObjectSeverity, ObjectView};
use crate::plan_view::refusals::ApplyRefusal;
use crate::plan_view::review_notes::ReviewNote;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ReportLevel {
    Error,
    Warning,
    Notice,
}

impl ReportLevel {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

pub(super) struct ReportFinding {
    pub(super) level: ReportLevel,
    /// The code of a diagnostic, or the verdict of an object.
    pub(super) code: &'static str,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) place: Option<Place>,
    /// For formats that take no finding without a place: a removed manifest, else the project file.
    fallback_place: Option<Place>,
    /// The field or the object. It stays the same when lines move.
    pub(super) subject: String,
}

impl ReportFinding {
    /// The place, or a substitute for it.
    pub(super) fn any_place(&self) -> Option<&Place> {
        self.place.as_ref().or(self.fallback_place.as_ref())
    }
}

/// All findings, errors first, then review notes before the other warnings: GitHub shows ten.
pub(super) fn all_findings(view: &ReportView<'_>) -> Vec<ReportFinding> {
    findings_with(view, file_findings(view.run), &|_| true)
}

/// Errors and warnings about the plan, in the same order. Without problems in files and findings of project rules.
pub(super) fn plan_findings(view: &ReportView<'_>) -> Vec<ReportFinding> {
    let is_only_ruled = |object: &ObjectView<'_>| {
        let by_rules = object.change.is_some_and(|change| !change.rule_findings.is_empty());
        by_rules && matches!(object.severity, ObjectSeverity::Blocked)
    };
    let mut findings = findings_with(view, refusal_findings(view.run), &|object| !is_only_ruled(object));
    findings.retain(|finding| finding.level != ReportLevel::Notice);
    findings
}

fn findings_with(
    view: &ReportView<'_>,
    of_run: Vec<ReportFinding>,
    is_included: &dyn Fn(&ObjectView<'_>) -> bool,
) -> Vec<ReportFinding> {
    let (grave, harmless): (Vec<_>, Vec<_>) =
        view.run.review_notes().into_iter().partition(|note| note.gravity.is_grave());
    let review_finding = |note| ReportFinding { fallback_place: project_place(view.run), ..review_finding(note) };
    let declared: BTreeMap<&Address, &Place> =
        view.run.declared.iter().map(|(address, document)| (address, document.origin.start_place())).collect();
    let objects = view.objects.iter().filter(|object| is_included(object));
    let mut findings: Vec<ReportFinding> = grave.into_iter().map(review_finding).collect();
    findings.extend(of_run);
    findings.extend(objects.map(|object| {
        let manifest = declared.get(object.address).copied();
        let fallback_place = object.removed_place.cloned().or_else(|| project_place(view.run));
        let place = object.cause().or(manifest).cloned();
        ReportFinding { place, fallback_place, ..object_finding(object) }
    }));
    findings.extend(view.drifted.iter().map(drift_finding));
    findings.extend(harmless.into_iter().map(review_finding));
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// The beginning of the project file: its limits and settings are there.
fn project_place(run: &RunReport) -> Option<Place> {
    run.context.project_file.clone().map(|file| Place { file, line: 1, column: 1 })
}

/// Errors of the run, and problems in files.
pub(super) fn file_findings(run: &RunReport) -> Vec<ReportFinding> {
    let obstacles = run.run_errors().into_iter().map(|error| ReportFinding {
        level: ReportLevel::Error,
        code: "failed",
        title: format!("{} failed", run.title().replace('`', "")),
        message: error,
        place: None,
        fallback_place: None,
        subject: String::new(),
    });
    obstacles.chain(refusal_findings(run)).chain(run.diagnostics.iter().map(diagnostic_finding)).collect()
}

/// Why apply will refuse the plan.
fn refusal_findings(run: &RunReport) -> Vec<ReportFinding> {
    // A refusal of one object is part of the finding of that object.
    let refusals = run.context.refusals.iter().filter(|refusal| refusal.address.is_none());
    let finding = |refusal: &ApplyRefusal| ReportFinding {
        level: ReportLevel::Error,
        code: "refused",
        title: "apply will refuse this plan".to_owned(),
        message: refusal.sentence(),
        place: None,
        fallback_place: project_place(run),
        subject: String::new(),
    };
    refusals.map(finding).collect()
}

fn diagnostic_finding(problem: &Diagnostic) -> ReportFinding {
    ReportFinding {
        level: match problem.severity {
            Severity::Error => ReportLevel::Error,
            Severity::Warning => ReportLevel::Warning,
        },
        code: problem.code,
        title: problem.code.to_owned(),
        message: message_with_help(problem),
        place: Some(problem.place.clone()),
        fallback_place: None,
        subject: problem.path.to_string(),
    }
}

/// The problem and its fix.
pub(super) fn message_with_help(problem: &Diagnostic) -> String {
    match &problem.help {
        Some(help) => format!("{}; {help}", problem.message),
        None => problem.message.clone(),
    }
}

fn review_finding(note: ReviewNote) -> ReportFinding {
    ReportFinding {
        level: ReportLevel::Warning,
        code: note.code,
        title: note.code.to_owned(),
        message: note.text.clone(),
        place: note.place,
        fallback_place: None,
        subject: note.text,
    }
}

fn drift_finding(drift: &DriftedObject<'_>) -> ReportFinding {
    ReportFinding {
        level: match drift.kind {
            DriftKind::Ignored | DriftKind::Changed | DriftKind::Missing => ReportLevel::Warning,
            DriftKind::Unmanaged => ReportLevel::Notice,
        },
        code: drift.kind.as_str(),
        title: drift.display_name(),
        message: drift.summary_sentence(),
        place: drift.place.clone(),
        fallback_place: None,
        subject: drift.display_name(),
    }
}

fn object_finding(object: &ObjectView<'_>) -> ReportFinding {
    ReportFinding {
        level: match object.severity {
            ObjectSeverity::NotApplied | ObjectSeverity::Blocked => ReportLevel::Error,
            ObjectSeverity::Delete | ObjectSeverity::Replace | ObjectSeverity::Unusable | ObjectSeverity::Removal => {
                ReportLevel::Warning
            }
            _ if !object.extra_warnings().is_empty() => ReportLevel::Warning,
            _ => ReportLevel::Notice,
        },
        code: object.severity.as_str(),
        title: object.display_name(),
        message: [vec![object.summary()], object.apply_notes(), object.extra_warnings()].concat().join("; "),
        place: None,
        fallback_place: None,
        subject: object.display_name(),
    }
}
