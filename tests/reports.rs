//! Every report, from plans that are small, large and hostile.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

mod support;

use std::fmt::Write as _;

use insta::assert_snapshot;
use model::address::Kind;
use model::desired::Desired;
use pipectl::render::plan::Context;
use pipectl::report::{Format, Key, Paths, Run, render};
use planner::{Plan, Policy, plan};
use serde_json::{Value, json};
use support::cli::Desk;
use support::{desired, live};

/// Every format that a plan is written in.
const FORMATS: [Format; 7] = [
    Format::Markdown,
    Format::Github,
    Format::GitlabTerraform,
    Format::Codequality,
    Format::Sarif,
    Format::Junit,
    Format::Html,
];

fn manifest(name: &str, topics: &str, extra: &str) -> String {
    let name = json!(name);
    let topics = json!(topics);
    format!(
        "---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: analytics}}
spec:
{extra}  source:
    kafka:
      type: kafka
      format: JSONEachRow
      brokers: b:9092
      topics: {topics}
      authentication: PLAIN
      credentials: {{username: u, password: {{fromEnv: P}}}}
  destination:
    database: default
    table: clicks
    managedTable: true
    tableDefinition: {{engine: {{type: MergeTree}}}}
    columns: [{{name: id, type: UInt64}}]
"
    )
}

fn pipe(index: usize, name: &str, topics: &str) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-{index:012}"),
        "name": name,
        "state": "Running",
        "source": {"kafka": {
            "type": "kafka", "format": "JSONEachRow", "brokers": "b:9092", "topics": topics,
            "authentication": "PLAIN", "credentials": {"username": "u", "password": "canary"},
        }},
        "destination": {
            "database": "default", "table": "clicks", "managedTable": true,
            "tableDefinition": {"engine": {"type": "MergeTree"}},
            "columns": [{"name": "id", "type": "UInt64"}],
        },
        "fieldMappings": [],
        "settings": {},
        "scaling": {"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5},
    })
}

/// What is declared, and the plan for it.
fn planned(manifests: &[String], pipes: &[Value]) -> (Desired, Plan) {
    let desired = desired(&manifests.concat());
    let plan = plan(&desired, &live(Kind::ClickPipe, pipes), None, &Policy::default());
    (desired, plan)
}

fn run<'r>(desired: &'r Desired, plan: &'r Plan) -> Run<'r> {
    Run {
        command: "plan",
        outcome: "changes",
        json: "{}\n".to_owned(),
        plan: Some(plan),
        context: Context { rate: Some((10, 10.0)), ..Context::default() },
        declared: desired.iter().map(|(at, document)| (at.clone(), document)).collect(),
        ..Run::default()
    }
}

fn rendered(format: Format, run: &Run<'_>) -> String {
    render(format, run, &Key::default(), &Paths::default())
}

/// One of everything.
fn small() -> (Desired, Plan) {
    let manifests = [
        manifest("new", "t", ""),
        manifest("gone", "t", "  state: absent\n"),
        manifest("moved", "t2", ""),
        manifest("guarded", "t2", "  protect: true\n"),
        manifest("bigger", "t", "  scaling: {replicas: 2}\n"),
        manifest("same", "t", ""),
    ];
    let names = ["gone", "moved", "guarded", "bigger", "same"];
    let pipes: Vec<Value> =
        names.iter().enumerate().map(|(index, name)| pipe(index, name, "t")).collect();
    planned(&manifests, &pipes)
}

