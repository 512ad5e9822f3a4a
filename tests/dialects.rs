//! The API is documented in two shapes. The official schema's comes first; where a server refuses
//! it, that of the reference page is spoken, and remembered for the run.

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{desired_from_documents, read_documents};
use crate::support::server::SandboxServer;
use sandbox::{ApiDialect, Quirk, Quirks, SandboxOptions, World};
use serde_json::{Value, json};

const SERVICES: [&str; 1] = ["analytics"];

/// A stopped pipe, and the size of database pipes.
fn dialect_manifests() -> Vec<Value> {
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
    assert!(said.stdout.contains("a server answers, but does not list organizations"), "{}", said.all_output());
    run(&["export", "--service", &service, "--out", "exported"], 0);
    run(&["plan", "exported", "--detailed-exitcode"], 0);
    desk.write_file("pipe.yaml", pipe.replace("state: running", "state: stopped"));
    run(&["apply", "pipe.yaml", "--yes"], 0);
    // Which services there are, only manifests tell.
    let said = run(&["export"], 1);
    assert!(said.stderr.contains("cannot be listed: name each by its id"), "{}", said.stderr);
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipe.yaml]\n");
    for folder in [&[][..], &["--out", "again"]] {
        let said = run(&[&["export"], folder].concat(), 0);
        assert!(said.stderr.contains(" from 1 service"), "{folder:?}: {}", said.stderr);
    }
}

/// A declared endpoint is not created where the API may only not show it. The rest goes on.
#[test]
fn endpoint_is_blocked_where_the_api_does_not_offer_any() {
    let server = SandboxServer::start_with_options(60, &["analytics"], &["--dialect", "reference-page"]);
    let service = World::new(SandboxOptions::default()).ensure_service("analytics");
    let desk = WorkDir::new();
    let endpoint = "---\napiVersion: pipectl/v1\nkind: ReversePrivateEndpoint\nmetadata: {name: link, service: SERVICE}\n\
                    spec: {type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: com.amazonaws.vpce.x}\n---\n";
    let kafka = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: private, service: SERVICE}\nspec:\n  \
                 source: {kafka: {type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: t, authentication: PLAIN, credentials: \
                 {username: u, password: {fromEnv: SEED_SECRET}}, reversePrivateEndpointIds: [{endpoint: link}]}}\n  \
                 destination: {database: default, table: u, managedTable: true, tableDefinition: {engine: {type: MergeTree}}, \
                 columns: [{name: id, type: UInt64}]}\n";
    desk.write_file("pipes.yaml", [PIPE, endpoint, kafka].concat().replace(": SERVICE", &format!(": {service}")));
    let environment = server.client_environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let run = |args: &[&str]| desk.run_with_env(args, &environment);
    let verdicts = |said: &RunOutput| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let printed = said.stdout_json();
        let changes = printed["result"]["changes"].as_array().unwrap();
        changes.iter().map(|it| (text(&it["address"]["name"]), text(&it["verdict"]))).collect()
    };
    let of = |changes: &[(&str, &str)]| -> Vec<(String, String)> {
        changes.iter().map(|(name, verdict)| ((*name).to_owned(), (*verdict).to_owned())).collect()
    };
    let blocked = [("link", "blocked"), ("private", "blocked")];
    let plan = run(&["plan", "pipes.yaml", "-o", "json"]);
    assert_eq!(
        (plan.code, verdicts(&plan)),
        (0, of(&[blocked[0], ("clicks", "create"), blocked[1]])),
        "{}",
        plan.stdout
    );
    assert!(plan.stdout.contains("this API does not support objects of its kind"), "{}", plan.stdout);
    let applied = run(&["apply", "pipes.yaml", "--yes", "-o", "json"]);
    assert_eq!(applied.code, 5, "{}", applied.all_output());
    let again = run(&["plan", "pipes.yaml", "-o", "json"]);
    assert_eq!(verdicts(&again), of(&blocked), "{}", again.stdout);
    for command in ["status", "drift", "doctor", "validate"] {
        let said = run(&[command, "pipes.yaml"]);
        assert_eq!(said.code, 0, "{command}: {}", said.all_output());
    }
    // Nothing is known of the endpoint, and the pipe behind it is not live.
    let drift = run(&["drift", "pipes.yaml", "-o", "json"]).stdout_json();
    let names = |list: &str| -> Vec<&str> {
        let objects = drift["result"][list].as_array().unwrap().iter();
        objects.map(|it| it.get("address").unwrap_or(it)["name"].as_str().unwrap()).collect()
    };
    assert_eq!(["notOffered", "missing", "changed"].map(names), [vec!["link"], vec!["private"], vec![]], "{drift}");
}

/// The numbers, lists and texts of a client in another language come back as it sent them.
#[test]
fn server_returns_what_was_sent_unless_an_option_says_otherwise() {
    let service = World::new(SandboxOptions::default()).ensure_service("analytics");
    let pipes = format!("/v1/organizations/{}/services/{service}/clickpipes", sandbox::ORGANIZATION);
    let mut body: Value = serde_json::from_str(include_str!("../crates/sandbox/src/tests/echo/pipes.json")).unwrap();
    let mut body = body["kafka"].take();
    body["scaling"] = json!({"replicas": 2, "replicaCpuMillicores": 250, "replicaMemoryGb": 1});
    body["settings"] = json!({"streaming_max_insert_wait_ms": 5000});
    // Saved with other options than those of the command line.
    let desk = WorkDir::new();
    let quirks = Quirks::default().with_quirk(Quirk::EditsNeedPause).without_quirk(Quirk::AutoResume);
    let saved = World::new(SandboxOptions { strict_rules: true, quirks, ..SandboxOptions::default() });
    desk.write_file("world.json", serde_json::to_string(&saved).unwrap());
    let file = desk.temp_dir.path().join("world.json");
    let create = |options: &[&str], body: &Value| {
        let server = SandboxServer::start_with_options(1, &["analytics"], options);
        let (status, answer) = server.exchange("POST", &pipes, body);
        (status, answer["result"].clone(), server.admin_request("GET", "options", &Value::Null))
    };
    let (_, pipe, options) = create(&["--state", file.to_str().unwrap()], &body);
    for part in ["/scaling", "/settings", "/destination/tableDefinition/engine/type", "/destination/columns"] {
        assert_eq!(pipe.pointer(part), body.pointer(part), "{part}");
    }
    // Its oddities are switched one by one.
    assert_eq!(options, json!(SandboxOptions { strict_rules: false, ..saved.options().clone() }));
    let state = ["--state", file.to_str().unwrap(), "--no-quirk", "edits-need-pause", "--quirk", "auto-resume"];
    assert_eq!(create(&state, &body).2, json!(SandboxOptions::default()));
    body["source"]["kafka"]["madeUp"] = json!(7);
    assert_eq!(create(&[], &body).0, 400);
    let quirks = ["--quirk", "transient-zero-scaling,base-types", "--no-quirk", "auto-resume"];
    let (_, pipe, options) = create(&[&quirks[..], &["--accept-unknown-fields"]].concat(), &body);
    assert_eq!((&pipe["scaling"]["replicas"], &pipe["source"]["kafka"]["madeUp"]), (&json!(0), &json!(7)));
    let quirks = Quirks::default().with_quirk(Quirk::TransientZeroScaling).with_quirk(Quirk::BaseTypes);
    assert_eq!(options["quirks"], json!(quirks.without_quirk(Quirk::AutoResume)));
}
