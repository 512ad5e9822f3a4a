//! Several API keys of one environment, against a sandbox with real keys.

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::server::SandboxServer;

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
defaults: {environment: prod}
environments:
  prod:
    credentials:
      - {key: {fromEnv: FIRST_KEY}, secret: {fromEnv: FIRST_SECRET}}
      - {key: {fromEnv: SECOND_KEY}, secret: {fromEnv: SECOND_SECRET}}
";

/// Runs with the second key that is given.
fn run_with_second_key(server: &SandboxServer, args: &[&str], key: &str, secret: &str) -> RunOutput {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", PROJECT);
    desk.write_file(
        "pipes/clicks.yaml",
        std::fs::read_to_string(WorkDir::examples_dir().join("kinesis.yaml")).unwrap(),
    );
    let known = server.client_environment();
    let known = known.iter().map(|(name, value)| (*name, value.as_str()));
    let keys = [
        ("FIRST_KEY", sandbox::KEY_ID),
        ("FIRST_SECRET", sandbox::KEY_SECRET),
        ("SECOND_KEY", key),
        ("SECOND_SECRET", secret),
    ];
    let environment: Vec<(&str, &str)> = known.filter(|(name, _)| !name.contains("CLOUD_API")).chain(keys).collect();
    desk.run_with_env(args, &environment)
}

#[test]
fn doctor_shows_every_key() {
    let server = SandboxServer::start_with_services(1, &["clickstream"]);
    let run = run_with_second_key(&server, &["doctor"], &sandbox::nth_key_id(1), sandbox::KEY_SECRET);
    assert_eq!(run.code, 0, "{}", run.all_output());
    for variable in ["FIRST_KEY", "SECOND_KEY"] {
        assert!(run.stdout.contains(&format!("(from {variable}, with its secret)")), "{}", run.stdout);
    }
    assert!(run.stdout.contains("20 requests in 10s"), "{}", run.stdout);
}

#[test]
fn a_key_that_the_api_refuses_is_named_before_anything_is_read() {
    let server = SandboxServer::start(1);
    let run = run_with_second_key(&server, &["plan"], &sandbox::nth_key_id(1), "wrong");
    assert!(run.stderr.contains("the API key in SECOND_KEY"), "{}", run.all_output());
    assert_eq!(run.code, 4, "{}", run.all_output());
    assert_eq!(server.count_requests(|entry| entry["path"].as_str().unwrap().contains("/services")), 0);
}

#[test]
fn the_same_key_twice_is_an_error() {
    let server = SandboxServer::start(1);
    let run = run_with_second_key(&server, &["plan"], sandbox::KEY_ID, sandbox::KEY_SECRET);
    assert!(run.stderr.contains("FIRST_KEY and SECOND_KEY hold the same API key"), "{}", run.all_output());
    assert!(server.request_log().is_empty());
}
