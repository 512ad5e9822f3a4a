//! The page, and what is markup at all.

use std::sync::Arc;

use insta::assert_snapshot;
use pipectl::reports::ReportFormat;
use serde_json::Value;

use model::address::Name;
use model::live::Live;
use planner::{Policy, plan};

use super::{hostile, large, manifest, pipe, planned, rendered, run, small};
use crate::support::desired;

#[test]
fn reports_are_well_formed() {
    for (desired, plan) in [small(), hostile(), large(10)] {
        let run = run(&desired, &plan);
        for format in [ReportFormat::GitlabTerraform, ReportFormat::Codequality, ReportFormat::Sarif] {
            serde_json::from_str::<Value>(&rendered(format, &run)).unwrap();
        }
        let xml = rendered(ReportFormat::Junit, &run);
        assert_eq!(check_well_formed(&xml), Ok(()), "{xml}");
        let page = rendered(ReportFormat::Html, &run);
        assert_eq!(check_well_formed(&page_to_xml(&page)), Ok(()), "{page}");
    }
    for broken in ["<a><b></a></b>", "<a>", "<a x=\"<\"/>", "<a>&nope;</a>", "<a>]]></a>"] {
        assert!(check_well_formed(broken).is_err(), "{broken}");
    }
}

/// A page without what HTML alone leaves open, and without its style.
fn page_to_xml(page: &str) -> String {
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let mut lines = format!("{before}{after}").replace(FILTER, "");
    if let Some((before, (_, after))) = lines.split_once("<input").and_then(|(a, b)| Some((a, b.split_once('>')?))) {
        lines = format!("{before}{after}");
    }
    let lines = lines.lines().filter(|line| !line.starts_with("<meta")).collect::<Vec<_>>();
    lines.join("\n").replace("<br>", "")
}

/// The only script of a page, which its policy names by its hash.
const FILTER: &str = concat!("<script>", include_str!("../../crates/pipectl/src/reports/html/filter.js"), "</script>");

