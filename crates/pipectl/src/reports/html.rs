//! One self-contained page: a diagram of the data flow, and a table with the changes. It loads nothing. A long table
//! has a filter box, which is the only script.

mod details;
mod drawn_pipes;
mod layout;
mod svg;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::details::RowDetail;
use self::drawn_pipes::{DrawnPipe, DrawnService, drawn_services};
use super::drifted_objects::DriftedObject;
use super::findings::file_findings;
use super::run_report::{ReportView, RunReport};
use crate::diagnostics::pluralize;
use crate::escape::xml_line;
use crate::plan_view::object::ObjectView;

pub(super) const STYLE: &str = include_str!("html/style.css");

/// The severe objects above the picture. The table has all of them.
const MAX_SEVERE: usize = 8;

/// The rows of objects that are not severe. More are counted and folded: nobody reads 500 creates.
const MAX_HARMLESS_ROWS: usize = 60;

/// The pipes of a folded picture.
const MAX_FOLDED_PIPES: usize = 300;

/// More rows have no details. JSON has them; a page of ten thousand objects has to open.
const MAX_DETAILED_ROWS: usize = 500;

/// From so many rows on, a box filters them.
const MIN_FILTERED_ROWS: usize = 20;

const FILTER_SCRIPT: &str = include_str!("html/filter.js");

/// Forbids scripts and requests, even if a value could add some.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The content policy of a page with the filter.
fn content_policy() -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, FILTER_SCRIPT.as_bytes());
    format!("{POLICY}; script-src 'sha256-{}'", STANDARD.encode(hash))
}

/// The whole page.
pub(super) fn render_html(view: &ReportView<'_>) -> String {
    let ReportView { run, objects, drifted } = view;
    let services = drawn_services(view);
    let has_changes = services.iter().any(DrawnService::is_changing);
    let page = html! {
        (DOCTYPE) "\n"
        html lang="en" {
            head {
                "\n" meta charset="utf-8";
                "\n" meta name="viewport" content="width=device-width, initial-scale=1";
                "\n" meta http-equiv="Content-Security-Policy" content=(content_policy());
                "\n"
                title { (xml_line(&format!("{}: {}", run.title().replace('`', ""), run.headline()))) }
                style { (PreEscaped(STYLE)) }
            }
            "\n"
            body {
                (header(run))
                @if !services.is_empty() { (legend(&services)) }
                (problems(run))
                (review_section(run))
                (severe_objects(objects))
                (changes_table(objects, drifted))
                (unmanaged_section(&run.unmanaged_names()))
                @if services.len() > 1 {
                    nav {
                        (contents(&services))
                        @if !objects.is_empty() || !drifted.is_empty() { a href="#changes" { "Changes" } }
                    }
                    "\n"
                }
                @for (index, service) in services.iter().enumerate() {
                    (service_section(index, service, has_changes && !service.is_changing()))
                }
            }
        }
        "\n"
    };
    page.into_string()
}

fn header(run: &RunReport) -> Markup {
    let footnotes = run.footnotes();
    html! {
        header {
            h1 { (sentence(&run.title())) }
            p.headline { (xml_line(&run.headline())) }
            @if !footnotes.is_empty() { p.dim { (sentence(&footnotes.join(" "))) } }
        }
        "\n"
    }
}

/// Errors of the run, and problems in files.
fn problems(run: &RunReport) -> Markup {
    let findings = file_findings(run);
    html! {
        @if !findings.is_empty() {
            section {
                h2 { "Problems" }
                ul.problems {
                    @for finding in findings {
                        li class=(finding.level.as_str()) {
                            @if let Some(place) = &finding.place { code { (xml_line(&place.to_string())) } " " }
                            (line_breaks(finding.message.lines()))
                            " "
                            span.dim { (finding.code) }
                        }
                        "\n"
                    }
                }
            }
            "\n"
        }
    }
}

fn review_section(run: &RunReport) -> Markup {
    let (alarms, notes) = (run.alarm_lines(), run.review_lines());
    html! {
        @if !alarms.is_empty() {
            section {
                h2 { "Look at this now" }
                ul.problems { @for alarm in &alarms { li.error { (sentence(alarm)) } "\n" } }
            }
            "\n"
        }
        @if !notes.is_empty() {
            section {
                h2 { "Review" }
                ul.problems { @for note in &notes { li.warning { (sentence(note)) } "\n" } }
            }
            "\n"
        }
    }
}

