//! A service that cannot be read hides no other: the rest is planned and performed, nothing is done
//! to what was not seen, and no such run ends as if all were well.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::server::SandboxServer;
use crate::support::test_repo::{TestRepo, kinesis_manifest, path_variable};
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::{Value, json};

const SERVICES: [&str; 2] = ["analytics", "lake"];

/// A pipe in each service, all declared and none of them live.
fn declared_repo() -> TestRepo {
    let repo = TestRepo::new();
    for service in SERVICES {
        write_manifest(&repo.work_dir, service, "clicks", service);
    }
    repo.commit_all("Begin to read");
    repo
}

/// The same, and live.
fn applied_repo() -> TestRepo {
    let repo = declared_repo();
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo
}

/// `named` is how the manifest calls the service.
fn write_manifest(desk: &WorkDir, file: &str, pipe_name: &str, named: &str) {
    let text = kinesis_manifest(pipe_name, "", "").replace("service: analytics", &format!("service: {named}"));
    assert!(text.contains(&format!("service: {named}")), "{text}");
    desk.write_file(&format!("pipes/{file}-{pipe_name}.yaml"), text);
}

/// From now on the lists of these services fail.
fn fail_lists(repo: &TestRepo, services: &[&str]) {
    if !repo.work_dir.temp_dir.path().join(".pipectl/sandbox.json").exists() {
        repo.run_successfully(&["plan", "pipes"]);
    }
    repo.edit_world(|world| {
        for service in services {
            let id = world.ensure_service(service);
            let path = format!("*/{id}/clickpipes");
            let when = FaultTrigger::Route { method: "GET".to_owned(), path };
            world.fault_script().add(Fault { when, effect: FaultEffect::InternalError, times: 1000 });
        }
    });
}

fn clear_faults(repo: &TestRepo) {
    repo.edit_world(|world| world.fault_script().clear());
}

fn count_live_pipes(repo: &TestRepo, service: &str) -> usize {
    repo.edit_world(|world| world.list_pipes(service).len())
}

/// Exit code and outcome.
fn code_and_outcome(said: &RunOutput) -> (i32, Value) {
    (said.code, said.stdout_json()["outcome"].clone())
}

#[test]
fn plan_lists_unreachable_services() {
    let repo = declared_repo();
    fail_lists(&repo, &["lake"]);
    let said = repo.run_pipectl(&["plan", "pipes"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stdout.contains("+ clicks") && !said.stdout.contains("lake   "), "{}", said.all_output());
    for text in [&said.stdout, &said.stderr] {
        assert!(text.contains("lake: could not be read: GET ") && text.contains("(request "), "{text}");
    }
    let said = repo.run_pipectl(&["plan", "pipes", "--detailed-exitcode", "-o", "json"]);
    assert_eq!(code_and_outcome(&said), (1, json!("partial")), "{}", said.all_output());
    let json = said.stdout_json();
    assert_eq!(json["unreachable"].as_array().unwrap().len(), 1);
    assert_eq!(json["unreachable"][0]["service"], "lake");
    assert!(json["unreachable"][0]["requestId"].is_string(), "{json}");
    assert!(json["errors"][0].as_str().unwrap().starts_with("lake: could not be read: "), "{json}");
    let changes = json["result"]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["address"]["service"], "analytics");
}

#[test]
fn apply_runs_for_reachable_services_only() {
    let repo = declared_repo();
    fail_lists(&repo, &["lake"]);
    let said = repo.run_pipectl(&["apply", "pipes", "--yes", "-o", "json"]);
    assert_eq!(code_and_outcome(&said), (3, json!("partly")), "{}", said.all_output());
    assert_eq!(said.stdout_json()["unreachable"][0]["service"], "lake");
    assert_eq!((count_live_pipes(&repo, "analytics"), count_live_pipes(&repo, "lake")), (1, 0));
    assert!(!said.stderr.contains("could not read back"), "{}", said.stderr);
    let said = repo.run_pipectl(&["apply", "pipes", "--yes"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stdout.contains("No changes in the services that could be read."), "{}", said.all_output());
    let said = repo.run_pipectl(&["apply", "pipes", "--yes", "-o", "ndjson"]);
    let last: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["outcome"], &last["exitCode"]), (&json!("partial"), &json!(1)));
    assert_eq!(last["unreachable"][0]["service"], "lake", "{last}");
    clear_faults(&repo);
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    assert_eq!(count_live_pipes(&repo, "lake"), 1);
}

