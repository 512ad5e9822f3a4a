//! Signals, and the sudden end of the process: the real binary, in real time.

#![cfg(unix)]
use std::io::Write;

use crate::support::cli::{Desk, Said};
use crate::support::manifests::documents;
use crate::support::server::Server;
use serde_json::{Value, json};

const APPLY: [&str; 4] = ["apply", "pipes.yaml", "--yes", "--parallel=4"];

/// Seeds by their names.
fn seeds(names: &[&str]) -> Vec<Value> {
    let mut seeds = documents("tests/seeds");
    seeds.retain(|seed| names.iter().any(|name| seed["metadata"]["name"] == *name));
    assert_eq!(seeds.len(), names.len());
    seeds
}

fn desk(documents: &[Value]) -> Desk {
    let desk = Desk::new();
    rewrite(&desk, documents);
    desk
}

fn rewrite(desk: &Desk, documents: &[Value]) {
    let texts: Vec<String> = documents.iter().map(|document| format!("{document}\n")).collect();
    desk.write("pipes.yaml", texts.join("---\n"));
}

fn writes(entry: &Value) -> bool {
    entry["method"] != "GET"
}

fn creates(entry: &Value) -> bool {
    entry["method"] == "POST"
}

fn command(word: &'static str) -> impl Fn(&Value) -> bool {
    move |entry| entry["body"]["command"] == word
}

