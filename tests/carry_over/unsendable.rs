//! Live values that no request can have: the old pipe is not deleted for a body that the API refuses.

use crate::support::manifests::seed_named;
use crate::support::seeds::{applied_seeds, apply_seeds};
use sandbox::{LeftoverTables, SandboxOptions};
use serde_json::{Value, json};

type EditValue = fn(&mut Value);

/// The seed is applied, then the API answers with another value, then git changes a field that only a new pipe can have.
fn replace_with_live(name: &str, edit_live: EditValue, edit_spec: EditValue) -> (i32, String, Vec<(u64, String)>) {
    let mut seed = seed_named(name);
    for field in ["settings", "fieldMappings"] {
        seed["spec"].as_object_mut().unwrap().shift_remove(field);
    }
    if let Some(destination) = seed.pointer_mut("/spec/destination").filter(|it| it.get("table").is_some()) {
        destination["managedTable"] = json!(false);
        destination.as_object_mut().unwrap().shift_remove("tableDefinition");
    }
    let desk = applied_seeds(&[&seed]);
    let before = desk.request_log().len();
    desk.edit_world(|world| {
        world.advance_clock(std::time::Duration::from_secs(7200));
        assert!(world.edit_pipe("analytics", name, edit_live), "{name}");
        world.set_options(SandboxOptions { leftover_tables: LeftoverTables::Accepted, ..SandboxOptions::default() });
    });
    edit_spec(&mut seed["spec"]);
    let said = apply_seeds(&desk, &[&seed], &["--allow-replace", &format!("analytics/{name}")]);
    let writes = desk.request_log().split_off(before).into_iter().filter(|(method, ..)| method != "GET");
    let live = desk.edit_world(|world| world.list_pipes("analytics").len());
    assert_eq!(live, 1, "{name}: {}", said.all_output());
    (said.code, said.all_output(), writes.map(|(method, _, status)| (status, method)).collect())
}

fn stream(spec: &mut Value) {
    spec["source"]["kinesis"]["streamName"] = json!("another");
}

fn files(spec: &mut Value) {
    spec["source"]["objectStorage"]["format"] = json!("CSVWithNames");
}

fn publication(spec: &mut Value) {
    let settings = &mut spec["source"]["postgres"]["settings"];
    settings["publicationName"] = json!("another");
    settings.as_object_mut().unwrap().shift_remove("initialLoadParallelism");
}

#[test]
fn live_value_that_no_request_can_have_is_left_behind_and_named() {
    let cases: [(&str, EditValue, EditValue, &str); 5] = [
        ("kinesis-user", |pipe| pipe["settings"]["kafka_read_committed"] = json!(true), stream, "kafka_read_committed"),
        ("kinesis-user", |pipe| pipe["settings"]["streaming_max_insert_wait_ms"] = json!(1), stream, "streaming_max"),
        (
            "kinesis-user",
            |pipe| pipe["settings"]["streaming_max_insert_wait_ms"] = json!("5000"),
            stream,
            "streaming_max",
        ),
        (
            "s3-public-once",
            |pipe| pipe["settings"]["object_storage_max_insert_bytes"] = json!(10_485_760),
            files,
            "object_storage_max_insert_bytes",
        ),
        (
            "postgres-cdc",
            |pipe| pipe["source"]["postgres"]["settings"]["initialLoadParallelism"] = json!(0),
            publication,
            "initialLoadParallelism",
        ),
    ];
    for (name, edit_live, edit_spec, lost) in cases {
        let (code, said, writes) = replace_with_live(name, edit_live, edit_spec);
        let told = said.lines().any(|line| line.contains("loses what does not fit any more") && line.contains(lost));
        assert!(code == 0 && told, "{name} {code} {said}");
        assert!(writes.iter().all(|(status, _)| *status < 400), "{name} {writes:?}");
    }
}

