//! A secret that somebody wrote into a file is not printed, whatever way it takes and whatever else is wrong on its
//! line.

use crate::support::cli::{RunOutput, WorkDir};

const CANARY: &str = "Zk7canaryQ9x";

/// Every command and format that reads manifests and prints.
const COMMANDS: [&[&str]; 9] = [
    &["validate", "m"],
    &["validate", "m", "-o", "json"],
    &["validate", "m", "--report=sarif=r", "--report=codequality=q", "--report=junit=j", "--report=github=g"],
    &["plan", "m", "--sandbox"],
    &["plan", "m", "--sandbox", "--diff", "-vv"],
    &["plan", "m", "--sandbox", "-o", "json"],
    &["plan", "m", "--sandbox", "-o", "markdown", "--report=html=h"],
    &["render", "m"],
    &["render", "m", "-o", "json"],
];

/// The template `t`, which takes a password from its user.
const TEMPLATE: &str = r#"apiVersion: pipectl/v1
kind: Template
metadata: {name: t}
parameters: {pw: {}, topic: {default: t}}
spec:
  source: {kafka: {type: confluent, brokers: "b:9092", topics: "${with.topic}", format: JSONEachRow, authentication: PLAIN, credentials: {username: a, password: "${with.pw}"}}}
  destination: {database: default, table: a, managedTable: true, tableDefinition: {engine: {type: MergeTree}, sortingKey: [id]}, columns: [{name: id, type: UInt64}]}
"#;

fn user(name: &str, spec: &str) -> String {
    format!("apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: {name}, service: analytics}}\nspec: {spec}\n")
}

/// A Kafka pipe with these words in its source.
fn kafka_pipe(more: &str) -> String {
    user(
        "k",
        &format!(
            "\n  source:\n    kafka: {{type: confluent, topics: t, format: JSONEachRow, authentication: PLAIN, {more}}}\n  destination: {{database: default, table: a, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}, sortingKey: [id]}}, columns: [{{name: id, type: UInt64}}]}}"
        ),
    )
}

const SIGN_IN: &str = "credentials: {username: a, password: {fromEnv: KP}}";

/// Writes each document into a file of its own, runs every command, each of which fails, and returns what `validate`
/// says.
fn assert_refused_without_printing(documents: &[&str]) -> RunOutput {
    let folder = WorkDir::new();
    for (number, document) in documents.iter().enumerate() {
        folder.write_file(&format!("m/{number}.yaml"), document);
    }
    for command in COMMANDS {
        let said = folder.run_with_env(command, &[("KP", "x")]);
        assert_eq!(said.code, 1, "{command:?} {documents:#?}: {}", said.all_output());
        assert!(!said.all_output().contains(CANARY), "{command:?}: {}", said.all_output());
        for report in ["r", "q", "j", "g", "h"] {
            let text = std::fs::read_to_string(folder.temp_dir.path().join(report)).unwrap_or_default();
            assert!(!text.contains(CANARY), "{command:?} {report}: {text}");
        }
    }
    folder.run_pipectl(&["validate", "m"])
}

/// The same, if each document but the template, which is the first, has a mistake that is quoted.
fn assert_each_refused_without_printing(documents: &[String]) {
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let said = assert_refused_without_printing(&documents);
    for number in 1..documents.len() {
        assert!(said.stderr.contains(&format!("--> m/{number}.yaml:")), "{number}: {}", said.stderr);
    }
}

fn literal_places(said: &RunOutput) -> Vec<&str> {
    let mut places = Vec::new();
    let mut lines = said.stderr.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("error[literal-secret]") {
            places.extend(lines.next().and_then(|place| place.trim().strip_prefix("--> ")));
        }
    }
    places
}

