//! Signals, and the sudden end of the process: the real binary, in real time.

#![cfg(unix)]
use std::io::Write;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seeds_named};
use crate::support::server::SandboxServer;
use serde_json::{Value, json};

const APPLY: [&str; 4] = ["apply", "pipes.yaml", "--yes", "--parallel=4"];

fn dir_with_manifests(documents: &[Value]) -> WorkDir {
    let desk = WorkDir::new();
    write_manifests(&desk, documents);
    desk
}

fn write_manifests(desk: &WorkDir, documents: &[Value]) {
    desk.write_file("pipes.yaml", documents_to_yaml(documents));
}

fn is_write(entry: &Value) -> bool {
    entry["method"] != "GET"
}

fn is_create(entry: &Value) -> bool {
    entry["method"] == "POST"
}

fn is_command(word: &'static str) -> impl Fn(&Value) -> bool {
    move |entry| entry["body"]["command"] == word
}

/// Runs on until there is nothing to do, and sees that nothing was made twice.
fn assert_finishes(server: &SandboxServer, desk: &WorkDir, pipes: usize) {
    server.advance_time(300);
    let said = server.run_to_end(desk, &APPLY);
    assert_eq!(said.code, 0, "{}", said.all_output());
    server.advance_time(300);
    let said = server.run_to_end(desk, &["plan", "pipes.yaml", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(server.count_requests(is_create), pipes, "{:#?}", server.request_log());
}

#[test]
fn interrupted_apply_stops_waiting_and_prints_results() {
    let server = SandboxServer::start(5);
    let pipes = ["kinesis-role", "kafka-msk-role", "pubsub-latest"];
    let desk = dir_with_manifests(&seeds_named(&pipes));
    let run = server.spawn_run(&desk, &APPLY);
    server.wait_for_requests(3, is_create);
    run.send_signal("INT");
    let said = run.wait_for_end();
    assert_eq!(said.code, 130, "{}", said.all_output());
    assert!(said.stdout.contains("3 interrupted."), "{}", said.all_output());
    assert!(said.stderr.contains("interrupted: "), "{}", said.stderr);
    assert_finishes(&server, &desk, 3);
}

#[test]
fn interrupted_apply_skips_queued_objects() {
    let server = SandboxServer::start(5);
    let desk = dir_with_manifests(&seeds_named(&["kinesis-role", "kafka-msk-role", "pubsub-latest"]));
    let run = server.spawn_run(&desk, &["apply", "pipes.yaml", "--yes", "--parallel=1", "-o", "json"]);
    server.wait_for_requests(1, is_create);
    run.send_signal("TERM");
    let said = run.wait_for_end();
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (130, &json!("interrupted")));
    let reports = said.stdout_json()["result"]["reports"].clone();
    let skipped = reports.as_array().unwrap().iter().filter(|r| r["outcome"] == "skipped");
    assert_eq!(skipped.count(), 2, "{reports:#}");
    assert_eq!(server.count_requests(is_create), 1);
    assert_finishes(&server, &desk, 3);
}

#[test]
fn interrupted_apply_restarts_the_paused_pipe() {
    let server = SandboxServer::start(20);
    let mut pipe = seeds_named(&["postgres-cdc"]);
    let desk = dir_with_manifests(&pipe);
    assert_finished_after(&server, &server.run_to_end(&desk, &[&APPLY[..], &["--wait=none"]].concat()));
    pipe[0]["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    write_manifests(&desk, &pipe);
    let run = server.spawn_run(&desk, &APPLY);
    server.wait_for_requests(1, is_command("stop"));
    run.send_signal("INT");
    let said = run.wait_for_end();
    assert_eq!(said.code, 130, "{}", said.all_output());
    assert!(said.stdout.contains("is started again"), "{}", said.all_output());
    assert!(said.stdout.contains("not started: update, start"), "{}", said.all_output());
    assert_eq!(server.count_requests(is_command("start")), 1);
    assert_finishes(&server, &desk, 1);
}

/// A pipe whose stream has another name now, so that it must be replaced.
fn dir_with_replacement(server: &SandboxServer) -> WorkDir {
    let mut pipe = seeds_named(&["kinesis-role"]);
    let desk = dir_with_manifests(&pipe);
    assert_finished_after(server, &server.run_to_end(&desk, &[&APPLY[..], &["--wait=none"]].concat()));
    pipe[0]["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    write_manifests(&desk, &pipe);
    desk
}

const REPLACE: [&str; 1] = ["--allow-replace=analytics/kinesis-role"];

fn is_delete(entry: &Value) -> bool {
    entry["method"] == "DELETE"
}

/// What this run deleted is created, although that is another action.
#[test]
fn interrupted_replacement_is_created_again() {
    let server = SandboxServer::start(5);
    let desk = dir_with_replacement(&server);
    let run = server.spawn_run(&desk, &[&APPLY[..], &REPLACE].concat());
    server.wait_for_requests(1, is_delete);
    run.send_signal("TERM");
    let said = run.wait_for_end();
    assert_eq!((said.code, server.count_requests(is_create)), (130, 2), "{}", said.all_output());
    assert!(said.stdout.contains("interrupted; the API had accepted it (id "), "{}", said.all_output());
    assert!(!said.stdout.contains("DELETED"), "{}", said.all_output());
    assert_finishes(&server, &desk, 2);
}

/// What this run deleted another pipe for is created, although that is the work on another object.
#[test]
fn interrupted_handover_is_finished() {
    use crate::support::pipes::queue_pipe;
    let server = SandboxServer::start(5);
    let desk = WorkDir::new();
    let old = queue_pipe("old", "events", "");
    desk.write_file("pipes.yaml", &old);
    assert_finished_after(&server, &server.run_to_end(&desk, &[&APPLY[..], &["--wait=none"]].concat()));
    desk.write_file("pipes.yaml", format!("{old}  state: absent\n{}", queue_pipe("new", "events", "")));
    let run = server.spawn_run(&desk, &APPLY);
    server.wait_for_requests(1, is_delete);
    run.send_signal("TERM");
    let said = run.wait_for_end();
    assert_eq!((said.code, server.count_requests(is_create)), (130, 2), "{}", said.all_output());
    assert_finishes(&server, &desk, 2);
}

#[test]
fn replacement_that_cannot_be_finished_is_reported_first() {
    for format in ["text", "json"] {
        let server = SandboxServer::start(5);
        let desk = dir_with_replacement(&server);
        let when = json!({"route": {"method": "DELETE", "path": "*"}});
        server.admin_request("POST", "faults", &json!({"when": when, "effect": {"slowDelete": 200}}));
        let run = server.spawn_run(&desk, &[&APPLY[..], &REPLACE, &["-o", format]].concat());
        server.wait_for_requests(1, is_delete);
        run.send_signal("INT");
        let said = run.wait_for_end();
        assert_eq!((said.code, server.count_requests(is_create)), (130, 1), "{}", said.all_output());
        if format == "json" {
            let report = &said.stdout_json()["result"]["reports"][0];
            assert_eq!(report["notRecreated"], "interrupted before the API answered", "{report:#}");
        } else {
            let (_, table) = said.stdout.split_once("Will send ").unwrap();
            let first = table.lines().nth(1).unwrap();
            assert!(first.starts_with("DELETED, "), "{}", said.all_output());
            assert!(first.contains("re-created: analytics/kinesis-role: "), "{first}");
        }
        assert_finishes(&server, &desk, 2);
    }
}

/// A delete that the rate limit turned away did nothing, so the pipe is not called deleted.
#[test]
fn replacement_that_waits_for_its_turn_is_not_called_deleted() {
    let server = SandboxServer::start(1);
    let desk = dir_with_replacement(&server);
    let when = json!({"route": {"method": "DELETE", "path": "*"}});
    let effect = json!({"rateLimited": 3600.0});
    server.admin_request("POST", "faults", &json!({"when": when, "effect": effect}));
    let run = server.spawn_run(&desk, &[&APPLY[..], &REPLACE, &["--timeout=2h"]].concat());
    server.wait_for_status(429, is_delete);
    run.send_signal("INT");
    let said = run.wait_for_end();
    assert_eq!((said.code, server.count_requests(is_create)), (130, 1), "{}", said.all_output());
    assert!(!said.stdout.contains("DELETED"), "{}", said.all_output());
    assert!(said.stdout.contains("interrupted before it started"), "{}", said.all_output());
}

#[test]
fn interrupted_apply_reports_a_stopped_pipe_first() {
    for (format, names_it) in [("text", assert_reported_first as fn(&RunOutput)), ("json", assert_reported_in_json)] {
        let server = SandboxServer::start(20);
        let mut pipe = seeds_named(&["postgres-cdc"]);
        let desk = dir_with_manifests(&pipe);
        assert_finished_after(&server, &server.run_to_end(&desk, &[&APPLY[..], &["--wait=none"]].concat()));
        pipe[0]["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
        write_manifests(&desk, &pipe);
        let run = server.spawn_run(&desk, &[&APPLY[..], &["-o", format]].concat());
        server.wait_for_requests(1, is_command("stop"));
        delay_answer("PATCH", "*/state", &server);
        run.send_signal("INT");
        let said = run.wait_for_end();
        assert_eq!(said.code, 130, "{}", said.all_output());
        names_it(&said);
        assert_finishes(&server, &desk, 1);
    }
}

fn assert_reported_first(said: &RunOutput) {
    let (_, table) = said.stdout.split_once("Will send ").unwrap();
    let first = table.lines().nth(1).unwrap();
    assert!(first.starts_with("STOPPED, not restarted: analytics/postgres-cdc: "), "{}", said.all_output());
}

fn assert_reported_in_json(said: &RunOutput) {
    let json = said.stdout_json();
    assert_eq!(json["outcome"], "interrupted");
    let report = &json["result"]["reports"][0];
    assert_eq!(report["leftStopped"], "the API did not answer in time", "{report:#}");
}

fn assert_finished_after(server: &SandboxServer, said: &RunOutput) {
    assert_eq!(said.code, 0, "{}", said.all_output());
    server.advance_time(300);
}

#[test]
fn second_signal_aborts_without_a_result_table() {
    let server = SandboxServer::start(5);
    let desk = dir_with_manifests(&seeds_named(&["kinesis-role"]));
    delay_next_create(&server);
    let mut run = server.spawn_run(&desk, &APPLY);
    server.wait_for_requests(1, is_create);
    run.send_signal("INT");
    run.wait_for_output("press Ctrl-C again to abort now");
    let said = run.send_signal_until_end("TERM");
    assert_eq!(said.code, 130, "{}", said.all_output());
    assert!(!said.stdout.contains("Apply:"), "no table: {}", said.stdout);
    assert!(said.stderr.contains("plan again to see what is live"), "{}", said.stderr);
    assert_finishes(&server, &desk, 1);
}

/// `timeout` signals the process, and at once its group as well.
#[test]
fn signals_at_the_same_time_are_one_request_to_end() {
    let server = SandboxServer::start(5);
    let desk = dir_with_manifests(&seeds_named(&["kinesis-role"]));
    delay_next_create(&server);
    let run = server.spawn_run(&desk, &APPLY);
    server.wait_for_requests(1, is_create);
    run.send_signal_twice("TERM");
    let said = run.wait_for_end();
    assert_eq!(said.code, 130, "{}", said.all_output());
    assert!(said.stdout.contains("1 unknown"), "{}", said.all_output());
}

/// The next create is carried out at once, and answered after an hour.
fn delay_next_create(server: &SandboxServer) {
    delay_answer("POST", "*/clickpipes", server);
}

fn delay_answer(method: &str, path: &str, server: &SandboxServer) {
    let when = json!({"route": {"method": method, "path": path}});
    server.admin_request("POST", "faults", &json!({"when": when, "effect": {"slowAnswer": 3600}}));
}

#[test]
fn interrupted_request_has_an_unknown_outcome() {
    let server = SandboxServer::start(5);
    let desk = dir_with_manifests(&seeds_named(&["kinesis-role"]));
    delay_next_create(&server);
    let run = server.spawn_run(&desk, &APPLY);
    server.wait_for_requests(1, is_create);
    run.send_signal("INT");
    let said = run.wait_for_end();
    assert_eq!(said.code, 130, "{}", said.all_output());
    assert!(said.stdout.contains("1 unknown"), "{}", said.all_output());
    assert!(said.stdout.contains("wait a minute before the next apply"), "{}", said.all_output());
    assert_finishes(&server, &desk, 1);
}

#[test]
fn next_apply_finishes_the_work_after_a_kill() {
    let names = ["kinesis-role", "kafka-msk-role", "postgres-cdc"];
    let server = SandboxServer::start(40);
    let desk = dir_with_manifests(&seeds_named(&names));
    // While the first create goes unanswered, and then while another one settles.
    delay_next_create(&server);
    for creations in [1, 2] {
        let run = server.spawn_run(&desk, &["apply", "pipes.yaml", "--yes", "--parallel=1"]);
        server.wait_for_requests(creations, is_create);
        run.kill();
    }
    assert_finishes(&server, &desk, 3);

    let mut edited = seeds_named(&names);
    for pipe in edited.iter_mut().filter(|pipe| pipe["metadata"]["name"] == "postgres-cdc") {
        pipe["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    }
    write_manifests(&desk, &edited);
    let run = server.spawn_run(&desk, &APPLY);
    server.wait_for_requests(1, is_command("stop"));
    run.kill();
    // It is paused now, and not as declared.
    assert_finishes(&server, &desk, 3);
}

#[test]
fn interrupted_read_reports_no_changes() {
    let server = SandboxServer::start(1);
    let desk = dir_with_manifests(&seeds_named(&["kinesis-role"]));
    let commands: [&[&str]; 9] = [
        &["plan", "pipes.yaml"],
        &["apply", "pipes.yaml", "--yes"],
        &["drift", "pipes.yaml"],
        &["status", "pipes.yaml"],
        &["status", "pipes.yaml", "--watch"],
        &["export"],
        &["doctor"],
        &["resync", "analytics/kinesis-role", "--yes"],
        &["discover", "pipes.yaml", "--yes"],
    ];
    for (index, command) in commands.into_iter().enumerate() {
        let path = if command[0] == "discover" { "*/schemaDiscovery" } else { "*/clickpipes" };
        server.advance_time(60);
        delay_answer("*", path, &server);
        let run = server.spawn_run(&desk, &[command, &["-o", "json"]].concat());
        server.wait_for_requests(index + 1, |entry| {
            let path = entry["path"].as_str().unwrap();
            path.ends_with("/clickpipes") || path.ends_with("/schemaDiscovery")
        });
        run.send_signal("INT");
        let said = run.wait_for_end();
        assert_eq!(said.code, 130, "{command:?}: {}", said.all_output());
        let json = said.stdout_json();
        assert_eq!(json["outcome"], "interrupted", "{command:?}: {json:#}");
        if !command.contains(&"--watch") {
            assert!(said.stderr.ends_with("interrupted; nothing was changed\n"), "{}", said.stderr);
        }
    }
    let asked = |entry: &Value| entry["path"].as_str().unwrap().ends_with("/schemaDiscovery");
    assert_eq!(server.count_requests(|entry| is_write(entry) && !asked(entry)), 0);
}

#[test]
fn confirmation_prompt_can_be_interrupted() {
    let server = SandboxServer::start(1);
    let desk = dir_with_manifests(&seeds_named(&["kinesis-role"]));
    for signal in ["INT", "TERM"] {
        let (mut run, _keyboard) = server.spawn_at_terminal(&desk, &["apply", "pipes.yaml", "-ojson"], &[]);
        run.wait_for_output("[y/N]");
        run.send_signal(signal);
        let said = run.wait_for_end();
        assert_eq!((said.code, &said.stdout_json()["outcome"]), (130, &json!("interrupted")));
        assert!(said.stderr.contains("interrupted; nothing was changed"), "{}", said.stderr);
    }
    assert_eq!(server.count_requests(is_write), 0, "{:#?}", server.request_log());
}

#[test]
fn confirmation_prompt_accepts_yes_and_no() {
    let server = SandboxServer::start(20);
    let desk = dir_with_manifests(&seeds_named(&["kinesis-role"]));
    for (answer, code, created) in [("n\n", 1, 0), ("\n", 1, 0), ("y\n", 0, 1)] {
        let (mut run, mut keyboard) = server.spawn_at_terminal(&desk, &["apply", "pipes.yaml"], &[]);
        run.wait_for_output("[y/N]");
        keyboard.write_all(answer.as_bytes()).unwrap();
        let said = run.wait_for_end();
        assert_eq!(said.code, code, "{answer:?}: {}", said.all_output());
        assert_eq!(server.count_requests(is_create), created, "{answer:?}: {}", said.all_output());
    }
}

#[cfg(unix)]
#[test]
fn terminated_sandbox_keeps_its_state() {
    let desk = WorkDir::new();
    let file = desk.temp_dir.path().join("world.json");
    let server = SandboxServer::start_with_options(1, &["lake"], &["--state", file.to_str().unwrap()]);
    assert!(server.terminate());
    let world: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let services = world["services"].as_object().unwrap();
    assert!(services.values().any(|service| service["name"] == "lake"), "{world}");
}
