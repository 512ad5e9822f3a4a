//! `pipectl status`: a table of what is live, and how it does.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seeds_named};
use crate::support::server::SandboxServer;
use sandbox::{EmulatedPipeState, ServiceState};
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];
const PIPES: [&str; 3] = ["kinesis-user", "postgres-cdc", "s3-public-once"];

/// A folder with manifests, their pipes live and settled.
fn dir_with_live_pipes() -> WorkDir {
    let desk = WorkDir::new();
    write_manifests(&desk, |_| ());
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes"], &SECRET);
    assert_eq!(said.code, 0, "{}", said.all_output());
    desk.edit_world(|world| world.advance_clock(Duration::from_secs(300)));
    desk
}

fn write_manifests(desk: &WorkDir, change: impl Fn(&mut Value)) {
    let mut seeds = seeds_named(&PIPES);
    seeds.iter_mut().for_each(change);
    desk.write_file("pipes.yaml", documents_to_yaml(&seeds));
}

fn run_status(desk: &WorkDir, more: &[&str]) -> RunOutput {
    let said = desk.run_pipectl(&[&["status", "--sandbox"], more].concat());
    assert!(!said.all_output().contains("canary"), "{}", said.all_output());
    said
}

fn set_live_state(desk: &WorkDir, pipe: &str, state: EmulatedPipeState) {
    assert!(desk.edit_world(|world| world.set_pipe_state("analytics", pipe, state)));
}

/// Name, state, health and whether a manifest declares it.
fn status_rows(said: &RunOutput) -> Vec<[Value; 4]> {
    let json = said.stdout_json();
    let services = json["result"]["services"].as_array().unwrap();
    let pipes = services.iter().flat_map(|service| service["pipes"].as_array().unwrap());
    pipes.map(|it| [&it["address"]["name"], &it["state"], &it["health"], &it["managed"]].map(Clone::clone)).collect()
}

#[test]
fn status_needs_no_manifest_and_one_list_per_service() {
    let desk = dir_with_live_pipes();
    std::fs::remove_file(desk.temp_dir.path().join("pipes.yaml")).unwrap();
    let before = desk.request_log().len();
    let said = run_status(&desk, &["-o", "json"]);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (0, &json!("healthy")), "{}", said.all_output());
    assert_eq!(
        status_rows(&said),
        [
            [json!("kinesis-user"), json!("Running"), json!("ok"), Value::Null],
            [json!("postgres-cdc"), json!("Running"), json!("ok"), Value::Null],
            [json!("s3-public-once"), json!("Completed"), json!("ok"), Value::Null],
        ]
    );
    let asked = desk.request_log().split_off(before);
    let lists = asked.iter().filter(|(_, path, _)| path.ends_with("/clickpipes")).count();
    assert_eq!((asked.len(), lists), (4, 1), "services, pipes, endpoints, and the size that they share");
    assert!(asked.iter().all(|(method, ..)| method == "GET"), "{asked:?}");
    let table = run_status(&desk, &[]).stdout;
    assert!(table.starts_with("analytics  running\n  PIPE"), "{table}");
    assert!(table.contains("shared ") && table.contains("1 x 0.125 cores, 0.5 GB"), "{table}");
    assert!(table.ends_with("Status: 3 pipes: 3 ok, 0 moving, 0 warning, 0 bad.\n"), "{table}");
}

#[test]
fn health_depends_on_source_and_declared_state() {
    let desk = dir_with_live_pipes();
    set_live_state(&desk, "kinesis-user", EmulatedPipeState::Stopped);
    set_live_state(&desk, "postgres-cdc", EmulatedPipeState::Snapshot);
    let healths = |more: &[&str]| {
        let said = run_status(&desk, &[&["-o", "json"], more].concat());
        status_rows(&said).into_iter().map(|[_, _, health, _]| health).collect::<Vec<_>>()
    };
    assert!(run_status(&desk, &[]).stdout.contains("initial load"));
    assert_eq!(healths(&[]), ["ok", "ok", "ok"]);
    assert_eq!(healths(&["pipes.yaml"]), ["warning", "ok", "ok"]);
    write_manifests(&desk, |seed| {
        if seed["metadata"]["name"] == "kinesis-user" {
            seed["spec"]["state"] = json!("stopped");
        }
    });
    assert_eq!(healths(&["pipes.yaml"]), ["ok", "ok", "ok"]);
    set_live_state(&desk, "kinesis-user", EmulatedPipeState::Completed);
    set_live_state(&desk, "postgres-cdc", EmulatedPipeState::Degraded);
    set_live_state(&desk, "s3-public-once", EmulatedPipeState::Failed);
    assert_eq!(healths(&[]), ["warning", "warning", "bad"]);
    let said = run_status(&desk, &["pipes.yaml"]);
    assert!(said.stdout.contains("the platform reports trouble"), "{}", said.all_output());
}