#[test]
fn live_word_that_no_request_knows_holds_the_replacement() {
    let engine: EditValue = |pipe| {
        pipe["destination"]["tableDefinition"] = json!({"engine": {"type": "SharedMergeTree"}, "sortingKey": ["id"]});
    };
    let (code, said, writes) = replace_with_live("kinesis-user", engine, stream);
    assert_eq!((code, writes.len()), (5, 0), "{said}");
    assert!(said.contains("`destination.tableDefinition.engine.type`"), "{said}");
    let unmapped: EditValue = |pipe| pipe["fieldMappings"] = json!([{"sourceField": "", "destinationField": "id"}]);
    let (code, said, writes) = replace_with_live("kinesis-user", unmapped, stream);
    assert_eq!((code, writes.len()), (5, 0), "{said}");
    assert!(said.contains("`fieldMappings.0.sourceField`: the API returned it empty"), "{said}");
    // Without it, the new pipe would read once and end.
    let flag: EditValue = |pipe| pipe["source"]["objectStorage"]["isContinuous"] = json!(1);
    let (code, said, writes) = replace_with_live("s3-public-once", flag, files);
    assert_eq!((code, writes.len()), (5, 0), "{said}");
    assert!(said.contains("`source.objectStorage.isContinuous`"), "{said}");
}

#[test]
fn live_word_in_capitals_is_sent_as_requests_spell_it() {
    let capitals: EditValue = |pipe| pipe["source"]["objectStorage"]["compression"] = json!("GZIP");
    let (code, said, writes) = replace_with_live("s3-public-once", capitals, files);
    assert!(code == 0 && writes.iter().all(|(status, _)| *status < 400), "{said} {writes:?}");
}

/// A newer API computes it, and takes it in no request.
#[test]
fn field_that_the_api_only_answers_is_left_out_after_a_refusal() {
    let computed: EditValue = |pipe| pipe["source"]["kinesis"]["shardCount"] = json!(4);
    let (code, said, writes) = replace_with_live("kinesis-user", computed, stream);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the API refused `source.kinesis.shardCount` and created the object without"), "{said}");
    let statuses: Vec<u64> = writes.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 400, 200], "{writes:?}");
}

/// The same for an entry that is sent again: a table mapping that moves, and a list that is sent as a whole.
#[test]
fn field_of_an_entry_that_the_api_only_answers_is_left_out_after_a_refusal() {
    let cases: [(&str, EditValue, EditValue, &str); 2] = [
        (
            "postgres-cdc",
            |pipe| pipe["source"]["postgres"]["tableMappings"][0]["shard"] = json!(1),
            |spec| spec["source"]["postgres"]["tableMappings"][0]["targetTable"] = json!("members"),
            "source.postgres.tableMappingsToAdd.0.shard",
        ),
        (
            "kinesis-user",
            |pipe| pipe["destination"]["columns"][0]["position"] = json!(1),
            |spec| {
                let columns = spec["destination"]["columns"].as_array_mut().unwrap();
                columns.push(json!({"name": "extra", "type": "String"}));
            },
            "destination.columns.0.position",
        ),
    ];
    for (name, edit_live, edit_spec, field) in cases {
        let (code, said, writes) = replace_with_live(name, edit_live, edit_spec);
        assert_eq!(code, 0, "{name} {said}");
        assert!(said.contains(&format!("pipectl does not know `{field}`, which live has")), "{said}");
        assert!(said.contains(&format!("the API refused `{field}` and changed the object without")), "{said}");
        assert_eq!(writes.iter().filter(|(status, _)| *status >= 400).count(), 1, "{name} {writes:?}");
        assert!(writes.iter().all(|(_, method)| method == "PATCH"), "{name} {writes:?}");
    }
}

/// The placeholder of `export` would become the value, after the pipe that worked was deleted.
#[test]
fn placeholder_that_nobody_filled_in_is_not_sent() {
    let pipe = seed_named("azure");
    let desk = applied_seeds(&[&pipe]);
    let mut exported = pipe.clone();
    exported["spec"]["source"]["objectStorage"]["azureContainerName"] = json!("FILL_IN");
    assert_eq!(apply_seeds(&desk, &[&exported], &[]).code, 0);
    exported["spec"]["source"]["objectStorage"]["format"] = json!("CSVWithNames");
    let said = apply_seeds(&desk, &[&exported], &["--allow-replace", "analytics/azure"]);
    assert_eq!((said.code, desk.count_writes()), (5, 1), "{}", said.all_output());
    assert!(
        said.stdout.contains("`source.objectStorage.azureContainerName` would be sent as `FILL_IN`"),
        "{}",
        said.stdout
    );
}
