//! Small, blocked and large plans as a reader sees them: text, comment and page.

use insta::assert_snapshot;
use model::address::Kind;
use pipectl::render::apply_summary;
use pipectl::render::plan::{Context, plan_json};
use pipectl::reports::{ReportFormat, RunReport};
use planner::{Plan, Policy, plan};
use serde_json::{Value, json};

use super::{FORMATS, large, manifest, pipe, planned, rendered, run};
use crate::support::bench::{Bench, in_virtual_time};
use crate::support::faults::{SERVICES, settled_world};
use crate::support::manifests::{desired_from_documents, seed_named};
use crate::support::{desired, hide_ids, live, pipes};

/// One plan in all three layouts. Of a long one, the beginning and the end.
fn layouts(manifests: &[String], live: &[Value]) -> String {
    let (desired, plan) = planned(manifests, live);
    outline_layouts(&desired, &plan)
}

fn outline_layouts(desired: &model::desired::Desired, plan: &Plan) -> String {
    let run = run(desired, plan);
    let text = plan_text(plan);
    let page = page_words(&rendered(ReportFormat::Html, &run));
    let parts = [text, rendered(ReportFormat::Markdown, &run), page].map(|part| outline(&part));
    parts.join("\n=====\n")
}

fn plan_text(plan: &Plan) -> String {
    let context = Context { rate: Some((10, 10.0)), requests: 1, ..Context::default() };
    pipectl::render::plan::render(plan, &context).to_plain()
}

fn outline(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let omitted = lines.len().saturating_sub(52);
    if omitted < 10 {
        return lines.join("\n");
    }
    let note = format!("[{omitted} lines]");
    [&lines[..40], &[note.as_str()], &lines[lines.len() - 12..]].concat().join("\n")
}

/// The words of a page, a line for each element with words.
fn page_words(page: &str) -> String {
    let (_, body) = page.split_once("<body>").unwrap();
    let mut words = String::new();
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let breaks = ["tr", "li", "h1", "h2", "p", "summary", "svg", "g ", "section", "div", "title"];
        if breaks.iter().any(|it| tag.starts_with(it)) {
            words.push('\n');
        }
        words.push_str(text.trim_matches('\n'));
        if tag.starts_with("/t") {
            words.push_str("  ");
        }
    }
    words.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn one_created_pipe() {
    let scaling = "  scaling: {replicas: 2, replicaCpuMillicores: 500, replicaMemoryGb: 2}\n";
    assert_snapshot!(layouts(&[manifest("new", "t", scaling)], &[]));
}

/// A pipe with one more column, and one column with another type.
fn column_manifest() -> String {
    let columns = "columns: [{name: id, type: UInt32}, {name: country, type: String}]";
    let mappings = "  fieldMappings: [{sourceField: id, destinationField: id}, {sourceField: country, destinationField: country}]\n";
    manifest("orders", "t", mappings).replace("columns: [{name: id, type: UInt64}]", columns)
}

#[test]
fn one_added_column() {
    assert_snapshot!(layouts(&[column_manifest()], &[pipe(1, "orders", "t")]));
}

#[test]
fn blocked_plan() {
    assert_snapshot!(layouts(&[manifest("guarded", "t2", "  protect: true\n")], &[pipe(1, "guarded", "t")]));
}

/// The manifest of a live pipe is gone, and a field of another one.
#[test]
fn one_removed_manifest() {
    let base = desired(&[manifest("gone", "t", ""), manifest("smaller", "t", "  scaling: {replicas: 2}\n")].concat());
    let git = desired(&manifest("smaller", "t", ""));
    let bigger = pipes::merge_values(pipe(2, "smaller", "t"), &json!({"scaling": {"replicas": 2}}));
    let live = live(Kind::ClickPipe, &[pipe(1, "gone", "t"), bigger]);
    let plan = plan(&git, &live, Some(&base), &Policy::default());
    assert_snapshot!(outline_layouts(&git, &plan));
}

