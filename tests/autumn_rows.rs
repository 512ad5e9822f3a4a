//! The table of what moved in the API in autumn 2026, row by row: each new field and word validates, is created, plans to
//! nothing, is exported, and plans to nothing.

use clickpipes::docs::explain_field;
use model::path::FieldPath;
use sandbox::{
    EmulatedPipeState, KEY_ID, KEY_SECRET, ORGANIZATION, SandboxOptions, SandboxRequest, World, basic_authorization,
};
use serde_json::{Value, json};

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};

const SECRET: &str = "canary-5up3r-s3cr3t";

/// A row, the seed that has it, edits by path (null takes a field away), and the fields that it is about.
struct AutumnRow {
    name: &'static str,
    seed: &'static str,
    edits: Value,
    fields: &'static [&'static str],
    mark: Mark,
}

/// What the fields of a row are beyond fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Plain,
    /// Sent, never returned, in no export.
    WriteOnly,
    /// Known from commits of the provider only, and perhaps returned.
    Preview,
}

fn row(name: &'static str, seed: &'static str, edits: Value, fields: &'static [&'static str], mark: Mark) -> AutumnRow {
    AutumnRow { name, seed, edits, fields, mark }
}

fn rows_of_streams() -> Vec<AutumnRow> {
    let registry = json!({"url": "https://registry.example.com", "authentication": "PLAIN",
        "credentials": {"username": "u", "password": {"fromEnv": "SEED_SECRET"}}});
    let exact = json!({"spec.source.kafka.tombstoneMode": "delete", "spec.source.kafka.exactlyOnce": true});
    let soft = json!({"spec.source.kafka.tombstoneMode": "soft_delete"});
    let confluent = json!({"spec.source.kafka.protobufSchema": null, "spec.source.kafka.schemaRegistry": registry});
    let committed = json!({"spec.settings": {"kafka_read_committed": true}});
    let tunnel = &["source.kafka.sshKeyResourceId"];
    vec![
        row("3 tombstones that delete", "kafka-own-schema", exact, &["source.kafka.tombstoneMode"], Mark::Plain),
        row("3 tombstones that mark", "kafka-own-schema", soft, &["source.kafka.tombstoneMode"], Mark::Plain),
        row("4 Protobuf schema", "kafka-own-schema", json!({}), &["source.kafka.protobufSchema"], Mark::WriteOnly),
        row("5 Glue registry", "kafka-glue", json!({}), &["source.kafka.schemaRegistry.glueRegion"], Mark::Plain),
        row("6 Confluent registry", "kafka-own-schema", confluent, &["source.kafka.schemaRegistry.url"], Mark::Plain),
        row("7 Kinesis with a registry", "kinesis-glue", json!({}), &["source.kinesis.schemaRegistry"], Mark::Plain),
        row(
            "7 Kinesis with a schema",
            "kinesis-own-schema",
            json!({}),
            &["source.kinesis.protobufSchema"],
            Mark::WriteOnly,
        ),
        row("8 identity of gcmk", "gcmk-identity", json!({}), &["source.kafka.authentication"], Mark::Plain),
        row("8 identity of Pub/Sub", "pubsub-identity", json!({}), &["source.pubsub.authentication"], Mark::Plain),
        row("19 tunnel of Kafka", "kafka-own-schema", json!({}), tunnel, Mark::Preview),
        row("21 committed reads", "kafka-own-schema", committed, &["settings.kafka_read_committed"], Mark::Plain),
    ]
}

fn rows_of_files_and_tables() -> Vec<AutumnRow> {
    let bytes = |size: u64| json!({"spec.settings": {"object_storage_max_insert_bytes": size}});
    let size = &["settings.object_storage_max_insert_bytes"];
    let expressions = json!({"spec.destination.tableDefinition.sortingKey": ["id", "toDate(d)"]});
    let sorting = &["destination.tableDefinition.sortingKey"];
    vec![
        row("1 targets of DNS names", "vpc-resource-names", json!({}), &[], Mark::Plain),
        row("8 identity of GCS", "gcs-identity", json!({}), &["source.objectStorage.authentication"], Mark::Plain),
        row("12 table with a TTL", "kafka-glue", json!({}), &["destination.tableDefinition.ttl"], Mark::Plain),
        row("13 expressions of a sorting key", "kafka-glue", expressions, sorting, Mark::Plain),
        row("20 smallest batch", "gcs-identity", bytes(524_288_000), size, Mark::Plain),
        row("20 largest batch", "gcs-identity", bytes(10_737_418_240), size, Mark::Plain),
    ]
}