#[test]
fn unhealthy_pipe_exits_with_2_only_with_detailed_exitcode() {
    let desk = dir_with_live_pipes();
    assert_eq!(run_status(&desk, &["--detailed-exitcode"]).code, 0);
    set_live_state(&desk, "s3-public-once", EmulatedPipeState::Failed);
    assert_eq!(run_status(&desk, &[]).code, 0);
    let said = run_status(&desk, &["--detailed-exitcode", "-o", "json"]);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (2, &json!("unhealthy")));
}

#[test]
fn status_shows_unmanaged_and_missing_pipes() {
    let desk = dir_with_live_pipes();
    let name = |seed: &mut Value| {
        if seed["metadata"]["name"] == "s3-public-once" {
            seed["metadata"]["name"] = json!("s3-other");
        }
    };
    write_manifests(&desk, name);
    let said = run_status(&desk, &["pipes.yaml", "-o", "json"]);
    let managed: Vec<_> = status_rows(&said).into_iter().map(|[name, _, _, it]| (name, it)).collect();
    assert!(managed.contains(&(json!("s3-other"), json!(true))), "{managed:?}");
    assert!(managed.contains(&(json!("s3-public-once"), json!(false))), "{managed:?}");
    let table = run_status(&desk, &["pipes.yaml"]).stdout;
    assert!(table.contains("declared but not live") && table.contains("1 unmanaged."), "{table}");
}

#[test]
fn status_selection_matching_nothing_is_an_error() {
    let desk = dir_with_live_pipes();
    let said = run_status(&desk, &["--only", "analytics/post*", "-o", "json"]);
    assert_eq!(status_rows(&said).len(), 1, "{}", said.all_output());
    let said = run_status(&desk, &["--only", "post"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("none of the"), "{}", said.stderr);
}

#[test]
fn status_shows_that_a_service_is_idle() {
    let desk = dir_with_live_pipes();
    desk.edit_world(|world| world.set_service_state("analytics", ServiceState::Idle));
    let said = run_status(&desk, &[]);
    assert!(said.stdout.starts_with("analytics  idle: `apply` wakes it only with `--wake`"), "{}", said.all_output());
}

#[test]
fn control_characters_in_names_are_escaped() {
    let desk = dir_with_live_pipes();
    let evil = "x\n::error::\u{1b}[2J\u{202e}";
    desk.edit_world(|world| {
        world.edit_pipe("analytics", "s3-public-once", |pipe| {
            pipe["name"] = json!(evil);
            pipe["destination"]["table"] = json!(evil);
        })
    });
    for format in ["text", "markdown"] {
        let said = run_status(&desk, &["-o", format]);
        assert!(!said.stdout.contains('\u{1b}') && !said.stdout.contains('\u{202e}'), "{format}");
        assert!(!said.stdout.contains("\n::error::"), "{format}");
    }
    let said = run_status(&desk, &["-o", "json"]);
    assert!(status_rows(&said).iter().any(|row| row[0] == evil), "a machine is told the truth");
}

#[test]
fn status_ignores_invalid_manifests_unless_named() {
    let desk = dir_with_live_pipes();
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes.yaml]\n");
    desk.write_file("pipes.yaml", "kind: ClickPipe\n");
    let said = run_status(&desk, &["-o", "json"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(status_rows(&said).len(), 3);
    assert!(said.stderr.contains("note: shown without the manifests"), "{}", said.stderr);
    assert_eq!(run_status(&desk, &["pipes.yaml"]).code, 1);
}

#[test]
fn status_shows_other_services_if_one_is_unreachable() {
    let desk = dir_with_live_pipes();
    desk.edit_world(|world| {
        let id = world.ensure_service("lake");
        let path = format!("*/{id}/clickpipes");
        let when = json!({"route": {"method": "GET", "path": path}});
        let fault = json!({"when": when, "effect": "repeated", "times": 1});
        world.fault_script().add(serde_json::from_value(fault).unwrap());
    });
    let said = run_status(&desk, &["-o", "json"]);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (1, &json!("partial")), "{}", said.all_output());
    assert_eq!(status_rows(&said).len(), 3);
    assert!(said.stdout_json()["errors"][0].as_str().unwrap().starts_with("lake: "), "{}", said.all_output());
}

#[test]
fn status_exits_with_4_for_a_rejected_key() {
    let server = SandboxServer::start(1);
    let mut environment = server.client_environment();
    environment.retain(|(name, _)| !name.ends_with("_SECRET"));
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("CLICKHOUSE_CLOUD_API_SECRET", "canary")])
        .collect();
    let said = WorkDir::new().run_with_env(&["status", "-o", "json"], &environment);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (4, &json!("error")), "{}", said.all_output());
    assert!(!said.all_output().contains("canary"), "{}", said.all_output());
}

