//! The positions of the boxes of a picture, and the lines between them. Three columns: sources, pipes, tables. A source
//! that several pipes read and a table that several pipes write are one box.

use std::collections::BTreeMap;

use super::drawn_pipes::DrawnPipe;

/// The height of one row, and of a box in it.
const ROW_HEIGHT: usize = 46;
const BOX_HEIGHT: usize = 38;

/// More tables of one pipe than that are counted.
const MAX_TABLES: usize = 8;

/// The left edge of a column, and how wide its boxes are.
const SOURCE_COLUMN: (usize, usize) = (0, 300);
const PIPE_COLUMN: (usize, usize) = (400, 300);
const TABLE_COLUMN: (usize, usize) = (800, 300);

/// A box with two lines of text.
pub(super) struct DiagramBox {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) class: &'static str,
    pub(super) title: String,
    pub(super) subtitle: String,
}

/// A line from the right of one box to the left of another.
pub(super) struct DiagramLine {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
    pub(super) class: &'static str,
}

/// A finished picture.
pub(super) struct DiagramLayout {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) boxes: Vec<DiagramBox>,
    pub(super) lines: Vec<DiagramLine>,
    pub(super) pipes: usize,
}

/// A table with its sources.
struct TablePosition {
    row: usize,
    filled_from: Vec<String>,
}

/// A source with the rows that its pipes take.
struct SourceRows {
    first: usize,
    last: usize,
}

/// Places everything.
pub(super) fn layout_diagram(pipes: &[DrawnPipe]) -> DiagramLayout {
    let mut placing = LayoutBuilder::default();
    for pipe in pipes {
        placing.add_pipe(pipe);
    }
    placing.into_layout(pipes.len())
}

#[derive(Default)]
struct LayoutBuilder {
    rows: usize,
    boxes: Vec<DiagramBox>,
    lines: Vec<DiagramLine>,
    sources: BTreeMap<(String, String), SourceRows>,
    tables: BTreeMap<String, TablePosition>,
    /// The pipes, by row and class, that connect a source and a table.
    reads: Vec<((String, String), usize, &'static str)>,
    writes: Vec<(usize, String, &'static str)>,
}

impl LayoutBuilder {
    fn add_pipe(&mut self, pipe: &DrawnPipe) {
        let begin = self.rows;
        let mut written = Vec::new();
        for (table, from) in pipe_tables(pipe) {
            let rows = &mut self.rows;
            let known = self.tables.entry(table.clone()).or_insert_with(|| {
                *rows += 1;
                TablePosition { row: *rows - 1, filled_from: Vec::new() }
            });
            known.filled_from.extend(from);
            written.push(table);
        }
        self.rows = self.rows.max(begin + 1);
        // A pipe is at the middle of its tables, counted in half rows.
        let middle = begin + self.rows - 1;
        self.writes.extend(written.into_iter().map(|table| (middle, table, pipe.class)));
        if let Some(flow) = &pipe.lineage {
            let key = (flow.system.clone(), flow.location.clone());
            let source = self.sources.entry(key.clone()).or_insert(SourceRows { first: middle, last: middle });
            source.last = middle;
            self.reads.push((key, middle, pipe.class));
        }
        self.boxes.push(build_box(PIPE_COLUMN, middle, pipe.class, pipe.name.clone(), pipe.outcome_text.clone()));
    }

    fn into_layout(mut self, pipes: usize) -> DiagramLayout {
        for ((system, place), source) in &self.sources {
            let (title, subtitle) = if place.is_empty() { (system, String::new()) } else { (place, system.clone()) };
            let middle = source.middle_row();
            self.boxes.push(build_box(SOURCE_COLUMN, middle, "place", title.clone(), subtitle));
        }
        for (name, table) in &self.tables {
            let subtitle = describe_origin(&table.filled_from);
            self.boxes.push(build_box(TABLE_COLUMN, 2 * table.row, "place", name.clone(), subtitle));
        }
        for (key, middle, class) in &self.reads {
            self.lines.push(build_line(SOURCE_COLUMN, self.sources[key].middle_row(), PIPE_COLUMN, *middle, class));
        }
        for (middle, table, class) in &self.writes {
            self.lines.push(build_line(PIPE_COLUMN, *middle, TABLE_COLUMN, 2 * self.tables[table].row, class));
        }
        DiagramLayout {
            width: TABLE_COLUMN.0 + TABLE_COLUMN.1,
            height: self.rows * ROW_HEIGHT,
            boxes: self.boxes,
            lines: self.lines,
            pipes,
        }
    }
}

impl SourceRows {
    fn middle_row(&self) -> usize {
        usize::midpoint(self.first, self.last)
    }
}

/// The tables of a pipe, each with its source tables.
fn pipe_tables(pipe: &DrawnPipe) -> Vec<(String, Vec<String>)> {
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for stream in pipe.lineage.iter().flat_map(|flow| &flow.edges) {
        match tables.iter_mut().find(|(table, _)| *table == stream.to) {
            Some((_, from)) => from.push(stream.from.clone()),
            None => tables.push((stream.to.clone(), vec![stream.from.clone()])),
        }
    }
    if tables.len() > MAX_TABLES {
        let rest = tables.split_off(MAX_TABLES - 1);
        let from = rest.iter().flat_map(|(_, from)| from.clone()).collect();
        tables.push((format!("{} more tables of {}", rest.len(), pipe.name), from));
    }
    tables
}

fn describe_origin(from: &[String]) -> String {
    match from {
        [] => String::new(),
        [one] => format!("from {one}"),
        [first, rest @ ..] => format!("from {first} and {} more", rest.len()),
    }
}

fn build_box(
    (x, width): (usize, usize),
    half_row: usize,
    class: &'static str,
    title: String,
    subtitle: String,
) -> DiagramBox {
    DiagramBox {
        x,
        y: half_row * ROW_HEIGHT / 2 + (ROW_HEIGHT - BOX_HEIGHT) / 2,
        width,
        height: BOX_HEIGHT,
        class,
        title,
        subtitle,
    }
}

fn build_line(left: (usize, usize), from: usize, right: (usize, usize), to: usize, class: &'static str) -> DiagramLine {
    let middle = |half_row: usize| half_row * ROW_HEIGHT / 2 + ROW_HEIGHT / 2;
    DiagramLine { from: (left.0 + left.1, middle(from)), to: (right.0, middle(to)), class }
}