#[test]
fn literal_of_a_user_is_reported_at_its_own_place() {
    let one = user("b", &format!("{{template: t, with: {{pw: {CANARY}}}}}"));
    let other = user("c", &format!("{{template: t, with: {{pw: {CANARY}2}}}}"));
    let entries = format!(
        "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: \"${{each.name}}\", service: analytics}}\nforEach:\n  - {{name: d, pw: {CANARY}}}\n  - {{name: e, pw: {CANARY}}}\nspec: {{template: t, with: {{pw: \"${{each.pw}}\"}}}}\n"
    );
    let said = assert_refused_without_printing(&[TEMPLATE, &one, &other, &entries]);
    assert_eq!(literal_places(&said), ["m/1.yaml:4:32", "m/2.yaml:4:32", "m/3.yaml:5:19", "m/3.yaml:6:19"]);
    assert!(said.stderr.contains("{pw: {fromEnv: B_PASSWORD}"), "{}", said.stderr);
    let said = assert_refused_without_printing(&[TEMPLATE, &user("b", "{template: t, with: {}}")]);
    assert!(said.stderr.contains("missing-parameter") && literal_places(&said).is_empty(), "{}", said.stderr);
    // The default of a parameter is at fault itself.
    let template = TEMPLATE.replace("pw: {}", &format!("pw: {{default: {CANARY}}}"));
    let said = assert_refused_without_printing(&[&template, &user("b", "{template: t}")]);
    assert_eq!(literal_places(&said), ["m/0.yaml:4:28"]);
}

#[test]
fn reference_from_the_message_is_the_fix() {
    let folder = WorkDir::new();
    let pipe = user("b", "{template: t, with: {pw: {fromEnv: B_PASSWORD}}}");
    folder.write_file("m/m.yaml", [TEMPLATE, &pipe].join("---\n"));
    let said = folder.run_pipectl(&["validate", "m"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn line_with_a_literal_for_a_template_is_quoted_without_it() {
    let mut documents = vec![TEMPLATE.to_owned()];
    for spec in [
        "{template: t, with: {pw: CANARY, topik: x}}",
        "{template: t, with: {pwd: CANARY}}",
        "{template: t, with: {topic: [5], pw: CANARY}}",
        "{template: tt, with: {pw: CANARY}}",
        "{template: t, with: {pw: CANARY}, destinatoin: {}}",
        "{template: t, with: {pw: 'CANARY', topic: '${nope}'}}",
    ] {
        documents.push(user("b", &spec.replace("CANARY", CANARY)));
    }
    for entries in [
        "[{name: a, pw: CANARY}, {name: a, pw: CANARY}]",
        "[{nme: a, pw: CANARY}]",
        // An entry that is the secret, which no key says.
        "[CANARY, CANARY]",
    ] {
        let (name, pw) = if entries.starts_with("[C") { ("x", "name") } else { ("${each.name}", "pw") };
        documents.push(format!(
            "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: \"{name}\", service: analytics}}\nforEach: {}\nspec: {{template: t, with: {{pw: \"${{each.{pw}}}\"}}}}\n",
            entries.replace("CANARY", CANARY)
        ));
    }
    assert_each_refused_without_printing(&documents);
    let template = TEMPLATE.replace("pw: {}", &format!("pw: {{default: {CANARY}, typ: x}}"));
    assert_refused_without_printing(&[&template, &user("b", "{template: t}")]);
}

#[test]
fn value_of_an_unknown_field_of_credentials_is_not_quoted() {
    let mut documents = vec![TEMPLATE.to_owned()];
    for key in ["pass", "pwd", "key", "saslJaasConfig", "user"] {
        let flow = format!("brokers: \"b:9092\", credentials: {{username: a, {key}: {CANARY}}}");
        documents.push(kafka_pipe(&flow));
        let block = kafka_pipe("brokers: \"b:9092\"").replace(
            "kafka: {type: confluent, topics: t, format: JSONEachRow, authentication: PLAIN, brokers: \"b:9092\"}",
            &format!(
                "kafka:\n      type: confluent\n      credentials:\n        username: a\n        {key}: {CANARY}\n        password: {{fromEnv: KP}}"
            ),
        );
        documents.push(block);
    }
    assert_each_refused_without_printing(&documents);
}

#[test]
fn canary_pipe_is_valid_without_canary() {
    let folder = WorkDir::new();
    folder.write_file("m/m.yaml", kafka_pipe(&format!("brokers: \"b:9092\", {SIGN_IN}")));
    assert_eq!(folder.run_pipectl(&["validate", "m"]).code, 0);
}
