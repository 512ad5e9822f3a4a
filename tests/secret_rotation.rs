//! A rotated secret, told to git by a version: one request carries it, once, whatever the source.

use std::time::Duration;

use crate::support::manifests;
use crate::support::test_repo::TestRepo;
use sandbox::{LoggedRequest, World};
use serde_json::{Value, json};

/// The pipes with a secret that can be sent to a live pipe, and where it stands below the source.
const PIPES: &[(&str, &str, &str)] = &[
    ("kafka-scram", "/kafka/credentials", "password"),
    ("kafka-msk-user", "/kafka/credentials", "secretKey"),
    ("kafka-mtls", "/kafka/credentials", "privateKey"),
    ("kafka-eventhub", "/kafka/credentials", "connectionString"),
    ("kinesis-user", "/kinesis/accessKey", "secretKey"),
    ("s3-queue", "/objectStorage/accessKey", "secretKey"),
    ("gcs-key", "/objectStorage", "serviceAccountKey"),
    ("azure", "/objectStorage", "connectionString"),
    ("pubsub", "/pubsub/serviceAccountKey", "serviceAccountFile"),
    ("postgres-cdc", "/postgres/credentials", "password"),
    ("mysql-cdc", "/mysql/credentials", "password"),
    ("mongodb-cdc", "/mongodb/credentials", "password"),
];

const SECRET: (&str, &str) = ("SEED_SECRET", "canary-5up3r-s3cr3t");

fn seed_named(name: &str) -> Value {
    let mut seed = manifests::seed_named(name);
    // A link would be one more object.
    if let Some(Value::Object(kafka)) = seed.pointer_mut("/spec/source/kafka") {
        kafka.remove("reversePrivateEndpointIds");
    }
    seed
}

/// The pipe with another version of its secret.
fn rotate_secret(name: &str, group: &str, member: &str) -> Value {
    let mut seed = seed_named(name);
    seed["spec"]["source"].pointer_mut(group).unwrap()[member]["version"] = json!(7);
    seed
}

