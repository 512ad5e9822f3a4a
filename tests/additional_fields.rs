//! Fields that are newer than this version, in any object: sent, compared, exported, and never sent again by themselves.

use std::time::Duration;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::test_repo::TestRepo;
use sandbox::{LeftoverTables, SandboxOptions, UnknownFields};
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
    assert_eq!(live_pipe(&desk)["scaling"]["newer"], "x");
    assert_plan_is_empty(&desk);
    edit_live_pipe(&desk, &pipe, |live| live["scaling"]["newer"] = json!("y"));
    assert_eq!(run(&desk, &["plan", "pipes.yaml", "--detailed-exitcode"]).code, 2);
    edit_live_pipe(&desk, &pipe, |live| drop(live["scaling"].as_object_mut().unwrap().remove("newer")));
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

/// The API takes an edit of a destination only with the columns, and none of a database pipe.
#[test]
fn newer_field_of_a_destination_is_changed_as_a_known_one_is() {
    for (seed, code, sent) in [("kinesis-user", 0, 1), ("mysql-cdc", 5, 0)] {
        let mut pipe = seed_named(seed);
        pipe["spec"]["destination"]["additional"] = json!({"newer": {"a": 1}});
        let desk = dir_with_newer_api(&pipe);
        desk.edit_world(|world| world.advance_clock(Duration::from_secs(600)));
        pipe["spec"]["destination"]["additional"]["newer"]["a"] = json!(2);
        let before = count_writes(&desk);
        let said = apply(&desk, &pipe);
        assert_eq!((said.code, count_writes(&desk) - before), (code, sent), "{seed}: {}", said.all_output());
        if code == 0 {
            assert_eq!(live_pipe(&desk)["destination"]["newer"], json!({"a": 2}));
            assert_plan_is_empty(&desk);
        }
        let said = run(&desk, &["plan", "pipes.yaml", "-o", "json"]).stdout_json();
        let verdict = &said["result"]["changes"][0]["verdict"];
        assert_eq!(*verdict == "replace", code != 0, "{seed}: {said}");
    }
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

/// Has a pipe with a field that the API takes and never returns, and the value of the field in a manifest.
struct HiddenField {
    seed: &'static str,
    /// Where the field is in the manifest, and in the live pipe the object that it would be in.
    at: &'static str,
    live_parent: &'static str,
}

const HIDDEN_FIELDS: [HiddenField; 3] = [
    HiddenField { seed: "kinesis-user", at: "/spec/settings/additional", live_parent: "/settings" },
    HiddenField {
        seed: "mysql-cdc",
        at: "/spec/source/mysql/tableMappings/0/additional",
        live_parent: "/source/mysql/tableMappings/*",
    },
    HiddenField {
        seed: "kinesis-user",
        at: "/spec/destination/columns/0/additional",
        live_parent: "/destination/columns/*",
    },
];

impl HiddenField {
    fn manifest(&self, value: u32) -> String {
        let mut pipe = seed_named(self.seed);
        let (parent, name) = self.at.rsplit_once('/').unwrap();
        pipe.pointer_mut(parent).unwrap()[name] = json!({"newer_field": value});
        documents_to_yaml([&pipe])
    }

    /// The API does not return the field.
    fn hide(&self, repo: &TestRepo) {
        let remove = |parent: &mut Value| drop(parent.as_object_mut().unwrap().remove("newer_field"));
        let hidden = |live: &mut Value| match self.live_parent.strip_suffix("/*") {
            Some(list) => live.pointer_mut(list).unwrap().as_array_mut().unwrap().iter_mut().for_each(remove),
            None => remove(live.pointer_mut(self.live_parent).unwrap()),
        };
        assert!(repo.edit_world(|world| world.edit_pipe("analytics", self.seed, hidden)));
    }
}

/// How many bodies with the field, and with this value, the sandbox has accepted.
fn count_sent(repo: &TestRepo, value: u32) -> usize {
    let has_value = |body: &Value| body.to_string().contains(&format!("\"newer_field\":{value}"));
    repo.edit_world(|world| {
        world.request_log().iter().filter(|entry| entry.status == 200 && has_value(&entry.body)).count()
    })
}

/// The API takes no change of the size without CPU and memory.
#[test]
fn newer_field_of_the_size_is_sent_with_the_others() {
    let repo = TestRepo::new();
    let mut size = json!({
        "apiVersion": "pipectl/v1", "kind": "CdcScaling", "metadata": {"service": "analytics"},
        "spec": {"replicaCpuMillicores": 4000, "replicaMemoryGb": 16},
    });
    let pipe = seed_named("postgres-cdc");
    repo.write_file("pipes.yaml", &documents_to_yaml([&pipe, &size]));
    let first = repo.commit_all("A size");
    assert_eq!(repo.run_with_env(&["apply", "pipes.yaml", "--yes"], &SECRET).code, 0);
    repo.edit_world(|world| {
        world.set_options(SandboxOptions { unknown_fields: UnknownFields::Accept, ..SandboxOptions::default() });
        world.advance_clock(Duration::from_secs(600));
    });
    size["spec"]["additional"] = json!({"newer_field": 1});
    repo.write_file("pipes.yaml", &documents_to_yaml([&pipe, &size]));
    repo.commit_all("A newer field");
    let said = repo.run_with_env(&["apply", "pipes.yaml", "--yes", "--base", &first], &SECRET);
    assert_eq!((said.code, count_sent(&repo, 1)), (0, 1), "{}", said.all_output());
}

/// It is sent when the pipe is created, and when git changed it since the base, and never by itself.
#[test]
fn newer_field_that_is_not_returned_is_sent_once_for_each_value() {
    for field in HIDDEN_FIELDS {
        let repo = TestRepo::new();
        let run = |args: &[&str]| {
            let said = repo.run_with_env(args, &SECRET);
            (said.code, said.stdout)
        };
        repo.write_file("pipes.yaml", &documents_to_yaml([&seed_named(field.seed)]));
        assert_eq!(run(&["plan", "pipes.yaml"]).0, 0);
        repo.edit_world(|world| {
            world.set_options(SandboxOptions { unknown_fields: UnknownFields::Accept, ..SandboxOptions::default() });
        });
        repo.write_file("pipes.yaml", &field.manifest(1));
        let first = repo.commit_all("With the field");
        let (code, said) = run(&["apply", "pipes.yaml", "--yes"]);
        assert_eq!((code, count_sent(&repo, 1)), (0, 1), "{}: {said}", field.at);
        repo.edit_world(|world| world.advance_clock(Duration::from_secs(600)));
        field.hide(&repo);
        for base in [&[][..], &["--base", "HEAD"]] {
            let (code, said) = run(&[&["plan", "pipes.yaml", "--detailed-exitcode"], base].concat());
            assert_eq!(code, 0, "{}: {said}", field.at);
            assert_eq!(said.contains("newer_field"), base.is_empty(), "{}: {said}", field.at);
        }
        repo.write_file("pipes.yaml", &field.manifest(2));
        repo.commit_all("Another value");
        let (code, said) = run(&["plan", "pipes.yaml", "--detailed-exitcode", "--base", &first]);
        assert!(code == 2 && said.contains("newer_field"), "{}: {code} {said}", field.at);
        // A mapping is removed and added again.
        let allowed = format!("--allow-replace=analytics/{}", field.seed);
        let (code, said) = run(&["apply", "pipes.yaml", "--yes", "--base", &first, &allowed]);
        assert_eq!((code, count_sent(&repo, 2)), (0, 1), "{}: {said}", field.at);
        repo.edit_world(|world| world.advance_clock(Duration::from_secs(600)));
        field.hide(&repo);
        for base in [&[][..], &["--base", "HEAD"]] {
            let (code, said) = run(&[&["apply", "pipes.yaml", "--yes"], base].concat());
            assert_eq!((code, count_sent(&repo, 1), count_sent(&repo, 2)), (0, 1, 1), "{}: {said}", field.at);
        }
    }
}

/// The API takes a mapping away before it can refuse what takes its place: so a field of which nobody knows that the
/// API takes it needs a permission, at every apply.
#[test]
fn remap_with_a_field_that_the_api_may_refuse_needs_a_permission() {
    let desk = WorkDir::new();
    let mut pipe = seed_named("mysql-cdc");
    assert_eq!(apply(&desk, &pipe).code, 0);
    desk.edit_world(|world| {
        world.set_options(SandboxOptions { leftover_tables: LeftoverTables::Accepted, ..SandboxOptions::default() });
        world.advance_clock(Duration::from_secs(600));
    });
    let before = live_pipe(&desk);
    let mapping = &mut pipe["spec"]["source"]["mysql"]["tableMappings"][0];
    mapping["excludedColumns"] = json!(["note"]);
    mapping["additional"] = json!({"newer": 1});
    let writes = count_writes(&desk);
    for _ in 0..2 {
        let said = apply(&desk, &pipe);
        let reason =
            "is added again with `source.mysql.tableMappings.*.newer`, which pipectl does not know and no live";
        assert!(said.code == 5 && said.all_output().contains(reason), "{}", said.all_output());
    }
    assert_eq!(count_writes(&desk), writes);
    desk.write_file("pipes.yaml", documents_to_yaml([&pipe]));
    let said = run(&desk, &["apply", "pipes.yaml", "--yes", "--allow-replace=analytics/mysql-cdc"]);
    let words = ["mappings that were removed are added again as they were", "newer"];
    assert!(said.code == 3 && words.iter().all(|it| said.all_output().contains(it)), "{}", said.all_output());
    desk.edit_world(|world| world.advance_clock(Duration::from_secs(600)));
    let after = live_pipe(&desk);
    let mappings = |pipe: &Value| {
        let mut mappings = pipe["source"]["mysql"]["tableMappings"].as_array().unwrap().clone();
        for mapping in &mut mappings {
            mapping["excludedColumns"].as_array_mut().unwrap().sort_by_key(Value::to_string);
        }
        mappings.sort_by_key(Value::to_string);
        mappings
    };
    assert_eq!((mappings(&after), &after["state"]), (mappings(&before), &json!("Running")));
}