#[test]
fn nothing_is_deleted_in_an_unreachable_service() {
    let repo = applied_repo();
    for service in SERVICES {
        repo.remove_file(&format!("pipes/{service}-clicks.yaml"));
        write_manifest(&repo.work_dir, service, "views", service);
    }
    repo.commit_all("Other pipes");
    fail_lists(&repo, &["lake"]);
    let said = repo.run_pipectl(&["apply", "pipes", "--prune=git", "--yes", "-o", "json"]);
    assert_eq!(code_and_outcome(&said), (3, json!("partly")), "{}", said.all_output());
    let names = |service: &str| -> Vec<Value> {
        let pipes = repo.edit_world(|world| world.list_pipes(service));
        pipes.iter().map(|pipe| pipe["name"].clone()).collect()
    };
    assert_eq!((names("analytics"), names("lake")), (vec![json!("views")], vec![json!("clicks")]));
    clear_faults(&repo);
    repo.run_successfully(&["apply", "pipes", "--prune=git", "--yes"]);
    assert_eq!(names("lake"), ["views"]);
}

/// The other half of the move cannot happen yet.
#[test]
fn pipe_that_moved_to_an_unreachable_service_is_not_pruned() {
    let repo = applied_repo();
    repo.run_git(&["rm", "--quiet", "pipes/lake-clicks.yaml"]);
    repo.commit_all("No clicks in the lake");
    repo.run_successfully(&["apply", "pipes", "--prune=git", "--yes"]);
    repo.remove_file("pipes/analytics-clicks.yaml");
    write_manifest(&repo.work_dir, "lake", "clicks", "lake");
    write_manifest(&repo.work_dir, "analytics", "views", "analytics");
    repo.commit_all("Move clicks to the lake");
    fail_lists(&repo, &["lake"]);
    let said = repo.run_pipectl(&["apply", "pipes", "--prune=git", "--yes"]);
    assert_eq!(said.code, 3, "{}", said.all_output());
    let note = "analytics/clicks is not pruned: it is declared as lake/clicks, in a service that could not be read";
    assert!(said.stderr.contains(note), "{}", said.stderr);
    assert_eq!(count_live_pipes(&repo, "analytics"), 2);
    clear_faults(&repo);
    repo.run_successfully(&["apply", "pipes", "--prune=git", "--yes"]);
    assert_eq!((count_live_pipes(&repo, "analytics"), count_live_pipes(&repo, "lake")), (1, 1));
}

#[test]
fn unreachable_service_is_neither_drifted_nor_in_sync() {
    let repo = applied_repo();
    fail_lists(&repo, &["lake"]);
    let report = "--report=junit=junit.xml";
    let said = repo.run_pipectl(&["drift", "pipes", "--detailed-exitcode", "-o", "json", report]);
    assert_eq!(code_and_outcome(&said), (1, json!("partial")), "{}", said.all_output());
    let result = &said.stdout_json()["result"];
    assert_eq!((&result["missing"], &result["inSync"]), (&json!([]), &json!(1)));
    let cases = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("junit.xml")).unwrap();
    assert!(cases.contains("tests=\"2\" failures=\"1\""), "{cases}");
    let text = repo.run_pipectl(&["drift", "pipes"]);
    assert_eq!(text.code, 1);
    assert!(text.stdout.starts_with("lake: could not be read: GET "), "{}", text.stdout);
}

#[test]
fn export_writes_reachable_services_only() {
    let repo = applied_repo();
    fail_lists(&repo, &["lake"]);
    let said = repo.run_pipectl(&["export", "--out", "exported", "-o", "json"]);
    assert_eq!(code_and_outcome(&said), (1, json!("partial")), "{}", said.all_output());
    assert!(said.stderr.contains("error: lake: could not be read: "), "{}", said.stderr);
    let again = repo.run_pipectl(&["export", "-o", "json"]);
    let manifests = again.stdout_json()["result"]["manifests"].clone();
    assert_eq!(manifests.as_array().unwrap().len(), 1, "{manifests}");
    clear_faults(&repo);
    let said = repo.run_pipectl(&["export", "-o", "json"]);
    assert_eq!(code_and_outcome(&said), (0, json!("exported")), "{}", said.all_output());
}

#[test]
fn reports_start_with_unreachable_services() {
    let repo = declared_repo();
    fail_lists(&repo, &["lake"]);
    let formats = ["markdown", "html", "github", "gitlab-terraform"];
    let reports = formats.map(|format| format!("--report={format}=out/{format}"));
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    let said = repo.run_pipectl(&[&["plan", "pipes"][..], &reports].concat());
    assert_eq!(said.code, 1, "{}", said.all_output());
    let read = |format: &str| std::fs::read_to_string(repo.work_dir.temp_dir.path().join("out").join(format)).unwrap();
    let comment = read("markdown");
    let head = "### pipectl plan: 1 service could not be read; 1 to create";
    assert!(comment.starts_with(head), "{comment}");
    let (before, _) = comment.split_once("| object |").unwrap();
    assert!(before.contains("lake: could not be read: GET "), "{comment}");
    assert!(read("html").contains("lake: could not be read: GET "));
    assert!(read("github").starts_with("::error "), "{}", read("github"));
    assert!(!repo.work_dir.temp_dir.path().join("out/gitlab-terraform").exists(), "counts of a part");
}

