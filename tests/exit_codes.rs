//! Every exit code of the contract, with JSON beside it.

#![cfg(unix)]
use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::server::SandboxServer;
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];

fn dir_with_manifests(documents: &[Value]) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", documents_to_yaml(documents));
    desk
}

/// Runs against the sandbox inside the process, and looks at the code and the JSON's outcome.
fn assert_ending(desk: &WorkDir, command: &str, more: &[&str], code: i32, outcome: &str) -> Value {
    let args = [&[command, "pipes.yaml", "--sandbox", "-o", "json"], more].concat();
    assert_outcome(&desk.run_with_env(&args, &SECRET), code, outcome)
}

fn assert_outcome(said: &RunOutput, code: i32, outcome: &str) -> Value {
    assert_eq!(said.code, code, "{}", said.all_output());
    let json = said.stdout_json();
    assert_eq!(json["outcome"], outcome, "{json:#}");
    assert!(json["schemaVersion"].is_string() && json["errors"].is_array(), "{json:#}");
    assert!(!said.all_output().contains("canary"), "{}", said.all_output());
    json
}

#[test]
fn success_exits_with_0_and_changes_with_2() {
    let desk = dir_with_manifests(&[seed_named("kinesis-user")]);
    assert_ending(&desk, "plan", &[], 0, "changes");
    assert_ending(&desk, "plan", &["--detailed-exitcode"], 2, "changes");
    assert_ending(&desk, "apply", &["--yes"], 0, "applied");
    assert_ending(&desk, "plan", &["--detailed-exitcode"], 0, "inSync");
    assert_ending(&desk, "apply", &["--yes"], 0, "inSync");
}

#[test]
fn partial_failure_exits_with_3_and_total_with_1() {
    let mut lost = seed_named("pubsub");
    lost["metadata"]["name"] = json!("lost");
    lost["spec"]["source"]["pubsub"]["topic"] = json!("no-such-topic");
    let desk = dir_with_manifests(&[seed_named("kinesis-user"), lost]);
    let json = assert_ending(&desk, "apply", &["--yes"], 3, "partly");
    assert_eq!(json["result"]["reports"][1]["outcome"], "failed", "{json:#}");
    assert_ending(&desk, "apply", &["--yes"], 1, "failed");
    assert_ending(&desk, "apply", &[], 1, "error");
}

#[test]
fn rejected_key_exits_with_4() {
    let server = SandboxServer::start(1);
    let desk = dir_with_manifests(&[seed_named("kinesis-role")]);
    let run = |key: &str, secret: &str, command: &[&str]| {
        let mut environment = server.client_environment();
        environment.retain(|(name, _)| !name.starts_with("CLICKHOUSE_CLOUD_API"));
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .chain([("CLICKHOUSE_CLOUD_API_KEY", key), ("CLICKHOUSE_CLOUD_API_SECRET", secret)])
            .collect();
        desk.run_with_env(command, &environment)
    };
    let plan = ["plan", "pipes.yaml", "-o", "json"];
    assert_outcome(&run("nobody", "canary", &plan), 4, "error");
    let apply = ["apply", "pipes.yaml", "--yes", "-o", "json"];
    assert_outcome(&run(sandbox::READ_ONLY_KEY_ID, sandbox::READ_ONLY_KEY_SECRET, &apply), 4, "refused");
}

#[test]
fn missing_key_exits_with_4() {
    let desk = dir_with_manifests(&[seed_named("kinesis-role")]);
    let pipes = |command| [command, "pipes.yaml", "--service", "analytics", "-o", "json"];
    let commands: [&[&str]; 7] = [
        &pipes("plan"),
        &pipes("drift"),
        &pipes("status"),
        &[&pipes("apply")[..], &["--yes"]].concat(),
        &["resync", "analytics/x", "--yes", "-o", "json"],
        &["export", "--service", "analytics", "-o", "json"],
        &["discover", "pipes.yaml", "--yes", "-o", "json"],
    ];
    for half in [&[][..], &[("CLICKHOUSE_TOKEN_KEY", "x")], &[("KEY_SECRET", "canary")]] {
        for command in commands {
            assert_outcome(&desk.run_with_env(command, half), 4, "error");
        }
        assert_outcome(&desk.run_with_env(&["doctor", "pipes.yaml", "-o", "json"], half), 4, "refused");
    }
}

/// Whatever the reason of a failure is: if something was applied, the code says so.
#[test]
fn key_rejected_during_apply_exits_with_3_if_something_was_applied() {
    let server = SandboxServer::start(20);
    let mut pipe = seed_named("kinesis-role");
    let desk = dir_with_manifests(&[pipe.clone()]);
    let apply = ["apply", "pipes.yaml", "--yes", "-o", "json"];
    assert_outcome(&server.run_to_end(&desk, &apply), 0, "applied");
    let when = json!({"route": {"method": "PUT", "path": "*/settings"}});
    server.admin_request("POST", "faults", &json!({"when": when, "effect": "forbidden"}));
    pipe["spec"]["settings"] = json!({"streaming_max_insert_wait_ms": 900});
    let new = [pipe, seed_named("pubsub-latest")];
    desk.write_file("pipes.yaml", new.map(|document| document.to_string()).join("\n---\n"));
    let json = assert_outcome(&server.run_to_end(&desk, &[&apply[..], &["--wait=none"]].concat()), 3, "partly");
    let reports = json["result"]["reports"].as_array().unwrap();
    let done = |name: &str| {
        let mut reports = reports.iter();
        let report = reports.find(|report| report["address"]["name"] == name).unwrap();
        (report["outcome"].clone(), report["done"].clone())
    };
    assert_eq!(done("kinesis-role"), (json!("failed"), json!(0)), "{json:#}");
    assert_eq!(done("pubsub-latest"), (json!("applied"), json!(1)), "{json:#}");
}

#[test]
fn blocked_plan_exits_with_5() {
    let mut gone = seed_named("kinesis-user");
    let desk = dir_with_manifests(&[gone.clone()]);
    assert_ending(&desk, "apply", &["--yes"], 0, "applied");
    gone["spec"]["protect"] = json!(true);
    gone["spec"]["state"] = json!("absent");
    desk.write_file("pipes.yaml", gone.to_string());
    assert_ending(&desk, "apply", &["--yes"], 5, "blocked");
}

#[test]
fn unknown_flag_exits_with_64() {
    let desk = dir_with_manifests(&[seed_named("kinesis-user")]);
    assert_ending(&desk, "apply", &["--yess"], 64, "error");
}

#[test]
fn interruption_exits_with_130() {
    let server = SandboxServer::start(1);
    let desk = dir_with_manifests(&[seed_named("kinesis-role")]);
    let run = server.spawn_run(&desk, &["apply", "pipes.yaml", "--yes", "-o", "json"]);
    server.wait_for_requests(1, |entry| entry["method"] == "POST");
    run.send_signal("INT");
    assert_outcome(&run.wait_for_end(), 130, "interrupted");
}
