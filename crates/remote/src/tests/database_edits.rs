//! Edits of database pipes: the writes and their order.

use std::time::Duration;

use model::action::{Action, RunState, UpdateVia};
use sandbox::{EmulatedPipeState, FaultEffect, SandboxOptions};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bench::{RemoteBench, SERVICE, pipe_address, wait_seconds};
use super::fixtures::{collection_mapping, mongodb_body, mysql_body, postgres_body, table_mapping};
use crate::{Hint, RemoteSettings};

/// A source, and edits of it.
struct EditedSource {
    arm: &'static str,
    body: fn(&str) -> Value,
    mapping: fn(&str) -> Value,
    connection: Value,
}

fn edited_sources() -> [EditedSource; 3] {
    let host = || json!({"host": "other.example.com", "credentials": new_credentials()});
    let uri = "mongodb+srv://cluster1.example.mongodb.net";
    [
        EditedSource { arm: "postgres", body: postgres_body, mapping: table_mapping, connection: host() },
        EditedSource { arm: "mysql", body: mysql_body, mapping: table_mapping, connection: host() },
        EditedSource {
            arm: "mongodb",
            body: mongodb_body,
            mapping: collection_mapping,
            connection: json!({"uri": uri, "credentials": new_credentials()}),
        },
    ]
}

fn new_credentials() -> Value {
    json!({"username": "user", "password": {"fromEnv": "CANARY"}})
}

/// A running pipe of the source, and how many requests it took to get there.
async fn running_pipe(source: &EditedSource) -> (RemoteBench, usize) {
    let bench = RemoteBench::without_rate_limit();
    bench.create_for_id("orders", (source.body)("orders")).await;
    // Its first load is done.
    wait_seconds(60).await;
    bench.pipe_states().await;
    let from = bench.lock_world().request_log().len();
    (bench, from)
}

async fn edit_source(bench: &RemoteBench, source: &EditedSource, edit: Value) {
    let body = json!({"source": {source.arm: edit}});
    bench.update_pipe("orders", UpdateVia::Resource, body).await.unwrap();
}

async fn set_pipe_state(bench: &RemoteBench, to: RunState) -> String {
    bench.set_state("orders", to).await.unwrap().state.to_string()
}

