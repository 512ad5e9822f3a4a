//! Nothing is destroyed before what follows is sure.

use crate::support::cli::WorkDir;
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::seeds::{SEED_SECRET, applied_seeds, apply_seeds};
use crate::support::server::SandboxServer;
use sandbox::{EndpointStatus, SandboxOptions, World};
use serde_json::{Value, json};

fn pipe_names(desk: &WorkDir) -> Vec<String> {
    let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
    pipes.iter().map(|pipe| pipe["name"].as_str().unwrap().to_owned()).collect()
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
    let desk = applied_seeds(&[&link, &old]);
    desk.edit_world(|world| world.set_endpoint_status("analytics", "link-a", EndpointStatus::PendingAcceptance));
    let said = apply_seeds(&desk, &[&link, &new], &[ALLOW_KAFKA]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    assert!(
        said.stdout.contains("it uses `link-a`, which is `PendingAcceptance`, not `Ready`: somebody must accept it"),
        "{}",
        said.stdout
    );
    desk.edit_world(|world| world.set_endpoint_status("analytics", "link-a", EndpointStatus::Ready));
    let said = apply_seeds(&desk, &[&link, &new], &[ALLOW_KAFKA]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (0, 1), "{}", said.all_output());
}

#[test]
fn replacement_with_an_endpoint_that_is_not_live_deletes_nothing() {
    let (old, mut new) = replaced_kafka();
    let (link, other) = (endpoint("link-a"), endpoint("link-b"));
    let desk = applied_seeds(&[&link, &old]);
    new["spec"]["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "link-b"}]);
    let said = apply_seeds(&desk, &[&link, &other, &new], &[ALLOW_KAFKA, "--only", "kafka-scram"]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    new["spec"]["source"]["kafka"]["reversePrivateEndpointIds"] = json!(["44444444-4444-4444-8444-444444444444"]);
    let said = apply_seeds(&desk, &[&link, &other, &new], &[ALLOW_KAFKA]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("`44444444-4444-4444-8444-444444444444`, which it uses, is not live"));
}

#[test]
fn stream_is_not_replaced_into_its_managed_table() {
    let mut stream = seed_named("kinesis-user");
    stream["spec"]["destination"]["roles"] = json!(["writer"]);
    let desk = applied_seeds(&[&stream]);
    stream["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    let said = apply_seeds(&desk, &[&stream], &[]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("use another target"), "{}", said.stdout);
    stream["spec"]["destination"]["table"] = json!("another_table");
    let said = apply_seeds(&desk, &[&stream], &[]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (0, 1), "{}", said.all_output());
}

#[test]
fn cdc_only_pipe_is_held_back_without_advice_to_drop_its_tables() {
    let mut pipe = seed_named("postgres-cdc");
    let settings = json!({"replicationMode": "cdc_only", "publicationName": "pub"});
    pipe["spec"]["source"]["postgres"]["settings"] = settings;
    let desk = applied_seeds(&[&pipe]);
    pipe["spec"]["source"]["postgres"]["settings"]["publicationName"] = json!("pub2");
    let said = apply_seeds(&desk, &[&pipe], &[]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
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
    let desk = applied_seeds(&[&pipe]);
    let mut absent = pipe.clone();
    absent["spec"]["state"] = json!("absent");
    let said = apply_seeds(&desk, &[&absent, &renamed(&pipe)], &[]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("`previousNames: [kinesis-user]`"), "{}", said.stdout);
    assert_eq!(pipe_names(&desk), ["kinesis-user"]);
}

type EditSpec = fn(&mut Value);

/// The same pipe in other words: another spelling of the bucket, one of the brokers, the database that is omitted, and
/// a container that the API does not return.
#[test]
fn rename_that_is_not_declared_deletes_nothing_in_any_spelling() {
    let edits: [(&str, EditSpec); 5] = [
        ("kinesis-user", |pipe| _ = pipe["destination"].as_object_mut().unwrap().remove("database")),
        ("kafka-mtls", |pipe| pipe["source"]["kafka"]["brokers"] = json!("b1.example.com:9092")),
        ("s3-public-once", |pipe| pipe["source"]["objectStorage"]["url"] = json!("s3://bucket/data/*.json")),
        ("gcs-key", |pipe| {
            pipe["source"]["objectStorage"]["url"] = json!("https://storage.googleapis.com/bucket/data/*.json");
        }),
        ("azure", |_| {}),
    ];
    for (name, edit) in edits {
        let mut pipe = seed_named(name);
        if name == "kafka-mtls" {
            pipe["spec"]["source"]["kafka"]["brokers"] = json!("b1.example.com:9092,b2.example.com:9092");
        }
        let desk = applied_seeds(&[&pipe]);
        let mut absent = pipe.clone();
        absent["spec"]["state"] = json!("absent");
        let mut new = renamed(&pipe);
        edit(&mut new["spec"]);
        let said = apply_seeds(&desk, &[&absent, &new], &[]);
        assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
        assert!(said.stdout.contains(&format!("`previousNames: [{name}]`")), "{}", said.stdout);
    }
}

/// What the API masks may be what the new pipe declares.
#[test]
fn rename_that_is_not_declared_deletes_nothing_behind_a_mask() {
    let masks: [(&str, EditSpec); 5] = [
        ("mysql-cdc", |pipe| pipe["source"]["mysql"]["host"] = json!("***")),
        ("postgres-cdc", |pipe| pipe["source"]["postgres"]["host"] = json!("[REDACTED].example.com")),
        ("kafka-mtls", |pipe| pipe["source"]["kafka"]["topics"] = json!("***")),
        ("kinesis-user", |pipe| pipe["source"]["kinesis"]["streamName"] = json!("***")),
        ("kinesis-user", |pipe| pipe["destination"]["table"] = json!("***")),
    ];
    for (name, mask) in masks {
        let pipe = seed_named(name);
        let desk = applied_seeds(&[&pipe]);
        assert!(desk.edit_world(|world| world.edit_pipe("analytics", name, mask)), "{name}");
        let mut absent = pipe.clone();
        absent["spec"]["state"] = json!("absent");
        let said = apply_seeds(&desk, &[&absent, &renamed(&pipe)], &[]);
        assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
        assert!(said.stdout.contains(&format!("`previousNames: [{name}]`")), "{}", said.stdout);
    }
}

#[test]
fn create_beside_an_unmanaged_pipe_that_is_the_same_is_held_back() {
    let pipe = seed_named("kinesis-user");
    let desk = applied_seeds(&[&pipe]);
    let [same, mut other_stream, mut elsewhere] = [(); 3].map(|()| renamed(&pipe));
    other_stream["spec"]["source"]["kinesis"]["streamName"] = json!("other");
    elsewhere["spec"]["destination"]["table"] = json!("elsewhere");
    let hint = "`previousNames: [kinesis-user]`";
    for (manifests, summary, has_hint) in [
        (vec![&same], "0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked", true),
        (vec![&other_stream], "1 to create", true),
        (vec![&elsewhere], "1 to create", false),
        (vec![&pipe, &same], "1 to create", false),
    ] {
        desk.write_file("pipes.yaml", documents_to_yaml(manifests));
        let said = desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SEED_SECRET).stdout;
        assert!(said.contains(summary) && said.contains(hint) == has_hint, "{said}");
    }
}

#[test]
fn live_object_of_two_manifests_is_left_alone() {
    let pipe = seed_named("kinesis-user");
    let desk = applied_seeds(&[&pipe]);
    let id = desk.edit_world(|world| world.list_pipes("analytics")[0]["id"].clone());
    let mut copy = renamed(&pipe);
    copy["metadata"]["id"] = id;
    copy["spec"]["state"] = json!("absent");
    let said = apply_seeds(&desk, &[&pipe, &copy], &[]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    assert_eq!(said.stdout.matches("duplicate-identity").count(), 2, "{}", said.stdout);
    assert_eq!(pipe_names(&desk), ["kinesis-user"]);
}

/// A pipe that uses `link-a` by its id, and the tombstone of the endpoint.
fn used_endpoint(declare: fn(&mut Value, &str)) -> (WorkDir, Value, Value) {
    let (mut link, mut pipe) = (endpoint("link-a"), seed_named("kafka-scram"));
    let desk = applied_seeds(&[&link, &pipe]);
    let id = desk.edit_world(|world| {
        world.list_pipes("analytics")[0]["source"]["kafka"]["reversePrivateEndpointIds"][0].clone()
    });
    declare(&mut pipe, id.as_str().unwrap());
    link["spec"]["state"] = json!("absent");
    (desk, link, pipe)
}

#[test]
fn endpoint_that_a_live_pipe_uses_is_not_deleted() {
    let ways: [fn(&mut Value, &str); 3] = [
        |pipe, id| pipe["spec"]["source"]["kafka"]["reversePrivateEndpointIds"] = json!([id]),
        |pipe, _| _ = pipe["spec"]["source"]["kafka"].as_object_mut().unwrap().remove("reversePrivateEndpointIds"),
        |_, _| {},
    ];
    for (index, declare) in ways.into_iter().enumerate() {
        let (desk, link, pipe) = used_endpoint(declare);
        for only in [&["--only", "link-a"][..], &[]] {
            let said = apply_seeds(&desk, &[&link, &pipe], only);
            assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{index} {only:?}: {}", said.all_output());
            assert!(said.stdout.contains("analytics/kafka-scram"), "{index} {only:?}: {}", said.stdout);
        }
    }
}

#[test]
fn endpoint_that_an_unmanaged_pipe_uses_is_not_deleted() {
    let (desk, link, pipe) = used_endpoint(|_, _| {});
    let said = apply_seeds(&desk, &[&link], &[]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("`analytics/kafka-scram` still uses it after this plan"), "{}", said.stdout);
    let said = apply_seeds(&desk, &[&link, &absent(&pipe)], &["--allow-delete=analytics/link-a"]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (0, 2), "{}", said.all_output());
}

#[test]
fn replacement_that_keeps_an_endpoint_which_is_not_live_deletes_nothing() {
    let (old, mut new) = replaced_kafka();
    let link = endpoint("link-a");
    let desk = applied_seeds(&[&link, &old]);
    new["spec"]["source"]["kafka"].as_object_mut().unwrap().remove("reversePrivateEndpointIds");
    desk.edit_world(|world| world.set_endpoint_status("analytics", "link-a", EndpointStatus::Failed));
    let said = apply_seeds(&desk, &[&new], &[ALLOW_KAFKA]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    assert!(said.stdout.contains("it uses `link-a`, which is `Failed`"), "{}", said.stdout);
}

fn absent(pipe: &Value) -> Value {
    let mut absent = pipe.clone();
    absent["spec"]["state"] = json!("absent");
    absent
}

#[test]
fn second_delete_needs_a_yes_without_a_project_file() {
    let pipes = ["kinesis-user", "kinesis-role", "pubsub"].map(seed_named);
    let desk = applied_seeds(&pipes.iter().collect::<Vec<_>>());
    let gone: Vec<Value> = pipes.iter().map(absent).collect();
    let gone: Vec<&Value> = gone.iter().collect();
    let said = apply_seeds(&desk, &gone, &[]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (5, 0), "{}", said.all_output());
    for words in ["`maxDelete` is 1", "--allow-delete analytics/pubsub", "`policy.maxDelete`"] {
        assert!(said.stderr.contains(words), "no `{words}`: {}", said.stderr);
    }
    // Two of three are allowed by name, and one by the limit.
    let said = apply_seeds(&desk, &gone, &["--allow-delete=analytics/pubsub,analytics/kinesis-user"]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (0, 3), "{}", said.all_output());
}

#[test]
fn permission_names_one_object() {
    let (mut one, mut other) = (seed_named("kinesis-user"), seed_named("kinesis-user"));
    one["metadata"]["name"] = json!("orders");
    other["metadata"]["name"] = json!("orders-2");
    other["spec"]["destination"]["table"] = json!("orders_2");
    let desk = applied_seeds(&[&one, &other]);
    for (flag, code) in
        [("--allow-delete=orders", 64), ("--allow-delete=analytics/*", 64), ("--allow-delete=analytics/orders-?", 5)]
    {
        let said = apply_seeds(&desk, &[&absent(&one), &absent(&other)], &[flag]);
        assert_eq!((said.code, desk.count_requests("DELETE")), (code, 0), "{flag}: {}", said.all_output());
    }
    let said = apply_seeds(&desk, &[&absent(&one), &absent(&other)], &["--allow-delete=glob:analytics/orders-?"]);
    assert_eq!((said.code, desk.count_requests("DELETE")), (0, 2), "{}", said.all_output());
}

#[test]
fn copied_pin_is_an_error_at_both_places() {
    let desk = WorkDir::new();
    let (mut one, mut copy) = (seed_named("kinesis-user"), seed_named("kinesis-user"));
    one["metadata"]["id"] = json!("0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a");
    copy["metadata"]["id"] = json!("0A0A0A0A-0A0A-4A0A-8A0A-0A0A0A0A0A0A");
    copy["metadata"]["name"] = json!("copy");
    copy["spec"]["destination"]["table"] = json!("copy");
    desk.write_file("pipes.yaml", documents_to_yaml([&one, &copy]));
    let said = desk.run_pipectl(&["validate", "pipes.yaml"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(
        said.stderr.contains("error[duplicate-identity]: another manifest pins the same live object"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("first pinned here"), "{}", said.stderr);
}

#[test]
fn service_by_name_and_by_id_in_capitals_is_one_service() {
    let server = SandboxServer::start(1000);
    let id = World::new(SandboxOptions::default()).ensure_service("analytics").to_uppercase();
    let pipe = seed_named("kinesis-user");
    let mut twin = pipe.clone();
    twin["metadata"]["service"] = json!(id);
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", documents_to_yaml([&pipe, &twin]));
    let said = server.run_to_end(&desk, &["plan", "pipes.yaml"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("`duplicate-identity`: analytics/kinesis-user is also declared"), "{}", said.stderr);
    // A pattern protects by any name of the service.
    desk.write_file("pipes.yaml", documents_to_yaml([&pipe]));
    let said = server.run_to_end(&desk, &["apply", "pipes.yaml", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let project = "apiVersion: pipectl/v1\nkind: Project\npolicy: {protect: [";
    twin["spec"]["state"] = json!("absent");
    desk.write_file("pipes.yaml", documents_to_yaml([&twin]));
    for pattern in ["analytics/*", &format!("{}/kinesis-*", id.to_lowercase())] {
        desk.write_file("pipectl.yaml", format!("{project}\"{pattern}\"]}}\n"));
        let said = server.run_to_end(&desk, &["apply", "pipes.yaml", "--yes"]);
        assert_eq!(said.code, 5, "{pattern}: {}", said.all_output());
        assert!(said.stdout.contains("it is protected"), "{pattern}: {}", said.stdout);
    }
}

#[test]
fn pinned_pipe_that_is_deleted_is_done() {
    for has_twin in [false, true] {
        let (pipe, mut other) = (seed_named("kinesis-user"), seed_named("kinesis-user"));
        other["metadata"]["name"] = json!("other");
        other["spec"]["destination"]["table"] = json!("other");
        let desk = applied_seeds(&[&pipe, &other]);
        let id = desk.edit_world(|world| {
            if has_twin {
                world.edit_pipe("analytics", "other", |body| body["name"] = json!("kinesis-user"));
            }
            world.list_pipes("analytics")[0]["id"].clone()
        });
        let absent = json!({
            "apiVersion": "pipectl/v1", "kind": "ClickPipe",
            "metadata": {"name": "kinesis-user", "service": "analytics", "id": id}, "spec": {"state": "absent"}
        });
        let said = apply_seeds(&desk, &[&absent], &[]);
        assert_eq!((said.code, desk.count_requests("DELETE")), (0, 1), "{}", said.all_output());
        let again = apply_seeds(&desk, &[&absent], &[]);
        let (code, words) =
            if has_twin { (5, "Write that id to delete it, or remove the manifest") } else { (0, "No changes") };
        assert!(again.code == code && again.stdout.contains(words), "{}", again.all_output());
        assert_eq!((pipe_names(&desk).len(), desk.count_requests("DELETE")), (1, 1));
    }
}

/// A table that exists is used as it is. No request alters it.
#[test]
fn engine_of_an_existing_table_is_not_reported_as_changed() {
    let mut pipe = seed_named("postgres-cdc-only");
    let desk = applied_seeds(&[&pipe]);
    pipe["spec"]["source"]["postgres"]["tableMappings"][0]["tableEngine"] = json!("MergeTree");
    let said = apply_seeds(&desk, &[&pipe], &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let (plan, result) = said.stdout.split_once("Plan: ").unwrap();
    for part in [plan, result] {
        assert!(
            part.contains("already exists: the new definition takes effect only in a new table"),
            "{}",
            said.stdout
        );
    }
}

#[test]
fn pipe_waits_for_an_endpoint_that_is_not_selected() {
    let (mut pipe, link) = (seed_named("kafka-scram"), endpoint("link-b"));
    let desk = applied_seeds(&[&endpoint("link-a"), &pipe]);
    pipe["spec"]["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "link-b"}]);
    let before = desk.count_writes();
    let said = apply_seeds(&desk, &[&link, &pipe], &["--only", "kafka-scram"]);
    assert_eq!((said.code, desk.count_writes()), (5, before), "{}", said.all_output());
    assert!(said.stdout.contains("`analytics/link-b`, which only the rest of the plan creates"), "{}", said.stdout);
    let said = apply_seeds(&desk, &[&link, &pipe], &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

/// The pipe still refers to the endpoint, so it is blocked and lives on. A deletion in the plan would be a promise that
/// apply does not keep.
#[test]
fn endpoint_of_a_pipe_that_is_blocked_is_no_deletion_in_the_plan() {
    let (mut link, mut pipe) = (endpoint("link-a"), seed_named("kafka-scram"));
    pipe["spec"]["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "link-a"}]);
    let desk = applied_seeds(&[&link, &pipe]);
    link["spec"]["state"] = json!("absent");
    let before = desk.request_log().len();
    let said = apply_seeds(&desk, &[&link, &pipe], &[]);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("`analytics/kafka-scram` still uses it after this plan"), "{}", said.stdout);
    assert!(said.stdout.contains("0 to delete, 2 blocked"), "{}", said.stdout);
    assert!(desk.request_log()[before..].iter().all(|(method, ..)| method == "GET"));
}