/// Severe objects, above the picture, which may be long.
fn severe_objects(objects: &[ObjectView<'_>]) -> Markup {
    let count = objects.iter().take_while(|object| object.severity.is_severe()).count();
    html! {
        @if count > 0 {
            section {
                h2 { "Look at these first" }
                ul.problems { @for object in &objects[..count.min(MAX_SEVERE)] { (details::severe_object(object)) } }
                @if count > MAX_SEVERE {
                    p.dim { a href="#changes" { "and " (count - MAX_SEVERE) " more" } }
                }
            }
            "\n"
        }
    }
}

/// The colours that occur.
fn legend(services: &[DrawnService]) -> Markup {
    let count =
        |class: &str| services.iter().flat_map(DrawnService::all_objects).filter(|it| it.class == class).count();
    html! {
        p.legend {
            @for (class, words) in drawn_pipes::CSS_CLASSES {
                @let count = count(class);
                @if count > 0 { span class={ "badge " (class) } { (count) " " (words) } " " }
            }
        }
        "\n"
    }
}

/// A link to each service, with the number of its changes.
fn contents(services: &[DrawnService]) -> Markup {
    html! {
        @for (index, service) in services.iter().enumerate() {
            @let changing = service.changing_objects().count();
            a href={ "#service-" (index) } {
                (xml_line(&service.name))
                @if changing > 0 { " (" (changing) ")" }
            }
            " "
        }
    }
}

fn service_section(index: usize, service: &DrawnService, is_folded: bool) -> Markup {
    html! {
        section id={ "service-" (index) } {
            @if is_folded {
                details.fold {
                    summary {
                        (xml_line(&service.name)) ": " (pluralize(service.all_objects().count(), "object")) " unchanged"
                    }
                    (service_pictures(service))
                }
            } @else {
                h2 { (xml_line(&service.name)) }
                (service_pictures(service))
            }
        }
        "\n"
    }
}

fn service_pictures(service: &DrawnService) -> Markup {
    html! {
        @if !service.other_objects.is_empty() {
            p.legend {
                @for other in &service.other_objects {
                    @let said = [other.name.as_str(), other.outcome_text.as_str()].join(": ");
                    span class={ "badge " (other.class) } { (xml_line(said.trim_end_matches(": "))) }
                    " "
                }
            }
        }
        (picture(&service.name, &service.shown))
        @if !service.folded.is_empty() {
            details.fold {
                summary { (service.folded.len()) " more pipes" }
                @let drawn = service.folded.len().min(MAX_FOLDED_PIPES);
                @if drawn < service.folded.len() { p.dim { "The first " (drawn) " are drawn." } }
                (picture(&service.name, &service.folded[..drawn]))
            }
        }
    }
}

fn picture(service: &str, pipes: &[DrawnPipe]) -> Markup {
    html! {
        @if !pipes.is_empty() {
            // A region that scrolls must be reachable without a mouse.
            div.picture tabindex="0" role="region" aria-label={ "picture of " (xml_line(service)) } {
                (svg::svg_picture(service, &layout::layout_diagram(pipes)))
            }
            "\n"
        }
    }
}

fn changes_table(objects: &[ObjectView<'_>], drifted: &[DriftedObject<'_>]) -> Markup {
    let severe = objects.iter().take_while(|object| object.severity.is_severe()).count();
    let (shown, folded) = objects.split_at(objects.len().min(severe + MAX_HARMLESS_ROWS));
    let is_long = objects.len() + drifted.len() >= MIN_FILTERED_ROWS;
    html! {
        @if !objects.is_empty() || !drifted.is_empty() {
            section #changes {
                h2 { "Changes" }
                @if is_long {
                    p.filter hidden { input type="search" placeholder="filter" aria-label="filter the changes"; }
                }
                (table_of_changes(shown, drifted, MAX_DETAILED_ROWS))
                @if !folded.is_empty() {
                    details.fold {
                        summary { (folded.len()) " more: " (counts_by_severity(folded)) }
                        (table_of_changes(folded, &[], MAX_DETAILED_ROWS.saturating_sub(shown.len())))
                    }
                }
                @if is_long { script { (PreEscaped(FILTER_SCRIPT)) } }
            }
            "\n"
        }
    }
}

/// The first `detailed` rows have details.
fn table_of_changes(objects: &[ObjectView<'_>], drifted: &[DriftedObject<'_>], detailed: usize) -> Markup {
    html! {
        table.changes {
            thead { tr { th { "verdict" } th { "object" } th { "what" } th { "why" } } }
            tbody {
                @for (index, object) in objects.iter().enumerate() {
                    (details::object_row(object, if index < detailed { RowDetail::Full } else { RowDetail::Short }))
                }
                @for drift in drifted { (details::drift_row(drift)) }
            }
        }
    }
}

/// `12 update, 440 create`.
fn counts_by_severity(objects: &[ObjectView<'_>]) -> String {
    let groups = objects.chunk_by(|one, other| one.severity == other.severity);
    groups.map(|group| format!("{} {}", group.len(), group[0].severity.as_str())).collect::<Vec<_>>().join(", ")
}

/// The unmanaged live objects, folded.
pub(super) fn unmanaged_section(names: &[String]) -> Markup {
    html! {
        @if !names.is_empty() {
            details.fold {
                summary { (names.len()) " unmanaged: live, not in git" }
                ul { @for name in names { li { code { (xml_line(name)) } } } }
            }
            "\n"
        }
    }
}

fn line_breaks<'l>(lines: impl Iterator<Item = &'l str>) -> Markup {
    html! {
        @for (index, line) in lines.enumerate() {
            @if index > 0 { br; }
            (sentence(line))
        }
    }
}

/// One of our sentences: text in backticks becomes code.
fn sentence(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    let has_pairs = !parts.len().is_multiple_of(2);
    html! {
        @if has_pairs {
            @for (index, part) in parts.iter().enumerate() {
                @if index % 2 == 1 { code { (xml_line(part)) } } @else { (xml_line(part)) }
            }
        } @else {
            (xml_line(text))
        }
    }
}