fn rows_of_databases() -> Vec<AutumnRow> {
    let partition = json!({"spec.source.mysql.tableMappings.0.partitionByExpr": "toYYYYMM(at)"});
    let mysql = |flavour: &str| json!({"spec.source.mysql.type": flavour, "spec.source.mysql.settings.replicationMechanism": null});
    let parallel = json!({"spec.source.mongodb.settings.initialLoadParallelism": 3});
    let snapshot = json!({
        "spec.source.bigquery.settings": {"replicationMode": "snapshot"},
        "spec.source.bigquery.tableMappings": [{"sourceDatasetName": "s", "sourceTable": "u", "targetTable": "bq_u"}],
    });
    let tunnel = |arm: &str| json!({format!("spec.source.{arm}.sshKeyResourceId"): "tunnel-1"});
    let identity = &["source.bigquery.authentication", "source.bigquery.projectId"];
    let changes = &[
        "source.bigquery.settings.replicationMethod",
        "source.bigquery.settings.syncIntervalSeconds",
        "source.bigquery.settings.queryCdcPullSyncParallelism",
        "source.bigquery.settings.syncDelaySeconds",
        "source.bigquery.settings.pullWindowSizeSeconds",
    ];
    vec![
        row("8 identity of BigQuery", "bigquery-changes", snapshot.clone(), identity, Mark::Plain),
        row(
            "14 partitions of MySQL",
            "mysql-cdc",
            partition,
            &["source.mysql.tableMappings.0.partitionByExpr"],
            Mark::Plain,
        ),
        row("15 MySQL of Cloud SQL", "mysql-cdc", mysql("cloudsqlmysql"), &["source.mysql.type"], Mark::Plain),
        row("15 MySQL of PlanetScale", "mysql-cdc", mysql("planetscalevitess"), &["source.mysql.type"], Mark::Plain),
        row(
            "16 parallel load of MongoDB",
            "mongodb-cdc",
            parallel,
            &["source.mongodb.settings.initialLoadParallelism"],
            Mark::Plain,
        ),
        row("17 project of BigQuery", "bigquery-changes", snapshot, identity, Mark::Plain),
        row("18 changes of BigQuery", "bigquery-changes", json!({}), changes, Mark::Preview),
        row(
            "19 tunnel of Postgres",
            "postgres-cdc",
            tunnel("postgres"),
            &["source.postgres.sshKeyResourceId"],
            Mark::Preview,
        ),
        row("19 tunnel of MySQL", "mysql-cdc", tunnel("mysql"), &["source.mysql.sshKeyResourceId"], Mark::Preview),
        row(
            "19 tunnel of MongoDB",
            "mongodb-cdc",
            tunnel("mongodb"),
            &["source.mongodb.sshKeyResourceId"],
            Mark::Preview,
        ),
    ]
}

fn edited(row: &AutumnRow) -> Value {
    let mut document = seed_named(row.seed);
    for (path, value) in row.edits.as_object().unwrap() {
        let path = FieldPath::parse(path);
        let around = format!("/{}", path.parent().unwrap().segments().join("/"));
        let object = document.pointer_mut(&around).unwrap_or_else(|| panic!("{}: {path}", row.name));
        let name = path.last_segment().unwrap();
        match value {
            Value::Null => drop(object.as_object_mut().unwrap().remove(name)),
            value => object[name] = value.clone(),
        }
    }
    document
}

fn run(desk: &WorkDir, args: &[&str]) -> RunOutput {
    desk.run_with_env(&[args, &["--sandbox"]].concat(), &[("SEED_SECRET", SECRET)])
}

fn expect(row: &str, code: i32, said: &RunOutput) {
    assert_eq!(said.code, code, "row {row}: {}", said.all_output());
    assert!(!said.all_output().contains(SECRET), "row {row}: {}", said.all_output());
}

fn exported_text(desk: &WorkDir) -> String {
    let folder = desk.temp_dir.path().join("exported/analytics");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    files.collect()
}

fn check_row(row: &AutumnRow) {
    let (document, desk) = (edited(row), WorkDir::new());
    desk.write_file("pipes.yaml", documents_to_yaml([&document]));
    let said = desk.run_pipectl(&["validate", "pipes.yaml"]);
    expect(row.name, 0, &said);
    for field in row.fields {
        let name = field.rsplit('.').next().unwrap();
        let has_note = said.stderr.contains(&format!("`{name}` is in preview"));
        assert_eq!(has_note, row.mark == Mark::Preview, "row {}: {field}: {}", row.name, said.stderr);
        let explained = explain_field(&field.replace(".0.", ".*.")).unwrap();
        assert_eq!(explained.preview, row.mark == Mark::Preview, "row {}: {field}", row.name);
    }
    expect(row.name, 0, &run(&desk, &["apply", "pipes.yaml", "--yes"]));
    expect(row.name, 0, &run(&desk, &["plan", "pipes.yaml", "--detailed-exitcode"]));
    check_sent_body(row, &document, &desk);
    expect(row.name, 0, &run(&desk, &["export", "--out", "exported"]));
    let text = exported_text(&desk);
    for field in row.fields {
        let name = field.rsplit('.').next().unwrap();
        let value = FieldPath::parse(field).value_in(&document["spec"]).and_then(Value::as_str).unwrap_or(name);
        match row.mark {
            Mark::Plain => assert!(text.contains(name), "row {}: {field} is not exported:\n{text}", row.name),
            // A reference, to be filled in.
            Mark::WriteOnly => assert!(!text.contains(value), "row {}: {field} is exported:\n{text}", row.name),
            // Perhaps it is returned.
            Mark::Preview => {}
        }
    }
    expect(row.name, 0, &run(&desk, &["plan", "exported", "--detailed-exitcode"]));
}

