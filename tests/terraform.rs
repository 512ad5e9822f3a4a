//! From Terraform's state to manifests that leave nothing to do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::cli::WorkDir;
use serde_json::{Value, json};

/// Every secret in the state; see the fixture.
const CANARY: &str = "canary-of-terraform";

fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/terraform").join(name)
}

fn path_str(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn terraform_state() -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture_path("state.json")).unwrap()).unwrap()
}

#[test]
fn terraform_export_leaves_nothing_to_plan() {
    let desk = WorkDir::new();
    let secrets = [("SEED_SECRET", "x"), ("SEED_URI", "mongodb://repl:x@c.example.net/d")];
    let live = fixture_path("live.yaml");
    let made = desk.run_with_env(&["apply", path_str(&live), "--sandbox", "--yes"], &secrets);
    assert_eq!(made.code, 0, "{}", made.all_output());

    let state = fixture_path("state.json");
    let said = desk.run_pipectl(&["export", "--from", "terraform", path_str(&state), "--out", "pipes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(!said.all_output().contains("note:"), "{}", said.all_output());
    assert!(said.stderr.contains("21 manifests from 20 resources"), "{}", said.stderr);
    let valid = desk.run_pipectl(&["validate", "pipes"]);
    assert_eq!((valid.code, valid.all_output().contains("warning")), (0, false), "{}", valid.all_output());
    let plan = desk.run_pipectl(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
    assert!(plan.stdout.contains("No changes"), "{}", plan.stdout);
}

#[test]
fn terraform_export_prints_no_secret() {
    let (desk, state) = (WorkDir::new(), fixture_path("state.json"));
    for args in [&["--out", "pipes"][..], &[], &["-o", "json"], &["-vv"]] {
        let said = desk.run_pipectl(&[&["export", "--from", "terraform", path_str(&state)], args].concat());
        assert_eq!(said.code, 0, "{}", said.all_output());
        assert!(!said.all_output().contains(CANARY), "{args:?}: {}", said.all_output());
    }
    for file in ["pipes/terraform.yaml", "pipes/removed.tf"] {
        let written = std::fs::read_to_string(desk.temp_dir.path().join(file)).unwrap();
        assert!(!written.contains(CANARY), "{written}");
    }
}

/// Wherever a secret might stand that no version of the provider has put there yet.
#[test]
fn terraform_export_prints_no_secret_of_unknown_fields() {
    let desk = WorkDir::new();
    let places = ["/source/kafka/credentials", "/source/kafka", "/source", "", "/destination"];
    for place in places {
        for (name, value) in [
            ("newer", json!(CANARY)),
            ("newer", json!({"deep": [CANARY]})),
            ("credentials", json!([[CANARY]])),
            ("password", json!([CANARY])),
            ("format", json!({"a": CANARY})),
        ] {
            let mut state = terraform_state();
            let values = &mut state["values"]["root_module"]["resources"][2]["values"];
            values.pointer_mut(place).unwrap()[name] = value;
            desk.write_file("state.json", state.to_string());
            let said = desk.run_pipectl(&["export", "--from", "terraform", "state.json"]);
            assert!(!said.all_output().contains(CANARY), "{place} {name}: {}", said.all_output());
            let known = place.ends_with("credentials") && name == "password";
            assert!(known || said.stderr.contains("note:"), "{place} {name}: {}", said.stderr);
        }
    }
}

#[test]
fn terraform_export_removes_each_resource_once() {
    let (desk, state) = (WorkDir::new(), fixture_path("state.json"));
    desk.run_pipectl(&["export", "--from", "terraform", path_str(&state), "--out", "pipes"]);
    let blocks = std::fs::read_to_string(desk.temp_dir.path().join("pipes/removed.tf")).unwrap();
    for from in [
        "clickhouse_clickpipe.scram",
        "module.lake.clickhouse_clickpipe.s3",
        "module.lake.clickhouse_clickpipe.pubsub",
        "module.lake.module.streams.clickhouse_clickpipe.user",
        "module.databases.clickhouse_clickpipe.pg",
        "clickhouse_clickpipe_cdc_infrastructure.size",
        "clickhouse_clickpipes_reverse_private_endpoint.link",
        "clickhouse_clickpipes_reverse_private_endpoint_custom_private_dns.link",
    ] {
        let line = format!("  from = {from}\n");
        assert_eq!(blocks.matches(&line).count(), 1, "{from} in {blocks}");
    }
    assert_eq!(blocks.matches("destroy = false").count(), blocks.matches("removed {").count());
    assert!(!blocks.contains("clickhouse_service") && !blocks.contains('['), "{blocks}");
}

#[test]
fn invalid_terraform_state_is_rejected_with_a_hint() {
    let desk = WorkDir::new();
    let state = terraform_state().to_string();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(state.bytes()).collect();
    let deep = "[".repeat(100_000);
    let cases: [(&[u8], &str); 11] = [
        (b"", "not JSON"),
        (b"password = canary-of-terraform", "terraform show -json"),
        (b"[\"canary-of-terraform\"]", "no state of Terraform"),
        (br#"{"version": 4, "serial": 1, "lineage": "x", "resources": []}"#, "own state file"),
        (br#"{"format_version": "1.2", "planned_values": {}}"#, "a plan"),
        (br#"{"format_version": "1.0"}"#, "is empty"),
        (br#"{"format_version": "1.0", "values": {"root_module": {}}}"#, "is empty"),
        (br#"{"values": {"root_module": {"resources": {}}}}"#, "is not a list"),
        (br#"{"values": {"root_module": {"resources": [7]}}}"#, "is not a text"),
        (deep.as_bytes(), "not JSON"),
        (&utf16, "UTF-16"),
    ];
    for (content, words) in cases {
        desk.write_file("state.json", content);
        let said = desk.run_pipectl(&["export", "--from", "terraform", "state.json"]);
        assert_eq!(said.code, 1, "{}", said.all_output());
        assert!(said.stderr.contains(words), "no `{words}` in {}", said.stderr);
        assert!(!said.all_output().contains(CANARY) && said.stdout.is_empty(), "{}", said.all_output());
    }
    let others = r#"{"values": {"root_module": {"resources": [
        {"mode": "managed", "address": "a.b", "type": "a", "values": {}}]}}}"#;
    let said = desk.run_with_stdin(&["export", "--from", "terraform", "-"], &[], others);
    assert!(said.stderr.contains("only other things (1)"), "{}", said.all_output());
    let absent = desk.run_pipectl(&["export", "--from", "terraform", "absent.json", "-o", "json"]);
    assert_eq!((absent.code, absent.stdout_json()["outcome"].clone()), (1, json!("error")));
}

#[test]
fn terraform_export_overwrites_files_only_with_force() {
    let (desk, state) = (WorkDir::new(), fixture_path("state.json"));
    desk.write_file("pipes/terraform.yaml", "mine");
    let args = ["export", "--from", "terraform", path_str(&state), "--out", "pipes"];
    let said = desk.run_pipectl(&args);
    assert_eq!(said.code, 1, "{}", said.all_output());
    let there = |file: &str| std::fs::read_to_string(desk.temp_dir.path().join("pipes").join(file));
    assert_eq!(there("terraform.yaml").unwrap(), "mine");
    assert!(there("removed.tf").is_err());
    assert_eq!(desk.run_pipectl(&[&args[..], &["--force"]].concat()).code, 0);
    assert_eq!(desk.run_pipectl(&args).code, 0);
}

#[test]
fn terraform_export_to_stdout_is_valid_manifests() {
    let (desk, state) = (WorkDir::new(), fixture_path("state.json"));
    let said = desk.run_pipectl(&["export", "--from", "terraform", path_str(&state)]);
    assert!(said.stdout.contains("# removed {\n#   from = clickhouse_clickpipe.scram\n"));
    let valid = desk.run_with_stdin(&["validate", "-"], &[], &said.stdout);
    assert_eq!((valid.code, valid.all_output().contains("21 manifests")), (0, true), "{}", valid.all_output());
}

#[test]
fn terraform_keeps_the_second_pipe_of_the_same_name() {
    let (desk, mut state) = (WorkDir::new(), terraform_state());
    let resources = state["values"]["root_module"]["resources"].as_array_mut().unwrap();
    let pipe = resources.iter().find(|one| one["type"] == "clickhouse_clickpipe").unwrap();
    let mut twin = pipe.clone();
    twin["address"] = json!("clickhouse_clickpipe.twin");
    twin["values"]["id"] = json!("99999999-9999-4999-8999-999999999999");
    resources.push(twin);
    desk.write_file("state.json", state.to_string());
    let said = desk.run_pipectl(&["export", "--from", "terraform", "state.json"]);
    assert!(said.stderr.contains("note: clickhouse_clickpipe.twin: only a comment: another"), "{}", said.all_output());
    assert!(!said.stdout.contains("from = clickhouse_clickpipe.twin"), "{}", said.stdout);
    let valid = desk.run_with_stdin(&["validate", "-"], &[], &said.stdout);
    assert_eq!((valid.code, valid.all_output().contains("21 manifests")), (0, true), "{}", valid.all_output());
}

/// The provider's own examples, as they are in its state and as it sent them: half of their columns have no mapping.
#[test]
fn export_of_the_providers_examples_leaves_nothing_to_plan() {
    const SERVICE: &str = "11111111-1111-4111-8111-111111111111";
    let desk = WorkDir::new();
    let state = fixture_path("provider_examples.json");
    let said = desk.run_pipectl(&["export", "--from", "terraform", path_str(&state), "--out", "pipes"]);
    assert!((said.code, said.stderr.contains("13 manifests from 13 resources")) == (0, true), "{}", said.all_output());
    let names = provider_example_names(&state);
    let first = desk.run_pipectl(&["plan", "pipes", "--sandbox", "-o", "json"]).stdout_json();
    assert_eq!(first["result"]["changes"].as_array().map(Vec::len), Some(names.len()), "{first:#}");

    let requests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/src/tests/provider_requests/examples.jsonl");
    let requests = std::fs::read_to_string(requests).unwrap();
    let requests: Vec<Value> = requests.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    desk.edit_world(|world| {
        let service = world.ensure_service(SERVICE);
        let pipes = format!("/v1/organizations/{}/services/{service}/clickpipes", sandbox::ORGANIZATION);
        let is_example = |request: &&Value| request["body"]["name"].as_str().is_some_and(|name| names.contains(name));
        for created in requests.iter().filter(|request| request["method"] == "POST").filter(is_example) {
            let id = send_to_sandbox(world, "POST", &pipes, &created["body"]);
            // The provider sends the size in a request of its own.
            let path = format!("/{}/scaling", created["creates"].as_str().unwrap());
            for size in requests.iter().filter(|request| request["path"].as_str().unwrap().ends_with(&path)) {
                send_to_sandbox(world, "PATCH", &format!("{pipes}/{id}/scaling"), &size["body"]);
            }
        }
        world.advance_clock(std::time::Duration::from_secs(600));
    });
    let plan = desk.run_pipectl(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
}

fn provider_example_names(state: &Path) -> BTreeSet<String> {
    let state: Value = serde_json::from_str(&std::fs::read_to_string(state).unwrap()).unwrap();
    let resources = state["values"]["root_module"]["resources"].as_array().unwrap();
    resources.iter().map(|resource| resource["values"]["name"].as_str().unwrap().to_owned()).collect()
}

/// Returns the id of the pipe.
fn send_to_sandbox(world: &mut sandbox::World, method: &str, path: &str, body: &Value) -> String {
    world.advance_clock(std::time::Duration::from_secs(60));
    let response = world.handle_request(&sandbox::SandboxRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        authorization: Some(sandbox::basic_authorization(sandbox::KEY_ID, sandbox::KEY_SECRET)),
        body: body.to_string().into_bytes(),
    });
    assert_eq!(response.status, 200, "{}", response.json_body());
    response.json_body()["result"]["id"].as_str().unwrap().to_owned()
}
