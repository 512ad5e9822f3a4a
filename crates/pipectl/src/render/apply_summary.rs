//! What apply did: first what must not be overlooked, then a table with the troubled objects last,
//! where eyes land.

use crate::apply::{ObjectResult, Outcome};
use crate::output::{Label, StyledText};
use crate::saved_plan::StaleObject;

const OUTCOME_ORDER: [(Outcome, &str, Label); 5] = [
    (Outcome::Applied, "applied", Label::Create),
    (Outcome::Skipped, "skipped", Label::Dim),
    (Outcome::Interrupted, "interrupted", Label::Blocked),
    (Outcome::Unknown, "unknown", Label::Blocked),
    (Outcome::Failed, "failed", Label::Delete),
];

/// What is not done because nobody reviewed it.
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

/// A longer name stands out of its column rather than push the others off the screen.
const MAX_NAME_WIDTH: usize = 60;

/// The table, and a line that counts it.
pub fn render(reports: &[ObjectResult]) -> StyledText {
    let mut text = StyledText::new();
    for report in reports {
        push_left_stopped(&mut text, report);
    }
    let width = reports.iter().map(|report| report.address.to_string().chars().count()).max();
    let width = width.unwrap_or_default().min(MAX_NAME_WIDTH);
    for (outcome, word, label) in OUTCOME_ORDER {
        for report in reports.iter().filter(|report| report.outcome == outcome) {
            push_result_row(&mut text, report, word, label, width);
        }
    }
    if !reports.is_empty() {
        text.end_line();
    }
    text.push(Label::Heading, format!("Apply: {}.", outcome_counts(reports))).end_line();
    text
}

/// One line about one object as it ends: the how-manieth it is, of how many. What went wrong is
/// told in the table.
pub fn render_progress(report: &ObjectResult, (done, of): (usize, usize)) -> StyledText {
    let word = outcome_word(report.outcome);
    let mut text = StyledText::new();
    text.push(Label::Dim, format!("  {done}/{of} {word} {}", report.address)).end_line();
    text
}

/// A person's word for an outcome.
pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    OUTCOME_ORDER.iter().find(|(known, ..)| *known == outcome).map_or("", |(_, word, _)| word)
}

/// A pipe that ingests nothing although it should comes before everything else.
fn push_left_stopped(text: &mut StyledText, report: &ObjectResult) {
    let Some(reason) = &report.left_stopped else { return };
    let at = &report.address;
    text.push(Label::Delete, format!("STOPPED: {at}"))
        .push_plain(" was stopped for an edit and could not be restarted; it may still be stopped")
        .end_line();
    text.push_plain(format!("  {reason}")).end_line();
    text.push(Label::Dim, "  hint: apply again, or start it in the console").end_line().end_line();
}

fn push_result_row(text: &mut StyledText, report: &ObjectResult, word: &str, label: Label, width: usize) {
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
    if !report.not_begun.is_empty() && report.outcome != Outcome::Skipped {
        let (done, of) = (report.done, report.actions);
        let rest = report.not_begun.join(", ");
        text.push_plain(format!("             {done} of {of} done; not started: {rest}")).end_line();
    }
    for note in &report.notes {
        text.push_plain(format!("             {note}")).end_line();
    }
}

/// `12 applied, 1 failed, …`.
pub fn outcome_counts(reports: &[ObjectResult]) -> String {
    let of = |wanted| reports.iter().filter(|report| report.outcome == wanted).count();
    let counts = format!(
        "{} applied, {} failed, {} skipped, {} unknown",
        of(Outcome::Applied),
        of(Outcome::Failed),
        of(Outcome::Skipped),
        of(Outcome::Unknown)
    );
    match of(Outcome::Interrupted) {
        0 => counts,
        interrupted => format!("{counts}, {interrupted} interrupted"),
    }
}
