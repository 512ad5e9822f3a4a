//! The rows.

use std::time::SystemTime;

use model::lifecycle::Health;
use model::overview::Size;

use super::ago::ago;
use super::{Pipe, word};
use crate::output::{Label, Text};
use crate::report::escape::{clipped, code, one_line};

const HEADS: [&str; 9] =
    ["PIPE", "STATE", "HEALTH", "SOURCE", "TO", "SIZE", "AGE", "CHANGED", "GIT"];

/// Where in a row it says how well the pipe does.
const HEALTH: usize = 2;

/// No cell is wider.
const WIDEST: usize = 40;

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
    let pad = |cell: &str, column: usize| {
        let last = columns.last() == Some(&column);
        let width = if last { 0 } else { widths[column] };
        format!("  {cell:width$}")
    };
    let heads: String = columns.iter().map(|column| pad(HEADS[*column], *column)).collect();
    text.push(Label::Dim, heads.trim_end()).end();
    for (pipe, row) in pipes.iter().zip(&rows) {
        for column in &columns {
            let label = if *column == HEALTH { label(pipe.health) } else { Label::Plain };
            text.push(label, pad(&row[*column], *column));
        }
        text.end();
        if !pipe.note.is_empty() && pipe.health > Health::Ok {
            text.push(Label::Dim, format!("      {}", one_line(&pipe.note))).end();
        }
    }
}

pub(super) fn markdown(pipes: &[Pipe], now: SystemTime) -> String {
    if pipes.is_empty() {
        return "No pipes.\n\n".to_owned();
    }
    let mut text = format!("| {} | |\n|{}\n", HEADS.join(" | "), "---|".repeat(HEADS.len() + 1));
    for pipe in pipes {
        let cells = cells(pipe, now).map(|cell| match cell.as_str() {
            "" => String::new(),
            cell => code(&clipped(cell, WIDEST)),
        });
        text += &format!("| {} | {} |\n", cells.join(" | "), pipe.note);
    }
    text + "\n"
}

fn cells(pipe: &Pipe, now: SystemTime) -> [String; HEADS.len()] {
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
