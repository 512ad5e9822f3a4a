//! The examples of docs/rules.md, taken out of the page: each lets one object through and refuses another one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::cli::WorkDir;
use crate::support::pipes::{kafka_manifest, postgres_manifest};
use crate::support::test_repo::kinesis_manifest;

const PAGE: &str = include_str!("../docs/rules.md");

/// What a rule judges.
struct Judged {
    environment: &'static str,
    now: &'static str,
    /// What is live; nothing, if it is empty.
    live: String,
    declared: String,
}

impl Judged {
    fn create(declared: String) -> Self {
        Self { environment: "prod", now: "2026-11-26T12:00:00Z", live: String::new(), declared }
    }

    fn change(declared: String) -> Self {
        Self { live: kinesis_manifest("clicks", "", ""), ..Self::create(declared) }
    }
}

fn clicks(metadata: &str, spec: &str) -> String {
    kinesis_manifest("clicks", metadata, spec)
}

fn kafka_with(source: &str) -> String {
    kafka_manifest("clicks", "clicks", source, "")
}

fn bucket(authentication: &str) -> String {
    let example = std::fs::read_to_string(WorkDir::examples_dir().join("s3.yaml")).unwrap();
    let (head, tail) = example.split_once("      authentication").unwrap();
    let tail = &tail[tail.find("  destination:").unwrap()..];
    format!("{head}{authentication}{tail}")
}

/// For each example what it lets through, and what it refuses.
fn judged_objects() -> BTreeMap<&'static str, [Judged; 2]> {
    let replaced = || clicks("", "").replace("streamName: clicks", "streamName: views");
    let key = "      authentication: IAM_USER\n      accessKey: {accessKeyId: AKIA, secretKey: {fromEnv: P}}\n";
    let host = |name: &str| postgres_manifest("shop", &["users"], "", "").replace("host: db", &format!("host: {name}"));
    let replicas = |count: u8| {
        let spec = format!("  scaling: {{replicas: {count}, replicaCpuMillicores: 125, replicaMemoryGb: 0.5}}");
        Judged { environment: "dev", ..Judged::create(clicks("", &spec)) }
    };
    let on = |now, declared| Judged { now, ..Judged::change(declared) };
    let in_dev = |judged| Judged { environment: "dev", ..judged };
    let (absent, stopped) = (clicks("", "  state: absent"), clicks("", "  state: stopped"));
    let into_own_table = clicks("", "")
        .replace("managedTable: true", "managedTable: false")
        .replace("    tableDefinition: {engine: {type: MergeTree}}\n", "");
    let team = "  labels: {team: data}";
    BTreeMap::from([
        ("team-label", [Judged::create(clicks(team, "")), Judged::create(clicks("", ""))]),
        ("lower-case-names", [Judged::create(clicks("", "")), Judged::create(kinesis_manifest("My Clicks", "", ""))]),
        ("few-replicas-in-dev", [replicas(2), replicas(3)]),
        ("no-replacement-on-fridays", [on("2026-11-26T12:00:00Z", replaced()), on("2026-11-27T12:00:00Z", replaced())]),
        ("no-delete-in-prod", [in_dev(Judged::change(absent.clone())), Judged::change(absent)]),
        ("no-stop-in-prod", [in_dev(Judged::change(stopped.clone())), Judged::change(stopped)]),
        ("secrets-stay-here", [Judged::create(host("db.example.com")), Judged::create(host("db.example.org"))]),
        ("no-public-bucket", [Judged::create(bucket(key)), Judged::create(bucket(""))]),
        (
            "tls-stays-on",
            [
                Judged::create(host("db")),
                Judged::create(postgres_manifest("shop", &["users"], "      disableTls: true", "")),
            ],
        ),
        (
            "table-of-the-team",
            [
                Judged::create(clicks(team, "").replace("table: clicks", "table: data_clicks")),
                Judged::create(clicks(team, "")),
            ],
        ),
        (
            "no-beginning-in-prod",
            [
                Judged::create(kafka_with("      offset: {strategy: from_latest}")),
                Judged::create(kafka_with("      offset: {strategy: from_beginning}")),
            ],
        ),
        (
            "named-consumer-group",
            [
                Judged::create(kafka_with("      consumerGroup: clickpipes-clicks")),
                Judged::create(kafka_with("      consumerGroup: mine")),
            ],
        ),
        (
            "destination-database",
            [
                Judged::create(clicks("", "").replace("database: default", "database: raw")),
                Judged::create(clicks("", "")),
            ],
        ),
        ("managed-tables", [Judged::create(clicks("", "")), Judged::create(into_own_table)]),
        (
            "new-receiver",
            [Judged::change(clicks("  labels: {team: data}", "  state: stopped")), Judged::create(host("db"))],
        ),
    ])
}