/// An API of July 2026 refuses the fields that are marked as newer, and pipectl's marks are those of the sandbox.
fn check_older_api(row: &AutumnRow, body: &Value) {
    let mut world = World::new(SandboxOptions { newer_fields: false, ..SandboxOptions::default() });
    let service = world.ensure_service("analytics");
    let response = world.handle_request(&SandboxRequest {
        method: "POST".to_owned(),
        path: format!("/v1/organizations/{ORGANIZATION}/services/{service}/clickpipes"),
        authorization: Some(basic_authorization(KEY_ID, KEY_SECRET)),
        body: body.to_string().into_bytes(),
    });
    let text = response.json_body()["error"].to_string();
    for field in row.fields {
        let explained = explain_field(&field.replace(".0.", ".*.")).unwrap();
        // The provider sends this setting since the summer.
        let is_newer = (explained.newer || explained.preview) && !field.ends_with("kafka_read_committed");
        let name = field.replace(".0.", "[0].");
        let is_unknown = text.split("; ").any(|complaint| {
            let (path, why) = complaint.rsplit_once(": unknown field").unwrap_or_default();
            !why.is_empty() && name.starts_with(path.rsplit(' ').next().unwrap_or(path).trim_start_matches('"'))
        });
        assert_eq!(is_unknown, is_newer, "row {}: {field}: {text}", row.name);
    }
}

/// Every field of the row was in the request that created the object.
fn check_sent_body(row: &AutumnRow, document: &Value, desk: &WorkDir) {
    let bodies: Vec<Value> = desk.edit_world(|world| {
        let sent = world.request_log().iter().filter(|entry| entry.method == "POST" && entry.status == 200);
        sent.map(|entry| json!(entry)["body"].clone()).collect()
    });
    assert_eq!(bodies.len(), 1, "row {}", row.name);
    if document["kind"] == "ClickPipe" {
        check_older_api(row, &bodies[0]);
    }
    for field in row.fields {
        let path = FieldPath::parse(field);
        let sent = path.value_in(&bodies[0]);
        assert!(sent.is_some(), "row {}: {field} was not sent: {}", row.name, bodies[0]);
        if row.mark != Mark::WriteOnly {
            assert_eq!(sent, path.value_in(&document["spec"]), "row {}: {field}", row.name);
        }
    }
}

#[test]
fn each_row_with_a_field_goes_from_manifest_to_export() {
    for row in rows_of_streams().into_iter().chain(rows_of_files_and_tables()).chain(rows_of_databases()) {
        check_row(&row);
    }
}

/// A create-only field in a PATCH is refused, changed or not.
#[test]
fn row_24_no_edit_sends_what_only_a_create_takes() {
    for (name, field, value) in [
        ("pubsub-latest", "/spec/source/pubsub/ackDeadline", json!(30)),
        ("kinesis-user", "/spec/destination/columns/0/type", json!("UInt32")),
        ("kafka-glue", "/spec/destination/columns/0/type", json!("UInt32")),
        ("gcs-key", "/spec/destination/columns/0/type", json!("UInt32")),
    ] {
        let (mut pipe, desk) = (seed_named(name), WorkDir::new());
        desk.write_file("pipes.yaml", documents_to_yaml([&pipe]));
        expect("24", 0, &run(&desk, &["apply", "pipes.yaml", "--yes"]));
        let options = SandboxOptions { refuse_create_only: true, ..SandboxOptions::default() };
        desk.edit_world(|world| world.set_options(options));
        let (around, last) = field.rsplit_once('/').unwrap();
        pipe.pointer_mut(around).unwrap()[last] = value;
        desk.write_file("pipes.yaml", documents_to_yaml([&pipe]));
        expect("24", 0, &run(&desk, &["apply", "pipes.yaml", "--yes"]));
        expect("24", 0, &run(&desk, &["plan", "pipes.yaml", "--detailed-exitcode"]));
        let was_edited = desk.request_log().iter().any(|(method, _, status)| method == "PATCH" && *status == 200);
        assert!(was_edited, "{name}");
    }
}