#[test]
fn status_until_settled_waits_and_times_out() {
    let desk = WorkDir::new();
    write_manifests(&desk, |_| ());
    let args = ["apply", "pipes.yaml", "--sandbox", "--yes", "--wait", "none"];
    assert_eq!(desk.run_with_env(&args, &SECRET).code, 0);
    let early = run_status(&desk, &["-o", "json"]);
    assert_eq!(early.stdout_json()["outcome"], "moving", "{}", early.all_output());
    let late = run_status(&desk, &["--until", "settled", "--timeout", "20s", "-o", "json"]);
    assert_eq!((late.code, &late.stdout_json()["outcome"]), (1, &json!("late")), "{}", late.all_output());
    assert!(late.stderr.contains("not settled after 20s"), "{}", late.stderr);
    let said = run_status(&desk, &["--until", "settled", "-o", "json"]);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (0, &json!("healthy")), "{}", said.all_output());
    let lines = run_status(&desk, &["--watch", "--until", "settled"]);
    assert_eq!(lines.code, 0);
    assert!(lines.stdout.contains("analytics/s3-public-once: Completed (ok: done)\n"), "{}", lines.all_output());
}

#[test]
fn status_watch_is_rejected_with_the_local_sandbox() {
    for (flags, words) in
        [(&["--watch"][..], "no clock of its own to watch"), (&["--interval", "1ms"], "at least a second")]
    {
        let said = run_status(&WorkDir::new(), flags);
        assert!(said.code == 64 && said.stderr.contains(words), "{flags:?}: {}", said.all_output());
    }
}

#[cfg(unix)]
#[test]
fn status_watch_prints_changes_until_interrupted() {
    let server = SandboxServer::start(1);
    let desk = WorkDir::new();
    write_manifests(&desk, |_| ());
    let args = ["apply", "pipes.yaml", "--yes", "--wait", "none", "--only", "kinesis-user"];
    assert_eq!(server.run_to_end(&desk, &args).code, 0);
    let begun = server.request_log().len();
    let watch = ["status", "--watch", "--interval", "1s", "--rate-limit", "off"];
    let run = server.spawn_run(&desk, &watch);
    let lists = |entry: &Value| entry["method"] == "GET" && entry["path"].as_str().unwrap().ends_with("/clickpipes");
    let looks = server.count_requests(lists);
    server.wait_for_requests(looks + 1, lists);
    server.advance_time(300);
    server.wait_for_requests(looks + 3, lists);
    run.send_signal("INT");
    let said = run.wait_for_end();
    assert_eq!(said.code, 130, "{}", said.all_output());
    let lines: Vec<&str> = said.stdout.lines().collect();
    let last = "analytics/kinesis-user: Provisioning (moving) -> Running (ok)";
    assert_eq!(lines.last(), Some(&last), "{}", said.all_output());
    assert!(lines.len() <= 3, "only what changed: {}", said.stdout);
    assert!(server.request_log()[begun..].iter().all(|entry| entry["method"] == "GET"));
}

/// Answers every connection with 403.
fn spawn_forbidding_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().take(40) {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let body = r#"{"status":403,"requestId":"r-1","error":"FORBIDDEN: not yours"}"#;
            let head = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\nconnection: close";
            let _ = write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    format!("http://{address}")
}

#[test]
fn status_exits_with_4_for_a_forbidden_service() {
    let id = "5a1c0000-0000-4000-8000-000000000001";
    let environment = [
        ("CLICKHOUSE_CLOUD_API_KEY", "key"),
        ("CLICKHOUSE_CLOUD_API_SECRET", "canary"),
        ("CLICKHOUSE_ORG_ID", "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000"),
    ];
    let url = spawn_forbidding_server();
    let args = ["status", "--api-url", &url, "--service", id, "-o", "json"];
    let said = WorkDir::new().run_with_env(&args, &environment);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (4, &json!("partial")), "{}", said.all_output());
    assert!(said.stdout_json()["errors"][0].as_str().unwrap().contains("r-1"), "{}", said.all_output());
}
