//! A rotated secret, told to git by a version: one request carries it, once, whatever the source.

use std::time::Duration;

use crate::support::manifests::documents;
use crate::support::repo::Repo;
use sandbox::{Entry, World};
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

fn seed(name: &str) -> Value {
    let mut seeds = documents("tests/seeds").into_iter();
    let mut seed = seeds.find(|seed| seed["metadata"]["name"] == name).unwrap();
    // A link would be one more object.
    if let Some(Value::Object(kafka)) = seed.pointer_mut("/spec/source/kafka") {
        kafka.remove("reversePrivateEndpointIds");
    }
    seed
}

/// The pipe with another version of its secret.
fn rotated(name: &str, group: &str, member: &str) -> Value {
    let mut seed = seed(name);
    seed["spec"]["source"].pointer_mut(group).unwrap()[member]["version"] = json!(7);
    seed
}

/// A repository in which these pipes are applied.
fn applied(pipes: &[Value]) -> Repo {
    let repo = Repo::new();
    for pipe in pipes {
        write(&repo, pipe);
    }
    repo.commit("Pipes");
    let said = repo.run_with(&["apply", "pipes", "--yes"], &[SECRET]);
    assert_eq!(said.code, 0, "{}", said.all());
    repo
}

fn write(repo: &Repo, pipe: &Value) {
    let name = pipe["metadata"]["name"].as_str().unwrap();
    repo.write(&format!("pipes/{name}.yaml"), &pipe.to_string());
}

/// What was written since the journal had this length.
fn writes(repo: &Repo, from: usize) -> Vec<Entry> {
    repo.world(|world| {
        let entries = world.journal().iter().skip(from);
        entries.filter(|entry| entry.method != "GET").cloned().collect()
    })
}

fn asked(repo: &Repo) -> usize {
    repo.world(|world: &mut World| {
        // What was asked until now counts against the rate limit for a while.
        world.advance(Duration::from_secs(30));
        world.journal().len()
    })
}

#[test]
fn a_raised_version_sends_the_credentials_of_that_pipe_in_one_request_and_once() {
    let all: Vec<Value> = PIPES.iter().map(|(name, ..)| seed(name)).collect();
    let repo = applied(&all);
    for (name, group, member) in PIPES {
        write(&repo, &rotated(name, group, member));
        repo.commit("Rotate");
        let base = ["pipes", "--base", "HEAD~1"];
        // A plan needs no secret.
        let plan = repo.run(&[&["plan"][..], &base, &["-o", "json"]].concat());
        assert_eq!(plan.code, 0, "{name}: {}", plan.all());
        let sends = &plan.json()["result"]["changes"][0]["sends"];
        assert!(sends.to_string().contains("SEED_SECRET"), "{name}: {}", plan.stdout);

        let from = asked(&repo);
        let done = repo.run_with(&[&["apply"][..], &base, &["--yes"]].concat(), &[SECRET]);
        assert_eq!(done.code, 0, "{name}: {}", done.all());
        assert!(!done.all().contains(SECRET.1));
        let writes = writes(&repo, from);
        let told: Vec<_> = writes.iter().map(|entry| entry.method.as_str()).collect();
        assert_eq!(told, ["PATCH"], "{name}: {writes:#?}");
        let sent = &writes[0].body["source"].pointer(group).unwrap()[*member];
        assert_eq!(sent, &json!("***"), "{name}: {writes:#?}");

        let again = repo.run(&["plan", "pipes", "--base", "HEAD", "--detailed-exitcode"]);
        assert_eq!(again.code, 0, "{name}: {}", again.all());
    }
}

/// Not even a new pipe for the registry's user, which is fixed when the pipe is made.
#[test]
fn a_version_that_is_lowered_or_taken_out_sends_nothing_and_is_told() {
    let (mut kafka, mut postgres) = (seed("kafka-scram"), seed("postgres-cdc"));
    let registry = json!({
        "url": "https://registry.example.com", "authentication": "PLAIN",
        "credentials": {"username": "u", "password": {"fromEnv": SECRET.0}, "version": 3},
    });
    kafka["spec"]["source"]["kafka"]["schemaRegistry"] = registry;
    postgres["spec"]["source"]["postgres"]["credentials"]["version"] = json!(3);
    let repo = applied(&[kafka.clone(), postgres.clone()]);
    for version in [Some(2), None] {
        for group in [
            &mut kafka["spec"]["source"]["kafka"]["schemaRegistry"]["credentials"],
            &mut postgres["spec"]["source"]["postgres"]["credentials"],
        ] {
            let group = group.as_object_mut().unwrap();
            group.remove("version");
            group.extend(version.map(|version| ("version".to_owned(), json!(version))));
        }
        write(&repo, &kafka);
        write(&repo, &postgres);
        repo.commit("Lower");
        let said = repo.run(&["plan", "pipes", "--base", "HEAD~1", "--detailed-exitcode"]);
        assert_eq!(said.code, 0, "{version:?}: {}", said.all());
        assert_eq!(said.stdout.matches("only a raised one sends it").count(), 2, "{}", said.all());
    }
}

