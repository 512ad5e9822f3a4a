//! Rules of the project in CEL: what `validate` says about manifests.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::cli::WorkDir;
use crate::support::pipes::kinesis_pipe;
use crate::templates::{PIPES, TEMPLATE};

fn project_with_rules(rules: &str) -> String {
    format!(
        "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments: {{dev: {{}}, prod: {{}}}}\npolicy:\n  rules:\n{rules}"
    )
}

const TEAM_RULE: &str = "  - name: team-label
    deny: '!has(labels.team)'
    message: 'add `metadata.labels.team` to {{ manifest.metadata.name }}'
";

fn desk_with(rules: &str, pipe: &str) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", project_with_rules(rules));
    desk.write_file("pipes/clicks.yaml", pipe);
    desk
}

fn pipe_with_metadata(metadata: &str) -> String {
    kinesis_pipe("clicks", "analytics").replace("name: clicks", &format!("name: clicks, {metadata}"))
}

#[test]
fn validate_refuses_a_manifest_that_violates_a_rule() {
    let desk = desk_with(TEAM_RULE, &kinesis_pipe("clicks", "analytics"));
    let refused = desk.run_pipectl(&["validate"]);
    assert_eq!(refused.code, 1);
    assert_snapshot!(refused.stderr, @"
    error[rule-violation]: the rule `team-label` forbids `clicks`: add `metadata.labels.team` to clicks
     --> pipes/clicks.yaml:1:1
      |
    1 | apiVersion: pipectl/v1
      | ^^^^^^^^^^^^^^^^^^^^^^
      |
    help: to except this manifest, add `pipectl/except: team-label` to `metadata.annotations`

    1 error
    For more about a code, try `pipectl explain rule-violation`.
    ");
    desk.write_file("pipes/clicks.yaml", pipe_with_metadata("labels: {team: data}"));
    assert_eq!(desk.run_pipectl(&["validate"]).code, 0);
}

#[test]
fn exception_is_a_warning_and_names_rules_that_exist() {
    let annotated = pipe_with_metadata("annotations: {pipectl/except: 'team-label, tem-label'}");
    let desk = desk_with(TEAM_RULE, &annotated);
    let said = desk.run_pipectl(&["validate"]);
    assert_eq!(said.code, 0);
    assert_snapshot!(said.stderr, @"
    warning[rule-violation]: the rule `team-label` forbids `clicks`: add `metadata.labels.team` to clicks
     --> pipes/clicks.yaml:1:1
      |
    1 | apiVersion: pipectl/v1
      | ^^^^^^^^^^^^^^^^^^^^^^
      |
    help: `pipectl/except` in `metadata.annotations` excepts this manifest

    warning[unknown-rule]: the project has no rule `tem-label`
     --> pipes/clicks.yaml:3:40
      |
    3 | metadata: {name: clicks, annotations: {pipectl/except: 'team-label, tem-label'}, service: analytics}
      |                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
    help: did you mean `team-label`?

    2 warnings
    ");
    // The manifests of `forEach` share their annotations.
    let shared = annotated.replace("name: clicks,", "name: 'clicks-${each.name}',");
    desk.write_file("pipes/clicks.yaml", shared.replace("metadata:", "forEach: [a, b]\nmetadata:"));
    let said = desk.run_pipectl(&["validate"]).stderr;
    assert_eq!(said.matches("the rule `team-label` forbids").count(), 2, "{said}");
    assert_eq!(said.matches("the project has no rule").count(), 1, "{said}");
    // An entry that writes the name has a mistake of its own.
    let entries = "forEach:\n- {name: a, except: tem-label}\n- {name: b, except: tem-label}\nmetadata:";
    let own = shared.replace("'team-label, tem-label'", "'${each.except}'");
    desk.write_file("pipes/clicks.yaml", own.replace("metadata:", entries));
    let said = desk.run_pipectl(&["validate"]).stderr;
    let at = |line| format!("the project has no rule `tem-label`\n --> pipes/clicks.yaml:{line}:21");
    assert!(said.contains(&at(4)) && said.contains(&at(5)), "{said}");
}

#[test]
fn rules_of_the_environment_and_of_the_project_hold_together() {
    let desk = desk_with(TEAM_RULE, &kinesis_pipe("clicks", "analytics"));
    let own = "{name: never, level: warning, deny: \"environment == 'prod'\", message: not in prod}";
    let project = project_with_rules(TEAM_RULE).replace("prod: {}", &format!("prod: {{policy: {{rules: [{own}]}}}}"));
    desk.write_file("pipectl.yaml", project);
    for (environment, expected) in [("dev", &["team-label"][..]), ("prod", &["never", "team-label"])] {
        let said = desk.run_pipectl(&["validate", "-e", environment, "-o", "json"]).stdout_json();
        let found = said["result"]["diagnostics"].as_array().unwrap().iter();
        let mut names: Vec<&str> = found.map(|it| it["rule"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, expected);
    }
}

#[test]
fn mistake_in_a_rule_is_reported_at_its_place() {
    let desk = desk_with(
        "  - {name: a, deny: \"manifest.kind == 'ClickPipe' && lables.team == ''\", message: m}\n",
        &kinesis_pipe("clicks", "analytics"),
    );
    let said = desk.run_pipectl(&["validate"]);
    assert_eq!(said.code, 1);
    assert_snapshot!(said.stderr, @r#"
    error[bad-rule]: there is no variable `lables`
     --> pipectl.yaml:7:54
      |
    7 |   - {name: a, deny: "manifest.kind == 'ClickPipe' && lables.team == ''", message: m}
      |                                                      ^^^^^^^^^^^^^^^^^
      |
    help: did you mean `labels`?

    1 error
    For more about a code, try `pipectl explain bad-rule`.
    error: pipectl.yaml has errors: correct them first, nothing else was read
    "#);
}

#[test]
fn rule_that_cannot_be_evaluated_is_reported_once_at_the_rule() {
    let desk =
        desk_with("  - {name: sizes, deny: \"labels.size > 1\", message: m}\n", &kinesis_pipe("clicks", "analytics"));
    desk.write_file("pipes/views.yaml", kinesis_pipe("views", "analytics"));
    let said = desk.run_pipectl(&["validate"]);
    assert_eq!(said.code, 1);
    assert_snapshot!(said.stderr.split("\n\n").next().unwrap_or_default(), @r#"
    error[rule-failed]: the rule `sizes` cannot be evaluated for 2 manifests: `deny`: there is no `size`; test with `has(….size)` or `'size' in …` first
     --> pipectl.yaml:7:26
      |
    7 |   - {name: sizes, deny: "labels.size > 1", message: m}
      |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
    note: the first manifest (pipes/clicks.yaml:1:1)
    help: correct the rule; to except a manifest, add `pipectl/except: sizes` to `metadata.annotations`
    "#);
    assert_eq!(said.stderr.matches("error[rule-failed]").count(), 1, "{}", said.stderr);
}

#[test]
fn mistakes_of_the_schema_do_not_hide_those_of_rules() {
    let desk = desk_with(
        "  - {name: a, deny: \"lables.team == ''\", message: m, levl: error}\n",
        &kinesis_pipe("clicks", "analytics"),
    );
    let said = desk.run_pipectl(&["validate"]);
    assert!(said.stderr.contains("[unknown-field]") && said.stderr.contains("[bad-rule]"), "{}", said.stderr);
    desk.write_file("pipectl.yaml", "{\n");
    let said = desk.run_pipectl(&["validate"]);
    assert!(said.stderr.contains("[yaml-syntax]") && !said.stderr.contains("[project-documents]"), "{}", said.stderr);
}

#[test]
fn time_of_rules_is_a_flag() {
    let friday = "  - {name: friday, deny: \"now.weekday == 'Friday'\", message: not on a Friday}\n";
    let desk = desk_with(friday, &kinesis_pipe("clicks", "analytics"));
    assert_eq!(desk.run_pipectl(&["validate", "--now", "2026-11-27T12:00:00Z"]).code, 1);
    assert_eq!(desk.run_pipectl(&["validate", "--now", "2026-11-28T12:00:00Z"]).code, 0);
}

#[test]
fn report_has_the_rule_as_its_id() {
    let desk = desk_with(TEAM_RULE, &kinesis_pipe("clicks", "analytics"));
    let said = desk.run_pipectl(&["validate", "--report", "sarif=rules.sarif"]);
    assert_eq!(said.code, 1);
    let text = std::fs::read_to_string(desk.temp_dir.path().join("rules.sarif")).unwrap();
    let log: Value = serde_json::from_str(&text).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["results"][0]["ruleId"], "team-label");
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "team-label");
}

#[test]
fn violation_in_a_template_or_a_default_names_each_manifest() {
    let desk = WorkDir::new();
    let no_region =
        "  - name: region\n    deny: manifest.spec.source.kinesis.region == 'us-east-1'\n    message: not there\n";
    let few = "  - name: few\n    deny: manifest.spec.scaling.replicas > 2\n    message: too many\n";
    let project = project_with_rules(&format!("{no_region}{few}")).replace(
        "dev: {}",
        "dev: {defaults: {ClickPipe: {spec: {scaling: {replicas: 4, replicaCpuMillicores: 250, replicaMemoryGb: 1}}}}}",
    );
    desk.write_file("pipectl.yaml", project);
    desk.write_file("pipes/all.yaml", TEMPLATE.split("  scaling").next().unwrap().to_owned() + "---\n" + PIPES);
    let refused = desk.run_pipectl(&["validate", "-e", "dev", "-o", "json", "--report", "sarif=found.json"]);
    let found = refused.stdout_json()["result"]["diagnostics"].as_array().cloned().unwrap();
    let lines = found.iter().map(|it| {
        let text = |pointer: &str| it.pointer(pointer).unwrap().to_string().replace('"', "");
        let place = |at: &str| format!("{}:{}", text(&format!("{at}/file")), text(&format!("{at}/line")));
        let also = format!("{} ({})", text("/also/label"), place("/also/place"));
        format!("{}: {} at {}; {also}\n", text("/address/name"), text("/message"), place("/place"))
    });
    assert_snapshot!(lines.collect::<String>(), @"
    p-views: the rule `region` forbids `p-views`: not there at pipes/all.yaml:10; the template is used here (pipes/all.yaml:24)
    p-views: the rule `few` forbids `p-views`: too many at pipectl.yaml:4; the default is for this manifest (pipes/all.yaml:24)
    p-orders: the rule `region` forbids `p-orders`: not there at pipes/all.yaml:10; the template is used here (pipes/all.yaml:24)
    p-orders: the rule `few` forbids `p-orders`: too many at pipectl.yaml:4; the default is for this manifest (pipes/all.yaml:24)
    p-a${b: the rule `region` forbids `p-a${b`: not there at pipes/all.yaml:10; the template is used here (pipes/all.yaml:24)
    p-a${b: the rule `few` forbids `p-a${b`: too many at pipectl.yaml:4; the default is for this manifest (pipes/all.yaml:24)
    ");
    let sarif: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.temp_dir.path().join("found.json")).unwrap()).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let distinct: std::collections::BTreeSet<_> =
        results.iter().map(|it| it["partialFingerprints"].to_string()).collect();
    assert_eq!((distinct.len(), results.len()), (6, 6), "{sarif}");
}
