//! The same job runs again, with the same plan and the same base, after an apply that failed halfway or took effect.

use crate::saved_plan::{SECRET, pipe_manifest};
use crate::support::pipes::slot_pipe;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::json;

/// The API creates a database pipe running, and the stop that follows failed.
#[test]
fn same_plan_stops_a_pipe_that_it_created() {
    let repo = TestRepo::new();
    let secret = [("PG_PASSWORD", "canary-of-the-pipe")];
    repo.write_file("pipes/first.yaml", &kinesis_manifest("first", "", ""));
    repo.commit_all("A pipe");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.write_file("pipes/stopped.yaml", &(slot_pipe("stopped", "pg.example.com") + "  state: stopped\n"));
    repo.commit_all("A stopped one");
    repo.run_successfully(&["plan", "pipes", "--base", "HEAD~1", "--out", "plan.json"]);
    let when = FaultTrigger::Route { method: "PATCH".to_owned(), path: "*/state".to_owned() };
    repo.edit_world(|world| world.fault_script().add(Fault { when, effect: FaultEffect::Repeated, times: 1000 }));
    let apply = ["apply", "pipes", "--base", "HEAD~1", "--plan", "plan.json"];
    let failed = repo.run_with_env(&apply, &secret);
    assert_eq!(failed.code, 3, "{}", failed.all_output());
    repo.edit_world(|world| world.fault_script().clear());
    let finished = repo.run_with_env(&apply, &secret);
    assert_eq!(finished.code, 0, "{}", finished.all_output());
    assert_eq!(repo.live("stopped", "/state"), json!("Paused"));
}

/// A rename whose second request failed, and a replacement with a new write-only field whose create failed.
#[test]
fn same_plan_and_base_finish_what_failed_halfway() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    let [renamed, replaced] = ["renamed", "replaced"].map(|name| kinesis_manifest(name, "", ""));
    repo.write_file("pipes/renamed.yaml", &renamed);
    repo.write_file("pipes/replaced.yaml", &replaced);
    repo.commit_all("Two pipes");
    repo.run_successfully(&["apply", "--yes"]);
    let new_name = renamed.replacen("name: renamed", "name: other\n  previousNames: [renamed]", 1);
    repo.write_file("pipes/renamed.yaml", &format!("{new_name}  settings: {{streaming_max_insert_wait_ms: 700}}\n"));
    let moved =
        replaced.replace("streamName: replaced", "streamName: moved").replace("table: replaced", "table: moved");
    repo.write_file("pipes/replaced.yaml", &moved.replace("    managedTable", "    roles: [reader]\n    managedTable"));
    repo.commit_all("A rename and a replacement");
    repo.run_successfully(&["plan", "--base", "HEAD~1", "--out", "plan.json"]);
    for (method, path) in [("PUT", "*/settings"), ("POST", "*/clickpipes")] {
        let when = FaultTrigger::Route { method: method.to_owned(), path: path.to_owned() };
        let fault = Fault { when, effect: FaultEffect::Repeated, times: 1000 };
        repo.edit_world(|world| world.fault_script().add(fault));
    }
    let apply = ["apply", "--base", "HEAD~1", "--plan", "plan.json", "--allow-replace=analytics/replaced"];
    let failed = repo.run_pipectl(&apply);
    assert_eq!((failed.code, repo.live_pipe_names()), (3, vec!["other".to_owned()]), "{}", failed.all_output());
    repo.edit_world(|world| world.fault_script().clear());
    let finished = repo.run_successfully(&apply);
    assert!(finished.contains("Apply: 2 applied"), "{finished}");
    assert_eq!(repo.live("other", "/settings/streaming_max_insert_wait_ms"), json!(700));
}

/// A job that is run again has the same base and the same plan.
#[test]
fn create_that_took_effect_is_no_obstacle_to_the_same_plan_and_base() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    repo.write_file("pipes/first.yaml", &kinesis_manifest("first", "", ""));
    repo.commit_all("A pipe");
    repo.run_successfully(&["apply", "--yes"]);
    repo.write_file("pipes/second.yaml", &kinesis_manifest("second", "", ""));
    repo.write_file("pipes/third.yaml", &kinesis_manifest("third", "", "  state: stopped\n"));
    repo.commit_all("Two more");
    repo.run_successfully(&["plan", "--base", "HEAD~1", "--out", "plan.json"]);
    let apply = ["apply", "--base", "HEAD~1", "--plan", "plan.json"];
    repo.run_successfully(&apply);
    let again = repo.run_pipectl(&apply);
    assert_eq!(again.code, 0, "{}", again.all_output());
    assert!(!again.all_output().contains("refused"), "{}", again.all_output());
    // What else differs was not reviewed.
    repo.write_file("pipes/second.yaml", &kinesis_manifest("second", "", "  scaling: {replicas: 3}\n"));
    let more = repo.run_pipectl(&apply);
    assert_eq!(more.code, 6, "{}", more.all_output());
    assert!(more.all_output().contains("second"), "{}", more.all_output());
}

/// Only git shows the new version, so with the same base the new pipe would be replaced, too.
#[test]
fn replacement_that_took_effect_is_not_repeated_by_the_same_plan_and_base() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\npolicy: {allowReplace: ['analytics/*']}\n");
    let declare = |version: u32| {
        let registry = format!(
            "format: AvroConfluent, schemaRegistry: {{url: 'https://sr.example.com', authentication: PLAIN, \
             credentials: {{username: u, password: {{fromEnv: KAFKA_PASSWORD}}, version: {version}}}}}"
        );
        let manifest = pipe_manifest(0, 1).replace("format: JSONEachRow", &registry);
        let own_table = "managedTable: true, tableDefinition: {engine: {type: MergeTree}}";
        repo.write_file("pipes/clicks.yaml", &manifest.replace(own_table, "managedTable: false"));
    };
    declare(1);
    let base = repo.commit_all("One");
    let applied = repo.run_with_env(&["apply", "pipes", "--yes"], &SECRET);
    assert_eq!(applied.code, 0, "{}", applied.all_output());
    declare(2);
    repo.write_file("pipes/broken.yaml", &kinesis_manifest("broken", "", "").replace("fromEnv: P", "fromEnv: NONE"));
    repo.commit_all("Two");
    repo.run_successfully(&["plan", "pipes", "--base", &base, "--out", "plan.json"]);
    let apply = ["apply", "pipes", "--base", &base, "--plan", "plan.json"];
    let before = repo.live("clicks-0", "/id");
    let failed = repo.run_with_env(&apply, &SECRET);
    assert_eq!(failed.code, 3, "{}", failed.all_output());
    let replaced = repo.live("clicks-0", "/id");
    assert_ne!(before, replaced);
    let again = repo.run_with_env(&apply, &[SECRET[0], ("NONE", "secret")]);
    assert_eq!((again.code, repo.live("clicks-0", "/id")), (0, replaced), "{}", again.all_output());
}
