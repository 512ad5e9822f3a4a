//! A comment on a pull request: the counts, then the objects by severity, then their details.
//!
//! GitHub refuses a comment that is too long. This one first omits details and rows of objects that need no action.

mod details;
mod truncate;

use std::fmt::Write as _;

use model::diagnostic::{Diagnostic, Severity};

use self::truncate::{CommentPiece, CommentSection};
use super::drifted_objects::{DriftKind, DriftedObject};
use super::report_target::CommentKey;
use super::run_report::{ReportView, RunReport};
use crate::escape::{code_fence, markdown_code, markdown_sentence, truncate_chars};
use crate::label_groups::group_title;
use crate::plan_view::object::{ObjectSeverity, ObjectView};
use crate::plan_view::refusals::{RefusalGroup, group_refusals};
use crate::render::drift::DriftGroup;

/// GitHub accepts 65,536 characters. The rest is for what a workflow adds.
pub(super) const MAX_COMMENT_CHARS: usize = 60_000;

/// Room for the line that counts what is omitted.
const RESERVED_CHARS: usize = 600;

/// A longer note is cut.
const MAX_NOTE_CHARS: usize = 400;

/// The whole comment, of at most so many characters unless what a reviewer must see first is longer.
pub(super) fn render_markdown(view: &ReportView<'_>, key: &CommentKey, most: usize) -> String {
    let head = comment_head(view.run, most);
    let foot = format!("<!-- pipectl:{key} -->\n");
    let unmanaged = unmanaged_list(&view.run.unmanaged_names());
    let used = RESERVED_CHARS + char_count(&head) + char_count(&unmanaged) + char_count(&foot);
    let room = most.saturating_sub(used);
    let (kept, left) = truncate::split_to_fit(comment_pieces(view, room), room);
    let rows: String = truncate::section_text(&kept, CommentSection::Row);
    let mut out = head;
    if !rows.is_empty() {
        out.push_str(table_head(view.run));
        out.push_str(&rows);
        out.push('\n');
    }
    out.push_str(&truncate::omitted_note(&left));
    out.push_str(&truncate::section_text(&kept, CommentSection::Details));
    out.push_str(&unmanaged);
    out.push_str(&foot);
    out
}

fn char_count(text: &str) -> usize {
    text.chars().count()
}

fn comment_head(run: &RunReport, most: usize) -> String {
    let mut out = format!("### {}: {}\n\n", markdown_sentence(&run.title()), markdown_sentence(&run.headline()));
    out.push_str(&urgent_list("Look at this now:", &run.alarm_lines()));
    let refusals: Vec<String> = group_refusals(&run.context.refusals).iter().map(RefusalGroup::line).collect();
    out.push_str(&urgent_list("Apply will refuse:", &refusals));
    out.push_str(&review_list(&run.review_lines(), most));
    out.push_str(&label_group_table(run));
    let remainder = run.footnotes();
    if !remainder.is_empty() {
        out.push_str(&markdown_sentence(&remainder.join(" ")));
        out.push_str("\n\n");
    }
    let obstacles = run.run_errors();
    if !obstacles.is_empty() {
        let lines: Vec<String> =
            obstacles.iter().flat_map(|error| error.lines()).map(|line| truncate_chars(line, 500)).take(40).collect();
        out.push_str(&code_fence("text", &lines));
        out.push('\n');
    }
    out
}

/// The counts of drift by the value of a label.
fn label_group_table(run: &RunReport) -> String {
    /// More are counted in the sum.
    const MAX_GROUPS: usize = 100;
    let Some(grouping) = run.drift.as_ref().and_then(|drift| drift.grouping.as_ref()) else { return String::new() };
    let row = |group: &DriftGroup| {
        let title = group_title(&grouping.group_by, group.value.as_deref());
        let DriftGroup { changed, missing, unmanaged, in_sync, .. } = group;
        let title = markdown_code(&truncate_chars(&title, 100));
        format!("| {title} | {changed} | {missing} | {unmanaged} | {in_sync} |\n")
    };
    let rows: String = grouping.groups.iter().take(MAX_GROUPS).map(row).collect();
    let more = grouping.groups.len().saturating_sub(MAX_GROUPS);
    let more = if more > 0 { format!("And {more} more groups.\n\n") } else { String::new() };
    format!("| | changed | missing | unmanaged | in sync |\n|---|---|---|---|---|\n{rows}\n{more}")
}

/// The unmanaged live objects, folded.
pub(super) fn unmanaged_list(names: &[String]) -> String {
    /// More are counted.
    const MAX_NAMED: usize = 40;
    if names.is_empty() {
        return String::new();
    }
    let item = |name: &String| format!("- {}\n", markdown_code(&truncate_chars(name, 60)));
    let items: String = names.iter().take(MAX_NAMED).map(item).collect();
    let more = names.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!("- and {more} more\n") } else { String::new() };
    format!("<details><summary>{} unmanaged: live, not in git</summary>\n\n{items}{more}\n</details>\n\n", names.len())
}

/// The notes of a review, as many as leave room for the rows.
fn review_list(notes: &[String], most: usize) -> String {
    let notes: Vec<String> = notes.iter().map(|note| note_sentence(note)).collect();
    let list = note_list(&notes, most);
    if list.is_empty() { list } else { list + "\n" }
}

pub(super) fn note_sentence(note: &str) -> String {
    markdown_sentence(&truncate_chars(note, MAX_NOTE_CHARS))
}

