//! The table of pipes.

use std::time::{Duration, SystemTime};

use clickpipes::lifecycle::Health;

use super::{PipeStatus, health_word};
use crate::escape::{markdown_code, markdown_sentence, sanitize_line, truncate_chars};
use crate::output::{Label, StyledText};

type StatusRow<T> = [T; 10];

const COLUMN_HEADS: StatusRow<&str> =
    ["PIPE", "STATE", "HEALTH", "SOURCE", "TO", "SIZE", "AGE", "CHANGED", "GIT", "NOTE"];

const HEALTH_COLUMN: usize = 2;

const MAX_CELL_WIDTH: usize = 60;

/// The last column: the remedy is at the end of the note.
const NOTE_COLUMN: usize = 9;

const MAX_NOTE_WIDTH: usize = 200;

/// How a table names pipes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NameStyle {
    NameOnly,
    WithService,
}

pub(super) fn push_pipe_table(text: &mut StyledText, pipes: &[&PipeStatus], names: NameStyle, now: SystemTime) {
    if pipes.is_empty() {
        text.push(Label::Dim, "  no pipes").end_line();
        return;
    }
    let rows: Vec<_> = pipes.iter().map(|pipe| fit_cells(pipe, names, now)).collect();
    let mut widths = COLUMN_HEADS.map(|head| head.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // An empty column is not shown.
    let shown = |column: &usize| rows.iter().any(|row| !row[*column].is_empty());
    let columns: Vec<usize> = (0..COLUMN_HEADS.len()).filter(shown).collect();
    let heads = COLUMN_HEADS.map(str::to_owned);
    push_row(text, &columns, &widths, &heads, |_| Label::Dim);
    for (pipe, row) in pipes.iter().zip(&rows) {
        push_row(text, &columns, &widths, row, |column| match column {
            HEALTH_COLUMN => health_label(pipe.health),
            _ => Label::Plain,
        });
    }
}

fn push_row(
    text: &mut StyledText,
    columns: &[usize],
    widths: &StatusRow<usize>,
    cells: &StatusRow<String>,
    label: impl Fn(usize) -> Label,
) {
    let last = columns.iter().rposition(|column| !cells[*column].is_empty()).unwrap_or_default();
    for (place, column) in columns.iter().enumerate().take(last + 1) {
        let width = if place == last { 0 } else { widths[*column] };
        text.push(label(*column), format!("  {:width$}", cells[*column]));
    }
    text.end_line();
}

pub(super) fn pipe_table_markdown(pipes: &[&PipeStatus], names: NameStyle, now: SystemTime) -> String {
    if pipes.is_empty() {
        return "No pipes.\n\n".to_owned();
    }
    let row = |pipe: &&PipeStatus| {
        let mut cells = fit_cells(pipe, names, now);
        for (column, cell) in cells.iter_mut().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            *cell = if column == NOTE_COLUMN { markdown_sentence(cell) } else { markdown_code(cell) };
        }
        format!("| {} |\n", cells.join(" | "))
    };
    let rows: String = pipes.iter().map(row).collect();
    format!("| {} |\n|{}\n{rows}\n", COLUMN_HEADS.join(" | "), "---|".repeat(COLUMN_HEADS.len()))
}

fn pipe_cells(pipe: &PipeStatus, names: NameStyle, now: SystemTime) -> StatusRow<String> {
    [
        match names {
            NameStyle::NameOnly => pipe.address.name.to_string(),
            NameStyle::WithService => pipe.address.to_string(),
        },
        if pipe.id.is_some() { pipe.state.clone() } else { "-".to_owned() },
        health_word(pipe.health).to_owned(),
        pipe.source.clone(),
        describe_tables(&pipe.tables),
        pipe.size.map(|it| it.describe(pipe.shares_size)).unwrap_or_default(),
        format_age(pipe.created_at.as_deref(), now),
        format_age(pipe.updated_at.as_deref(), now),
        match pipe.managed {
            Some(true) => "declared".to_owned(),
            Some(false) => "unmanaged".to_owned(),
            None => String::new(),
        },
        pipe.note.clone(),
    ]
}

fn describe_tables(tables: &[String]) -> String {
    match tables {
        [] => String::new(),
        [one] => one.clone(),
        several => format!("{} tables", several.len()),
    }
}

pub(super) fn health_label(health: Health) -> Label {
    match health {
        Health::Ok => Label::Create,
        Health::Moving => Label::Dim,
        Health::Warning => Label::Update,
        Health::Bad => Label::Delete,
    }
}

fn fit_cells(pipe: &PipeStatus, names: NameStyle, now: SystemTime) -> StatusRow<String> {
    let mut cells = pipe_cells(pipe, names, now);
    for (column, cell) in cells.iter_mut().enumerate() {
        let width = if column == NOTE_COLUMN { MAX_NOTE_WIDTH } else { MAX_CELL_WIDTH };
        *cell = truncate_chars(&sanitize_line(cell), width);
    }
    cells
}

const TIME_UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];

/// The age of an RFC 3339 time: `12d`, `3h`. Empty for an invalid or future time.
pub(super) fn format_age(time: Option<&str>, now: SystemTime) -> String {
    let then = time.and_then(|time| humantime::parse_rfc3339_weak(time).ok());
    let passed = then.and_then(|then| now.duration_since(then).ok());
    passed.map(format_duration).unwrap_or_default()
}

fn format_duration(passed: Duration) -> String {
    let seconds = passed.as_secs();
    let unit = TIME_UNITS.iter().find(|(length, _)| seconds >= *length);
    unit.map_or_else(|| "0s".to_owned(), |(length, unit)| format!("{}{unit}", seconds / length))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::format_age;

    #[test]
    fn age_is_shown_in_its_largest_unit() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * 20);
        for (time, words) in [
            ("1970-01-01T00:00:00.123456Z", "19d"),
            ("1970-01-20T20:00:00Z", "4h"),
            ("1970-01-20T23:59:00Z", "1m"),
            ("1970-01-21T00:00:00Z", "0s"),
            ("1970-02-01T00:00:00Z", ""),
            ("yesterday", ""),
        ] {
            assert_eq!(format_age(Some(time), now), words, "{time}");
        }
        assert_eq!(format_age(None, now), "");
    }
}
