//! Columns from a source, into a file that otherwise stays as it is.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

mod support;

use std::fs;

use support::cli::{Desk, Said};

const PIPE: &str = "# mine\r\napiVersion: pipectl/v1\r\nkind: ClickPipe\r\nmetadata: {name: 'clicks', service: analytics}\r\nspec:\r\n  source:\r\n    kinesis: {format: JSONEachRow, streamName: clicks, region: eu-west-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/x'}\r\n  destination:\r\n    database: default\r\n    table: clicks # the table\r\n    managedTable: false";

fn discover(desk: &Desk, more: &[&str]) -> Said {
    desk.run(&[&["discover", "clicks.yaml", "--sandbox"], more].concat())
}

#[test]
fn columns_are_printed_and_written_and_then_the_manifest_is_sound() {
    let desk = Desk::new();
    let file = desk.write("clicks.yaml", PIPE);
    let said = discover(&desk, &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stdout.starts_with("columns:\n  - {name: id, type: UInt64}\n"), "{}", said.stdout);
    assert_eq!(fs::read_to_string(&file).unwrap(), PIPE, "nothing is written unasked");

    let json = discover(&desk, &["-o", "json"]).json();
    assert_eq!(json["result"]["columns"][0]["name"], "id");
    let said = discover(&desk, &["--write"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let text = fs::read_to_string(&file).unwrap();
    let rest = text.strip_prefix(PIPE).unwrap();
    assert!(rest.starts_with("\r\n    columns:\r\n      - {name: id"), "{rest:?}");
    let plan = desk.run(&["plan", "clicks.yaml", "--sandbox"]);
    assert!(plan.stdout.contains("Plan: 1 to create"), "{}", plan.all());

    let again = discover(&desk, &["--write"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    assert_eq!(discover(&desk, &["--write", "--force"]).code, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_source_that_cannot_be_read_is_told() {
    let desk = Desk::new();
    desk.write("clicks.yaml", PIPE.replace("streamName: clicks", "streamName: no-such-stream"));
    let said = discover(&desk, &[]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("no-such-stream"), "{}", said.stderr);
    let examples = Desk::examples();
    let database = examples.join("postgres.yaml").display().to_string();
    let said = desk.run(&["discover", &database, "--sandbox"]);
    assert!(said.stderr.contains("declares no columns"), "{}", said.all());
    for source in ["kafka", "kinesis", "s3", "pubsub"] {
        let file = examples.join(format!("{source}.yaml")).display().to_string();
        let said = desk.run(&["discover", &file, "--sandbox"]);
        assert_eq!(said.code, 0, "{source}: {}", said.all());
    }
}
