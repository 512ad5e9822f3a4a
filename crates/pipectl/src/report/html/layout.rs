//! Where the boxes of a picture stand and which lines join them. Three columns: sources, pipes,
//! tables. A source that several pipes read and a table that several pipes write are one box.

use std::collections::BTreeMap;

use super::pipes::Pipe;

/// The height of one row, and of a box in it.
const ROW: usize = 46;
const BOX: usize = 38;

/// More tables of one pipe than that are counted.
const MOST_TABLES: usize = 8;

/// The left edge of a column, and how wide its boxes are.
const SOURCES: (usize, usize) = (0, 300);
const PIPES: (usize, usize) = (400, 300);
const TABLES: (usize, usize) = (800, 300);

/// A box with two lines of text.
pub(super) struct Node {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) class: &'static str,
    pub(super) title: String,
    pub(super) subtitle: String,
}

/// A line from the right of one box to the left of another.
pub(super) struct Edge {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
    pub(super) class: &'static str,
}

/// A finished picture.
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) pipes: usize,
}

/// A table with what arrives in it.
struct Table {
    row: usize,
    from: Vec<String>,
}

/// A source with the rows that its pipes take.
struct Source {
    first: usize,
    last: usize,
}

/// Places everything.
pub(super) fn layout(pipes: &[Pipe]) -> Layout {
    let mut placing = Placing::default();
    for pipe in pipes {
        placing.pipe(pipe);
    }
    placing.finish(pipes.len())
}

#[derive(Default)]
struct Placing {
    rows: usize,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    sources: BTreeMap<(String, String), Source>,
    tables: BTreeMap<String, Table>,
    /// Which pipes, by their row and class, join which source and table.
    reads: Vec<((String, String), usize, &'static str)>,
    writes: Vec<(usize, String, &'static str)>,
}

impl Placing {
    fn pipe(&mut self, pipe: &Pipe) {
        let begin = self.rows;
        let mut written = Vec::new();
        for (table, from) in tables(pipe) {
            let rows = &mut self.rows;
            let known = self.tables.entry(table.clone()).or_insert_with(|| {
                *rows += 1;
                Table { row: *rows - 1, from: Vec::new() }
            });
            known.from.extend(from);
            written.push(table);
        }
        self.rows = self.rows.max(begin + 1);
        // A pipe stands in the middle of what it writes, counted in half rows.
        let middle = begin + self.rows - 1;
        self.writes.extend(written.into_iter().map(|table| (middle, table, pipe.class)));
        if let Some(flow) = &pipe.flow {
            let key = (flow.system.clone(), flow.place.clone());
            let source =
                self.sources.entry(key.clone()).or_insert(Source { first: middle, last: middle });
            source.last = middle;
            self.reads.push((key, middle, pipe.class));
        }
        self.nodes.push(node(PIPES, middle, pipe.class, pipe.name.clone(), pipe.what.clone()));
    }

    fn finish(mut self, pipes: usize) -> Layout {
        for ((system, place), source) in &self.sources {
            let (title, subtitle) =
                if place.is_empty() { (system, String::new()) } else { (place, system.clone()) };
            let middle = source.middle();
            self.nodes.push(node(SOURCES, middle, "place", title.clone(), subtitle));
        }
        for (name, table) in &self.tables {
            let subtitle = told(&table.from);
            self.nodes.push(node(TABLES, 2 * table.row, "place", name.clone(), subtitle));
        }
        for (key, middle, class) in &self.reads {
            self.edges.push(edge(SOURCES, self.sources[key].middle(), PIPES, *middle, class));
        }
        for (middle, table, class) in &self.writes {
            self.edges.push(edge(PIPES, *middle, TABLES, 2 * self.tables[table].row, class));
        }
        Layout {
            width: TABLES.0 + TABLES.1,
            height: self.rows * ROW,
            nodes: self.nodes,
            edges: self.edges,
            pipes,
        }
    }
}

impl Source {
    fn middle(&self) -> usize {
        usize::midpoint(self.first, self.last)
    }
}

/// The tables of a pipe, each with what it is filled from.
fn tables(pipe: &Pipe) -> Vec<(String, Vec<String>)> {
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for stream in pipe.flow.iter().flat_map(|flow| &flow.streams) {
        match tables.iter_mut().find(|(table, _)| *table == stream.to) {
            Some((_, from)) => from.push(stream.from.clone()),
            None => tables.push((stream.to.clone(), vec![stream.from.clone()])),
        }
    }
    if tables.len() > MOST_TABLES {
        let rest = tables.split_off(MOST_TABLES - 1);
        let from = rest.iter().flat_map(|(_, from)| from.clone()).collect();
        tables.push((format!("{} more tables of {}", rest.len(), pipe.name), from));
    }
    tables
}

fn told(from: &[String]) -> String {
    match from {
        [] => String::new(),
        [one] => format!("from {one}"),
        [first, rest @ ..] => format!("from {first} and {} more", rest.len()),
    }
}

fn node(
    (x, width): (usize, usize),
    half_row: usize,
    class: &'static str,
    title: String,
    subtitle: String,
) -> Node {
    Node { x, y: half_row * ROW / 2 + (ROW - BOX) / 2, width, height: BOX, class, title, subtitle }
}

fn edge(
    left: (usize, usize),
    from: usize,
    right: (usize, usize),
    to: usize,
    class: &'static str,
) -> Edge {
    let middle = |half_row: usize| half_row * ROW / 2 + ROW / 2;
    Edge { from: (left.0 + left.1, middle(from)), to: (right.0, middle(to)), class }
}
