//! `pipectl status`: a table of what is live, and how it does.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::support::cli::{Desk, Said};
use crate::support::manifests::documents;
use crate::support::server::Server;
use sandbox::{PipeState, ServiceState};
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];
const PIPES: [&str; 3] = ["kinesis-user", "postgres-cdc", "s3-public-once"];

/// A folder with manifests, their pipes live and settled.
fn desk() -> Desk {
    let desk = Desk::new();
    declare(&desk, |_| ());
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--yes"], &SECRET);
    assert_eq!(said.code, 0, "{}", said.all());
    desk.world(|world| world.advance(Duration::from_secs(300)));
    desk
}

fn declare(desk: &Desk, change: impl Fn(&mut Value)) {
    let mut seeds = documents("tests/seeds");
    seeds.retain(|seed| PIPES.iter().any(|name| seed["metadata"]["name"] == *name));
    assert_eq!(seeds.len(), PIPES.len());
    seeds.iter_mut().for_each(change);
    let texts: Vec<String> = seeds.iter().map(|seed| format!("{seed}\n")).collect();
    desk.write("pipes.yaml", texts.join("---\n"));
}

fn status(desk: &Desk, more: &[&str]) -> Said {
    let said = desk.run(&[&["status", "--sandbox"], more].concat());
    assert!(!said.all().contains("canary"), "{}", said.all());
    said
}

fn set(desk: &Desk, pipe: &str, state: PipeState) {
    assert!(desk.world(|world| world.set_pipe_state("analytics", pipe, state)));
}

/// Name, state, health and whether a manifest declares it.
fn rows(said: &Said) -> Vec<[Value; 4]> {
    let json = said.json();
    let services = json["result"]["services"].as_array().unwrap();
    let pipes = services.iter().flat_map(|service| service["pipes"].as_array().unwrap());
    pipes
        .map(|it| {
            [&it["at"]["name"], &it["state"], &it["health"], &it["managed"]].map(Clone::clone)
        })
        .collect()
}

#[test]
fn no_manifest_is_needed_and_one_list_for_each_service_is_enough() {
    let desk = desk();
    std::fs::remove_file(desk.folder.path().join("pipes.yaml")).unwrap();
    let before = desk.journal().len();
    let said = status(&desk, &["-o", "json"]);
    assert_eq!((said.code, &said.json()["outcome"]), (0, &json!("healthy")), "{}", said.all());
    assert_eq!(
        rows(&said),
        [
            [json!("kinesis-user"), json!("Running"), json!("ok"), Value::Null],
            [json!("postgres-cdc"), json!("Running"), json!("ok"), Value::Null],
            [json!("s3-public-once"), json!("Completed"), json!("ok"), Value::Null],
        ]
    );
    let asked = desk.journal().split_off(before);
    let lists = asked.iter().filter(|(_, path, _)| path.ends_with("/clickpipes")).count();
    assert_eq!((asked.len(), lists), (3, 1), "services, pipes, and the size that they share");
    assert!(asked.iter().all(|(method, ..)| method == "GET"), "{asked:?}");
    let table = status(&desk, &[]).stdout;
    assert!(table.starts_with("analytics  running\n  PIPE"), "{table}");
    assert!(table.contains("shared ") && table.contains("1 x 0.125 cores, 0.5 GB"), "{table}");
    assert!(table.ends_with("Status: 3 pipes: 3 ok, 0 moving, 0 warning, 0 bad.\n"), "{table}");
}

#[test]
fn health_depends_on_the_source_and_on_what_is_declared() {
    let desk = desk();
    set(&desk, "kinesis-user", PipeState::Stopped);
    set(&desk, "postgres-cdc", PipeState::Snapshot);
    let healths = |more: &[&str]| {
        let said = status(&desk, &[&["-o", "json"], more].concat());
        rows(&said).into_iter().map(|[_, _, health, _]| health).collect::<Vec<_>>()
    };
    assert!(status(&desk, &[]).stdout.contains("initial load"));
    assert_eq!(healths(&[]), ["ok", "ok", "ok"]);
    assert_eq!(healths(&["pipes.yaml"]), ["warning", "ok", "ok"]);
    declare(&desk, |seed| {
        if seed["metadata"]["name"] == "kinesis-user" {
            seed["spec"]["state"] = json!("stopped");
        }
    });
    assert_eq!(healths(&["pipes.yaml"]), ["ok", "ok", "ok"]);
    set(&desk, "kinesis-user", PipeState::Completed);
    set(&desk, "postgres-cdc", PipeState::Degraded);
    set(&desk, "s3-public-once", PipeState::Failed);
    assert_eq!(healths(&[]), ["warning", "warning", "bad"]);
    let said = status(&desk, &["pipes.yaml"]);
    assert!(said.stdout.contains("the platform reports trouble"), "{}", said.all());
}

