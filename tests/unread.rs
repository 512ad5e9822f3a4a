//! A service that cannot be read hides no other: the rest is planned and performed, nothing is done
//! to what was not seen, and no such run ends as if all were well.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::cli::{Desk, Said};
use crate::support::repo::{Repo, path, pipe};
use crate::support::server::Server;
use sandbox::{Effect, Fault, When};
use serde_json::{Value, json};

const SERVICES: [&str; 2] = ["analytics", "lake"];

/// A pipe in each service, all declared and none of them live.
fn declared() -> Repo {
    let repo = Repo::new();
    for service in SERVICES {
        declare(&repo.desk, service, "clicks", service);
    }
    repo.commit("Begin to read");
    repo
}

/// The same, and live.
fn applied() -> Repo {
    let repo = declared();
    repo.done(&["apply", "pipes", "--yes"]);
    repo
}

/// `named` is how the manifest calls the service.
fn declare(desk: &Desk, file: &str, pipe_name: &str, named: &str) {
    let text = pipe(pipe_name, "", "").replace("service: analytics", &format!("service: {named}"));
    assert!(text.contains(&format!("service: {named}")), "{text}");
    desk.write(&format!("pipes/{file}-{pipe_name}.yaml"), text);
}

/// From now on the lists of these services fail.
fn break_lists(repo: &Repo, services: &[&str]) {
    if !repo.desk.folder.path().join(".pipectl/sandbox.json").exists() {
        repo.done(&["plan", "pipes"]);
    }
    repo.world(|world| {
        for service in services {
            let id = world.ensure_service(service);
            let path = format!("*/{id}/clickpipes");
            let when = When::Route { method: "GET".to_owned(), path };
            world.faults().add(Fault { when, effect: Effect::InternalError, times: 1000 });
        }
    });
}

fn mend(repo: &Repo) {
    repo.world(|world| world.faults().clear());
}

fn live(repo: &Repo, service: &str) -> usize {
    repo.world(|world| world.pipes(service).len())
}

/// Exit code and outcome.
fn ending(said: &Said) -> (i32, Value) {
    (said.code, said.json()["outcome"].clone())
}

#[test]
fn a_plan_says_what_it_does_not_know() {
    let repo = declared();
    break_lists(&repo, &["lake"]);
    let said = repo.run(&["plan", "pipes"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stdout.contains("+ clicks") && !said.stdout.contains("lake   "), "{}", said.all());
    for text in [&said.stdout, &said.stderr] {
        assert!(text.contains("lake: not read: GET ") && text.contains("(request "), "{text}");
    }
    let said = repo.run(&["plan", "pipes", "--detailed-exitcode", "-o", "json"]);
    assert_eq!(ending(&said), (1, json!("partial")), "{}", said.all());
    let json = said.json();
    assert_eq!(json["unread"].as_array().unwrap().len(), 1);
    assert_eq!(json["unread"][0]["service"], "lake");
    assert!(json["unread"][0]["requestId"].is_string(), "{json}");
    assert!(json["errors"][0].as_str().unwrap().starts_with("lake: not read: "), "{json}");
    let changes = json["result"]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["at"]["service"], "analytics");
}

#[test]
fn the_rest_is_performed_and_nothing_happens_elsewhere() {
    let repo = declared();
    break_lists(&repo, &["lake"]);
    let said = repo.run(&["apply", "pipes", "--yes", "-o", "json"]);
    assert_eq!(ending(&said), (3, json!("partly")), "{}", said.all());
    assert_eq!(said.json()["unread"][0]["service"], "lake");
    assert_eq!((live(&repo, "analytics"), live(&repo, "lake")), (1, 0));
    assert!(!said.stderr.contains("could not read back"), "{}", said.stderr);
    let said = repo.run(&["apply", "pipes", "--yes"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stdout.contains("No changes in what could be read."), "{}", said.all());
    let said = repo.run(&["apply", "pipes", "--yes", "-o", "ndjson"]);
    let last: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["outcome"], &last["exitCode"]), (&json!("partial"), &json!(1)));
    assert_eq!(last["unread"][0]["service"], "lake", "{last}");
    mend(&repo);
    repo.done(&["apply", "pipes", "--yes"]);
    assert_eq!(live(&repo, "lake"), 1);
}

