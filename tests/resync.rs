//! `pipectl resync`: the one command that writes beside apply.

use std::time::Duration;

use crate::support::cli::{Desk, Said};
use crate::support::manifests::documents;
use crate::support::server::Server;
use sandbox::{PipeState, ServiceState};
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];
const PIPES: [&str; 5] =
    ["bigquery", "kinesis-user", "mysql-cdc", "postgres-cdc", "s3-public-once"];

fn declared(desk: &Desk, names: &[&str]) {
    let mut seeds = documents("tests/seeds");
    seeds.retain(|seed| names.iter().any(|name| seed["metadata"]["name"] == *name));
    assert_eq!(seeds.len(), names.len());
    let texts: Vec<String> = seeds.iter().map(|seed| format!("{seed}\n")).collect();
    desk.write("pipes.yaml", texts.join("---\n"));
}

fn desk() -> Desk {
    let desk = Desk::new();
    declared(&desk, &PIPES);
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--yes"], &SECRET);
    assert_eq!(said.code, 0, "{}", said.all());
    desk.world(|world| world.advance(Duration::from_secs(300)));
    desk
}

fn resync(desk: &Desk, pipe: &str, more: &[&str]) -> Said {
    desk.run(&[&["resync", pipe, "--sandbox", "--yes"], more].concat())
}

/// How many state commands were sent to pipes.
fn commands(desk: &Desk) -> usize {
    let entries = desk.journal().into_iter();
    entries.filter(|(method, path, _)| method == "PATCH" && path.ends_with("/state")).count()
}

#[test]
fn a_database_pipe_loads_anew_and_is_waited_for() {
    let desk = desk();
    for pipe in ["analytics/postgres-cdc", "analytics/mysql-cdc"] {
        let said = resync(&desk, pipe, &["-o", "json"]);
        let json = said.json();
        assert_eq!((said.code, &json["outcome"]), (0, &json!("resynced")), "{}", said.all());
        assert_eq!(json["result"]["state"], "Running", "{json:#}");
        assert!(said.stderr.contains("`_resync`"), "what it does to the data: {}", said.stderr);
    }
    assert_eq!(commands(&desk), 2);
}

#[test]
fn without_a_wait_it_is_only_accepted() {
    let desk = desk();
    let said = resync(&desk, "postgres-cdc", &["--service=analytics", "--wait=none", "-o", "json"]);
    assert_eq!((said.code, &said.json()["outcome"]), (0, &json!("accepted")), "{}", said.all());
    desk.world(|world| world.advance(Duration::from_secs(3)));
    // It loads now, so that the same command once more would throw that away.
    let again = resync(&desk, "analytics/postgres-cdc", &["-o", "json"]);
    assert_eq!((again.code, &again.json()["outcome"]), (5, &json!("blocked")), "{}", again.all());
    assert_eq!(commands(&desk), 1);
}

