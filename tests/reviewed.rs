//! What was reviewed is what runs: a saved plan and a digest let nothing else through.

use crate::support::cli::Desk;
use crate::support::server::Server;
use sandbox::{Effect, Fault, When};
use serde_json::{Value, json};

fn pipe(n: usize, replicas: u64) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: clicks-{n}, service: analytics}}
spec:
  source:
    kafka: {{type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: t, authentication: PLAIN, credentials: {{username: u, password: {{fromEnv: KAFKA_PASSWORD}}}}}}
  destination: {{database: default, table: t{n}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
  scaling: {{replicas: {replicas}}}
---
"
    )
}

const SECRET: [(&str, &str); 1] = [("KAFKA_PASSWORD", "canary-of-the-pipe")];

/// Two live pipes with a replica each, manifests that want two, and that plan saved.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("pipes.yaml", pipe(0, 1) + &pipe(1, 1));
    assert_eq!(desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--yes"], &SECRET).code, 0);
    desk.write("pipes.yaml", pipe(0, 2) + &pipe(1, 2));
    let said = desk.run(&["plan", "pipes.yaml", "--sandbox", "--out", "plan.json"]);
    assert_eq!(said.code, 0, "{}", said.all());
    desk
}

/// Changes a pipe behind everybody's back.
fn by_hand(desk: &Desk, pipe: &str, replicas: u64) {
    desk.world(|world| {
        let live = world.pipes("analytics").into_iter().find(|live| live["name"] == pipe).unwrap();
        let service = world.ensure_service("analytics");
        let response = world.handle(&sandbox::Request {
            method: "PATCH".to_owned(),
            path: format!(
                "/v1/organizations/{}/services/{service}/clickpipes/{}/scaling",
                sandbox::ORGANIZATION,
                live["id"].as_str().unwrap()
            ),
            authorization: Some(sandbox::basic_authorization(sandbox::KEY_ID, sandbox::KEY_SECRET)),
            body: json!({ "replicas": replicas }).to_string().into_bytes(),
        });
        assert_eq!(response.status, 200);
        world.advance(std::time::Duration::from_secs(60));
    });
}

fn writes(desk: &Desk) -> usize {
    desk.journal().iter().filter(|(method, ..)| method != "GET").count()
}

#[test]
fn the_reviewed_plan_runs_and_needs_no_yes() {
    let desk = desk();
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stdout.contains("Apply: 2 applied"), "{}", said.stdout);
    let again =
        desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(again.code, 0, "what is true already is no reason to stop: {}", again.all());
}

#[test]
fn what_moved_is_refused_and_the_rest_goes_on() {
    let desk = desk();
    by_hand(&desk, "clicks-0", 4);
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 6, "{}", said.all());
    assert!(
        said.stdout.contains("live scaling.replicas is 4, the reviewed plan saw 1"),
        "{}",
        said.all()
    );
    assert!(said.stdout.contains("Apply: 1 applied"), "{}", said.all());
    let json = desk.run_with(
        &["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json", "-o", "json"],
        &SECRET,
    );
    assert_eq!((json.code, json.json()["outcome"].clone()), (6, json!("stale")), "{}", json.all());
    assert_eq!(json.json()["result"]["refused"][0]["at"]["name"], "clicks-0");
}

#[test]
fn what_is_left_of_a_reviewed_plan_runs() {
    let desk = desk();
    let wanted =
        |n| pipe(n, 2).replace("---", "  settings: {streaming_max_insert_wait_ms: 700}\n---");
    desk.write("pipes.yaml", wanted(0) + &wanted(1));
    let plan = ["plan", "pipes.yaml", "--sandbox", "--out", "plan.json"];
    assert_eq!(desk.run(&plan).code, 0);
    // One of two requests is not needed any more, as after an apply that was cut off.
    by_hand(&desk, "clicks-0", 2);
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stdout.contains("Apply: 2 applied"), "{}", said.all());
}

#[test]
fn a_replacement_that_broke_off_is_finished_by_the_same_plan() {
    let desk = desk();
    let moved = |n| pipe(n, 1).replace("topics: t,", "topics: other,");
    desk.write("pipes.yaml", moved(0) + &moved(1));
    let plan = ["plan", "pipes.yaml", "--sandbox", "--out", "plan.json"];
    assert_eq!(desk.run(&plan).code, 0);
    desk.world(|world| {
        world.faults().add(Fault {
            when: When::Route { method: "POST".to_owned(), path: "*/clickpipes".to_owned() },
            effect: Effect::SourceUnreachable,
            times: 1000,
        });
    });
    let apply = ["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"];
    assert_eq!(desk.run_with(&apply, &SECRET).code, 3);
    desk.world(|world| world.faults().clear());
    let said = desk.run_with(&apply, &SECRET);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stdout.contains("Apply: 2 applied"), "{}", said.all());
}

