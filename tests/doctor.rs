//! `pipectl doctor`: what a run would find, and how to mend it.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::cli::{Desk, Said};
use crate::support::repo::Repo;
use crate::support::server::Server;
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
fn found(said: &Said) -> Vec<String> {
    assert!(!said.all().contains("canary"), "{}", said.all());
    let json = said.json();
    let findings = json["result"]["findings"].as_array().unwrap();
    let word = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    findings.iter().map(|it| format!("{} {}", word(it, "check"), word(it, "level"))).collect()
}

fn doctor(desk: &Desk, more: &[&str], environment: &[(&str, &str)]) -> Said {
    desk.run_with(&[&["doctor", "-o", "json"], more].concat(), environment)
}

fn against(
    server: &Server,
    desk: &Desk,
    change: impl Fn(&mut Vec<(&'static str, String)>),
) -> Said {
    let mut environment = server.environment();
    change(&mut environment);
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    doctor(desk, &["pipe.yaml"], &environment)
}

#[test]
fn all_is_told_and_no_key_is_shown() {
    let server = Server::start(1);
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    let said = against(&server, &desk, |_| ());
    assert_eq!((said.code, &said.json()["outcome"]), (0, &json!("warnings")), "{}", said.all());
    let all = ["project", "manifests", "git", "api", "key", "reach", "organization", "service"];
    for check in [&all[..], &["rate limit"]].concat() {
        assert!(found(&said).iter().any(|it| it.starts_with(check)), "{check}: {}", said.all());
    }
    assert!(!said.all().contains(sandbox::KEY_ID), "{}", said.all());
    assert!(!said.all().contains(sandbox::KEY_SECRET), "{}", said.all());
    assert!(said.stdout.contains("…-key (from CLICKHOUSE_CLOUD_API_KEY"), "{}", said.stdout);
    assert!(server.journal().iter().all(|entry| entry["method"] == "GET"));
}

#[test]
fn without_a_key_the_rest_is_told() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    let said = doctor(&desk, &["pipe.yaml"], &[]);
    assert_eq!((said.code, &said.json()["outcome"]), (4, &json!("refused")), "{}", said.all());
    assert!(found(&said).contains(&"manifests ok".to_owned()), "{}", said.all());
    assert!(found(&said).contains(&"key bad".to_owned()), "{}", said.all());
    assert!(said.stdout.contains("CLICKHOUSE_CLOUD_API_SECRET"), "{}", said.stdout);
    let mixed = [("CLICKHOUSE_CLOUD_API_KEY", KEY), ("KEY_SECRET", "canary")];
    let said = doctor(&desk, &["pipe.yaml"], &mixed);
    assert!(said.stdout.contains("CLICKHOUSE_CLOUD_API_SECRET is not"), "{}", said.stdout);
    assert!(!said.all().contains("canary"), "{}", said.all());
}

#[test]
fn a_refused_key_has_its_code() {
    let server = Server::start(1);
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    let said = against(&server, &desk, |environment| {
        environment.retain(|(name, _)| !name.starts_with("CLICKHOUSE_CLOUD_API"));
        environment.push(("CLICKHOUSE_CLOUD_API_KEY", KEY.to_owned()));
        environment.push(("CLICKHOUSE_CLOUD_API_SECRET", "canary".to_owned()));
    });
    assert_eq!((said.code, &said.json()["outcome"]), (4, &json!("refused")), "{}", said.all());
    assert!(found(&said).contains(&"reach bad".to_owned()), "{}", said.all());
    assert!(said.stdout.contains("belong together"), "the fix: {}", said.stdout);
}

#[test]
fn another_organization_and_an_unknown_service_are_bad() {
    let server = Server::start(1);
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    let said = against(&server, &desk, |environment| {
        environment.retain(|(name, _)| *name != "CLICKHOUSE_ORG_ID");
        environment.push(("CLICKHOUSE_ORG_ID", "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50009".to_owned()));
    });
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(found(&said).contains(&"organization bad".to_owned()), "{}", said.all());
    desk.write("pipe.yaml", PIPE.replace("service: analytics", "service: analytcs"));
    let said = against(&server, &desk, |_| ());
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stdout.contains("no service is called `analytcs`"), "{}", said.stdout);
}

