//! An API that answers what no API should: nothing of it leaves its place, and no command panics or hangs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::hostile_text::assert_harmless;
use crate::support::cli::WorkDir;
use crate::support::test_repo::kinesis_manifest;

const ORGANIZATION: &str = "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000";
const SERVICE: &str = "5a1c0000-0000-4000-8000-000000000001";
const HOSTILE: &str = "x\u{1b}[2J\n::error::\u{202e}##[add-mask]<script>alert(1)</script>|`](javascript:x)";
const KEY: &str = "canary-of-the-key";

/// What the server says to every request below a service.
#[derive(Clone, Default)]
struct Attack {
    status: u16,
    headers: String,
    body: String,
}

/// Every request line and what of the key it held.
type RequestLines = Arc<Mutex<Vec<String>>>;

fn spawn_server(attack: Attack) -> (String, RequestLines) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = RequestLines::default();
    let lines = Arc::clone(&seen);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(connection) = connection else { return };
            answer(connection, &attack, &lines);
        }
    });
    (address, seen)
}

fn answer(mut connection: TcpStream, attack: &Attack, lines: &RequestLines) {
    let mut request = [0; 16_384];
    let length = connection.read(&mut request).unwrap_or_default();
    let asked = String::from_utf8_lossy(&request[..length]).into_owned();
    let line = asked.lines().next().unwrap_or_default().to_owned();
    let path = line.split(' ').nth(1).unwrap_or_default().trim_end_matches('/').to_owned();
    lines.lock().unwrap().push(line);
    let found = |result: Value| json!({"status": 200, "requestId": "r-1", "result": result}).to_string();
    let service = json!({"id": SERVICE, "name": "analytics", "state": "running"});
    let (status, headers, body) = if path.contains("/clickpipes") {
        (attack.status, attack.headers.clone(), attack.body.clone())
    } else if path.ends_with("/services") {
        (200, String::new(), found(json!([service])))
    } else if path.ends_with("/organizations") {
        (200, String::new(), found(json!([{"id": ORGANIZATION, "name": "o"}])))
    } else {
        (200, String::new(), found(service))
    };
    let head = format!("HTTP/1.1 {status} Some\r\ncontent-type: application/json\r\n{headers}connection: close");
    let _ = write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
}

