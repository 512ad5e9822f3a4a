//! The API is documented in two shapes. The official schema's comes first; where a server refuses
//! it, that of the reference page is spoken, and remembered for the run.

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::manifests::{declared, documents};
use sandbox::{Dialect, Options, World};

const SERVICES: [&str; 1] = ["analytics"];

/// A stopped pipe, and the size of database pipes.
fn manifests() -> Vec<serde_json::Value> {
    let mut seeds = documents("tests/seeds");
    seeds.retain(|seed| seed["metadata"]["name"] == "mongodb-cdc" || seed["kind"] == "CdcScaling");
    for seed in &mut seeds {
        if seed["kind"] == "ClickPipe" {
            seed["spec"]["state"] = "stopped".into();
        }
    }
    assert_eq!(seeds.len(), 2);
    seeds
}

fn refusals(dialect: Dialect) -> usize {
    in_virtual_time(async {
        let bench = Bench::on(World::new(Options { dialect, ..Options::default() }), &SERVICES);
        let desired = declared(&manifests()).unwrap();
        bench.settle(&desired).await.unwrap();
        assert!(bench.plan(&desired).await.is_empty(), "{dialect:?}");
        let mut running = manifests();
        for seed in &mut running {
            seed["spec"].as_object_mut().unwrap().remove("state");
        }
        let running = declared(&running).unwrap();
        bench.settle(&running).await.unwrap();
        assert!(bench.plan(&running).await.is_empty(), "{dialect:?}");
        bench.requests(0, |method, path| method == "PATCH" && path.ends_with("/state"))
    })
}

#[test]
fn both_documented_shapes_are_spoken() {
    let official = refusals(Dialect::Official);
    assert_eq!(refusals(Dialect::Both), official);
    assert_eq!(refusals(Dialect::ReferencePage), official + 1, "the other shape is tried once");
}