#[test]
fn only_a_detailed_exit_code_tells_that_something_is_unhealthy() {
    let desk = desk();
    assert_eq!(status(&desk, &["--detailed-exitcode"]).code, 0);
    set(&desk, "s3-public-once", PipeState::Failed);
    assert_eq!(status(&desk, &[]).code, 0);
    let said = status(&desk, &["--detailed-exitcode", "-o", "json"]);
    assert_eq!((said.code, &said.json()["outcome"]), (2, &json!("unhealthy")));
}

#[test]
fn what_is_unmanaged_and_what_is_missing_is_told() {
    let desk = desk();
    let name = |seed: &mut Value| {
        if seed["metadata"]["name"] == "s3-public-once" {
            seed["metadata"]["name"] = json!("s3-other");
        }
    };
    declare(&desk, name);
    let said = status(&desk, &["pipes.yaml", "-o", "json"]);
    let managed: Vec<_> = rows(&said).into_iter().map(|[name, _, _, it]| (name, it)).collect();
    assert!(managed.contains(&(json!("s3-other"), json!(true))), "{managed:?}");
    assert!(managed.contains(&(json!("s3-public-once"), json!(false))), "{managed:?}");
    let table = status(&desk, &["pipes.yaml"]).stdout;
    assert!(table.contains("declared, and not live") && table.contains("1 unmanaged."), "{table}");
}

