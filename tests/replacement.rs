//! A replacement deletes first, and the API may refuse what comes after: no pipe is lost that way
//! unless somebody said so.

#![cfg(unix)]
use std::time::Duration;

use crate::support::cli::{Desk, Said};
use crate::support::manifests::documents;
use sandbox::{PipeState, ServiceState};
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];

const ALLOWED: &str = "--allow-replace=analytics/postgres-cdc";

fn seed(name: &str) -> Value {
    let mut seeds = documents("tests/seeds").into_iter();
    seeds.find(|seed| seed["metadata"]["name"] == name).unwrap()
}

/// A folder with pipes of which one must be replaced, and one is to be changed.
fn desk() -> Desk {
    let desk = Desk::new();
    let (mut copy, mut stream) = (seed("postgres-cdc"), seed("kinesis-user"));
    write(&desk, &[&copy, &stream]);
    assert_eq!(apply(&desk, &[]).code, 0);
    hours_later(&desk);
    copy["spec"]["source"]["postgres"]["settings"]["publicationName"] = json!("another");
    stream["spec"]["settings"]["streaming_max_insert_wait_ms"] = json!(900);
    write(&desk, &[&copy, &stream]);
    desk
}

fn write(desk: &Desk, documents: &[&Value]) {
    let texts: Vec<String> = documents.iter().map(|document| format!("{document}\n")).collect();
    desk.write("pipes.yaml", texts.join("---\n"));
}

fn apply(desk: &Desk, more: &[&str]) -> Said {
    desk.run_with(&[&["apply", "pipes.yaml", "--sandbox", "--yes"], more].concat(), &SECRET)
}

fn hours_later(desk: &Desk) {
    desk.world(|world| world.advance(Duration::from_secs(7200)));
}

fn deletes(desk: &Desk) -> usize {
    desk.journal().iter().filter(|(method, ..)| method == "DELETE").count()
}

fn live(desk: &Desk, name: &str) -> Vec<Value> {
    let pipes = desk.world(|world| world.pipes("analytics"));
    pipes.into_iter().filter(|pipe| pipe["name"] == name).collect()
}

#[test]
fn a_pipe_that_may_be_lost_blocks_itself_and_nothing_else() {
    let desk = desk();
    let seen = |desk: &Desk| -> Vec<[Value; 3]> {
        let fields = ["id", "state", "updatedAt"];
        let live = live(desk, "postgres-cdc").into_iter();
        live.map(|pipe| fields.map(|field| pipe[field].clone())).collect()
    };
    let before = seen(&desk);
    let said = apply(&desk, &[]);
    assert_eq!(said.code, 5, "{}", said.all());
    let (drops, flag) = ("DROP TABLE shop.users;", "`--allow-replace analytics/postgres-cdc`");
    assert!(said.stdout.contains(drops) && said.stdout.contains(flag), "{}", said.all());
    assert!(said.stdout.contains("1 applied, 0 failed"), "{}", said.all());
    assert_eq!((deletes(&desk), seen(&desk)), (0, before));
    let said = apply(&desk, &["-o", "json"]);
    assert_eq!((said.code, &said.json()["outcome"]), (5, &json!("blocked")), "{}", said.all());
}

#[test]
fn a_plan_says_what_it_takes() {
    let desk = desk();
    let plan = ["plan", "pipes.yaml", "--sandbox", "--out=plan.json"];
    let said = desk.run_with(&plan, &SECRET);
    let flag = "apply leaves it as it is without `--allow-replace analytics/postgres-cdc`";
    assert!(said.stdout.contains(flag), "{}", said.all());
    // A review is no permission, and a permission does not make it another plan.
    let said = apply(&desk, &["--plan=plan.json"]);
    assert_eq!((said.code, deletes(&desk)), (5, 0), "{}", said.all());
    let said = desk.run_with(&plan, &SECRET);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(apply(&desk, &["--plan=plan.json", ALLOWED]).code, 3);
    assert_eq!(deletes(&desk), 1);
}