#[test]
fn saved_plan_does_not_cover_unreachable_services() {
    let repo = declared_repo();
    fail_lists(&repo, &["lake"]);
    assert_eq!(repo.run_pipectl(&["plan", "pipes", "--out", "plan.json"]).code, 1);
    clear_faults(&repo);
    let said = repo.run_pipectl(&["apply", "pipes", "--plan", "plan.json"]);
    assert_eq!(said.code, 6, "{}", said.all_output());
    assert!(said.all_output().contains("the reviewed plan could not read its service"), "{}", said.all_output());
    assert_eq!((count_live_pipes(&repo, "analytics"), count_live_pipes(&repo, "lake")), (1, 0));
}

#[test]
fn plan_fails_if_no_service_is_reachable() {
    let repo = declared_repo();
    fail_lists(&repo, &SERVICES);
    for command in ["plan", "drift"] {
        let said = repo.run_pipectl(&[command, "pipes", "-o", "json"]);
        assert_eq!(code_and_outcome(&said), (1, json!("error")), "{}", said.all_output());
    }
}

#[test]
fn unknown_service_is_reported_as_unreachable() {
    let (server, desk) = (SandboxServer::start(1000), WorkDir::new());
    for service in SERVICES {
        write_manifest(&desk, service, "clicks", service);
    }
    let said = server.run_to_end(&desk, &["plan", "pipes", "-o", "json"]);
    assert_eq!(code_and_outcome(&said), (1, json!("partial")), "{}", said.all_output());
    let error = said.stdout_json()["unreachable"][0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("no service is called `lake`; available: analytics"), "{error}");
    assert_eq!(said.stdout_json()["result"]["changes"].as_array().unwrap().len(), 1);
    let selected = server.run_to_end(&desk, &["plan", "pipes", "--only", "analytics/*"]);
    assert_eq!(selected.code, 0, "{}", selected.all_output());
    let lost = server.run_to_end(&desk, &["plan", "pipes", "--only", "lake/*", "-o", "json"]);
    assert_eq!(code_and_outcome(&lost), (1, json!("error")), "{}", lost.all_output());
}

#[test]
fn unchanged_manifests_of_unknown_services_are_ignored() {
    let (server, repo) = (SandboxServer::start(1000), declared_repo());
    write_manifest(&repo.work_dir, "analytics", "views", "analytics");
    repo.commit_all("More to read");
    let mut environment = server.client_environment();
    environment.push(("PATH", path_variable()));
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let args = ["plan", "pipes", "--changed-since", "HEAD~", "-o", "json"];
    let said = repo.work_dir.run_with_env(&args, &environment);
    assert_eq!(code_and_outcome(&said), (0, json!("changes")), "{}", said.all_output());
    assert!(!said.all_output().contains("lake"), "{}", said.all_output());
    assert!(said.stdout_json()["result"]["unreachable"].as_array().is_none_or(Vec::is_empty), "{}", said.stdout);
    let asked: Vec<Value> = server.request_log().into_iter().filter(|it| it.to_string().contains("lake")).collect();
    assert_eq!(asked, [json!(null); 0]);
}

const IDS: [&str; 2] = ["5a1c0000-0000-4000-8000-000000000001", "5a1c0000-0000-4000-8000-000000000002"];

/// Answers with this status about the second service; the first has no pipes.
fn spawn_refusing_server(status: u16) -> String {
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
            let _ = write!(connection, "{head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    format!("http://{address}")
}

fn plan_refused_with(status: u16) -> RunOutput {
    let desk = WorkDir::new();
    for id in IDS {
        write_manifest(&desk, id, "clicks", id);
    }
    let environment = [
        ("CLICKHOUSE_CLOUD_API_KEY", "key"),
        ("CLICKHOUSE_CLOUD_API_SECRET", "secret"),
        ("CLICKHOUSE_ORG_ID", "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000"),
    ];
    let args = ["plan", "pipes", "-o", "json", "--api-url", &spawn_refusing_server(status)];
    desk.run_with_env(&args, &environment)
}

#[test]
fn forbidden_service_does_not_hide_others() {
    let said = plan_refused_with(403);
    assert_eq!(code_and_outcome(&said), (4, json!("partial")), "{}", said.all_output());
    assert_eq!(said.stdout_json()["unreachable"][0]["requestId"], "r-1");
    let said = plan_refused_with(404);
    assert_eq!(code_and_outcome(&said), (1, json!("partial")), "{}", said.all_output());
}

#[test]
fn rejected_key_ends_the_run() {
    let said = plan_refused_with(401);
    assert_eq!(code_and_outcome(&said), (4, json!("error")), "{}", said.all_output());
}