/// The API refuses one edit, in a pipe that was stopped for it. A pipe that needs nothing of it is created.
#[test]
fn partly_failed_apply() {
    let before = seed_named("postgres-cdc");
    let mut after = before.clone();
    after["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    after["spec"]["source"]["postgres"]["host"] = json!("db.example.invalid");
    let (git, plan, results) = in_virtual_time(async {
        let bench = Bench::with_world(settled_world(&[before]).await, &SERVICES);
        let git = desired_from_documents(&[after, seed_named("kinesis-role")]).unwrap();
        let plan = bench.plan(&git).await;
        let results = bench.apply_plan(plan.clone()).await;
        (git, plan, results)
    });
    let text = apply_summary::render(&results, 0).to_plain();
    let run = RunReport { command: "apply", outcome: "partly", results, ..run(&git, &plan) };
    let page = page_words(&rendered(ReportFormat::Html, &run));
    let layouts = [text, rendered(ReportFormat::Markdown, &run), page].map(|part| hide_ids(&outline(&part)));
    assert_snapshot!(layouts.join("\n=====\n"));
}

#[test]
fn plan_of_60_and_of_500_pipes() {
    for each in [15, 125] {
        let (desired, plan) = large(each);
        assert_snapshot!(format!("plan_of_{}_pipes", each * 4), outline_layouts(&desired, &plan));
    }
}

#[test]
fn lists_differ_entry_by_entry_in_every_layout() {
    let (desired, plan) = planned(&[column_manifest()], &[pipe(1, "orders", "t")]);
    let lines = ["country String", "id: type "];
    let layouts = [ReportFormat::Markdown, ReportFormat::Html].map(|format| rendered(format, &run(&desired, &plan)));
    for layout in layouts.iter().chain([&plan_text(&plan)]) {
        assert!(lines.iter().all(|line| layout.contains(line)), "{layout}");
    }
    let json = plan_json(&plan, &[]);
    let fields = json["changes"][0]["fields"].as_array().unwrap();
    let columns = fields.iter().find(|field| field["path"] == "destination.columns").unwrap();
    assert_eq!(columns["differences"], json!(["~ id: type \"UInt64\" -> \"UInt32\"", "+ country String"]));
    assert_snapshot!(json["changes"][0]["summary"].as_str().unwrap(), @r#"update: `destination.columns` ~ id: type "UInt64" -> "UInt32", + country String; `fieldMappings` + id, destinationField id, + country, destinationField count…; table `default.clicks` is not altered: before apply, run `ALTER TABLE default.clicks MODIFY COLUMN id UInt32, ADD COLUMN country String;`"#);
}

#[test]
fn create_says_what_it_creates_in_every_layout() {
    let (desired, plan) = planned(&[manifest("new", "t", "")], &[]);
    let creates = "Kafka t -> default.clicks, JSONEachRow";
    let run = run(&desired, &plan);
    for format in [ReportFormat::Markdown, ReportFormat::Html, ReportFormat::Github, ReportFormat::Junit] {
        let layout = rendered(format, &run).replace("&#62;", ">").replace("&gt;", ">");
        assert!(layout.contains(creates), "{layout}");
    }
    assert!(plan_text(&plan).contains(creates));
    let rows = "no `offset` is set, so the API picks where it starts to read";
    assert_eq!(plan_json(&plan, &[])["changes"][0]["summary"], format!("create: {creates}; {rows}"));
    assert_eq!(plan_json(&plan, &[])["changes"][0]["dataEffects"], json!([rows]));
}

/// A pipe that is deleted, replaced or protected is known by its live name.
#[test]
fn destructive_rows_name_the_live_object() {
    let id = "00000000-0000-4000-8000-000000000001";
    let pinned = |spec: &str, topics: &str| {
        manifest("new-name", topics, spec).replace("service: analytics", &format!("service: analytics, id: {id}"))
    };
    for manifest in
        [pinned("  state: absent\n", "t"), pinned("", "t2"), pinned("  state: absent\n  protect: true\n", "t")]
    {
        let (desired, plan) = planned(&[manifest], &[pipe(1, "old-name", "t")]);
        let run = run(&desired, &plan);
        let words = [format!("renamed from `old-name` ({id})"), format!("renamed from <code>old-name</code> ({id})")];
        let counted = [ReportFormat::GitlabTerraform, ReportFormat::Sarif];
        for format in FORMATS.into_iter().filter(|format| !counted.contains(format)) {
            let layout = rendered(format, &run).replace("&#40;", "(").replace("&#41;", ")");
            assert!(words.iter().any(|words| layout.contains(words)), "{format:?}: {layout}");
        }
        assert!(plan_text(&plan).contains(&words[0]), "{}", plan_text(&plan));
        let json = plan_json(&plan, &[]);
        assert_eq!((&json["changes"][0]["renamedFrom"], &json["changes"][0]["id"]), (&json!("old-name"), &json!(id)));
    }
}

/// Without a difference that can be seen, two cut values would look the same.
#[test]
fn long_values_show_their_first_difference() {
    let brokers = |last: &str| format!("{}{last}:9092", "broker.example.com:9092,".repeat(8));
    let git = manifest("orders", "t", "").replace("brokers: b:9092", &format!("brokers: '{}'", brokers("new")));
    let live_pipe =
        pipes::merge_values(pipe(1, "orders", "t"), &json!({"source": {"kafka": {"brokers": brokers("old")}}}));
    let git = desired(&git);
    let plan = plan(&git, &live(Kind::ClickPipe, &[live_pipe]), Some(&git), &Policy::default());
    assert_snapshot!(plan_text(&plan), @r#"
    analytics                                       1 object
      * orders                                      drift only
        drift (not changed by this apply)
          * source.kafka.brokers                        git …le.com:9092,new:9092", live …le.com:9092,old:9092"

    No changes to apply. Drift is listed above.  0 unchanged, 0 unmanaged.  Read with 1 request.
    Drift: 1 field of 1 object, not reverted.  Run without --base to revert it.
    "#);
}
