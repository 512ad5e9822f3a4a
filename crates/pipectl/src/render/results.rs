//! What apply did: first what must not be overlooked, then a table with the troubled objects last,
//! where eyes land.

use crate::apply::{Outcome, Report};
use crate::output::{Label, Text};
use crate::reviewed::Moved;

const ORDER: [(Outcome, &str, Label); 5] = [
    (Outcome::Applied, "applied", Label::Create),
    (Outcome::Skipped, "skipped", Label::Dim),
    (Outcome::Interrupted, "interrupted", Label::Blocked),
    (Outcome::Unknown, "unknown", Label::Blocked),
    (Outcome::Failed, "failed", Label::Delete),
];

/// What is not done because nobody reviewed it.
pub fn refused(moved: &[Moved]) -> Text {
    let mut text = Text::new();
    for object in moved {
        text.push(Label::Blocked, format!("{:8}", "refused"))
            .plain(format!("  {}", object.at))
            .end();
        for reason in &object.reasons {
            text.plain(format!("          {reason}")).end();
        }
    }
    if !moved.is_empty() {
        text.push(Label::Dim, "          plan again, and have that plan reviewed").end();
    }
    text
}

/// A longer name stands out of its column rather than push the others off the screen.
const WIDEST: usize = 60;

/// The table, and a line that counts it.
pub fn render(reports: &[Report]) -> Text {
    let mut text = Text::new();
    for report in reports {
        left_stopped(&mut text, report);
    }
    let width = reports.iter().map(|report| report.at.to_string().chars().count()).max();
    let width = width.unwrap_or_default().min(WIDEST);
    for (outcome, word, label) in ORDER {
        for report in reports.iter().filter(|report| report.outcome == outcome) {
            row(&mut text, report, word, label, width);
        }
    }
    if !reports.is_empty() {
        text.end();
    }
    text.push(Label::Heading, format!("Apply: {}.", counts(reports))).end();
    text
}

/// One line about one object as it ends: the how-manieth it is, of how many. What went wrong is
/// told in the table.
pub fn progress(report: &Report, (done, of): (usize, usize)) -> Text {
    let word = word(report.outcome);
    let mut text = Text::new();
    text.push(Label::Dim, format!("  {done}/{of} {word} {}", report.at)).end();
    text
}

/// A person's word for an outcome.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    ORDER.iter().find(|(known, ..)| *known == outcome).map_or("", |(_, word, _)| word)
}

/// A pipe that ingests nothing although it should comes before everything else.
fn left_stopped(text: &mut Text, report: &Report) {
    let Some(reason) = &report.left_stopped else { return };
    let at = &report.at;
    text.push(Label::Delete, format!("STOPPED: {at}"))
        .plain(" was stopped for an edit and may still be: it could not be started again")
        .end();
    text.plain(format!("  {reason}")).end();
    text.push(Label::Dim, "  hint: apply again, or start it in the console").end().end();
}

fn row(text: &mut Text, report: &Report, word: &str, label: Label, width: usize) {
    let at = report.at.to_string();
    let state = report.state.as_deref().unwrap_or_default();
    let line = format!("  {at:width$}  {state}");
    text.push(label, format!("{word:11}")).plain(line.trim_end()).end();
    if let Some(error) = &report.error {
        text.plain(format!("             {}", error.message)).end();
        if let Some(hint) = &error.hint {
            text.push(Label::Dim, format!("             hint: {hint}")).end();
        }
    }
    if !report.not_begun.is_empty() && report.outcome != Outcome::Skipped {
        let (done, of) = (report.done, report.actions);
        let rest = report.not_begun.join(", ");
        text.plain(format!("             {done} of {of} done; not begun: {rest}")).end();
    }
    for note in &report.notes {
        text.plain(format!("             {note}")).end();
    }
}

/// `12 applied, 1 failed, …`.
pub fn counts(reports: &[Report]) -> String {
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
