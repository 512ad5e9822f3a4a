//! Adding, removing and remapping a table of a running pipe is one apply, in the order that the API
//! asks for and with nothing else.

use std::time::Duration;

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::manifests::{desired_from_documents, read_documents, seed_named};
use insta::assert_snapshot;
use model::desired::Desired;
use sandbox::{Fault, FaultEffect, FaultTrigger, World};
use serde_json::{Value, json};

const DATABASES: [&str; 3] = ["postgres", "mysql", "mongodb"];

/// What is written when the tables of a running pipe of this database change so, a line each.
fn requests_for_change(database: &str, change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
    let mut seeds = read_documents("tests/seeds");
    seeds.retain(|seed| seed["metadata"]["name"] == format!("{database}-cdc"));
    in_virtual_time(async {
        let bench = Bench::new(&["analytics"]);
        bench.settle(&desired_from_documents(&seeds).unwrap()).await.unwrap();
        // The first load is done: during it the API would drop the stop.
        tokio::time::sleep(Duration::from_secs(60)).await;
        change(seeds[0]["spec"]["source"][database]["tableMappings"].as_array_mut().unwrap());
        let (desired, from) = (desired_from_documents(&seeds).unwrap(), bench.journal_len());
        bench.settle(&desired).await.unwrap();
        let written = write_lines(&bench, from);
        assert!(bench.plan(&desired).await.has_no_changes());
        let mut later = bench.world_snapshot();
        later.advance_clock(Duration::from_secs(60));
        assert_eq!(later.list_pipes("analytics")[0]["state"], "Running");
        written
    })
}

/// The writes from journal entry `from` on: what was told or changed, and whether it was accepted.
fn write_lines(bench: &Bench, from: usize) -> Vec<String> {
    let world = bench.world_snapshot();
    let writes = world.request_log().iter().skip(from).filter(|entry| entry.method != "GET");
    let lines = writes.map(|entry| {
        let part = entry.path.rsplit('/').next().unwrap();
        let what = match entry.body["command"].as_str() {
            Some(command) => format!("{part} {command}"),
            None => describe_source(&entry.body["source"]),
        };
        format!("{} {what}: {}", entry.method, entry.status)
    });
    lines.collect()
}

/// The fields of a source's body, and how many tables each names.
fn describe_source(source: &Value) -> String {
    let fields =
        source.as_object().into_iter().flat_map(serde_json::Map::values).flat_map(|arm| arm.as_object().unwrap());
    let fields = fields.map(|(field, value)| {
        let tables = value.as_array().map_or(0, Vec::len);
        format!("{field} ({tables})")
    });
    fields.collect::<Vec<_>>().join(", ")
}

/// The same for every database, which differ in nothing here.
fn requests_for_all(change: impl Fn(&mut Vec<Value>)) -> String {
    let all = DATABASES.map(|database| requests_for_change(database, &change).join("\n"));
    assert!(all.iter().all(|one| one == &all[0]), "{all:#?}");
    all[0].clone()
}

