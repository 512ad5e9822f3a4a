//! The comment and the page of several runs.

use maud::{DOCTYPE, PreEscaped, html};

use super::html::{POLICY, STYLE, unmanaged_section};
use super::markdown::{MAX_COMMENT_CHARS, note_list, note_sentence, unmanaged_list};
use super::report_target::CommentKey;
use crate::escape::{markdown_code, markdown_sentence, truncate_chars, xml_line};
use crate::merged_report::{MergedReport, MergedRow, MergedRun, counts_text};

const MAX_LINE_CHARS: usize = 400;

/// The objects of all runs with the names of their runs, the gravest first.
fn rows_by_severity(report: &MergedReport) -> Vec<(&MergedRun, &MergedRow)> {
    let mut rows: Vec<_> = report.runs.iter().flat_map(|run| run.rows.iter().map(move |row| (run, row))).collect();
    rows.sort_by_key(|(_, row)| row.rank());
    rows
}

/// One comment for all runs.
pub(super) fn render_markdown(report: &MergedReport, key: &CommentKey) -> String {
    let head = format!("### pipectl: {} runs: {}\n\n{}", report.runs.len(), report.counts_text(), runs_table(report));
    let head = head + &facts_list(report);
    let unmanaged = unmanaged_list(&unmanaged_names(report));
    let gap = if unmanaged.is_empty() { "" } else { "\n" };
    let foot = format!("{gap}{unmanaged}\n<!-- pipectl:{key} -->\n");
    let used = head.chars().count() + foot.chars().count();
    [head, objects_table(report, MAX_COMMENT_CHARS.saturating_sub(used)), foot].concat()
}

/// The base, the rest and the digest of each run.
fn facts_list(report: &MergedReport) -> String {
    /// More runs have theirs in their own results only.
    const MAX_RUNS: usize = 40;
    let runs = report.runs.iter().filter(|run| !run.facts.is_empty()).take(MAX_RUNS);
    let facts = |run: &MergedRun| run.facts.iter().map(|fact| sentence(fact)).collect::<Vec<_>>().join(" ");
    let item = |run: &MergedRun| format!("- {}: {}\n", markdown_code(&run.name), facts(run));
    let items: String = runs.map(item).collect();
    if items.is_empty() { items } else { format!("\n{items}") }
}

/// The live objects that nobody declares, each with its run.
fn unmanaged_names(report: &MergedReport) -> Vec<String> {
    let names = report.runs.iter().flat_map(|run| run.unmanaged.iter().map(move |name| (run, name)));
    names.map(|(run, name)| format!("{}: {name}", run.name)).collect()
}

fn sentence(line: &str) -> String {
    markdown_sentence(&truncate_chars(line, MAX_LINE_CHARS))
}

/// A row for each run, and the notes that come before the objects.
fn runs_table(report: &MergedReport) -> String {
    let row = |run: &MergedRun| {
        let (name, outcome) = (markdown_code(&run.name), markdown_sentence(&run.outcome));
        format!("| {name} | {outcome} | {} |\n", counts_text(&run.counts))
    };
    let rows: Vec<String> = report.runs.iter().map(row).collect();
    let note = |(run, line): (&MergedRun, &String)| format!("{}: {}", markdown_code(&run.name), note_sentence(line));
    // The errors of all runs come before the first note.
    let errors = report.runs.iter().flat_map(|run| run.errors.iter().map(move |line| (run, line)));
    let notes = note_list(&errors.chain(notes_by_gravity(report)).map(note).collect::<Vec<_>>(), MAX_COMMENT_CHARS);
    let gap = if notes.is_empty() { "" } else { "\n" };
    format!("| run | outcome | objects |\n|---|---|---|\n{}{gap}{notes}", rows.concat())
}

/// The notes of all runs. Each run has its most severe note first, so the first notes of all runs come before the
/// second ones.
// Hazard: the room in the comment is limited. In the order of runs, hundreds of harmless notes of the first run would
// hide that the second one sends a secret, and the author of a change chooses the run.
fn notes_by_gravity(report: &MergedReport) -> impl Iterator<Item = (&MergedRun, &String)> {
    let longest = report.runs.iter().map(|run| run.notes.len()).max().unwrap_or_default();
    (0..longest).flat_map(|at| report.runs.iter().filter_map(move |run| Some((run, run.notes.get(at)?))))
}

/// The objects that fit into so many characters, the gravest first.
fn objects_table(report: &MergedReport, mut room: usize) -> String {
    /// Room for the head of the table, and for the line that counts omitted notes.
    const HEAD_CHARS: usize = 200;
    let lines = rows_by_severity(report).into_iter().map(|(run, row)| {
        let object = markdown_code(&truncate_chars(&row.object, MAX_LINE_CHARS));
        let what: Vec<String> = [&row.summary].into_iter().chain(&row.effects).map(|line| sentence(line)).collect();
        let (word, what) = (markdown_sentence(&row.word), what.join("<br>"));
        format!("| {word} | {object} | {} | {what} |\n", markdown_code(&run.name))
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return String::new();
    }
    room = room.saturating_sub(HEAD_CHARS);
    let fits = |line: &&String| {
        let left = room.checked_sub(line.chars().count());
        room = left.unwrap_or_default();
        left.is_some()
    };
    let shown: Vec<&str> = lines.iter().take_while(fits).map(String::as_str).collect();
    let more = match lines.len() - shown.len() {
        0 => String::new(),
        more => format!("\nAnd {more} more, which are less severe.\n"),
    };
    format!("\n| | object | run | what and why |\n|---|---|---|---|\n{}{more}", shown.concat())
}

/// One page for all runs.
pub(super) fn render_html(report: &MergedReport) -> String {
    let title = format!("pipectl: {} runs: {}", report.runs.len(), report.counts_text());
    let page = html! {
        (DOCTYPE) "\n"
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (xml_line(&title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { (xml_line(&title)) } }
                section {
                    h2 { "Runs" }
                    table {
                        tr { th { "run" } th { "outcome" } th { "objects" } }
                        @for run in &report.runs {
                            tr { td { (xml_line(&run.name)) } td { (xml_line(&run.outcome)) } td { (counts_text(&run.counts)) } }
                            "\n"
                        }
                    }
                    ul {
                        @for run in report.runs.iter().filter(|run| !run.facts.is_empty()) {
                            li { (xml_line(&run.name)) ": " (xml_line(&run.facts.join(" "))) }
                            "\n"
                        }
                    }
                    ul.problems {
                        @for run in &report.runs {
                            @for line in run.errors.iter().chain(&run.notes) {
                                li.warning { (xml_line(&run.name)) ": " (xml_line(line)) }
                                "\n"
                            }
                        }
                    }
                }
                (unmanaged_section(&unmanaged_names(report)))
                section id="changes" {
                    h2 { "Objects" }
                    table {
                        tr { th { "" } th { "object" } th { "run" } th { "what and why" } }
                        @for (run, row) in rows_by_severity(report) {
                            tr {
                                td { (xml_line(&row.word)) }
                                td { (xml_line(&row.object)) }
                                td { (xml_line(&run.name)) }
                                td {
                                    (xml_line(&row.summary))
                                    @for effect in &row.effects { br; (xml_line(effect)) }
                                }
                            }
                            "\n"
                        }
                    }
                }
            }
        }
        "\n"
    };
    page.into_string()
}