#[test]
fn row_25_pipe_that_is_being_deleted_does_not_match_its_manifest() {
    let (pipe, desk) = (seed_named("kinesis-user"), WorkDir::new());
    desk.write_file("pipes.yaml", documents_to_yaml([&pipe]));
    expect("25", 0, &run(&desk, &["apply", "pipes.yaml", "--yes"]));
    let posts = || desk.count_requests("POST");
    let before = posts();
    desk.edit_world(|world| world.set_pipe_state("analytics", "kinesis-user", EmulatedPipeState::Deleting));
    for (args, code) in [(&["plan", "pipes.yaml"][..], 0), (&["apply", "pipes.yaml", "--yes"], 5)] {
        let said = run(&desk, args);
        expect("25", code, &said);
        assert!(said.stdout.contains("it is being deleted: plan again when it is gone"), "{}", said.stdout);
    }
    assert_eq!(posts(), before);
    let exported = run(&desk, &["export", "--service", "analytics"]);
    assert!(exported.stderr.contains("kinesis-user is being deleted and is skipped"), "{}", exported.all_output());
    assert!(!exported.stdout.contains("kinesis-user"), "{}", exported.stdout);
    let absent = pipe.as_object().map(|it| {
        let mut absent = it.clone();
        absent["spec"] = json!({"state": "absent"});
        Value::Object(absent)
    });
    desk.write_file("pipes.yaml", documents_to_yaml(&absent));
    expect("25", 0, &run(&desk, &["apply", "pipes.yaml", "--yes"]));
}

/// Such as one whose materialised view failed for more than an hour.
#[test]
fn row_30_failed_pipe_is_started_again() {
    let (pipe, desk) = (seed_named("kinesis-user"), WorkDir::new());
    desk.write_file("pipes.yaml", documents_to_yaml([&pipe]));
    expect("30", 0, &run(&desk, &["apply", "pipes.yaml", "--yes"]));
    desk.edit_world(|world| assert!(world.set_pipe_state("analytics", "kinesis-user", EmulatedPipeState::Failed)));
    expect("30", 2, &run(&desk, &["plan", "pipes.yaml", "--detailed-exitcode"]));
    expect("30", 0, &run(&desk, &["apply", "pipes.yaml", "--yes"]));
    assert!(desk.request_log().iter().any(|(method, path, _)| method == "PATCH" && path.ends_with("/state")));
    expect("30", 0, &run(&desk, &["plan", "pipes.yaml", "--detailed-exitcode"]));
}

/// Rows that are no field: a file, and the test in it that has the row.
const OTHER_ROWS: &[(u32, &str, &str)] = &[
    (2, include_str!("masked_values.rs"), "masked_uri_is_neither_a_change_nor_sent"),
    (9, include_str!("autumn_2026.rs"), "key_is_switched_to_workload_identity_in_place"),
    (10, include_str!("doctor.rs"), "doctor_shows_the_identity_to_grant_at_google_cloud"),
    (11, include_str!("stopping.rs"), "stream_that_is_declared_stopped_is_created_paused"),
    (
        22,
        include_str!("../crates/clickpipes/tests/all/autumn_2026.rs"),
        "destination_says_what_the_newer_schema_asks_for",
    ),
    (23, include_str!("rule_pairs.rs"), "sandbox_grades_each_rule_as_validate_does"),
    (24, include_str!("autumn_rows.rs"), "row_24_no_edit_sends_what_only_a_create_takes"),
    (
        25,
        include_str!("../crates/clickpipes/src/lifecycle/health.rs"),
        "health_compares_live_state_with_declared_state",
    ),
    (26, include_str!("broken_endpoints.rs"), "new_pipe_waits_for_an_endpoint_that_works"),
    (27, include_str!("discover.rs"), "discover_works_for_every_source_but_databases"),
    (28, include_str!("failure_output.rs"), "pipe_left_stopped_by_key_rejection_is_reported_first"),
    (29, include_str!("autumn_2026.rs"), "key_is_switched_to_workload_identity_in_place"),
    (30, include_str!("autumn_rows.rs"), "row_30_failed_pipe_is_started_again"),
    (31, include_str!("field_edits.rs"), "every_field_edit_is_planned_applied_and_settled"),
];

#[test]
fn each_row_of_the_table_has_a_test() {
    let rows = rows_of_streams().into_iter().chain(rows_of_files_and_tables()).chain(rows_of_databases());
    let mut tested: Vec<u32> = rows.map(|row| row.name.split(' ').next().unwrap().parse().unwrap()).collect();
    for (number, file, test) in OTHER_ROWS {
        assert!(file.contains(&format!("fn {test}()")), "row {number}: there is no test {test}");
        tested.push(*number);
    }
    let missing: Vec<u32> = (1..=31).filter(|number| !tested.contains(number)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