#[test]
fn a_selection_narrows_and_one_of_nothing_is_a_mistake() {
    let desk = desk();
    let said = status(&desk, &["--only", "analytics/post*", "-o", "json"]);
    assert_eq!(rows(&said).len(), 1, "{}", said.all());
    let said = status(&desk, &["--only", "post"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("none of the"), "{}", said.stderr);
}

#[test]
fn an_idle_service_says_so() {
    let desk = desk();
    desk.world(|world| world.set_service_state("analytics", ServiceState::Idle));
    let said = status(&desk, &[]);
    assert!(said.stdout.starts_with("analytics  idle: it sleeps"), "{}", said.all());
}

#[test]
fn a_name_cannot_pass_for_output() {
    let desk = desk();
    let evil = "x\n::error::\u{1b}[2J\u{202e}";
    desk.world(|world| {
        world.edit_pipe("analytics", "s3-public-once", |pipe| {
            pipe["name"] = json!(evil);
            pipe["destination"]["table"] = json!(evil);
        })
    });
    for format in ["text", "markdown"] {
        let said = status(&desk, &["-o", format]);
        assert!(!said.stdout.contains('\u{1b}') && !said.stdout.contains('\u{202e}'), "{format}");
        assert!(!said.stdout.contains("\n::error::"), "{format}");
    }
    let said = status(&desk, &["-o", "json"]);
    assert!(rows(&said).iter().any(|row| row[0] == evil), "a machine is told the truth");
}

#[test]
fn broken_manifests_of_the_project_hide_nothing_and_named_ones_are_a_mistake() {
    let desk = desk();
    desk.write("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes.yaml]\n");
    desk.write("pipes.yaml", "kind: ClickPipe\n");
    let said = status(&desk, &["-o", "json"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(rows(&said).len(), 3);
    assert!(said.stderr.contains("note: shown without what is declared"), "{}", said.stderr);
    assert_eq!(status(&desk, &["pipes.yaml"]).code, 1);
}

#[test]
fn one_service_that_cannot_be_read_hides_no_other() {
    let desk = desk();
    desk.world(|world| {
        let id = world.ensure_service("lake");
        let path = format!("*/{id}/clickpipes");
        let when = json!({"route": {"method": "GET", "path": path}});
        let fault = json!({"when": when, "effect": "repeated", "times": 1});
        world.faults().add(serde_json::from_value(fault).unwrap());
    });
    let said = status(&desk, &["-o", "json"]);
    assert_eq!((said.code, &said.json()["outcome"]), (1, &json!("partial")), "{}", said.all());
    assert_eq!(rows(&said).len(), 3);
    assert!(said.json()["errors"][0].as_str().unwrap().starts_with("lake: "), "{}", said.all());
}

#[test]
fn a_refused_key_has_its_code() {
    let server = Server::start(1);
    let mut environment = server.environment();
    environment.retain(|(name, _)| !name.ends_with("_SECRET"));
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("CLICKHOUSE_CLOUD_API_SECRET", "canary")])
        .collect();
    let said = Desk::new().run_with(&["status", "-o", "json"], &environment);
    assert_eq!((said.code, &said.json()["outcome"]), (4, &json!("error")), "{}", said.all());
    assert!(!said.all().contains("canary"), "{}", said.all());
}

#[test]
fn waiting_until_all_have_settled_ends_by_itself() {
    let desk = Desk::new();
    declare(&desk, |_| ());
    let args = ["apply", "pipes.yaml", "--sandbox", "--yes", "--wait", "none"];
    assert_eq!(desk.run_with(&args, &SECRET).code, 0);
    let early = status(&desk, &["-o", "json"]);
    assert_eq!(early.json()["outcome"], "moving", "{}", early.all());
    let late = status(&desk, &["--until", "settled", "--timeout", "20s", "-o", "json"]);
    assert_eq!((late.code, &late.json()["outcome"]), (1, &json!("late")), "{}", late.all());
    assert!(late.stderr.contains("not settled after 20s"), "{}", late.stderr);
    let said = status(&desk, &["--until", "settled", "-o", "json"]);
    assert_eq!((said.code, &said.json()["outcome"]), (0, &json!("healthy")), "{}", said.all());
    let lines = status(&desk, &["--watch", "--until", "settled"]);
    assert_eq!(lines.code, 0);
    assert!(
        lines.stdout.contains("analytics/s3-public-once: Completed (ok: done)\n"),
        "{}",
        lines.all()
    );
}

#[test]
fn a_watch_of_what_stands_still_is_refused() {
    let said = status(&Desk::new(), &["--watch"]);
    assert_eq!(said.code, 64, "{}", said.all());
    assert_eq!(status(&Desk::new(), &["--interval", "1ms"]).code, 64);
}

#[cfg(unix)]
#[test]
fn a_watch_prints_what_changes_and_ends_with_an_interruption() {
    let server = Server::start(1);
    let desk = Desk::new();
    declare(&desk, |_| ());
    let args = ["apply", "pipes.yaml", "--yes", "--wait", "none", "--only", "kinesis-user"];
    assert_eq!(server.run(&desk, &args).code, 0);
    let begun = server.journal().len();
    let watch = ["status", "--watch", "--interval", "1s", "--rate-limit", "off"];
    let run = server.begin(&desk, &watch);
    let lists = |entry: &Value| {
        entry["method"] == "GET" && entry["path"].as_str().unwrap().ends_with("/clickpipes")
    };
    let looks = server.count(lists);
    server.until(looks + 1, lists);
    server.advance(300);
    server.until(looks + 3, lists);
    run.signal("INT");
    let said = run.end();
    assert_eq!(said.code, 130, "{}", said.all());
    let lines: Vec<&str> = said.stdout.lines().collect();
    let last = "analytics/kinesis-user: Provisioning (moving) -> Running (ok)";
    assert_eq!(lines.last(), Some(&last), "{}", said.all());
    assert!(lines.len() <= 3, "only what changed: {}", said.stdout);
    assert!(server.journal()[begun..].iter().all(|entry| entry["method"] == "GET"));
}

/// Answers every connection with 403.
fn forbidding() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().take(40) {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let body = r#"{"status":403,"requestId":"r-1","error":"FORBIDDEN: not yours"}"#;
            let head =
                "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\nconnection: close";
            let _ = write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_key_that_may_not_see_a_service_has_its_code_too() {
    let id = "5a1c0000-0000-4000-8000-000000000001";
    let environment = [
        ("CLICKHOUSE_CLOUD_API_KEY", "key"),
        ("CLICKHOUSE_CLOUD_API_SECRET", "canary"),
        ("CLICKHOUSE_ORG_ID", "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000"),
    ];
    let url = forbidding();
    let args = ["status", "--api-url", &url, "--service", id, "-o", "json"];
    let said = Desk::new().run_with(&args, &environment);
    assert_eq!((said.code, &said.json()["outcome"]), (4, &json!("partial")), "{}", said.all());
    assert!(said.json()["errors"][0].as_str().unwrap().contains("r-1"), "{}", said.all());
}
