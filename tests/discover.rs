//! Columns from a source, into a file that otherwise stays as it is.

use std::fs;

use crate::support::cli::{RunOutput, WorkDir};
use sandbox::{FaultEffect, ServiceState, SourceField};
use serde_json::json;

const PIPE: &str = "# mine\r\napiVersion: pipectl/v1\r\nkind: ClickPipe\r\nmetadata: {name: 'clicks', service: analytics}\r\nspec:\r\n  source:\r\n    kinesis: {format: JSONEachRow, streamName: clicks, region: eu-west-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/x'}\r\n  destination:\r\n    database: default\r\n    table: clicks # the table\r\n    managedTable: false";

/// A pipe from Kafka, which needs a secret.
fn kafka_manifest(name: &str, destination: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: analytics}}
spec:
  source:
    kafka: {{type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: {name}, authentication: PLAIN, credentials: {{username: u, password: {{fromEnv: PASSWORD}}}}}}
  destination: {destination}
"
    )
}

const SECRET: [(&str, &str); 1] = [("PASSWORD", "canary-1")];

fn run_discover(desk: &WorkDir, more: &[&str]) -> RunOutput {
    let said = desk.run_with_env(&[&["discover", "--sandbox", "--yes"], more].concat(), &SECRET);
    assert!(!said.all_output().contains("canary"), "{}", said.all_output());
    said
}

fn read_file(desk: &WorkDir, name: &str) -> String {
    fs::read_to_string(desk.temp_dir.path().join(name)).unwrap()
}

/// A folder whose sandbox knows these fields of a topic.
fn dir_with_topic(topic: &str, fields: &[(&str, &str, bool)]) -> WorkDir {
    let desk = WorkDir::new();
    assert_eq!(desk.run_pipectl(&["status", "--sandbox"]).code, 0);
    let fields = fields.iter().map(|(name, kind, optional)| SourceField {
        name: (*name).to_owned(),
        r#type: (*kind).to_owned(),
        optional: *optional,
    });
    desk.edit_world(|world| world.set_source_fields(topic, fields.collect()));
    desk
}

