//! What the API got in autumn 2026, end to end. Each field's edits are in `field_edits`, with the seeds of the same name.

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::seeds::SEED_SECRET;
use serde_json::{Value, json};

const IDENTITY: &str = "SERVICE_ACCOUNT_WORKLOAD_IDENTITY";

fn run(desk: &WorkDir, args: &[&str]) -> RunOutput {
    desk.run_with_env(&[args, &["--sandbox"]].concat(), &SEED_SECRET)
}

fn apply(desk: &WorkDir, pipe: &Value) {
    desk.write_file("pipes.yaml", documents_to_yaml([pipe]));
    let said = run(desk, &["apply", "pipes.yaml", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

fn assert_plan_is_empty(desk: &WorkDir, manifests: &str) {
    let said = run(desk, &["plan", manifests, "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

fn sent_bodies(desk: &WorkDir, method: &str) -> Vec<Value> {
    desk.edit_world(|world| {
        let sent = world.request_log().iter().filter(|entry| entry.method == method);
        sent.map(|entry| json!(entry)["body"].clone()).collect()
    })
}

/// The same with a known field where an earlier version of pipectl wanted it.
fn under_additional(pipe: &Value, object: &str, field: &str) -> Value {
    let mut pipe = pipe.clone();
    let object = pipe.pointer_mut(object).unwrap().as_object_mut().unwrap();
    let value = object.remove(field).unwrap();
    object.insert("additional".to_owned(), json!({ field: value }));
    pipe
}

fn source_pointer(pipe: &Value) -> String {
    let arm = pipe["spec"]["source"].as_object().unwrap().keys().next().unwrap();
    format!("/spec/source/{arm}")
}

#[test]
fn workload_identity_sends_no_key_and_settles() {
    for name in ["gcmk-identity", "gcs-identity", "pubsub-identity", "bigquery-changes"] {
        let pipe = seed_named(name);
        let source = source_pointer(&pipe);
        for pipe in [pipe.clone(), under_additional(&pipe, &source, "authentication")] {
            let desk = WorkDir::new();
            apply(&desk, &pipe);
            let body = sent_bodies(&desk, "POST").remove(0);
            let sent = body.pointer(source.strip_prefix("/spec").unwrap()).unwrap();
            assert_eq!(sent["authentication"], IDENTITY, "{body}");
            for key in ["credentials", "serviceAccountKey", "accessKey", "additional"] {
                assert_eq!(sent.get(key), None, "{body}");
            }
            assert_plan_is_empty(&desk, "pipes.yaml");
            let said = run(&desk, &["export", "--out", "exported"]);
            assert_eq!(said.code, 0, "{}", said.all_output());
            assert_plan_is_empty(&desk, "exported");
            if name == "gcs-identity" {
                assert!(run(&desk, &["export"]).stdout.contains("queueUrl: projects/my-project/subscriptions/files"));
            }
        }
    }
}

#[test]
fn key_is_switched_to_workload_identity_in_place() {
    for (name, key) in [("gcs-key", "serviceAccountKey"), ("pubsub-latest", "serviceAccountKey")] {
        let mut pipe = seed_named(name);
        let desk = WorkDir::new();
        apply(&desk, &pipe);
        let source = source_pointer(&pipe);
        let fields = pipe.pointer_mut(&source).unwrap();
        fields["authentication"] = json!(IDENTITY);
        fields.as_object_mut().unwrap().remove(key);
        apply(&desk, &pipe);
        let edits = sent_bodies(&desk, "PATCH");
        let arm = source.strip_prefix("/spec/source/").unwrap();
        assert_eq!(edits, [json!({"source": {arm: {"authentication": IDENTITY}}})], "{name}");
        assert_eq!(sent_bodies(&desk, "DELETE"), Vec::<Value>::new());
        assert_plan_is_empty(&desk, "pipes.yaml");
    }
}

#[test]
fn known_field_under_additional_counts_as_in_its_own_place() {
    let mut pipe = seed_named("mysql-cdc");
    let mapping = "/spec/source/mysql/tableMappings/0";
    pipe.pointer_mut(mapping).unwrap()["partitionByExpr"] = json!("toYYYYMM(at)");
    let before = under_additional(&pipe, mapping, "partitionByExpr");
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", documents_to_yaml([&before]));
    let said = desk.run_pipectl(&["validate", "pipes.yaml"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stderr.contains("warning[known-additional-field]: `partitionByExpr`"), "{}", said.stderr);
    apply(&desk, &before);
    let body = sent_bodies(&desk, "POST").remove(0);
    assert_eq!(body["source"]["mysql"]["tableMappings"][0]["partitionByExpr"], "toYYYYMM(at)");
    assert_plan_is_empty(&desk, "pipes.yaml");
    desk.write_file("pipes.yaml", documents_to_yaml([&pipe]));
    assert_plan_is_empty(&desk, "pipes.yaml");
}

/// The API answers 400 to such a field in a PATCH, and may leave it out of an answer.
#[test]
fn tunnel_of_a_pipe_is_never_sent_again() {
    let mut pipe = seed_named("kafka-own-schema");
    let desk = WorkDir::new();
    apply(&desk, &pipe);
    assert_plan_is_empty(&desk, "pipes.yaml");
    pipe["spec"]["destination"]["columns"] = json!([{"name": "id", "type": "UInt64"}]);
    apply(&desk, &pipe);
    let edits = json!(sent_bodies(&desk, "PATCH")).to_string();
    assert!(edits.contains("columns") && !edits.contains("sshKey") && !edits.contains("protobufSchema"), "{edits}");
}
