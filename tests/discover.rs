//! Columns from a source, into a file that otherwise stays as it is.

use std::fs;

use crate::support::cli::{Desk, Said};
use sandbox::{Effect, Field, ServiceState};
use serde_json::json;

const PIPE: &str = "# mine\r\napiVersion: pipectl/v1\r\nkind: ClickPipe\r\nmetadata: {name: 'clicks', service: analytics}\r\nspec:\r\n  source:\r\n    kinesis: {format: JSONEachRow, streamName: clicks, region: eu-west-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/x'}\r\n  destination:\r\n    database: default\r\n    table: clicks # the table\r\n    managedTable: false";

/// A pipe from Kafka, which needs a secret.
fn kafka(name: &str, destination: &str) -> String {
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

fn discover(desk: &Desk, more: &[&str]) -> Said {
    let said = desk.run_with(&[&["discover", "--sandbox"], more].concat(), &SECRET);
    assert!(!said.all().contains("canary"), "{}", said.all());
    said
}

fn read(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.folder.path().join(name)).unwrap()
}

/// A folder whose sandbox knows these fields of a topic.
fn desk_with(topic: &str, fields: &[(&str, &str, bool)]) -> Desk {
    let desk = Desk::new();
    assert_eq!(desk.run(&["status", "--sandbox"]).code, 0);
    let fields = fields.iter().map(|(name, kind, optional)| Field {
        name: (*name).to_owned(),
        r#type: (*kind).to_owned(),
        optional: *optional,
    });
    desk.world(|world| world.set_fields(topic, fields.collect()));
    desk
}