#[test]
fn discover_prints_columns_and_writes_them_on_request() {
    let desk = WorkDir::new();
    let file = desk.write_file("clicks.yaml", PIPE);
    let said = run_discover(&desk, &["clicks.yaml"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stdout.starts_with("columns:\n  - {name: id, type: UInt64}\n"), "{}", said.stdout);
    assert_eq!(fs::read_to_string(&file).unwrap(), PIPE, "nothing is written unasked");

    let said = run_discover(&desk, &["clicks.yaml", "--write"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let text = fs::read_to_string(&file).unwrap();
    let rest = text.strip_prefix(PIPE).unwrap();
    assert!(rest.starts_with("\r\n    columns:\r\n      - {name: id"), "{rest:?}");
    let plan = desk.run_pipectl(&["plan", "clicks.yaml", "--sandbox"]);
    assert!(plan.stdout.contains("Plan: 1 to create"), "{}", plan.all_output());

    let again = run_discover(&desk, &["clicks.yaml", "--write"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    let forced = run_discover(&desk, &["clicks.yaml", "--write", "--force"]);
    assert_eq!(forced.code, 0);
    assert!(forced.stderr.contains("declares these columns already"), "{}", forced.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn source_of_a_template_in_another_file_is_discovered() {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [shared, pipes]\n");
    let template = kafka_manifest("x", "{database: default, table: clicks, managedTable: false}")
        .replace("kind: ClickPipe", "kind: Template")
        .replace("metadata: {name: x, service: analytics}", "metadata: {name: events}\nparameters: {topic: {}}")
        .replace("topics: x", "topics: '${with.topic}'");
    desk.write_file("shared/templates.yaml", template);
    let pipe = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: clicks, service: analytics}\nspec:\n  \
                template: events\n  with: {topic: clicks}\n  destination:\n    roles: []\n";
    desk.write_file("pipes/clicks.yaml", pipe);
    for target in ["pipes/clicks.yaml", "analytics/clicks"] {
        let said = run_discover(&desk, &[target]);
        assert!(said.code == 0 && said.stdout.starts_with("columns:\n"), "{target}: {}", said.all_output());
    }
    let said = run_discover(&desk, &["analytics/clicks", "--write"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(read_file(&desk, "pipes/clicks.yaml").starts_with(&format!("{pipe}    columns:\n")));
    assert_eq!(desk.run_pipectl(&["validate"]).code, 0);
}

#[test]
fn discover_json_contains_columns_and_written_flag() {
    let desk = dir_with_topic("orders", &[("id", "UInt64", false), ("note", "String", true)]);
    desk.write_file("orders.yaml", kafka_manifest("orders", "{table: orders, managedTable: false}"));
    let columns = json!([
        {"name": "id", "type": "UInt64"},
        {"name": "note", "type": "Nullable(String)"},
    ]);
    for (more, written) in [(None, false), (Some("--write"), true)] {
        let args: Vec<&str> = ["orders.yaml", "-o", "json"].into_iter().chain(more).collect();
        let json = run_discover(&desk, &args).stdout_json();
        let result = &json["result"];
        assert_eq!((&json["kind"], &json["outcome"]), (&json!("Discovery"), &json!("found")));
        assert_eq!(result["pipe"], "analytics/orders");
        assert_eq!(result["file"], "orders.yaml");
        assert_eq!((&result["columns"], &result["written"]), (&columns, &json!(written)));
    }
    let refused = run_discover(&desk, &["orders.yaml", "-o", "json", "--write"]);
    assert_eq!((refused.code, &refused.stdout_json()["outcome"]), (1, &json!("error")));
}

#[test]
fn discover_renames_fields_and_adds_field_mappings() {
    let desk = dir_with_topic("orders", &[("user.id", "UInt64", false), ("tags", "Array(String)", true)]);
    let other = kafka_manifest("other", "{table: other}");
    let text = format!("{other}---\n{}---\n{other}", kafka_manifest("orders", "# of orders\n    table: t"));
    let text = text.replacen("name: other", "name: last", 2).replacen("name: last", "name: other", 1);
    desk.write_file("all.yaml", &text);
    let which = run_discover(&desk, &["all.yaml", "--write"]);
    assert_eq!(which.code, 64, "{}", which.all_output());
    assert!(which.stderr.contains("available: analytics/other, analytics/orders"), "{}", which.stderr);

    let said = run_discover(&desk, &["all.yaml", "analytics/orders", "--write"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let columns = "
    columns:
      - {name: user_id, type: UInt64}
      - {name: tags, type: Array(String)}
  fieldMappings:
    - {sourceField: \"user.id\", destinationField: user_id}
    - {sourceField: tags, destinationField: tags}
";
    assert_eq!(read_file(&desk, "all.yaml"), text.replace("    table: t\n", &format!("    table: t{columns}")));
    let added: Vec<&str> = said.stdout.lines().filter(|line| line.starts_with('+')).collect();
    assert_eq!(added.len(), 7, "{}", said.stdout);
}

#[test]
fn discover_finds_the_pipe_in_project_manifests() {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes/]\n");
    desk.write_file("pipes/orders.yaml", kafka_manifest("orders", "{}"));
    desk.write_file("pipes/broken.yaml", "kind: [");
    for target in ["analytics/orders", "orders"] {
        let said = run_discover(&desk, &[target]);
        assert_eq!(said.code, 0, "{}", said.all_output());
    }
    let said = run_discover(&desk, &["analytics/nobody"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("available: analytics/orders"), "{}", said.stderr);
    assert_eq!(run_discover(&desk, &["orders", "clicks"]).code, 64);
    assert_eq!(run_discover(&desk, &[]).code, 64);
}

#[test]
fn discover_does_not_edit_aliases_or_merge_keys() {
    for (destination, reason) in [
        ("{table: t, <<: {columns: [{name: a, type: String}]}}", "comes from a merge key"),
        ("{x: &c [{name: a, type: String}], columns: *c}", "is an alias"),
        (
            "{table: t, columns: &c [{name: a, type: String}]}\n  settings: {additional: {x: *c}}",
            "more than the columns",
        ),
    ] {
        let desk = WorkDir::new();
        let text = kafka_manifest("orders", destination);
        desk.write_file("orders.yaml", &text);
        let said = run_discover(&desk, &["orders.yaml", "--write", "--force"]);
        assert_eq!(said.code, 1, "{destination}: {}", said.all_output());
        assert!(said.stderr.contains("nothing was written"), "{destination}: {}", said.stderr);
        assert!(said.stderr.contains(reason), "{destination}: {}", said.stderr);
        assert_eq!(read_file(&desk, "orders.yaml"), text);
    }
}

#[test]
fn discover_reports_an_unreadable_source() {
    let desk = WorkDir::new();
    desk.write_file("clicks.yaml", PIPE.replace("streamName: clicks", "streamName: no-such-stream"));
    let said = run_discover(&desk, &["clicks.yaml"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("no-such-stream"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: "), "{}", said.stderr);
    let request = desk.edit_world(|world| world.request_log().last().unwrap().request_id.clone());
    assert!(said.stderr.contains(&request), "{request}: {}", said.stderr);

    desk.edit_world(|world| world.set_source_fields("clicks", Vec::new()));
    desk.write_file("clicks.yaml", PIPE);
    let empty = run_discover(&desk, &["clicks.yaml", "--write"]);
    assert!(empty.stderr.contains("found no field"), "{}", empty.all_output());
    assert_eq!(read_file(&desk, "clicks.yaml"), PIPE);
}

#[test]
fn discover_works_for_every_source_but_databases() {
    let desk = WorkDir::new();
    let examples = WorkDir::examples_dir();
    for database in ["postgres", "mysql", "mongodb", "bigquery"] {
        let file = examples.join(format!("{database}.yaml")).display().to_string();
        let said = desk.run_pipectl(&["discover", &file, "--sandbox", "--yes"]);
        assert!(said.stderr.contains("declares no columns"), "{database}: {}", said.all_output());
    }
    for source in ["kafka", "kinesis", "s3", "gcs", "azure-blob", "pubsub"] {
        let file = examples.join(format!("{source}.yaml")).display().to_string();
        let said = desk.run_pipectl(&["discover", &file, "--sandbox", "--yes"]);
        assert_eq!(said.code, 0, "{source}: {}", said.all_output());
    }
}

#[test]
fn discover_wakes_an_idle_service_only_with_wake_flag() {
    let desk = WorkDir::new();
    let text = fs::read_to_string(WorkDir::examples_dir().join("s3.yaml")).unwrap();
    desk.write_file("s3.yaml", text);
    desk.write_file("sandbox.env", fs::read(WorkDir::examples_dir().join("sandbox.env")).unwrap());
    assert_eq!(run_discover(&desk, &["s3.yaml"]).code, 0);
    desk.edit_world(|world| world.set_service_state("lake", ServiceState::Idle));
    let asleep = run_discover(&desk, &["s3.yaml"]);
    assert_eq!(asleep.code, 1, "{}", asleep.all_output());
    assert!(asleep.stderr.contains("--wake"), "{}", asleep.stderr);
    let woken = run_discover(&desk, &["s3.yaml", "--wake"]);
    assert_eq!(woken.code, 0, "{}", woken.all_output());
    desk.edit_world(|world| world.set_service_state("lake", ServiceState::Stopped));
    let stopped = run_discover(&desk, &["s3.yaml", "--wake"]);
    assert_eq!(stopped.code, 1, "{}", stopped.all_output());
    assert!(stopped.stderr.contains("somebody stopped the service"), "{}", stopped.stderr);
}

#[test]
fn discover_never_prints_or_stores_secrets() {
    let desk = WorkDir::new();
    desk.write_file("orders.yaml", kafka_manifest("orders", "{table: t}"));
    for format in ["text", "json"] {
        let args = ["orders.yaml", "-v", "-o", format];
        assert_eq!(run_discover(&desk, &args).code, 0);
        desk.edit_world(|world| world.fault_script().add_once("POST", "*/schemaDiscovery", FaultEffect::Repeated));
        let said = run_discover(&desk, &args);
        assert_eq!(said.code, 1, "{}", said.all_output());
        assert!(said.all_output().contains("[redacted]"), "the answer repeats it: {}", said.all_output());
    }
    assert!(!read_file(&desk, ".pipectl/sandbox.json").contains("canary"));
    let missing = desk.run_pipectl(&["discover", "orders.yaml", "--sandbox", "--yes"]);
    assert!(missing.stderr.contains("environment variable PASSWORD is not set"), "{}", missing.all_output());
}

#[test]
fn discover_runs_secret_commands_the_project_allows() {
    let desk = WorkDir::new();
    let text = kafka_manifest("orders", "{}").replace("{fromEnv: PASSWORD}", "{fromCommand: [/bin/echo, x]}");
    desk.write_file("orders.yaml", text);
    assert_eq!(run_discover(&desk, &["orders.yaml"]).code, 1);
    let policy = "policy: {secretCommands: [/bin/echo]}\n";
    desk.write_file("pipectl.yaml", format!("apiVersion: pipectl/v1\nkind: Project\n{policy}"));
    let said = run_discover(&desk, &["orders.yaml"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn discover_cannot_write_to_standard_input() {
    let desk = WorkDir::new();
    let run = |args: &[&str]| desk.run_with_stdin(args, &SECRET, &kafka_manifest("orders", "{}"));
    assert_eq!(run(&["discover", "-", "--sandbox", "--yes"]).code, 0);
    let said = run(&["discover", "-", "--sandbox", "--yes", "--write"]);
    assert!(said.stderr.contains("needs a file"), "{}", said.all_output());
}

#[cfg(unix)]
#[test]
fn discover_keeps_symlink_and_file_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let desk = WorkDir::new();
    let real = desk.write_file("real/orders.yaml", kafka_manifest("orders", "{}"));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let link = desk.temp_dir.path().join("link.yaml");
    symlink("real/orders.yaml", &link).unwrap();
    assert_eq!(run_discover(&desk, &["link.yaml", "--write"]).code, 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(read_file(&desk, "real/orders.yaml").contains("columns"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(real.parent().unwrap()).unwrap().count(), 1);

    fs::write(&real, kafka_manifest("orders", "{}")).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o440)).unwrap();
    let said = run_discover(&desk, &["link.yaml", "--write"]);
    assert!(said.stderr.contains("read-only"), "{}", said.all_output());
    assert_eq!(read_file(&desk, "real/orders.yaml"), kafka_manifest("orders", "{}"));
}

#[test]
fn discover_asks_before_it_sends_a_secret() {
    let desk = dir_with_topic("orders", &[("id", "int", false)]);
    let destination = "{database: default, table: orders, managedTable: false}";
    desk.write_file("orders.yaml", kafka_manifest("orders", destination));
    let requests = desk.request_log().len();
    let said = desk.run_with_env(&["discover", "--sandbox", "orders.yaml"], &SECRET);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("discover sends PASSWORD to b:9092"), "{}", said.stderr);
    assert!(said.stderr.contains("pass --yes"), "{}", said.stderr);
    assert_eq!(desk.request_log().len(), requests);
    desk.write_file(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\npolicy: {secrets: {'*': [b.corp.example]}}\n",
    );
    let said = run_discover(&desk, &["orders.yaml"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("it would send `PASSWORD` to `b:9092`"), "{}", said.stderr);
    assert_eq!(desk.request_log().len(), requests);
}
