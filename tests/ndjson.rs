//! Apply for machines that listen: one JSON object on each line, and a summary at the end, however
//! it ends.

#![cfg(unix)]
use crate::support::cli::{RunOutput, WorkDir, assert_published_shape};
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::server::SandboxServer;
use serde_json::{Value, json};

const APPLY: [&str; 5] = ["apply", "pipes.yaml", "--yes", "-o", "ndjson"];

fn dir_with_manifests(documents: &[Value]) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", documents_to_yaml(documents));
    desk
}

fn run_with_secret(desk: &WorkDir, args: &[&str]) -> RunOutput {
    desk.run_with_env(args, &[("SEED_SECRET", "canary-5up3r-s3cr3t")])
}

/// The lines, of which the last is the summary of a run that ended like this.
fn event_lines(said: &RunOutput, outcome: &str) -> Vec<Value> {
    let lines: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.iter().for_each(assert_published_shape);
    assert!(lines.iter().all(|line| line["schemaVersion"] == "1.0"), "{}", said.all_output());
    let summary = lines.last().unwrap();
    assert_eq!(summary["type"], "summary", "{}", said.all_output());
    assert_eq!((&summary["outcome"], &summary["exitCode"]), (&json!(outcome), &json!(said.code)));
    assert!(summary["errors"].is_array() && !said.all_output().contains("canary"), "{}", said.all_output());
    lines
}

fn event_types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().unwrap()).collect()
}

#[test]
fn ndjson_streams_plan_objects_heartbeat_and_summary() {
    let desk = dir_with_manifests(&[seed_named("kinesis-user"), seed_named("postgres-cdc")]);
    let apply = [&APPLY[..], &["--sandbox"]].concat();
    let lines_of_it = event_lines(&run_with_secret(&desk, &apply), "applied");
    assert_eq!(lines_of_it[0]["type"], "plan");
    assert_eq!(lines_of_it[0]["counts"], json!({"create": 2}));
    let objects: Vec<&Value> = lines_of_it.iter().filter(|line| line["type"] == "object").collect();
    let told: Vec<_> = objects.iter().map(|it| (&it["done"], &it["of"])).collect();
    assert_eq!(told, [(&json!(1), &json!(2)), (&json!(2), &json!(2))]);
    assert!(objects.iter().all(|it| it["report"]["outcome"] == "applied"), "{objects:#?}");
    // The first load of a database takes longer than the time between two signs of life.
    assert!(event_types(&lines_of_it).contains(&"heartbeat"), "{lines_of_it:#?}");
    assert_eq!(lines_of_it.last().unwrap()["counts"], json!({"applied": 2}));

    let again = event_lines(&run_with_secret(&desk, &apply), "inSync");
    assert_eq!(event_types(&again), ["plan", "summary"]);
    assert_eq!(again[0]["unchanged"], 2);
}

#[test]
fn ndjson_reports_failures_and_errors() {
    let mut lost = seed_named("pubsub");
    lost["metadata"]["name"] = json!("lost");
    lost["spec"]["source"]["pubsub"]["topic"] = json!("no-such-topic");
    let desk = dir_with_manifests(&[seed_named("kinesis-user"), lost]);
    let said = run_with_secret(&desk, &[&APPLY[..], &["--sandbox"]].concat());
    assert_eq!(said.code, 3, "{}", said.all_output());
    let told = event_lines(&said, "partly");
    let failed = told.iter().find(|line| line["report"]["outcome"] == "failed").unwrap();
    assert!(failed["report"]["error"]["message"].is_string(), "{failed:#}");

    let unsure = ["apply", "pipes.yaml", "--sandbox", "-o", "ndjson"];
    let told = event_lines(&run_with_secret(&desk, &unsure), "error");
    assert!(told.last().unwrap()["errors"][0].as_str().unwrap().contains("--yes"), "{told:#?}");

    desk.write_file("pipes.yaml", "kind: ClickPipe\n");
    let said = run_with_secret(&desk, &[&APPLY[..], &["--sandbox"]].concat());
    assert_eq!((said.code, event_types(&event_lines(&said, "error"))), (1, vec!["summary"]));
}

