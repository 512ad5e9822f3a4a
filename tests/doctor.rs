//! `pipectl doctor`: what a run would find, and how to fix it.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::server::SandboxServer;
use crate::support::test_repo::TestRepo;
use serde_json::{Value, json};

const PIPE: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: clicks, service: analytics}
spec:
  source:
    kinesis: {format: JSONEachRow, streamName: s, region: r, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::1:role/r'}
  destination: {database: default, table: t, managedTable: true, tableDefinition: {engine: {type: MergeTree}}, columns: [{name: id, type: UInt64}]}
";

const KEY: &str = "key-id-canary";

/// The findings as `check level`, with the code and the outcome.
fn findings_of(said: &RunOutput) -> Vec<String> {
    assert!(!said.all_output().contains("canary"), "{}", said.all_output());
    let json = said.stdout_json();
    let findings = json["result"]["findings"].as_array().unwrap();
    let word = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    findings.iter().map(|it| format!("{} {}", word(it, "check"), word(it, "level"))).collect()
}

fn run_doctor(desk: &WorkDir, more: &[&str], environment: &[(&str, &str)]) -> RunOutput {
    desk.run_with_env(&[&["doctor", "-o", "json"], more].concat(), environment)
}

fn run_doctor_against(
    server: &SandboxServer,
    desk: &WorkDir,
    change: impl Fn(&mut Vec<(&'static str, String)>),
) -> RunOutput {
    let mut environment = server.client_environment();
    change(&mut environment);
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    run_doctor(desk, &["pipe.yaml"], &environment)
}

#[test]
fn doctor_reports_every_check_and_hides_the_key() {
    let server = SandboxServer::start(1);
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    let said = run_doctor_against(&server, &desk, |_| ());
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (0, &json!("warnings")), "{}", said.all_output());
    let all = ["project", "manifests", "git", "api", "key", "reach", "organization", "service"];
    for check in [&all[..], &["rate limit"]].concat() {
        assert!(findings_of(&said).iter().any(|it| it.starts_with(check)), "{check}: {}", said.all_output());
    }
    assert!(!said.all_output().contains(sandbox::KEY_ID), "{}", said.all_output());
    assert!(!said.all_output().contains(sandbox::KEY_SECRET), "{}", said.all_output());
    assert!(said.stdout.contains("…-key (from CLICKHOUSE_CLOUD_API_KEY"), "{}", said.stdout);
    assert!(server.request_log().iter().all(|entry| entry["method"] == "GET"));
}

#[test]
fn doctor_without_a_key_still_runs_other_checks() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    let said = run_doctor(&desk, &["pipe.yaml"], &[]);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (4, &json!("refused")), "{}", said.all_output());
    assert!(findings_of(&said).contains(&"manifests ok".to_owned()), "{}", said.all_output());
    assert!(findings_of(&said).contains(&"key bad".to_owned()), "{}", said.all_output());
    assert!(said.stdout.contains("CLICKHOUSE_CLOUD_API_SECRET"), "{}", said.stdout);
    let mixed = [("CLICKHOUSE_CLOUD_API_KEY", KEY), ("KEY_SECRET", "canary")];
    let said = run_doctor(&desk, &["pipe.yaml"], &mixed);
    assert!(said.stdout.contains("CLICKHOUSE_CLOUD_API_SECRET is not"), "{}", said.stdout);
    assert!(!said.all_output().contains("canary"), "{}", said.all_output());
}

#[test]
fn doctor_exits_with_4_for_a_rejected_key() {
    let server = SandboxServer::start(1);
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    let said = run_doctor_against(&server, &desk, |environment| {
        environment.retain(|(name, _)| !name.starts_with("CLICKHOUSE_CLOUD_API"));
        environment.push(("CLICKHOUSE_CLOUD_API_KEY", KEY.to_owned()));
        environment.push(("CLICKHOUSE_CLOUD_API_SECRET", "canary".to_owned()));
    });
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (4, &json!("refused")), "{}", said.all_output());
    assert!(findings_of(&said).contains(&"reach bad".to_owned()), "{}", said.all_output());
    assert!(said.stdout.contains("belong together"), "the fix: {}", said.stdout);
}

