//! Every exit code of the contract, with JSON beside it.

#![cfg(unix)]
use crate::support::cli::{Desk, Said};
use crate::support::manifests::documents;
use crate::support::server::Server;
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];

fn seed(name: &str) -> Value {
    let mut seeds = documents("tests/seeds").into_iter();
    seeds.find(|seed| seed["metadata"]["name"] == name).unwrap()
}

fn desk(documents: &[Value]) -> Desk {
    let desk = Desk::new();
    let texts: Vec<String> = documents.iter().map(|document| format!("{document}\n")).collect();
    desk.write("pipes.yaml", texts.join("---\n"));
    desk
}

/// Runs against the sandbox inside the process, and looks at the code and the JSON's outcome.
fn ends(desk: &Desk, command: &str, more: &[&str], code: i32, outcome: &str) -> Value {
    let args = [&[command, "pipes.yaml", "--sandbox", "-o", "json"], more].concat();
    is(&desk.run_with(&args, &SECRET), code, outcome)
}

fn is(said: &Said, code: i32, outcome: &str) -> Value {
    assert_eq!(said.code, code, "{}", said.all());
    let json = said.json();
    assert_eq!(json["outcome"], outcome, "{json:#}");
    assert!(json["schemaVersion"].is_string() && json["errors"].is_array(), "{json:#}");
    assert!(!said.all().contains("canary"), "{}", said.all());
    json
}

#[test]
fn done_and_changes() {
    let desk = desk(&[seed("kinesis-user")]);
    ends(&desk, "plan", &[], 0, "changes");
    ends(&desk, "plan", &["--detailed-exitcode"], 2, "changes");
    ends(&desk, "apply", &["--yes"], 0, "applied");
    ends(&desk, "plan", &["--detailed-exitcode"], 0, "inSync");
    ends(&desk, "apply", &["--yes"], 0, "inSync");
}

#[test]
fn partly_and_not_at_all() {
    let mut lost = seed("pubsub");
    lost["metadata"]["name"] = json!("lost");
    lost["spec"]["source"]["pubsub"]["topic"] = json!("no-such-topic");
    let desk = desk(&[seed("kinesis-user"), lost]);
    let json = ends(&desk, "apply", &["--yes"], 3, "partly");
    assert_eq!(json["result"]["reports"][1]["outcome"], "failed", "{json:#}");
    ends(&desk, "apply", &["--yes"], 1, "failed");
    ends(&desk, "apply", &[], 1, "error");
}

#[test]
fn a_refused_key() {
    let server = Server::start(1);
    let desk = desk(&[seed("kinesis-role")]);
    let run = |key: &str, secret: &str, command: &[&str]| {
        let mut environment = server.environment();
        environment.retain(|(name, _)| !name.starts_with("CLICKHOUSE_CLOUD_API"));
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .chain([("CLICKHOUSE_CLOUD_API_KEY", key), ("CLICKHOUSE_CLOUD_API_SECRET", secret)])
            .collect();
        desk.run_with(command, &environment)
    };
    let plan = ["plan", "pipes.yaml", "-o", "json"];
    is(&run("nobody", "canary", &plan), 4, "error");
    let apply = ["apply", "pipes.yaml", "--yes", "-o", "json"];
    is(&run(sandbox::READ_ONLY_KEY_ID, sandbox::READ_ONLY_KEY_SECRET, &apply), 4, "refused");
}

#[test]
fn a_key_that_is_not_there() {
    let desk = desk(&[seed("kinesis-role")]);
    let pipes = |command| [command, "pipes.yaml", "--service", "analytics", "-o", "json"];
    let commands: [&[&str]; 7] = [
        &pipes("plan"),
        &pipes("drift"),
        &pipes("status"),
        &[&pipes("apply")[..], &["--yes"]].concat(),
        &["resync", "analytics/x", "--yes", "-o", "json"],
        &["export", "--service", "analytics", "-o", "json"],
        &["discover", "pipes.yaml", "-o", "json"],
    ];
    for half in [&[][..], &[("CLICKHOUSE_TOKEN_KEY", "x")], &[("KEY_SECRET", "canary")]] {
        for command in commands {
            is(&desk.run_with(command, half), 4, "error");
        }
        is(&desk.run_with(&["doctor", "pipes.yaml", "-o", "json"], half), 4, "refused");
    }
}

/// Half of the work is done then, and the key is what somebody has to look at.
#[test]
fn a_key_that_is_refused_in_the_middle() {
    let server = Server::start(20);
    let mut pipe = seed("kinesis-role");
    let desk = desk(&[pipe.clone()]);
    let apply = ["apply", "pipes.yaml", "--yes", "-o", "json"];
    is(&server.run(&desk, &apply), 0, "applied");
    let when = json!({"route": {"method": "PUT", "path": "*/settings"}});
    server.ask("POST", "faults", &json!({"when": when, "effect": "forbidden"}));
    pipe["spec"]["settings"] = json!({"streaming_max_insert_wait_ms": 900});
    let new = [pipe, seed("pubsub-latest")];
    desk.write("pipes.yaml", new.map(|document| document.to_string()).join("\n---\n"));
    let json = is(&server.run(&desk, &[&apply[..], &["--wait=none"]].concat()), 4, "refused");
    let reports = json["result"]["reports"].as_array().unwrap();
    let done = |name: &str| {
        let mut reports = reports.iter();
        let report = reports.find(|report| report["at"]["name"] == name).unwrap();
        (report["outcome"].clone(), report["done"].clone())
    };
    assert_eq!(done("kinesis-role"), (json!("failed"), json!(0)), "{json:#}");
    assert_eq!(done("pubsub-latest"), (json!("applied"), json!(1)), "{json:#}");
}

#[test]
fn blocked_by_a_safety_rule() {
    let mut gone = seed("kinesis-user");
    let desk = desk(&[gone.clone()]);
    ends(&desk, "apply", &["--yes"], 0, "applied");
    gone["spec"]["protect"] = json!(true);
    gone["spec"]["state"] = json!("absent");
    desk.write("pipes.yaml", gone.to_string());
    ends(&desk, "apply", &["--yes"], 5, "blocked");
}

#[test]
fn a_typo() {
    let desk = desk(&[seed("kinesis-user")]);
    ends(&desk, "apply", &["--yess"], 64, "error");
}

#[test]
fn interrupted() {
    let server = Server::start(1);
    let desk = desk(&[seed("kinesis-role")]);
    let run = server.begin(&desk, &["apply", "pipes.yaml", "--yes", "-o", "json"]);
    server.until(1, |entry| entry["method"] == "POST");
    run.signal("INT");
    is(&run.end(), 130, "interrupted");
}
