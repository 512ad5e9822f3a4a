//! One page that needs nothing but itself: a picture of what flows where, and below it the same
//! facts as a table. No script, nothing from the network, light and dark.

mod details;
mod layout;
mod picture;
mod pipes;

use std::fmt::Write as _;

use self::pipes::{Pipe, Service, services};
use super::drift::{Drift, drift};
use super::escape::xml;
use super::finding::of_files;
use super::object::{Object, objects};
use super::run::Run;

const STYLE: &str = include_str!("html/style.css");

/// So many dangerous objects stand above the picture; the table has all of them.
const MOST_FIRST: usize = 8;

/// Without script and network even if something in the page asked for them.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole page.
pub(super) fn render(run: &Run<'_>) -> String {
    let title = format!("pipectl {}: {}", run.command, run.headline());
    let title = xml(&title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    let (objects, drifted) = (objects(run), drift(run));
    head(&mut out, run);
    let services = services(run, &objects);
    if !services.is_empty() {
        legend(&mut out, &services);
    }
    problems(&mut out, run);
    first(&mut out, &objects);
    if services.len() > 1 {
        out.push_str("<nav>");
        contents(&mut out, &services);
        if !objects.is_empty() || !drifted.is_empty() {
            out.push_str("<a href=\"#changes\">Changes</a>");
        }
        out.push_str("</nav>\n");
    }
    for (index, service) in services.iter().enumerate() {
        of_service(&mut out, index, service);
    }
    changes(&mut out, &objects, &drifted);
    out.push_str("</body>\n</html>\n");
    out
}

fn head(out: &mut String, run: &Run<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<header>\n<h1>pipectl {}</h1>", run.command);
    let _ = writeln!(out, "<p class=\"headline\">{}</p>", xml(&run.headline()));
    let remainder = run.remainder();
    if !remainder.is_empty() {
        let _ = writeln!(out, "<p class=\"dim\">{}</p>", sentence(&remainder.join(" ")));
    }
    out.push_str("</header>\n");
}

/// Why the run ended early, and what is wrong with files.
fn problems(out: &mut String, run: &Run<'_>) {
    let findings = of_files(run);
    if findings.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Problems</h2>\n<ul class=\"problems\">\n");
    for finding in findings {
        let place = finding.place.map(|place| format!("<code>{}</code> ", xml(&place.to_string())));
        let message: Vec<String> = finding.message.lines().map(sentence).collect();
        let _ = writeln!(
            out,
            "<li class=\"{}\">{}{} <span class=\"dim\">{}</span></li>",
            finding.level.word(),
            place.unwrap_or_default(),
            message.join("<br>"),
            finding.code
        );
    }
    out.push_str("</ul>\n</section>\n");
}

/// What may hurt, before the picture, which may be long.
fn first(out: &mut String, objects: &[Object<'_>]) {
    let grave = objects.iter().take_while(|object| object.danger.is_grave());
    let rest = grave.clone().count().saturating_sub(MOST_FIRST);
    if grave.clone().next().is_none() {
        return;
    }
    out.push_str("<section>\n<h2>Look at these first</h2>\n<ul class=\"problems\">\n");
    for object in grave.take(MOST_FIRST) {
        details::first(out, object);
    }
    out.push_str("</ul>\n");
    if rest > 0 {
        let _ = writeln!(out, "<p class=\"dim\"><a href=\"#changes\">and {rest} more</a></p>");
    }
    out.push_str("</section>\n");
}

/// The colours that occur.
fn legend(out: &mut String, services: &[Service]) {
    let all = || services.iter().flat_map(Service::pipes).map(|pipe| pipe.class);
    out.push_str("<p class=\"legend\">");
    for (class, words) in pipes::CLASSES {
        let count = all().filter(|other| other == class).count();
        if count > 0 {
            let _ = write!(out, "<span class=\"badge {class}\">{count} {words}</span> ");
        }
    }
    out.push_str("</p>\n");
}

/// Where each service is, with how much of it changes.
fn contents(out: &mut String, services: &[Service]) {
    for (index, service) in services.iter().enumerate() {
        let changing = service.pipes().filter(|pipe| pipe.is_changing()).count();
        let changing = if changing == 0 { String::new() } else { format!(" ({changing})") };
        let _ = write!(out, "<a href=\"#service-{index}\">{}{changing}</a> ", xml(&service.name));
    }
}

fn of_service(out: &mut String, index: usize, service: &Service) {
    let name = xml(&service.name);
    let _ = writeln!(out, "<section id=\"service-{index}\">\n<h2>{name}</h2>");
    if !service.others.is_empty() {
        out.push_str("<p class=\"legend\">");
        for other in &service.others {
            let said = [other.name.as_str(), other.what.as_str()].join(": ");
            let said = xml(said.trim_end_matches(": "));
            let _ = write!(out, "<span class=\"badge {}\">{said}</span> ", other.class);
        }
        out.push_str("</p>\n");
    }
    drawn(out, &service.name, &service.shown);
    if !service.folded.is_empty() {
        let count = service.folded.len();
        let _ = writeln!(
            out,
            "<details class=\"fold\"><summary>{count} more unchanged pipes</summary>"
        );
        drawn(out, &service.name, &service.folded);
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
}

fn drawn(out: &mut String, service: &str, pipes: &[Pipe]) {
    if !pipes.is_empty() {
        // What scrolls has to be reached without a mouse.
        let name = xml(service);
        let _ = writeln!(
            out,
            "<div class=\"picture\" tabindex=\"0\" role=\"region\" aria-label=\"picture of {name}\">"
        );
        picture::draw(out, service, &layout::layout(pipes));
        out.push_str("</div>\n");
    }
}

fn changes(out: &mut String, objects: &[Object<'_>], drifted: &[Drift<'_>]) {
    if objects.is_empty() && drifted.is_empty() {
        return;
    }
    out.push_str(
        "<section id=\"changes\">\n<h2>Changes</h2>\n<table class=\"changes\">\n<thead><tr><th>verdict</th>\
         <th>object</th><th>what</th><th>why</th></tr></thead>\n<tbody>\n",
    );
    for object in objects {
        details::row(out, object);
    }
    for drift in drifted {
        details::drift(out, drift);
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

/// A sentence of ours: what stands in backticks in it becomes code.
fn sentence(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return xml(text);
    }
    let parts = parts.iter().enumerate().map(|(index, part)| {
        if index % 2 == 1 { format!("<code>{}</code>", xml(part)) } else { xml(part) }
    });
    parts.collect()
}