#[test]
fn doctor_fails_for_unknown_organization_or_service() {
    let server = SandboxServer::start(1);
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    let said = run_doctor_against(&server, &desk, |environment| {
        environment.retain(|(name, _)| *name != "CLICKHOUSE_ORG_ID");
        environment.push(("CLICKHOUSE_ORG_ID", "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50009".to_owned()));
    });
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(findings_of(&said).contains(&"organization bad".to_owned()), "{}", said.all_output());
    desk.write_file("pipe.yaml", PIPE.replace("service: analytics", "service: analytcs"));
    let said = run_doctor_against(&server, &desk, |_| ());
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stdout.contains("no service is called `analytcs`"), "{}", said.stdout);
}

#[test]
fn doctor_explains_idle_and_stopped_services() {
    let server = SandboxServer::start(1);
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    for (state, words) in [("idle", "--wake"), ("stopped", "never starts it")] {
        let body = json!({"service": "analytics", "state": state});
        server.admin_request("POST", "service-state", &body);
        let said = run_doctor_against(&server, &desk, |_| ());
        assert_eq!(said.code, 0, "{}", said.all_output());
        assert!(findings_of(&said).contains(&"service warn".to_owned()), "{}", said.all_output());
        assert!(said.stdout.contains(words), "{}", said.stdout);
    }
}

/// Answers every connection with the same bytes.
fn spawn_fixed_server(bytes: &'static str) -> String {
    spawn_server(move |_| bytes.to_owned())
}

/// Answers each request line with the bytes that belong to it.
fn spawn_server(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().take(40) {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 4096];
            let length = connection.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]);
            let line = request.lines().next().unwrap_or_default();
            let _ = connection.write_all(answer(line).as_bytes());
        }
    });
    format!("http://{address}")
}

fn http_answer(status: u16, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: \
         close\r\n\r\n{body}"
    )
}

/// The reference page lists neither the organizations and services nor the identity.
#[test]
fn doctor_says_what_an_api_does_not_offer_and_goes_on() {
    const SERVICE: &str = "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50001";
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE.replace("service: analytics", &format!("service: {SERVICE}")));
    let keys = [("CLICKHOUSE_CLOUD_API_KEY", KEY), ("CLICKHOUSE_CLOUD_API_SECRET", "canary-secret")];
    for status in [404, 405, 501] {
        for is_page in [false, true] {
            let url = spawn_server(move |line| {
                if line.contains("/clickpipes ") {
                    return http_answer(200, "application/json", r#"{"status":200,"requestId":"r","result":[]}"#);
                }
                let refusal = json!({"status": status, "requestId": "r", "error": "no such path"}).to_string();
                if is_page {
                    http_answer(status, "text/html", "<html>no such path</html>")
                } else {
                    http_answer(status, "application/json", &refusal)
                }
            });
            let environment = [&keys[..], &[("CLICKHOUSE_ORG_ID", sandbox::ORGANIZATION)]].concat();
            let said = run_doctor(&desk, &["pipe.yaml", "--api-url", &url, "--timeout", "5s"], &environment);
            let found = findings_of(&said);
            assert_eq!(said.code, 0, "{status} {is_page}: {}", said.all_output());
            for check in ["reach ok", "organization ok", "services ok", "service ok", "identity ok", "rate limit ok"] {
                assert!(found.contains(&check.to_owned()), "{status} {is_page} {check}: {}", said.all_output());
            }
            assert_eq!(said.stdout.matches("does not list").count(), 2, "{status} {is_page}: {}", said.all_output());
            let said = run_doctor(&desk, &["pipe.yaml", "--api-url", &url, "--timeout", "5s"], &keys);
            assert!(said.stdout.contains("pass --organization"), "{}", said.all_output());
        }
    }
}

