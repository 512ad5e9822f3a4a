use serde_json::{Value, json};

use super::{
    SandboxBench, assert_refused, bigquery_body, kafka_body, mongodb_body, mysql_body, ok_result, postgres_body,
    s3_body,
};
use crate::{ApiDialect, EmulatedPipeState, Quirk, Quirks, SandboxOptions};

#[test]
fn streaming_pipe_is_provisioned_then_runs() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    assert_eq!(bench.states_at(&id, &[0, 29, 30]), ["Provisioning", "Provisioning", "Running"]);
}

#[test]
fn one_shot_object_storage_completes_and_continuous_does_not() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&s3_body());
    assert_eq!(bench.states_at(&id, &[30, 35]), ["Running", "Completed"]);
    let mut body = s3_body();
    body["source"]["objectStorage"]["isContinuous"] = json!(true);
    let id = bench.create_pipe(&body);
    assert_eq!(bench.states_at(&id, &[30, 3600]), ["Running", "Running"]);
}

#[test]
fn first_database_pipe_of_a_service_takes_longer() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    let states = bench.states_at(&id, &[119, 120, 125, 135]);
    assert_eq!(states, ["Provisioning", "Setup", "Snapshot", "Running"]);
    let id = bench.create_pipe(&mysql_body());
    assert_eq!(bench.states_at(&id, &[9, 10, 15, 25]), ["Provisioning", "Setup", "Snapshot", "Running"]);
}

#[test]
fn snapshot_and_bigquery_pipes_complete() {
    let mut bench = SandboxBench::new();
    let mut body = postgres_body();
    body["source"]["postgres"]["settings"]["replicationMode"] = json!("snapshot");
    for body in [body, bigquery_body()] {
        let id = bench.create_pipe(&body);
        bench.wait_seconds(300);
        assert_eq!(bench.pipe_state(&id), "Completed");
    }
}

#[test]
fn stop_gives_stopped_for_streams_and_paused_for_cdc() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    bench.wait_seconds(60);
    assert_eq!(ok_result(&bench.send_command(&id, "stop"))["state"], "Running");
    assert_eq!(bench.states_at(&id, &[1, 6]), ["Stopping", "Stopped"]);
    let id = bench.create_pipe(&postgres_body());
    bench.wait_seconds(300);
    ok_result(&bench.send_command(&id, "stop"));
    assert_eq!(bench.states_at(&id, &[1, 6]), ["Pausing", "Paused"]);
}

#[test]
fn stop_is_idempotent() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    ok_result(&bench.send_command(&id, "stop"));
    bench.wait_seconds(3);
    ok_result(&bench.send_command(&id, "stop"));
    assert_eq!(bench.states_at(&id, &[3]), ["Stopped"]);
    ok_result(&bench.send_command(&id, "stop"));
    assert_eq!(bench.states_at(&id, &[60]), ["Stopped"]);
}

#[test]
fn start_on_stopped_paused_and_failed_is_200() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    for state in [EmulatedPipeState::Stopped, EmulatedPipeState::Paused, EmulatedPipeState::Failed] {
        bench.world.set_pipe_state("analytics", &id, state);
        ok_result(&bench.send_command(&id, "start"));
        assert_eq!(bench.states_at(&id, &[1, 6]), ["Provisioning", "Running"]);
    }
    let id = bench.create_pipe(&mongodb_body());
    bench.world.set_pipe_state("analytics", &id, EmulatedPipeState::Paused);
    assert_eq!(ok_result(&bench.send_command(&id, "start"))["state"], "Paused");
    assert_eq!(bench.states_at(&id, &[5]), ["Running"]);
}

#[test]
fn start_on_running_is_400_already_running() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    let text = format!("{} ClickPipe is already running", &id[..8]);
    for state in [
        EmulatedPipeState::Running,
        EmulatedPipeState::Provisioning,
        EmulatedPipeState::Setup,
        EmulatedPipeState::Snapshot,
        EmulatedPipeState::Degraded,
    ] {
        bench.world.set_pipe_state("analytics", &id, state);
        assert_refused(&bench.send_command(&id, "start"), 400, &text);
    }
}

#[test]
fn completed_cannot_be_started_and_stop_changes_nothing() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&s3_body());
    bench.wait_seconds(60);
    assert_refused(&bench.send_command(&id, "start"), 400, "completed");
    assert_eq!(ok_result(&bench.send_command(&id, "stop"))["state"], "Completed");
    assert_eq!(bench.states_at(&id, &[60]), ["Completed"]);
}

