//! Fields that are newer than this version, in any object: sent, compared, exported, and never sent again by themselves.

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use sandbox::{SandboxOptions, UnknownFields};
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];

fn run(desk: &WorkDir, args: &[&str]) -> RunOutput {
    let said = desk.run_with_env(&[args, &["--sandbox"]].concat(), &SECRET);
    assert!(!said.all_output().contains(SECRET[0].1), "{}", said.all_output());
    said
}

fn apply(desk: &WorkDir, pipe: &Value) -> RunOutput {
    desk.write_file("pipes.yaml", documents_to_yaml([pipe]));
    run(desk, &["apply", "pipes.yaml", "--yes"])
}

/// The pipe is live in a sandbox that takes every field, as a newer API would.
fn dir_with_newer_api(pipe: &Value) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", documents_to_yaml([pipe]));
    assert_eq!(run(&desk, &["plan", "pipes.yaml"]).code, 0);
    desk.edit_world(|world| {
        world.set_options(SandboxOptions { unknown_fields: UnknownFields::Accept, ..SandboxOptions::default() });
    });
    let said = apply(&desk, pipe);
    assert_eq!(said.code, 0, "{}", said.all_output());
    desk
}

fn live_pipe(desk: &WorkDir) -> Value {
    let pipes = desk.edit_world(|world| json!(world.list_pipes("analytics")));
    pipes[0].clone()
}

fn edit_live_pipe(desk: &WorkDir, pipe: &Value, change: impl FnOnce(&mut Value)) {
    let name = pipe["metadata"]["name"].as_str().unwrap();
    assert!(desk.edit_world(|world| world.edit_pipe("analytics", name, change)));
}

fn count_writes(desk: &WorkDir) -> usize {
    desk.request_log().iter().filter(|entry| entry.0 != "GET").count()
}

fn assert_plan_is_empty(desk: &WorkDir) {
    let said = run(desk, &["plan", "pipes.yaml", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

fn mysql_with_newer_mapping_field() -> Value {
    let mut pipe = seed_named("mysql-cdc");
    pipe["spec"]["source"]["mysql"]["tableMappings"][0]["additional"] = json!({"newer": {"a": "b"}});
    pipe
}

#[test]
fn newer_field_of_a_list_entry_is_sent_compared_and_exported() {
    let pipe = mysql_with_newer_mapping_field();
    let desk = dir_with_newer_api(&pipe);
    let live = live_pipe(&desk);
    let mappings = live["source"]["mysql"]["tableMappings"].as_array().unwrap();
    assert!(mappings.iter().any(|mapping| mapping["newer"] == json!({"a": "b"})), "{live}");
    assert_plan_is_empty(&desk);
    let exported = run(&desk, &["export", "--out", "exported"]);
    assert_eq!(exported.code, 0, "{}", exported.all_output());
    let said = run(&desk, &["plan", "exported", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    edit_live_pipe(&desk, &pipe, |live| {
        let mappings = live["source"]["mysql"]["tableMappings"].as_array_mut().unwrap();
        mappings
            .iter_mut()
            .filter(|mapping| mapping.get("newer").is_some())
            .for_each(|it| it["newer"]["a"] = json!("c"));
    });
    for manifests in ["pipes.yaml", "exported"] {
        let said = run(&desk, &["plan", manifests, "--detailed-exitcode"]);
        assert_eq!(said.code, 2, "{manifests}: {}", said.all_output());
    }
}

#[test]
fn newer_field_that_is_not_returned_settles() {
    let mut pipe = seed_named("kinesis-user");
    pipe["spec"]["source"]["kinesis"]["additional"] = json!({"newer": "x"});
    let desk = dir_with_newer_api(&pipe);
    edit_live_pipe(&desk, &pipe, |live| drop(live["source"]["kinesis"].as_object_mut().unwrap().remove("newer")));
    let before = count_writes(&desk);
    assert_plan_is_empty(&desk);
    assert_eq!(apply(&desk, &pipe).code, 0);
    assert_eq!(count_writes(&desk), before);
    // An answer that says that it is not set is another thing.
    edit_live_pipe(&desk, &pipe, |live| live["source"]["kinesis"]["newer"] = Value::Null);
    let said = run(&desk, &["plan", "pipes.yaml", "--detailed-exitcode"]);
    assert!(said.code == 0 || said.stdout.contains("newer"), "{}", said.all_output());
}

/// A part of the size that the API does not return is not sent again at every apply. A base tells that git changed it.
#[test]
fn newer_part_of_the_size_that_is_not_returned_is_not_sent_again() {
    let mut pipe = seed_named("kinesis-user");
    pipe["spec"]["scaling"] =
        json!({"replicas": 2, "replicaCpuMillicores": 250, "replicaMemoryGb": 1, "additional": {"newer": "x"}});
    let desk = dir_with_newer_api(&pipe);
    assert!(!live_pipe(&desk)["scaling"].to_string().contains("newer"));
    let before = count_writes(&desk);
    assert_plan_is_empty(&desk);
    assert_eq!(apply(&desk, &pipe).code, 0);
    assert_eq!(count_writes(&desk), before);
}

#[test]
fn change_of_a_create_only_newer_field_is_a_replacement() {
    let mut pipe = seed_named("kinesis-user");
    pipe["spec"]["source"]["kinesis"]["additional"] = json!({"newer": "x", "other": "y"});
    pipe["spec"]["source"]["kinesis"]["additionalCreateOnly"] = json!(["newer"]);
    let desk = dir_with_newer_api(&pipe);
    pipe["spec"]["source"]["kinesis"]["additional"]["newer"] = json!("z");
    desk.write_file("pipes.yaml", documents_to_yaml([&pipe]));
    let said = run(&desk, &["plan", "pipes.yaml", "-o", "json"]);
    assert_eq!(said.stdout_json()["result"]["changes"][0]["verdict"], "replace", "{}", said.all_output());
}

#[test]
fn unchanged_newer_field_is_not_in_an_update() {
    let mut pipe = seed_named("kinesis-user");
    pipe["spec"]["additional"] = json!({"newerRoot": 1});
    pipe["spec"]["source"]["kinesis"]["additional"] = json!({"newer": "x", "block": {"a": 1, "b": 2}});
    pipe["spec"]["source"]["kinesis"]["additionalNotReturned"] = json!(["newer"]);
    let desk = dir_with_newer_api(&pipe);
    pipe["spec"]["source"]["kinesis"]["additional"]["block"]["a"] = json!(3);
    let said = apply(&desk, &pipe);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let bodies = desk.edit_world(|world| {
        let edits = world.request_log().iter().filter(|entry| entry.method == "PATCH");
        edits.map(|entry| json!(entry)["body"].clone()).collect::<Vec<_>>()
    });
    let sent: Vec<Value> = bodies.iter().map(|body| body["source"]["kinesis"].clone()).collect();
    assert_eq!(sent, [json!({"block": {"a": 3}})]);
    assert_plan_is_empty(&desk);
}
