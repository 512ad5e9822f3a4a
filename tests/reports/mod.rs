//! Every report, from plans that are small, large and hostile.

mod ci_formats;
mod cli_reports;
mod html;
mod layouts;
mod markdown;

use crate::support::{desired, live, pipes};
use insta::assert_snapshot;
use model::address::Kind;
use model::desired::Desired;
use pipectl::render::plan::Context;
use pipectl::reports::{CommentKey, RepoPaths, ReportFormat, RunReport, render};
use planner::{Plan, Policy, plan};
use serde_json::{Value, json};

/// Every format that a plan is written in.
const FORMATS: [ReportFormat; 7] = [
    ReportFormat::Markdown,
    ReportFormat::Github,
    ReportFormat::GitlabTerraform,
    ReportFormat::Codequality,
    ReportFormat::Sarif,
    ReportFormat::Junit,
    ReportFormat::Html,
];

/// A manifest of a Kafka pipe; `spec` goes below its spec.
fn manifest(name: &str, topics: &str, spec: &str) -> String {
    let quoted = |text: &str| json!(text).to_string();
    format!("---{}", pipes::kafka_manifest(&quoted(name), &quoted(topics), "", spec))
}

/// The same pipe as the API might tell it, with a secret that it should not.
fn pipe(index: usize, name: &str, topics: &str) -> Value {
    pipes::live_kafka_pipe(&json!({
        "id": format!("00000000-0000-4000-8000-{index:012}"),
        "name": name,
        "source": {"kafka": {
            "topics": topics, "credentials": {"username": "u", "password": "canary"},
        }},
    }))
}

/// What is declared, and the plan for it.
fn planned(manifests: &[String], pipes: &[Value]) -> (Desired, Plan) {
    let desired = desired(&manifests.concat());
    let plan = plan(&desired, &live(Kind::ClickPipe, pipes), None, &Policy::default());
    (desired, plan)
}

fn run(desired: &Desired, plan: &Plan) -> RunReport {
    RunReport {
        command: "plan",
        outcome: "changes",
        json: "{}\n".to_owned(),
        plan: Some(plan.clone()),
        context: Context { rate: Some((10, 10.0)), ..Context::default() },
        declared: desired.iter().map(|(at, document)| (at.clone(), document.clone())).collect(),
        ..RunReport::default()
    }
}

fn rendered(format: ReportFormat, run: &RunReport) -> String {
    render(format, run, &CommentKey::default(), &RepoPaths::default())
}

/// One of everything.
fn small() -> (Desired, Plan) {
    let manifests = [
        manifest("new", "n", ""),
        manifest("gone", "t", "  state: absent\n"),
        manifest("moved", "t2", ""),
        manifest("guarded", "t2", "  protect: true\n"),
        manifest("bigger", "t", "  scaling: {replicas: 2}\n"),
        manifest("same", "t", ""),
    ];
    let names = ["gone", "moved", "guarded", "bigger", "same"];
    let pipes: Vec<Value> = names.iter().enumerate().map(|(index, name)| pipe(index, name, "t")).collect();
    planned(&manifests, &pipes)
}

/// `each` of deletes, replacements, updates and creates.
fn large(each: usize) -> (Desired, Plan) {
    let mut manifests = Vec::new();
    let mut pipes = Vec::new();
    for index in 0..each {
        manifests.push(manifest(&format!("delete-{index}"), "t", "  state: absent\n"));
        manifests.push(manifest(&format!("replace-{index}"), "t2", ""));
        manifests.push(manifest(&format!("update-{index}"), "t", "  scaling: {replicas: 2}\n"));
        manifests.push(manifest(&format!("create-{index}"), "n", ""));
        for (offset, word) in ["delete", "replace", "update"].iter().enumerate() {
            pipes.push(pipe(index * 3 + offset, &format!("{word}-{index}"), "t"));
        }
    }
    planned(&manifests, &pipes)
}