#[test]
fn columns_are_printed_and_written_and_then_the_manifest_is_sound() {
    let desk = Desk::new();
    let file = desk.write("clicks.yaml", PIPE);
    let said = discover(&desk, &["clicks.yaml"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stdout.starts_with("columns:\n  - {name: id, type: UInt64}\n"), "{}", said.stdout);
    assert_eq!(fs::read_to_string(&file).unwrap(), PIPE, "nothing is written unasked");

    let said = discover(&desk, &["clicks.yaml", "--write"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let text = fs::read_to_string(&file).unwrap();
    let rest = text.strip_prefix(PIPE).unwrap();
    assert!(rest.starts_with("\r\n    columns:\r\n      - {name: id"), "{rest:?}");
    let plan = desk.run(&["plan", "clicks.yaml", "--sandbox"]);
    assert!(plan.stdout.contains("Plan: 1 to create"), "{}", plan.all());

    let again = discover(&desk, &["clicks.yaml", "--write"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    let forced = discover(&desk, &["clicks.yaml", "--write", "--force"]);
    assert_eq!(forced.code, 0);
    assert!(forced.stderr.contains("declares these columns already"), "{}", forced.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn json_says_what_was_found_and_whether_it_was_written() {
    let desk = desk_with("orders", &[("id", "UInt64", false), ("note", "String", true)]);
    desk.write("orders.yaml", kafka("orders", "{table: orders, managedTable: false}"));
    let columns = json!([
        {"name": "id", "type": "UInt64"},
        {"name": "note", "type": "Nullable(String)"},
    ]);
    for (more, written) in [(None, false), (Some("--write"), true)] {
        let args: Vec<&str> = ["orders.yaml", "-o", "json"].into_iter().chain(more).collect();
        let json = discover(&desk, &args).json();
        let result = &json["result"];
        assert_eq!((&json["kind"], &json["outcome"]), (&json!("Discovery"), &json!("found")));
        assert_eq!(result["pipe"], "analytics/orders");
        assert_eq!(result["file"], "orders.yaml");
        assert_eq!((&result["columns"], &result["written"]), (&columns, &json!(written)));
    }
    let refused = discover(&desk, &["orders.yaml", "-o", "json", "--write"]);
    assert_eq!((refused.code, &refused.json()["outcome"]), (1, &json!("error")));
}

#[test]
fn fields_that_cannot_be_columns_are_renamed_and_mapped() {
    let desk =
        desk_with("orders", &[("user.id", "UInt64", false), ("tags", "Array(String)", true)]);
    let other = kafka("other", "{table: other}");
    let text = format!("{other}---\n{}---\n{other}", kafka("orders", "# of orders\n    table: t"));
    let text =
        text.replacen("name: other", "name: last", 2).replacen("name: last", "name: other", 1);
    desk.write("all.yaml", &text);
    let which = discover(&desk, &["all.yaml", "--write"]);
    assert_eq!(which.code, 64, "{}", which.all());
    assert!(
        which.stderr.contains("there are analytics/other, analytics/orders"),
        "{}",
        which.stderr
    );

    let said = discover(&desk, &["all.yaml", "analytics/orders", "--write"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let columns = "
    columns:
      - {name: user_id, type: UInt64}
      - {name: tags, type: Array(String)}
  fieldMappings:
    - {sourceField: \"user.id\", destinationField: user_id}
    - {sourceField: tags, destinationField: tags}
";
    assert_eq!(
        read(&desk, "all.yaml"),
        text.replace("    table: t\n", &format!("    table: t{columns}"))
    );
    let added: Vec<&str> = said.stdout.lines().filter(|line| line.starts_with('+')).collect();
    assert_eq!(added.len(), 7, "{}", said.stdout);
}

#[test]
fn a_pipe_is_found_among_the_manifests_of_the_project() {
    let desk = Desk::new();
    desk.write("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes/]\n");
    desk.write("pipes/orders.yaml", kafka("orders", "{}"));
    desk.write("pipes/broken.yaml", "kind: [");
    for target in ["analytics/orders", "orders"] {
        let said = discover(&desk, &[target]);
        assert_eq!(said.code, 0, "{}", said.all());
    }
    let said = discover(&desk, &["analytics/nobody"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("there are analytics/orders"), "{}", said.stderr);
    assert_eq!(discover(&desk, &["orders", "clicks"]).code, 64);
    assert_eq!(discover(&desk, &[]).code, 64);
}

#[test]
fn what_stands_elsewhere_is_not_written_and_the_reason_is_told() {
    for (destination, reason) in [
        ("{table: t, <<: {columns: [{name: a, type: String}]}}", "comes from a merge key"),
        ("{x: &c [{name: a, type: String}], columns: *c}", "is an alias"),
        (
            "{table: t, columns: &c [{name: a, type: String}]}\n  settings: {additional: {x: *c}}",
            "more than the columns",
        ),
    ] {
        let desk = Desk::new();
        let text = kafka("orders", destination);
        desk.write("orders.yaml", &text);
        let said = discover(&desk, &["orders.yaml", "--write", "--force"]);
        assert_eq!(said.code, 1, "{destination}: {}", said.all());
        assert!(said.stderr.contains("nothing was written"), "{destination}: {}", said.stderr);
        assert!(said.stderr.contains(reason), "{destination}: {}", said.stderr);
        assert_eq!(read(&desk, "orders.yaml"), text);
    }
}

#[test]
fn a_source_that_cannot_be_read_is_told() {
    let desk = Desk::new();
    desk.write("clicks.yaml", PIPE.replace("streamName: clicks", "streamName: no-such-stream"));
    let said = discover(&desk, &["clicks.yaml"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("no-such-stream"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: "), "{}", said.stderr);
    let request = desk.world(|world| world.journal().last().unwrap().request_id.clone());
    assert!(said.stderr.contains(&request), "{request}: {}", said.stderr);

    desk.world(|world| world.set_fields("clicks", Vec::new()));
    desk.write("clicks.yaml", PIPE);
    let empty = discover(&desk, &["clicks.yaml", "--write"]);
    assert!(empty.stderr.contains("found no field"), "{}", empty.all());
    assert_eq!(read(&desk, "clicks.yaml"), PIPE);
}

#[test]
fn every_source_but_a_database_can_be_looked_into() {
    let desk = Desk::new();
    let examples = Desk::examples();
    let database = examples.join("postgres.yaml").display().to_string();
    let said = desk.run(&["discover", &database, "--sandbox"]);
    assert!(said.stderr.contains("declares no columns"), "{}", said.all());
    for source in ["kafka", "kinesis", "s3", "gcs", "pubsub"] {
        let file = examples.join(format!("{source}.yaml")).display().to_string();
        let said = desk.run(&["discover", &file, "--sandbox"]);
        assert_eq!(said.code, 0, "{source}: {}", said.all());
    }
}

#[test]
fn a_service_that_sleeps_is_woken_for_object_storage_if_that_is_wanted() {
    let desk = Desk::new();
    let text = fs::read_to_string(Desk::examples().join("s3.yaml")).unwrap();
    desk.write("s3.yaml", text);
    desk.write("sandbox.env", fs::read(Desk::examples().join("sandbox.env")).unwrap());
    assert_eq!(discover(&desk, &["s3.yaml"]).code, 0);
    desk.world(|world| world.set_service_state("lake", ServiceState::Idle));
    let asleep = discover(&desk, &["s3.yaml"]);
    assert_eq!(asleep.code, 1, "{}", asleep.all());
    assert!(asleep.stderr.contains("--wake"), "{}", asleep.stderr);
    let woken = discover(&desk, &["s3.yaml", "--wake"]);
    assert_eq!(woken.code, 0, "{}", woken.all());
    desk.world(|world| world.set_service_state("lake", ServiceState::Stopped));
    let stopped = discover(&desk, &["s3.yaml", "--wake"]);
    assert_eq!(stopped.code, 1, "{}", stopped.all());
    assert!(stopped.stderr.contains("stopped on purpose"), "{}", stopped.stderr);
}

#[test]
fn a_secret_goes_to_the_api_and_nowhere_else() {
    let desk = Desk::new();
    desk.write("orders.yaml", kafka("orders", "{table: t}"));
    for format in ["text", "json"] {
        let args = ["orders.yaml", "-v", "-o", format];
        assert_eq!(discover(&desk, &args).code, 0);
        desk.world(|world| world.faults().once("POST", "*/schemaDiscovery", Effect::Repeated));
        let said = discover(&desk, &args);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.all().contains("[redacted]"), "the answer repeats it: {}", said.all());
    }
    assert!(!read(&desk, ".pipectl/sandbox.json").contains("canary"));
    let missing = desk.run(&["discover", "orders.yaml", "--sandbox"]);
    assert!(
        missing.stderr.contains("environment variable PASSWORD is not set"),
        "{}",
        missing.all()
    );
}

#[test]
fn a_secret_may_come_from_a_program_that_the_project_allows() {
    let desk = Desk::new();
    let text =
        kafka("orders", "{}").replace("{fromEnv: PASSWORD}", "{fromCommand: [/bin/echo, x]}");
    desk.write("orders.yaml", text);
    assert_eq!(discover(&desk, &["orders.yaml"]).code, 1);
    let policy = "policy: {secretCommands: [/bin/echo]}\n";
    desk.write("pipectl.yaml", format!("apiVersion: pipectl/v1\nkind: Project\n{policy}"));
    let said = discover(&desk, &["orders.yaml"]);
    assert_eq!(said.code, 0, "{}", said.all());
}

#[test]
fn nothing_is_written_to_standard_input() {
    let desk = Desk::new();
    let run = |args: &[&str]| desk.run_reading(args, &SECRET, &kafka("orders", "{}"));
    assert_eq!(run(&["discover", "-", "--sandbox"]).code, 0);
    let said = run(&["discover", "-", "--sandbox", "--write"]);
    assert!(said.stderr.contains("needs a file"), "{}", said.all());
}

#[cfg(unix)]
#[test]
fn the_file_stays_the_same_file() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let desk = Desk::new();
    let real = desk.write("real/orders.yaml", kafka("orders", "{}"));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let link = desk.folder.path().join("link.yaml");
    symlink("real/orders.yaml", &link).unwrap();
    assert_eq!(discover(&desk, &["link.yaml", "--write"]).code, 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(read(&desk, "real/orders.yaml").contains("columns"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(real.parent().unwrap()).unwrap().count(), 1);

    fs::write(&real, kafka("orders", "{}")).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o440)).unwrap();
    let said = discover(&desk, &["link.yaml", "--write"]);
    assert!(said.stderr.contains("read-only"), "{}", said.all());
    assert_eq!(read(&desk, "real/orders.yaml"), kafka("orders", "{}"));
}
