//! What was reviewed is what runs: a saved plan and a digest let nothing else through.

use crate::support::cli::WorkDir;
use crate::support::server::SandboxServer;
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::{Value, json};

pub(crate) fn pipe_manifest(n: usize, replicas: u64) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: clicks-{n}, service: analytics}}
spec:
  source:
    kafka: {{type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: t, authentication: PLAIN, credentials: {{username: u, password: {{fromEnv: KAFKA_PASSWORD}}}}}}
  destination: {{database: default, table: t{n}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
  scaling: {{replicas: {replicas}}}
---
"
    )
}

pub(crate) const SECRET: [(&str, &str); 1] = [("KAFKA_PASSWORD", "canary-of-the-pipe")];

/// Two live pipes with a replica each, manifests that want two, and that plan saved.
fn dir_with_saved_plan() -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", pipe_manifest(0, 1) + &pipe_manifest(1, 1));
    assert_eq!(desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes"], &SECRET).code, 0);
    desk.write_file("pipes.yaml", pipe_manifest(0, 2) + &pipe_manifest(1, 2));
    let said = desk.run_pipectl(&["plan", "pipes.yaml", "--sandbox", "--out", "plan.json"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    desk
}

/// Changes a pipe behind everybody's back.
fn edit_live_replicas(desk: &WorkDir, pipe: &str, replicas: u64) {
    desk.edit_world(|world| {
        let live = world.list_pipes("analytics").into_iter().find(|live| live["name"] == pipe).unwrap();
        let service = world.ensure_service("analytics");
        let response = world.handle_request(&sandbox::SandboxRequest {
            method: "PATCH".to_owned(),
            path: format!(
                "/v1/organizations/{}/services/{service}/clickpipes/{}/scaling",
                sandbox::ORGANIZATION,
                live["id"].as_str().unwrap()
            ),
            authorization: Some(sandbox::basic_authorization(sandbox::KEY_ID, sandbox::KEY_SECRET)),
            body: json!({ "replicas": replicas }).to_string().into_bytes(),
        });
        assert_eq!(response.status, 200);
        world.advance_clock(std::time::Duration::from_secs(60));
    });
}

#[test]
fn saved_plan_is_applied_without_yes() {
    let desk = dir_with_saved_plan();
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stdout.contains("Apply: 2 applied"), "{}", said.stdout);
    let again = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(again.code, 0, "what is true already is no reason to stop: {}", again.all_output());
}

#[test]
fn object_changed_since_the_review_is_not_applied() {
    let desk = dir_with_saved_plan();
    edit_live_replicas(&desk, "clicks-0", 4);
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 6, "{}", said.all_output());
    assert!(said.stdout.contains("live scaling.replicas is 4, the reviewed plan saw 1"), "{}", said.all_output());
    assert!(said.stdout.contains("Apply: 1 applied"), "{}", said.all_output());
    let json = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json", "-o", "json"], &SECRET);
    assert_eq!((json.code, json.stdout_json()["outcome"].clone()), (6, json!("stale")), "{}", json.all_output());
    assert_eq!(json.stdout_json()["result"]["refused"][0]["address"]["name"], "clicks-0");
}

#[test]
fn remaining_part_of_a_saved_plan_is_applied() {
    let desk = dir_with_saved_plan();
    let wanted = |n| pipe_manifest(n, 2).replace("---", "  settings: {streaming_max_insert_wait_ms: 700}\n---");
    desk.write_file("pipes.yaml", wanted(0) + &wanted(1));
    let plan = ["plan", "pipes.yaml", "--sandbox", "--out", "plan.json"];
    assert_eq!(desk.run_pipectl(&plan).code, 0);
    // One of two requests is not needed any more, as after an apply that was cut off.
    edit_live_replicas(&desk, "clicks-0", 2);
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stdout.contains("Apply: 2 applied"), "{}", said.all_output());
}

#[test]
fn failed_replacement_is_finished_by_the_same_plan() {
    let desk = dir_with_saved_plan();
    let moved = |n| pipe_manifest(n, 1).replace("topics: t,", "topics: other,");
    desk.write_file("pipes.yaml", moved(0) + &moved(1));
    let plan = ["plan", "pipes.yaml", "--sandbox", "--out", "plan.json"];
    assert_eq!(desk.run_pipectl(&plan).code, 0);
    desk.edit_world(|world| {
        world.fault_script().add(Fault {
            when: FaultTrigger::Route { method: "POST".to_owned(), path: "*/clickpipes".to_owned() },
            effect: FaultEffect::SourceUnreachable,
            times: 1000,
        });
    });
    let apply = ["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json", "--allow-replace=glob:clicks-*"];
    assert_eq!(desk.run_with_env(&apply, &SECRET).code, 3);
    desk.edit_world(|world| world.fault_script().clear());
    let said = desk.run_with_env(&apply, &SECRET);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stdout.contains("Apply: 2 applied"), "{}", said.all_output());
}