#[test]
fn a_plan_for_one_environment_is_none_for_another() {
    let server = Server::serving(1000, &["analytics", "lake"]);
    let mut world = sandbox::World::new(sandbox::Options::default());
    let [analytics, lake] = ["analytics", "lake"].map(|name| world.ensure_service(name));
    let desk = Desk::new();
    desk.write(
        "pipectl.yaml",
        format!(
            "apiVersion: pipectl/v1
kind: Project
environments:
  staging: {{organization: {organization}, services: {{main: {analytics}}}}}
  prod: {{organization: {organization}, services: {{main: {lake}}}}}
",
            organization = sandbox::ORGANIZATION
        ),
    );
    desk.write("pipes.yaml", pipe(0, 1).replace("analytics", "main"));
    let environment = server.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).chain(SECRET).collect();
    let run = |args: &[&str]| desk.run_with(args, &environment);
    let digest = |env: &str| {
        let plan =
            run(&["plan", "pipes.yaml", "-e", env, "--out", "plan-{env}.json", "-o", "json"]);
        plan.json()["digest"].as_str().unwrap().to_owned()
    };
    assert_ne!(digest("staging"), digest("prod"));
    let other = run(&["apply", "pipes.yaml", "-e", "prod", "--plan", "plan-staging.json"]);
    assert_eq!(other.code, 6, "{}", other.all());
    assert!(other.stdout.contains(&format!("was for \"{analytics}\"")), "{}", other.all());
    let own = run(&["apply", "pipes.yaml", "-e", "prod", "--plan", "plan-prod.json"]);
    assert_eq!(own.code, 0, "{}", own.all());
}

#[test]
fn what_nobody_reviewed_does_not_run() {
    let desk = desk();
    desk.write("pipes.yaml", pipe(0, 2) + &pipe(1, 2) + &pipe(2, 1));
    let before = writes(&desk);
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 6, "{}", said.all());
    assert!(said.stdout.contains("the reviewed plan did nothing to it"), "{}", said.all());
    assert_eq!(writes(&desk), before + 2);
}

#[test]
fn a_digest_is_held_against_the_whole_plan() {
    let desk = desk();
    let plan = desk.run(&["plan", "pipes.yaml", "--sandbox", "-o", "json"]).json();
    let digest = plan["digest"].as_str().unwrap().to_owned();
    let text = desk.run(&["plan", "pipes.yaml", "--sandbox"]).stdout;
    assert!(text.contains(&format!("Digest: {digest}")), "{text}");
    let saved: Value = serde_json::from_str(
        &std::fs::read_to_string(desk.folder.path().join("plan.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(saved["digest"], json!(digest));

    let apply = |digest: &str| {
        desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--yes", "--expect", digest], &SECRET)
    };
    let before = writes(&desk);
    let other = apply(&format!("sha256:{}", "0".repeat(64)));
    assert_eq!(other.code, 6, "{}", other.all());
    for no_digest in ["", "sha256:0000", &digest[..40], "sha1:00"] {
        let said = apply(no_digest);
        assert_eq!(said.code, 64, "{}", said.all());
        assert!(said.stderr.contains("the whole digest"), "{}", said.stderr);
    }
    assert_eq!(writes(&desk), before, "nothing runs");
    assert_eq!(apply(&digest.to_uppercase().replace("SHA", "sha")).code, 0);
}

#[test]
fn a_saved_plan_holds_no_secret_and_cannot_be_edited() {
    let desk = Desk::new();
    desk.write("pipes.yaml", pipe(0, 1));
    desk.run_with(&["plan", "pipes.yaml", "--sandbox", "--out", "plan.json"], &SECRET);
    let file = desk.folder.path().join("plan.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("canary") && text.contains("KAFKA_PASSWORD"));
    std::fs::write(&file, text.replace("\"replicas\": 1", "\"replicas\": 40")).unwrap();
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("changed after it was saved"), "{}", said.stderr);
    std::fs::write(&file, "{}").unwrap();
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--plan", "plan.json"], &SECRET);
    assert!(said.stderr.contains("is not a plan"), "{}", said.stderr);
}
