//! What CI systems read: annotations, counts, test cases, issues of quality.

use insta::assert_snapshot;
use model::desired::Desired;
use pipectl::reports::ReportFormat;
use planner::Plan;
use serde_json::Value;

use super::{HOSTILE, hostile, large, manifest, pipe, planned, rendered, run, small};

#[test]
fn annotations_point_at_the_line_of_the_change() {
    let (desired, plan) = small();
    assert_snapshot!(rendered(ReportFormat::Github, &run(&desired, &plan)), @"
    ::error file=pipes.yaml,line=75,col=7,title=analytics/guarded::blocked: it is protected, and this change would replace it: remove `protect`, or undo the change that forces replacement
    ::warning file=pipes.yaml,line=23,col=1,title=analytics/gone::delete (state: absent): table `default.clicks` is kept; drop it yourself if you do not need it
    ::warning file=pipes.yaml,line=54,col=7,title=analytics/moved::must be replaced: `source.kafka.topics` cannot be changed in place; no `offset` is set, so the API picks the start: rows in `default.clicks` may be duplicated or missing
    ::notice file=pipes.yaml,line=107,col=13,title=analytics/bigger::update: `scaling.replicas` 1 -> 2
    ::notice file=pipes.yaml,line=2,col=1,title=analytics/new::create: Kafka n -> default.clicks, JSONEachRow; no `offset` is set, so the API picks where it starts to read
    ::notice title=pipectl plan::1 to create, 1 to update, 1 to replace, 1 to delete, 1 blocked
    ");
}

#[test]
fn gitlab_counts_a_replacement_twice() {
    let (desired, plan) = small();
    assert_snapshot!(rendered(ReportFormat::GitlabTerraform, &run(&desired, &plan)), @r#"{"create":2,"update":1,"delete":2}"#);
}

#[test]
fn every_object_is_a_junit_test_case() {
    let (desired, plan) = small();
    assert_snapshot!(rendered(ReportFormat::Junit, &run(&desired, &plan)), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="pipectl plan" tests="6" failures="1" errors="0" skipped="0">
      <testsuite name="pipectl plan" tests="6" failures="1" errors="0" skipped="0">
        <testcase classname="analytics" name="guarded" file="pipes.yaml"><failure type="blocked" message="blocked: it is protected, and this change would replace it: remove `protect`, or undo the change that forces replacement">blocked: it is protected, and this change would replace it: remove `protect`, or undo the change that forces replacement</failure></testcase>
        <testcase classname="analytics" name="gone" file="pipes.yaml"><system-out>delete (state: absent): table `default.clicks` is kept; drop it yourself if you do not need it</system-out></testcase>
        <testcase classname="analytics" name="moved" file="pipes.yaml"><system-out>must be replaced: `source.kafka.topics` cannot be changed in place; no `offset` is set, so the API picks the start: rows in `default.clicks` may be duplicated or missing</system-out></testcase>
        <testcase classname="analytics" name="bigger" file="pipes.yaml"><system-out>update: `scaling.replicas` 1 -&gt; 2</system-out></testcase>
        <testcase classname="analytics" name="new" file="pipes.yaml"><system-out>create: Kafka n -&gt; default.clicks, JSONEachRow; no `offset` is set, so the API picks where it starts to read</system-out></testcase>
        <testcase classname="analytics" name="same" file="pipes.yaml"></testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn code_quality_fingerprints_do_not_depend_on_lines() {
    let (desired, plan) = small();
    let issues = |desired: &Desired, plan: &Plan| -> Vec<Value> {
        serde_json::from_str(&rendered(ReportFormat::Codequality, &run(desired, plan))).unwrap()
    };
    let issues_here = issues(&desired, &plan);
    let names: Vec<&str> = issues_here.iter().map(|issue| issue["check_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pipectl-blocked", "pipectl-delete", "pipectl-replace"]);
    let severities: Vec<&str> = issues_here.iter().map(|issue| issue["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["critical", "major", "major"]);
    let manifests = [
        "# a line more\n".to_owned(),
        manifest("gone", "t", "  state: absent\n"),
        manifest("moved", "t2", ""),
        manifest("guarded", "t2", "  protect: true\n"),
    ];
    let names = ["gone", "moved", "guarded"];
    let pipes: Vec<Value> = names.iter().enumerate().map(|(index, name)| pipe(index, name, "t")).collect();
    let (desired, plan) = planned(&manifests, &pipes);
    let moved_issues = issues(&desired, &plan);
    assert_eq!(moved_issues.len(), issues_here.len());
    for (a, b) in issues_here.iter().zip(&moved_issues) {
        assert_eq!(a["fingerprint"], b["fingerprint"]);
        assert_ne!(a["location"]["lines"], b["location"]["lines"]);
    }
}

#[test]
fn names_and_values_cannot_inject_annotations() {
    let (desired, plan) = hostile();
    let annotations = rendered(ReportFormat::Github, &run(&desired, &plan));
    assert_eq!(annotations.lines().count(), HOSTILE.len() + 1);
    for line in annotations.lines() {
        let (properties, _) = line.strip_prefix("::notice ").unwrap().split_once("::").unwrap();
        let titles = properties.split(',').filter(|part| part.starts_with("title=")).count();
        assert_eq!(titles, 1, "{line}");
    }
}

#[test]
fn github_annotations_are_capped_at_ten_per_level() {
    let (desired, plan) = large(40);
    let annotations = rendered(ReportFormat::Github, &run(&desired, &plan));
    let of = |word: &str| annotations.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((of("::error "), of("::warning "), of("::notice ")), (0, 10, 10));
    assert_snapshot!(annotations.lines().last().unwrap(), @r#"::notice title=pipectl plan::40 to create, 40 to update, 40 to replace, 40 to delete; not shown: 70 warnings, 71 notices"#);
}