/// A repository in which these pipes are applied.
fn applied_repo(pipes: &[Value]) -> TestRepo {
    let repo = TestRepo::new();
    for pipe in pipes {
        write_manifest(&repo, pipe);
    }
    repo.commit_all("Pipes");
    let said = repo.run_with_env(&["apply", "pipes", "--yes"], &[SECRET]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    repo
}

fn write_manifest(repo: &TestRepo, pipe: &Value) {
    let name = pipe["metadata"]["name"].as_str().unwrap();
    repo.write_file(&format!("pipes/{name}.yaml"), &pipe.to_string());
}

/// What was written since the journal had this length.
fn write_entries(repo: &TestRepo, from: usize) -> Vec<LoggedRequest> {
    repo.edit_world(|world| {
        let entries = world.request_log().iter().skip(from);
        entries.filter(|entry| entry.method != "GET").cloned().collect()
    })
}

fn request_count(repo: &TestRepo) -> usize {
    repo.edit_world(|world: &mut World| {
        // What was asked until now counts against the rate limit for a while.
        world.advance_clock(Duration::from_secs(30));
        world.request_log().len()
    })
}

#[test]
fn raised_version_sends_the_credentials_once() {
    let all: Vec<Value> = PIPES.iter().map(|(name, ..)| seed_named(name)).collect();
    let repo = applied_repo(&all);
    for (name, group, member) in PIPES {
        write_manifest(&repo, &rotate_secret(name, group, member));
        repo.commit_all("Rotate");
        let base = ["pipes", "--base", "HEAD~1"];
        // A plan needs no secret.
        let plan = repo.run_pipectl(&[&["plan"][..], &base, &["-o", "json"]].concat());
        assert_eq!(plan.code, 0, "{name}: {}", plan.all_output());
        let sends = &plan.stdout_json()["result"]["changes"][0]["secrets"];
        assert!(sends.to_string().contains("SEED_SECRET"), "{name}: {}", plan.stdout);

        let from = request_count(&repo);
        let done = repo.run_with_env(&[&["apply"][..], &base, &["--yes"]].concat(), &[SECRET]);
        assert_eq!(done.code, 0, "{name}: {}", done.all_output());
        assert!(!done.all_output().contains(SECRET.1));
        let writes = write_entries(&repo, from);
        let told: Vec<_> = writes.iter().map(|entry| entry.method.as_str()).collect();
        assert_eq!(told, ["PATCH"], "{name}: {writes:#?}");
        let sent = &writes[0].body["source"].pointer(group).unwrap()[*member];
        assert_eq!(sent, &json!("***"), "{name}: {writes:#?}");

        let again = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD", "--detailed-exitcode"]);
        assert_eq!(again.code, 0, "{name}: {}", again.all_output());
    }
}

/// Not even a new pipe for the registry's user, which is fixed when the pipe is made.
#[test]
fn lowered_or_removed_version_sends_nothing() {
    let (mut kafka, mut postgres) = (seed_named("kafka-scram"), seed_named("postgres-cdc"));
    let registry = json!({
        "url": "https://registry.example.com", "authentication": "PLAIN",
        "credentials": {"username": "u", "password": {"fromEnv": SECRET.0}, "version": 3},
    });
    kafka["spec"]["source"]["kafka"]["schemaRegistry"] = registry;
    postgres["spec"]["source"]["postgres"]["credentials"]["version"] = json!(3);
    let repo = applied_repo(&[kafka.clone(), postgres.clone()]);
    for version in [Some(2), None] {
        for group in [
            &mut kafka["spec"]["source"]["kafka"]["schemaRegistry"]["credentials"],
            &mut postgres["spec"]["source"]["postgres"]["credentials"],
        ] {
            let group = group.as_object_mut().unwrap();
            group.remove("version");
            group.extend(version.map(|version| ("version".to_owned(), json!(version))));
        }
        write_manifest(&repo, &kafka);
        write_manifest(&repo, &postgres);
        repo.commit_all("Lower");
        let said = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD~1", "--detailed-exitcode"]);
        assert_eq!(said.code, 0, "{version:?}: {}", said.all_output());
        assert_eq!(
            said.stdout.matches("only a higher `version` sends the secret again").count(),
            2,
            "{}",
            said.all_output()
        );
    }
}

#[test]
fn rotation_keeps_a_stopped_pipe_stopped() {
    let mut pipe = seed_named("postgres-cdc");
    pipe["spec"]["state"] = json!("stopped");
    let repo = applied_repo(std::slice::from_ref(&pipe));
    pipe["spec"]["source"]["postgres"]["credentials"]["version"] = json!(2);
    write_manifest(&repo, &pipe);
    repo.commit_all("Rotate");
    let from = request_count(&repo);
    let args = ["apply", "pipes", "--yes", "--base", "HEAD~1"];
    let done = repo.run_with_env(&args, &[SECRET]);
    assert_eq!(done.code, 0, "{}", done.all_output());
    assert_eq!(repo.live("postgres-cdc", "/state"), json!("Paused"));
    // The API starts a paused pipe on such an edit: it is stopped again, and never started.
    let writes = write_entries(&repo, from);
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert!(writes[0].body.pointer("/source/postgres/credentials").is_some(), "{writes:?}");
    assert_eq!(writes[1].body, json!({"command": "stop"}), "{writes:?}");
}

#[test]
fn changed_reference_or_username_is_sent() {
    let repo = applied_repo(&[seed_named("kafka-scram")]);
    for change in [json!({"username": "v"}), json!({"password": {"fromEnv": "OTHER"}})] {
        let mut pipe = seed_named("kafka-scram");
        let credentials = pipe["spec"]["source"]["kafka"]["credentials"].as_object_mut().unwrap();
        credentials.extend(change.as_object().unwrap().clone());
        write_manifest(&repo, &pipe);
        repo.commit_all("Another");
        let from = request_count(&repo);
        let args = ["apply", "pipes", "--yes", "--base", "HEAD~1"];
        let done = repo.run_with_env(&args, &[SECRET, ("OTHER", "x")]);
        assert_eq!(done.code, 0, "{}", done.all_output());
        assert_eq!(write_entries(&repo, from).len(), 1, "{change}");
    }
}

#[test]
fn resend_secrets_flag_covers_only_selected_pipes() {
    let repo = applied_repo(&[seed_named("postgres-cdc"), seed_named("kinesis-user"), seed_named("bigquery")]);
    for (ask, patches) in
        [("--resend-secrets=analytics/postgres-cdc", 1), ("--resend-secrets", 2), ("--resend-secrets=bigquery", 0)]
    {
        let from = request_count(&repo);
        let done = repo.run_with_env(&["apply", "pipes", "--yes", ask], &[SECRET]);
        assert_eq!(done.code, 0, "{}", done.all_output());
        let writes = write_entries(&repo, from);
        assert_eq!(writes.len(), patches, "{ask}: {writes:#?}");
        for write in writes.iter().filter(|write| write.body.to_string().contains("postgres")) {
            let secret = json!({"credentials": {"username": "***", "password": "***"}});
            assert_eq!(write.body, json!({"source": {"postgres": secret}}));
        }
        let fixed = ask.ends_with("postgres-cdc") || done.stdout.contains("fixed: not sent again");
        assert!(fixed, "{}", done.stdout);
    }
    let lost = repo.run_pipectl(&["plan", "pipes", "--resend-secrets=postgres-dcd"]);
    assert_eq!(lost.code, 1, "{}", lost.all_output());
}

#[test]
fn saved_rotation_needs_the_same_base() {
    let repo = applied_repo(&[seed_named("mysql-cdc")]);
    write_manifest(&repo, &rotate_secret("mysql-cdc", "/mysql/credentials", "password"));
    repo.commit_all("Rotate");
    repo.run_successfully(&["plan", "pipes", "--base", "HEAD~1", "--out", "plan.json"]);
    let forgot = repo.run_with_env(&["apply", "pipes", "--plan", "plan.json"], &[SECRET]);
    assert_eq!(forgot.code, 6, "{}", forgot.all_output());
    assert!(forgot.stdout.contains("pass the same `--base`"), "{}", forgot.all_output());
    let from = request_count(&repo);
    let args = ["apply", "pipes", "--plan", "plan.json", "--base", "HEAD~1"];
    let done = repo.run_with_env(&args, &[SECRET]);
    assert_eq!(done.code, 0, "{}", done.all_output());
    assert_eq!(write_entries(&repo, from).len(), 1);
}

/// What is made again, or is stopped for its edit, stays as it is where a secret is missing.
#[test]
fn missing_secret_prevents_replacement_and_pause() {
    for (name, field, value) in [
        ("kafka-scram", "/kafka/topics", json!("another")),
        ("postgres-cdc", "/postgres/credentials/password", json!({"fromEnv": "OTHER"})),
    ] {
        let mut pipe = seed_named(name);
        let repo = applied_repo(std::slice::from_ref(&pipe));
        *pipe["spec"]["source"].pointer_mut(field).unwrap() = value;
        write_manifest(&repo, &pipe);
        repo.commit_all("Another");
        let from = request_count(&repo);
        let said = repo.run_pipectl(&["apply", "pipes", "--yes", "--base", "HEAD~1", "--allow-replace", "glob:*"]);
        assert_eq!(said.code, 1, "{name}: {}", said.all_output());
        assert!(said.stdout.contains("cannot resolve the secret"), "{name}: {}", said.all_output());
        assert_eq!(write_entries(&repo, from).len(), 0, "{name}: {:#?}", write_entries(&repo, from));
        assert_eq!(repo.live(name, "/state"), json!("Running"), "{name}");
    }
}