/// The rules of the page by their names.
fn rules_of_page() -> BTreeMap<&'static str, &'static str> {
    let (_, examples) = PAGE.split_once("## Examples").unwrap();
    let blocks = examples.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|rule| (rule.strip_prefix("- name: ").unwrap().lines().next().unwrap(), rule)).collect()
}

fn project_with(rule: &str) -> String {
    let rule = rule.lines().map(|line| format!("    {line}\n")).collect::<Vec<_>>().concat();
    let policy = if rule.is_empty() { String::new() } else { format!("policy:\n  rules:\n{rule}") };
    format!(
        "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments: {{dev: {{}}, prod: {{}}}}\n{policy}"
    )
}

/// What the rule says about the object in a plan.
fn findings_of_plan(rule: &str, judged: &Judged) -> Vec<Value> {
    let desk = WorkDir::new();
    let run = |words: &[&str]| {
        let words = [words, &["--sandbox=live.json", "-e", judged.environment]].concat();
        let said = desk.run_with_env(&words, &[("P", "secret")]);
        assert_eq!(said.code, 0, "{}\n{rule}\n{}", judged.declared, said.all_output());
        said
    };
    if !judged.live.is_empty() {
        desk.write_file("pipectl.yaml", project_with(""));
        desk.write_file("pipes/clicks.yaml", &judged.live);
        run(&["apply", "--yes"]);
    }
    desk.write_file("pipectl.yaml", project_with(rule));
    desk.write_file("pipes/clicks.yaml", &judged.declared);
    let plan = run(&["plan", "-o", "json", "--now", judged.now]).stdout_json();
    let changes = plan["result"]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{plan}");
    changes[0]["ruleFindings"].as_array().cloned().unwrap_or_default()
}

#[test]
fn each_example_lets_one_object_through_and_refuses_another_one() {
    let (rules, judged) = (rules_of_page(), judged_objects());
    let names = |names: Vec<&&'static str>| names.into_iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(names(rules.keys().collect()), names(judged.keys().collect()));
    for (name, [accepted, refused]) in &judged {
        let rule = rules[name];
        let found = findings_of_plan(rule, accepted);
        assert!(found.is_empty(), "{name}: {found:?}");
        let found = findings_of_plan(rule, refused);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0]["rule"], *name);
        assert_eq!(found[0]["isFailure"], Value::Null, "{name}: {found:?}");
    }
}

#[test]
fn no_text_evades_the_rule_about_hosts() {
    let judged = [
        (r#""db.example.com:9092, DB2.Example.com.""#, true),
        (r"'evil.org\.example.com'", false),
        (r#""evil.org/.example.com:9092""#, false),
        (r#""evil.org?.example.com""#, false),
        (r#""evil.org#.example.com""#, false),
        (r#""evil.org .example.com""#, false),
        (r#""evil.org\t.example.com""#, false),
        (r#""evil.org%2f.example.com""#, false),
        (r#""evil.org:1.example.com""#, false),
        (r#""me@evil.example.com:9092""#, false),
        (r#""[fe80::1%25.example.com]:9092""#, false),
        (r#""db.example.com:9092,evil.org:9092""#, false),
        (r#"{endpoint: "x.example.com"}"#, false),
    ];
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", project_with(rules_of_page()["secrets-stay-here"]));
    desk.write_file(
        "pipes/endpoint.yaml",
        "apiVersion: pipectl/v1\nkind: ReversePrivateEndpoint\nmetadata: {name: x.example.com, service: analytics}\n\
         spec: {type: MSK_MULTI_VPC, mskClusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/c/1', mskAuthentication: SASL_SCRAM}\n",
    );
    for (index, (brokers, _)) in judged.iter().enumerate() {
        let pipe = kafka_manifest(&format!("pipe-{index}"), "clicks", "", "");
        let pipe = pipe.replace("b:9092", brokers).replace("table: clicks", &format!("table: t{index}"));
        desk.write_file(&format!("pipes/{index}.yaml"), pipe);
    }
    let plan = desk.run_with_env(&["plan", "--sandbox=live.json", "-e", "prod", "-o", "json"], &[("P", "secret")]);
    let changes = plan.stdout_json()["result"]["changes"].as_array().cloned().unwrap();
    for (index, (brokers, is_allowed)) in judged.iter().enumerate() {
        let change = changes.iter().find(|it| it["address"]["name"] == format!("pipe-{index}")).unwrap();
        assert_eq!(change["ruleFindings"].is_null(), *is_allowed, "{brokers}: {change}");
    }
}
