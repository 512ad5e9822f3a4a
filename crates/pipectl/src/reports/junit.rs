//! `JUnit` XML: a test case for each object, or for each problem of a file.

use std::collections::BTreeSet;

use maud::{Markup, PreEscaped, html};
use model::address::Address;

use super::drifted_objects::{DriftKind, DriftedObject};
use super::findings::{ReportFinding, ReportLevel, file_findings};
use super::repo_paths::RepoPaths;
use super::run_report::ReportView;
use crate::escape::xml_line;
use crate::plan_view::object::{ObjectSeverity, ObjectView};
use crate::plan_view::review_notes::ReviewNote;

struct TestCase {
    group: String,
    name: String,
    file: Option<String>,
    verdict: TestVerdict,
}

enum TestVerdict {
    Passed(String),
    Skipped(String),
    Failed { kind: &'static str, message: String },
}

/// Review notes, objects in sync and planned objects pass. Blocked objects and failed ones fail.
///
/// The templates escape for HTML, which for elements with end tags is the same as for XML.
pub(super) fn render_junit(view: &ReportView<'_>, paths: &RepoPaths) -> String {
    let cases = test_cases(view, paths);
    let failures = cases.iter().filter(|case| matches!(case.verdict, TestVerdict::Failed { .. })).count();
    let skipped = cases.iter().filter(|case| matches!(case.verdict, TestVerdict::Skipped(_))).count();
    let (suite, tests) = (format!("pipectl {}", view.run.command), cases.len());
    let document = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        testsuites name=(suite) tests=(tests) failures=(failures) errors="0" skipped=(skipped) {
            "\n  "
            testsuite name=(suite) tests=(tests) failures=(failures) errors="0" skipped=(skipped) {
                "\n"
                @for case in &cases { "    " (case.element()) "\n" }
                "  "
            }
            "\n"
        }
        "\n"
    };
    document.into_string()
}

fn test_cases(view: &ReportView<'_>, paths: &RepoPaths) -> Vec<TestCase> {
    let ReportView { run, objects, drifted } = view;
    let mut cases: Vec<TestCase> = run.review_notes().into_iter().map(|note| review_case(note, paths)).collect();
    cases.extend(file_findings(run).iter().map(|finding| finding_case(finding, paths)));
    cases.extend(objects.iter().map(|object| object_case(object, paths)));
    cases.extend(drifted.iter().map(|drift| drift_case(drift, paths)));
    let drifted: BTreeSet<&Address> = drifted.iter().map(|drift| drift.address).collect();
    let fine = |at| match &run.plan {
        Some(plan) => plan.in_sync.contains(at),
        None => !drifted.contains(at),
    };
    let rest = run.declared.iter().filter(|(at, _)| fine(at));
    cases.extend(rest.map(|(at, document)| TestCase {
        group: at.service.to_string(),
        name: at.name.to_string(),
        file: paths.report_path(&document.origin.start_place().file),
        verdict: TestVerdict::Passed(String::new()),
    }));
    cases
}

/// A review note passes. The text is the name, because viewers list names, and merge cases with the same name.
fn review_case(note: ReviewNote, paths: &RepoPaths) -> TestCase {
    TestCase {
        group: "review".to_owned(),
        name: note.text,
        file: note.place.and_then(|place| paths.report_path(&place.file)),
        verdict: TestVerdict::Passed(note.code.to_owned()),
    }
}

fn finding_case(finding: &ReportFinding, paths: &RepoPaths) -> TestCase {
    let place = finding.place.as_ref();
    let file = place.and_then(|place| paths.report_path(&place.file));
    let said = place.map_or_else(String::new, |place| format!("{place}: "));
    let message = format!("{said}{}", finding.message);
    TestCase {
        group: file.clone().unwrap_or_else(|| "pipectl".to_owned()),
        name: match place {
            Some(place) => format!("{} at {}:{}", finding.code, place.line, place.column),
            None => finding.title.clone(),
        },
        file,
        verdict: match finding.level {
            ReportLevel::Error => TestVerdict::Failed { kind: finding.code, message },
            ReportLevel::Warning | ReportLevel::Notice => TestVerdict::Passed(message),
        },
    }
}

fn object_case(object: &ObjectView<'_>, paths: &RepoPaths) -> TestCase {
    let (at, message) = (object.address, object.summary());
    let verdict = match object.severity {
        ObjectSeverity::NotApplied if object.is_skipped() => TestVerdict::Skipped(message),
        ObjectSeverity::NotApplied | ObjectSeverity::Blocked => {
            TestVerdict::Failed { kind: object.severity.as_str(), message }
        }
        _ => TestVerdict::Passed(message),
    };
    let place = object.manifest_place();
    TestCase {
        group: at.service.to_string(),
        name: at.name.to_string(),
        file: place.and_then(|place| paths.report_path(&place.file)),
        verdict,
    }
}

/// Drift fails `drift`. A plan only reports it.
fn drift_case(drift: &DriftedObject<'_>, paths: &RepoPaths) -> TestCase {
    let message = drift.summary_sentence();
    TestCase {
        group: drift.address.service.to_string(),
        name: drift.address.name.to_string(),
        file: drift.place.as_ref().and_then(|place| paths.report_path(&place.file)),
        verdict: match drift.kind {
            DriftKind::Ignored | DriftKind::Unmanaged => TestVerdict::Passed(message),
            DriftKind::Changed | DriftKind::Missing => TestVerdict::Failed { kind: drift.kind.as_str(), message },
        },
    }
}

impl TestCase {
    fn element(&self) -> Markup {
        let file = self.file.as_deref().map(xml_line);
        html! {
            testcase classname=(xml_line(&self.group)) name=(xml_line(&self.name)) file=[file] {
                @match &self.verdict {
                    TestVerdict::Passed(message) => {
                        @if !message.is_empty() { system-out { (xml_line(message)) } }
                    }
                    TestVerdict::Skipped(message) => skipped message=(xml_line(message)) {},
                    TestVerdict::Failed { kind, message } => {
                        @let message = xml_line(message);
                        failure type=(kind) message=(message) { (message) }
                    }
                }
            }
        }
    }
}
