//! Mappings that are added and removed: only while the pipe is paused, and never the last one.

use serde_json::{Value, json};

use super::{Bench, PipeState, add, mapping, mongodb, mysql, ok, paused, postgres, refused};

fn remove(table: &str) -> Value {
    json!({"source": {"postgres": {"tableMappingsToRemove": [mapping(table)]}}})
}

fn targets(pipe: &Value) -> Vec<String> {
    let mappings = pipe["source"]["postgres"]["tableMappings"].as_array().unwrap();
    let mut targets: Vec<_> =
        mappings.iter().map(|each| each["targetTable"].as_str().unwrap().to_owned()).collect();
    targets.sort();
    targets
}

#[test]
fn mapping_delta_on_a_pipe_that_is_not_paused_is_400() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    bench.wait(300);
    let text = "Postgres ClickPipe must be paused to edit";
    refused(&bench.patch(&id, &add("new")), 400, text);
    refused(&bench.patch(&id, &remove("users")), 400, text);
    let id = bench.create(&mysql());
    let body = json!({"source": {"mysql": {"tableMappingsToAdd": [mapping("x")]}}});
    refused(&bench.patch(&id, &body), 400, "MySQL ClickPipe must be paused to edit");
    let id = bench.create(&mongodb());
    let body = json!({"source": {"mongodb": {"settings": {"pullBatchSize": 5}}}});
    refused(&bench.patch(&id, &body), 400, "MongoDB ClickPipe must be paused to edit");
}

#[test]
fn empty_deltas_need_no_pause() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    let body = json!({"source": {"postgres": {
        "tableMappingsToAdd": [], "tableMappingsToRemove": [], "settings": {},
    }}});
    ok(&bench.patch(&id, &body));
}

#[test]
fn added_mapping_resumes_the_pipe_through_a_snapshot() {
    let mut bench = Bench::new();
    let id = paused(&mut bench, &postgres());
    let edited = ok(&bench.patch(&id, &add("new")));
    assert_eq!(edited["state"], "Paused");
    assert_eq!(targets(&edited), ["t_new", "t_orders", "t_users"]);
    assert_eq!(bench.states(&id, &[1, 2, 11, 12]), ["Paused", "Snapshot", "Snapshot", "Running"]);
}

#[test]
fn removed_mapping_resumes_the_pipe_through_modifying() {
    let mut bench = Bench::new();
    let id = paused(&mut bench, &postgres());
    let edited = ok(&bench.patch(&id, &remove("users")));
    assert_eq!(targets(&edited), ["t_orders"]);
    assert_eq!(bench.states(&id, &[2, 7]), ["Modifying", "Running"]);
}

#[test]
fn impossible_mapping_deltas_are_400() {
    let mut bench = Bench::new();
    let id = paused(&mut bench, &postgres());
    let mut moved = mapping("users");
    moved["targetTable"] = json!("elsewhere");
    let cases = [
        (json!([moved]), json!([mapping("users")]), "added and removed in one request"),
        (json!([mapping("users")]), json!([]), "targetTable: is used by another mapping"),
        (json!([]), json!([mapping("users"), mapping("orders")]), "without a mapping"),
        (json!([]), json!([mapping("unknown")]), "does not have"),
        (json!([mapping("a"), mapping("a")]), json!([]), "is used by another mapping"),
    ];
    for (added, removed, text) in cases {
        let body = json!({"source": {"postgres": {
            "tableMappingsToAdd": added, "tableMappingsToRemove": removed,
        }}});
        refused(&bench.patch(&id, &body), 400, text);
    }
    assert_eq!(targets(&bench.read(&id)), ["t_orders", "t_users"]);
    assert_eq!(bench.states(&id, &[60]), ["Paused"]);
}

#[test]
fn all_mappings_can_be_exchanged_for_others() {
    let mut bench = Bench::new();
    let id = paused(&mut bench, &postgres());
    let body = json!({"source": {"postgres": {
        "tableMappingsToAdd": [mapping("new")],
        "tableMappingsToRemove": [mapping("users"), mapping("orders")],
    }}});
    assert_eq!(targets(&ok(&bench.patch(&id, &body))), ["t_new"]);
    assert_eq!(bench.states(&id, &[2, 7, 17]), ["Modifying", "Snapshot", "Running"]);
}

#[test]
fn failed_pipe_takes_mappings_only_when_paused() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    assert!(bench.world.set_pipe_state("analytics", &id, PipeState::Failed));
    refused(&bench.patch(&id, &add("new")), 400, "must be paused to edit");
    ok(&bench.command(&id, "stop"));
    bench.wait(10);
    ok(&bench.patch(&id, &add("new")));
}