/// A pipe as the API shows it, with one place changed.
fn pipe_with(place: &str, value: Value) -> Value {
    let mut pipe = json!({
        "id": "7e38dabf-f41d-4315-a715-83190df7eedb", "serviceId": SERVICE, "name": "clicks", "state": "Running",
        "scaling": {"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5},
        "source": {"kinesis": {"format": "JSONEachRow", "streamName": "clicks", "region": "us-east-1",
            "iteratorType": "LATEST", "authentication": "IAM_USER"}},
        "destination": {"database": "default", "table": "clicks", "managedTable": true,
            "columns": [{"name": "id", "type": "String"}]},
        "fieldMappings": [], "settings": {}, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
    });
    *pipe.pointer_mut(place).unwrap() = value;
    pipe
}

fn listed(pipes: &Value) -> Attack {
    let body = json!({"status": 200, "requestId": HOSTILE, "result": pipes, "nextPageToken": "again"}).to_string();
    Attack { status: 200, headers: "link: </v1/organizations>; rel=\"next\"\r\n".to_owned(), body }
}

fn attacks() -> Vec<(String, Attack)> {
    let mut all = Vec::new();
    let words = [json!(HOSTILE), json!("../../../organizations"), json!(7), json!({"a": [HOSTILE]}), Value::Null];
    for place in ["/id", "/name"] {
        let alone = |word: &Value| (format!("{place} {word}"), listed(&json!([pipe_with(place, word.clone())])));
        all.extend(words.iter().map(alone));
    }
    // These are read whatever they hold, so one answer has them all.
    let mut pipes = Vec::new();
    for place in [
        "/state",
        "/source",
        "/source/kinesis",
        "/source/kinesis/streamName",
        "/source/kinesis/region",
        "/destination",
        "/destination/columns",
        "/scaling",
        "/scaling/replicas",
        "/fieldMappings",
        "/settings",
        "/createdAt",
    ] {
        for word in words.iter().cloned().chain([json!([[[HOSTILE]]]), json!("NaN"), json!(-1e308)]) {
            let mut pipe = pipe_with(place, word);
            pipe["id"] = json!(format!("7e38dabf-f41d-4315-a715-{:012}", pipes.len()));
            pipe["name"] = json!(if pipes.is_empty() { "clicks".to_owned() } else { format!("p{}", pipes.len()) });
            pipes.push(pipe);
        }
    }
    all.push(("values of any type".to_owned(), listed(&json!(pipes))));
    let twin = pipe_with("/name", json!("views"));
    all.push(("ids that repeat".to_owned(), listed(&json!([pipe_with("/name", json!("clicks")), twin.clone(), twin]))));
    let raw = |status: u16, headers: &str, body: String| Attack { status, headers: headers.to_owned(), body };
    all.push(("deep JSON".to_owned(), raw(200, "", "[".repeat(200_000))));
    all.push(("a number out of range".to_owned(), raw(200, "", r#"{"result": [{"id": "a", "name": 1e999}]}"#.into())));
    all.push(("no JSON".to_owned(), raw(200, "", HOSTILE.to_owned())));
    let error = json!({"status": 403, "requestId": HOSTILE, "error": HOSTILE}).to_string();
    all.push(("an error text".to_owned(), raw(403, "", error.clone())));
    all.push(("a refusal of the request".to_owned(), raw(400, "", error)));
    all
}

fn run_all(attack: Attack, what: &str) {
    let (url, seen) = spawn_server(attack);
    let desk = WorkDir::new();
    desk.write_file("pipes/clicks.yaml", kinesis_manifest("clicks", "", ""));
    for args in [
        &["plan", "pipes"][..],
        &["plan", "pipes", "-o", "json"],
        &["plan", "pipes", "--report", "markdown=report"],
        &["drift", "pipes"],
        &["status", "pipes"],
        &["status", "pipes", "-o", "json"],
        &["export"],
        &["doctor"],
    ] {
        let secret = format!("{KEY}-{}", args[0]);
        let said = desk.run_with_env(
            // Answers that cannot be read are asked for again.
            &[args, &["--timeout", "1s", "--api-url", &url]].concat(),
            &[
                ("CLICKHOUSE_CLOUD_API_KEY", "key"),
                ("CLICKHOUSE_CLOUD_API_SECRET", &secret),
                ("CLICKHOUSE_ORG_ID", ORGANIZATION),
                ("PIPECTL_SERVICE", SERVICE),
                ("GITHUB_ACTIONS", "true"),
                ("P", "p"),
            ],
        );
        let said_all = said.all_output();
        assert_harmless(&format!("{what}: {args:?}"), &said_all);
        assert!(!said_all.contains("panicked") && !said_all.contains(KEY), "{what}: {args:?}: {said_all}");
        assert!((0..=8).contains(&said.code), "{what}: {args:?}: {}", said.code);
        if args.contains(&"json") {
            let _ = said.stdout_json();
        }
    }
    if let Ok(report) = std::fs::read_to_string(desk.temp_dir.path().join("report")) {
        // A fence shows what it holds as it stands.
        let shown: String = report.split("```").step_by(2).collect();
        assert!(!report.contains(['\u{1b}', '\u{202e}']) && !shown.contains("<script"), "{what}: {report:?}");
    }
    let lines = seen.lock().unwrap();
    assert!(lines.len() < 100, "{what}: {} requests", lines.len());
    let strays = lines.iter().find(|line| !line.starts_with("GET /v1/organizations"));
    assert_eq!(strays, None, "{what}");
}

#[test]
fn hostile_answers_are_harmless_in_every_output() {
    for (what, attack) in attacks() {
        run_all(attack, &what);
    }
}

#[test]
fn redirect_gets_neither_request_nor_key() {
    let (elsewhere, seen) = spawn_server(Attack { status: 200, ..Attack::default() });
    for status in [301, 302, 303, 307, 308] {
        let headers = format!("location: {elsewhere}/v1/organizations\r\n");
        run_all(Attack { status, headers, body: String::new() }, &format!("redirect {status}"));
    }
    assert_eq!(*seen.lock().unwrap(), Vec::<String>::new());
}