#[test]
fn doctor_explains_connection_and_permission_errors() {
    let desk = WorkDir::new();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let html = spawn_fixed_server(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 18\r\nconnection: \
         close\r\n\r\n<html>hello</html>",
    );
    let forbidden = spawn_fixed_server(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: \
         62\r\nconnection: close\r\n\r\n{\"status\":403,\"requestId\":\"r-1\",\"error\":\"key-id-canary: no\"}  ",
    );
    for (url, code, words) in [
        (closed.as_str(), 1, "nothing listens there"),
        (html.as_str(), 1, "something other than the API answered; check the API's URL"),
        (forbidden.as_str(), 4, "the role of the key does not allow this"),
        ("https://api.invalid", 1, "the host name does not resolve"),
        ("http://api.example.com", 1, "only allowed to this machine"),
    ] {
        let environment = [("CLICKHOUSE_CLOUD_API_KEY", KEY), ("CLICKHOUSE_CLOUD_API_SECRET", "canary-secret")];
        let args = ["--api-url", url, "--timeout", "1s"];
        let said = run_doctor(&desk, &args, &environment);
        assert_eq!(said.code, code, "{url}: {}", said.all_output());
        assert!(said.stdout.contains(words), "{url}: {}", said.all_output());
        assert!(
            !said.all_output().contains("canary-secret") && !said.all_output().contains(KEY),
            "{}",
            said.all_output()
        );
    }
}

#[test]
fn doctor_warns_about_a_shallow_clone() {
    let repo = TestRepo::new();
    repo.write_file("pipe.yaml", PIPE);
    repo.commit_all("first");
    repo.commit_all("second");
    let look = |path: &str| run_doctor(&repo.work_dir, &[path, "--sandbox"], &[]);
    let git = |said: &RunOutput| findings_of(said).into_iter().find(|it| it.starts_with("git")).unwrap();
    let whole = look("pipe.yaml");
    assert_eq!(git(&whole), "git ok", "{}", whole.all_output());
    assert_eq!((whole.code, &whole.stdout_json()["outcome"]), (0, &json!("fine")), "{}", whole.all_output());
    let url = format!("file://{}", repo.work_dir.temp_dir.path().display());
    repo.run_git(&["clone", "--quiet", "--depth=1", &url, "shallow"]);
    let shallow = look("shallow/pipe.yaml");
    assert_eq!(git(&shallow), "git warn", "{}", shallow.all_output());
    assert!(shallow.stdout.contains("fetch-depth: 0"), "{}", shallow.stdout);
}

#[test]
fn doctor_runs_other_checks_despite_broken_files() {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifest: [pipes]\n");
    desk.write_file("pipe.yaml", "kind: ClickPipe\n");
    let said = run_doctor(&desk, &["pipe.yaml", "--sandbox"], &[]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    let bad: Vec<_> = findings_of(&said).into_iter().filter(|it| it.ends_with("bad")).collect();
    assert_eq!(bad, ["project bad", "manifests bad"]);
    assert!(findings_of(&said).iter().any(|it| it == "rate limit ok"), "{}", said.all_output());
}

#[test]
fn doctor_shows_the_identity_to_grant_at_google_cloud() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    let said = run_doctor(&desk, &["pipe.yaml", "--sandbox"], &[]);
    let expected = "analytics: pipes with workload identity act as serviceAccount:clickpipes-";
    assert!(said.stdout.contains(expected), "{}", said.all_output());
    assert!(findings_of(&said).contains(&"identity ok".to_owned()), "{}", said.all_output());
}

#[test]
fn doctor_lists_where_an_api_schema_differs_from_this_version() {
    let desk = WorkDir::new();
    let prefix = "/v1/organizations/{organizationId}/services/{serviceId}";
    let mut document = json!({"paths": {}, "components": {"schemas": {
        "ClickPipeScaling": {"properties": {"turbo": {"type": "boolean"}}},
    }}});
    for (path, method) in
        [("clickpipes/{clickPipeId}/state", "patch"), ("clickpipesSshKeyResources", "post"), ("backups", "get")]
    {
        document["paths"][format!("{prefix}/{path}")][method] = json!({"responses": {}});
    }
    desk.write_file("api.json", document.to_string());
    let said = run_doctor(&desk, &["--api-schema", "api.json", "--sandbox"], &[]);
    let json = said.stdout_json();
    let findings = json["result"]["findings"].as_array().unwrap().iter().filter(|it| it["check"] == "schema");
    let told: Vec<&str> = findings.map(|it| it["what"].as_str().unwrap()).collect();
    for news in [
        &*format!("new request `POST {prefix}/clickpipesSshKeyResources`"),
        "the request `GET /v1/organizations/{id}/services/{id}/clickpipes` is gone",
        "the schema `ClickPipePatchRequest` is gone",
        "new field `ClickPipe.scaling.turbo`",
        "`ClickPipe.scaling.replicas` is gone",
    ] {
        assert!(told.contains(&news), "{news}: {told:#?}");
    }
    assert!(!told.iter().any(|news| news.contains("/state`") || news.contains("backups")), "{told:#?}");
    desk.write_file("api.json", "[]");
    let said = run_doctor(&desk, &["--api-schema", "api.json", "--sandbox"], &[]);
    assert!(findings_of(&said).contains(&"schema bad".to_owned()), "{}", said.all_output());
}