#[test]
fn added_table_takes_one_stop_and_one_patch() {
    assert_snapshot!(requests_for_all(|tables| {
        let mut table = tables.last().unwrap().clone();
        for field in ["sourceTable", "sourceCollection"] {
            if !table[field].is_null() {
                table[field] = json!("returns");
            }
        }
        table["targetTable"] = json!("returns");
        tables.push(table);
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToAdd (1): 200
    ");
}

#[test]
fn removed_table_takes_one_stop_and_one_patch() {
    assert_snapshot!(requests_for_all(|tables| {
        tables.pop();
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    ");
}

#[test]
fn remapped_table_takes_two_stops_and_two_patches() {
    assert_snapshot!(requests_for_all(|tables| {
        tables.last_mut().unwrap()["targetTable"] = json!("elsewhere");
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToAdd (1): 200
    ");
    assert_snapshot!(requests_for_all(|tables| {
        tables.last_mut().unwrap()["tableEngine"] = json!("Null");
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToAdd (1): 200
    ");
}

#[test]
fn table_added_beside_a_remap_is_sent_last() {
    assert_snapshot!(requests_for_all(|tables| {
        let mut table = tables[0].clone();
        for field in ["sourceTable", "sourceCollection"] {
            if !table[field].is_null() {
                table[field] = json!("returns");
            }
        }
        table["targetTable"] = json!("returns");
        tables.last_mut().unwrap()["targetTable"] = json!("elsewhere");
        tables.push(table);
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToAdd (2): 200
    ");
}

#[test]
fn remapping_every_table_keeps_the_list_non_empty() {
    assert_snapshot!(requests_for_all(|tables| {
        for table in tables {
            table["targetTable"] = json!(format!("{}_v2", table["targetTable"].as_str().unwrap()));
        }
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1), tableMappingsToAdd (1): 200
    PATCH state stop: 200
    PATCH state stop: 200
    PATCH tableMappingsToAdd (1): 200
    ");
    assert_snapshot!(requests_for_all(|tables| {
        for table in tables {
            let is_null = table["tableEngine"] == "Null";
            table["tableEngine"] = json!(if is_null { "MergeTree" } else { "Null" });
        }
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1), tableMappingsToAdd (1): 200
    PATCH state stop: 200
    PATCH state stop: 200
    PATCH tableMappingsToAdd (1): 200
    ");
}

/// A pipe whose first table gets another engine, and the world in which it runs with the old one.
async fn remapped_pipe() -> (Desired, World) {
    let mut pipe = seed_named("postgres-cdc");
    let bench = Bench::new(&["analytics"]);
    bench.settle(&desired_from_documents(&[pipe.clone()]).unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    pipe["spec"]["source"]["postgres"]["tableMappings"][0]["tableEngine"] = json!("Null");
    (desired_from_documents(&[pipe]).unwrap(), bench.world_snapshot())
}

/// The same, where somebody set more in the mapping than the manifest declares.
async fn remapped_pipe_with_more() -> (Desired, World) {
    let (desired, mut world) = remapped_pipe().await;
    assert!(world.edit_pipe("analytics", "postgres-cdc", |pipe| {
        let mappings = pipe["source"]["postgres"]["tableMappings"].as_array_mut().unwrap();
        let users = mappings.iter_mut().find(|mapping| mapping["sourceTable"] == "users").unwrap();
        let more = json!({"useCustomSortingKey": true, "sortingKeys": ["id"], "partitionByExpr": "toYYYYMM(day)",
            "tableEngine": "ReplacingMergeTree", "excludedColumns": ["secret_note"], "newMember": {"a": 1}});
        users.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }));
    (desired, world)
}

/// Applies, and gives the report, the writes, and the live mappings and state later. The API refuses a request, if its
/// place among those after the plan is given.
async fn apply_to(bench: Bench, desired: &Desired, refused: Option<u64>) -> (Value, Vec<String>, Value) {
    let from = bench.journal_len();
    let plan = bench.plan(desired).await;
    if let Some(nth) = refused {
        bench.sandbox.with_world(|world| {
            let when = FaultTrigger::Request(world.fault_script().request_count() + nth);
            world.fault_script().add(Fault { when, effect: FaultEffect::Repeated, times: 1 });
        });
    }
    let reports = bench.apply_plan(plan).await;
    let mut later = bench.world_snapshot();
    later.advance_clock(Duration::from_secs(600));
    (json!(reports[0]), write_lines(&bench, from), later.list_pipes("analytics")[0].clone())
}

/// The live mapping, with its excluded columns in one order: they are a set.
fn mapping_of_users(pipe: &Value) -> Value {
    let mappings = pipe["source"]["postgres"]["tableMappings"].as_array().unwrap();
    let mut users = mappings.iter().find(|mapping| mapping["sourceTable"] == "users").unwrap().clone();
    users["excludedColumns"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    users
}

#[test]
fn refused_mapping_is_added_again_as_it_was() {
    in_virtual_time(async {
        let (desired, world) = remapped_pipe().await;
        let bench = || Bench::with_world(world.clone(), &["analytics"]);
        let (_, undisturbed, _) = apply_to(bench(), &desired, None).await;
        assert_eq!(undisturbed[3], "PATCH tableMappingsToAdd (1): 200");
        let before = world.list_pipes("analytics")[0].clone();
        let mut tried = 0;
        for nth in 1..30 {
            let (report, writes, live) = apply_to(bench(), &desired, Some(nth)).await;
            if writes.get(3).is_none_or(|write| write != "PATCH tableMappingsToAdd (1): 400") {
                continue;
            }
            tried += 1;
            assert_eq!(writes[4..], ["PATCH tableMappingsToAdd (1): 200"], "{report:#}");
            assert_eq!(mapping_of_users(&live), mapping_of_users(&before));
            assert_eq!(live["state"], "Running");
            assert_eq!((&report["outcome"], &report["notRecreated"]), (&json!("failed"), &Value::Null), "{report:#}");
            let notes = report["notes"].to_string();
            assert!(notes.contains("the table mappings that were removed are added again as they were"), "{notes}");
        }
        assert_eq!(tried, 1);
    });
}

/// The API returns a member of the mapping that it does not accept. It may refuse the new mapping without it as well.
#[test]
fn refused_mapping_is_added_without_what_only_the_api_knows() {
    in_virtual_time(async {
        let (desired, world) = remapped_pipe_with_more().await;
        let mut before = mapping_of_users(&world.list_pipes("analytics")[0]);
        before.as_object_mut().unwrap().remove("newMember");
        let bench = || Bench::with_world(world.clone(), &["analytics"]);
        let [refused, added] = ["PATCH tableMappingsToAdd (1): 400", "PATCH tableMappingsToAdd (1): 200"];
        let (report, writes, live) = apply_to(bench(), &desired, None).await;
        assert_eq!(writes[3..], [refused, added], "{report:#}");
        assert_eq!(mapping_of_users(&live)["newMember"], Value::Null);
        assert_ne!(mapping_of_users(&live), before);
        let note = "the API refused `source.postgres.tableMappingsToAdd.0.newMember` and changed the object without";
        assert_eq!((&report["outcome"], &report["notes"][0]), (&json!("applied"), &json!(note)), "{report:#}");
        let mut tried = 0;
        for nth in 1..30 {
            let (report, writes, live) = apply_to(bench(), &desired, Some(nth)).await;
            if writes.get(3..5).is_none_or(|writes| writes != [refused, refused]) {
                continue;
            }
            tried += 1;
            assert_eq!(writes[5..], [refused, added], "{report:#}");
            assert_eq!(mapping_of_users(&live), before);
            assert_eq!(report["missingMappings"], Value::Null, "{report:#}");
            let notes = report["notes"].to_string();
            assert!(notes.contains("without the fields that pipectl does not know"), "{notes}");
        }
        assert_eq!(tried, 1);
    });
}

/// Neither the new mapping nor the old one is accepted: the pipe lives, and the result says what the mapping was.
#[test]
fn lost_mapping_is_printed_as_it_was() {
    in_virtual_time(async {
        let (desired, world) = remapped_pipe_with_more().await;
        let bench = Bench::with_kept_tables(world, &["analytics"]);
        let (report, _, _) = apply_to(bench, &desired, None).await;
        let missing = &report["missingMappings"];
        assert!(missing["reason"].as_str().unwrap().contains("`users` was removed"), "{report:#}");
        let mapping = &missing["spec"]["source"]["postgres"]["tableMappings"][0];
        assert_eq!(mapping["sortingKeys"], json!(["id"]), "{mapping}");
        assert_eq!(mapping["partitionByExpr"], "toYYYYMM(day)");
        assert_eq!(mapping["additional"], json!({"newMember": {"a": 1}}));
    });
}

/// The table has rows, so the API takes neither the new mapping nor the old one.
#[test]
fn mapping_that_cannot_be_added_again_is_reported() {
    in_virtual_time(async {
        let (desired, world) = remapped_pipe().await;
        let bench = Bench::with_kept_tables(world, &["analytics"]);
        let (report, writes, live) = apply_to(bench, &desired, None).await;
        let refused = "PATCH tableMappingsToAdd (1): 400";
        assert_eq!(writes[3..5], [refused, refused], "{report:#}");
        assert_eq!(live["state"], "Running");
        assert_eq!(report["notRecreated"], Value::Null);
        let reason = report["missingMappings"]["reason"].as_str().unwrap();
        assert!(reason.contains("was removed, and is not added again yet"), "{reason}");
        let notes = report["notes"].to_string();
        assert!(notes.contains("could not be added again: PATCH "), "{notes}");
    });
}

#[test]
fn one_table_is_removed_while_the_other_is_remapped() {
    assert_snapshot!(requests_for_all(|tables| {
        tables.pop();
        tables[0]["targetTable"] = json!("elsewhere");
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1), tableMappingsToAdd (1): 200
    ");
}