#[test]
fn ndjson_names_what_an_object_was_until_now() {
    let mut pipe = seed_named("kinesis-user");
    let desk = dir_with_manifests(&[pipe.clone()]);
    let apply = [&APPLY[..], &["--sandbox", "--allow-replace=analytics/clicks"]].concat();
    event_lines(&run_with_secret(&desk, &apply), "applied");
    let id = desk.edit_world(|world| world.list_pipes("analytics")[0]["id"].clone());
    pipe["metadata"]["name"] = json!("clicks");
    pipe["metadata"]["previousNames"] = json!(["kinesis-user"]);
    pipe["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    desk.write_file("pipes.yaml", pipe.to_string());
    let lines = event_lines(&run_with_secret(&desk, &apply), "applied");
    let object = lines.iter().find(|line| line["type"] == "object").unwrap();
    assert_eq!((&object["report"]["renamedFrom"], &object["report"]["id"]), (&json!("kinesis-user"), &id), "{object}");
}

#[test]
fn ndjson_reports_blocked_objects() {
    let mut gone = seed_named("kinesis-user");
    let desk = dir_with_manifests(&[gone.clone()]);
    let apply = [&APPLY[..], &["--sandbox"]].concat();
    event_lines(&run_with_secret(&desk, &apply), "applied");
    gone["spec"]["protect"] = json!(true);
    gone["spec"]["state"] = json!("absent");
    desk.write_file("pipes.yaml", gone.to_string());
    let said = run_with_secret(&desk, &apply);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert_eq!(event_lines(&said, "blocked")[0]["counts"], json!({"blocked": 1}));
}

#[test]
fn ndjson_reports_an_interruption_and_every_object() {
    let server = SandboxServer::start(5);
    let desk = dir_with_manifests(&[seed_named("kinesis-role"), seed_named("pubsub-latest")]);
    let run = server.spawn_run(&desk, &[&APPLY[..], &["--parallel=1"]].concat());
    server.wait_for_requests(1, |entry| entry["method"] == "POST");
    run.send_signal("INT");
    let said = run.wait_for_end();
    assert_eq!(said.code, 130, "{}", said.all_output());
    let told = event_lines(&said, "interrupted");
    assert_eq!(event_types(&told), ["plan", "interruption", "object", "object", "summary"]);
    assert_eq!(told[4]["counts"], json!({"interrupted": 1, "skipped": 1}));
}

#[test]
fn ndjson_is_rejected_outside_apply() {
    let desk = dir_with_manifests(&[seed_named("kinesis-user")]);
    let said = run_with_secret(&desk, &["plan", "pipes.yaml", "--sandbox", "-o", "ndjson"]);
    assert_eq!(said.code, 64, "{}", said.all_output());
    event_lines(&said, "error");
    let said = run_with_secret(&desk, &["apply", "pipes.yaml", "--yess", "--output=ndjson"]);
    assert_eq!(said.code, 64, "{}", said.all_output());
    event_lines(&said, "error");
}

#[test]
fn ndjson_lines_name_their_environment() {
    let desk = dir_with_manifests(&[seed_named("kinesis-user")]);
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nenvironments: {staging: {}, prod: {}}\n");
    let sandbox = "--sandbox=world-{env}.json";
    let said = run_with_secret(&desk, &[&APPLY[..], &["-e", "staging,prod", sandbox]].concat());
    assert_eq!(said.code, 0, "{}", said.all_output());
    let told = event_lines(&said, "applied");
    let (staging, prod) = told.split_at(told.len() / 2);
    for (name, told) in [("staging", staging), ("prod", prod)] {
        assert!(told.iter().all(|line| line["environment"] == name), "{told:#?}");
        assert_eq!((event_types(told)[0], told.last().unwrap()["outcome"].as_str()), ("plan", Some("applied")));
    }
}