#[test]
fn a_service_that_sleeps_or_was_stopped_is_explained() {
    let server = Server::start(1);
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    for (state, words) in [("idle", "--wake"), ("stopped", "never starts it")] {
        let body = json!({"service": "analytics", "state": state});
        server.ask("POST", "service-state", &body);
        let said = against(&server, &desk, |_| ());
        assert_eq!(said.code, 0, "{}", said.all());
        assert!(found(&said).contains(&"service warn".to_owned()), "{}", said.all());
        assert!(said.stdout.contains(words), "{}", said.stdout);
    }
}

/// Answers every connection with the same bytes.
fn answering(bytes: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().take(40) {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let _ = connection.write_all(bytes.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn what_is_wrong_on_the_way_is_explained() {
    let desk = Desk::new();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let html = answering(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 18\r\nconnection: \
         close\r\n\r\n<html>hello</html>",
    );
    let forbidden = answering(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: \
         62\r\nconnection: close\r\n\r\n{\"status\":403,\"requestId\":\"r-1\",\"error\":\"key-id-canary: no\"}  ",
    );
    for (url, code, words) in [
        (closed.as_str(), 1, "nothing listens there"),
        (html.as_str(), 1, "answers for it; check the API's URL"),
        (forbidden.as_str(), 4, "the key's role does not allow this"),
        ("https://api.invalid", 1, "the host has no address here"),
        ("http://api.example.com", 1, "only allowed to this machine"),
    ] {
        let environment =
            [("CLICKHOUSE_CLOUD_API_KEY", KEY), ("CLICKHOUSE_CLOUD_API_SECRET", "canary-secret")];
        let args = ["--api-url", url, "--timeout", "1s"];
        let said = doctor(&desk, &args, &environment);
        assert_eq!(said.code, code, "{url}: {}", said.all());
        assert!(said.stdout.contains(words), "{url}: {}", said.all());
        assert!(
            !said.all().contains("canary-secret") && !said.all().contains(KEY),
            "{}",
            said.all()
        );
    }
}

#[test]
fn what_git_can_prove_is_told() {
    let repo = Repo::new();
    repo.write("pipe.yaml", PIPE);
    repo.commit("first");
    repo.commit("second");
    let look = |path: &str| doctor(&repo.desk, &[path, "--sandbox"], &[]);
    let git = |said: &Said| found(said).into_iter().find(|it| it.starts_with("git")).unwrap();
    let whole = look("pipe.yaml");
    assert_eq!(git(&whole), "git ok", "{}", whole.all());
    assert_eq!((whole.code, &whole.json()["outcome"]), (0, &json!("fine")), "{}", whole.all());
    let url = format!("file://{}", repo.desk.folder.path().display());
    repo.git(&["clone", "--quiet", "--depth=1", &url, "shallow"]);
    let shallow = look("shallow/pipe.yaml");
    assert_eq!(git(&shallow), "git warn", "{}", shallow.all());
    assert!(shallow.stdout.contains("fetch-depth: 0"), "{}", shallow.stdout);
}

#[test]
fn a_broken_project_and_broken_manifests_hide_nothing_else() {
    let desk = Desk::new();
    desk.write("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifest: [pipes]\n");
    desk.write("pipe.yaml", "kind: ClickPipe\n");
    let said = doctor(&desk, &["pipe.yaml", "--sandbox"], &[]);
    assert_eq!(said.code, 1, "{}", said.all());
    let bad: Vec<_> = found(&said).into_iter().filter(|it| it.ends_with("bad")).collect();
    assert_eq!(bad, ["project bad", "manifests bad"]);
    assert!(found(&said).iter().any(|it| it == "rate limit ok"), "{}", said.all());
}
