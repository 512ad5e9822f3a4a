use serde_json::{Value, json};

use super::{Bench, bigquery, kafka, mongodb, mysql, ok, postgres, refused, s3};
use crate::{Dialect, Options, PipeState};

#[test]
fn streaming_is_provisioned_and_runs() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    assert_eq!(bench.states(&id, &[0, 29, 30]), ["Provisioning", "Provisioning", "Running"]);
}

#[test]
fn one_shot_object_storage_completes_and_continuous_does_not() {
    let mut bench = Bench::new();
    let id = bench.create(&s3());
    assert_eq!(bench.states(&id, &[30, 35]), ["Running", "Completed"]);
    let mut body = s3();
    body["source"]["objectStorage"]["isContinuous"] = json!(true);
    let id = bench.create(&body);
    assert_eq!(bench.states(&id, &[30, 3600]), ["Running", "Running"]);
}

#[test]
fn first_database_pipe_of_a_service_takes_longer() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    let states = bench.states(&id, &[119, 120, 125, 135]);
    assert_eq!(states, ["Provisioning", "Setup", "Snapshot", "Running"]);
    let id = bench.create(&mysql());
    assert_eq!(
        bench.states(&id, &[9, 10, 15, 25]),
        ["Provisioning", "Setup", "Snapshot", "Running"]
    );
}

#[test]
fn snapshot_and_bigquery_complete() {
    let mut bench = Bench::new();
    let mut body = postgres();
    body["source"]["postgres"]["settings"]["replicationMode"] = json!("snapshot");
    for body in [body, bigquery()] {
        let id = bench.create(&body);
        bench.wait(300);
        assert_eq!(bench.state(&id), "Completed");
    }
}

#[test]
fn stop_streaming_is_stopped_and_cdc_is_paused() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    bench.wait(60);
    assert_eq!(ok(&bench.command(&id, "stop"))["state"], "Running");
    assert_eq!(bench.states(&id, &[1, 6]), ["Stopping", "Stopped"]);
    let id = bench.create(&postgres());
    bench.wait(300);
    ok(&bench.command(&id, "stop"));
    assert_eq!(bench.states(&id, &[1, 6]), ["Pausing", "Paused"]);
}

#[test]
fn stop_is_idempotent() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    ok(&bench.command(&id, "stop"));
    bench.wait(3);
    ok(&bench.command(&id, "stop"));
    assert_eq!(bench.states(&id, &[3]), ["Stopped"]);
    ok(&bench.command(&id, "stop"));
    assert_eq!(bench.states(&id, &[60]), ["Stopped"]);
}

#[test]
fn start_on_stopped_paused_and_failed_is_200() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    for state in [PipeState::Stopped, PipeState::Paused, PipeState::Failed] {
        bench.world.set_pipe_state("analytics", &id, state);
        ok(&bench.command(&id, "start"));
        assert_eq!(bench.states(&id, &[1, 6]), ["Provisioning", "Running"]);
    }
    let id = bench.create(&mongodb());
    bench.world.set_pipe_state("analytics", &id, PipeState::Paused);
    assert_eq!(ok(&bench.command(&id, "start"))["state"], "Paused");
    assert_eq!(bench.states(&id, &[5]), ["Running"]);
}

#[test]
fn start_on_running_is_400_already_running() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    let text = format!("{} ClickPipe is already running", &id[..8]);
    for state in [
        PipeState::Running,
        PipeState::Provisioning,
        PipeState::Setup,
        PipeState::Snapshot,
        PipeState::Degraded,
    ] {
        bench.world.set_pipe_state("analytics", &id, state);
        refused(&bench.command(&id, "start"), 400, &text);
    }
}

#[test]
fn completed_cannot_be_started_and_stop_changes_nothing() {
    let mut bench = Bench::new();
    let id = bench.create(&s3());
    bench.wait(60);
    refused(&bench.command(&id, "start"), 400, "completed");
    assert_eq!(ok(&bench.command(&id, "stop"))["state"], "Completed");
    assert_eq!(bench.states(&id, &[60]), ["Completed"]);
}

#[test]
fn resync_is_for_cdc() {
    let mut bench = Bench::new();
    for body in [postgres(), mysql(), mongodb()] {
        let id = bench.create(&body);
        bench.wait(300);
        ok(&bench.command(&id, "resync"));
        assert_eq!(bench.states(&id, &[1, 11, 16]), ["Snapshot", "Resync", "Running"]);
    }
    for body in [kafka(), s3(), bigquery()] {
        let id = bench.create(&body);
        refused(&bench.command(&id, "resync"), 400, "resync");
    }
}

#[test]
fn resync_of_a_completed_snapshot_completes_again() {
    let mut bench = Bench::new();
    let mut body = postgres();
    body["source"]["postgres"]["settings"]["replicationMode"] = json!("snapshot");
    let id = bench.create(&body);
    bench.wait(300);
    ok(&bench.command(&id, "resync"));
    assert_eq!(bench.states(&id, &[1, 16]), ["Snapshot", "Completed"]);
}

#[test]
fn state_body_follows_the_dialect() {
    let accepted = |dialect, body: &Value| {
        let mut bench = Bench::with(Options { dialect, ..Options::default() });
        let id = bench.create(&kafka());
        bench.ask("PATCH", &format!("/clickpipes/{id}/state"), body).status
    };
    let (command, action) = (json!({"command": "stop"}), json!({"action": "stop"}));
    assert_eq!(Options::default().dialect, Dialect::Official);
    assert_eq!(accepted(Dialect::Official, &command), 200);
    assert_eq!(accepted(Dialect::Official, &action), 400);
    assert_eq!(accepted(Dialect::ReferencePage, &command), 400);
    assert_eq!(accepted(Dialect::ReferencePage, &action), 200);
    assert_eq!(accepted(Dialect::Both, &command), 200);
    assert_eq!(accepted(Dialect::Both, &action), 200);
    for body in [json!({}), json!({"command": "restart"}), json!({"command": 1})] {
        assert_eq!(accepted(Dialect::Official, &body), 400);
    }
}

#[test]
fn deleted_pipe_is_seen_a_little_longer() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    let path = format!("/clickpipes/{id}");
    assert_eq!(bench.ask("DELETE", &path, &Value::Null).status, 200);
    bench.wait(2);
    bench.read(&id);
    bench.wait(1);
    refused(&bench.ask("GET", &path, &Value::Null), 404, "NOT_FOUND");
    refused(&bench.ask("DELETE", &path, &Value::Null), 404, "NOT_FOUND");
    assert_eq!(bench.get("/clickpipes"), json!([]));
}
