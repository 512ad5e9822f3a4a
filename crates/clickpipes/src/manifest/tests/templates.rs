//! Templates and `forEach`: what they come to.

use std::fmt::Write;

use insta::assert_snapshot;
use serde_json::json;

use super::{ParsedManifests, load_all, load_with, render_diagnostics};
use crate::manifest::identify_manifests;
use model::diagnostic::SourceFile;
use model::path::FieldPath;

pub(super) const TEMPLATE: &str = r#"apiVersion: pipectl/v1
kind: Template
metadata: {name: prod-kafka}
parameters:
  topic: {}
  table: {type: string}
  replicas: {type: integer, default: 1}
spec:
  source:
    kafka:
      type: confluent
      brokers: ${brokers}
      topics: "${with.topic}"
      format: JSONEachRow
      authentication: PLAIN
      credentials: {username: ingest, password: {fromEnv: KAFKA_PASSWORD}}
  destination:
    database: default
    table: raw_${with.table}
    managedTable: true
    tableDefinition: {engine: {type: MergeTree}}
    columns: [{name: id, type: UInt64}]
  scaling: {replicas: "${with.replicas}", replicaCpuMillicores: 250}
"#;

pub(super) const PIPES: &str = r#"apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: "${each.name}-kafka", service: s, labels: {topic: "${each.topic}"}}
forEach:
  - {name: orders, topic: orders_v2}
  - name: clicks
    topic: clicks
spec:
  template: prod-kafka
  with: {topic: "${each.topic}", table: "${each.name}"}
  destination:
    columns: [{name: id, type: UInt64}, {name: at, type: DateTime}]
"#;

pub(super) const VARIABLES: &[(&str, &str)] = &[("brokers", "kafka.example.com:9092"), ("size", "3")];

pub(super) fn load(pipes: &str) -> ParsedManifests {
    load_with(&[("templates.yaml", TEMPLATE), ("pipes.yaml", pipes)], VARIABLES)
}

pub(super) fn problems(pipes: &str) -> String {
    render_diagnostics(&load(pipes).diagnostics)
}

#[test]
fn each_entry_is_a_manifest_with_the_fields_of_its_template() {
    let ParsedManifests { manifests, diagnostics } = load(PIPES);
    assert_eq!(diagnostics, []);
    let names: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    assert_eq!(names, ["orders-kafka", "clicks-kafka"]);
    assert_eq!(manifests[0].document.intent.labels["topic"], "orders_v2");
    let expected = json!({
        "name": "orders-kafka",
        "source": {"kafka": {
            "type": "confluent",
            "brokers": "kafka.example.com:9092",
            "topics": "orders_v2",
            "format": "JSONEachRow",
            "authentication": "PLAIN",
            "credentials": {"username": "ingest", "password": {"fromEnv": "KAFKA_PASSWORD"}},
        }},
        "destination": {
            "database": "default",
            "table": "raw_orders",
            "managedTable": true,
            "tableDefinition": {"engine": {"type": "MergeTree"}},
            "columns": [{"name": "id", "type": "UInt64"}, {"name": "at", "type": "DateTime"}],
        },
        "scaling": {"replicas": 1, "replicaCpuMillicores": 250},
    });
    assert_eq!(*manifests[0].document.body, expected);
}

