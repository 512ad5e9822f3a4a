//! From Terraform's state to manifests that leave nothing to do.

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
    // Defaults of the environment that are not live are kept out.
    desk.write_file(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\nmanifests: [kept-out]\nenvironments:\n  dev:\n    defaults:\n      \
         ClickPipe: {spec: {protect: true, state: stopped, settings: {streaming_max_insert_wait_ms: 500}}}\n",
    );
    let words = ["export", "-e", "dev", "--from", "terraform", path_str(&state), "--out", "kept-out"];
    let said = desk.run_pipectl(&words);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(desk.run_pipectl(&["fmt", "--check", "kept-out"]).code, 0);
    let plan = desk.run_pipectl(&["plan", "-e", "dev", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
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
    let cases: [(&[u8], &str); 13] = [
        (b"", "not JSON"),
        (b"password = canary-of-terraform", "terraform show -json"),
        (b"[\"canary-of-terraform\"]", "not a Terraform state"),
        (br#"{"version": 3, "serial": 1, "lineage": "x", "modules": []}"#, "an old version of Terraform"),
        (br#"{"version": 4, "serial": 1, "lineage": "x", "resources": []}"#, "is empty"),
        (br#"{"version": 4, "serial": 1, "lineage": "x", "resources": [{"type": 7}]}"#, "is not a text"),
        (br#"{"format_version": "1.2", "planned_values": {}}"#, "a Terraform plan"),
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
    assert!(said.stderr.contains("note: clickhouse_clickpipe.twin: commented out: another"), "{}", said.all_output());
    assert!(!said.stdout.contains("from = clickhouse_clickpipe.twin"), "{}", said.stdout);
    let valid = desk.run_with_stdin(&["validate", "-"], &[], &said.stdout);
    assert_eq!((valid.code, valid.all_output().contains("21 manifests")), (0, true), "{}", valid.all_output());
}

/// The same resources, as `terraform state pull` prints them.
#[test]
fn terraform_state_file_gives_the_same_manifests() {
    let desk = WorkDir::new();
    let shown = terraform_state();
    let mut resources = Vec::new();
    collect_raw_resources(&shown["values"]["root_module"], &mut resources);
    let data =
        json!({"mode": "data", "type": "clickhouse_clickpipe", "name": "read", "instances": [{"attributes": 1}]});
    resources.push(data);
    let raw = json!({"version": 4, "terraform_version": "1.9.0", "serial": 7, "lineage": "x", "outputs": {},
        "resources": resources, "check_results": null});
    desk.write_file("raw.json", raw.to_string());
    desk.write_file("shown.json", shown.to_string());
    let export = |file: &str| desk.run_pipectl(&["export", "--from", "terraform", file]);
    let (raw, shown) = (export("raw.json"), export("shown.json"));
    assert_eq!(raw.code, 0, "{}", raw.all_output());
    assert_eq!(raw.stdout, shown.stdout);
    assert!(raw.stdout.contains('['), "no instance has an index");
}

fn collect_raw_resources(module: &Value, found: &mut Vec<Value>) {
    for one in module["resources"].as_array().into_iter().flatten() {
        let mut instance = json!({"schema_version": 0, "attributes": one["values"]});
        if let Some(index) = one.get("index") {
            instance["index_key"] = index.clone();
        }
        if let Some(key) = one.get("deposed_key") {
            instance["deposed"] = key.clone();
        }
        let mut resource = json!({"mode": one["mode"], "type": one["type"], "name": one["name"],
            "provider": "provider[\"registry.terraform.io/clickhouse/clickhouse\"]", "instances": [instance]});
        if let Some(address) = module.get("address") {
            resource["module"] = address.clone();
        }
        found.push(resource);
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        collect_raw_resources(child, found);
    }
}

/// The provider's own examples, each in a state of its own, and as it sent them: half of their columns have no mapping,
/// and some have one name.
#[test]
fn export_of_the_providers_examples_leaves_nothing_to_plan() {
    let examples: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture_path("provider_examples.json")).unwrap()).unwrap();
    let requests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/src/tests/provider_requests/examples.jsonl");
    let requests = std::fs::read_to_string(requests).unwrap();
    let requests: Vec<Value> = requests.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(examples.as_array().map(Vec::len), Some(17));
    for example in examples.as_array().unwrap() {
        check_provider_example(example, &requests);
    }
}

fn check_provider_example(example: &Value, requests: &[Value]) {
    let desk = WorkDir::new();
    desk.write_file("state.json", example["state"].to_string());
    let said = desk.run_pipectl(&["export", "--from", "terraform", "state.json", "--out", "pipes"]);
    let count = example["state"]["values"]["root_module"]["resources"].as_array().unwrap().len();
    let all = format!("{count} manifest");
    assert!(said.code == 0 && said.stderr.contains(&all), "{}", said.all_output());
    let first = desk.run_pipectl(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_ne!(first.code, 0, "{}", first.all_output());
    desk.edit_world(|world| replay_creation(world, requests, example));
    let plan = desk.run_pipectl(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
}

/// Sends what created the objects of an example, and the sizes that follow: the provider sends them apart.
fn replay_creation(world: &mut sandbox::World, requests: &[Value], example: &Value) {
    const SERVICE: &str = "11111111-1111-4111-8111-111111111111";
    let service = world.ensure_service(SERVICE);
    let mut ids = vec![("{org}".to_owned(), sandbox::ORGANIZATION.to_owned()), ("{service}".to_owned(), service)];
    let created = example["creates"].as_array().unwrap();
    let mut is_of_example = false;
    for request in requests {
        let name = request.get("creates");
        is_of_example = name.map_or(is_of_example, |name| created.contains(name));
        let method = request["method"].as_str().unwrap();
        if !is_of_example || !["POST", "PATCH"].contains(&method) {
            continue;
        }
        let mut text = json!([request["path"], request["body"]]).to_string();
        for (mark, id) in &ids {
            text = text.replace(mark, id);
        }
        let sent: Value = serde_json::from_str(&text).unwrap();
        let id = send_to_sandbox(world, method, &format!("/v1{}", sent[0].as_str().unwrap()), &sent[1]);
        ids.extend(name.map(|name| (name.as_str().unwrap().to_owned(), id)));
    }
    world.advance_clock(std::time::Duration::from_secs(600));
}

/// Returns the id of the object, if it has one.
fn send_to_sandbox(world: &mut sandbox::World, method: &str, path: &str, body: &Value) -> String {
    world.advance_clock(std::time::Duration::from_secs(300));
    let response = world.handle_request(&sandbox::SandboxRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        authorization: Some(sandbox::basic_authorization(sandbox::KEY_ID, sandbox::KEY_SECRET)),
        body: body.to_string().into_bytes(),
    });
    assert_eq!(response.status, 200, "{}", response.json_body());
    response.json_body()["result"]["id"].as_str().unwrap_or_default().to_owned()
}
