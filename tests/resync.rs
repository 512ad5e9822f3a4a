//! `pipectl resync`: the one command that writes beside apply.

use std::time::Duration;

use crate::support::cli::{APPLY, RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seeds_named};
use crate::support::seeds::SEED_SECRET;
use crate::support::server::SandboxServer;
use sandbox::{EmulatedPipeState, ServiceState};
use serde_json::{Value, json};

const PIPES: [&str; 5] = ["bigquery", "kinesis-user", "mysql-cdc", "postgres-cdc", "s3-public-once"];

fn write_manifests(desk: &WorkDir, names: &[&str]) {
    desk.write_file("pipes.yaml", documents_to_yaml(&seeds_named(names)));
}

fn dir_with_live_pipes() -> WorkDir {
    let desk = WorkDir::new();
    write_manifests(&desk, &PIPES);
    let said = desk.run_with_env(&APPLY, &SEED_SECRET);
    assert_eq!(said.code, 0, "{}", said.all_output());
    desk.edit_world(|world| world.advance_clock(Duration::from_secs(300)));
    desk
}

fn run_resync(desk: &WorkDir, pipe: &str, more: &[&str]) -> RunOutput {
    desk.run_pipectl(&[&["resync", pipe, "--sandbox", "--yes"], more].concat())
}

/// How many state commands were sent to pipes.
fn count_commands(desk: &WorkDir) -> usize {
    let entries = desk.request_log().into_iter();
    entries.filter(|(method, path, _)| method == "PATCH" && path.ends_with("/state")).count()
}

#[test]
fn resync_reloads_a_database_pipe_and_waits() {
    let desk = dir_with_live_pipes();
    for pipe in ["analytics/postgres-cdc", "analytics/mysql-cdc"] {
        let said = run_resync(&desk, pipe, &["-o", "json"]);
        let json = said.stdout_json();
        assert_eq!((said.code, &json["outcome"]), (0, &json!("resynced")), "{}", said.all_output());
        assert_eq!(json["result"]["state"], "Running", "{json:#}");
        assert!(said.stderr.contains("`_resync`"), "what it does to the data: {}", said.stderr);
    }
    assert_eq!(count_commands(&desk), 2);
}

#[test]
fn resync_without_wait_ends_when_accepted() {
    let desk = dir_with_live_pipes();
    let said = run_resync(&desk, "postgres-cdc", &["--service=analytics", "--wait=none", "-o", "json"]);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (0, &json!("accepted")), "{}", said.all_output());
    desk.edit_world(|world| world.advance_clock(Duration::from_secs(3)));
    // It loads now, so that the same command once more would throw that away.
    let again = run_resync(&desk, "analytics/postgres-cdc", &["-o", "json"]);
    assert_eq!((again.code, &again.stdout_json()["outcome"]), (5, &json!("blocked")), "{}", again.all_output());
    assert_eq!(count_commands(&desk), 1);
}

