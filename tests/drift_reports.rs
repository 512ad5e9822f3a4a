//! What `drift` writes for those who were not there.

use crate::support::test_repo::{TestRepo, kinesis_manifest};
use insta::assert_snapshot;
use serde_json::{Value, json};

/// Three pipes of git, of which one was changed and one deleted by hand, and a fourth of nobody's.
fn drifted_repo() -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file(
        "pipes/clicks.yaml",
        &kinesis_manifest("clicks", "", "  settings: {streaming_max_insert_wait_ms: 500}"),
    );
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    repo.commit_all("Read");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.write_file(
        "byhand.yaml",
        &[kinesis_manifest("views", "", "  state: absent"), kinesis_manifest("byhand", "", "")].join("---\n"),
    );
    repo.run_successfully(&["apply", "byhand.yaml", "--yes"]);
    repo.remove_file("byhand.yaml");
    repo.edit_live_pipe("clicks", "/settings/streaming_max_insert_wait_ms", json!(900));
    repo
}

/// A report that `drift` wrote, without what differs from run to run.
fn drift_report(repo: &TestRepo, format: &str) -> String {
    let said = repo.run_pipectl(&["drift", "pipes", "--report", &format!("{format}=out/report")]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let text = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("out/report")).unwrap();
    let hash = repo.run_git(&["rev-parse", "--short", "HEAD"]);
    let id = repo.live("byhand", "/id").as_str().unwrap().to_owned();
    text.replace(&hash, "HASH").replace(&id, "ID")
}