/// Runs on until there is nothing to do, and sees that nothing was made twice.
fn finishes(server: &Server, desk: &Desk, pipes: usize) {
    server.advance(300);
    let said = server.run(desk, &APPLY);
    assert_eq!(said.code, 0, "{}", said.all());
    server.advance(300);
    let said = server.run(desk, &["plan", "pipes.yaml", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(server.count(creates), pipes, "{:#?}", server.journal());
}

#[test]
fn an_interrupted_apply_ends_its_waits_and_prints_its_table() {
    let server = Server::start(5);
    let pipes = ["kinesis-role", "kafka-msk-role", "pubsub-latest"];
    let desk = desk(&seeds(&pipes));
    let run = server.begin(&desk, &APPLY);
    server.until(3, creates);
    run.signal("INT");
    let said = run.end();
    assert_eq!(said.code, 130, "{}", said.all());
    assert!(said.stdout.contains("3 interrupted."), "{}", said.all());
    assert!(said.stderr.contains("interrupted: "), "{}", said.stderr);
    finishes(&server, &desk, 3);
}

#[test]
fn what_waits_for_its_turn_is_not_begun() {
    let server = Server::start(5);
    let desk = desk(&seeds(&["kinesis-role", "kafka-msk-role", "pubsub-latest"]));
    let run = server.begin(&desk, &["apply", "pipes.yaml", "--yes", "--parallel=1", "-o", "json"]);
    server.until(1, creates);
    run.signal("TERM");
    let said = run.end();
    assert_eq!((said.code, &said.json()["outcome"]), (130, &json!("interrupted")));
    let reports = said.json()["result"]["reports"].clone();
    let skipped = reports.as_array().unwrap().iter().filter(|r| r["outcome"] == "skipped");
    assert_eq!(skipped.count(), 2, "{reports:#}");
    assert_eq!(server.count(creates), 1);
    finishes(&server, &desk, 3);
}

#[test]
fn a_pipe_that_was_stopped_for_an_edit_is_started_again() {
    let server = Server::start(20);
    let mut pipe = seeds(&["postgres-cdc"]);
    let desk = desk(&pipe);
    finishes_after(&server, &server.run(&desk, &[&APPLY[..], &["--wait=none"]].concat()));
    pipe[0]["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    rewrite(&desk, &pipe);
    let run = server.begin(&desk, &APPLY);
    server.until(1, command("stop"));
    run.signal("INT");
    let said = run.end();
    assert_eq!(said.code, 130, "{}", said.all());
    assert!(said.stdout.contains("is started again"), "{}", said.all());
    assert!(said.stdout.contains("not begun: update, start"), "{}", said.all());
    assert_eq!(server.count(command("start")), 1);
    finishes(&server, &desk, 1);
}

#[test]
fn a_pipe_that_cannot_be_started_again_in_time_is_told_before_everything_else() {
    for (format, names_it) in [("text", told_first as fn(&Said)), ("json", told_in_json)] {
        let server = Server::start(20);
        let mut pipe = seeds(&["postgres-cdc"]);
        let desk = desk(&pipe);
        finishes_after(&server, &server.run(&desk, &[&APPLY[..], &["--wait=none"]].concat()));
        pipe[0]["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
        rewrite(&desk, &pipe);
        let run = server.begin(&desk, &[&APPLY[..], &["-o", format]].concat());
        server.until(1, command("stop"));
        slow_answer("PATCH", "*/state", &server);
        run.signal("INT");
        let said = run.end();
        assert_eq!(said.code, 130, "{}", said.all());
        names_it(&said);
        finishes(&server, &desk, 1);
    }
}

fn told_first(said: &Said) {
    let (_, table) = said.stdout.split_once("Cost:").unwrap();
    let first = table.lines().nth(1).unwrap();
    assert!(first.starts_with("STOPPED: analytics/postgres-cdc "), "{}", said.all());
}

fn told_in_json(said: &Said) {
    let json = said.json();
    assert_eq!(json["outcome"], "interrupted");
    let report = &json["result"]["reports"][0];
    assert_eq!(report["leftStopped"], "the API did not answer in time", "{report:#}");
}

fn finishes_after(server: &Server, said: &Said) {
    assert_eq!(said.code, 0, "{}", said.all());
    server.advance(300);
}

#[test]
fn a_second_signal_ends_at_once() {
    let server = Server::start(5);
    let desk = desk(&seeds(&["kinesis-role"]));
    slow_creates(&server);
    let mut run = server.begin(&desk, &APPLY);
    server.until(1, creates);
    run.signal("INT");
    run.hear("once more ends at once");
    run.signal("TERM");
    let said = run.end();
    assert_eq!(said.code, 130, "{}", said.all());
    assert!(!said.stdout.contains("Apply:"), "no table: {}", said.stdout);
    finishes(&server, &desk, 1);
}

/// The next create is carried out at once, and answered after an hour.
fn slow_creates(server: &Server) {
    slow_answer("POST", "*/clickpipes", server);
}

fn slow_answer(method: &str, path: &str, server: &Server) {
    let when = json!({"route": {"method": method, "path": path}});
    server.ask("POST", "faults", &json!({"when": when, "effect": {"slowAnswer": 3600}}));
}

#[test]
fn a_request_that_is_not_answered_in_time_has_an_unknown_outcome() {
    let server = Server::start(5);
    let desk = desk(&seeds(&["kinesis-role"]));
    slow_creates(&server);
    let run = server.begin(&desk, &APPLY);
    server.until(1, creates);
    run.signal("INT");
    let said = run.end();
    assert_eq!(said.code, 130, "{}", said.all());
    assert!(said.stdout.contains("1 unknown"), "{}", said.all());
    assert!(said.stdout.contains("wait a minute before the next apply"), "{}", said.all());
    finishes(&server, &desk, 1);
}

#[test]
fn runs_after_a_sudden_end_finish_the_work() {
    let names = ["kinesis-role", "kafka-msk-role", "postgres-cdc"];
    let server = Server::start(40);
    let desk = desk(&seeds(&names));
    // While the first create goes unanswered, and then while another one settles.
    slow_creates(&server);
    for creations in [1, 2] {
        let run = server.begin(&desk, &["apply", "pipes.yaml", "--yes", "--parallel=1"]);
        server.until(creations, creates);
        run.kill();
    }
    finishes(&server, &desk, 3);

    let mut edited = seeds(&names);
    for pipe in edited.iter_mut().filter(|pipe| pipe["metadata"]["name"] == "postgres-cdc") {
        pipe["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    }
    rewrite(&desk, &edited);
    let run = server.begin(&desk, &APPLY);
    server.until(1, command("stop"));
    run.kill();
    // It is paused now, and not as declared.
    finishes(&server, &desk, 3);
}

#[test]
fn a_look_that_is_interrupted_says_so_and_nothing_was_sent_but_reads() {
    let server = Server::start(1);
    let desk = desk(&seeds(&["kinesis-role"]));
    let commands: [&[&str]; 9] = [
        &["plan", "pipes.yaml"],
        &["apply", "pipes.yaml", "--yes"],
        &["drift", "pipes.yaml"],
        &["status", "pipes.yaml"],
        &["status", "pipes.yaml", "--watch"],
        &["export"],
        &["doctor"],
        &["resync", "analytics/kinesis-role", "--yes"],
        &["discover", "pipes.yaml"],
    ];
    for (index, command) in commands.into_iter().enumerate() {
        let path = if command[0] == "discover" { "*/schemaDiscovery" } else { "*/clickpipes" };
        server.advance(60);
        slow_answer("*", path, &server);
        let run = server.begin(&desk, &[command, &["-o", "json"]].concat());
        server.until(index + 1, |entry| {
            let path = entry["path"].as_str().unwrap();
            path.ends_with("/clickpipes") || path.ends_with("/schemaDiscovery")
        });
        run.signal("INT");
        let said = run.end();
        assert_eq!(said.code, 130, "{command:?}: {}", said.all());
        let json = said.json();
        assert_eq!(json["outcome"], "interrupted", "{command:?}: {json:#}");
        if !command.contains(&"--watch") {
            assert!(said.stderr.ends_with("interrupted; nothing was changed\n"), "{}", said.stderr);
        }
    }
    let asked = |entry: &Value| entry["path"].as_str().unwrap().ends_with("/schemaDiscovery");
    assert_eq!(server.count(|entry| writes(entry) && !asked(entry)), 0);
}

#[test]
fn a_question_can_be_broken_off() {
    let server = Server::start(1);
    let desk = desk(&seeds(&["kinesis-role"]));
    for signal in ["INT", "TERM"] {
        let (mut run, _keyboard) =
            server.begin_at_terminal(&desk, &["apply", "pipes.yaml", "-ojson"]);
        run.hear("[y/N]");
        run.signal(signal);
        let said = run.end();
        assert_eq!((said.code, &said.json()["outcome"]), (130, &json!("interrupted")));
        assert!(said.stderr.contains("interrupted; nothing was changed"), "{}", said.stderr);
    }
    assert_eq!(server.count(writes), 0, "{:#?}", server.journal());
}

#[test]
fn a_question_is_answered_at_the_keyboard() {
    let server = Server::start(20);
    let desk = desk(&seeds(&["kinesis-role"]));
    for (answer, code, created) in [("n\n", 1, 0), ("\n", 1, 0), ("y\n", 0, 1)] {
        let (mut run, mut keyboard) = server.begin_at_terminal(&desk, &["apply", "pipes.yaml"]);
        run.hear("[y/N]");
        keyboard.write_all(answer.as_bytes()).unwrap();
        let said = run.end();
        assert_eq!(said.code, code, "{answer:?}: {}", said.all());
        assert_eq!(server.count(creates), created, "{answer:?}: {}", said.all());
    }
}