#[test]
fn resync_is_rejected_for_other_sources() {
    let desk = dir_with_live_pipes();
    for (pipe, words) in [
        ("kinesis-user", "a stream has no initial load"),
        ("s3-public-once", "files have no initial load"),
        ("bigquery", "a BigQuery pipe loads its tables only once"),
    ] {
        let said = run_resync(&desk, &format!("analytics/{pipe}"), &["-o", "json"]);
        assert_eq!((said.code, &said.stdout_json()["outcome"]), (1, &json!("error")), "{}", said.all_output());
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    assert_eq!(count_commands(&desk), 0);
}

#[test]
fn resync_is_blocked_while_the_pipe_is_loading() {
    let desk = dir_with_live_pipes();
    for state in [EmulatedPipeState::Snapshot, EmulatedPipeState::Provisioning, EmulatedPipeState::Modifying] {
        desk.edit_world(|world| world.set_pipe_state("analytics", "postgres-cdc", state));
        let said = run_resync(&desk, "analytics/postgres-cdc", &[]);
        assert_eq!(said.code, 5, "{}", said.all_output());
        assert!(said.stderr.contains("nothing was sent"), "{}", said.stderr);
    }
    assert_eq!(count_commands(&desk), 0);
    desk.edit_world(|world| world.set_pipe_state("analytics", "postgres-cdc", EmulatedPipeState::Paused));
    let said = run_resync(&desk, "analytics/postgres-cdc", &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stderr.contains("it is stopped now and runs afterwards"), "{}", said.stderr);
}

#[test]
fn resync_without_terminal_needs_yes() {
    let desk = dir_with_live_pipes();
    let said = desk.run_pipectl(&["resync", "analytics/postgres-cdc", "--sandbox"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("--yes"), "{}", said.stderr);
    assert_eq!(count_commands(&desk), 0);
}

#[test]
fn resync_needs_exactly_one_existing_pipe() {
    let desk = dir_with_live_pipes();
    assert_eq!(run_resync(&desk, "postgres-cdc", &[]).code, 64);
    assert_eq!(run_resync(&desk, "analytics/", &[]).code, 64);
    let said = run_resync(&desk, "analytics/postgres-cbc", &[]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("did you mean `analytics/postgres-cdc`?"), "{}", said.stderr);
    desk.edit_world(|world| world.edit_pipe("analytics", "mysql-cdc", |pipe| pipe["name"] = json!("postgres-cdc")));
    let said = run_resync(&desk, "analytics/postgres-cdc", &[]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("several pipes") && said.stderr.contains("--id"), "{}", said.all_output());
    assert_eq!(count_commands(&desk), 0);
    let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
    let id = pipes.iter().find(|pipe| pipe["source"]["mysql"].is_object()).unwrap()["id"].clone();
    let said = run_resync(&desk, "analytics/postgres-cdc", &["--id", id.as_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let said = run_resync(&desk, "analytics/postgres-cdc", &["--id", "nobody"]);
    assert!(said.stderr.contains("does not have the id nobody"), "{}", said.stderr);
}

#[test]
fn resync_wakes_an_idle_service_only_with_wake_flag() {
    let desk = dir_with_live_pipes();
    desk.edit_world(|world| world.set_service_state("analytics", ServiceState::Idle));
    let said = run_resync(&desk, "analytics/postgres-cdc", &[]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("--wake"), "{}", said.stderr);
    let said = run_resync(&desk, "analytics/postgres-cdc", &["--wake"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn resync_timeout_reports_the_current_state() {
    let desk = dir_with_live_pipes();
    let said = run_resync(&desk, "analytics/postgres-cdc", &["--timeout", "8s"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("is still `Snapshot`"), "{}", said.stderr);
}

#[test]
fn resync_with_a_read_only_key_exits_with_4() {
    let server = SandboxServer::start(20);
    let desk = WorkDir::new();
    write_manifests(&desk, &["postgres-cdc"]);
    assert_eq!(server.run_to_end(&desk, &["apply", "pipes.yaml", "--yes", "--wait=none"]).code, 0);
    server.advance_time(300);
    let mut environment = server.client_environment();
    environment.retain(|(name, _)| !name.starts_with("CLICKHOUSE_CLOUD_API"));
    let keys = [
        ("CLICKHOUSE_CLOUD_API_KEY", sandbox::READ_ONLY_KEY_ID),
        ("CLICKHOUSE_CLOUD_API_SECRET", sandbox::READ_ONLY_KEY_SECRET),
    ];
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).chain(keys).collect();
    let args = ["resync", "analytics/postgres-cdc", "--yes", "-o", "json"];
    let said = desk.run_with_env(&args, &environment);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (4, &json!("error")), "{}", said.all_output());
}

#[cfg(unix)]
#[test]
fn interrupted_resync_stops_waiting_and_pauses_nothing() {
    let server = SandboxServer::start(1);
    let desk = WorkDir::new();
    write_manifests(&desk, &["postgres-cdc"]);
    assert_eq!(server.run_to_end(&desk, &["apply", "pipes.yaml", "--yes", "--wait=none"]).code, 0);
    server.advance_time(300);
    let args = ["resync", "analytics/postgres-cdc", "--yes", "-o", "json", "--rate-limit=off"];
    let run = server.spawn_run(&desk, &args);
    server.wait_for_requests(1, |entry| entry["body"]["command"] == "resync");
    run.send_signal("INT");
    let said = run.wait_for_end();
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (130, &json!("interrupted")), "{}", said.all_output());
    let stops = |entry: &Value| entry["body"]["command"] == "stop";
    assert_eq!(server.count_requests(stops), 0);
    server.advance_time(300);
    let said = server.run_to_end(&desk, &["status", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stdout.contains("Running"), "{}", said.stdout);
}
