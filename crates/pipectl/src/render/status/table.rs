//! The rows.

use std::time::SystemTime;

use model::lifecycle::Health;
use model::overview::Size;

use super::ago::ago;
use super::{Pipe, word};
use crate::output::{Label, Text};
use crate::report::escape::{clipped, code, one_line};

type Row<T> = [T; 10];

const HEADS: Row<&str> =
    ["PIPE", "STATE", "HEALTH", "SOURCE", "TO", "SIZE", "AGE", "CHANGED", "GIT", "NOTE"];

/// Where in a row it says how well the pipe does.
const HEALTH: usize = 2;

/// No cell is wider.
const WIDEST: usize = 60;

pub(super) fn render(text: &mut Text, pipes: &[Pipe], now: SystemTime) {
    if pipes.is_empty() {
        text.push(Label::Dim, "  no pipes").end();
        return;
    }
    let rows: Vec<_> = pipes.iter().map(|pipe| cells(pipe, now).map(|it| fit(&it))).collect();
    let mut widths = HEADS.map(|head| head.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // A column in which there is nothing is not shown.
    let shown = |column: &usize| rows.iter().any(|row| !row[*column].is_empty());
    let columns: Vec<usize> = (0..HEADS.len()).filter(shown).collect();
    let heads = HEADS.map(str::to_owned);
    line(text, &columns, &widths, &heads, |_| Label::Dim);
    for (pipe, row) in pipes.iter().zip(&rows) {
        line(text, &columns, &widths, row, |column| match column {
            HEALTH => label(pipe.health),
            _ => Label::Plain,
        });
    }
}

fn line(
    text: &mut Text,
    columns: &[usize],
    widths: &Row<usize>,
    cells: &Row<String>,
    label: impl Fn(usize) -> Label,
) {
    let last = columns.iter().rposition(|column| !cells[*column].is_empty()).unwrap_or_default();
    for (place, column) in columns.iter().enumerate().take(last + 1) {
        let width = if place == last { 0 } else { widths[*column] };
        text.push(label(*column), format!("  {:width$}", cells[*column]));
    }
    text.end();
}

pub(super) fn markdown(pipes: &[Pipe], now: SystemTime) -> String {
    if pipes.is_empty() {
        return "No pipes.\n\n".to_owned();
    }
    let row = |pipe: &Pipe| {
        let cells = cells(pipe, now).map(|cell| match cell.as_str() {
            "" => String::new(),
            cell => code(&clipped(cell, WIDEST)),
        });
        format!("| {} |\n", cells.join(" | "))
    };
    let rows: String = pipes.iter().map(row).collect();
    format!("| {} |\n|{}\n{rows}\n", HEADS.join(" | "), "---|".repeat(HEADS.len()))
}

fn cells(pipe: &Pipe, now: SystemTime) -> Row<String> {
    [
        pipe.at.name.to_string(),
        if pipe.id.is_some() { pipe.state.clone() } else { "-".to_owned() },
        word(pipe.health).to_owned(),
        pipe.source.clone(),
        tables(&pipe.tables),
        pipe.size.map(|it| size(it, pipe.shares_size)).unwrap_or_default(),
        ago(pipe.created_at.as_deref(), now),
        ago(pipe.updated_at.as_deref(), now),
        match pipe.managed {
            Some(true) => "declared".to_owned(),
            Some(false) => "unmanaged".to_owned(),
            None => String::new(),
        },
        pipe.note.clone(),
    ]
}

/// `2 x 0.5 cores, 1 GB`; database pipes say that they share theirs.
fn size(size: Size, shared: bool) -> String {
    let cores = size.millicores / 1000.0;
    let unit = if (cores - 1.0).abs() < f64::EPSILON { "core" } else { "cores" };
    let one = format!("{cores} {unit}, {} GB", size.memory_gb);
    if shared { format!("shared {one}") } else { format!("{} x {one}", size.replicas) }
}

fn tables(tables: &[String]) -> String {
    match tables {
        [] => String::new(),
        [one] => one.clone(),
        several => format!("{} tables", several.len()),
    }
}

fn label(health: Health) -> Label {
    match health {
        Health::Ok => Label::Create,
        Health::Moving => Label::Dim,
        Health::Warning => Label::Update,
        Health::Bad => Label::Delete,
    }
}

fn fit(cell: &str) -> String {
    clipped(&one_line(cell), WIDEST)
}
