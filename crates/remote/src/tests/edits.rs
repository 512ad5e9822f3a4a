//! Edits of database pipes: which writes they come to, and in which order.

use model::action::{Endpoint, RunState};
use sandbox::Effect;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bench::{Bench, SERVICE, pass};
use super::fixtures::{collection, mapping, mongodb, mysql, postgres};

/// A source with what one edits about it.
struct Source {
    arm: &'static str,
    body: fn(&str) -> Value,
    mapping: fn(&str) -> Value,
    connection: Value,
}

fn sources() -> [Source; 3] {
    let host = || json!({"host": "other.example.com", "credentials": credentials()});
    let uri = "mongodb+srv://cluster1.example.mongodb.net";
    [
        Source { arm: "postgres", body: postgres, mapping, connection: host() },
        Source { arm: "mysql", body: mysql, mapping, connection: host() },
        Source {
            arm: "mongodb",
            body: mongodb,
            mapping: collection,
            connection: json!({"uri": uri, "credentials": credentials()}),
        },
    ]
}

fn credentials() -> Value {
    json!({"username": "user", "password": {"fromEnv": "CANARY"}})
}

/// A running pipe of the source, and how many requests it took to get there.
async fn running(source: &Source) -> (Bench, usize) {
    let bench = Bench::unlimited();
    bench.created("orders", (source.body)("orders")).await;
    let from = bench.world().journal().len();
    (bench, from)
}

async fn edit(bench: &Bench, source: &Source, edit: Value) {
    let body = json!({"source": {source.arm: edit}});
    bench.update("orders", Endpoint::Resource, body).await.unwrap();
}

async fn state(bench: &Bench, to: RunState) -> String {
    bench.set_state("orders", to).await.unwrap().state.to_string()
}

fn mapped(bench: &Bench, source: &Source) -> Vec<String> {
    let live = bench.world().pipes(SERVICE);
    let mappings = live[0]["source"][source.arm]["tableMappings"].as_array().unwrap().clone();
    let mut targets: Vec<String> =
        mappings.iter().map(|each| each["targetTable"].as_str().unwrap().to_owned()).collect();
    targets.sort();
    targets
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_added_with_one_stop_and_no_start() {
    for source in sources() {
        let (bench, from) = running(&source).await;
        assert_eq!(state(&bench, RunState::Stopped).await, "Paused");
        edit(&bench, &source, json!({"tableMappingsToAdd": [(source.mapping)("orders")]})).await;
        assert_eq!(state(&bench, RunState::Running).await, "Snapshot");
        assert_eq!(bench.writes(from), ["stop 200", "PATCH tableMappingsToAdd 200"]);
        assert_eq!(mapped(&bench, &source), ["t_kept", "t_orders", "t_users"]);
        pass(60).await;
        assert_eq!(bench.states().await[0].1, "Running");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_removed_with_one_stop_and_no_start() {
    for source in sources() {
        let (bench, from) = running(&source).await;
        state(&bench, RunState::Stopped).await;
        edit(&bench, &source, json!({"tableMappingsToRemove": [(source.mapping)("users")]})).await;
        assert_eq!(state(&bench, RunState::Running).await, "Running");
        assert_eq!(bench.writes(from), ["stop 200", "PATCH tableMappingsToRemove 200"]);
        assert_eq!(mapped(&bench, &source), ["t_kept"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_replaced_with_a_stop_before_each_half() {
    for source in sources() {
        let (bench, from) = running(&source).await;
        state(&bench, RunState::Stopped).await;
        edit(&bench, &source, json!({"tableMappingsToRemove": [(source.mapping)("users")]})).await;
        assert_eq!(state(&bench, RunState::Stopped).await, "Paused");
        edit(&bench, &source, json!({"tableMappingsToAdd": [(source.mapping)("users")]})).await;
        assert_eq!(state(&bench, RunState::Running).await, "Snapshot");
        let expected = [
            "stop 200",
            "PATCH tableMappingsToRemove 200",
            "stop 200",
            "PATCH tableMappingsToAdd 200",
        ];
        assert_eq!(bench.writes(from), expected);
        assert_eq!(mapped(&bench, &source), ["t_kept", "t_users"]);
    }
}

/// A table is being taken out while the pipe is `Modifying`: it can be stopped once it runs.
#[tokio::test(start_paused = true)]
async fn a_pipe_that_is_being_modified_is_left_in_peace() {
    let source = &sources()[0];
    let (bench, _) = running(source).await;
    state(&bench, RunState::Stopped).await;
    edit(&bench, source, json!({"tableMappingsToRemove": [mapping("users")]})).await;
    let edited = Instant::now();
    state(&bench, RunState::Stopped).await;
    let world = bench.world();
    let mut stops = world.journal().iter().filter(|entry| entry.body["command"] == "stop");
    let patch = world.journal().iter().rfind(|entry| !entry.body["source"].is_null()).unwrap();
    let waited = stops.next_back().unwrap().at.0 - patch.at.0;
    assert!((7_000..20_000).contains(&waited), "{waited} ms");
    assert!(edited.elapsed().as_secs() < 30);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_edited_while_the_pipe_runs_with_one_request() {
    for source in sources() {
        let (bench, from) = running(&source).await;
        edit(&bench, &source, source.connection.clone()).await;
        let fields = source.connection.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(bench.writes(from), [format!("PATCH {} 200", fields.join(","))]);
        edit(&bench, &source, json!({"credentials": credentials()})).await;
        assert_eq!(bench.writes(from)[1], "PATCH credentials 200");
        assert_eq!(bench.states().await[0].1, "Running");
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_pipe_is_started_by_the_edit_of_its_credentials() {
    for source in sources() {
        let (bench, from) = running(&source).await;
        state(&bench, RunState::Stopped).await;
        edit(&bench, &source, json!({"credentials": credentials()})).await;
        assert_eq!(state(&bench, RunState::Running).await, "Running");
        assert_eq!(bench.writes(from), ["stop 200", "PATCH credentials 200"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipe_that_does_not_resume_by_itself_is_started_after_ten_seconds() {
    let source = &sources()[0];
    let (bench, from) = running(source).await;
    state(&bench, RunState::Stopped).await;
    bench.world().faults().once("PATCH", "*/clickpipes/*", Effect::LateResume(600));
    edit(&bench, source, json!({"tableMappingsToAdd": [mapping("orders")]})).await;
    let edited = Instant::now();
    assert_eq!(state(&bench, RunState::Running).await, "Running");
    assert_eq!(bench.writes(from), ["stop 200", "PATCH tableMappingsToAdd 200", "start 200"]);
    let took = edited.elapsed().as_secs();
    assert!((10..25).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn a_new_name_is_no_reason_to_watch_a_paused_pipe() {
    let source = &sources()[0];
    let (bench, from) = running(source).await;
    state(&bench, RunState::Stopped).await;
    bench.update("orders", Endpoint::Resource, json!({"name": "orders"})).await.unwrap();
    let edited = Instant::now();
    state(&bench, RunState::Running).await;
    assert_eq!(bench.writes(from), ["stop 200", "PATCH  200", "start 200"]);
    assert!(edited.elapsed().as_secs() < 10, "{:?}", edited.elapsed());
}
