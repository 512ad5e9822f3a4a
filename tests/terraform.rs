//! From Terraform's state to manifests that leave nothing to do.

use std::path::{Path, PathBuf};

use crate::support::cli::Desk;
use serde_json::{Value, json};

/// Every secret in the state; see the fixture.
const CANARY: &str = "canary-of-terraform";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/terraform").join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn state() -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture("state.json")).unwrap()).unwrap()
}

#[test]
fn what_terraform_manages_is_taken_over_and_nothing_is_left_to_do() {
    let desk = Desk::new();
    let secrets = [("SEED_SECRET", "x"), ("SEED_URI", "mongodb://repl:x@c.example.net/d")];
    let live = fixture("live.yaml");
    let made = desk.run_with(&["apply", text(&live), "--sandbox", "--yes"], &secrets);
    assert_eq!(made.code, 0, "{}", made.all());

    let state = fixture("state.json");
    let said = desk.run(&["export", "--from", "terraform", text(&state), "--out", "pipes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!said.all().contains("note:"), "{}", said.all());
    assert!(said.stderr.contains("21 manifests from 20 resources"), "{}", said.stderr);
    let valid = desk.run(&["validate", "pipes"]);
    assert_eq!((valid.code, valid.all().contains("warning")), (0, false), "{}", valid.all());
    let plan = desk.run(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all());
    assert!(plan.stdout.contains("No changes"), "{}", plan.stdout);
}

#[test]
fn no_secret_of_the_state_is_told() {
    let (desk, state) = (Desk::new(), fixture("state.json"));
    for args in [&["--out", "pipes"][..], &[], &["-o", "json"], &["-vv"]] {
        let said = desk.run(&[&["export", "--from", "terraform", text(&state)], args].concat());
        assert_eq!(said.code, 0, "{}", said.all());
        assert!(!said.all().contains(CANARY), "{args:?}: {}", said.all());
    }
    for file in ["pipes/terraform.yaml", "pipes/removed.tf"] {
        let written = std::fs::read_to_string(desk.folder.path().join(file)).unwrap();
        assert!(!written.contains(CANARY), "{written}");
    }
}

/// Wherever a secret might stand that no version of the provider has put there yet.
#[test]
fn no_secret_is_told_from_a_place_that_is_not_understood() {
    let desk = Desk::new();
    let places = ["/source/kafka/credentials", "/source/kafka", "/source", "", "/destination"];
    for place in places {
        for (name, value) in [
            ("newer", json!(CANARY)),
            ("newer", json!({"deep": [CANARY]})),
            ("credentials", json!([[CANARY]])),
            ("password", json!([CANARY])),
            ("format", json!({"a": CANARY})),
        ] {
            let mut state = state();
            let values = &mut state["values"]["root_module"]["resources"][2]["values"];
            values.pointer_mut(place).unwrap()[name] = value;
            desk.write("state.json", state.to_string());
            let said = desk.run(&["export", "--from", "terraform", "state.json"]);
            assert!(!said.all().contains(CANARY), "{place} {name}: {}", said.all());
            let known = place.ends_with("credentials") && name == "password";
            assert!(known || said.stderr.contains("note:"), "{place} {name}: {}", said.stderr);
        }
    }
}

#[test]
fn terraform_is_told_to_forget_each_resource_once() {
    let (desk, state) = (Desk::new(), fixture("state.json"));
    desk.run(&["export", "--from", "terraform", text(&state), "--out", "pipes"]);
    let blocks = std::fs::read_to_string(desk.folder.path().join("pipes/removed.tf")).unwrap();
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
fn what_is_no_state_is_refused_with_the_way_out() {
    let desk = Desk::new();
    let state = state().to_string();
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
        desk.write("state.json", content);
        let said = desk.run(&["export", "--from", "terraform", "state.json"]);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.stderr.contains(words), "no `{words}` in {}", said.stderr);
        assert!(!said.all().contains(CANARY) && said.stdout.is_empty(), "{}", said.all());
    }
    let others = r#"{"values": {"root_module": {"resources": [
        {"mode": "managed", "address": "a.b", "type": "a", "values": {}}]}}}"#;
    let said = desk.run_reading(&["export", "--from", "terraform", "-"], &[], others);
    assert!(said.stderr.contains("only other things (1)"), "{}", said.all());
    let absent = desk.run(&["export", "--from", "terraform", "absent.json", "-o", "json"]);
    assert_eq!((absent.code, absent.json()["outcome"].clone()), (1, json!("error")));
}

#[test]
fn a_file_of_somebody_else_is_not_written_over() {
    let (desk, state) = (Desk::new(), fixture("state.json"));
    desk.write("pipes/terraform.yaml", "mine");
    let args = ["export", "--from", "terraform", text(&state), "--out", "pipes"];
    let said = desk.run(&args);
    assert_eq!(said.code, 1, "{}", said.all());
    let there = |file: &str| std::fs::read_to_string(desk.folder.path().join("pipes").join(file));
    assert_eq!(there("terraform.yaml").unwrap(), "mine");
    assert!(there("removed.tf").is_err());
    assert_eq!(desk.run(&[&args[..], &["--force"]].concat()).code, 0);
    assert_eq!(desk.run(&args).code, 0);
}

#[test]
fn what_stands_on_stdout_is_manifests_and_comments() {
    let (desk, state) = (Desk::new(), fixture("state.json"));
    let said = desk.run(&["export", "--from", "terraform", text(&state)]);
    assert!(said.stdout.contains("# removed {\n#   from = clickhouse_clickpipe.scram\n"));
    let valid = desk.run_reading(&["validate", "-"], &[], &said.stdout);
    assert!(valid.all().contains("21 manifests"), "{}", valid.all());
}

#[test]
fn of_two_pipes_of_one_name_terraform_keeps_the_second() {
    let (desk, mut state) = (Desk::new(), state());
    let resources = state["values"]["root_module"]["resources"].as_array_mut().unwrap();
    let pipe = resources.iter().find(|one| one["type"] == "clickhouse_clickpipe").unwrap();
    let mut twin = pipe.clone();
    twin["address"] = json!("clickhouse_clickpipe.twin");
    twin["values"]["id"] = json!("99999999-9999-4999-8999-999999999999");
    resources.push(twin);
    desk.write("state.json", state.to_string());
    let said = desk.run(&["export", "--from", "terraform", "state.json"]);
    assert!(
        said.stderr.contains("note: clickhouse_clickpipe.twin: only a comment: another"),
        "{}",
        said.all()
    );
    assert!(!said.stdout.contains("from = clickhouse_clickpipe.twin"), "{}", said.stdout);
    let valid = desk.run_reading(&["validate", "-"], &[], &said.stdout);
    assert_eq!((valid.code, valid.all().contains("21 manifests")), (0, true), "{}", valid.all());
}
