//! `pipectl export --group`: live pipes that look alike share a template, and a plan right after shows no change.

use std::collections::BTreeMap;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::test_repo::kinesis_manifest;
use serde_json::Value;

const ODD_TOPICS: [&str; 4] = ["${each.name}", "a: 'b' #c", "$${with.x}", "\"quoted\" \\{}"];

fn kafka_manifest(name: &str, topic: &str, table: &str, replicas: u32) -> String {
    let quoted = |text: &str| Value::from(text.replace("${", "$${")).to_string();
    let (name, topic) = (quoted(name), quoted(topic));
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: analytics}}
spec:
  source:
    kafka: {{type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: {topic}, authentication: PLAIN, credentials: \
         {{username: u, password: {{fromEnv: P}}}}}}
  destination: {{database: default, table: {table}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, \
         columns: [{{name: id, type: UInt64}}]}}
  scaling: {{replicas: {replicas}}}
"
    )
}

fn mongodb_manifest(name: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: analytics}}
spec:
  source:
    mongodb: {{uri: 'mongodb://{name}.example.com', readPreference: primary, settings: {{replicationMode: cdc}}, \
         tableMappings: [{{sourceDatabaseName: d, sourceCollection: {name}, targetTable: {name}}}]}}
  destination: {{database: default}}
"
    )
}

/// Three groups, and pipes that fit none: with another field, with too few of its source.
fn mixed_pipes() -> String {
    let mut all: Vec<String> = ["views", "orders", "clicks"].map(|it| kinesis_manifest(it, "", "")).to_vec();
    let odd = ODD_TOPICS.iter().enumerate();
    all.extend(
        odd.map(|(at, topic)| kafka_manifest(&format!("k-{topic}"), topic, &format!("t{at}"), 1 + u32::from(at == 2))),
    );
    all.extend(["users", "carts", "items"].map(mongodb_manifest));
    all.push(kinesis_manifest("zero", "", "  settings: {streaming_max_insert_wait_ms: 5000}"));
    all.join("---\n")
}

fn dir_with_live_pipes(manifests: &str) -> WorkDir {
    let dir = WorkDir::new();
    dir.write_file("made.yaml", manifests);
    let applied = dir.run_with_env(&["apply", "made.yaml", "--sandbox", "--yes"], &[("P", "s3cr3t")]);
    assert_eq!(applied.code, 0, "{}", applied.all_output());
    dir
}

fn run_successfully(dir: &WorkDir, args: &[&str]) -> RunOutput {
    let run = dir.run_pipectl(args);
    assert_eq!(run.code, 0, "{args:?}: {}", run.all_output());
    run
}

/// The documents of `pipectl render` by name.
fn rendered_manifests(dir: &WorkDir, path: &str) -> BTreeMap<String, Value> {
    let rendered = run_successfully(dir, &["render", path, "-o", "json"]).stdout_json();
    let manifests = rendered["result"]["manifests"].as_array().unwrap().iter().map(|it| it["manifest"].clone());
    manifests.map(|it| (it["metadata"]["name"].to_string(), it)).collect()
}

/// A document without the names of the variables for secrets, which a group shares.
fn without_variable_names(mut document: Value) -> Value {
    fn hide(value: &mut Value) {
        if let Some(name) = value.get_mut("fromEnv") {
            *name = Value::Null;
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(hide),
            Value::Object(fields) => fields.values_mut().for_each(hide),
            _ => {}
        }
    }
    hide(&mut document);
    document
}

