//! Mappings that are added and removed: only while the pipe is paused, and never the last one.

use serde_json::{Value, json};

use super::{
    EmulatedPipeState, SandboxBench, add_mapping, assert_refused, create_paused, mongodb_body, mysql_body, ok_result,
    postgres_body, table_mapping,
};

fn remove_mapping(table: &str) -> Value {
    json!({"source": {"postgres": {"tableMappingsToRemove": [table_mapping(table)]}}})
}

fn target_tables(pipe: &Value) -> Vec<String> {
    let mappings = pipe["source"]["postgres"]["tableMappings"].as_array().unwrap();
    let mut targets: Vec<_> = mappings.iter().map(|each| each["targetTable"].as_str().unwrap().to_owned()).collect();
    targets.sort();
    targets
}

#[test]
fn mapping_change_on_a_running_pipe_is_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    bench.wait_seconds(300);
    let text = "Postgres ClickPipe must be paused to edit";
    assert_refused(&bench.patch_pipe(&id, &add_mapping("new")), 400, text);
    assert_refused(&bench.patch_pipe(&id, &remove_mapping("users")), 400, text);
    let id = bench.create_pipe(&mysql_body());
    let body = json!({"source": {"mysql": {"tableMappingsToAdd": [table_mapping("x")]}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "MySQL ClickPipe must be paused to edit");
    let id = bench.create_pipe(&mongodb_body());
    let body = json!({"source": {"mongodb": {"settings": {"pullBatchSize": 5}}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "MongoDB ClickPipe must be paused to edit");
}

#[test]
fn empty_mapping_changes_need_no_pause() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    let body = json!({"source": {"postgres": {
        "tableMappingsToAdd": [], "tableMappingsToRemove": [], "settings": {},
    }}});
    ok_result(&bench.patch_pipe(&id, &body));
}

#[test]
fn added_mapping_resumes_the_pipe_through_a_snapshot() {
    let mut bench = SandboxBench::new();
    let id = create_paused(&mut bench, &postgres_body());
    let edited = ok_result(&bench.patch_pipe(&id, &add_mapping("new")));
    assert_eq!(edited["state"], "Paused");
    assert_eq!(target_tables(&edited), ["t_new", "t_orders", "t_users"]);
    assert_eq!(bench.states_at(&id, &[1, 2, 11, 12]), ["Paused", "Snapshot", "Snapshot", "Running"]);
}

#[test]
fn removed_mapping_resumes_the_pipe_through_modifying() {
    let mut bench = SandboxBench::new();
    let id = create_paused(&mut bench, &postgres_body());
    let edited = ok_result(&bench.patch_pipe(&id, &remove_mapping("users")));
    assert_eq!(target_tables(&edited), ["t_orders"]);
    assert_eq!(bench.states_at(&id, &[2, 7]), ["Modifying", "Running"]);
}

#[test]
fn invalid_mapping_changes_are_400() {
    let mut bench = SandboxBench::new();
    let id = create_paused(&mut bench, &postgres_body());
    let mut moved = table_mapping("users");
    moved["targetTable"] = json!("elsewhere");
    let cases = [
        (json!([moved]), json!([table_mapping("users")]), "added and removed in one request"),
        (json!([table_mapping("users")]), json!([]), "targetTable: is used by another mapping"),
        (json!([]), json!([table_mapping("users"), table_mapping("orders")]), "without a mapping"),
        (json!([]), json!([table_mapping("unknown")]), "does not have"),
        (json!([table_mapping("a"), table_mapping("a")]), json!([]), "is used by another mapping"),
    ];
    for (added, removed, text) in cases {
        let body = json!({"source": {"postgres": {
            "tableMappingsToAdd": added, "tableMappingsToRemove": removed,
        }}});
        assert_refused(&bench.patch_pipe(&id, &body), 400, text);
    }
    assert_eq!(target_tables(&bench.read_pipe(&id)), ["t_orders", "t_users"]);
    assert_eq!(bench.states_at(&id, &[60]), ["Paused"]);
}

#[test]
fn all_mappings_can_be_replaced_at_once() {
    let mut bench = SandboxBench::new();
    let id = create_paused(&mut bench, &postgres_body());
    let body = json!({"source": {"postgres": {
        "tableMappingsToAdd": [table_mapping("new")],
        "tableMappingsToRemove": [table_mapping("users"), table_mapping("orders")],
    }}});
    assert_eq!(target_tables(&ok_result(&bench.patch_pipe(&id, &body))), ["t_new"]);
    assert_eq!(bench.states_at(&id, &[2, 7, 17]), ["Modifying", "Snapshot", "Running"]);
}

#[test]
fn failed_pipe_accepts_mappings_only_when_paused() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    assert!(bench.world.set_pipe_state("analytics", &id, EmulatedPipeState::Failed));
    assert_refused(&bench.patch_pipe(&id, &add_mapping("new")), 400, "must be paused to edit");
    ok_result(&bench.send_command(&id, "stop"));
    bench.wait_seconds(10);
    ok_result(&bench.patch_pipe(&id, &add_mapping("new")));
}