fn mapped_tables(bench: &RemoteBench, source: &EditedSource) -> Vec<String> {
    let live = bench.lock_world().list_pipes(SERVICE);
    let mappings = live[0]["source"][source.arm]["tableMappings"].as_array().unwrap().clone();
    let mut targets: Vec<String> =
        mappings.iter().map(|each| each["targetTable"].as_str().unwrap().to_owned()).collect();
    targets.sort();
    targets
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_added_with_one_stop_and_no_start() {
    for source in edited_sources() {
        let (bench, from) = running_pipe(&source).await;
        assert_eq!(set_pipe_state(&bench, RunState::Stopped).await, "Paused");
        edit_source(&bench, &source, json!({"tableMappingsToAdd": [(source.mapping)("orders")]})).await;
        assert_eq!(set_pipe_state(&bench, RunState::Running).await, "Snapshot");
        assert_eq!(bench.write_lines(from), ["stop 200", "PATCH tableMappingsToAdd 200"]);
        assert_eq!(mapped_tables(&bench, &source), ["t_kept", "t_orders", "t_users"]);
        wait_seconds(60).await;
        assert_eq!(bench.pipe_states().await[0].1, "Running");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_removed_with_one_stop_and_no_start() {
    for source in edited_sources() {
        let (bench, from) = running_pipe(&source).await;
        set_pipe_state(&bench, RunState::Stopped).await;
        edit_source(&bench, &source, json!({"tableMappingsToRemove": [(source.mapping)("users")]})).await;
        assert_eq!(set_pipe_state(&bench, RunState::Running).await, "Running");
        assert_eq!(bench.write_lines(from), ["stop 200", "PATCH tableMappingsToRemove 200"]);
        assert_eq!(mapped_tables(&bench, &source), ["t_kept"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_replaced_with_a_stop_before_each_half() {
    for source in edited_sources() {
        let (bench, from) = running_pipe(&source).await;
        set_pipe_state(&bench, RunState::Stopped).await;
        edit_source(&bench, &source, json!({"tableMappingsToRemove": [(source.mapping)("users")]})).await;
        assert_eq!(set_pipe_state(&bench, RunState::Stopped).await, "Paused");
        edit_source(&bench, &source, json!({"tableMappingsToAdd": [(source.mapping)("users")]})).await;
        assert_eq!(set_pipe_state(&bench, RunState::Running).await, "Snapshot");
        let expected = ["stop 200", "PATCH tableMappingsToRemove 200", "stop 200", "PATCH tableMappingsToAdd 200"];
        assert_eq!(bench.write_lines(from), expected);
        assert_eq!(mapped_tables(&bench, &source), ["t_kept", "t_users"]);
    }
}

/// A table is being taken out while the pipe is `Modifying`: it can be stopped once it runs.
#[tokio::test(start_paused = true)]
async fn stop_waits_until_modifying_pipe_runs() {
    let source = &edited_sources()[0];
    let (bench, _) = running_pipe(source).await;
    set_pipe_state(&bench, RunState::Stopped).await;
    edit_source(&bench, source, json!({"tableMappingsToRemove": [table_mapping("users")]})).await;
    let edited = Instant::now();
    set_pipe_state(&bench, RunState::Stopped).await;
    let world = bench.lock_world();
    let mut stops = world.request_log().iter().filter(|entry| entry.body["command"] == "stop");
    let patch = world.request_log().iter().rfind(|entry| !entry.body["source"].is_null()).unwrap();
    let waited = stops.next_back().unwrap().received_at.0 - patch.received_at.0;
    assert!((7_000..20_000).contains(&waited), "{waited} ms");
    assert!(edited.elapsed().as_secs() < 30);
}

#[tokio::test(start_paused = true)]
async fn connection_edit_takes_one_request_without_a_stop() {
    for source in edited_sources() {
        let (bench, from) = running_pipe(&source).await;
        edit_source(&bench, &source, source.connection.clone()).await;
        let fields = source.connection.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(bench.write_lines(from), [format!("PATCH {} 200", fields.join(","))]);
        edit_source(&bench, &source, json!({"credentials": new_credentials()})).await;
        assert_eq!(bench.write_lines(from)[1], "PATCH credentials 200");
        assert_eq!(bench.pipe_states().await[0].1, "Running");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_edit_restarts_a_paused_pipe() {
    for source in edited_sources() {
        let (bench, from) = running_pipe(&source).await;
        set_pipe_state(&bench, RunState::Stopped).await;
        edit_source(&bench, &source, json!({"credentials": new_credentials()})).await;
        assert_eq!(set_pipe_state(&bench, RunState::Running).await, "Running");
        assert_eq!(bench.write_lines(from), ["stop 200", "PATCH credentials 200"]);
    }
}

#[tokio::test(start_paused = true)]
async fn pipe_that_does_not_resume_is_started_after_10_s() {
    let source = &edited_sources()[0];
    let (bench, from) = running_pipe(source).await;
    set_pipe_state(&bench, RunState::Stopped).await;
    bench.lock_world().fault_script().add_once("PATCH", "*/clickpipes/*", FaultEffect::LateResume(600));
    edit_source(&bench, source, json!({"tableMappingsToAdd": [table_mapping("orders")]})).await;
    let edited = Instant::now();
    assert_eq!(set_pipe_state(&bench, RunState::Running).await, "Running");
    assert_eq!(bench.write_lines(from), ["stop 200", "PATCH tableMappingsToAdd 200", "start 200"]);
    let took = edited.elapsed().as_secs();
    assert!((10..25).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn pipe_is_started_at_once_after_a_rename() {
    let source = &edited_sources()[0];
    let (bench, from) = running_pipe(source).await;
    set_pipe_state(&bench, RunState::Stopped).await;
    bench.update_pipe("orders", UpdateVia::Resource, json!({"name": "orders"})).await.unwrap();
    let edited = Instant::now();
    set_pipe_state(&bench, RunState::Running).await;
    assert_eq!(bench.write_lines(from), ["stop 200", "PATCH  200", "start 200"]);
    assert!(edited.elapsed().as_secs() < 10, "{:?}", edited.elapsed());
}

/// The API answers 200 to a stop during a load, and goes on.
#[tokio::test(start_paused = true)]
async fn stop_that_was_dropped_during_a_load_is_sent_again() {
    let bench = RemoteBench::without_rate_limit();
    bench.create_for_id("orders", postgres_body("orders")).await;
    assert_eq!(bench.pipe_states().await[0].1, "Snapshot");
    let from = bench.lock_world().request_log().len();
    assert_eq!(set_pipe_state(&bench, RunState::Stopped).await, "Paused");
    assert_eq!(bench.write_lines(from), ["stop 200", "stop 200"]);
}

/// Nothing was stopped, so that nothing is to be started again.
#[tokio::test(start_paused = true)]
async fn stop_of_an_endless_load_is_reported_as_ignored() {
    let settings = RemoteSettings { timeout: Duration::from_secs(300), ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), settings);
    let id = bench.create_for_id("orders", postgres_body("orders")).await;
    bench.lock_world().set_pipe_state(SERVICE, "orders", EmulatedPipeState::Snapshot);
    let stop = Action::SetState { address: pipe_address("orders"), id: Some(id), to: RunState::Stopped };
    let error = bench.remote.perform_action(&stop).await.unwrap_err();
    assert_eq!(error.hint(), Some(Hint::StopsAfterLoad));
    assert!(error.to_string().starts_with("`analytics/orders` is still `Snapshot` after "), "{error}");
    assert_eq!(bench.remote.paused_by_run(&stop), None);
}
