//! What a run wants a person to look at: one sentence at one place.

use model::desired::Place;
use model::diagnostic::{Diagnostic, Severity};

use super::drift::{Drift, Standing, drift};
use super::object::{Danger, Object, objects};
use super::run::Run;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// It stops something.
    Error,
    /// It may hurt.
    Warning,
    /// It is good to know.
    Notice,
}

impl Level {
    /// A person's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// One thing to look at.
pub(super) struct Finding {
    pub(super) level: Level,
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
pub(super) fn findings(run: &Run<'_>) -> Vec<Finding> {
    let mut findings = of_files(run);
    findings.extend(objects(run).iter().map(of_object));
    findings.extend(drift(run).iter().map(of_drift));
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// Why the run ended early, and what is wrong with files.
pub(super) fn of_files(run: &Run<'_>) -> Vec<Finding> {
    let obstacles = run.obstacles().into_iter().map(|error| Finding {
        level: Level::Error,
        code: "failed",
        title: format!("pipectl {} failed", run.command),
        message: error,
        place: None,
        subject: String::new(),
    });
    obstacles.chain(run.diagnostics.iter().map(of_diagnostic)).collect()
}

fn of_diagnostic(problem: &Diagnostic) -> Finding {
    Finding {
        level: match problem.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        },
        code: problem.code,
        title: problem.code.to_owned(),
        message: with_help(problem),
        place: Some(problem.place.clone()),
        subject: problem.path.to_string(),
    }
}

/// What is wrong, and what to do about it.
pub(super) fn with_help(problem: &Diagnostic) -> String {
    match &problem.help {
        Some(help) => format!("{}; {help}", problem.message),
        None => problem.message.clone(),
    }
}

fn of_drift(drift: &Drift<'_>) -> Finding {
    Finding {
        level: match drift.standing {
            Standing::LeftAlone | Standing::Changed | Standing::Missing => Level::Warning,
            Standing::Unmanaged => Level::Notice,
        },
        code: drift.standing.word(),
        title: drift.name(),
        message: drift.sentence(),
        place: drift.place.clone(),
        subject: drift.name(),
    }
}

fn of_object(object: &Object<'_>) -> Finding {
    let (what, why) = (object.what(), object.why());
    let message = if why.is_empty() { what } else { format!("{what}: {why}") };
    Finding {
        level: match object.danger {
            Danger::Trouble | Danger::Blocked => Level::Error,
            Danger::Delete | Danger::Replace => Level::Warning,
            Danger::Update | Danger::Rename | Danger::Adopt | Danger::Create => Level::Notice,
        },
        code: object.danger.word(),
        title: object.name(),
        message: [vec![message], object.notes()].concat().join("; "),
        place: cause(object),
        subject: object.name(),
    }
}

/// The line that causes the change: that of the field which forces it, or of the first that
/// differs, or else where the manifest begins.
fn cause(object: &Object<'_>) -> Option<Place> {
    let fields = &object.change.fields;
    let forcing = fields.iter().find(|field| field.forces_replacement).or_else(|| fields.first());
    forcing.and_then(|field| field.place.clone()).or_else(|| object.change.place.clone())
}