#[test]
fn saved_plan_is_bound_to_its_environment() {
    let server = SandboxServer::start_with_services(1000, &["analytics", "lake"]);
    let mut world = sandbox::World::new(sandbox::SandboxOptions::default());
    let [analytics, lake] = ["analytics", "lake"].map(|name| world.ensure_service(name));
    let desk = WorkDir::new();
    desk.write_file(
        "pipectl.yaml",
        format!(
            "apiVersion: pipectl/v1
kind: Project
environments:
  staging: {{organization: {organization}, services: {{main: {analytics}}}}}
  prod: {{organization: {organization}, services: {{main: {lake}}}}}
",
            organization = sandbox::ORGANIZATION
        ),
    );
    desk.write_file("pipes.yaml", pipe_manifest(0, 1).replace("analytics", "main"));
    let environment = server.client_environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).chain(SECRET).collect();
    let run = |args: &[&str]| desk.run_with_env(args, &environment);
    let digest = |env: &str| {
        let plan = run(&["plan", "pipes.yaml", "-e", env, "--out", "plan-{env}.json", "-o", "json"]);
        plan.stdout_json()["digest"].as_str().unwrap().to_owned()
    };
    assert_ne!(digest("staging"), digest("prod"));
    let other = run(&["apply", "pipes.yaml", "-e", "prod", "--plan", "plan-staging.json"]);
    assert_eq!(other.code, 6, "{}", other.all_output());
    assert!(other.stdout.contains(&format!("was for \"{analytics}\"")), "{}", other.all_output());
    let own = run(&["apply", "pipes.yaml", "-e", "prod", "--plan", "plan-prod.json"]);
    assert_eq!(own.code, 0, "{}", own.all_output());
}

#[test]
fn actions_missing_from_the_saved_plan_are_not_applied() {
    let desk = dir_with_saved_plan();
    desk.write_file("pipes.yaml", pipe_manifest(0, 2) + &pipe_manifest(1, 2) + &pipe_manifest(2, 1));
    let before = desk.count_writes();
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 6, "{}", said.all_output());
    assert!(said.stdout.contains("the reviewed plan did nothing to it"), "{}", said.all_output());
    assert_eq!(desk.count_writes(), before + 2);
}

#[test]
fn expected_digest_must_match_the_whole_plan() {
    let desk = dir_with_saved_plan();
    let plan = desk.run_pipectl(&["plan", "pipes.yaml", "--sandbox", "-o", "json"]).stdout_json();
    let digest = plan["digest"].as_str().unwrap().to_owned();
    let text = desk.run_pipectl(&["plan", "pipes.yaml", "--sandbox"]).stdout;
    assert!(text.contains(&format!("Digest: {digest}")), "{text}");
    let saved: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.temp_dir.path().join("plan.json")).unwrap()).unwrap();
    assert_eq!(saved["digest"], json!(digest));

    let apply =
        |digest: &str| desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes", "--expect", digest], &SECRET);
    let before = desk.count_writes();
    let other = apply(&format!("sha256:{}", "0".repeat(64)));
    assert_eq!(other.code, 6, "{}", other.all_output());
    for no_digest in ["", "sha256:0000", &digest[..40], "sha1:00"] {
        let said = apply(no_digest);
        assert_eq!(said.code, 64, "{}", said.all_output());
        assert!(said.stderr.contains("the whole digest"), "{}", said.stderr);
    }
    assert_eq!(desk.count_writes(), before, "nothing runs");
    assert_eq!(apply(&digest.to_uppercase().replace("SHA", "sha")).code, 0);
}

#[test]
fn saved_plan_contains_no_secret_and_detects_edits() {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", pipe_manifest(0, 1));
    desk.run_with_env(&["plan", "pipes.yaml", "--sandbox", "--out", "plan.json"], &SECRET);
    let file = desk.temp_dir.path().join("plan.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("canary") && text.contains("KAFKA_PASSWORD"));
    std::fs::write(&file, text.replace("\"replicas\": 1", "\"replicas\": 40")).unwrap();
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("changed after it was saved"), "{}", said.stderr);
    std::fs::write(&file, "{}").unwrap();
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert!(said.stderr.contains("is not a plan"), "{}", said.stderr);
}

