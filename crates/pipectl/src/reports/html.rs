//! One page that needs nothing but itself: a picture of what flows where, and below it the same
//! facts as a table. No script, nothing from the network, light and dark.

mod details;
mod drawn_pipes;
mod layout;
mod svg;

use std::fmt::Write as _;

use self::drawn_pipes::{DrawnPipe, DrawnService, drawn_services};
use super::drifted_objects::{DriftedObject, drifted_objects};
use super::escape::escape_xml;
use super::findings::file_findings;
use super::ranked_objects::{RankedObject, ranked_objects};
use super::run_report::RunReport;

const STYLE: &str = include_str!("html/style.css");

/// So many dangerous objects stand above the picture; the table has all of them.
const MAX_SEVERE: usize = 8;

/// Without script and network even if something in the page asked for them.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole page.
pub(super) fn render_html(run: &RunReport<'_>) -> String {
    let title = format!("pipectl {}: {}", run.command, run.headline());
    let title = escape_xml(&title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    let (objects, drifted) = (ranked_objects(run), drifted_objects(run));
    write_header(&mut out, run);
    let services = drawn_services(run, &objects);
    if !services.is_empty() {
        write_legend(&mut out, &services);
    }
    write_problems(&mut out, run);
    write_severe_objects(&mut out, &objects);
    if services.len() > 1 {
        out.push_str("<nav>");
        write_contents(&mut out, &services);
        if !objects.is_empty() || !drifted.is_empty() {
            out.push_str("<a href=\"#changes\">Changes</a>");
        }
        out.push_str("</nav>\n");
    }
    for (index, service) in services.iter().enumerate() {
        write_service(&mut out, index, service);
    }
    write_changes(&mut out, &objects, &drifted);
    out.push_str("</body>\n</html>\n");
    out
}

fn write_header(out: &mut String, run: &RunReport<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<header>\n<h1>pipectl {}</h1>", run.command);
    let _ = writeln!(out, "<p class=\"headline\">{}</p>", escape_xml(&run.headline()));
    let remainder = run.footnotes();
    if !remainder.is_empty() {
        let _ = writeln!(out, "<p class=\"dim\">{}</p>", sentence_to_html(&remainder.join(" ")));
    }
    out.push_str("</header>\n");
}

/// Why the run ended early, and what is wrong with files.
fn write_problems(out: &mut String, run: &RunReport<'_>) {
    let findings = file_findings(run);
    if findings.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Problems</h2>\n<ul class=\"problems\">\n");
    for finding in findings {
        let place = finding.place.map(|place| format!("<code>{}</code> ", escape_xml(&place.to_string())));
        let message: Vec<String> = finding.message.lines().map(sentence_to_html).collect();
        let _ = writeln!(
            out,
            "<li class=\"{}\">{}{} <span class=\"dim\">{}</span></li>",
            finding.level.as_str(),
            place.unwrap_or_default(),
            message.join("<br>"),
            finding.code
        );
    }
    out.push_str("</ul>\n</section>\n");
}

/// What may hurt, before the picture, which may be long.
fn write_severe_objects(out: &mut String, objects: &[RankedObject<'_>]) {
    let grave = objects.iter().take_while(|object| object.severity.is_severe());
    let rest = grave.clone().count().saturating_sub(MAX_SEVERE);
    if grave.clone().next().is_none() {
        return;
    }
    out.push_str("<section>\n<h2>Look at these first</h2>\n<ul class=\"problems\">\n");
    for object in grave.take(MAX_SEVERE) {
        details::write_severe_object(out, object);
    }
    out.push_str("</ul>\n");
    if rest > 0 {
        let _ = writeln!(out, "<p class=\"dim\"><a href=\"#changes\">and {rest} more</a></p>");
    }
    out.push_str("</section>\n");
}

/// The colours that occur.
fn write_legend(out: &mut String, services: &[DrawnService]) {
    let all = || services.iter().flat_map(DrawnService::all_objects).map(|pipe| pipe.class);
    out.push_str("<p class=\"legend\">");
    for (class, words) in drawn_pipes::CSS_CLASSES {
        let count = all().filter(|other| other == class).count();
        if count > 0 {
            let _ = write!(out, "<span class=\"badge {class}\">{count} {words}</span> ");
        }
    }
    out.push_str("</p>\n");
}

/// Where each service is, with how much of it changes.
fn write_contents(out: &mut String, services: &[DrawnService]) {
    for (index, service) in services.iter().enumerate() {
        let changing = service.all_objects().filter(|pipe| pipe.is_changing()).count();
        let changing = if changing == 0 { String::new() } else { format!(" ({changing})") };
        let _ = write!(out, "<a href=\"#service-{index}\">{}{changing}</a> ", escape_xml(&service.name));
    }
}

fn write_service(out: &mut String, index: usize, service: &DrawnService) {
    let name = escape_xml(&service.name);
    let _ = writeln!(out, "<section id=\"service-{index}\">\n<h2>{name}</h2>");
    if !service.other_objects.is_empty() {
        out.push_str("<p class=\"legend\">");
        for other in &service.other_objects {
            let said = [other.name.as_str(), other.outcome_text.as_str()].join(": ");
            let said = escape_xml(said.trim_end_matches(": "));
            let _ = write!(out, "<span class=\"badge {}\">{said}</span> ", other.class);
        }
        out.push_str("</p>\n");
    }
    write_picture(out, &service.name, &service.shown);
    if !service.folded.is_empty() {
        let count = service.folded.len();
        let _ = writeln!(out, "<details class=\"fold\"><summary>{count} more unchanged pipes</summary>");
        write_picture(out, &service.name, &service.folded);
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
}

fn write_picture(out: &mut String, service: &str, pipes: &[DrawnPipe]) {
    if !pipes.is_empty() {
        // What scrolls has to be reached without a mouse.
        let name = escape_xml(service);
        let _ =
            writeln!(out, "<div class=\"picture\" tabindex=\"0\" role=\"region\" aria-label=\"picture of {name}\">");
        svg::write_svg(out, service, &layout::layout_diagram(pipes));
        out.push_str("</div>\n");
    }
}

fn write_changes(out: &mut String, objects: &[RankedObject<'_>], drifted: &[DriftedObject<'_>]) {
    if objects.is_empty() && drifted.is_empty() {
        return;
    }
    out.push_str(
        "<section id=\"changes\">\n<h2>Changes</h2>\n<table class=\"changes\">\n<thead><tr><th>verdict</th>\
         <th>object</th><th>what</th><th>why</th></tr></thead>\n<tbody>\n",
    );
    for object in objects {
        details::write_object_row(out, object);
    }
    for drift in drifted {
        details::write_drift_row(out, drift);
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

/// A sentence of ours: what stands in backticks in it becomes code.
fn sentence_to_html(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape_xml(text);
    }
    let parts = parts.iter().enumerate().map(|(index, part)| {
        if index % 2 == 1 { format!("<code>{}</code>", escape_xml(part)) } else { escape_xml(part) }
    });
    parts.collect()
}