#[test]
fn a_comment_begins_with_the_counts_and_the_danger() {
    let (desired, plan) = small();
    assert_snapshot!(rendered(Format::Markdown, &run(&desired, &plan)), @r#"
### pipectl plan: 1 to create, 1 to update, 1 to replace, 1 to delete, 1 blocked

1 unchanged, 0 unmanaged. Not compared: credentials of 2 objects, which the API does not tell; --base REF tells what git changed. Cost: 5 requests and the waiting, about 5 s at 10 requests / 10 s.

| | object | what | why |
|---|---|---|---|
| ⛔ | <code>analytics/guarded</code> | blocked | it is protected, and this change would delete it and make it again: take <code>protect</code> off, or undo the change that forces replacement |
| 🔴 | <code>analytics/gone</code> | delete (state: absent) | table <code>default.clicks</code> stays; drop it yourself if it is not wanted |
| 🟣 | <code>analytics/moved</code> | must be replaced | <code>source.kafka.topics</code> cannot be changed in place; the new pipe starts where the API chooses, as no <code>offset</code> is declared: rows may arrive in <code>default.clicks</code> twice or not at all |
| 🟡 | <code>analytics/bigger</code> | update | <code>scaling.replicas</code> |
| 🟢 | <code>analytics/new</code> | create |  |

<details><summary>⛔ <code>analytics/guarded</code>: blocked</summary>

```diff
- source.kafka.topics: "t"
+ source.kafka.topics: "t2"   # forces replacement
```

</details>

<details><summary>🔴 <code>analytics/gone</code>: delete (state: absent)</summary>

- data: table <code>default.clicks</code> stays; drop it yourself if it is not wanted
- actions: delete, wait until gone

</details>

<details><summary>🟣 <code>analytics/moved</code>: must be replaced</summary>

```diff
- source.kafka.topics: "t"
+ source.kafka.topics: "t2"   # forces replacement
```

- data: the new pipe starts where the API chooses, as no <code>offset</code> is declared: rows may arrive in <code>default.clicks</code> twice or not at all
- actions: delete, wait until gone, create
- sends: source.kafka.credentials.password from env P

</details>

<details><summary>🟡 <code>analytics/bigger</code>: update</summary>

```diff
- scaling.replicas: 1
+ scaling.replicas: 2
```

</details>

<!-- pipectl:plan -->
"#);
}

#[test]
fn annotations_stand_on_the_line_that_causes_the_change() {
    let (desired, plan) = small();
    assert_snapshot!(rendered(Format::Github, &run(&desired, &plan)), @r#"
::error file=pipes.yaml,line=70,col=7,title=analytics/guarded::blocked: it is protected, and this change would delete it and make it again: take `protect` off, or undo the change that forces replacement
::warning file=pipes.yaml,line=21,col=1,title=analytics/gone::delete (state: absent): table `default.clicks` stays; drop it yourself if it is not wanted
::warning file=pipes.yaml,line=50,col=7,title=analytics/moved::must be replaced: `source.kafka.topics` cannot be changed in place; the new pipe starts where the API chooses, as no `offset` is declared: rows may arrive in `default.clicks` twice or not at all
::notice file=pipes.yaml,line=84,col=13,title=analytics/bigger::update: `scaling.replicas`
::notice file=pipes.yaml,line=2,col=1,title=analytics/new::create
::notice title=pipectl plan::1 to create, 1 to update, 1 to replace, 1 to delete, 1 blocked
"#);
}

#[test]
fn gitlab_counts_a_replacement_twice() {
    let (desired, plan) = small();
    assert_snapshot!(rendered(Format::GitlabTerraform, &run(&desired, &plan)), @r#"{"create":2,"update":1,"delete":2}"#);
}

#[test]
fn every_object_is_a_test_case() {
    let (desired, plan) = small();
    assert_snapshot!(rendered(Format::Junit, &run(&desired, &plan)), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="pipectl plan" tests="6" failures="1" errors="0" skipped="0">
  <testsuite name="pipectl plan" tests="6" failures="1" errors="0" skipped="0">
    <testcase classname="analytics" name="guarded" file="pipes.yaml"><failure type="blocked" message="blocked: it is protected, and this change would delete it and make it again: take `protect` off, or undo the change that forces replacement">blocked: it is protected, and this change would delete it and make it again: take `protect` off, or undo the change that forces replacement</failure></testcase>
    <testcase classname="analytics" name="gone" file="pipes.yaml"><system-out>delete (state: absent): table `default.clicks` stays; drop it yourself if it is not wanted</system-out></testcase>
    <testcase classname="analytics" name="moved" file="pipes.yaml"><system-out>must be replaced: `source.kafka.topics` cannot be changed in place; the new pipe starts where the API chooses, as no `offset` is declared: rows may arrive in `default.clicks` twice or not at all</system-out></testcase>
    <testcase classname="analytics" name="bigger" file="pipes.yaml"><system-out>update: `scaling.replicas`</system-out></testcase>
    <testcase classname="analytics" name="new" file="pipes.yaml"><system-out>create</system-out></testcase>
    <testcase classname="analytics" name="same" file="pipes.yaml"/>
  </testsuite>
</testsuites>
"#);
}

#[test]
fn code_quality_has_what_may_hurt_with_fingerprints_that_stay_when_lines_move() {
    let (desired, plan) = small();
    let issues = |desired: &Desired, plan: &Plan| -> Vec<Value> {
        serde_json::from_str(&rendered(Format::Codequality, &run(desired, plan))).unwrap()
    };
    let issues_here = issues(&desired, &plan);
    let names: Vec<&str> =
        issues_here.iter().map(|issue| issue["check_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pipectl-blocked", "pipectl-delete", "pipectl-replace"]);
    let manifests = [
        "# a line more\n".to_owned(),
        manifest("gone", "t", "  state: absent\n"),
        manifest("moved", "t2", ""),
        manifest("guarded", "t2", "  protect: true\n"),
    ];
    let names = ["gone", "moved", "guarded"];
    let pipes: Vec<Value> =
        names.iter().enumerate().map(|(index, name)| pipe(index, name, "t")).collect();
    let (desired, plan) = planned(&manifests, &pipes);
    for (a, b) in issues_here.iter().zip(issues(&desired, &plan)) {
        assert_eq!(a["fingerprint"], b["fingerprint"]);
        assert_ne!(a["location"]["lines"], b["location"]["lines"]);
    }
}

/// `each` of deletes, replacements, updates and creates.
fn large(each: usize) -> (Desired, Plan) {
    let mut manifests = Vec::new();
    let mut pipes = Vec::new();
    for index in 0..each {
        manifests.push(manifest(&format!("delete-{index}"), "t", "  state: absent\n"));
        manifests.push(manifest(&format!("replace-{index}"), "t2", ""));
        manifests.push(manifest(&format!("update-{index}"), "t", "  scaling: {replicas: 2}\n"));
        manifests.push(manifest(&format!("create-{index}"), "t", ""));
        for (offset, word) in ["delete", "replace", "update"].iter().enumerate() {
            pipes.push(pipe(index * 3 + offset, &format!("{word}-{index}"), "t"));
        }
    }
    planned(&manifests, &pipes)
}

#[test]
fn a_long_comment_is_cut_from_the_harmless_end() {
    for each in [25, 125, 200] {
        let (desired, plan) = large(each);
        let comment = rendered(Format::Markdown, &run(&desired, &plan));
        assert!(comment.chars().count() < 60_000, "{}", comment.chars().count());
        for index in 0..each {
            for word in ["delete", "replace"] {
                assert!(comment.contains(&format!("/{word}-{index}</code> |")), "{word}-{index}");
            }
        }
        assert_eq!(each > 25, comment.contains("\nLeft out, as a comment holds no more: "));
        assert_balanced(&comment);
        assert!(comment.ends_with("\n<!-- pipectl:plan -->\n"));
    }
    let (desired, plan) = large(125);
    let comment = rendered(Format::Markdown, &run(&desired, &plan));
    let told = comment.lines().find(|line| line.starts_with("Left out")).unwrap();
    assert_snapshot!(told, @r#"Left out, as a comment holds no more: 169 rows (44 update, 125 create) and the details of 375 objects. The log of the run has everything."#);
}

#[test]
fn drift_that_is_left_alone_is_told() {
    let manifests = desired(&manifest("a", "t", "  scaling: {replicas: 2}\n"));
    let live = live(Kind::ClickPipe, &[pipe(1, "a", "t")]);
    let plan = plan(&manifests, &live, Some(&manifests), &Policy::default());
    let run = run(&manifests, &plan);
    assert_snapshot!(rendered(Format::Markdown, &run), @r#"
### pipectl plan: no changes, drift in 1 field

0 unchanged, 0 unmanaged.

| | object | what | why |
|---|---|---|---|
| 🟠 | <code>analytics/a</code> | drift, left alone | <code>scaling.replicas</code> git 2, live 1 |

<!-- pipectl:plan -->
"#);
    assert_snapshot!(rendered(Format::Github, &run), @r#"
::warning file=pipes.yaml,line=6,col=13,title=analytics/a::drift, left alone: `scaling.replicas` git 2, live 1
::notice title=pipectl plan::no changes, drift in 1 field
"#);
    assert!(rendered(Format::Junit, &run).contains("drift, left alone: `scaling.replicas`"));
    assert!(rendered(Format::Html, &run).contains("<g class=\"node drift\">"));
}

/// Every fence and every fold that is opened is closed.
fn assert_balanced(comment: &str) {
    let mut fence: Option<&str> = None;
    let (mut opened, mut closed) = (0, 0);
    for line in comment.lines() {
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => {
                fence = Some(line.trim_end_matches(|c: char| c != '`'));
            }
            None => {
                opened += line.matches("<details>").count();
                closed += line.matches("</details>").count();
            }
        }
    }
    assert_eq!((fence, opened), (None, closed));
}

#[test]
fn two_runs_are_the_same_bytes() {
    let (desired, plan) = large(30);
    let (again, plan_again) = large(30);
    for format in FORMATS {
        let (one, two) = (run(&desired, &plan), run(&again, &plan_again));
        assert_eq!(rendered(format, &one), rendered(format, &two));
    }
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
    let values: Vec<String> =
        HOSTILE.iter().map(|name| format!("{name}\n```\n::error::z\n@team")).collect();
    let filters = |value: &str| format!("  settings: {{additional: {{k: {}}}}}\n", json!(value));
    let manifests: Vec<String> = HOSTILE
        .iter()
        .zip(&values)
        .map(|(name, value)| manifest(name, "t", &filters(value)))
        .collect();
    let pipes: Vec<Value> =
        HOSTILE.iter().enumerate().map(|(index, name)| pipe(index, name, "t")).collect();
    planned(&manifests, &pipes)
}

#[test]
fn no_name_or_value_breaks_out_of_a_comment() {
    let (desired, plan) = hostile();
    let comment = rendered(Format::Markdown, &run(&desired, &plan));
    assert_balanced(&comment);
    let rows: Vec<&str> = comment.lines().filter(|line| line.starts_with("| 🟡")).collect();
    assert_eq!(rows.len(), HOSTILE.len());
    assert!(rows.iter().all(|row| row.matches('|').count() == 5), "{rows:#?}");
    let mut fence: Option<&str> = None;
    for line in comment.lines() {
        let inside = fence.is_some();
        match fence {
            Some(open) if line == open => fence = None,
            None if line.starts_with("```") => {
                fence = Some(line.trim_end_matches(|c: char| c != '`'));
            }
            _ => {}
        }
        if !inside {
            assert!(!line.contains('@') && !line.contains("<script"), "{line}");
            assert!(!line.contains("](") && !line.contains("http:"), "{line}");
            let marker = line.starts_with("<!-- pipectl:");
            assert!(marker || !line.contains("<!--"), "{line}");
        }
        assert!(!line.starts_with("::error") && !line.contains('\u{202e}'), "{line}");
    }
}

#[test]
fn no_name_or_value_becomes_a_command_of_its_own() {
    let (desired, plan) = hostile();
    let annotations = rendered(Format::Github, &run(&desired, &plan));
    assert_eq!(annotations.lines().count(), HOSTILE.len() + 1);
    for line in annotations.lines() {
        let (properties, _) = line.strip_prefix("::notice ").unwrap().split_once("::").unwrap();
        let titles = properties.split(',').filter(|part| part.starts_with("title=")).count();
        assert_eq!(titles, 1, "{line}");
    }
}

#[test]
fn github_gets_ten_of_a_kind_and_a_summary() {
    let (desired, plan) = large(40);
    let annotations = rendered(Format::Github, &run(&desired, &plan));
    let of = |word: &str| annotations.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((of("::error "), of("::warning "), of("::notice ")), (0, 10, 10));
    assert_snapshot!(annotations.lines().last().unwrap(), @r#"::notice title=pipectl plan::40 to create, 40 to update, 40 to replace, 40 to delete; not shown: 70 warnings, 71 notices"#);
}

#[test]
fn what_is_written_can_be_read() {
    for (desired, plan) in [small(), hostile(), large(10)] {
        let run = run(&desired, &plan);
        for format in [Format::GitlabTerraform, Format::Codequality, Format::Sarif] {
            serde_json::from_str::<Value>(&rendered(format, &run)).unwrap();
        }
        let xml = rendered(Format::Junit, &run);
        assert_eq!(well_formed(&xml), Ok(()), "{xml}");
        let page = rendered(Format::Html, &run);
        assert_eq!(well_formed(&as_xml(&page)), Ok(()), "{page}");
    }
    for broken in ["<a><b></a></b>", "<a>", "<a x=\"<\"/>", "<a>&nope;</a>", "<a>]]></a>"] {
        assert!(well_formed(broken).is_err(), "{broken}");
    }
}

/// A page without what HTML alone leaves open, and without its style.
fn as_xml(page: &str) -> String {
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let lines = format!("{before}{after}");
    let lines = lines.lines().filter(|line| !line.starts_with("<meta")).collect::<Vec<_>>();
    lines.join("\n").replace("<br>", "")
}

#[test]
fn a_page_needs_nothing_but_itself() {
    for (desired, plan) in [small(), hostile(), large(125)] {
        let page = rendered(Format::Html, &run(&desired, &plan));
        for outside in
            ["<script", "<link", " src=", "url(", "@import", "<img", "http-equiv=\"refresh"]
        {
            assert!(!page.contains(outside), "{outside}");
        }
        let mut links = page.split("href=\"").skip(1);
        assert!(links.all(|link| link.starts_with('#')));
    }
}

#[test]
fn a_picture_leads_from_sources_through_pipes_to_tables() {
    let (desired, plan) = small();
    let page = rendered(Format::Html, &run(&desired, &plan));
    let texts = page.split("<text").skip(1).map(|text| {
        let (_, text) = text.split_once('>').unwrap();
        text.split_once('<').unwrap().0
    });
    let nodes: Vec<&str> = page
        .split("<g class=\"node ")
        .skip(1)
        .map(|node| node.split_once('"').unwrap().0)
        .collect();
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

/// As much of XML as our reports use.
fn well_formed(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        characters(&rest[..start])?;
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
        characters(tag)?;
        match tag.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return Err(format!("{name} closes nothing")),
            Some(_) => {}
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().unwrap_or_default()),
        }
    }
    characters(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("left open: {open:?}")) }
}

fn characters(text: &str) -> Result<(), String> {
    let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    let bad = text.split('&').skip(1).find(|rest| !known.iter().any(|name| rest.starts_with(name)));
    let forbidden = text.chars().any(|c| c.is_control() && c != '\n');
    match bad {
        Some(rest) => Err(format!("unknown entity &{rest}")),
        None if forbidden || text.contains("]]>") => Err("a character that may not be".to_owned()),
        None => Ok(()),
    }
}

#[test]
fn no_secret_is_in_any_report() {
    let (desired, plan) = small();
    let run = run(&desired, &plan);
    for format in FORMATS {
        assert!(!rendered(format, &run).contains("canary"));
    }
}

/// The reports that the real binary writes for `args`, by file.
fn written(desk: &Desk, command: &[&str], formats: &[&str], code: i32) -> Vec<String> {
    let targets: Vec<String> =
        formats.iter().map(|format| format!("--report={format}=out/{format}")).collect();
    let args: Vec<&str> =
        command.iter().copied().chain(targets.iter().map(String::as_str)).collect();
    let said = desk.run_with(&args, &[("P", "canary")]);
    assert_eq!(said.code, code, "{}", said.all());
    let path = desk.folder.path().join("out");
    let reports: Vec<String> =
        formats.iter().map(|format| std::fs::read_to_string(path.join(format)).unwrap()).collect();
    assert!(reports.iter().all(|report| !report.contains("canary")));
    reports
}

#[test]
fn validate_reports_every_problem_in_every_format() {
    let desk = Desk::new();
    desk.write("pipes/a.yaml", manifest("a", "t", "").replace("topics: \"t\"", "topcis: t"));
    let command = ["validate", "pipes"];
    let formats = ["sarif", "codequality", "junit", "markdown", "github", "json"];
    let reports = written(&desk, &command, &formats, 1);
    let sarif: Value = serde_json::from_str(&reports[0]).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "pipectl");
    let mut lines = String::new();
    for result in run["results"].as_array().unwrap() {
        let place = &result["locations"][0]["physicalLocation"];
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], result["ruleId"]);
        writeln!(
            lines,
            "{} {} {}:{} {} | {}",
            result["level"].as_str().unwrap(),
            result["ruleId"].as_str().unwrap(),
            place["artifactLocation"]["uri"].as_str().unwrap(),
            place["region"]["startLine"],
            result["message"]["text"].as_str().unwrap(),
            rule["shortDescription"]["text"].as_str().unwrap(),
        )
        .unwrap();
    }
    assert_snapshot!(lines, @r#"error unknown-field pipes/a.yaml:11 unknown field `topcis`; did you mean `topics`? | There is no such field here."#);
    assert_eq!(well_formed(&reports[2]), Ok(()));
    assert_snapshot!(reports[3], @r#"
### pipectl validate: 1 error in 1 file

| | where | problem | code |
|---|---|---|---|
| ❌ | <code>pipes/a.yaml&#58;11&#58;7</code> | unknown field <code>topcis</code>; did you mean <code>topics</code>&#63; | <code>unknown-field</code> |

<!-- pipectl:plan -->
"#);
    assert_snapshot!(reports[4], @r#"
::error file=pipes/a.yaml,line=11,col=7,title=unknown-field::unknown field `topcis`; did you mean `topics`?
::notice title=pipectl validate::1 error in 1 file
"#);
    let json = desk.run(&["validate", "pipes", "-o", "json"]).stdout;
    assert_eq!(reports[5], json);
}

#[test]
fn a_plan_that_fails_reports_why() {
    let desk = Desk::new();
    desk.write("a.yaml", manifest("a", "t", "").replace("topics: \"t\"", "topcis: t"));
    let formats = ["markdown", "github", "junit", "json"];
    let reports = written(&desk, &["plan", "a.yaml", "--sandbox"], &formats, 1);
    assert!(reports[0].starts_with("### pipectl plan: failed: 1 error\n"), "{}", reports[0]);
    assert!(
        reports[1].contains("::error file=a.yaml,line=11,col=7,title=unknown-field::"),
        "{}",
        reports[1]
    );
    assert!(reports[2].contains("failures=\"2\""), "{}", reports[2]);
    assert!(reports[3].contains("the manifests have 1 error"), "{}", reports[3]);
}

#[test]
fn apply_reports_what_became_of_each_object() {
    let desk = Desk::new();
    desk.write("a.yaml", manifest("a", "t", ""));
    let formats = ["markdown", "junit", "json"];
    let command = ["apply", "a.yaml", "--sandbox", "--yes"];
    let reports = written(&desk, &command, &formats, 0);
    assert_snapshot!(reports[0], @r#"
### pipectl apply: 1 applied, 0 failed, 0 skipped, 0 unknown

Planned: 1 to create, 0 to update, 0 to replace, 0 to delete. 0 unchanged, 0 unmanaged.

| | object | what | why |
|---|---|---|---|
| 🟢 | <code>analytics/a</code> | applied: create |  |

<!-- pipectl:plan -->
"#);
    assert_eq!(well_formed(&reports[1]), Ok(()));
    let json: Value = serde_json::from_str(&reports[2]).unwrap();
    assert_eq!(json["outcome"], "applied");
}

#[test]
fn the_environment_says_it_too_and_github_gets_its_files() {
    let desk = Desk::new();
    desk.write("a.yaml", manifest("a", "t", ""));
    let said = desk.run_with(
        &["plan", "a.yaml", "--sandbox", "-o", "markdown", "--report-key", "prod"],
        &[
            ("PIPECTL_REPORT", "github=-,markdown=plan.md"),
            ("GITHUB_STEP_SUMMARY", "summary.md"),
            ("GITHUB_OUTPUT", "outputs"),
        ],
    );
    assert_eq!(said.code, 0, "{}", said.all());
    let read = |name: &str| std::fs::read_to_string(desk.folder.path().join(name)).unwrap();
    assert!(said.stdout.starts_with(&read("plan.md")), "{}", said.stdout);
    assert!(said.stdout.contains("\n::notice title=pipectl plan::1 to create"), "{}", said.stdout);
    assert!(read("plan.md").ends_with("<!-- pipectl:prod -->\n"));
    assert_eq!(read("summary.md"), read("plan.md"));
    assert_snapshot!(read("outputs"), @r#"
outcome=changes
create=1
update=0
replace=0
delete=0
rename=0
adopt=0
blocked=0
unchanged=0
unmanaged=0
has-changes=true
errors=0
warnings=0
"#);
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let desk = Desk::new();
    desk.write("a.yaml", manifest("a", "t", ""));
    desk.write("file", "");
    let args = ["validate", "a.yaml", "--report=junit=file/x", "--report=json=there"];
    let said = desk.run(&args);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(desk.folder.path().join("there").exists());
}

#[test]
fn a_format_or_key_that_does_not_exist_is_a_usage_error() {
    let desk = Desk::new();
    desk.write("a.yaml", manifest("a", "t", ""));
    for args in [
        ["validate", "a.yaml", "--report", "nope=x"],
        ["validate", "a.yaml", "--report", "markdown"],
        ["validate", "a.yaml", "--report", "gitlab-terraform=x"],
        ["validate", "a.yaml", "--report-key", "a--><b>"],
    ] {
        assert_eq!(desk.run(&args).code, 64, "{args:?}");
    }
}