/// What the file only shows is a part of the review, too. Layout and the order of keys say nothing.
#[test]
fn saved_plan_that_was_edited_anywhere_is_refused() {
    fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, it)| leaves(it, &format!("{path}/{name}"), found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, it)| leaves(it, &format!("{path}/{at}"), found));
            }
            _ => found.push(path.to_owned()),
        }
    }
    let desk = dir_with_saved_plan();
    let file = desk.temp_dir.path().join("plan.json");
    let saved: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let read = |plan: &Value| {
        std::fs::write(&file, plan.to_string()).unwrap();
        pipectl::saved_plan::SavedPlan::read_file(&file).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(read(&saved), Ok(()), "another layout");
    let mut found = Vec::new();
    leaves(&saved, "", &mut found);
    assert!(found.len() > 30, "{found:?}");
    for path in &found {
        let mut edited = saved.clone();
        *edited.pointer_mut(path).unwrap() = json!("edited");
        assert!(read(&edited).is_err(), "{path}");
    }
    // Something more, and something less.
    let mut more = saved.clone();
    more["plan"]["changes"][0]["note"] = json!("harmless");
    assert!(read(&more).unwrap_err().contains("changed after it was saved"));
    let mut less = saved.clone();
    less.as_object_mut().unwrap().remove("unreachable");
    assert!(read(&less).unwrap_err().contains("changed after it was saved"));
}

#[test]
fn folder_of_plans_allows_what_one_of_them_contains() {
    let desk = dir_with_saved_plan();
    std::fs::create_dir(desk.temp_dir.path().join("plans")).unwrap();
    let apply = ["apply", "pipes.yaml", "--sandbox", "--plan", "plans"];
    let before = desk.count_writes();
    let said = desk.run_with_env(&apply, &SECRET);
    assert!(said.code == 6 && said.stdout.contains("no reviewed plan was found"), "{}", said.all_output());
    assert_eq!(desk.count_writes(), before, "an empty folder allows nothing");

    for (file, only) in [("plans/1.json", "*/clicks-0"), ("plans/2.json", "*/clicks-1")] {
        desk.run_pipectl(&["plan", "pipes.yaml", "--sandbox", "--only", only, "--out", file]);
    }
    desk.write_file("pipes.yaml", pipe_manifest(0, 2) + &pipe_manifest(1, 2) + &pipe_manifest(2, 1));
    edit_live_replicas(&desk, "clicks-1", 4);
    let said = desk.run_with_env(&apply, &SECRET);
    assert_eq!(said.code, 6, "{}", said.all_output());
    assert!(said.stdout.contains("live scaling.replicas is 4, the reviewed plan saw 1"), "{}", said.all_output());
    assert!(said.stdout.contains("none of the reviewed plans changes it"), "{}", said.all_output());
    assert!(said.stdout.contains("Apply: 1 applied"), "{}", said.all_output());
}

/// Two changes of one pipe, planned side by side and merged before the next apply.
#[test]
fn change_of_one_pipe_may_be_in_several_plans() {
    let desk = dir_with_saved_plan();
    std::fs::create_dir(desk.temp_dir.path().join("plans")).unwrap();
    let with_columns =
        |replicas, columns: &str| pipe_manifest(0, replicas).replace("{name: id, type: UInt64}", columns);
    let [one, two] = ["{name: one, type: String}", "{name: two, type: String}"];
    for (file, replicas, column) in [("plans/1.json", 2, one), ("plans/2.json", 1, two)] {
        desk.write_file("pipes.yaml", with_columns(replicas, &format!("{{name: id, type: UInt64}}, {column}")));
        let said = desk.run_pipectl(&["plan", "pipes.yaml", "--sandbox", "--out", file]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        assert!(said.stdout.contains("ALTER TABLE default.t0 ADD COLUMN"), "{}", said.stdout);
    }
    let both = format!("{{name: id, type: UInt64}}, {one}, {two}");
    let apply = ["apply", "pipes.yaml", "--sandbox", "--plan", "plans"];
    // What none of them contains is refused, and nothing of the pipe is done.
    desk.write_file("pipes.yaml", with_columns(3, &both));
    let said = desk.run_with_env(&apply, &SECRET);
    assert_eq!(said.code, 6, "{}", said.all_output());
    assert!(said.stdout.contains("declared scaling.replicas is 3, the reviewed plan had 2"), "{}", said.stdout);
    assert!(!said.stdout.contains("did not change"), "{}", said.stdout);
    desk.write_file("pipes.yaml", with_columns(2, &both));
    let said = desk.run_with_env(&apply, &SECRET);
    assert!(said.code == 0 && said.stdout.contains("Apply: 1 applied"), "{}", said.all_output());
}

#[test]
fn plan_fails_on_request_if_apply_will_refuse_a_part() {
    let desk = dir_with_saved_plan();
    let plan = ["plan", "pipes.yaml", "--sandbox", "--fail-on-refusal"];
    assert_eq!(desk.run_pipectl(&plan).code, 0);
    assert_eq!(desk.run_pipectl(&[&plan[..], &["--detailed-exitcode"]].concat()).code, 2);
    let gone = pipe_manifest(0, 2).replace("spec:", "spec:\n  state: absent\n  protect: true");
    desk.write_file("pipes.yaml", gone + &pipe_manifest(1, 2));
    let said = desk.run_pipectl(&[&plan[..], &["--detailed-exitcode"]].concat());
    assert!(said.code == 5 && said.stdout.contains("Apply will refuse"), "{}", said.all_output());
}
