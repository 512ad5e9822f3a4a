//! Findings: one sentence about one place.

use model::desired::Place;
use model::diagnostic::{Diagnostic, Severity};

use super::drifted_objects::{DriftKind, DriftedObject};
use super::run_report::{ReportView, RunReport};
use crate::plan_view::object::{ObjectSeverity, ObjectView};
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
    /// The field or the object. It stays the same when lines move.
    pub(super) subject: String,
}

/// All findings, errors first, and what a reviewer must see before the other warnings: GitHub shows ten.
pub(super) fn all_findings(view: &ReportView<'_>) -> Vec<ReportFinding> {
    let (grave, harmless): (Vec<_>, Vec<_>) =
        view.run.review_notes().into_iter().partition(|note| note.gravity.is_grave());
    let mut findings: Vec<ReportFinding> = grave.into_iter().map(review_finding).collect();
    findings.extend(file_findings(view.run));
    findings.extend(view.objects.iter().map(object_finding));
    findings.extend(view.drifted.iter().map(drift_finding));
    findings.extend(harmless.into_iter().map(review_finding));
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// Errors of the run, and problems in files.
pub(super) fn file_findings(run: &RunReport) -> Vec<ReportFinding> {
    let obstacles = run.run_errors().into_iter().map(|error| ReportFinding {
        level: ReportLevel::Error,
        code: "failed",
        title: format!("{} failed", run.title().replace('`', "")),
        message: error,
        place: None,
        subject: String::new(),
    });
    // A refusal of one object is part of the finding of that object.
    let refusals = run.context.refusals.iter().filter(|refusal| refusal.address.is_none());
    let refusals = refusals.map(|refusal| ReportFinding {
        level: ReportLevel::Error,
        code: "refused",
        title: "apply will refuse this plan".to_owned(),
        message: refusal.sentence(),
        place: None,
        subject: String::new(),
    });
    obstacles.chain(refusals).chain(run.diagnostics.iter().map(diagnostic_finding)).collect()
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
        place: object.cause().cloned(),
        subject: object.display_name(),
    }
}
