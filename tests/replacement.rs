//! A replacement deletes first, and the API may refuse what comes after: no pipe is lost that way
//! unless somebody said so.

#![cfg(unix)]
use std::time::Duration;

use crate::support::cli::{APPLY, PLAN, RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::seeds::SEED_SECRET;
use sandbox::{EmulatedPipeState, ServiceState};
use serde_json::{Value, json};

const ALLOWED: &str = "--allow-replace=analytics/postgres-cdc";
const ALLOWED_STREAM: &str = "--allow-replace=analytics/kinesis-user";

/// A folder with pipes of which one must be replaced, and one is to be changed.
fn dir_with_replacement() -> WorkDir {
    let desk = WorkDir::new();
    let (mut copy, mut stream) = (seed_named("postgres-cdc"), seed_named("kinesis-user"));
    write_manifests(&desk, &[&copy, &stream]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    advance_two_hours(&desk);
    copy["spec"]["source"]["postgres"]["settings"]["publicationName"] = json!("another");
    stream["spec"]["settings"]["streaming_max_insert_wait_ms"] = json!(900);
    write_manifests(&desk, &[&copy, &stream]);
    desk
}

fn write_manifests(desk: &WorkDir, documents: &[&Value]) {
    desk.write_file("pipes.yaml", documents_to_yaml(documents.iter().copied()));
}

fn run_apply(desk: &WorkDir, more: &[&str]) -> RunOutput {
    desk.run_with_env(&[&APPLY[..], more].concat(), &SEED_SECRET)
}

fn advance_two_hours(desk: &WorkDir) {
    desk.edit_world(|world| world.advance_clock(Duration::from_secs(7200)));
}

fn live_pipes_named(desk: &WorkDir, name: &str) -> Vec<Value> {
    let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
    pipes.into_iter().filter(|pipe| pipe["name"] == name).collect()
}

#[test]
fn risky_replacement_is_blocked_and_others_are_applied() {
    let desk = dir_with_replacement();
    let seen = |desk: &WorkDir| -> Vec<[Value; 3]> {
        let fields = ["id", "state", "updatedAt"];
        let live = live_pipes_named(desk, "postgres-cdc").into_iter();
        live.map(|pipe| fields.map(|field| pipe[field].clone())).collect()
    };
    let before = seen(&desk);
    let said = run_apply(&desk, &[]);
    assert_eq!(said.code, 5, "{}", said.all_output());
    let (drops, flag) = ("DROP TABLE shop.users;", "`--allow-replace analytics/postgres-cdc`");
    assert!(said.stdout.contains(drops) && said.stdout.contains(flag), "{}", said.all_output());
    assert!(said.stdout.contains("1 applied, 0 failed"), "{}", said.all_output());
    assert_eq!((desk.count_requests("DELETE"), seen(&desk)), (0, before));
    let said = run_apply(&desk, &["-o", "json"]);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (5, &json!("blocked")), "{}", said.all_output());
}

#[test]
fn plan_shows_the_flag_that_allows_a_replacement() {
    let desk = dir_with_replacement();
    let plan = ["plan", "pipes.yaml", "--sandbox", "--out=plan.json"];
    let said = desk.run_with_env(&plan, &SEED_SECRET);
    let flag = "pass `--allow-replace analytics/postgres-cdc`";
    assert!(said.stdout.contains(flag), "{}", said.all_output());
    // A review is no permission, and a permission does not make it another plan.
    let said = run_apply(&desk, &["--plan=plan.json"]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    let said = desk.run_with_env(&plan, &SEED_SECRET);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(run_apply(&desk, &["--plan=plan.json", ALLOWED]).code, 3);
    assert_eq!(desk.count_requests("DELETE"), 1);
}

#[test]
fn allowed_replacement_succeeds_after_tables_are_dropped() {
    let desk = dir_with_replacement();
    desk.edit_world(|world| {
        assert!(world.set_pipe_state("analytics", "postgres-cdc", EmulatedPipeState::Paused));
        world.drop_tables("analytics");
    });
    let said = run_apply(&desk, &[ALLOWED]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(live_pipes_named(&desk, "postgres-cdc").len(), 1);
}

/// The pinned object is gone: apply again alone would be blocked until somebody removes the line.
#[test]
fn failed_replacement_of_a_pinned_pipe_names_the_line_to_remove() {
    let desk = dir_with_replacement();
    let pipe = |pin: Option<&Value>| {
        let mut pipe = seed_named("postgres-cdc");
        pipe["spec"]["source"]["postgres"]["settings"]["publicationName"] = json!("another");
        if let Some(id) = pin {
            pipe["metadata"]["id"] = id.clone();
        }
        write_manifests(&desk, &[&pipe]);
    };
    pipe(Some(&live_pipes_named(&desk, "postgres-cdc")[0]["id"]));
    let said = run_apply(&desk, &[ALLOWED]);
    assert_eq!(said.code, 3, "{}", said.all_output());
    let words =
        "DELETED, not re-created: analytics/postgres-cdc: remove `metadata.id` from its manifest, then run apply again";
    assert!(said.stdout.contains(words), "{}", said.all_output());
    desk.edit_world(|world| world.drop_tables("analytics"));
    assert_eq!(run_apply(&desk, &[]).code, 5);
    pipe(None);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    assert_eq!(live_pipes_named(&desk, "postgres-cdc").len(), 1);
}

#[test]
fn failed_replacement_is_created_by_the_next_apply() {
    let desk = dir_with_replacement();
    let said =
        run_apply(&desk, &[ALLOWED, "--report=markdown=c.md", "--report=html=page.html", "--report=json=run.json"]);
    assert_eq!(said.code, 3, "{}", said.all_output());
    let read = |name: &str| std::fs::read_to_string(desk.temp_dir.path().join(name)).unwrap();
    let (_, first) = read("c.md").split_once("\n\n").map(|(title, rest)| (title.to_owned(), rest.to_owned())).unwrap();
    let urgent =
        "⛔ **Look at this now:**\n\n- DELETED, not re-created: <code>analytics/postgres-cdc</code>: run apply again";
    assert!(first.starts_with(urgent), "{first}");
    assert!(read("page.html").contains("<h2>Look at this now</h2>"));
    desk.run_pipectl(&["report", "merge", "run.json", "--report=markdown=merged.md"]);
    let alarm = "- ⚠️ <code>run</code>: DELETED, not re-created: <code>analytics/postgres-cdc</code>: ";
    assert!(read("merged.md").contains(alarm), "{}", read("merged.md"));
    for words in [
        "DROP TABLE shop.users;",
        "DELETED, not re-created: analytics/postgres-cdc: run apply again",
        "1 applied, 1 failed",
    ] {
        assert!(said.stdout.contains(words), "no `{words}`: {}", said.all_output());
    }
    advance_two_hours(&desk);
    desk.edit_world(|world| world.drop_tables("analytics"));
    let said = run_apply(&desk, &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(live_pipes_named(&desk, "postgres-cdc").len(), 1);
}

/// The pipe lives on, so what it uses must not go, and nothing has failed.
#[test]
fn endpoint_of_a_blocked_pipe_is_not_deleted() {
    let (mut link, stream) = (seed_named("msk"), seed_named("kafka-scram"));
    link["metadata"]["name"] = json!("link-a");
    let desk = WorkDir::new();
    write_manifests(&desk, &[&link, &stream]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    advance_two_hours(&desk);
    let mut copy = seed_named("postgres-cdc");
    copy["metadata"]["name"] = json!("kafka-scram");
    copy["spec"]["destination"]["database"] = json!("default");
    copy["spec"]["source"]["postgres"]["tableMappings"][0]["targetTable"] = json!("orders");
    link["spec"]["state"] = json!("absent");
    write_manifests(&desk, &[&link, &copy]);
    let said = run_apply(&desk, &["-o", "json"]);
    assert_eq!((said.code, &said.stdout_json()["outcome"]), (5, &json!("blocked")), "{}", said.all_output());
    let changes = said.stdout_json()["result"]["plan"]["changes"].clone();
    let endpoint = changes.as_array().unwrap().iter().find(|it| it["address"]["name"] == "link-a").unwrap();
    assert_eq!(endpoint["verdict"], "blocked", "{endpoint:#}");
    assert!(endpoint["reason"].to_string().contains("still uses it after this plan"), "{endpoint:#}");
    assert_eq!(desk.count_requests("DELETE"), 0);
}

/// An endpoint that is made again is held by a pipe that would have followed it, and is blocked.
#[test]
fn endpoint_used_by_an_unselected_pipe_is_not_replaced() {
    let (mut link, stream) = (seed_named("msk"), seed_named("kafka-scram"));
    link["metadata"]["name"] = json!("link-a");
    let desk = WorkDir::new();
    write_manifests(&desk, &[&link, &stream]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    advance_two_hours(&desk);
    link["spec"]["mskClusterArn"] = json!("arn:aws:kafka:us-east-1:123456789012:cluster/other");
    write_manifests(&desk, &[&link, &stream]);
    let said = run_apply(&desk, &["--only", "link-a"]);
    assert!(said.stdout.contains("`analytics/kafka-scram` still uses it"), "{}", said.all_output());
    assert_eq!(desk.count_requests("DELETE"), 0, "{}", said.all_output());
}

/// The API deletes a pipe of a service that sleeps, and makes none.
#[test]
fn replacement_in_an_idle_service_deletes_nothing() {
    let desk = WorkDir::new();
    let mut stream = seed_named("kinesis-user");
    write_manifests(&desk, &[&stream]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    advance_two_hours(&desk);
    desk.edit_world(|world| world.set_service_state("analytics", ServiceState::Idle));
    stream["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    write_manifests(&desk, &[&stream]);
    let asleep = run_apply(&desk, &[ALLOWED_STREAM]);
    assert_eq!((asleep.code, desk.count_requests("DELETE")), (5, 0), "{}", asleep.all_output());
    assert!(asleep.stdout.contains("service `analytics` is `idle`"), "{}", asleep.all_output());
    assert!(asleep.stdout.contains("--wake"), "{}", asleep.all_output());
    let woken = run_apply(&desk, &["--wake", ALLOWED_STREAM]);
    assert_eq!((woken.code, desk.count_requests("DELETE")), (0, 1), "{}", woken.all_output());
    assert_eq!(live_pipes_named(&desk, "kinesis-user")[0]["source"]["kinesis"]["streamName"], json!("another"));
}

/// What is deleted in the last minute of a run might not be made again.
#[test]
fn replacement_without_enough_time_deletes_nothing() {
    let desk = WorkDir::new();
    let mut stream = seed_named("kinesis-user");
    write_manifests(&desk, &[&stream]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    advance_two_hours(&desk);
    stream["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    write_manifests(&desk, &[&stream]);
    let short = run_apply(&desk, &["--timeout=30s", ALLOWED_STREAM]);
    // Like every object that was never begun: nothing is wrong with it.
    assert_eq!((short.code, desk.count_requests("DELETE")), (3, 0), "{}", short.all_output());
    assert!(short.stdout.contains("0 failed, 1 skipped"), "{}", short.all_output());
    for words in ["not started: less than a minute of the run is left", "nothing was deleted", "--timeout"] {
        assert!(short.stdout.contains(words), "no `{words}`: {}", short.all_output());
    }
    assert_eq!(live_pipes_named(&desk, "kinesis-user").len(), 1);
    let enough = run_apply(&desk, &["--timeout=2m", ALLOWED_STREAM]);
    assert_eq!((enough.code, desk.count_requests("DELETE")), (0, 1), "{}", enough.all_output());
}

/// All reasons are said, because one permission lifts them all.
#[test]
fn respelled_field_does_not_hide_the_tables() {
    let mut pipe = seed_named("kafka-mtls");
    pipe["spec"]["source"]["kafka"]["topics"] = json!("Orders");
    let desk = WorkDir::new();
    write_manifests(&desk, &[&pipe]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    pipe["spec"]["source"]["kafka"]["topics"] = json!("orders");
    write_manifests(&desk, &[&pipe]);
    let plan = desk.run_with_env(&PLAN, &SEED_SECRET).stdout;
    let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    let spelling = plan.find("the API spells \"orders\" of `source.kafka.topics` as \"Orders\": write that; if it is");
    // Whoever followed the other advice first would drop a table for nothing.
    assert!(spelling.is_some_and(|at| plan[at..].contains("DROP TABLE ")), "{plan}");
    assert!(!plan[..spelling.unwrap_or_default()].contains("DROP TABLE "), "{plan}");
}

/// An endpoint is not replaced below a pipe that lacks the permission to follow, and the plan does not promise it.
#[test]
fn endpoint_of_a_pipe_that_waits_for_a_permission_is_refused_in_the_plan() {
    let (mut link, mut pipe) = (seed_named("msk"), seed_named("kafka-scram"));
    link["metadata"]["name"] = json!("link-a");
    pipe["spec"]["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "link-a"}]);
    let desk = WorkDir::new();
    write_manifests(&desk, &[&link, &pipe]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    link["spec"]["mskClusterArn"] = json!("arn:aws:kafka:us-east-1:123456789012:cluster/other");
    pipe["spec"]["source"]["kafka"]["topics"] = json!("another");
    write_manifests(&desk, &[&link, &pipe]);
    let plan = desk.run_with_env(&[&PLAN[..], &["-o", "json"]].concat(), &SEED_SECRET).stdout_json();
    let refused = plan["result"]["applyWillRefuse"].as_array().unwrap().clone();
    let mut refused: Vec<&Value> = refused.iter().map(|refusal| &refusal["address"]["name"]).collect();
    refused.sort_by_key(ToString::to_string);
    assert_eq!(refused, ["kafka-scram", "link-a"], "{plan:#}");
    assert_eq!(run_apply(&desk, &[]).code, 5);
    assert_eq!(desk.count_requests("DELETE"), 0);
}