#[test]
fn each_field_has_the_place_where_its_value_is_written() {
    let manifests = load(PIPES).manifests;
    let mut places = String::new();
    for manifest in &manifests {
        let origin = &manifest.document.origin;
        writeln!(places, "{} {}", manifest.name, origin.start_place()).expect("a string takes it");
        for field in ["name", "source.kafka", "source.kafka.brokers", "source.kafka.topics", "destination.table"] {
            writeln!(places, "  {field} {}", origin.field_place(&FieldPath::parse(field))).expect("likewise");
        }
        for field in ["destination", "destination.columns", "destination.columns.1.type", "scaling.replicas"] {
            writeln!(places, "  {field} {}", origin.field_place(&FieldPath::parse(field))).expect("likewise");
        }
    }
    assert_snapshot!(places, @"
    orders-kafka pipes.yaml:5:6
      name pipes.yaml:3:12
      source.kafka templates.yaml:10:5
      source.kafka.brokers templates.yaml:12:7
      source.kafka.topics pipes.yaml:5:27
      destination.table templates.yaml:19:5
      destination pipes.yaml:11:3
      destination.columns pipes.yaml:12:5
      destination.columns.1.type pipes.yaml:12:52
      scaling.replicas templates.yaml:7:38
    clicks-kafka pipes.yaml:6:5
      name pipes.yaml:3:12
      source.kafka templates.yaml:10:5
      source.kafka.brokers templates.yaml:12:7
      source.kafka.topics pipes.yaml:7:12
      destination.table templates.yaml:19:5
      destination pipes.yaml:11:3
      destination.columns pipes.yaml:12:5
      destination.columns.1.type pipes.yaml:12:52
      scaling.replicas templates.yaml:7:38
    ");
    let template = manifests[0].document.origin.template().expect("it has one");
    let place = |field: &str| manifests[0].document.origin.field_place(&FieldPath::parse(field));
    assert_eq!((template.name.as_str(), template.start.line, template.last_line), ("prod-kafka", 1, 23));
    assert!(template.contains(&place("source.kafka.brokers")) && !template.contains(&place("destination.columns")));
}

#[test]
fn order_of_files_does_not_matter() {
    let forth = load(PIPES);
    let back = load_with(&[("pipes.yaml", PIPES), ("templates.yaml", TEMPLATE)], VARIABLES);
    assert_eq!(forth, back);
}

#[test]
fn names_are_entries_and_null_takes_a_field_out() {
    let pipes =
        PIPES.replace("  - {name: orders, topic: orders_v2}\n  - name: clicks\n    topic: clicks\n", "  [a, 'b']\n");
    let pipes = pipes.replace("${each.topic}", "${each.name}") + "  scaling: null\n";
    let ParsedManifests { manifests, diagnostics } = load(&pipes);
    assert_eq!(render_diagnostics(&diagnostics), "");
    let bodies: Vec<_> =
        manifests.iter().map(|it| (&it.document.body["name"], it.document.body.get("scaling"))).collect();
    assert_eq!(bodies, [(&json!("a-kafka"), None), (&json!("b-kafka"), None)]);
}

#[test]
fn reference_to_a_secret_is_replaced_whole() {
    let pipes = PIPES.to_owned() + "  source: {kafka: {credentials: {password: {fromFile: key.txt}}}}\n";
    let body = &load(&pipes).manifests[0].document.body;
    let expected = json!({"username": "ingest", "password": {"fromFile": "key.txt"}});
    assert_eq!(body["source"]["kafka"]["credentials"], expected);
}

#[test]
fn parameters_have_types_and_defaults() {
    let scaled = |with: &str| {
        let pipes = PIPES.replace("table: \"${each.name}\"}", &format!("table: \"${{each.name}}\", {with}}}"));
        let loaded = load(&pipes);
        let value = loaded.manifests.first().map(|it| it.document.body["scaling"]["replicas"].clone());
        value.map_or_else(|| render_diagnostics(&loaded.diagnostics), |value| value.to_string())
    };
    assert_eq!(scaled("replicas: 2"), "2");
    assert_eq!(scaled("replicas: '${size}'"), "3");
    assert_snapshot!(scaled("replicas: many"), @"
    pipes.yaml:10:67 error[wrong-type] spec.with.replicas: the parameter `replicas` takes a whole number
        templates.yaml:7:3: declared here
    ");
    assert_snapshot!(scaled("replicas: [2]"), @"
    pipes.yaml:10:68 error[wrong-type] spec.with.replicas: the parameter `replicas` takes a whole number
        templates.yaml:7:3: declared here
    ");
    assert_snapshot!(scaled("topic: 7"), @"
    pipes.yaml:10:57 error[yaml-duplicate-key] : duplicate key `topic`
        pipes.yaml:10:10: first defined here
        help: remove one of the two; this one was not read
    ");
}

#[test]
fn literal_secret_in_a_parameter_is_an_error_that_does_not_quote_it() {
    let template = TEMPLATE.replace("{fromEnv: KAFKA_PASSWORD}", "\"${with.table}\"");
    let loaded = load_with(&[("templates.yaml", &template), ("pipes.yaml", PIPES)], VARIABLES);
    let shown = render_diagnostics(&loaded.diagnostics);
    for place in ["pipes.yaml:5:12", "pipes.yaml:6:11"] {
        assert!(shown.contains(&format!("{place} error[literal-secret]")), "{shown}");
    }
    assert_eq!(shown.matches("templates.yaml:16:49: used here").count(), 2, "{shown}");
}

/// The name is wrong, and no secret is written. A text with more than a name may be one.
#[test]
fn misspelt_name_of_a_secret_is_no_literal() {
    let mut all = String::new();
    for (title, text, value, (first, second)) in [
        ("no entry", "${with.login}", "${each.login}", ("logn", "logn")),
        ("one entry", "${with.login}", "${each.login}", ("login", "logn")),
        ("template", "${with.logn}", "${each.login}", ("login", "login")),
        ("more than a name", "pa${with.logn}", "${each.login}", ("login", "login")),
        ("variable of the environment", "${with.login}", "${logn}", ("login", "login")),
    ] {
        let template = TEMPLATE.replace("{fromEnv: KAFKA_PASSWORD}", &format!("\"{text}\""));
        let template = template.replace("parameters:\n", "parameters:\n  login: {}\n");
        let pipes = PIPES.replace("with: {", &format!("with: {{login: \"{value}\", "));
        let pipes = pipes.replace("{name: orders,", &format!("{{name: orders, {first}: {{fromEnv: A}},"));
        let pipes = pipes.replace("name: clicks\n", &format!("name: clicks\n    {second}: {{fromEnv: B}}\n"));
        let loaded = load_with(&[("templates.yaml", &template), ("pipes.yaml", &pipes)], VARIABLES);
        writeln!(all, "# {title}\n{}", render_diagnostics(&loaded.diagnostics)).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # no entry
    pipes.yaml:11:17 error[unknown-variable] : no entry of `forEach` has `login`
        help: did you mean `${each.logn}`?

    # one entry
    pipes.yaml:6:5 error[unknown-variable] : this entry of `forEach` has no `login`
        pipes.yaml:11:17: used here
        help: did you mean `logn`?

    # template
    templates.yaml:17:49 error[unknown-variable] : this template has no parameter `logn`
        pipes.yaml:10:13: the template is used here
        help: did you mean `${with.login}`?

    # more than a name
    templates.yaml:17:49 error[literal-secret] spec.source.kafka.credentials.password: a secret is written as a reference, never as its value
        pipes.yaml:10:13: the template is used here
        help: write `{fromEnv: ORDERS_KAFKA_PASSWORD}`; if the file left this machine, change the secret
    templates.yaml:17:49 error[unknown-variable] : this template has no parameter `logn`
        help: did you mean `${with.login}`?

    # variable of the environment
    pipes.yaml:11:17 error[unknown-variable] : there is no variable `logn` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    ");
}

#[test]
fn template_of_somebody_else_is_no_template() {
    let foreign = "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {name: prod-kafka}\n";
    let loaded = load_all(&[("foreign.yaml", foreign)]);
    assert_eq!(loaded.diagnostics[0].code, "not-a-manifest");
}

#[test]
fn identity_needs_no_template_and_knows_no_protection_without_it() {
    let file = SourceFile { name: "pipes.yaml".into(), text: PIPES.into() };
    let found = identify_manifests(&file, &std::collections::BTreeMap::new());
    let read: Vec<_> = found.manifests.iter().map(|it| (it.manifest.name.as_str(), it.has_template_fields)).collect();
    assert_eq!(read, [("orders-kafka", false), ("clicks-kafka", false)]);
    assert!(!found.has_unidentified);
}

#[test]
fn hostile_documents_are_refused_within_bounds() {
    let list = |count: usize| (0..count).map(|at| format!("n{at}")).collect::<Vec<_>>().join(", ");
    let pipes = |entries: &str| {
        format!(
            "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: \"${{each.name}}\"}}\nforEach: {entries}\nspec: {{a: [{}]}}\n",
            list(400)
        )
    };
    let codes = |text: &str| {
        let loaded = load_all(&[("p.yaml", text)]);
        assert!(loaded.manifests.is_empty());
        loaded.diagnostics.iter().map(|it| it.code).collect::<std::collections::BTreeSet<_>>()
    };
    // A list of many entries, and one that multiplies itself.
    assert!(codes(&pipes(&format!("[{}]", list(100_000)))).contains("yaml-too-large"));
    let bomb = "[&a [x, x, x, x, x, x, x, x, x, x], &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a], &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b], &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c], &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d], [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]]";
    assert!(codes(&pipes(bomb)).contains("yaml-too-large"));
    // An entry that is used many times.
    let uses = vec!["\"${each.big}\""; 2000].join(", ");
    let many = format!(
        "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: x}}\nforEach: [{{big: [{}]}}]\nspec: {{a: [{uses}]}}\n",
        list(2000)
    );
    assert!(codes(&many).contains("yaml-too-large"));
    // Values that use themselves, and a nesting that no limit of the reader sees.
    let cyclic =
        "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: x}\nforEach: [{name: '${each.name}'}]\nspec: {}\n";
    assert!(codes(cyclic).contains("unknown-variable"));
    let deep = format!("{}x{}", "[".repeat(60), "]".repeat(60));
    let nested = format!(
        "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: x}}\nforEach: [{{deep: {deep}}}]\nspec: {{a: {{b: {{c: [[[['${{each.deep}}']]]]}}}}}}\n"
    );
    assert!(codes(&nested).contains("yaml-depth"));
}

#[test]
fn template_of_a_field_that_all_kinds_have_is_one_of_pipes() {
    let template = "apiVersion: pipectl/v1\nkind: Template\nmetadata: {name: t}\nspec: {state: stopped}\n";
    let parsed = load_all(&[("t.yaml", template)]);
    assert!(parsed.diagnostics.is_empty(), "{}", render_diagnostics(&parsed.diagnostics));
}
