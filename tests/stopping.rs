//! Pipes that are declared stopped, and pipes that are stopped for an edit, while the API goes on loading.

use crate::support::cli::{APPLY, RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::seeds::SEED_SECRET;
use sandbox::{EmulatedPipeState, SandboxOptions};
use serde_json::{Value, json};

fn write_manifest(desk: &WorkDir, document: &Value) {
    desk.write_file("pipes.yaml", documents_to_yaml([document]));
}

fn run_apply(desk: &WorkDir, more: &[&str]) -> RunOutput {
    desk.run_with_env(&[&APPLY[..], more].concat(), &SEED_SECRET)
}

fn live_pipe(desk: &WorkDir) -> Value {
    let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
    let [pipe] = pipes.as_slice() else { panic!("{pipes:#?}") };
    pipe.clone()
}

fn commands(desk: &WorkDir) -> Vec<Value> {
    desk.edit_world(|world| {
        let commands = world.request_log().iter().map(|entry| entry.body["command"].clone());
        commands.filter(|command| !command.is_null()).collect()
    })
}

/// The API drops the stop, and the edit is made all the same.
#[test]
fn edit_during_the_first_load_waits_for_its_end() {
    let desk = WorkDir::new();
    let mut pipe = seed_named("postgres-cdc");
    write_manifest(&desk, &pipe);
    assert_eq!(run_apply(&desk, &["--wait=none"]).code, 0);
    pipe["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    write_manifest(&desk, &pipe);
    let said = run_apply(&desk, &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let live = live_pipe(&desk);
    assert_eq!(live["state"], "Running", "{live:#}");
    assert_eq!(live["source"]["postgres"]["settings"]["syncIntervalSeconds"], 90);
}

#[test]
fn pipe_that_is_declared_stopped_is_stopped_after_its_load() {
    let desk = WorkDir::new();
    let mut pipe = seed_named("postgres-cdc");
    pipe["spec"]["state"] = json!("stopped");
    write_manifest(&desk, &pipe);
    let said = run_apply(&desk, &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(live_pipe(&desk)["state"], "Paused");
    assert_eq!(commands(&desk), ["stop", "stop"]);
}

/// Nothing is said of a stop that did not happen.
#[test]
fn load_that_outlasts_the_run_is_reported() {
    let desk = WorkDir::new();
    let mut pipe = seed_named("postgres-cdc");
    write_manifest(&desk, &pipe);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    desk.edit_world(|world| assert!(world.set_pipe_state("analytics", "postgres-cdc", EmulatedPipeState::Snapshot)));
    pipe["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    write_manifest(&desk, &pipe);
    let said = run_apply(&desk, &["--timeout=2m"]);
    assert_eq!(said.code, 3, "{}", said.all_output());
    for words in ["is still `Snapshot` after", "the API stops it only when its load is done", "0 applied, 0 failed"] {
        assert!(said.stdout.contains(words), "no `{words}`: {}", said.all_output());
    }
    for words in ["stopped for", "STOPPED"] {
        assert!(!said.stdout.contains(words), "`{words}`: {}", said.all_output());
    }
    assert_eq!(live_pipe(&desk)["state"], "Snapshot");
}

/// Whether the API edits a completed pipe, nobody has seen. So the plan warns, and nothing is said of a stop that did not
/// happen.
#[test]
fn edit_of_a_snapshot_that_still_loads_is_warned_about() {
    let warning =
        "the API stops it only when its load is done, and then it is `Completed`, and the API may refuse the edit";
    for (mode, is_warned) in [("snapshot", true), ("cdc", false)] {
        let desk = WorkDir::new();
        let mut pipe = seed_named("postgres-cdc");
        pipe["spec"]["source"]["postgres"]["settings"] = json!({"replicationMode": mode});
        write_manifest(&desk, &pipe);
        assert_eq!(run_apply(&desk, &["--wait=none"]).code, 0);
        let mappings = pipe["spec"]["source"]["postgres"]["tableMappings"].as_array_mut().unwrap();
        mappings.push(json!({"sourceSchemaName": "public", "sourceTable": "more", "targetTable": "more"}));
        write_manifest(&desk, &pipe);
        let said = run_apply(&desk, &[]);
        assert_eq!(said.stdout.contains(warning), is_warned, "{}", said.all_output());
        assert_eq!(said.code, if is_warned { 3 } else { 0 }, "{}", said.all_output());
        assert!(!said.stdout.contains("it was stopped"), "{}", said.all_output());
    }
}

#[test]
fn stream_that_is_declared_stopped_is_created_paused() {
    let desk = WorkDir::new();
    let mut pipe = seed_named("kinesis-user");
    pipe["spec"]["state"] = json!("stopped");
    write_manifest(&desk, &pipe);
    let said = run_apply(&desk, &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(live_pipe(&desk)["state"], "Stopped");
    assert_eq!(commands(&desk), [""; 0]);
    let again = run_apply(&desk, &[]);
    assert!(again.stdout.contains("No changes"), "{}", again.all_output());
}

/// An API that does not know the switch.
#[test]
fn older_api_creates_the_pipe_running_and_stops_it() {
    let desk = WorkDir::new();
    let mut pipe = seed_named("kinesis-user");
    write_manifest(&desk, &pipe);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    desk.edit_world(|world| world.set_options(SandboxOptions { newer_fields: false, ..SandboxOptions::default() }));
    pipe["metadata"]["name"] = json!("another");
    pipe["spec"]["state"] = json!("stopped");
    pipe["spec"]["destination"]["table"] = json!("another");
    write_manifest(&desk, &pipe);
    let said = run_apply(&desk, &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
    let states: Vec<&str> = pipes.iter().filter_map(|pipe| pipe["state"].as_str()).collect();
    assert_eq!(states, ["Running", "Stopped"]);
    assert_eq!(commands(&desk), ["stop"]);
    let posts: Vec<u64> = desk.request_log().iter().filter(|it| it.0 == "POST").map(|it| it.2).collect();
    assert_eq!(posts, [200, 400, 200]);
}

/// What the API accepted is done, whatever becomes of the wait.
#[test]
fn accepted_create_that_has_not_settled_is_no_failure() {
    let desk = WorkDir::new();
    write_manifest(&desk, &seed_named("kinesis-user"));
    let said = run_apply(&desk, &["--timeout=20s"]);
    assert_eq!(said.code, 3, "{}", said.all_output());
    let id = live_pipe(&desk)["id"].as_str().unwrap().to_owned();
    let words = format!("accepted, not settled yet (id {id}): it is still `Provisioning` after");
    assert!(said.stdout.contains(&words), "{}", said.all_output());
    assert!(said.stdout.contains("0 applied, 0 failed, 0 skipped, 0 unknown, 1 accepted"), "{}", said.all_output());
}

fn write_stream_pipes(desk: &WorkDir, count: usize) {
    let pipes: Vec<Value> = (0..count)
        .map(|nth| {
            let mut pipe = seed_named("kinesis-user");
            pipe["metadata"]["name"] = json!(format!("pipe-{nth:02}"));
            pipe["spec"]["destination"]["table"] = json!(format!("table_{nth:02}"));
            pipe
        })
        .collect();
    desk.write_file("pipes.yaml", documents_to_yaml(&pipes));
}

/// The requests of the plan alone take longer than the 15 minutes of a small one.
#[test]
fn default_timeout_grows_with_the_plan() {
    let desk = WorkDir::new();
    write_stream_pipes(&desk, 60);
    let apply = ["--rate-limit=1/10s", "--wait=none"];
    let said = run_apply(&desk, &apply);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stdout.contains("Apply: 60 applied, 0 failed"), "{}", said.all_output());
    // Without the longer limit most of them are skipped.
    let desk = WorkDir::new();
    write_stream_pipes(&desk, 60);
    let said = run_apply(&desk, &[&apply[..], &["--timeout=15m"]].concat());
    assert_eq!(said.code, 3, "{}", said.all_output());
    assert!(said.stdout.contains("not started: the time limit of the run has passed"), "{}", said.all_output());
}

#[test]
fn objects_that_were_never_begun_are_skipped() {
    let desk = WorkDir::new();
    write_stream_pipes(&desk, 30);
    let said = run_apply(&desk, &["--timeout=15s", "-o", "json"]);
    assert_eq!(said.code, 3, "{}", said.all_output());
    assert!(said.stderr.contains("takes at least 30 s, longer than `--timeout 15s`"), "{}", said.stderr);
    let reports = said.stdout_json()["result"]["reports"].as_array().unwrap().clone();
    let created = desk.edit_world(|world| world.list_pipes("analytics").len());
    let of = |outcome: &str| reports.iter().filter(|report| report["outcome"] == outcome).collect::<Vec<_>>();
    assert_eq!((of("accepted").len(), of("skipped").len()), (created, 30 - created), "{reports:#?}");
    assert!(created > 5 && created < 25, "{created}");
    let note = "not started: the time limit of the run has passed";
    assert!(of("skipped").iter().all(|report| report["notes"] == json!([note])), "{reports:#?}");
}