#[test]
fn grouped_export_plans_no_change_and_renders_to_the_plain_one() {
    let dir = dir_with_live_pipes(&mixed_pipes());
    let exported = run_successfully(&dir, &["export", "--sandbox", "--group", "--out", "pipes"]);
    assert!(exported.stderr.contains("10 of them share 3 templates"), "{}", exported.stderr);
    for file in ["analytics-kafka", "analytics-kinesis", "analytics-mongodb", "zero"] {
        assert!(dir.temp_dir.path().join(format!("pipes/analytics/{file}.yaml")).is_file(), "{file}");
    }
    let validated = run_successfully(&dir, &["validate", "pipes"]);
    assert!(!validated.all_output().contains("warning"), "{}", validated.all_output());
    run_successfully(&dir, &["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    run_successfully(&dir, &["export", "--sandbox", "--out", "plain"]);
    run_successfully(&dir, &["plan", "plain", "--sandbox", "--detailed-exitcode"]);
    let hidden =
        |path: &str| rendered_manifests(&dir, path).into_values().map(without_variable_names).collect::<Vec<_>>();
    assert_eq!(hidden("pipes"), hidden("plain"));
    let digest = |path: &str| {
        let plan = run_successfully(&dir, &["plan", path, "--sandbox", "-o", "json"]).stdout_json();
        plan["digest"].as_str().expect("a digest").to_owned()
    };
    assert_eq!(digest("pipes"), digest("plain"));
}

#[test]
fn grouped_export_reads_like_hand_written() {
    let dir = dir_with_live_pipes(&mixed_pipes());
    let printed = run_successfully(&dir, &["export", "--sandbox", "--group"]);
    insta::assert_snapshot!(printed.stdout);
    let note = "note: template analytics-kafka: its 4 objects share ANALYTICS_KAFKA_PASSWORD, ANALYTICS_KAFKA_USERNAME";
    assert!(printed.stderr.contains(note), "{}", printed.stderr);
    assert_eq!(run_successfully(&dir, &["export", "--sandbox", "--group"]).stdout, printed.stdout);
    let json = run_successfully(&dir, &["export", "--sandbox", "--group", "-o", "json"]).stdout_json();
    assert_eq!(json["result"]["groups"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["result"]["manifests"].as_array().map(Vec::len), Some(12));
    dir.write_file("all.yaml", &printed.stdout);
    run_successfully(&dir, &["plan", "all.yaml", "--sandbox", "--detailed-exitcode"]);
}

#[test]
fn changed_template_of_an_export_changes_its_pipes() {
    let dir = dir_with_live_pipes(&mixed_pipes());
    run_successfully(&dir, &["export", "--sandbox", "--group", "--out", "pipes", "--layout", "service"]);
    let file = dir.temp_dir.path().join("pipes/analytics.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    dir.write_file("pipes/analytics.yaml", text.replacen("iteratorType: LATEST", "iteratorType: TRIM_HORIZON", 1));
    let plan = run_successfully(&dir, &["plan", "pipes", "--sandbox"]);
    assert_eq!(plan.stdout.matches("must be replaced").count(), 3, "{}", plan.all_output());
}

#[test]
fn only_what_is_not_declared_is_grouped() {
    let dir = dir_with_live_pipes(&mixed_pipes());
    let export = ["export", "--sandbox", "--group", "--out", "pipes"];
    run_successfully(&dir, &export);
    let again = run_successfully(&dir, &export);
    assert!(
        again.stderr.contains("skipped analytics/views: already declared at pipes/analytics/analytics-kinesis.yaml")
    );
    let more: Vec<String> = ["a1", "a2", "a3"].map(|it| kinesis_manifest(it, "", "")).to_vec();
    dir.write_file("more.yaml", more.join("---\n"));
    let applied = dir.run_with_env(&["apply", "more.yaml", "--sandbox", "--yes"], &[("P", "s3cr3t")]);
    assert_eq!(applied.code, 0, "{}", applied.all_output());
    let third = run_successfully(&dir, &export);
    assert!(third.stderr.contains("wrote pipes/analytics/analytics-kinesis-2.yaml"), "{}", third.stderr);
    run_successfully(&dir, &["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    for other in [["--force", "--out=pipes"], ["--from=terraform", "state.json"]] {
        assert_eq!(dir.run_pipectl(&[&["export", "--sandbox", "--group"], &other[..]].concat()).code, 64);
    }
}
