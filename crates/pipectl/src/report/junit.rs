//! `JUnit` XML: a test case for each object, or for each problem of a file.

use std::fmt::Write as _;

use super::drift::{Drift, Standing, drift};
use super::escape::xml;
use super::finding::{Finding, Level, of_files};
use super::object::{Danger, Object, objects};
use super::paths::Paths;
use super::run::Run;

/// One test case.
struct Case {
    group: String,
    name: String,
    file: Option<String>,
    verdict: Verdict,
}

enum Verdict {
    Passed(String),
    Skipped(String),
    Failed { kind: &'static str, message: String },
}

/// What is in sync passes, as does what is planned; what is blocked or was not applied fails.
pub(super) fn render(run: &Run<'_>, paths: &Paths) -> String {
    let cases = cases(run, paths);
    let failures =
        cases.iter().filter(|case| matches!(case.verdict, Verdict::Failed { .. })).count();
    let skipped = cases.iter().filter(|case| matches!(case.verdict, Verdict::Skipped(_))).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"",
        cases.len()
    );
    let suite = format!("pipectl {}", run.command);
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<testsuites name=\"{suite}\" {counts}>");
    let _ = writeln!(out, "  <testsuite name=\"{suite}\" {counts}>");
    for case in &cases {
        case.write(&mut out);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn cases(run: &Run<'_>, paths: &Paths) -> Vec<Case> {
    let mut cases: Vec<Case> =
        of_files(run).iter().map(|finding| of_finding(finding, paths)).collect();
    cases.extend(objects(run).iter().map(|object| of_object(object, paths)));
    let drifted = drift(run);
    cases.extend(drifted.iter().map(|drift| of_drift(drift, paths)));
    let fine = |at| match run.plan {
        Some(plan) => plan.in_sync.contains(at),
        None => !drifted.iter().any(|drift| drift.at == at),
    };
    let rest = run.declared.iter().filter(|(at, _)| fine(at));
    cases.extend(rest.map(|(at, document)| Case {
        group: at.service.to_string(),
        name: at.name.to_string(),
        file: paths.file(&document.origin.start().file),
        verdict: Verdict::Passed(String::new()),
    }));
    cases
}

fn of_finding(finding: &Finding, paths: &Paths) -> Case {
    let place = finding.place.as_ref();
    let file = place.and_then(|place| paths.file(&place.file));
    let said = place.map_or_else(String::new, |place| format!("{place}: "));
    let message = format!("{said}{}", finding.message);
    Case {
        group: file.clone().unwrap_or_else(|| "pipectl".to_owned()),
        name: match place {
            Some(place) => format!("{} at {}:{}", finding.code, place.line, place.column),
            None => finding.title.clone(),
        },
        file,
        verdict: match finding.level {
            Level::Error => Verdict::Failed { kind: finding.code, message },
            Level::Warning | Level::Notice => Verdict::Passed(message),
        },
    }
}

fn of_object(object: &Object<'_>, paths: &Paths) -> Case {
    let (at, what) = (&object.change.at, object.what());
    let why = object.why();
    let message = if why.is_empty() { what } else { format!("{what}: {why}") };
    let verdict = match object.danger {
        Danger::Trouble if object.is_skipped() => Verdict::Skipped(message),
        Danger::Trouble | Danger::Blocked => {
            Verdict::Failed { kind: object.danger.word(), message }
        }
        _ => Verdict::Passed(message),
    };
    let place = object.change.place.as_ref();
    Case {
        group: at.service.to_string(),
        name: at.name.to_string(),
        file: place.and_then(|place| paths.file(&place.file)),
        verdict,
    }
}

/// Drift fails where it is what was asked for; a plan only mentions it.
fn of_drift(drift: &Drift<'_>, paths: &Paths) -> Case {
    let message = drift.sentence();
    Case {
        group: drift.at.service.to_string(),
        name: drift.at.name.to_string(),
        file: drift.place.as_ref().and_then(|place| paths.file(&place.file)),
        verdict: match drift.standing {
            Standing::LeftAlone | Standing::Unmanaged => Verdict::Passed(message),
            Standing::Changed | Standing::Missing => {
                Verdict::Failed { kind: drift.standing.word(), message }
            }
        },
    }
}

impl Case {
    fn write(&self, out: &mut String) {
        let (group, name) = (xml(&self.group), xml(&self.name));
        let file = self.file.as_ref().map(|file| format!(" file=\"{}\"", xml(file)));
        let file = file.unwrap_or_default();
        let _ = write!(out, "    <testcase classname=\"{group}\" name=\"{name}\"{file}");
        let _ = match &self.verdict {
            Verdict::Passed(said) if said.is_empty() => writeln!(out, "/>"),
            Verdict::Passed(said) => {
                writeln!(out, "><system-out>{}</system-out></testcase>", xml(said))
            }
            Verdict::Skipped(said) => {
                writeln!(out, "><skipped message=\"{}\"/></testcase>", xml(said))
            }
            Verdict::Failed { kind, message } => {
                let message = xml(message);
                writeln!(
                    out,
                    "><failure type=\"{kind}\" message=\"{message}\">{message}</failure></testcase>"
                )
            }
        };
    }
}
