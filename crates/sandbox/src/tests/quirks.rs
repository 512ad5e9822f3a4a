use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Bench, kafka, mapping, ok, postgres};
use crate::{Options, Quirk, Quirks};

/// Everything that fifty reads of a field show.
fn seen(quirk: Option<Quirk>, body: &Value, pointer: &str) -> BTreeSet<String> {
    let quirks = quirk.into_iter().fold(Quirks::none(), Quirks::with);
    let options = Options { quirks, rate_limit: None, ..Options::default() };
    let mut bench = Bench::with(options);
    let id = bench.create(body);
    bench.wait(10);
    let read = |_| match bench.read(&id).pointer(pointer) {
        Some(value) => value.to_string(),
        None => "absent".to_owned(),
    };
    (0..50).map(read).collect()
}

fn set<const N: usize>(values: [&str; N]) -> BTreeSet<String> {
    values.map(str::to_owned).into()
}

#[test]
fn lists_come_back_shuffled() {
    let mut body = postgres();
    let mappings = "/source/postgres/tableMappings";
    assert_eq!(seen(None, &body, mappings).len(), 1);
    assert_eq!(seen(Some(Quirk::ShuffledLists), &body, mappings).len(), 2);
    let excluded = "/source/postgres/tableMappings/0/excludedColumns";
    let mut only = mapping("users");
    only["excludedColumns"] = json!(["a", "b", "c"]);
    body["source"]["postgres"]["tableMappings"] = json!([only]);
    assert_eq!(seen(Some(Quirk::ShuffledLists), &body, excluded).len(), 6);
}

#[test]
fn sorting_keys_keep_their_order() {
    let mut body = postgres();
    let mut only = mapping("users");
    only["useCustomSortingKey"] = json!(true);
    only["sortingKeys"] = json!(["b", "a", "c"]);
    body["source"]["postgres"]["tableMappings"] = json!([only]);
    let keys = "/source/postgres/tableMappings/0/sortingKeys";
    assert_eq!(seen(Some(Quirk::ShuffledLists), &body, keys), set([r#"["b","a","c"]"#]));
}

#[test]
fn engine_sometimes_has_parentheses() {
    let engine = "/destination/tableDefinition/engine/type";
    let plain = r#""MergeTree""#;
    assert_eq!(seen(None, &kafka(), engine), set([plain]));
    let both = seen(Some(Quirk::EngineParentheses), &kafka(), engine);
    assert_eq!(both, set([plain, r#""MergeTree()""#]));
}

#[test]
fn failover_slots_and_delete_on_merge_are_missing() {
    let mut body = postgres();
    body["source"]["postgres"]["settings"]["deleteOnMerge"] = json!(true);
    let field = "/source/postgres/settings/deleteOnMerge";
    assert_eq!(seen(None, &body, field), set(["true"]));
    assert_eq!(seen(Some(Quirk::OmittedBooleans), &body, field), set(["absent"]));
}

#[test]
fn size_is_sometimes_a_quantity() {
    let mut body = kafka();
    body["scaling"] = json!({"replicas": 1, "replicaCpuMillicores": 2000, "replicaMemoryGb": 1.5});
    let quirk = Some(Quirk::QuantityStrings);
    assert_eq!(seen(quirk, &body, "/scaling/replicaCpuMillicores"), set(["2000", r#""2""#]));
    assert_eq!(seen(quirk, &body, "/scaling/replicaMemoryGb"), set(["1.5", r#""1536Mi""#]));
    body["scaling"] = json!({"replicaCpuMillicores": 1500});
    assert_eq!(seen(quirk, &body, "/scaling/replicaCpuMillicores"), set(["1500", r#""1500m""#]));
    body["scaling"] = json!({"replicaCpuMillicores": 125, "replicaMemoryGb": 1});
    assert_eq!(seen(quirk, &body, "/scaling/replicaCpuMillicores"), set(["125", r#""125m""#]));
    assert_eq!(seen(quirk, &body, "/scaling/replicaMemoryGb"), set(["1", r#""1Gi""#]));
    assert_eq!(seen(quirk, &body, "/scaling/replicas"), set(["1"]));
}

#[test]
fn unset_lists_are_null() {
    let endpoints = "/source/kafka/reversePrivateEndpointIds";
    assert_eq!(seen(None, &kafka(), endpoints), set(["[]"]));
    let quirk = Some(Quirk::NullLists);
    assert_eq!(seen(quirk, &kafka(), endpoints), set(["null"]));
    assert_eq!(seen(quirk, &kafka(), "/fieldMappings"), set(["[]", "absent"]));
    let mut body = kafka();
    body["destination"]["tableDefinition"]["sortingKey"] = json!([]);
    let key = "/destination/tableDefinition/sortingKey";
    assert_eq!(seen(None, &body, key), set(["[]"]));
    assert_eq!(seen(quirk, &body, key), set(["null"]));
}

#[test]
fn flavours_read_as_base_types_on_demand() {
    let mut body = postgres();
    body["source"]["postgres"]["type"] = json!("rdspostgres");
    let field = "/source/postgres/type";
    assert_eq!(seen(None, &body, field), set([r#""rdspostgres""#]));
    assert_eq!(seen(Some(Quirk::BaseTypes), &body, field), set([r#""postgres""#]));
    assert!(!Quirks::all().has(Quirk::BaseTypes));
}

#[test]
fn without_the_quirk_a_paused_pipe_stays_paused() {
    let options =
        Options { quirks: Quirks::all().without(Quirk::AutoResume), ..Options::default() };
    let mut bench = Bench::with(Options { rate_limit: None, ..options });
    let id = bench.create(&postgres());
    bench.wait(300);
    ok(&bench.command(&id, "stop"));
    bench.wait(10);
    let body = json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("new")]}}});
    ok(&bench.patch(&id, &body));
    assert_eq!(bench.states(&id, &[60]), ["Paused"]);
}