#[test]
fn nothing_is_deleted_where_nothing_was_read() {
    let repo = applied();
    for service in SERVICES {
        repo.remove(&format!("pipes/{service}-clicks.yaml"));
        declare(&repo.desk, service, "views", service);
    }
    repo.commit("Other pipes");
    break_lists(&repo, &["lake"]);
    let said = repo.run(&["apply", "pipes", "--prune=git", "--yes", "-o", "json"]);
    assert_eq!(ending(&said), (3, json!("partly")), "{}", said.all());
    let names = |service: &str| -> Vec<Value> {
        let pipes = repo.world(|world| world.pipes(service));
        pipes.iter().map(|pipe| pipe["name"].clone()).collect()
    };
    assert_eq!((names("analytics"), names("lake")), (vec![json!("views")], vec![json!("clicks")]));
    mend(&repo);
    repo.done(&["apply", "pipes", "--prune=git", "--yes"]);
    assert_eq!(names("lake"), ["views"]);
}

#[test]
fn what_was_not_read_has_not_drifted_and_is_not_in_sync_either() {
    let repo = applied();
    break_lists(&repo, &["lake"]);
    let report = "--report=junit=junit.xml";
    let said = repo.run(&["drift", "pipes", "--detailed-exitcode", "-o", "json", report]);
    assert_eq!(ending(&said), (1, json!("partial")), "{}", said.all());
    let result = &said.json()["result"];
    assert_eq!((&result["missing"], &result["inSync"]), (&json!([]), &json!(1)));
    let cases = std::fs::read_to_string(repo.desk.folder.path().join("junit.xml")).unwrap();
    assert!(cases.contains("tests=\"2\" failures=\"1\""), "{cases}");
    let text = repo.run(&["drift", "pipes"]);
    assert_eq!(text.code, 1);
    assert!(text.stdout.contains("\nlake: not read: GET ") || text.stdout.starts_with("lake: not"));
}

#[test]
fn what_could_be_read_is_exported() {
    let repo = applied();
    break_lists(&repo, &["lake"]);
    let said = repo.run(&["export", "--out", "exported", "-o", "json"]);
    assert_eq!(ending(&said), (1, json!("partial")), "{}", said.all());
    assert!(said.stderr.contains("error: lake: not read: "), "{}", said.stderr);
    let again = repo.run(&["export", "-o", "json"]);
    let manifests = again.json()["result"]["manifests"].clone();
    assert_eq!(manifests.as_array().unwrap().len(), 1, "{manifests}");
    mend(&repo);
    let said = repo.run(&["export", "-o", "json"]);
    assert_eq!(ending(&said), (0, json!("exported")), "{}", said.all());
}

#[test]
fn reports_say_it_first() {
    let repo = declared();
    break_lists(&repo, &["lake"]);
    let formats = ["markdown", "html", "github", "gitlab-terraform"];
    let reports = formats.map(|format| format!("--report={format}=out/{format}"));
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    let said = repo.run(&[&["plan", "pipes"][..], &reports].concat());
    assert_eq!(said.code, 1, "{}", said.all());
    let read = |format: &str| {
        std::fs::read_to_string(repo.desk.folder.path().join("out").join(format)).unwrap()
    };
    let comment = read("markdown");
    let head = "### pipectl plan: 1 service not read; 1 to create";
    assert!(comment.starts_with(head), "{comment}");
    let (before, _) = comment.split_once("clicks").unwrap();
    assert!(before.contains("lake: not read: GET "), "{comment}");
    assert!(read("html").contains("lake: not read: GET "));
    assert!(read("github").starts_with("::error "), "{}", read("github"));
    assert!(!repo.desk.folder.path().join("out/gitlab-terraform").exists(), "counts of a part");
}

