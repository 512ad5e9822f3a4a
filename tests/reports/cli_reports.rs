//! Reports as the real binary writes them.

use insta::assert_snapshot;
use serde_json::Value;
use std::fmt::Write as _;

use super::html::check_well_formed;
use super::manifest;
use crate::support::cli::WorkDir;

/// The reports that the real binary writes for `args`, by file.
fn write_reports(desk: &WorkDir, command: &[&str], formats: &[&str], code: i32) -> Vec<String> {
    let targets: Vec<String> = formats.iter().map(|format| format!("--report={format}=out/{format}")).collect();
    let args: Vec<&str> = command.iter().copied().chain(targets.iter().map(String::as_str)).collect();
    let said = desk.run_with_env(&args, &[("P", "canary")]);
    assert_eq!(said.code, code, "{}", said.all_output());
    let path = desk.temp_dir.path().join("out");
    let reports: Vec<String> =
        formats.iter().map(|format| std::fs::read_to_string(path.join(format)).unwrap()).collect();
    assert!(reports.iter().all(|report| !report.contains("canary")));
    reports
}

#[test]
fn validate_reports_every_problem_in_every_format() {
    let desk = WorkDir::new();
    desk.write_file("pipes/a.yaml", manifest("a", "t", "").replace("topics: \"t\"", "topcis: t"));
    let command = ["validate", "pipes"];
    let formats = ["sarif", "codequality", "junit", "markdown", "github", "json"];
    let reports = write_reports(&desk, &command, &formats, 1);
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
    assert_snapshot!(lines, @r#"error unknown-field pipes/a.yaml:11 unknown field `topcis`; did you mean `topics`? | The field does not exist here."#);
    assert_eq!(check_well_formed(&reports[2]), Ok(()));
    assert_snapshot!(reports[3], @r#"
### pipectl validate: 1 error in 1 file

| | where | problem | code |
|---|---|---|---|
| ❌ | <code>pipes/a.yaml&#58;11&#58;7</code> | unknown field <code>topcis</code>; did you mean <code>topics</code>&#63; | <code>unknown-field</code> |

<!-- pipectl:validate -->
"#);
    assert_snapshot!(reports[4], @r#"
::error file=pipes/a.yaml,line=11,col=7,title=unknown-field::unknown field `topcis`; did you mean `topics`?
::notice title=pipectl validate::1 error in 1 file
"#);
    let json = desk.run_pipectl(&["validate", "pipes", "-o", "json"]).stdout;
    assert_eq!(reports[5], json);
}

#[test]
fn failed_plan_reports_the_error() {
    let desk = WorkDir::new();
    desk.write_file("a.yaml", manifest("a", "t", "").replace("topics: \"t\"", "topcis: t"));
    let formats = ["markdown", "github", "junit", "json"];
    let reports = write_reports(&desk, &["plan", "a.yaml", "--sandbox"], &formats, 1);
    assert!(reports[0].starts_with("### pipectl plan: failed: 1 error\n"), "{}", reports[0]);
    assert!(reports[1].contains("::error file=a.yaml,line=11,col=7,title=unknown-field::"), "{}", reports[1]);
    assert!(reports[2].contains("failures=\"2\""), "{}", reports[2]);
    assert!(reports[3].contains("the manifests have 1 error"), "{}", reports[3]);
}

#[test]
fn apply_reports_the_result_of_each_object() {
    let desk = WorkDir::new();
    desk.write_file("a.yaml", manifest("a", "t", ""));
    let formats = ["markdown", "junit", "json"];
    let command = ["apply", "a.yaml", "--sandbox", "--yes"];
    let reports = write_reports(&desk, &command, &formats, 0);
    assert_snapshot!(reports[0], @r#"
    ### pipectl apply: 1 applied, 0 failed, 0 skipped, 0 unknown

    - ⚠️ sends <code>P</code> to <code>b&#58;9092</code> for the first time (<code>analytics/a</code>)

    Planned: 1 to create, 0 to update, 0 to replace, 0 to delete. 0 unchanged, 0 unmanaged. Organization <code>0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000</code>, <code>analytics</code> is <code>f2de67ed-05c6-471e-9716-ebc3290286aa</code>.

    | | object | what | why |
    |---|---|---|---|
    | 🟢 | <code>analytics/a</code> | applied: create | Kafka t -&#62; default.clicks, JSONEachRow; no <code>offset</code> is set, so the API picks where it starts to read |

    <details><summary>🟢 <code>analytics/a</code>: applied: create</summary>

    ```diff
    + name: "a"
    + source.kafka.type: "kafka"
    + source.kafka.format: "JSONEachRow"
    + source.kafka.brokers: "b:9092"
    + source.kafka.topics: "t"
    + source.kafka.authentication: "PLAIN"
    + source.kafka.credentials.username: "u"
    + source.kafka.credentials.password: "(secret)"
    + destination.database: "default"
    + destination.table: "clicks"
    + destination.managedTable: true
    + destination.tableDefinition.engine.type: "MergeTree"
    + destination.columns: id UInt64
    ```

    - data: no <code>offset</code> is set, so the API picks where it starts to read
    - sends P to b&#58;9092 for the first time

    </details>

    <!-- pipectl:apply -->
    "#);
    assert_eq!(check_well_formed(&reports[1]), Ok(()));
    let json: Value = serde_json::from_str(&reports[2]).unwrap();
    assert_eq!(json["outcome"], "applied");
}

#[test]
fn reports_can_be_set_by_env_and_fill_github_files() {
    let desk = WorkDir::new();
    desk.write_file("a.yaml", manifest("a", "t", ""));
    let said = desk.run_with_env(
        &["plan", "a.yaml", "--sandbox", "-o", "markdown", "--report-key", "prod"],
        &[
            ("PIPECTL_REPORT", "github=-,markdown=plan.md"),
            ("GITHUB_STEP_SUMMARY", "summary.md"),
            ("GITHUB_OUTPUT", "outputs"),
        ],
    );
    assert_eq!(said.code, 0, "{}", said.all_output());
    let read = |name: &str| std::fs::read_to_string(desk.temp_dir.path().join(name)).unwrap();
    assert!(said.stdout.starts_with(&read("plan.md")), "{}", said.stdout);
    assert!(said.stdout.contains("\n::notice title=pipectl plan::1 to create"), "{}", said.stdout);
    assert!(read("plan.md").ends_with("<!-- pipectl:prod -->\n"));
    assert_eq!(read("summary.md"), read("plan.md"));
    assert_snapshot!(read("outputs"), @"
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
    removal=0
    has-changes=true
    refused=0
    errors=0
    warnings=1
    ");
}

/// A reviewer reads the reports, and not the output of the job: the line of a rule or a default belongs there, too.
#[test]
fn every_report_names_the_line_of_a_mistake_of_the_project_file() {
    const PROJECT: &str = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments:\n  dev: {";
    let desk = WorkDir::new();
    desk.write_file("pipes/a.yaml", manifest("a", "t", ""));
    let formats = ["sarif", "codequality", "junit", "markdown", "github"];
    for (mistake, diagnostic, exit_code) in [
        ("policy: {rules: [{name: r, deny: 'foo', message: m}]}", "bad-rule", 1),
        ("defaults: {ClickPipe: {spec: {scaling: {replcas: 2}}}}", "unknown-field", 1),
        ("variables: {v: '${env:PIPECTL_VAR_NOT_SET}'}", "unset-variable", 1),
        ("policy: {protect: ['*/{a,b}']}", "braces-in-pattern", 0),
    ] {
        desk.write_file("pipectl.yaml", format!("{PROJECT}{mistake}}}\n"));
        for command in [&["validate"][..], &["plan", "--sandbox"], &["apply", "--yes", "--sandbox"]] {
            let command = [command, &["-e", "dev"]].concat();
            for (report, format) in write_reports(&desk, &command, &formats, exit_code).iter().zip(formats) {
                let text = report.replace("&#58;", ":");
                let place = match format {
                    "sarif" => r#""startLine": 5"#,
                    "codequality" => r#""begin": 5"#,
                    "github" => "file=pipectl.yaml,line=5,",
                    _ => "pipectl.yaml:5:",
                };
                let is_named = text.contains(place) && text.contains("pipectl.yaml") && text.contains(diagnostic);
                assert!(is_named, "{diagnostic} {command:?} {format}: {text}");
            }
            let [json, lines] = ["json", "ndjson"].map(|format| [&command[..], &["-o", format]].concat());
            let json = desk.run_with_env(&json, &[("P", "canary")]).stdout_json();
            let found = if command[0] == "validate" { &json["result"] } else { &json };
            let found = &found["diagnostics"][0];
            if exit_code > 0 || command[0] == "validate" {
                assert_eq!((&found["code"], &found["place"]["line"]), (&diagnostic.into(), &5.into()), "{json}");
            }
            if exit_code > 0 && command[0] == "apply" {
                let said = desk.run_with_env(&lines, &[("P", "canary")]).stdout;
                assert!(said.contains(&format!("{{\"code\":\"{diagnostic}\"")), "{said}");
            }
        }
    }
}

#[test]
fn unwritable_report_is_an_error() {
    let desk = WorkDir::new();
    desk.write_file("a.yaml", manifest("a", "t", ""));
    desk.write_file("file", "");
    let args = ["validate", "a.yaml", "--report=junit=file/x", "--report=json=there"];
    let said = desk.run_pipectl(&args);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(desk.temp_dir.path().join("there").exists());
}

#[test]
fn unknown_report_format_or_key_is_a_usage_error() {
    let desk = WorkDir::new();
    desk.write_file("a.yaml", manifest("a", "t", ""));
    for args in [
        ["validate", "a.yaml", "--report", "nope=x"],
        ["validate", "a.yaml", "--report", "markdown"],
        ["validate", "a.yaml", "--report", "gitlab-terraform=x"],
        ["validate", "a.yaml", "--report-key", "a--><b>"],
    ] {
        assert_eq!(desk.run_pipectl(&args).code, 64, "{args:?}");
    }
}