/// Notes in markdown, as many as fit into half of a comment of so many characters.
pub(super) fn note_list(notes: &[String], most: usize) -> String {
    let (mut out, mut room) = (String::new(), most / 2);
    for (index, note) in notes.iter().enumerate() {
        let item = format!("- ⚠️ {note}\n");
        let length = char_count(&item);
        if length > room {
            let _ = writeln!(out, "- ⚠️ and {} more: **the log of the run shows all**", notes.len() - index);
            break;
        }
        room -= length;
        out.push_str(&item);
    }
    out
}

/// A list above everything else: alarms of a run, or the parts that apply will refuse.
fn urgent_list(title: &str, lines: &[String]) -> String {
    /// The maximum number of lines. The others are counted.
    const MAX_LINES: usize = 10;
    if lines.is_empty() {
        return String::new();
    }
    let item = |line: &String| format!("- {}\n", markdown_sentence(&truncate_chars(line, 800)));
    let items: String = lines.iter().take(MAX_LINES).map(item).collect();
    let more = lines.len().saturating_sub(MAX_LINES);
    let more = if more > 0 { format!("- and {more} more\n") } else { String::new() };
    format!("⛔ **{title}**\n\n{items}{more}\n")
}

fn table_head(run: &RunReport) -> &'static str {
    if run.plan.is_some() || run.drift.is_some() {
        "| | object | what | why |\n|---|---|---|---|\n"
    } else {
        "| | where | problem | code |\n|---|---|---|---|\n"
    }
}

fn comment_pieces(view: &ReportView<'_>, room: usize) -> Vec<CommentPiece> {
    let ReportView { run, objects, drifted } = view;
    let severe = objects.iter().filter(|object| object.severity.is_severe());
    let severe_chars: usize = severe.map(|object| char_count(&object_row(object, RowDetail::Full))).sum();
    let width = if severe_chars <= room { RowDetail::Full } else { RowDetail::Narrow };
    let problems = run.diagnostics.iter().map(|problem| CommentPiece {
        section: CommentSection::Row,
        rank: if problem.severity == Severity::Error { 0 } else { REPORTED_RANK },
        word: if problem.severity == Severity::Error { "error" } else { "warning" },
        text: problem_row(problem),
    });
    let rows = objects.iter().map(|object| CommentPiece {
        section: CommentSection::Row,
        rank: piece_rank(object.severity, CommentSection::Row),
        word: object.severity.as_str(),
        text: object_row(object, if object.severity.is_severe() { width } else { RowDetail::Full }),
    });
    let drifted = drifted.iter().map(|drift| CommentPiece {
        section: CommentSection::Row,
        rank: match drift.kind {
            DriftKind::Ignored | DriftKind::Changed | DriftKind::Missing => REPORTED_RANK,
            DriftKind::Unmanaged => 6,
        },
        word: drift.kind.as_str(),
        text: drift_row(drift),
    });
    let details = objects.iter().map(|object| CommentPiece {
        section: CommentSection::Details,
        rank: piece_rank(object.severity, CommentSection::Details),
        word: object.severity.as_str(),
        text: details::render_details(object),
    });
    problems.chain(rows).chain(drifted).chain(details).collect()
}

/// The rank of a row on which apply does not act: those on which it does come first.
const REPORTED_RANK: u8 = 4;

/// The order in which pieces get their room. The highest number is omitted first.
fn piece_rank(severity: ObjectSeverity, section: CommentSection) -> u8 {
    let [row, details] = match severity {
        severity if severity.is_severe() => [0, 3],
        ObjectSeverity::Update | ObjectSeverity::Rename => [1, 5],
        ObjectSeverity::Adopt | ObjectSeverity::Create => [2, 7],
        ObjectSeverity::Unusable | ObjectSeverity::Removal | ObjectSeverity::Drift => [REPORTED_RANK, 5],
        _ => [6, 7],
    };
    if section == CommentSection::Row { row } else { details }
}

/// The amount of detail in a row.
#[derive(Clone, Copy)]
enum RowDetail {
    Full,
    /// Only the name and the verdict.
    Narrow,
}

fn object_row(object: &ObjectView<'_>, width: RowDetail) -> String {
    let (name, what, why) = match width {
        RowDetail::Full => (300, truncate_chars(&object.outcome, 200), truncate_chars(&object.reason, 300)),
        RowDetail::Narrow => (60, object.short_outcome().to_owned(), String::new()),
    };
    let name = markdown_code(&truncate_chars(&object.display_name(), name));
    format!("| {} | {name} | {} | {} |\n", object.severity.emoji(), markdown_sentence(&what), markdown_sentence(&why))
}

fn drift_row(drift: &DriftedObject<'_>) -> String {
    let name = markdown_code(&truncate_chars(&drift.display_name(), 300));
    let facts = markdown_sentence(&truncate_chars(&drift.facts.join("; "), 300));
    let spot = if drift.kind == DriftKind::Unmanaged { "⚪" } else { "🟠" };
    format!("| {spot} | {name} | {} | {facts} |\n", drift.kind.description())
}

fn problem_row(problem: &Diagnostic) -> String {
    let (spot, place) = match problem.severity {
        Severity::Error => (ObjectSeverity::NotApplied.emoji(), &problem.place),
        Severity::Warning => ("⚠️", &problem.place),
    };
    let message = markdown_sentence(&truncate_chars(&super::findings::message_with_help(problem), 500));
    let place = markdown_code(&truncate_chars(&place.to_string(), 200));
    format!("| {spot} | {place} | {message} | {} |\n", markdown_code(problem.code))
}