#[test]
fn a_saved_plan_gives_no_right_to_what_it_did_not_see() {
    let repo = declared();
    break_lists(&repo, &["lake"]);
    assert_eq!(repo.run(&["plan", "pipes", "--out", "plan.json"]).code, 1);
    mend(&repo);
    let said = repo.run(&["apply", "pipes", "--plan", "plan.json"]);
    assert_eq!(said.code, 6, "{}", said.all());
    assert!(said.all().contains("the reviewed plan could not read its service"), "{}", said.all());
    assert_eq!((live(&repo, "analytics"), live(&repo, "lake")), (1, 0));
}

#[test]
fn where_nothing_can_be_read_there_is_no_plan() {
    let repo = declared();
    break_lists(&repo, &SERVICES);
    for command in ["plan", "drift"] {
        let said = repo.run(&[command, "pipes", "-o", "json"]);
        assert_eq!(ending(&said), (1, json!("error")), "{}", said.all());
    }
}

#[test]
fn a_service_of_that_name_need_not_exist() {
    let (server, desk) = (Server::start(1000), Desk::new());
    for service in SERVICES {
        declare(&desk, service, "clicks", service);
    }
    let said = server.run(&desk, &["plan", "pipes", "-o", "json"]);
    assert_eq!(ending(&said), (1, json!("partial")), "{}", said.all());
    let error = said.json()["unread"][0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("no service is called `lake`; there are: analytics"), "{error}");
    assert_eq!(said.json()["result"]["changes"].as_array().unwrap().len(), 1);
    let selected = server.run(&desk, &["plan", "pipes", "--only", "analytics/*"]);
    assert_eq!(selected.code, 0, "{}", selected.all());
    let lost = server.run(&desk, &["plan", "pipes", "--only", "lake/*", "-o", "json"]);
    assert_eq!(ending(&lost), (1, json!("error")), "{}", lost.all());
}

#[test]
fn what_did_not_change_in_a_service_that_is_not_found_is_not_asked_for() {
    let (server, repo) = (Server::start(1000), declared());
    declare(&repo.desk, "analytics", "views", "analytics");
    repo.commit("More to read");
    let mut environment = server.environment();
    environment.push(("PATH", path()));
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let args = ["plan", "pipes", "--changed-since", "HEAD~", "-o", "json"];
    let said = repo.desk.run_with(&args, &environment);
    assert_eq!(ending(&said), (0, json!("changes")), "{}", said.all());
}

const IDS: [&str; 2] =
    ["5a1c0000-0000-4000-8000-000000000001", "5a1c0000-0000-4000-8000-000000000002"];

/// Answers with this status about the second service; the first has no pipes.
fn refusing(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 4096];
            let length = connection.read(&mut request).unwrap_or_default();
            let asked = String::from_utf8_lossy(&request[..length]).into_owned();
            let (status, body) = if asked.contains(IDS[1]) {
                (status, json!({"status": status, "requestId": "r-1", "error": "no"}))
            } else {
                (200, json!({"status": 200, "requestId": "r-2", "result": []}))
            };
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status} Some\r\ncontent-type: application/json");
            let length = body.len();
            let _ = write!(
                connection,
                "{head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    format!("http://{address}")
}

fn refused_with(status: u16) -> Said {
    let desk = Desk::new();
    for id in IDS {
        declare(&desk, id, "clicks", id);
    }
    let environment = [
        ("CLICKHOUSE_CLOUD_API_KEY", "key"),
        ("CLICKHOUSE_CLOUD_API_SECRET", "secret"),
        ("CLICKHOUSE_ORG_ID", "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000"),
    ];
    let args = ["plan", "pipes", "-o", "json", "--api-url", &refusing(status)];
    desk.run_with(&args, &environment)
}

#[test]
fn a_key_that_may_not_read_one_service_reads_the_other() {
    let said = refused_with(403);
    assert_eq!(ending(&said), (4, json!("partial")), "{}", said.all());
    assert_eq!(said.json()["unread"][0]["requestId"], "r-1");
    let said = refused_with(404);
    assert_eq!(ending(&said), (1, json!("partial")), "{}", said.all());
}

#[test]
fn a_key_that_is_not_accepted_ends_the_run() {
    let said = refused_with(401);
    assert_eq!(ending(&said), (4, json!("error")), "{}", said.all());
}
