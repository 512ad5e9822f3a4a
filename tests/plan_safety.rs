//! Nothing is destroyed before what follows is sure.

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use sandbox::EndpointStatus;
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];

fn apply(desk: &WorkDir, documents: &[&Value], more: &[&str]) -> RunOutput {
    desk.write_file("pipes.yaml", documents_to_yaml(documents.iter().copied()));
    desk.run_with_env(&[&["apply", "pipes.yaml", "--sandbox", "--yes"], more].concat(), &SECRET)
}

fn applied(documents: &[&Value]) -> WorkDir {
    let desk = WorkDir::new();
    let said = apply(&desk, documents, &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    desk.edit_world(|world| world.advance_clock(std::time::Duration::from_secs(7200)));
    desk
}

fn pipe_names(desk: &WorkDir) -> Vec<String> {
    let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
    pipes.iter().map(|pipe| pipe["name"].as_str().unwrap().to_owned()).collect()
}

fn deletes(desk: &WorkDir) -> usize {
    desk.request_log().iter().filter(|(method, ..)| method == "DELETE").count()
}

fn endpoint(name: &str) -> Value {
    let mut link = seed_named("msk");
    link["metadata"]["name"] = json!(name);
    link
}

fn replaced_kafka() -> (Value, Value) {
    let old = seed_named("kafka-scram");
    let mut new = old.clone();
    new["spec"]["source"]["kafka"]["topics"] = json!("another");
    (old, new)
}

const ALLOW_KAFKA: &str = "--allow-replace=analytics/kafka-scram";

#[test]
fn replacement_waits_until_its_endpoint_is_ready() {
    let (old, new) = replaced_kafka();
    let link = endpoint("link-a");
    let desk = applied(&[&link, &old]);
    desk.edit_world(|world| world.set_endpoint_status("analytics", "link-a", EndpointStatus::PendingAcceptance));
    let said = apply(&desk, &[&link, &new], &[ALLOW_KAFKA]);
    assert_eq!((said.code, deletes(&desk)), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("`link-a`, which it uses, is `PendingAcceptance`"), "{}", said.stdout);
    desk.edit_world(|world| world.set_endpoint_status("analytics", "link-a", EndpointStatus::Ready));
    let said = apply(&desk, &[&link, &new], &[ALLOW_KAFKA]);
    assert_eq!((said.code, deletes(&desk)), (0, 1), "{}", said.all_output());
}

#[test]
fn replacement_with_an_endpoint_that_is_not_live_deletes_nothing() {
    let (old, mut new) = replaced_kafka();
    let (link, other) = (endpoint("link-a"), endpoint("link-b"));
    let desk = applied(&[&link, &old]);
    new["spec"]["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "link-b"}]);
    let said = apply(&desk, &[&link, &other, &new], &[ALLOW_KAFKA, "--only", "kafka-scram"]);
    assert_eq!((said.code, deletes(&desk)), (5, 0), "{}", said.all_output());
    new["spec"]["source"]["kafka"]["reversePrivateEndpointIds"] = json!(["44444444-4444-4444-8444-444444444444"]);
    let said = apply(&desk, &[&link, &other, &new], &[ALLOW_KAFKA]);
    assert_eq!((said.code, deletes(&desk)), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("`44444444-4444-4444-8444-444444444444`, which it uses, is not live"));
}

#[test]
fn stream_is_not_replaced_into_its_managed_table() {
    let mut stream = seed_named("kinesis-user");
    stream["spec"]["destination"]["roles"] = json!(["writer"]);
    let desk = applied(&[&stream]);
    stream["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    let said = apply(&desk, &[&stream], &[]);
    assert_eq!((said.code, deletes(&desk)), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("use another target"), "{}", said.stdout);
    stream["spec"]["destination"]["table"] = json!("another_table");
    let said = apply(&desk, &[&stream], &[]);
    assert_eq!((said.code, deletes(&desk)), (0, 1), "{}", said.all_output());
}

#[test]
fn cdc_only_pipe_is_held_back_without_advice_to_drop_its_tables() {
    let mut pipe = seed_named("postgres-cdc");
    let settings = json!({"replicationMode": "cdc_only", "publicationName": "pub"});
    pipe["spec"]["source"]["postgres"]["settings"] = settings;
    let desk = applied(&[&pipe]);
    pipe["spec"]["source"]["postgres"]["settings"]["publicationName"] = json!("pub2");
    let said = apply(&desk, &[&pipe], &[]);
    assert_eq!((said.code, deletes(&desk)), (5, 0), "{}", said.all_output());
    assert!(!said.all_output().contains("DROP TABLE"), "{}", said.all_output());
    assert!(said.stdout.contains("changes that arrive while no pipe exists would be lost"), "{}", said.stdout);
}

fn renamed(pipe: &Value) -> Value {
    let mut renamed = pipe.clone();
    renamed["metadata"]["name"] = json!("renamed");
    renamed
}

#[test]
fn rename_that_is_not_declared_deletes_nothing() {
    let pipe = seed_named("kinesis-user");
    let desk = applied(&[&pipe]);
    let mut absent = pipe.clone();
    absent["spec"]["state"] = json!("absent");
    let said = apply(&desk, &[&absent, &renamed(&pipe)], &[]);
    assert_eq!((said.code, deletes(&desk)), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("`previousNames: [kinesis-user]`"), "{}", said.stdout);
    assert_eq!(pipe_names(&desk), ["kinesis-user"]);
}

#[test]
fn unmanaged_pipe_with_the_same_source_and_table_is_named() {
    let pipe = seed_named("kinesis-user");
    let desk = applied(&[&pipe]);
    desk.write_file("pipes.yaml", documents_to_yaml([&renamed(&pipe)]));
    let said = desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SECRET);
    assert!(said.stdout.contains("`analytics/kinesis-user`, which no manifest declares"), "{}", said.stdout);
    let mut elsewhere = renamed(&pipe);
    elsewhere["spec"]["destination"]["table"] = json!("elsewhere");
    desk.write_file("pipes.yaml", documents_to_yaml([&elsewhere]));
    let said = desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SECRET);
    assert!(!said.stdout.contains("previousNames"), "{}", said.stdout);
}

#[test]
fn live_object_of_two_manifests_is_left_alone() {
    let pipe = seed_named("kinesis-user");
    let desk = applied(&[&pipe]);
    let id = desk.edit_world(|world| world.list_pipes("analytics")[0]["id"].clone());
    let mut copy = renamed(&pipe);
    copy["metadata"]["id"] = id;
    copy["spec"]["state"] = json!("absent");
    let said = apply(&desk, &[&pipe, &copy], &[]);
    assert_eq!((said.code, deletes(&desk)), (5, 0), "{}", said.all_output());
    assert_eq!(said.stdout.matches("duplicate-identity").count(), 2, "{}", said.stdout);
    assert_eq!(pipe_names(&desk), ["kinesis-user"]);
}
