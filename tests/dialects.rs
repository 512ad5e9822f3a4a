//! The API is documented in two shapes. The official schema's comes first; where a server refuses
//! it, that of the reference page is spoken, and remembered for the run.

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{desired_from_documents, read_documents};
use crate::support::server::SandboxServer;
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

const PIPE: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: clicks, service: SERVICE}
spec:
  state: running
  source:
    kinesis: {format: JSONEachRow, streamName: s, region: r, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::1:role/r'}
  destination: {database: default, table: t, managedTable: true, tableDefinition: {engine: {type: MergeTree}}, columns: [{name: id, type: UInt64}]}
";

/// No list of organizations, services or endpoints: every command goes on without.
#[test]
fn every_command_works_with_the_paths_of_the_reference_page() {
    let server = SandboxServer::start_with_options(60, &["analytics"], &["--dialect", "reference-page"]);
    let service = World::new(SandboxOptions::default()).ensure_service("analytics");
    let pipe = PIPE.replace("SERVICE", &service);
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", &pipe);
    let environment = server.client_environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let run = |args: &[&str], code: i32| -> RunOutput {
        let said = desk.run_with_env(args, &environment);
        assert_eq!(said.code, code, "{args:?}: {}", said.all_output());
        said
    };
    run(&["plan", "pipe.yaml", "--detailed-exitcode"], 2);
    run(&["apply", "pipe.yaml", "--yes"], 0);
    run(&["plan", "pipe.yaml", "--detailed-exitcode"], 0);
    let said = run(&["status", "pipe.yaml"], 0);
    assert!(said.stdout.contains("clicks"), "{}", said.all_output());
    let said = run(&["doctor", "pipe.yaml"], 0);
    assert!(said.stdout.contains("has no list of organizations"), "{}", said.all_output());
    run(&["export", "--service", &service, "--out", "exported"], 0);
    run(&["plan", "exported", "--detailed-exitcode"], 0);
    desk.write_file("pipe.yaml", pipe.replace("state: running", "state: stopped"));
    run(&["apply", "pipe.yaml", "--yes"], 0);
}
