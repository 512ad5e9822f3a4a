use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{SandboxBench, all_source_bodies, kafka_body, ok_result, postgres_body, table_mapping};
use crate::{Quirk, Quirks, SandboxOptions};

/// Everything that fifty reads of a field show.
fn values_read(quirk: Option<Quirk>, body: &Value, pointer: &str) -> BTreeSet<String> {
    let quirks = quirk.into_iter().fold(Quirks::none(), Quirks::with_quirk);
    let options = SandboxOptions { quirks, rate_limit: None, ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(options);
    let id = bench.create_pipe(body);
    bench.wait_seconds(10);
    let read = |_| match bench.read_pipe(&id).pointer(pointer) {
        Some(value) => value.to_string(),
        None => "absent".to_owned(),
    };
    (0..50).map(read).collect()
}

fn string_set<const N: usize>(values: [&str; N]) -> BTreeSet<String> {
    values.map(str::to_owned).into()
}

#[test]
fn lists_are_returned_shuffled() {
    let mut body = postgres_body();
    let mappings = "/source/postgres/tableMappings";
    assert_eq!(values_read(None, &body, mappings).len(), 1);
    assert_eq!(values_read(Some(Quirk::ShuffledLists), &body, mappings).len(), 2);
    let excluded = "/source/postgres/tableMappings/0/excludedColumns";
    let mut only = table_mapping("users");
    only["excludedColumns"] = json!(["a", "b", "c"]);
    body["source"]["postgres"]["tableMappings"] = json!([only]);
    assert_eq!(values_read(Some(Quirk::ShuffledLists), &body, excluded).len(), 6);
}

#[test]
fn sorting_keys_keep_their_order() {
    let mut body = postgres_body();
    let mut only = table_mapping("users");
    only["useCustomSortingKey"] = json!(true);
    only["sortingKeys"] = json!(["b", "a", "c"]);
    body["source"]["postgres"]["tableMappings"] = json!([only]);
    let keys = "/source/postgres/tableMappings/0/sortingKeys";
    assert_eq!(values_read(Some(Quirk::ShuffledLists), &body, keys), string_set([r#"["b","a","c"]"#]));
}

#[test]
fn engine_sometimes_has_parentheses() {
    let engine = "/destination/tableDefinition/engine/type";
    let plain = r#""MergeTree""#;
    assert_eq!(values_read(None, &kafka_body(), engine), string_set([plain]));
    let both = values_read(Some(Quirk::EngineParentheses), &kafka_body(), engine);
    assert_eq!(both, string_set([plain, r#""MergeTree()""#]));
}

#[test]
fn delete_on_merge_is_missing_with_the_quirk() {
    let mut body = postgres_body();
    body["source"]["postgres"]["settings"]["deleteOnMerge"] = json!(true);
    let field = "/source/postgres/settings/deleteOnMerge";
    assert_eq!(values_read(None, &body, field), string_set(["true"]));
    assert_eq!(values_read(Some(Quirk::OmittedBooleans), &body, field), string_set(["absent"]));
}

#[test]
fn size_is_sometimes_returned_as_a_quantity() {
    let mut body = kafka_body();
    body["scaling"] = json!({"replicas": 1, "replicaCpuMillicores": 2000, "replicaMemoryGb": 1.5});
    let quirk = Some(Quirk::QuantityStrings);
    assert_eq!(values_read(quirk, &body, "/scaling/replicaCpuMillicores"), string_set(["2000", r#""2""#]));
    assert_eq!(values_read(quirk, &body, "/scaling/replicaMemoryGb"), string_set(["1.5", r#""1536Mi""#]));
    body["scaling"] = json!({"replicaCpuMillicores": 1500});
    assert_eq!(values_read(quirk, &body, "/scaling/replicaCpuMillicores"), string_set(["1500", r#""1500m""#]));
    body["scaling"] = json!({"replicaCpuMillicores": 125, "replicaMemoryGb": 1});
    assert_eq!(values_read(quirk, &body, "/scaling/replicaCpuMillicores"), string_set(["125", r#""125m""#]));
    assert_eq!(values_read(quirk, &body, "/scaling/replicaMemoryGb"), string_set(["1", r#""1Gi""#]));
    assert_eq!(values_read(quirk, &body, "/scaling/replicas"), string_set(["1"]));
}

#[test]
fn unset_lists_are_null() {
    let quirk = Some(Quirk::NullLists);
    assert_eq!(values_read(quirk, &kafka_body(), "/fieldMappings"), string_set(["[]", "absent"]));
    let mut body = kafka_body();
    body["destination"]["tableDefinition"]["sortingKey"] = json!([]);
    let key = "/destination/tableDefinition/sortingKey";
    assert_eq!(values_read(None, &body, key), string_set(["[]"]));
    assert_eq!(values_read(quirk, &body, key), string_set(["null"]));
}

#[test]
fn database_flavors_read_as_base_types_with_the_quirk() {
    let mut body = postgres_body();
    body["source"]["postgres"]["type"] = json!("rdspostgres");
    let field = "/source/postgres/type";
    assert_eq!(values_read(None, &body, field), string_set([r#""rdspostgres""#]));
    assert_eq!(values_read(Some(Quirk::BaseTypes), &body, field), string_set([r#""postgres""#]));
    assert!(!Quirks::all_observed().has_quirk(Quirk::BaseTypes));
}

#[test]
fn without_the_quirk_a_paused_pipe_stays_paused() {
    let options =
        SandboxOptions { quirks: Quirks::all_observed().without_quirk(Quirk::AutoResume), ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(SandboxOptions { rate_limit: None, ..options });
    let id = bench.create_pipe(&postgres_body());
    bench.wait_seconds(300);
    ok_result(&bench.send_command(&id, "stop"));
    bench.wait_seconds(10);
    let body = json!({"source": {"postgres": {"tableMappingsToAdd": [table_mapping("new")]}}});
    ok_result(&bench.patch_pipe(&id, &body));
    assert_eq!(bench.states_at(&id, &[60]), ["Paused"]);
}

#[test]
fn names_are_trimmed_with_the_quirk() {
    let mut body = kafka_body();
    body["name"] = json!("orders ");
    assert_eq!(values_read(None, &body, "/name"), string_set([r#""orders ""#]));
    assert_eq!(values_read(Some(Quirk::TrimmedNames), &body, "/name"), string_set([r#""orders""#]));
    assert!(!Quirks::all_observed().has_quirk(Quirk::TrimmedNames));
}

#[test]
fn values_are_respelled_with_the_quirk() {
    let mut body = kafka_body();
    body["source"]["kafka"]["topics"] = json!("a, b");
    body["destination"]["columns"][0]["type"] = json!("Decimal(18,2)");
    let quirk = Some(Quirk::RespelledValues);
    assert_eq!(values_read(None, &body, "/source/kafka/topics"), string_set([r#""a, b""#]));
    assert_eq!(values_read(quirk, &body, "/source/kafka/topics"), string_set([r#""a,b""#]));
    assert_eq!(values_read(quirk, &body, "/destination/columns/0/type"), string_set([r#""Decimal(18, 2)""#]));
    assert!(!Quirks::all_observed().has_quirk(Quirk::RespelledValues));
}

#[test]
fn default_reads_are_regular() {
    for body in all_source_bodies() {
        let mut bench = SandboxBench::with_options(SandboxOptions { rate_limit: None, ..SandboxOptions::default() });
        let id = bench.create_pipe(&body);
        bench.wait_seconds(300);
        let reads: BTreeSet<String> = (0..20).map(|_| bench.read_pipe(&id).to_string()).collect();
        assert_eq!(reads.len(), 1, "{reads:?}");
    }
}
