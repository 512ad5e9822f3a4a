//! The result of an apply. Pipes that may be stopped come first, then a table with the failed objects last.

use model::sanitize::sanitize_line;
use serde_json::Value;

use crate::apply::{Alarm, ObjectResult, Outcome};
use crate::output::{Label, StyledText};
use crate::saved_plan::StaleObject;
use crate::yaml_writer::write_yaml;

const OUTCOME_ORDER: [(Outcome, Label); 6] = [
    (Outcome::Applied, Label::Create),
    (Outcome::Skipped, Label::Dim),
    (Outcome::Accepted, Label::Blocked),
    (Outcome::Interrupted, Label::Blocked),
    (Outcome::Unknown, Label::Blocked),
    (Outcome::Failed, Label::Delete),
];

/// Changes that the saved plan does not contain.
pub fn render_refused(moved: &[StaleObject]) -> StyledText {
    let mut text = StyledText::new();
    for object in moved {
        text.push(Label::Blocked, format!("{:8}", "refused")).push_plain(format!("  {}", object.address)).end_line();
        for reason in &object.reasons {
            text.push_plain(format!("          {reason}")).end_line();
        }
    }
    if !moved.is_empty() {
        text.push(Label::Dim, "          create a new plan and have it reviewed").end_line();
    }
    text
}

/// The widest column of names. Longer names exceed it, so that they do not move all others off the screen.
const MAX_NAME_WIDTH: usize = 60;

/// A row for each object, and the counts. `blocked` is the number of objects that the plan holds back.
pub fn render(reports: &[ObjectResult], blocked: usize) -> StyledText {
    let mut text = StyledText::new();
    for report in reports {
        push_not_recreated(&mut text, report);
    }
    for report in reports {
        push_missing_mappings(&mut text, report);
    }
    for report in reports {
        push_left_stopped(&mut text, report);
    }
    let width = reports.iter().map(|report| report.address.to_string().chars().count()).max();
    let width = width.unwrap_or_default().min(MAX_NAME_WIDTH);
    for (outcome, label) in OUTCOME_ORDER {
        for report in reports.iter().filter(|report| report.outcome == outcome) {
            push_result_row(&mut text, report, label, width);
        }
    }
    if !reports.is_empty() {
        text.end_line();
    }
    text.push(Label::Heading, format!("Apply: {}.", outcome_counts(reports, blocked))).end_line();
    text
}

/// One line when an object ends, such as `3/12 applied analytics/orders`. The table has the errors.
pub fn render_progress(report: &ObjectResult, (done, of): (usize, usize)) -> StyledText {
    let word = report.outcome.as_str();
    let mut text = StyledText::new();
    text.push(Label::Dim, format!("  {done}/{of} {word} {}", report.address)).end_line();
    text
}

fn push_alarm(text: &mut StyledText, report: &ObjectResult, alarm: &Alarm) {
    text.push(Label::Delete, alarm.heading(&report.address)).end_line();
    text.push_plain(format!("  {}", alarm.reason)).end_line();
}

/// An object that is gone although it should not be comes before everything else.
fn push_not_recreated(text: &mut StyledText, report: &ObjectResult) {
    let Some(alarm) = report.missing_alarm() else { return };
    push_alarm(text, report, &alarm);
    if let Some(spec) = report.kept_spec() {
        let hint = "  the next apply creates it from the manifest alone. To keep what it had, add this to `spec`:";
        text.push_plain(hint).end_line();
        push_spec(text, &spec);
    }
    text.end_line();
}

fn push_spec(text: &mut StyledText, spec: &Value) {
    for line in write_yaml(spec).lines() {
        text.push_plain(format!("    {}", sanitize_line(line))).end_line();
    }
}

fn push_missing_mappings(text: &mut StyledText, report: &ObjectResult) {
    let Some(alarm) = report.removed_tables_alarm() else { return };
    push_alarm(text, report, &alarm);
    if let Some(spec) = report.missing_mappings.as_ref().and_then(|missing| missing.spec.as_ref()) {
        let hint = "  the next apply adds it from the manifest alone. To keep what it had, add what is missing there:";
        text.push_plain(hint).end_line();
        push_spec(text, spec);
    }
    text.end_line();
}

fn push_left_stopped(text: &mut StyledText, report: &ObjectResult) {
    if let Some(alarm) = report.stopped_alarm() {
        push_alarm(text, report, &alarm);
        text.end_line();
    }
}

fn push_result_row(text: &mut StyledText, report: &ObjectResult, label: Label, width: usize) {
    let word = report.outcome.as_str();
    let at = report.address.to_string();
    let state = report.state.as_deref().unwrap_or_default();
    let line = format!("  {at:width$}  {state}");
    text.push(label, format!("{word:11}")).push_plain(line.trim_end()).end_line();
    if let Some(error) = &report.error {
        text.push_plain(format!("             {}", error.message)).end_line();
        if let Some(hint) = &error.hint {
            text.push(Label::Dim, format!("             hint: {hint}")).end_line();
        }
    }
    if !report.not_started.is_empty() && report.outcome != Outcome::Skipped {
        let (done, of) = (report.done, report.actions);
        let rest = report.not_started.join(", ");
        text.push_plain(format!("             {done} of {of} done; not started: {rest}")).end_line();
    }
    for note in &report.notes {
        text.push_plain(format!("             {note}")).end_line();
    }
}

/// `12 applied, 1 failed, …`. `blocked` is the number of objects that the plan holds back.
pub fn outcome_counts(reports: &[ObjectResult], blocked: usize) -> String {
    let of = |wanted| reports.iter().filter(|report| report.outcome == wanted).count();
    let counts = format!(
        "{} applied, {} failed, {} skipped, {} unknown",
        of(Outcome::Applied),
        of(Outcome::Failed),
        of(Outcome::Skipped),
        of(Outcome::Unknown)
    );
    let others = [
        (of(Outcome::Accepted), "accepted, not settled yet"),
        (of(Outcome::Interrupted), "interrupted"),
        (blocked, "blocked"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    others.fold(counts, |counts, (count, word)| format!("{counts}, {count} {word}"))
}
