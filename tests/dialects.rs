//! The API is documented in two shapes. The official schema's comes first; where a server refuses
//! it, that of the reference page is spoken, and remembered for the run.

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::manifests::{desired_from_documents, read_documents};
use sandbox::{ApiDialect, SandboxOptions, World};

const SERVICES: [&str; 1] = ["analytics"];

/// A stopped pipe, and the size of database pipes.
fn dialect_manifests() -> Vec<serde_json::Value> {
    let mut seeds = read_documents("tests/seeds");
    seeds.retain(|seed| seed["metadata"]["name"] == "mongodb-cdc" || seed["kind"] == "CdcScaling");
    for seed in &mut seeds {
        if seed["kind"] == "ClickPipe" {
            seed["spec"]["state"] = "stopped".into();
        }
    }
    assert_eq!(seeds.len(), 2);
    seeds
}

fn count_refusals(dialect: ApiDialect) -> usize {
    in_virtual_time(async {
        let bench = Bench::with_world(World::new(SandboxOptions { dialect, ..SandboxOptions::default() }), &SERVICES);
        let desired = desired_from_documents(&dialect_manifests()).unwrap();
        bench.settle(&desired).await.unwrap();
        assert!(bench.plan(&desired).await.has_no_changes(), "{dialect:?}");
        let mut running = dialect_manifests();
        for seed in &mut running {
            seed["spec"].as_object_mut().unwrap().remove("state");
        }
        let running = desired_from_documents(&running).unwrap();
        bench.settle(&running).await.unwrap();
        assert!(bench.plan(&running).await.has_no_changes(), "{dialect:?}");
        bench.count_requests(0, |method, path| method == "PATCH" && path.ends_with("/state"))
    })
}

#[test]
fn both_documented_api_dialects_are_supported() {
    let official = count_refusals(ApiDialect::Official);
    assert_eq!(count_refusals(ApiDialect::Both), official);
    assert_eq!(count_refusals(ApiDialect::ReferencePage), official + 1, "the other shape is tried once");
}