#[test]
fn a_rotation_leaves_a_stopped_database_pipe_stopped() {
    let mut pipe = seed("postgres-cdc");
    pipe["spec"]["state"] = json!("stopped");
    let repo = applied(std::slice::from_ref(&pipe));
    pipe["spec"]["source"]["postgres"]["credentials"]["version"] = json!(2);
    write(&repo, &pipe);
    repo.commit("Rotate");
    let args = ["apply", "pipes", "--yes", "--base", "HEAD~1"];
    let done = repo.run_with(&args, &[SECRET]);
    assert_eq!(done.code, 0, "{}", done.all());
    assert_eq!(repo.live("postgres-cdc", "/state"), json!("Paused"));
}

#[test]
fn another_reference_or_another_user_is_sent_as_well() {
    let repo = applied(&[seed("kafka-scram")]);
    for change in [json!({"username": "v"}), json!({"password": {"fromEnv": "OTHER"}})] {
        let mut pipe = seed("kafka-scram");
        let credentials = pipe["spec"]["source"]["kafka"]["credentials"].as_object_mut().unwrap();
        credentials.extend(change.as_object().unwrap().clone());
        write(&repo, &pipe);
        repo.commit("Another");
        let from = asked(&repo);
        let args = ["apply", "pipes", "--yes", "--base", "HEAD~1"];
        let done = repo.run_with(&args, &[SECRET, ("OTHER", "x")]);
        assert_eq!(done.code, 0, "{}", done.all());
        assert_eq!(writes(&repo, from).len(), 1, "{change}");
    }
}

#[test]
fn secrets_are_resent_to_whom_it_is_asked_for() {
    let repo = applied(&[seed("postgres-cdc"), seed("kinesis-user"), seed("bigquery")]);
    for (ask, patches) in [
        ("--resend-secrets=analytics/postgres-cdc", 1),
        ("--resend-secrets", 2),
        ("--resend-secrets=bigquery", 0),
    ] {
        let from = asked(&repo);
        let done = repo.run_with(&["apply", "pipes", "--yes", ask], &[SECRET]);
        assert_eq!(done.code, 0, "{}", done.all());
        let writes = writes(&repo, from);
        assert_eq!(writes.len(), patches, "{ask}: {writes:#?}");
        for write in writes.iter().filter(|write| write.body.to_string().contains("postgres")) {
            let secret = json!({"credentials": {"username": "***", "password": "***"}});
            assert_eq!(write.body, json!({"source": {"postgres": secret}}));
        }
        let fixed = ask.ends_with("postgres-cdc") || done.stdout.contains("not sent again: fixed");
        assert!(fixed, "{}", done.stdout);
    }
    let lost = repo.run(&["plan", "pipes", "--resend-secrets=postgres-dcd"]);
    assert_eq!(lost.code, 1, "{}", lost.all());
}

#[test]
fn a_reviewed_rotation_is_performed_with_its_base_and_never_forgotten_without() {
    let repo = applied(&[seed("mysql-cdc")]);
    write(&repo, &rotated("mysql-cdc", "/mysql/credentials", "password"));
    repo.commit("Rotate");
    repo.done(&["plan", "pipes", "--base", "HEAD~1", "--out", "plan.json"]);
    let forgot = repo.run_with(&["apply", "pipes", "--plan", "plan.json"], &[SECRET]);
    assert_eq!(forgot.code, 6, "{}", forgot.all());
    assert!(forgot.stdout.contains("pass the same `--base`"), "{}", forgot.all());
    let from = asked(&repo);
    let args = ["apply", "pipes", "--plan", "plan.json", "--base", "HEAD~1"];
    let done = repo.run_with(&args, &[SECRET]);
    assert_eq!(done.code, 0, "{}", done.all());
    assert_eq!(writes(&repo, from).len(), 1);
}

/// What is made again, or is stopped for its edit, stays as it is where a secret is missing.
#[test]
fn nothing_is_begun_that_a_missing_secret_would_leave_half_done() {
    for (name, field, value) in [
        ("kafka-scram", "/kafka/topics", json!("another")),
        ("postgres-cdc", "/postgres/credentials/password", json!({"fromEnv": "OTHER"})),
    ] {
        let mut pipe = seed(name);
        let repo = applied(std::slice::from_ref(&pipe));
        *pipe["spec"]["source"].pointer_mut(field).unwrap() = value;
        write(&repo, &pipe);
        repo.commit("Another");
        let from = asked(&repo);
        let said = repo.run(&["apply", "pipes", "--yes", "--base", "HEAD~1"]);
        assert_eq!(said.code, 1, "{name}: {}", said.all());
        assert!(said.stdout.contains("cannot resolve the secret"), "{name}: {}", said.all());
        assert_eq!(writes(&repo, from).len(), 0, "{name}: {:#?}", writes(&repo, from));
        assert_eq!(repo.live(name, "/state"), json!("Running"), "{name}");
    }
}
