//! Adding, removing and remapping a table of a running pipe is one apply, in the order that the API
//! asks for and with nothing else.

use std::time::Duration;

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::manifests::{declared, documents};
use insta::assert_snapshot;
use serde_json::{Value, json};

const DATABASES: [&str; 3] = ["postgres", "mysql", "mongodb"];

/// What is written when the tables of a running pipe of this database change so, a line each.
fn written(database: &str, change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
    let mut seeds = documents("tests/seeds");
    seeds.retain(|seed| seed["metadata"]["name"] == format!("{database}-cdc"));
    in_virtual_time(async {
        let bench = Bench::new(&["analytics"]);
        bench.settle(&declared(&seeds).unwrap()).await.unwrap();
        change(seeds[0]["spec"]["source"][database]["tableMappings"].as_array_mut().unwrap());
        let (desired, from) = (declared(&seeds).unwrap(), bench.journal_len());
        bench.settle(&desired).await.unwrap();
        let written = writes(&bench, from);
        assert!(bench.plan(&desired).await.is_empty());
        let mut later = bench.world();
        later.advance(Duration::from_secs(60));
        assert_eq!(later.pipes("analytics")[0]["state"], "Running");
        written
    })
}

/// The writes from journal entry `from` on: what was told or changed, and whether it was accepted.
fn writes(bench: &Bench, from: usize) -> Vec<String> {
    let world = bench.world();
    let writes = world.journal().iter().skip(from).filter(|entry| entry.method != "GET");
    let lines = writes.map(|entry| {
        let part = entry.path.rsplit('/').next().unwrap();
        let what = match entry.body["command"].as_str() {
            Some(command) => format!("{part} {command}"),
            None => arms(&entry.body["source"]),
        };
        format!("{} {what}: {}", entry.method, entry.status)
    });
    lines.collect()
}

/// The fields of a source's body, and how many tables each names.
fn arms(source: &Value) -> String {
    let fields = source.as_object().unwrap().values().flat_map(|arm| arm.as_object().unwrap());
    let fields = fields.map(|(field, value)| {
        let tables = value.as_array().map_or(0, Vec::len);
        format!("{field} ({tables})")
    });
    fields.collect::<Vec<_>>().join(", ")
}

/// The same for every database, which differ in nothing here.
fn written_for_all(change: impl Fn(&mut Vec<Value>)) -> String {
    let all = DATABASES.map(|database| written(database, &change).join("\n"));
    assert!(all.iter().all(|one| one == &all[0]), "{all:#?}");
    all[0].clone()
}

#[test]
fn a_table_is_added() {
    assert_snapshot!(written_for_all(|tables| {
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
fn a_table_is_removed() {
    assert_snapshot!(written_for_all(|tables| {
        tables.pop();
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    ");
}

#[test]
fn a_table_is_remapped() {
    assert_snapshot!(written_for_all(|tables| {
        tables.last_mut().unwrap()["targetTable"] = json!("elsewhere");
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToAdd (1): 200
    ");
    assert_snapshot!(written_for_all(|tables| {
        tables.last_mut().unwrap()["tableEngine"] = json!("Null");
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToAdd (1): 200
    ");
}

#[test]
fn what_is_added_beside_a_remap_comes_last_so_that_no_stop_breaks_its_copy_off() {
    assert_snapshot!(written_for_all(|tables| {
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
fn every_table_is_remapped() {
    assert_snapshot!(written_for_all(|tables| {
        for table in tables {
            table["targetTable"] = json!(format!("{}_v2", table["targetTable"].as_str().unwrap()));
        }
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1), tableMappingsToAdd (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToAdd (1): 200
    ");
    assert_snapshot!(written_for_all(|tables| {
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
    PATCH tableMappingsToAdd (1): 200
    ");
}

#[test]
fn of_two_tables_one_goes_and_one_is_remapped() {
    assert_snapshot!(written_for_all(|tables| {
        tables.pop();
        tables[0]["targetTable"] = json!("elsewhere");
    }), @"
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1): 200
    PATCH state stop: 200
    PATCH tableMappingsToRemove (1), tableMappingsToAdd (1): 200
    ");
}