#[test]
fn html_page_is_self_contained() {
    for (desired, plan) in [small(), hostile(), large(125)] {
        let page = rendered(ReportFormat::Html, &run(&desired, &plan)).replace(FILTER, "");
        for outside in ["<script", "<link", " src=", "url(", "@import", "<img", "http-equiv=\"refresh"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let mut links = page.split("href=\"").skip(1);
        assert!(links.all(|link| link.starts_with('#')));
    }
}

#[test]
fn html_page_lists_risky_changes_above_the_picture() {
    let first = |page: &str| {
        let (above, _) = page.split_once("<svg").unwrap();
        let (_, list) = above.split_once("Look at these first").unwrap_or_default();
        let (list, _) = list.split_once("</section>").unwrap_or_default();
        list.matches("<li").count()
    };
    let (desired, plan) = small();
    let page = rendered(ReportFormat::Html, &run(&desired, &plan));
    assert_eq!(first(&page), 3);
    let (desired, plan) = large(10);
    let page = rendered(ReportFormat::Html, &run(&desired, &plan));
    assert_eq!(first(&page), 8);
    assert!(page.contains("<a href=\"#changes\">and 12 more</a>"));
    let (desired, plan) = planned(&[manifest("new", "t", "")], &[]);
    let page = rendered(ReportFormat::Html, &run(&desired, &plan));
    assert_eq!(first(&page), 0);
}

#[test]
fn picture_links_sources_pipes_and_tables() {
    let (desired, plan) = small();
    let page = rendered(ReportFormat::Html, &run(&desired, &plan));
    let texts = page.split("<text").skip(1).map(|text| {
        let (_, text) = text.split_once('>').unwrap();
        text.split_once('<').unwrap().0
    });
    let nodes: Vec<&str> = page.split("<g class=\"node ").skip(1).map(|node| node.split_once('"').unwrap().0).collect();
    assert_snapshot!(texts.collect::<Vec<_>>().join("\n"), @r#"
guarded
blocked
gone
delete (state: absent)
moved
must be replaced
bigger
update
new
create
same
unchanged
b:9092
Kafka
default.clicks
from t2 and 5 more
"#);
    assert_snapshot!(nodes.join(" "), @r#"blocked delete replace update create same place place"#);
}

#[test]
fn html_page_starts_with_what_changes_and_folds_the_rest() {
    let elsewhere = |name: &str, spec: &str| manifest(name, "t", spec).replace("service: analytics", "service: quiet");
    let desired = desired(&[manifest("new", "t", ""), elsewhere("same", "")].concat());
    let mut plan = plan(&desired, &Live::new(), None, &Policy::default());
    // Nothing is live in this plan, so the change of the quiet service is taken out.
    plan.changes.retain(|change| change.address.service.as_str() != "quiet");
    plan.in_sync = desired.keys().filter(|at| at.service.as_str() == "quiet").cloned().collect();
    let page = rendered(ReportFormat::Html, &run(&desired, &plan));
    let position = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}: {page}"));
    assert!(position("<h2>Changes</h2>") < position("<svg"));
    assert!(page.contains("<summary>quiet: 1 object unchanged</summary>"), "{page}");
    assert!(!page.contains("<h2>quiet</h2>") && page.contains("<h2>analytics</h2>"), "{page}");
}

#[test]
fn html_page_counts_hundreds_of_harmless_changes() {
    let manifests: Vec<String> = (0..100).map(|index| manifest(&format!("new-{index}"), "t", "")).collect();
    let (desired, plan) = planned(&manifests, &[]);
    let page = rendered(ReportFormat::Html, &run(&desired, &plan));
    assert!(page.contains("<summary>40 more: 40 create</summary>"), "{page}");
    assert_eq!(page.matches("<tr class=\"object\">").count(), 100);
}

/// One manifest is read, and its document stands for all: reading ten thousand is not what this is about.
#[test]
fn html_page_of_ten_thousand_objects_can_be_opened() {
    let (one, _) = planned(&[manifest("new", "t", "")], &[]);
    let (at, document) = one.iter().next().unwrap();
    let named = |index: usize| {
        let name = Name::new(format!("new-{index}"));
        let mut document = document.clone();
        Arc::make_mut(&mut document.body)["name"] = name.as_str().into();
        (at.with_name(name), document)
    };
    let desired = (0..10_000).map(named).collect();
    let plan = plan(&desired, &Live::new(), None, &Policy::default());
    let page = rendered(ReportFormat::Html, &run(&desired, &plan));
    assert_eq!(page.matches("<tr class=\"object\">").count(), 10_000);
    assert!(page.len() <= 5_000_000, "{} bytes", page.len());
    assert!(page.contains("<summary>9940 more: 9940 create</summary>"));
    assert!(page.contains(FILTER) && page.contains("<p class=\"filter\" hidden>"));
    assert!(page.contains("The first 300 are drawn."));
}

#[test]
fn html_page_lists_unmanaged_objects() {
    let (desired, plan) = planned(&[], &[pipe(1, "theirs", "t")]);
    let page = rendered(ReportFormat::Html, &run(&desired, &plan));
    assert!(page.contains("<summary>1 unmanaged: live, not in git</summary>"), "{page}");
    assert!(page.contains("<li><code>analytics/theirs</code></li>"), "{page}");
}

/// As much of XML as our reports use.
pub(crate) fn check_well_formed(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        check_characters(&rest[..start])?;
        let end = rest[start..].find('>').ok_or("a tag is not closed")? + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('?') || tag.starts_with('!') {
            continue;
        }
        let quotes = tag.matches('"').count();
        if tag.contains('<') || !quotes.is_multiple_of(2) {
            return Err(format!("bad tag {tag}"));
        }
        check_characters(tag)?;
        match tag.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return Err(format!("{name} closes nothing")),
            Some(_) => {}
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().unwrap_or_default()),
        }
    }
    check_characters(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("left open: {open:?}")) }
}

fn check_characters(text: &str) -> Result<(), String> {
    let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    let bad = text.split('&').skip(1).find(|rest| !known.iter().any(|name| rest.starts_with(name)));
    let forbidden = text.chars().any(|c| c.is_control() && c != '\n');
    match bad {
        Some(rest) => Err(format!("unknown entity &{rest}")),
        None if forbidden || text.contains("]]>") => Err("a character that may not be".to_owned()),
        None => Ok(()),
    }
}