#[test]
fn resync_is_only_for_cdc_pipes() {
    let mut bench = SandboxBench::new();
    for body in [postgres_body(), mysql_body(), mongodb_body()] {
        let id = bench.create_pipe(&body);
        bench.wait_seconds(300);
        ok_result(&bench.send_command(&id, "resync"));
        assert_eq!(bench.states_at(&id, &[1, 11, 16]), ["Snapshot", "Resync", "Running"]);
    }
    for body in [kafka_body(), s3_body(), bigquery_body()] {
        let id = bench.create_pipe(&body);
        assert_refused(&bench.send_command(&id, "resync"), 400, "resync");
    }
}

#[test]
fn resync_of_a_completed_snapshot_completes_again() {
    let mut bench = SandboxBench::new();
    let mut body = postgres_body();
    body["source"]["postgres"]["settings"]["replicationMode"] = json!("snapshot");
    let id = bench.create_pipe(&body);
    bench.wait_seconds(300);
    ok_result(&bench.send_command(&id, "resync"));
    assert_eq!(bench.states_at(&id, &[1, 16]), ["Snapshot", "Completed"]);
}

#[test]
fn state_body_follows_the_dialect() {
    let accepted = |dialect, body: &Value| {
        let mut bench = SandboxBench::with_options(SandboxOptions { dialect, ..SandboxOptions::default() });
        let id = bench.create_pipe(&kafka_body());
        bench.send_request("PATCH", &format!("/clickpipes/{id}/state"), body).status
    };
    let (command, action) = (json!({"command": "stop"}), json!({"action": "stop"}));
    assert_eq!(SandboxOptions::default().dialect, ApiDialect::Official);
    assert_eq!(accepted(ApiDialect::Official, &command), 200);
    assert_eq!(accepted(ApiDialect::Official, &action), 400);
    assert_eq!(accepted(ApiDialect::ReferencePage, &command), 400);
    assert_eq!(accepted(ApiDialect::ReferencePage, &action), 200);
    assert_eq!(accepted(ApiDialect::Both, &command), 200);
    assert_eq!(accepted(ApiDialect::Both, &action), 200);
    for body in [json!({}), json!({"command": "restart"}), json!({"command": 1})] {
        assert_eq!(accepted(ApiDialect::Official, &body), 400);
    }
}

#[test]
fn deleted_pipe_stays_visible_for_three_seconds() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    let path = format!("/clickpipes/{id}");
    assert_eq!(bench.send_request("DELETE", &path, &Value::Null).status, 200);
    bench.wait_seconds(2);
    bench.read_pipe(&id);
    bench.wait_seconds(1);
    assert_refused(&bench.send_request("GET", &path, &Value::Null), 404, "NOT_FOUND");
    assert_refused(&bench.send_request("DELETE", &path, &Value::Null), 404, "NOT_FOUND");
    assert_eq!(bench.get_result("/clickpipes"), json!([]));
}

/// The API answers 200 and goes on with its load.
#[test]
fn stop_of_a_loading_database_pipe_is_dropped() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    for state in ["Provisioning", "Snapshot"] {
        assert_eq!(bench.pipe_state(&id), state);
        ok_result(&bench.send_command(&id, "stop"));
        bench.wait_seconds(126);
    }
    assert_eq!(bench.pipe_state(&id), "Running");
    ok_result(&bench.send_command(&id, "stop"));
    assert_eq!(bench.states_at(&id, &[6]), ["Paused"]);

    let quirks = Quirks::all_observed().without_quirk(Quirk::DroppedStops);
    let mut obedient = SandboxBench::with_options(SandboxOptions { quirks, ..SandboxOptions::default() });
    let id = obedient.create_pipe(&postgres_body());
    ok_result(&obedient.send_command(&id, "stop"));
    assert_eq!(obedient.states_at(&id, &[6]), ["Paused"]);
}

#[test]
fn pipe_that_starts_paused_reads_nothing() {
    let mut bench = SandboxBench::new();
    let mut body = kafka_body();
    body["startPaused"] = json!(true);
    let id = bench.create_pipe(&body);
    assert_eq!(bench.states_at(&id, &[0, 30, 3600]), ["Provisioning", "Stopped", "Stopped"]);
    let mut database = postgres_body();
    database["startPaused"] = json!(true);
    assert_refused(&bench.post_pipe(&database), 400, "startPaused: is not for database pipes");
    let options = SandboxOptions { newer_fields: false, ..SandboxOptions::default() };
    assert_refused(&SandboxBench::with_options(options).post_pipe(&body), 400, "startPaused: unknown field");
}
