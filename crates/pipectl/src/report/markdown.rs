//! A comment on a pull request: the counts first, then the objects by danger, then their details.
//!
//! GitHub drops a comment that is too long, so this one is cut from the harmless end. What is
//! deleted or replaced is told as long as there is any room at all.

mod details;
mod fit;

use model::diagnostic::{Diagnostic, Severity};

use self::fit::{Piece, Slot};
use super::drift::{Drift, Standing, drift};
use super::escape::{clipped, code, fence, prose};
use super::object::{Danger, Object, objects};
use super::run::Run;
use super::target::Key;

/// GitHub takes 65,536 characters; the rest is for what a workflow adds.
const LIMIT: usize = 60_000;

/// Kept free for the line that says what was left out.
const RESERVE: usize = 600;

/// The whole comment.
pub(super) fn render(run: &Run<'_>, key: &Key) -> String {
    let head = head(run);
    let foot = format!("<!-- pipectl:{key} -->\n");
    let room = LIMIT - RESERVE - length(&head) - length(&foot);
    let (kept, left) = fit::fit(pieces(run, room), room);
    let rows: String = fit::of(&kept, Slot::Row);
    let mut out = head;
    if !rows.is_empty() {
        out.push_str(table_head(run));
        out.push_str(&rows);
        out.push('\n');
    }
    out.push_str(&fit::told(&left));
    out.push_str(&fit::of(&kept, Slot::Details));
    out.push_str(&foot);
    out
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn head(run: &Run<'_>) -> String {
    let mut out = format!("### pipectl {}: {}\n\n", run.command, prose(&run.headline()));
    let remainder = run.remainder();
    if !remainder.is_empty() {
        out.push_str(&prose(&remainder.join(" ")));
        out.push_str("\n\n");
    }
    let obstacles = run.obstacles();
    if !obstacles.is_empty() {
        let lines: Vec<String> = obstacles
            .iter()
            .flat_map(|error| error.lines())
            .map(|line| clipped(line, 500))
            .take(40)
            .collect();
        out.push_str(&fence("text", &lines));
        out.push('\n');
    }
    out
}

fn table_head(run: &Run<'_>) -> &'static str {
    if run.plan.is_some() || run.drift.is_some() {
        "| | object | what | why |\n|---|---|---|---|\n"
    } else {
        "| | where | problem | code |\n|---|---|---|---|\n"
    }
}

fn pieces(run: &Run<'_>, room: usize) -> Vec<Piece> {
    let objects = objects(run);
    let grave = || objects.iter().filter(|object| object.danger.is_grave());
    let whole: usize = grave().map(|object| length(&row(object, Width::Full))).sum();
    let width = if whole <= room { Width::Full } else { Width::Narrow };
    let problems = run.diagnostics.iter().map(|problem| Piece {
        slot: Slot::Row,
        rank: u8::from(problem.severity != Severity::Error),
        word: if problem.severity == Severity::Error { "error" } else { "warning" },
        text: problem_row(problem),
    });
    let rows = objects.iter().map(|object| Piece {
        slot: Slot::Row,
        rank: rank(object.danger, Slot::Row),
        word: object.danger.word(),
        text: row(object, if object.danger.is_grave() { width } else { Width::Full }),
    });
    let drifted = drift(run);
    let drifted = drifted.iter().map(|drift| Piece {
        slot: Slot::Row,
        rank: match drift.standing {
            Standing::LeftAlone | Standing::Changed | Standing::Missing => 1,
            Standing::Unmanaged => 6,
        },
        word: drift.standing.word(),
        text: drift_row(drift),
    });
    let details = objects.iter().map(|object| Piece {
        slot: Slot::Details,
        rank: rank(object.danger, Slot::Details),
        word: object.danger.word(),
        text: details::render(object),
    });
    problems.chain(rows).chain(drifted).chain(details).collect()
}

/// In which order pieces get their room: what is cut first has the highest number.
fn rank(danger: Danger, slot: Slot) -> u8 {
    match (danger, slot) {
        (Danger::Trouble | Danger::Blocked | Danger::Delete | Danger::Replace, Slot::Row) => 0,
        (Danger::Update, Slot::Row) => 1,
        (Danger::Rename, Slot::Row) => 2,
        (Danger::Trouble | Danger::Blocked | Danger::Delete | Danger::Replace, Slot::Details) => 3,
        (Danger::Update, Slot::Details) => 4,
        (Danger::Rename, Slot::Details) => 5,
        (Danger::Adopt | Danger::Create, Slot::Row) => 6,
        (Danger::Adopt | Danger::Create, Slot::Details) => 7,
    }
}

/// How much a row says.
#[derive(Clone, Copy)]
enum Width {
    Full,
    /// Only the name and what becomes of it.
    Narrow,
}

fn row(object: &Object<'_>, width: Width) -> String {
    let (name, what, why) = match width {
        Width::Full => (300, clipped(&object.what(), 120), clipped(&object.why(), 300)),
        Width::Narrow => (60, object.danger.word().to_owned(), String::new()),
    };
    let name = code(&clipped(&object.name(), name));
    format!("| {} | {name} | {} | {} |\n", object.danger.spot(), prose(&what), prose(&why))
}

fn drift_row(drift: &Drift<'_>) -> String {
    let name = code(&clipped(&drift.name(), 300));
    let facts = prose(&clipped(&drift.facts.join("; "), 300));
    let spot = if drift.standing == Standing::Unmanaged { "⚪" } else { "🟠" };
    format!("| {spot} | {name} | {} | {facts} |\n", drift.standing.words())
}

fn problem_row(problem: &Diagnostic) -> String {
    let (spot, place) = match problem.severity {
        Severity::Error => (Danger::Trouble.spot(), &problem.place),
        Severity::Warning => ("⚠️", &problem.place),
    };
    let message = prose(&clipped(&super::finding::with_help(problem), 500));
    let place = code(&clipped(&place.to_string(), 200));
    format!("| {spot} | {place} | {message} | {} |\n", code(problem.code))
}