#[test]
fn where_its_tables_were_dropped_it_is_replaced() {
    let desk = desk();
    desk.world(|world| {
        assert!(world.set_pipe_state("analytics", "postgres-cdc", PipeState::Paused));
        world.drop_tables("analytics");
    });
    let said = apply(&desk, &[ALLOWED]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(live(&desk, "postgres-cdc").len(), 1);
}

#[test]
fn where_they_were_not_the_next_apply_makes_it() {
    let desk = desk();
    let said = apply(&desk, &[ALLOWED]);
    assert_eq!(said.code, 3, "{}", said.all());
    for words in [
        "DROP TABLE shop.users;",
        "it is deleted and not made again yet: the next apply makes it",
        "1 applied, 1 failed",
    ] {
        assert!(said.stdout.contains(words), "no `{words}`: {}", said.all());
    }
    hours_later(&desk);
    desk.world(|world| world.drop_tables("analytics"));
    let said = apply(&desk, &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(live(&desk, "postgres-cdc").len(), 1);
}

/// The pipe lives on, so what it uses must not go, and nothing has failed.
#[test]
fn what_a_blocked_pipe_uses_stays_with_it() {
    let (mut link, stream) = (seed("msk"), seed("kafka-scram"));
    link["metadata"]["name"] = json!("link-a");
    let desk = Desk::new();
    write(&desk, &[&link, &stream]);
    assert_eq!(apply(&desk, &[]).code, 0);
    hours_later(&desk);
    let mut copy = seed("postgres-cdc");
    copy["metadata"]["name"] = json!("kafka-scram");
    copy["spec"]["destination"]["database"] = json!("default");
    copy["spec"]["source"]["postgres"]["tableMappings"][0]["targetTable"] = json!("orders");
    link["spec"]["state"] = json!("absent");
    write(&desk, &[&link, &copy]);
    let said = apply(&desk, &["-o", "json"]);
    assert_eq!((said.code, &said.json()["outcome"]), (5, &json!("blocked")), "{}", said.all());
    let report = &said.json()["result"]["reports"][0];
    let (outcome, notes) = (&report["outcome"], report["notes"].to_string());
    assert_eq!(outcome, "skipped", "{report:#}");
    assert!(notes.contains("still uses it, and is left as it is"), "{report:#}");
    assert_eq!(deletes(&desk), 0);
}

/// An endpoint that is made again is held by a pipe that would have followed it, and is blocked.
#[test]
fn what_a_blocked_pipe_would_follow_is_not_made_again() {
    let (mut link, stream) = (seed("msk"), seed("kafka-scram"));
    link["metadata"]["name"] = json!("link-a");
    let desk = Desk::new();
    write(&desk, &[&link, &stream]);
    assert_eq!(apply(&desk, &[]).code, 0);
    hours_later(&desk);
    link["spec"]["mskClusterArn"] = json!("arn:aws:kafka:us-east-1:123456789012:cluster/other");
    write(&desk, &[&link, &stream]);
    let said = apply(&desk, &["--only", "link-a"]);
    assert!(said.stdout.contains("`analytics/kafka-scram` still uses it"), "{}", said.all());
    assert_eq!(deletes(&desk), 0, "{}", said.all());
}

/// The API deletes a pipe of a service that sleeps, and makes none.
#[test]
fn nothing_is_deleted_in_a_service_that_makes_nothing() {
    let desk = Desk::new();
    let mut stream = seed("kinesis-user");
    write(&desk, &[&stream]);
    assert_eq!(apply(&desk, &[]).code, 0);
    hours_later(&desk);
    desk.world(|world| world.set_service_state("analytics", ServiceState::Idle));
    stream["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    write(&desk, &[&stream]);
    let asleep = apply(&desk, &[]);
    assert_eq!((asleep.code, deletes(&desk)), (1, 0), "{}", asleep.all());
    assert!(asleep.stdout.contains("its service is `idle`"), "{}", asleep.all());
    assert!(asleep.stdout.contains("--wake"), "{}", asleep.all());
    let woken = apply(&desk, &["--wake"]);
    assert_eq!((woken.code, deletes(&desk)), (0, 1), "{}", woken.all());
    assert_eq!(live(&desk, "kinesis-user")[0]["source"]["kinesis"]["streamName"], json!("another"));
}

/// What is deleted in the last minute of a run might not be made again.
#[test]
fn nothing_is_deleted_without_the_time_to_make_it_again() {
    let desk = Desk::new();
    let mut stream = seed("kinesis-user");
    write(&desk, &[&stream]);
    assert_eq!(apply(&desk, &[]).code, 0);
    hours_later(&desk);
    stream["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    write(&desk, &[&stream]);
    let short = apply(&desk, &["--timeout=30s"]);
    assert_eq!((short.code, deletes(&desk)), (1, 0), "{}", short.all());
    for words in ["less than a minute of the run is left", "nothing was deleted", "--timeout"] {
        assert!(short.stdout.contains(words), "no `{words}`: {}", short.all());
    }
    assert_eq!(live(&desk, "kinesis-user").len(), 1);
    let enough = apply(&desk, &["--timeout=2m"]);
    assert_eq!((enough.code, deletes(&desk)), (0, 1), "{}", enough.all());
}
