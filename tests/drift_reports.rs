//! What `drift` writes for those who were not there.

use crate::support::repo::{Repo, pipe};
use insta::assert_snapshot;
use serde_json::{Value, json};

/// Three pipes of git, of which one was changed and one deleted by hand, and a fourth of nobody's.
fn drifted() -> Repo {
    let repo = Repo::new();
    repo.write(
        "pipes/clicks.yaml",
        &pipe("clicks", "", "  settings: {streaming_max_insert_wait_ms: 500}"),
    );
    repo.write("pipes/orders.yaml", &pipe("orders", "", ""));
    repo.write("pipes/views.yaml", &pipe("views", "", ""));
    repo.commit("Read");
    repo.done(&["apply", "pipes", "--yes"]);
    repo.write(
        "byhand.yaml",
        &[pipe("views", "", "  state: absent"), pipe("byhand", "", "")].join("---\n"),
    );
    repo.done(&["apply", "byhand.yaml", "--yes"]);
    repo.remove("byhand.yaml");
    repo.edit_live("clicks", "/settings/streaming_max_insert_wait_ms", json!(900));
    repo
}

/// A report that `drift` wrote, without what differs from run to run.
fn report(repo: &Repo, format: &str) -> String {
    let said = repo.run(&["drift", "pipes", "--report", &format!("{format}=out/report")]);
    assert_eq!(said.code, 0, "{}", said.all());
    let text = std::fs::read_to_string(repo.desk.folder.path().join("out/report")).unwrap();
    let hash = repo.git(&["rev-parse", "--short", "HEAD"]);
    let id = repo.live("byhand", "/id").as_str().unwrap().to_owned();
    text.replace(&hash, "HASH").replace(&id, "ID")
}

#[test]
fn the_comment_names_everything_that_is_otherwise() {
    let repo = drifted();
    let markdown = report(&repo, "markdown");
    assert_snapshot!(markdown, @"
    ### pipectl drift: 1 changed, 1 missing, 1 unmanaged; 1 in sync

    Compared with HASH (Read).

    | | object | what | why |
    |---|---|---|---|
    | 🟠 | <code>analytics/clicks</code> | changed outside git | <code>settings.streaming&#95;max&#95;insert&#95;wait&#95;ms</code> git 500, live 900 |
    | 🟠 | <code>analytics/views</code> | missing: in git, not live |  |
    | ⚪ | <code>analytics/byhand</code> | unmanaged: live, not in git | id <code>ID</code> |

    <!-- pipectl:plan -->
    ");
    let printed = repo.done(&["drift", "pipes", "-o", "markdown"]);
    assert_eq!(printed.lines().count(), markdown.lines().count());
}

#[test]
fn annotations_stand_at_the_lines_of_the_files_as_git_has_them() {
    let repo = drifted();
    repo.write("summary", "");
    let folder = repo.desk.folder.path();
    let (outputs, summary) = (folder.join("outputs"), folder.join("summary"));
    let (outputs, summary) = (outputs.to_str().unwrap(), summary.to_str().unwrap());
    let environment = [("GITHUB_OUTPUT", outputs), ("GITHUB_STEP_SUMMARY", summary)];
    let said = repo.run_with(&["drift", "pipes", "--report", "github=out/report"], &environment);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_snapshot!(report(&repo, "github"), @"
    ::warning file=pipes/clicks.yaml,line=22,col=14,title=analytics/clicks::changed outside git: `settings.streaming_max_insert_wait_ms` git 500, live 900
    ::warning file=pipes/views.yaml,line=1,col=1,title=analytics/views::missing: in git, not live
    ::notice title=analytics/byhand::unmanaged: live, not in git: id `ID`
    ::notice title=pipectl drift::1 changed, 1 missing, 1 unmanaged; 1 in sync
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
    assert!(std::fs::read_to_string(summary).unwrap().contains("### pipectl drift: 1 changed"));
}

#[test]
fn drift_fails_a_test_case_and_what_nobody_declares_does_not() {
    let junit = report(&drifted(), "junit");
    assert_snapshot!(junit, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="pipectl drift" tests="4" failures="2" errors="0" skipped="0">
      <testsuite name="pipectl drift" tests="4" failures="2" errors="0" skipped="0">
        <testcase classname="analytics" name="clicks" file="pipes/clicks.yaml"><failure type="drift" message="changed outside git: `settings.streaming_max_insert_wait_ms` git 500, live 900">changed outside git: `settings.streaming_max_insert_wait_ms` git 500, live 900</failure></testcase>
        <testcase classname="analytics" name="views" file="pipes/views.yaml"><failure type="drift" message="missing: in git, not live">missing: in git, not live</failure></testcase>
        <testcase classname="analytics" name="byhand"><system-out>unmanaged: live, not in git: id `ID`</system-out></testcase>
        <testcase classname="analytics" name="orders" file="pipes/orders.yaml"/>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn code_quality_and_json_have_it_too() {
    let repo = drifted();
    let issues: Value = serde_json::from_str(&report(&repo, "codequality")).unwrap();
    let issues = issues.as_array().unwrap();
    let paths: Vec<&str> =
        issues.iter().map(|issue| issue["location"]["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["pipes/clicks.yaml", "pipes/views.yaml"]);
    let json: Value = serde_json::from_str(&report(&repo, "json")).unwrap();
    assert_eq!((&json["kind"], &json["outcome"]), (&json!("Drift"), &json!("drift")));
}

#[test]
fn the_page_colours_what_drifted_and_nothing_else() {
    let html = report(&drifted(), "html");
    assert_eq!(html.matches("<g class=\"node drift\">").count(), 2, "{html}");
    assert_eq!(html.matches("<g class=\"node same\">").count(), 1, "{html}");
    assert!(html.contains("missing: in git, not live"), "{html}");
    assert!(html.contains("<span class=\"badge unmanaged\">unmanaged</span>"), "{html}");
}

#[test]
fn a_part_says_that_it_is_one() {
    let repo = drifted();
    let text = repo.done(&["drift", "pipes", "--only", "clicks"]);
    assert!(text.contains("partial: 1 of 3 objects considered\n"), "{text}");
    let markdown = repo.done(&["drift", "pipes", "--only", "clicks", "-o", "markdown"]);
    assert!(markdown.contains("Partial: 1 of 3 objects considered."), "{markdown}");
}

#[test]
fn counts_of_a_plan_are_refused_and_a_failure_is_reported() {
    let repo = drifted();
    let said = repo.run(&["drift", "pipes", "--report=gitlab-terraform=x"]);
    assert_eq!(said.code, 64, "{}", said.all());
    let said = repo.run(&["drift", "pipes", "--base=nowhere", "--report=markdown=out/report"]);
    assert_eq!(said.code, 1, "{}", said.all());
    let markdown = std::fs::read_to_string(repo.desk.folder.path().join("out/report")).unwrap();
    assert!(markdown.starts_with("### pipectl drift: failed\n"), "{markdown}");
}
