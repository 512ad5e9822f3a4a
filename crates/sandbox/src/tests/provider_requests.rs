//! What the official Terraform provider (3.25.3) sends for its own published examples, and for edits of a Kafka and a
//! Postgres pipe, and what ClickHouse's own command line (`clickhousectl` 0.4) sends, as its source of August 2026 builds
//! it. Both are used on the live API every day, so the sandbox answers each request with the same class of status.

use std::collections::BTreeMap;

use serde_json::Value;

use super::SandboxBench;
use crate::SandboxOptions;

const EXAMPLES: &str = include_str!("provider_requests/examples.jsonl");
const COMMAND_LINE: &str = include_str!("provider_requests/clickhousectl.jsonl");
const UPDATES: &str = include_str!("provider_requests/updates.jsonl");

/// How long the provider waits, in seconds.
const MAX_WAIT: u64 = 600;

/// A person edits a pipe some time after it was created: its load is done by then.
const LOAD_TIME: u64 = 300;

/// One life after another: tables stay filled, so each begins in a new sandbox.
#[derive(Default)]
struct Replay {
    bench: Option<SandboxBench>,
    /// Ids by the names that the recording gives them.
    ids: BTreeMap<String, String>,
    live: usize,
    /// Whether each edit is made long after the one before. A database pipe runs again by then.
    is_slow: bool,
    refusals: Vec<String>,
}

impl Replay {
    fn bench(&mut self) -> &mut SandboxBench {
        let options = || SandboxOptions { rate_limit: None, ..SandboxOptions::default() };
        self.bench.get_or_insert_with(|| SandboxBench::with_options(options()))
    }

    fn replay_request(&mut self, line: &str) {
        let request: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        let (method, path) = (text("method"), text("path"));
        let path = path.split_once("{service}").unwrap().1;
        let path = self.ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        let body = self.ids.iter().fold(request["body"].to_string(), |body, (name, id)| body.replace(name, id));
        let body: Value = serde_json::from_str(&body).unwrap();
        if method == "POST" && self.live == 0 {
            self.bench = None;
        }
        self.wait_for_cdc_scaling(&path);
        let answer = self.bench().send_request(&method, &path, &body);
        if u64::from(answer.status / 100) != request["status"].as_u64().unwrap() / 100 {
            self.refusals.push(format!("{line}\n    {} {}", answer.status, answer.json_body()["error"]));
            return;
        }
        match method.as_str() {
            "POST" if request.get("creates").is_some() => {
                let id = answer.json_body()["result"]["id"].as_str().unwrap().to_owned();
                self.wait_until_settled(&path, &id, "start");
                self.bench().wait_seconds(LOAD_TIME);
                self.ids.insert(text("creates"), id);
                self.live += 1;
            }
            "PATCH" if path.ends_with("/state") => {
                let id = path.split('/').nth(2).unwrap().to_owned();
                self.wait_until_settled("/clickpipes", &id, body["command"].as_str().unwrap());
            }
            "PATCH" if self.is_slow => self.bench().wait_seconds(LOAD_TIME),
            "DELETE" => {
                self.wait_until(&path, |state| state.is_none());
                self.live -= 1;
            }
            _ => {}
        }
    }

    fn wait_until_settled(&mut self, list: &str, id: &str, command: &str) {
        let settled: &[&str] = match command {
            "stop" => &["Paused", "Stopped"],
            _ => &["Running", "Snapshot", "Completed", "Failed", "Ready", "PendingAcceptance"],
        };
        let path = format!("{}/{id}", list.trim_end_matches('/'));
        self.wait_until(&path, |state| state.is_some_and(|state| settled.contains(&state)));
    }

    /// The provider tries until the size of database pipes exists.
    fn wait_for_cdc_scaling(&mut self, path: &str) {
        if path == "/clickpipesCdcScaling" {
            self.wait_until(path, |state| state.is_some());
        }
    }

    fn wait_until(&mut self, path: &str, is_reached: impl Fn(Option<&str>) -> bool) {
        for _ in 0..MAX_WAIT {
            let answer = self.bench().send_request("GET", path, &Value::Null);
            let result = &answer.json_body()["result"];
            let state = result["state"].as_str().or(result["status"].as_str());
            if is_reached(state.or((answer.status == 200).then_some(""))) {
                return;
            }
            self.bench().wait_seconds(1);
        }
        panic!("{path} does not settle");
    }
}

#[track_caller]
fn assert_answered_alike(requests: &str) {
    for is_slow in [false, true] {
        let mut replay = Replay { is_slow, ..Replay::default() };
        requests.lines().for_each(|line| replay.replay_request(line));
        assert!(replay.refusals.is_empty(), "{}", replay.refusals.join("\n"));
    }
}

#[test]
fn examples_of_the_official_provider_are_answered_alike() {
    assert_answered_alike(EXAMPLES);
}

#[test]
fn requests_of_clickhousectl_are_answered_alike() {
    assert_answered_alike(COMMAND_LINE);
}

#[test]
fn edits_of_the_official_provider_are_answered_alike() {
    assert_answered_alike(UPDATES);
}
