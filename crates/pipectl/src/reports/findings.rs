//! What a run wants a person to look at: one sentence at one place.

use model::desired::Place;
use model::diagnostic::{Diagnostic, Severity};

use super::drifted_objects::{DriftKind, DriftedObject, drifted_objects};
use super::ranked_objects::{ObjectSeverity, RankedObject, ranked_objects};
use super::run_report::RunReport;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ReportLevel {
    /// It stops something.
    Error,
    /// It may hurt.
    Warning,
    /// It is good to know.
    Notice,
}

impl ReportLevel {
    /// A person's word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// One thing to look at.
pub(super) struct ReportFinding {
    pub(super) level: ReportLevel,
    /// A stable word: the code of a diagnostic, or what becomes of an object.
    pub(super) code: &'static str,
    /// What it is about.
    pub(super) title: String,
    pub(super) message: String,
    pub(super) place: Option<Place>,
    /// What stays the same when lines move: the field, or the object.
    pub(super) subject: String,
}

/// Everything to look at, the worst first.
pub(super) fn all_findings(run: &RunReport) -> Vec<ReportFinding> {
    let mut findings = file_findings(run);
    findings.extend(ranked_objects(run).iter().map(object_finding));
    findings.extend(drifted_objects(run).iter().map(drift_finding));
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// Why the run ended early, and what is wrong with files.
pub(super) fn file_findings(run: &RunReport) -> Vec<ReportFinding> {
    let obstacles = run.run_errors().into_iter().map(|error| ReportFinding {
        level: ReportLevel::Error,
        code: "failed",
        title: format!("pipectl {} failed", run.command),
        message: error,
        place: None,
        subject: String::new(),
    });
    obstacles.chain(run.diagnostics.iter().map(diagnostic_finding)).collect()
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

/// What is wrong, and what to do about it.
pub(super) fn message_with_help(problem: &Diagnostic) -> String {
    match &problem.help {
        Some(help) => format!("{}; {help}", problem.message),
        None => problem.message.clone(),
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

fn object_finding(object: &RankedObject<'_>) -> ReportFinding {
    let (what, why) = (object.outcome_text(), object.reason_text());
    let message = if why.is_empty() { what } else { format!("{what}: {why}") };
    ReportFinding {
        level: match object.severity {
            ObjectSeverity::NotApplied | ObjectSeverity::Blocked => ReportLevel::Error,
            ObjectSeverity::Delete | ObjectSeverity::Replace => ReportLevel::Warning,
            ObjectSeverity::Update | ObjectSeverity::Rename | ObjectSeverity::Adopt | ObjectSeverity::Create => {
                ReportLevel::Notice
            }
        },
        code: object.severity.as_str(),
        title: object.display_name(),
        message: [vec![message], object.apply_notes()].concat().join("; "),
        place: place_of_cause(object),
        subject: object.display_name(),
    }
}

/// The line that causes the change: that of the field which forces it, or of the first that
/// differs, or else where the manifest begins.
fn place_of_cause(object: &RankedObject<'_>) -> Option<Place> {
    let fields = &object.change.fields;
    let forcing = fields.iter().find(|field| field.forces_replacement).or_else(|| fields.first());
    forcing.and_then(|field| field.place.clone()).or_else(|| object.change.place.clone())
}