#[test]
fn other_sources_are_refused_with_the_reason() {
    let desk = desk();
    for (pipe, words) in [
        ("kinesis-user", "a stream has no initial load"),
        ("s3-public-once", "files have no initial load"),
        ("bigquery", "BigQuery is loaded once"),
    ] {
        let said = resync(&desk, &format!("analytics/{pipe}"), &["-o", "json"]);
        assert_eq!((said.code, &said.json()["outcome"]), (1, &json!("error")), "{}", said.all());
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    assert_eq!(commands(&desk), 0);
}

#[test]
fn a_state_in_which_it_would_undo_something_holds_it_back() {
    let desk = desk();
    for state in [PipeState::Snapshot, PipeState::Provisioning, PipeState::Modifying] {
        desk.world(|world| world.set_pipe_state("analytics", "postgres-cdc", state));
        let said = resync(&desk, "analytics/postgres-cdc", &[]);
        assert_eq!(said.code, 5, "{}", said.all());
        assert!(said.stderr.contains("nothing was sent"), "{}", said.stderr);
    }
    assert_eq!(commands(&desk), 0);
    desk.world(|world| world.set_pipe_state("analytics", "postgres-cdc", PipeState::Paused));
    let said = resync(&desk, "analytics/postgres-cdc", &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stderr.contains("it is stopped, and runs afterwards"), "{}", said.stderr);
}

#[test]
fn without_a_terminal_it_needs_a_yes() {
    let desk = desk();
    let said = desk.run(&["resync", "analytics/postgres-cdc", "--sandbox"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("--yes"), "{}", said.stderr);
    assert_eq!(commands(&desk), 0);
}

#[test]
fn the_pipe_must_be_one_that_is_there_and_only_one() {
    let desk = desk();
    assert_eq!(resync(&desk, "postgres-cdc", &[]).code, 64);
    assert_eq!(resync(&desk, "analytics/", &[]).code, 64);
    let said = resync(&desk, "analytics/postgres-cbc", &[]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("did you mean `analytics/postgres-cdc`?"), "{}", said.stderr);
    desk.world(|world| {
        world.edit_pipe("analytics", "mysql-cdc", |pipe| pipe["name"] = json!("postgres-cdc"))
    });
    let said = resync(&desk, "analytics/postgres-cdc", &[]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(
        said.stderr.contains("several pipes") && said.stderr.contains("--id"),
        "{}",
        said.all()
    );
    assert_eq!(commands(&desk), 0);
    let pipes = desk.world(|world| world.pipes("analytics"));
    let id = pipes.iter().find(|pipe| pipe["source"]["mysql"].is_object()).unwrap()["id"].clone();
    let said = resync(&desk, "analytics/postgres-cdc", &["--id", id.as_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.all());
    let said = resync(&desk, "analytics/postgres-cdc", &["--id", "nobody"]);
    assert!(said.stderr.contains("has not the id nobody"), "{}", said.stderr);
}

#[test]
fn an_idle_service_is_woken_only_when_asked() {
    let desk = desk();
    desk.world(|world| world.set_service_state("analytics", ServiceState::Idle));
    let said = resync(&desk, "analytics/postgres-cdc", &[]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("--wake"), "{}", said.stderr);
    let said = resync(&desk, "analytics/postgres-cdc", &["--wake"]);
    assert_eq!(said.code, 0, "{}", said.all());
}

#[test]
fn a_wait_that_is_over_says_so() {
    let desk = desk();
    let said = resync(&desk, "analytics/postgres-cdc", &["--timeout", "8s"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("is still `Snapshot`"), "{}", said.stderr);
}

#[test]
fn a_key_that_may_only_read_has_its_code() {
    let server = Server::start(20);
    let desk = Desk::new();
    declared(&desk, &["postgres-cdc"]);
    assert_eq!(server.run(&desk, &["apply", "pipes.yaml", "--yes", "--wait=none"]).code, 0);
    server.advance(300);
    let mut environment = server.environment();
    environment.retain(|(name, _)| !name.starts_with("CLICKHOUSE_CLOUD_API"));
    let keys = [
        ("CLICKHOUSE_CLOUD_API_KEY", sandbox::READ_ONLY_KEY_ID),
        ("CLICKHOUSE_CLOUD_API_SECRET", sandbox::READ_ONLY_KEY_SECRET),
    ];
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).chain(keys).collect();
    let args = ["resync", "analytics/postgres-cdc", "--yes", "-o", "json"];
    let said = desk.run_with(&args, &environment);
    assert_eq!((said.code, &said.json()["outcome"]), (4, &json!("error")), "{}", said.all());
}

#[cfg(unix)]
#[test]
fn an_interruption_ends_the_wait_and_leaves_nothing_paused() {
    let server = Server::start(1);
    let desk = Desk::new();
    declared(&desk, &["postgres-cdc"]);
    assert_eq!(server.run(&desk, &["apply", "pipes.yaml", "--yes", "--wait=none"]).code, 0);
    server.advance(300);
    let args = ["resync", "analytics/postgres-cdc", "--yes", "-o", "json", "--rate-limit=off"];
    let run = server.begin(&desk, &args);
    server.until(1, |entry| entry["body"]["command"] == "resync");
    run.signal("INT");
    let said = run.end();
    assert_eq!(
        (said.code, &said.json()["outcome"]),
        (130, &json!("interrupted")),
        "{}",
        said.all()
    );
    let stops = |entry: &Value| entry["body"]["command"] == "stop";
    assert_eq!(server.count(stops), 0);
    server.advance(300);
    let said = server.run(&desk, &["status", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stdout.contains("Running"), "{}", said.stdout);
}