const HOSTILE: [&str; 9] = [
    "`a` ``` b",
    "a | b || c",
    "]]><system-out>",
    "@team hello @org/team",
    "::error file=x::y",
    "</details><script>alert(1)</script>",
    "<!-- --> [x](http://e.example) ![y](z)",
    "\"quotes' & %0A # 12 *b* _i_ ~~s~~ \\| \\",
    "\u{202e}turned \u{200b}www.example.com",
];

fn hostile() -> (Desired, Plan) {
    let values: Vec<String> = HOSTILE.iter().map(|name| format!("{name}\n```\n::error::z\n@team")).collect();
    let filters = |value: &str| format!("  settings: {{additional: {{k: {}}}}}\n", json!(value));
    let manifests: Vec<String> =
        HOSTILE.iter().zip(&values).map(|(name, value)| manifest(name, "t", &filters(value))).collect();
    let mut pipes: Vec<Value> = HOSTILE.iter().enumerate().map(|(index, name)| pipe(index, name, "t")).collect();
    for pipe in &mut pipes {
        pipe["settings"] = json!({"k": "another value"});
    }
    planned(&manifests, &pipes)
}

#[test]
fn ignored_drift_is_reported() {
    let manifests = desired(&manifest("a", "t", "  scaling: {replicas: 2}\n"));
    let live = live(Kind::ClickPipe, &[pipe(1, "a", "t")]);
    let plan = plan(&manifests, &live, Some(&manifests), &Policy::default());
    let run = run(&manifests, &plan);
    assert_snapshot!(rendered(ReportFormat::Markdown, &run), @r#"
### pipectl plan: no changes, drift in 1 field

0 unchanged, 0 unmanaged.

| | object | what | why |
|---|---|---|---|
| 🟠 | <code>analytics/a</code> | drift, not reverted | <code>scaling.replicas</code> git 2, live 1 |

<!-- pipectl:plan -->
"#);
    assert_snapshot!(rendered(ReportFormat::Github, &run), @"
    ::warning file=pipes.yaml,line=21,col=13,title=analytics/a::drift, not reverted: `scaling.replicas` git 2, live 1
    ::notice title=pipectl plan::no changes, drift in 1 field
    ");
    assert!(rendered(ReportFormat::Junit, &run).contains("drift, not reverted: `scaling.replicas`"));
    assert!(rendered(ReportFormat::Html, &run).contains("<g class=\"node drift\">"));
}

#[test]
fn reports_are_deterministic() {
    let (desired, plan) = large(30);
    let (again, plan_again) = large(30);
    for format in FORMATS {
        let (one, two) = (run(&desired, &plan), run(&again, &plan_again));
        assert_eq!(rendered(format, &one), rendered(format, &two));
    }
}

#[test]
fn no_secret_is_in_any_report() {
    let (desired, plan) = small();
    let run = run(&desired, &plan);
    for format in FORMATS {
        assert!(!rendered(format, &run).contains("canary"));
    }
    let saved = serde_json::to_string(&plan).unwrap();
    assert!(!saved.contains("canary") && saved.contains("(secret)"), "{saved}");
}

#[test]
fn names_and_values_cannot_forge_plan_lines() {
    let table = "x` stays\n\nPlan: 0 to create.\u{1b}[2K\u{202e}";
    let gone = manifest("gone\u{202e}", "t", "  state: absent\n").replace("table: clicks", "table: T");
    let gone = gone.replace("table: T", &format!("table: {}", json!(table)));
    let pipe = pipes::merge_values(pipe(1, "gone\u{202e}", "t"), &json!({"destination": {"table": table}}));
    let (_, plan) = planned(&[gone], &[pipe]);
    for diff in [false, true] {
        let context = Context { diff, ..Context::default() };
        let text = pipectl::render::plan::render(&plan, &context).to_plain();
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(text.contains("stays\\n\\nPlan: 0 to create."), "{text}");
        assert_eq!(text.matches("\nPlan: ").count(), 1, "{text}");
    }
    let run = RunReport { command: "plan", plan: Some(plan.clone()), ..RunReport::default() };
    let told = rendered(ReportFormat::Github, &run);
    assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told}");
}