#[test]
fn drift_comment_lists_changed_missing_and_unmanaged() {
    let repo = drifted_repo();
    let markdown = drift_report(&repo, "markdown");
    assert_snapshot!(markdown, @"
    ### pipectl drift, base <code>HASH</code>: 1 changed, 1 missing, 1 unmanaged; 1 in sync

    Compared with HASH (Read).

    | | object | what | why |
    |---|---|---|---|
    | 🟠 | <code>analytics/clicks</code> | changed outside git | <code>settings.streaming&#95;max&#95;insert&#95;wait&#95;ms</code> git 500, live 900 |
    | 🟠 | <code>analytics/views</code> | missing: in git, not live |  |
    | ⚪ | <code>analytics/byhand</code> | unmanaged: live, not in git | id <code>ID</code> |

    <!-- pipectl:drift -->
    ");
    let printed = repo.run_successfully(&["drift", "pipes", "-o", "markdown"]);
    assert_eq!(printed.lines().count(), markdown.lines().count());
}

#[test]
fn drift_annotations_point_at_lines_in_git() {
    let repo = drifted_repo();
    repo.write_file("summary", "");
    let folder = repo.work_dir.temp_dir.path();
    let (outputs, summary) = (folder.join("outputs"), folder.join("summary"));
    let (outputs, summary) = (outputs.to_str().unwrap(), summary.to_str().unwrap());
    let environment = [("GITHUB_OUTPUT", outputs), ("GITHUB_STEP_SUMMARY", summary)];
    let said = repo.run_with_env(&["drift", "pipes", "--report", "github=out/report"], &environment);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_snapshot!(drift_report(&repo, "github"), @"
    ::warning file=pipes/clicks.yaml,line=22,col=14,title=analytics/clicks::changed outside git: `settings.streaming_max_insert_wait_ms` git 500, live 900
    ::warning file=pipes/views.yaml,line=1,col=1,title=analytics/views::missing: in git, not live
    ::notice title=analytics/byhand::unmanaged: live, not in git: id `ID`
    ::notice title=pipectl drift%2C base HASH::1 changed, 1 missing, 1 unmanaged; 1 in sync
    ");
    assert_snapshot!(std::fs::read_to_string(outputs).unwrap(), @"
    outcome=drift
    changed=1
    missing=1
    unchanged=1
    unmanaged=1
    has-changes=true
    errors=0
    warnings=2
    ");
    assert!(std::fs::read_to_string(summary).unwrap().contains(": 1 changed"));
}

#[test]
fn drift_fails_junit_test_cases_but_unmanaged_does_not() {
    let junit = drift_report(&drifted_repo(), "junit");
    assert_snapshot!(junit, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="pipectl drift" tests="4" failures="2" errors="0" skipped="0">
      <testsuite name="pipectl drift" tests="4" failures="2" errors="0" skipped="0">
        <testcase classname="analytics" name="clicks" file="pipes/clicks.yaml"><failure type="drift" message="changed outside git: `settings.streaming_max_insert_wait_ms` git 500, live 900">changed outside git: `settings.streaming_max_insert_wait_ms` git 500, live 900</failure></testcase>
        <testcase classname="analytics" name="views" file="pipes/views.yaml"><failure type="drift" message="missing: in git, not live">missing: in git, not live</failure></testcase>
        <testcase classname="analytics" name="byhand"><system-out>unmanaged: live, not in git: id `ID`</system-out></testcase>
        <testcase classname="analytics" name="orders" file="pipes/orders.yaml"></testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn drift_is_in_code_quality_and_json_reports() {
    let repo = drifted_repo();
    let issues: Value = serde_json::from_str(&drift_report(&repo, "codequality")).unwrap();
    let issues = issues.as_array().unwrap();
    let paths: Vec<&str> = issues.iter().map(|issue| issue["location"]["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["pipes/clicks.yaml", "pipes/views.yaml"]);
    let json: Value = serde_json::from_str(&drift_report(&repo, "json")).unwrap();
    assert_eq!((&json["kind"], &json["outcome"]), (&json!("Drift"), &json!("drift")));
}

#[test]
fn html_page_highlights_only_drifted_objects() {
    let html = drift_report(&drifted_repo(), "html");
    assert_eq!(html.matches("<g class=\"node drift\">").count(), 2, "{html}");
    assert_eq!(html.matches("<g class=\"node same\">").count(), 1, "{html}");
    assert!(html.contains("missing: in git, not live"), "{html}");
    assert!(html.contains("<span class=\"badge unmanaged\">unmanaged</span>"), "{html}");
}

#[test]
fn partial_drift_report_is_marked_as_partial() {
    let repo = drifted_repo();
    let text = repo.run_successfully(&["drift", "pipes", "--only", "clicks"]);
    assert!(text.contains("Partial: 1 of 3 objects included.\n"), "{text}");
    let markdown = repo.run_successfully(&["drift", "pipes", "--only", "clicks", "-o", "markdown"]);
    assert!(markdown.contains("Partial: 1 of 3 objects included."), "{markdown}");
}

#[test]
fn drift_rejects_plan_only_format_and_reports_failures() {
    let repo = drifted_repo();
    let said = repo.run_pipectl(&["drift", "pipes", "--report=gitlab-terraform=x"]);
    assert_eq!(said.code, 64, "{}", said.all_output());
    let said = repo.run_pipectl(&["drift", "pipes", "--base=nowhere", "--report=markdown=out/report"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    let markdown = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("out/report")).unwrap();
    assert!(markdown.starts_with("### pipectl drift: failed\n"), "{markdown}");
}

#[test]
fn changes_of_git_since_the_last_apply_are_pending_and_not_drift() {
    let repo = drifted_repo();
    let applied = repo.run_git(&["rev-parse", "HEAD"]);
    // `clicks` changed on both sides. `views` was deleted by hand, and edited in git.
    let waiting = |ms: u32| format!("  settings: {{streaming_max_insert_wait_ms: {ms}}}");
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", &waiting(700)));
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", &waiting(600)));
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", &waiting(600)));
    repo.write_file("pipes/added.yaml", &kinesis_manifest("added", "", ""));
    repo.commit_all("Not applied");
    let said = repo.run_pipectl(&["drift", "pipes", "--last-applied", &applied, "-o", "json"]);
    let result = said.stdout_json()["result"].clone();
    let names = |key: &str| -> Vec<String> {
        let name = |it: &Value| it.get("address").unwrap_or(it)["name"].as_str().unwrap().to_owned();
        result[key].as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!((names("changed"), names("missing")), (vec!["clicks".to_owned()], vec!["views".to_owned()]), "{result}");
    assert_eq!(names("pending"), ["added", "clicks", "orders"]);
    assert_eq!(names("unmanaged"), ["byhand"]);
    // Without the commit, all of it looks like drift.
    let all = repo.run_pipectl(&["drift", "pipes", "-o", "json"]).stdout_json();
    assert_eq!(all["result"]["missing"].as_array().unwrap().len(), 2, "{all}");
}
